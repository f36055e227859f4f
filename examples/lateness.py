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
from pathlib import Path
from statistics import median

import mido

from liveengine.recording.lateness import lateness
from liveengine.recording.trace_reader import read_performance


def late_in_trace(trace: Path) -> list[float]:
    """Return how late each note of a trace was sent, ms."""
    return [late_ms for _, late_ms in read_performance(trace).lateness()]


def off_the_grid(port: str, bpm: float, seconds: float) -> list[float]:
    """Return how far each note heard at a port lies from the sixteenths that fit them best, ms."""
    try:
        names = mido.get_input_names()
    except (
        Exception
    ) as error:  # what python-rtmidi raises without a MIDI system differs from system to system
        raise SystemExit(f"no MIDI system on this machine: {error}") from None
    found = [name for name in names if port.lower() in name.lower()]
    if not found:
        raise SystemExit(f"no input port holds {port!r}; here: {', '.join(names) or 'none'}")
    heard_s: list[float] = []

    def heard(message: mido.Message) -> None:
        if message.type == "note_on" and message.velocity:
            heard_s.append(time.monotonic())

    with mido.open_input(found[0], callback=heard):
        time.sleep(seconds)
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
