# ruff: noqa: E402 (the tests' own peers are found from the root)
"""Measure the stage page: what it costs the notes, how soon and true it sounds, how smooth and heavy it is.

    python tools/bench_stage.py --json OUT [--seconds 15] [--rounds 4] [--pages 10]

* `pages`: lateness at an independent listener, in turns without a page, with ten pages in Chromium on this
  very machine, and with ten that only read, as on other devices; `ratio` of each percentile to that without.
  The engine's late bars and dropped notes stand beside.
* `first_sound`: from the first paint to the first sample that is not silence, with one click between.
* `onsets`: how far the strokes that the page sounds lie from the trace.
* `frames`: the time between frames, and the work of one, on a phone's screen; with the processor four times
  slower too.
* `weight`: all files of the page, gzipped.

Stalls of the machine are counted apart (a probe on each core). Linux, in a network namespace with only
loopback (tools/test shows how); Debian's chromium.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from websockets.sync.client import connect

from liveengine.web.stage import built_page
from tests.live.analysis import lateness, match
from tests.live.bench import keep, ready_machine
from tests.live.browser import PHONE, Stage, launched, sounded_off_ms
from tests.live.checks import due_from
from tests.live.companion import now_us
from tests.live.engine import Engine
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe

BPM = 120.0
QUANTUM_BEATS = 4.0
SETTLE_S = 2.0
FRAMES = 300
FIRST_SOUNDS = 8
SLOWER = 4
TIMED_FRAMES = """
window.frameWork = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => ask((at) => {
  const begun = performance.now();
  draw(at);
  window.frameWork.push(performance.now() - begun);
});
"""
READ_FRAMES = """(count) => new Promise((resolve) => {
  const gaps = [];
  let last = performance.now();
  window.frameWork.length = 0;
  const next = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (gaps.length < count) requestAnimationFrame(next);
    else resolve({ gaps, work: window.frameWork.slice() });
  };
  requestAnimationFrame(next);
})"""
FIRST_SOUND = """async () => {
  document.querySelector(".switches .listen").click();
  while (!liveengine.listening) await new Promise((resolve) => setTimeout(resolve, 1));
  const { context, kit } = liveengine.listening;
  const analyser = context.createAnalyser();
  for (const drum of Object.values(kit.drums)) drum.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  for (;;) {
    analyser.getFloatTimeDomainData(samples);
    if (samples.some((sample) => Math.abs(sample) > 0.001)) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return performance.now() + (context.outputLatency || context.baseLatency) * 1000 - painted;
}"""


class Reader:
    """A page on another device: reads all that it is told, and asks for the time once a second."""

    def __init__(self, address: str) -> None:
        """Join."""
        self.read_bytes = 0
        socket = f"{address.replace('http://', 'ws://')}/api/v1/live/stage"
        self._page = connect(socket, proxy=None, compression=None)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        asked = 0.0
        for message in self._page:
            self.read_bytes += len(message)
            if time.monotonic() > asked + 1:
                asked = time.monotonic()
                self._page.send('{"type": "ping", "sent_ms": 0}')

    def close(self) -> None:
        """Leave."""
        self._page.close()
        self._reading.join()


Span = tuple[float, float]


@contextmanager
def in_chromium(browser: Browser, address: str, count: int) -> Iterator[None]:
    """Keep pages open in Chromium."""
    pages = [Stage(browser, address) for _ in range(count)]
    yield
    for page in pages:
        page.close()


@contextmanager
def elsewhere(address: str, count: int) -> Iterator[list[Reader]]:
    """Keep pages open that only read."""
    readers = [Reader(address) for _ in range(count)]
    yield readers
    for reader in readers:
        reader.close()


def span_of(seconds: float) -> Span:
    """Let time pass; return from when to when, without the settling before."""
    time.sleep(SETTLE_S)
    begun_us = now_us()
    time.sleep(seconds)
    return begun_us, now_us()


def cost_of_pages(
    engine: Engine, browser: Browser, listener: Listener, probe: StallProbe, options: argparse.Namespace
) -> dict[str, Any]:
    """Measure lateness in turns without pages, with pages here, and with pages elsewhere."""
    address = engine.wait_for("header")["web"]
    spans: dict[str, list[Span]] = {"none": [], "chromium": [], "elsewhere": []}
    told_bytes = []
    for _ in range(options.rounds):
        spans["none"].append(span_of(options.seconds))
        with elsewhere(address, options.pages) as readers:
            before = sum(reader.read_bytes for reader in readers)
            spans["elsewhere"].append(span_of(options.seconds))
            told_bytes.append(sum(reader.read_bytes for reader in readers) - before)
        with in_chromium(browser, address, options.pages):
            spans["chromium"].append(span_of(options.seconds))
    recording = listener.stop()
    stalls = probe.stalls()
    matching = match(engine.notes(), recording.messages)
    found: dict[str, Any] = {}
    for name, each in spans.items():
        pairs = [pair for span in each for pair in due_from(matching.pairs, recording.session, *span)]
        late = lateness(pairs, recording.session, QUANTUM_BEATS, stalls)
        found[name] = {
            "notes": late.count,
            "unheard": sum(begin <= note.sent_us < end for begin, end in each for note in matching.unheard),
            "stalled": late.stalled,
            "p50_ms": late.p50_ms,
            "p95_ms": late.p95_ms,
            "p99_ms": late.p99_ms,
            "max_ms": late.max_ms,
        }
    for name in ("chromium", "elsewhere"):
        for figure in ("p50_ms", "p95_ms", "p99_ms"):
            found[name][f"{figure[:3]}_ratio"] = found[name][figure] / found["none"][figure]
    found["told_bytes_a_page_a_second"] = median(told_bytes) / options.pages / (options.seconds + SETTLE_S)
    return found


def first_sound(browser: Browser, address: str) -> dict[str, float]:
    """Measure from the first paint to the first sound; the click comes as soon as there is what to click."""
    waits_ms = []
    for _ in range(FIRST_SOUNDS):
        page = Stage(browser, address)
        waits_ms.append(float(page.ask(FIRST_SOUND)))
        page.close()
    return {"median_ms": median(waits_ms), "max_ms": max(waits_ms)}


def onsets(browser: Browser, engine: Engine, seconds: float) -> dict[str, float]:
    """Measure how far what the page sounds lies from the trace."""
    page = Stage(browser, engine.wait_for("header")["web"], bypass_csp=True)
    clock_us = page.engine_clock_error_us()
    page.page.locator(".switches .listen").click()
    page.wait_for("() => liveengine.listening?.context.state === 'running'", "the page to sound")
    time.sleep(1.0)
    off, strokes = sounded_off_ms(page, engine, seconds)
    page.close()
    return {
        "strokes": strokes,
        "found": len(off),
        "p50_ms": float(np.median(off)),
        "p95_ms": float(np.percentile(off, 95)),
        "max_ms": float(off.max()),
        "clock_off_ms": clock_us / 1_000,
    }


def frames(browser: Browser, address: str, slower: int) -> dict[str, float]:
    """Measure frames on a phone's screen."""
    page = Stage(
        browser,
        address,
        viewport=PHONE,
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
        init=TIMED_FRAMES,
    )
    page.context.new_cdp_session(page.page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    time.sleep(1.0)
    read = page.ask(READ_FRAMES, FRAMES)
    page.close()
    return {
        "gap_p50_ms": float(np.median(read["gaps"])),
        "gap_p95_ms": float(np.percentile(read["gaps"], 95)),
        "work_p50_ms": float(np.median(read["work"])),
        "work_p95_ms": float(np.percentile(read["work"], 95)),
        "late_frames": float(np.mean(np.array(read["gaps"]) > 25)),
    }


def weight() -> dict[str, int]:
    """Return the bytes of the page's files, gzipped."""
    kept = {
        str(path.relative_to(built_page())): len(gzip.compress(path.read_bytes(), 9))
        for path in sorted(built_page().rglob("*"))
        if path.is_file()
    }
    return {**kept, "all": sum(kept.values())}


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--only", choices=("pages", "first_sound", "onsets", "frames", "weight"))
    options = parser.parse_args(arguments)
    console = Console()
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        machine = stack.enter_context(ready_machine())
        folder, probe = machine.folder, machine.probe
        stack.callback(Peer(BPM).close)
        listener = Listener(folder / "heard.jsonl")
        stack.callback(listener.close)
        engine = Engine(folder, "--backend", "jack", "--style", "funk", "--seed", "6", "--web-port", "0")
        stack.callback(engine.close)
        engine.wait_for("bar")
        browser = launched(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        address = engine.wait_for("header")["web"]
        measurements: dict[str, Callable[[], dict[str, Any]]] = {
            "first_sound": lambda: first_sound(browser, address),
            "onsets": lambda: onsets(browser, engine, options.seconds),
            "frames": lambda: {
                "as it is": frames(browser, address, 1),
                f"{SLOWER} times slower": frames(browser, address, SLOWER),
            },
            "weight": weight,
            "pages": lambda: cost_of_pages(engine, browser, listener, probe, options),
        }
        for name, measure in measurements.items():
            if options.only in (None, name):
                found[name] = measure()
                console.print(name, found[name])
        engine.stop()
        summary = engine.lines("summary")[-1]
        found["late_bars"], found["dropped"] = summary["late_bars"], summary["dropped"]
        found["stalls"] = len(probe.stalls())
    console.print({name: found[name] for name in ("late_bars", "dropped", "stalls")})
    keep(found, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
