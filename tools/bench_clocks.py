# ruff: noqa: E402 (the tests' own peers are found from the root)
"""Measure how an engine follows MIDI clock and a Link session's starts and stops, with both cores busy.

    python tools/bench_clocks.py --json OUT [--only ROW ...] [--rounds 20] [--seconds 40]

Notes are straight (no swing, no jitter of their own) and count as they are sent.

* `even`, `rough`: 120 bpm with 1 ms of jitter, and with 5 ms and 2 % of the pulses lost; how far notes lie
  from the sender's true grid, `p50_ms` and `p99_ms`.
* `ramp`: 100 to 140 bpm over eight bars; `p95_ms`.
* `steps`: 10 % up and down again; how many beats after it the last note was off the new grid.
* `turns`: stop, then start, or continue from a place in the song; `right` rounds have their bar lines where
  the song has them, `late_stops` a note more than 60 ms after a stop.
* `joined`: a Link session that plays is stopped after the engine has joined it; `last_ms` after the stop.
* `waits`: `--wait`, the session starts and stops; `early` notes before a start, `off_quantum` first notes.

Linux, in a network namespace with only loopback (tools/test shows how).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.live.analysis import in_stall, percentile
from tests.live.bench import keep, ready_machine
from tests.live.clock_master import CONTINUE, SONG_POSITION, START, STOP, ClockMaster
from tests.live.companion import now_us
from tests.live.engine import Engine
from tests.live.link_peer import Peer
from tests.live.machine import StallProbe

STRAIGHT = ("--humanize", "0", "--swing", "50", "--style", "house", "--fill-every", "0")
STEP_BEATS, BAR_BEATS = 0.25, 4.0
KNOWN_S = 3.0
SETTLED_BEATS = 4.0
OFF_MS = 5.0
LATE_STOP_US = 60_000.0
BUSY = "while True: pass"


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements use."""

    folder: Path
    probe: StallProbe
    rounds: int
    seconds: float

    def engine(self, name: str, *arguments: str) -> Engine:
        """Start an engine whose first bar is made when this returns."""
        folder = self.folder / name
        folder.mkdir()
        engine = Engine(folder, "--backend", "jack", "--no-web", *STRAIGHT, *arguments)
        engine.wait_for("header")
        return engine


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep two processes computing at the usual priority."""
    spinning = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(2)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


def off_ms(bench: Bench, engine: Engine, master: ClockMaster, from_beat: float) -> list[tuple[float, float]]:
    """Return (beat, milliseconds off the sixteenths of the sender's true grid) of each note, stalls aside."""
    found = []
    for note in engine.lines("note"):
        at_us = note["sent_us"]
        if at_us >= master.due_us[-1] or in_stall(note["due_us"], at_us, bench.probe.stalls()):
            continue
        beat = master.place(at_us)
        if beat >= from_beat:
            off_beats = (beat + STEP_BEATS / 2) % STEP_BEATS - STEP_BEATS / 2
            pulse_us = master.place_us(at_us)
            found.append((beat, off_beats * 24 * pulse_us / 1e3))
    return found


def followed(bench: Bench, name: str, seconds: float, **clock: Any) -> tuple[Engine, ClockMaster]:
    """Let an engine follow a sender from its first downbeat on, for some seconds."""
    engine = bench.engine(name, "--clock", "midi")
    master = ClockMaster(**clock)
    engine.wait_for("decode")
    time.sleep(KNOWN_S)
    master.ask(START)
    time.sleep(seconds)
    master.ask(STOP)
    time.sleep(0.5)
    master.close()
    engine.stop()
    return engine, master


def grid(bench: Bench, name: str, **clock: Any) -> dict[str, float]:
    """Measure notes against a sender's grid."""
    engine, master = followed(bench, name, bench.seconds, **clock)
    off = [abs(each) for _, each in off_ms(bench, engine, master, SETTLED_BEATS)]
    return {
        "notes": len(off),
        "p50_ms": percentile(off, 50),
        "p95_ms": percentile(off, 95),
        "p99_ms": percentile(off, 99),
    }


def even(bench: Bench) -> dict[str, float]:
    """Measure an even sender."""
    return grid(bench, "even", bpm=120.0, jitter_ms=1.0)


def rough(bench: Bench) -> dict[str, float]:
    """Measure a rough one."""
    return grid(bench, "rough", bpm=120.0, jitter_ms=5.0, lost=0.02)


def ramp(bench: Bench) -> dict[str, float]:
    """Measure a ramp of 100 to 140 bpm over eight bars, after four even ones."""

    def bpm(beats: float) -> float:
        return 100.0 + 40.0 * max(0.0, min(1.0, (beats - 16) / 32))

    engine, master = followed(bench, "ramp", 36.0, bpm=bpm, jitter_ms=1.0)
    off = [abs(each) for beat, each in off_ms(bench, engine, master, 16.0) if beat <= 56]
    return {"notes": len(off), "p50_ms": percentile(off, 50), "p95_ms": percentile(off, 95)}


def steps(bench: Bench) -> dict[str, float]:
    """Measure steps of 10 % up and down, every 16 beats."""

    def bpm(beats: float) -> float:
        return 120.0 if beats < 16 or beats % 32 < 16 else 132.0

    engine, master = followed(bench, "steps", bench.seconds, bpm=bpm, jitter_ms=1.0)
    off = off_ms(bench, engine, master, 16.0)
    until = [beat % 16 for beat, each in off if abs(each) > OFF_MS]
    return {"notes": len(off), "steps": int(off[-1][0] // 16), "off_until_beats": max(until, default=0.0)}


def turns(bench: Bench) -> dict[str, float]:
    """Measure starts, stops and continues at random."""
    dice = random.Random(2)
    engine = bench.engine("turns", "--clock", "midi")
    master = ClockMaster(120.0, jitter_ms=1.0)
    engine.wait_for("decode")
    time.sleep(KNOWN_S)
    right, late_stops = 0, 0
    for _ in range(bench.rounds):
        song_beat = 0.0
        if dice.random() < 0.5:
            master.ask(START)
        else:
            steps = dice.randrange(0, 64)
            song_beat = steps / 4
            master.ask(SONG_POSITION, steps % 128, steps // 128)
            master.ask(CONTINUE)
        began_us = master.started_us
        time.sleep(dice.uniform(4.0, 6.0))
        master.ask(STOP)
        stopped_us = master.stopped_us
        time.sleep(1.0)
        notes = [note for note in engine.lines("note") if began_us - 5e4 <= note["sent_us"] <= now_us()]
        late_stops += any(note["sent_us"] > stopped_us + LATE_STOP_US for note in notes)
        beats = {line["bar"]: line["beat"] for line in engine.lines("bar")}
        lines = [beats[bar] for bar in {note["bar"] for note in notes} if bar in beats]
        first = (min(note["sent_us"] for note in notes) - began_us) / 500_000 + song_beat if notes else -1.0
        on_line = lines and all(abs(line / BAR_BEATS - round(line / BAR_BEATS)) < 1e-6 for line in lines)
        soon = song_beat - 0.1 <= first <= song_beat + 2 * BAR_BEATS
        right += bool(on_line and soon)
    master.close()
    engine.stop()
    return {"rounds": bench.rounds, "right": right, "late_stops": late_stops}


def joined(bench: Bench) -> dict[str, float]:
    """Measure the stop of a session that played before the engine joined it."""
    last_ms = []
    for turn in range(bench.rounds):
        peer = Peer()
        peer.set_playing(True)
        time.sleep(0.5)
        engine = bench.engine(f"joined-{turn}")
        engine.wait_for("note")
        time.sleep(1.0)
        stopped_us = peer.set_playing(False)
        time.sleep(1.5)
        last_ms.append(max((note["sent_us"] - stopped_us) / 1e3 for note in engine.lines("note")))
        engine.stop()
        peer.close()
    heard = sum(each <= 50 for each in last_ms)
    return {"rounds": bench.rounds, "within_50_ms": heard, "worst_ms": max(last_ms)}


def waits(bench: Bench) -> dict[str, float]:
    """Measure `--wait` over starts and stops of one session."""
    dice = random.Random(3)
    peer = Peer()
    engine = bench.engine("waits", "--wait")
    engine.wait_for("decode")
    time.sleep(1.0)
    early, off_quantum, late_stops = 0, 0, 0
    heard_us = now_us()
    for _ in range(bench.rounds):
        time.sleep(dice.uniform(0.5, 1.5))
        before = [note for note in engine.lines("note") if note["sent_us"] > heard_us]
        started_us = peer.set_playing(True)
        early += len([note for note in before if note["sent_us"] < started_us])
        time.sleep(dice.uniform(4.5, 6.0))
        stopped_us = peer.set_playing(False)
        time.sleep(1.0)
        notes = [note for note in engine.lines("note") if note["sent_us"] >= started_us]
        first = min(notes, key=lambda note: note["due_us"]) if notes else None
        beat = first["beat"] % BAR_BEATS if first else 1.0
        off_quantum += min(beat, BAR_BEATS - beat) > 1e-3
        late_stops += any(note["sent_us"] > stopped_us + 50_000 for note in notes)
        heard_us = now_us()
    engine.stop()
    peer.close()
    return {"rounds": bench.rounds, "early": early, "off_quantum": off_quantum, "late_stops": late_stops}


ROWS: dict[str, Callable[[Bench], dict[str, float]]] = {
    each.__name__: each for each in (even, rough, ramp, steps, turns, joined, waits)
}


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="*", choices=sorted(ROWS), default=list(ROWS))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=40.0)
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        machine = stack.enter_context(ready_machine())
        stack.enter_context(busy_cores())
        bench = Bench(machine.folder, machine.probe, options.rounds, options.seconds)
        for name in options.only:
            found[name] = ROWS[name](bench)
            figures = ", ".join(
                f"{key} {value:.2f}".removesuffix(".00") for key, value in found[name].items()
            )
            print(f"{name}: {figures}", flush=True)
    if options.json:
        keep(found, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
