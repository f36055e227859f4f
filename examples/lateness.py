"""Print how late notes were: of a performance, from its trace, or of one that plays, at a MIDI port.

    liveengine play --duration 20 --trace t.jsonl
    python examples/lateness.py t.jsonl                          # sent late, against when each was due
    python examples/lateness.py --port drums --bpm 120           # heard off the sixteenths, for 10 s

A trace knows when each note was due. A listener does not: it measures how far notes lie from a grid of
sixteenths that fits them best, so play to it with `--bpm 120 --swing 50 --humanize 0`; its figures hold the
delay of the MIDI system as well. docs/timing.md says how timing is measured in earnest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from liveengine.clock.system import now_us
from liveengine.errors import MidiError
from liveengine.midi.inputs import ListenInput
from liveengine.midi.ports import choose_backend
from liveengine.recording.lateness import lateness
from liveengine.recording.trace_reader import read_performance

NOTE_ON = 0x90


def late_in_trace(trace: Path) -> list[float]:
    """Return how late each note of a trace was sent, ms."""
    return [late_ms for _, late_ms in read_performance(trace).lateness()]


def off_the_grid(port: str, bpm: float, seconds: float) -> list[float]:
    """Return how far each note heard at a port lies from the sixteenths that fit them best, ms."""
    backend = choose_backend("auto")
    if backend is None:
        raise SystemExit("no MIDI system on this machine")
    heard_s: list[float] = []

    def heard(message: Sequence[int], at_us: float) -> None:
        if message[0] & 0xF0 == NOTE_ON and message[2]:
            heard_s.append(at_us / 1e6)

    try:
        listening = ListenInput(backend, port, heard, now_us=now_us, tell=print, client="lateness")
    except MidiError as error:
        raise SystemExit(str(error)) from None
    time.sleep(seconds)
    listening.close()
    if not heard_s:
        return []
    step_s = 60 / bpm / 4
    places = [(at - heard_s[0]) / step_s for at in heard_s]
    off_ms = [(place - round(place)) * step_s * 1000 for place in places]
    middle_ms = median(off_ms)  # the first note is no better than any other
    return [abs(off - middle_ms) for off in off_ms]


def main() -> None:
    """Read or listen, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trace", type=Path, nargs="?", help="what `play --trace` wrote")
    parser.add_argument("--port", help="part of the name of a MIDI port to listen on instead")
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    if (options.trace is None) == (options.port is None):
        parser.error("expected a trace or --port")
    if options.trace is not None:
        values_ms = late_in_trace(options.trace)
    else:
        values_ms = off_the_grid(options.port, options.bpm, options.seconds)
    figures = lateness(values_ms)
    print(f"{len(values_ms)} notes: p50 {figures.p50:.3f} ms, p99 {figures.p99:.3f} ms")


if __name__ == "__main__":
    main()
