"""Debian's Chromium with the stage page in it, and what a test asks of that page."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from liveengine.music.drums import GROUPS
from tests.live.companion import now_us
from tests.live.engine import Engine

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 10_000
READINGS = 25
WINDOW_S = 0.015
"""How far from where it should be a stroke is looked for."""
EDGE_S = 0.1
LOUD_VELOCITY = 50

RECORDER = """
class Recorder extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.most = options.processorOptions.frames;
    this.channels = [];
    this.begin = 0;
    this.port.onmessage = () => this.port.postMessage({ begin: this.begin, channels: this.channels });
  }
  process(inputs) {
    const heard = inputs[0];
    if (this.channels.length === 0) {
      this.begin = currentFrame;
      this.channels = heard.map(() => new Float32Array(this.most));
    }
    const at = currentFrame - this.begin; // a busy machine leaves blocks out
    if (at + 128 <= this.most) heard.forEach((samples, channel) => this.channels[channel].set(samples, at));
    return true;
  }
}
registerProcessor("recorder", Recorder);
"""
BEGIN_RECORDING = """async ([worklet, drums, seconds]) => {
  const { context, kit } = liveengine.listening;
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([worklet], { type: "text/javascript" })));
  const merger = context.createChannelMerger(drums.length);
  drums.forEach((drum, channel) => kit.drums[drum].connect(merger, 0, channel));
  window.recorder = new AudioWorkletNode(context, "recorder", {
    channelCount: drums.length, channelCountMode: "explicit", channelInterpretation: "discrete",
    processorOptions: { frames: Math.ceil((context.sampleRate * seconds) / 128) * 128 },
  });
  merger.connect(window.recorder).connect(context.destination);
}"""
END_RECORDING = """async () => {
  const recorded = await new Promise((resolve) => {
    window.recorder.port.onmessage = (event) => resolve(event.data);
    window.recorder.port.postMessage("enough");
  });
  window.recorder.disconnect();
  const text = (samples) => {
    const bytes = new Uint8Array(samples.buffer);
    let letters = "";
    for (let at = 0; at < bytes.length; at += 32768) {
      letters += String.fromCharCode(...bytes.subarray(at, at + 32768));
    }
    return btoa(letters);
  };
  const { sampleRate } = liveengine.listening.context;
  return { begin: recorded.begin, rate: sampleRate, channels: recorded.channels.map(text) };
}"""
AUDIO_CLOCK = """() => {
  const stamp = liveengine.listening.context.getOutputTimestamp();
  return stamp.performanceTime / 1000 - stamp.contextTime;
}"""


class Stage:
    """The stage page in a browser context of its own."""

    def __init__(self, browser: Browser, address: str, *, init: str = "", **options: Any) -> None:
        """Open the page, and wait until it shows a plan; `init` is run in it before anything else."""
        self.context: BrowserContext = browser.new_context(
            **{"viewport": DESKTOP, "accept_downloads": True, **options}
        )
        if init:
            self.context.add_init_script(init)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.goto(address)
        self.wait_for("() => liveengine.painted !== null && liveengine.told.live !== null", "a plan")

    def ask(self, question: str, given: Any = None) -> Any:
        """Return what a function in the page returns."""
        return self.page.evaluate(question, given)

    def wait_for(self, true: str, what: str, timeout_s: float = PATIENCE_MS / 1_000) -> None:
        """Ask until a function in the page returns what is true; raises AssertionError with `what`."""
        deadline = time.monotonic() + timeout_s
        while not self.ask(true):
            assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}; errors: {self.errors}"
            time.sleep(0.03)

    def value(self, control: str) -> Any:
        """Return a control's value as the engine has told the page."""
        return self.ask("(name) => liveengine.told.controls.values[name]", control)

    def wait_for_value(self, control: str, value: Any) -> None:
        """Wait until the engine has told the page that a control has a value."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while (told := self.value(control)) != value:
            assert time.monotonic() < deadline, f"waited for {control} to be {value!r}, it is {told!r}"
            time.sleep(0.03)

    def slide(self, control: str, value: float) -> None:
        """Put a slider somewhere, as a finger does."""
        self.page.locator(f"input[data-control={control}]").fill(f"{value:g}")

    def engine_clock_error_us(self) -> float:
        """Return how far the page's idea of the engine's clock is off; both clocks are this machine's."""
        off = []
        for _ in range(READINGS):
            before = time.time() * 1e6 - now_us()
            wall_ms, told_us = self.ask(
                "() => { const now = performance.now();"
                " return [performance.timeOrigin + now, liveengine.clock.engineUs(now)]; }"
            )
            off.append(told_us - (wall_ms * 1e3 - before))
        return float(np.median(off))

    def close(self) -> None:
        """Close the page; raises AssertionError if anything in it had failed."""
        self.context.close()
        assert not self.errors, self.errors


def listening_at(stage: Stage) -> Callable[[float], float]:
    """Return a function from seconds of the audio clock to when they are heard, in µs of Link's clock.

    By the browser's own statement of its output, not by the page's arithmetic.
    """
    offsets = [float(stage.ask(AUDIO_CLOCK)) for _ in range(READINGS)]
    origin_ms = float(stage.ask("() => performance.timeOrigin"))
    between_us = time.time() * 1e6 - now_us()
    behind_s = float(np.median(offsets))
    return lambda at_s: (at_s + behind_s) * 1e6 + origin_ms * 1e3 - between_us


def record(stage: Stage, drums: list[str], seconds: float) -> tuple[np.ndarray, float, float]:
    """Return what the kit's drums sound like: (drum, frame), the first frame's time in s, and the rate."""
    stage.ask(BEGIN_RECORDING, [RECORDER, drums, seconds])
    time.sleep(seconds + 0.3)
    recorded = stage.ask(END_RECORDING)
    channels = [np.frombuffer(base64.b64decode(text), np.float32) for text in recorded["channels"]]
    return np.stack(channels), recorded["begin"] / recorded["rate"], float(recorded["rate"])


def launched(playwright: Playwright) -> Browser:
    """Return Debian's Chromium, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))


def onset_near(samples: np.ndarray, rate: float, at_s: float, window_s: float) -> float | None:
    """Return where a stroke begins, nearest to a moment within a window, in seconds; None where none does.

    A stroke is where the loudness of the differences, in quarters of a millisecond, first rises above all
    that it was over the 2 ms before; what rings on from the stroke before hides the softest. Where there is
    no stroke, chance shows one within 5 ms in 3 of 100 places.
    """
    hop = max(1, round(rate * 0.000_25))
    first = max(1, round((at_s - window_s - 0.002) * rate))
    last = min(len(samples) - 1, round((at_s + window_s + 0.002) * rate))
    rises = np.abs(np.diff(samples[first - 1 : last]))
    blocks = rises[: len(rises) // hop * hop].reshape(-1, hop).max(axis=1)
    before = np.array([blocks[max(0, each - 8) : each].max(initial=0.0) for each in range(len(blocks))])
    risen = np.flatnonzero(blocks > 1.8 * before + 2e-4)
    risen = risen[risen >= 8]
    if not len(risen):
        return None
    onsets_s = (first + risen * hop) / rate
    return float(onsets_s[np.argmin(np.abs(onsets_s - at_s))])


def sounded_off_ms(stage: Stage, engine: Engine, seconds: float) -> tuple[np.ndarray, int]:
    """Return how far the strokes that the page sounds lie from the trace, ms, and how many there were.

    The page must sound already. Strokes of one drum that are too near each other to be told apart are not
    among them, nor soft ones, which drown in what rings on.
    """
    samples, begin_s, rate = record(stage, list(GROUPS), seconds)
    heard_us = listening_at(stage)
    begin_us, end_us = heard_us(begin_s), heard_us(begin_s + seconds)
    voices = stage.ask("() => liveengine.told.welcome.voices")
    channel = {voice["note"]: list(GROUPS).index(voice["drum"]) for voice in voices}
    engine.wait_for("note", lambda line: line["due_us"] > end_us)
    strokes = [
        (
            channel[line["note"]],
            (line["due_us"] + line["latency_ms"] * 1e3 - begin_us) / 1e6,
            line["velocity"],
        )
        for line in engine.lines("note")
    ]
    alone = [
        (drum, at_s)
        for drum, at_s, velocity in strokes
        if EDGE_S < at_s < seconds - EDGE_S
        and velocity >= LOUD_VELOCITY
        and sum(other == drum and abs(at - at_s) < 2 * WINDOW_S for other, at, _ in strokes) == 1
    ]
    onsets = [(at_s, onset_near(samples[drum], rate, at_s, WINDOW_S)) for drum, at_s in alone]
    return np.abs([(onset - at_s) * 1_000 for at_s, onset in onsets if onset is not None]), len(alone)
