"""Debian's Chromium with the stage page in it, and what a test asks of that page."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

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
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 10_000
OPEN_MS = 45_000
"""For a page to load from an engine that has just started, on busy cores."""
expect.set_options(timeout=PATIENCE_MS)
READINGS = 25
WINDOW_S = 0.015
"""How far from where it should be a stroke is looked for."""
SETTLED_S = 0.5
"""Chromium's audio clock slips by some ms as the recorder joins its graph; by then the page has followed."""
ATTACK_S = 0.012
EDGE_S = WINDOW_S + ATTACK_S
LIKE = 0.4
"""How much what is heard must be like a stroke's attack, by their correlation. In five styles 98 of 100
strokes were, and 1 of 100 places without one."""
STAMPS_NEAR = 7
"""Statements of the audio clock before and after one, the median of which it is."""
TAKES = 3
"""No voice has more different strokes than this."""
ALONE_S = 3.0
"""No stroke rings longer."""

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
TO_TEXT = """() => {
  window.toText = (samples) => {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    let letters = "";
    for (let at = 0; at < bytes.length; at += 32768) {
      letters += String.fromCharCode(...bytes.subarray(at, at + 32768));
    }
    return btoa(letters);
  };
}"""
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
  window.stamps = [];
  window.stamping = setInterval(() => {
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    window.stamps.push([contextTime, performanceTime / 1000 - contextTime]);
  }, 20);
}"""
END_RECORDING = """async () => {
  const recorded = await new Promise((resolve) => {
    window.recorder.port.onmessage = (event) => resolve(event.data);
    window.recorder.port.postMessage("enough");
  });
  window.recorder.disconnect();
  clearInterval(window.stamping);
  const { sampleRate } = liveengine.listening.context;
  const channels = recorded.channels.map(toText);
  return { begin: recorded.begin, rate: sampleRate, channels, stamps: window.stamps };
}"""
RENDER_STROKES = """async ([voices, seconds]) => {
  const { context, kit } = liveengine.listening;
  const { sampleRate } = context;
  const drums = liveengine.listening.kitOf(liveengine.received.controls.wished_style);
  const offline = new OfflineAudioContext(1, voices.length * seconds * sampleRate, sampleRate);
  const other = new kit.constructor(offline, offline.destination);
  voices.forEach((voice, index) => other.strike(voice, 110, index * seconds, drums));
  return toText((await offline.startRendering()).getChannelData(0));
}"""


class Stage:
    """The stage page in a browser context of its own."""

    def __init__(self, browser: Browser, address: str, *, init: str = "", **options: Any) -> None:
        """Open the page, and wait until it shows a plan; `init` is run in it before anything else."""
        self.context: BrowserContext = browser.new_context(
            **{
                "viewport": DESKTOP,
                "accept_downloads": True,
                "locale": "en-GB",
                "color_scheme": "dark",
                **options,
            }
        )
        if init:
            self.context.add_init_script(init)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.goto(address, timeout=OPEN_MS)
        self.wait_for("() => liveengine.painted !== null && liveengine.received.live !== null", "a plan")

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
        return self.ask("(name) => liveengine.received.controls.values[name]", control)

    def wait_for_value(self, control: str, value: Any) -> None:
        """Wait until the engine has told the page that a control has a value."""
        deadline = time.monotonic() + PATIENCE_MS / 1_000
        while (told := self.value(control)) != value:
            assert time.monotonic() < deadline, f"waited for {control} to be {value!r}, it is {told!r}"
            time.sleep(0.03)

    def show(self, task: str) -> None:
        """Bring a part of the page to the front, where it is not in view anyway."""
        for tab in self.page.locator(f"[data-tab={task}]").all():
            if tab.is_visible():
                tab.click()

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


@dataclass(frozen=True, slots=True)
class Recording:
    """What the kit's drums sound like, (drum, frame), and the audio clock by which they do.

    `stamps` are the browser's own statements of its output, (n, 2): seconds of the audio clock, and how far
    behind the page's clock they are heard, in seconds. The page's arithmetic is not among them.
    """

    samples: np.ndarray
    rate: float
    begin_s: float
    stamps: np.ndarray

    def place_of(self, stage: Stage) -> Callable[[float], float]:
        """Return a function from a moment of Link's clock, µs, to where in the recording it is heard, s.

        Where the audio clock slips, what comes after is mapped by what the browser says after.
        """
        at_s, behind_s = self.stamps.T
        near = [slice(max(0, each - STAMPS_NEAR), each + STAMPS_NEAR + 1) for each in range(len(at_s))]
        heard_s = at_s + [np.median(behind_s[each]) for each in near]
        origin_us = float(stage.ask("() => performance.timeOrigin")) * 1e3 - (time.time() * 1e6 - now_us())
        heard_us = np.maximum.accumulate(heard_s * 1e6 + origin_us)
        return lambda moment_us: float(np.interp(moment_us, heard_us, at_s)) - self.begin_s


def record(stage: Stage, drums: list[str], seconds: float) -> Recording:
    """Return what the page sounds for so many seconds."""
    stage.ask(TO_TEXT)
    stage.ask(BEGIN_RECORDING, [RECORDER, drums, seconds])
    time.sleep(seconds + 0.3)
    recorded = stage.ask(END_RECORDING)
    channels = np.stack([_samples(text) for text in recorded["channels"]])
    rate = float(recorded["rate"])
    return Recording(channels, rate, recorded["begin"] / rate, np.array(recorded["stamps"]))


def attacks(stage: Stage, voices: list[str], rate: float) -> dict[str, list[np.ndarray]]:
    """Return how each of the page's voices begins when it is struck alone, in all the ways that it has."""
    stage.ask(TO_TEXT)
    rendered = _samples(stage.ask(RENDER_STROKES, [[each for each in voices for _ in range(TAKES)], ALONE_S]))
    begins = [round(each * ALONE_S * rate) for each in range(TAKES * len(voices))]
    strokes = [np.diff(rendered[begin : begin + round(ATTACK_S * rate)]) for begin in begins]
    return {voice: strokes[TAKES * each : TAKES * (each + 1)] for each, voice in enumerate(voices)}


def _samples(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float32).astype(float)


def launched(playwright: Playwright) -> Browser:
    """Return Debian's Chromium, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))


def onset_near(samples: np.ndarray, rate: float, at_s: float, strokes: list[np.ndarray]) -> float | None:
    """Return where a stroke begins within `WINDOW_S` of a moment, in seconds; None where none is heard.

    It begins where what is heard is most like one of the voice's attacks (normalised cross-correlation of the
    differences, in which what rings on from strokes before counts little).
    """
    first = round((at_s - WINDOW_S) * rate)
    heard = np.diff(samples[first : round((at_s + WINDOW_S + ATTACK_S) * rate)])
    most_like, onset_s = LIKE, None
    for stroke in strokes:
        power = np.convolve(heard**2, np.ones(len(stroke)), "valid") * np.sum(stroke**2)
        like = np.correlate(heard, stroke, "valid") / np.sqrt(power + 1e-12)
        best = int(np.argmax(like))
        if like[best] > most_like:
            most_like, onset_s = float(like[best]), (first + best) / rate
    return onset_s


def sounded_off_ms(stage: Stage, engine: Engine, seconds: float) -> tuple[np.ndarray, int]:
    """Return how far the strokes that the page sounds lie from the trace, ms, and how many there were.

    The page must sound already. Strokes of one drum that are too near each other to be told apart are not
    among them.
    """
    recording = record(stage, list(GROUPS), SETTLED_S + seconds)
    place_of, until_us = recording.place_of(stage), now_us()
    engine.wait_for("note", lambda line: line["due_us"] > until_us)
    voices = {voice["note"]: voice for voice in stage.ask("() => liveengine.received.welcome.voices")}
    strokes = [
        (voices[line["note"]], place_of(line["due_us"] + line["latency_ms"] * 1e3))
        for line in engine.lines("note")
    ]
    alone = [
        (voice, at_s)
        for voice, at_s in strokes
        if SETTLED_S < at_s < SETTLED_S + seconds - EDGE_S
        and sum(other["drum"] == voice["drum"] and abs(at - at_s) < 2 * WINDOW_S for other, at in strokes)
        == 1
    ]
    shapes = attacks(stage, sorted({voice["name"] for voice, _ in alone}), recording.rate)
    drums = dict(zip(GROUPS, recording.samples, strict=True))
    onsets = [
        (at_s, onset_near(drums[voice["drum"]], recording.rate, at_s, shapes[voice["name"]]))
        for voice, at_s in alone
    ]
    return np.abs([(onset - at_s) * 1_000 for at_s, onset in onsets if onset is not None]), len(alone)
