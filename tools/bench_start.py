"""How long commands take to start, each as a ratio to a bare Python's start on the same machine.

    python tools/bench_start.py                 styles, --help, and play to its first note
    python tools/bench_start.py --runs 15       more of each

The runs of all commands take turns with the bare start, so that other work on the machine falls on all alike.
Medians are printed, of the time on the clock and of the processor's time, which other work disturbs less.
`play` runs without MIDI and Link, on the machine's own clock: to its first note is from its start to when
that was sent. PYTHONDONTWRITEBYTECODE is taken away: with it every start would compile torch anew.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from liveengine.clock.system import SystemClock

LIMITS_S = {"styles": 0.6, "--help": 0.6, "play to its first note": 5.0}
"""What each may take on a machine that does nothing else."""
PLAY = shlex.split("play --no-ui --backend none --clock system --no-web --style funk --bpm 120 --seed 1")
PATIENCE_S = 120.0


def children_cpu_s() -> float:
    """Return the processor time of all children that have ended, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(run: Callable[[], float | None]) -> tuple[float, float]:
    """Return how long something took on the clock, or what it says itself, and of the processor, s."""
    cpu_s, begin_s = children_cpu_s(), time.monotonic()
    took_s = run()
    return time.monotonic() - begin_s if took_s is None else took_s, children_cpu_s() - cpu_s


def command(*arguments: str) -> Callable[[], None]:
    """Return what runs this Python with arguments."""

    def run() -> None:
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

    return run


def play_to_first_note() -> float:
    """Play until a note has been sent; return how long after the start that was, s."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "t.jsonl"
        begin_us = clock.now_us()
        playing = subprocess.Popen(
            [sys.executable, "-m", "liveengine", *PLAY, "--trace", str(trace)], stdout=subprocess.DEVNULL
        )
        try:
            while (sent_us := first_sent_us(trace)) is None:
                if playing.poll() is not None or clock.now_us() - begin_us > PATIENCE_S * 1e6:
                    raise SystemExit(f"play sent no note (exit status {playing.poll()})")
                time.sleep(0.05)
        finally:
            playing.terminate()
            playing.wait()
    return (sent_us - begin_us) / 1e6


def first_sent_us(trace: Path) -> float | None:
    """Return when the first note of a trace was sent; None while there is none."""
    if not trace.exists():
        return None
    for line in trace.read_text(encoding="utf-8").splitlines():
        if '"note"' in line and line.endswith("}"):
            event = json.loads(line)
            if event["type"] == "note":
                return float(event["sent_us"])
    return None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7, help="of each command")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    programs = {
        "bare Python": command("-c", "pass"),
        "styles": command("-m", "liveengine", "styles"),
        "--help": command("-m", "liveengine", "--help"),
        "play to its first note": play_to_first_note,
    }
    for run in programs.values():  # what is compiled or read for the first time is not counted
        run()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(options.runs):
        for name, run in programs.items():
            taken[name].append(timed(run))
    bare_s, bare_cpu_s = (median(column) for column in zip(*taken["bare Python"], strict=True))
    print(f"Python {sys.version.split()[0]}, {options.runs} runs of each, load {os.getloadavg()[0]:.1f}")
    print(f"{'':24}{'clock':>9}{'ratio':>8}{'processor':>12}{'ratio':>8}{'limit':>8}")
    for name, runs in taken.items():
        clock_s, cpu_s = (median(column) for column in zip(*runs, strict=True))
        limit = f"{LIMITS_S[name]:.1f} s" if name in LIMITS_S else ""
        ratios = f"{clock_s:7.2f} s{clock_s / bare_s:8.0f}{cpu_s:10.2f} s{cpu_s / bare_cpu_s:8.0f}"
        print(f"{name:24}{ratios}{limit:>8}")


if __name__ == "__main__":
    main()
