# ruff: noqa: E402, PLR0917 (the tests' own peers are found from the root; a measurement has many parts)
"""Measure when notes arrive: our engine beside a plain aalink loop and isobar, at an independent listener.

    python tools/bench_timing.py --json OUT [--seconds 20] [--programs ours,ours_ordinary,aalink,isobar]

One Link session and one JACK server (a dummy driver, 96 kHz, periods of a third of a millisecond, which
alone blurs by 0.33 ms). Each program in turn joins, and plays sixteenths through 120, 90, 150 and 120 bpm,
while both cores burn with ordinary work and a generator writes bars without pause. The listener is a process
with a Link peer and a JACK input of its own; what it hears is held against the nearest sixteenth of its own
session.

Ours is the engine's real session, conductor and player process, given sixteenths instead of a model's bars;
`ours_ordinary` is the same without the right to real-time priority. Notes in which the machine itself stood
still (a probe of the highest priority on each core) are counted apart, as are those of the beat after a
tempo step, which a peer learns of in its own time. A sixteenth that nobody played is `missed`.

Linux, in a network namespace with only loopback (tools/test shows how), as root for the probe. isobar and
LinkPython-extern are installed by hand: pip install isobar LinkPython-extern.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.table import Table

from tests.live.analysis import Stall, in_stall, percentile
from tests.live.conftest import missing_parts
from tests.live.jack import JackServer
from tests.live.link_peer import Peer
from tests.live.listener import Listener, Recording
from tests.live.machine import AwakeCores, StallProbe
from tests.live.sounding import grid_distance_ms

STEP_BEATS = 0.25
TEMPI_BPM = (120.0, 90.0, 150.0, 120.0)
STEP_S = 5.0
"""How long each tempo after the first lasts."""
SETTLED_BEATS = 1.0
PORT_PATIENCE_S = 30.0
START_S = 5.0
"""From the port's appearance to the first note that counts."""
NOTE = 60
NOTE_S = 0.03
PROGRAMS = ("ours", "ours_ordinary", "aalink", "isobar")
WITHOUT_REAL_TIME = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice")


def play_aalink() -> None:
    """Await each sixteenth and send: what the examples of aalink do."""
    import rtmidi

    from tests.live.link_peer import settled_link

    async def play() -> None:
        link = await settled_link(TEMPI_BPM[0], 4.0)
        output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="bench-aalink")
        output.open_virtual_port("out")
        loop = asyncio.get_running_loop()
        while True:
            await link.sync(STEP_BEATS)
            output.send_message([0x99, NOTE, 100])
            loop.call_later(NOTE_S, output.send_message, [0x89, NOTE, 0])

    asyncio.run(play())


def play_isobar() -> None:
    """Play a pattern on isobar's Link clock."""
    import isobar
    import mido

    mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
    device = isobar.MidiOutputDevice("bench-isobar", virtual=True)
    timeline = isobar.Timeline(clock_source="link", output_device=device)
    timeline.schedule({"note": NOTE, "duration": STEP_BEATS, "gate": 0.25})
    timeline.run()


def play_ours() -> None:
    """Play sixteenths through the engine: its session, its conductor and its player process."""
    from liveengine.bootstrap import PlayOptions, gather
    from liveengine.clock.link import LinkTimeline
    from liveengine.engine.player_client import ProcessPlayer
    from liveengine.engine.session import Session
    from liveengine.engine.trace import Trace
    from liveengine.generation.fixed import FixedBarSource
    from liveengine.music.drums import Voice
    from liveengine.music.pattern import Hit
    from liveengine.settings import load_engine_settings

    async def play() -> None:
        settings = replace(load_engine_settings(), backend="jack", swing_percent=50.0, humanize=0.0, seed=1)
        parts = gather(PlayOptions(settings, bpm=TEMPI_BPM[0]))
        pids: list[int] = []
        player = ProcessPlayer(parts.player_settings("jack"), pids.append)
        sys.stderr.write(f"{player.ready.priority}\n{pids[0]}\n")
        session = Session(
            timeline=await LinkTimeline.join(parts.bpm, settings.quantum),
            source=FixedBarSource(
                lambda meter: tuple(Hit(step, Voice.CLOSED_HAT, 0, 100) for step in range(meter.steps))
            ),
            player=player,
            conductor=parts.conductor(0.0),
            record=parts.record(Trace(None)),
        )
        await session.run(None)

    asyncio.run(play())


def burn() -> None:
    """Do ordinary work for ever."""
    total = 0
    while True:
        total += sum(range(1000))


def write_bars() -> None:
    """Write bars with the shipped drummer for ever, as low as the engine's generator runs."""
    from liveengine.generation.generator import BarGenerator
    from liveengine.generation.worker import NICENESS
    from liveengine.music.beats import FOUR_FOUR
    from liveengine.music.request import BarRequest, Conditioning
    from liveengine.settings import default_checkpoint

    os.nice(NICENESS)
    generator = BarGenerator(default_checkpoint())
    serial = 0
    while True:
        serial += 1
        asked = Conditioning((("funk", 1.0),), 120.0)
        generator.generate(BarRequest(serial, serial, FOUR_FOUR, asked, (), serial))


CHILDREN: dict[str, Callable[[], None]] = {
    "ours": play_ours,
    "ours_ordinary": play_ours,
    "aalink": play_aalink,
    "isobar": play_isobar,
    "burn": burn,
    "write_bars": write_bars,
}


def start(stack: ExitStack, child: str, log: Path) -> None:
    """Run this file as one of its children until the stack ends."""
    command = [sys.executable, str(Path(__file__).resolve()), "--child", child]
    if child == "ours_ordinary":
        command = [*WITHOUT_REAL_TIME, *command]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)

    def end() -> None:
        process.kill()
        process.wait()

    stack.callback(end)


def new_port(server: JackServer, before: Sequence[str], log: Path) -> str:
    """Wait for a program's port and return its name; raises SystemExit with its log if none comes."""
    deadline = time.monotonic() + PORT_PATIENCE_S
    while time.monotonic() < deadline:
        fresh = [port for port in server.patchbay.ports() if port not in before]
        if fresh:
            return fresh[0]
        time.sleep(0.05)
    raise SystemExit(f"bench_timing: no port came:\n{log.read_text(errors='replace')}")


def measure(
    server: JackServer, peer: Peer, probe: StallProbe, program: str, folder: Path, first_s: float
) -> dict[str, Any]:
    """Let one program play through all tempi; return its figures."""
    log = folder / f"{program}.log"
    peer.set_tempo(TEMPI_BPM[0])
    before = server.patchbay.ports()
    with ExitStack() as stack:
        start(stack, program, log)
        port = new_port(server, before, log)
        listener = Listener(folder / f"{program}.jsonl", source=port)
        stack.callback(listener.close)
        listener.wait_for(lambda state: state["ons"] > 0, f"notes of {program}", PORT_PATIENCE_S)
        time.sleep(START_S)
        begun_us = peer.state()["at_us"]
        time.sleep(first_s)
        steps_us = []
        for bpm in TEMPI_BPM[1:]:
            steps_us.append(peer.set_tempo(bpm))
            time.sleep(STEP_S)
        ended_us = peer.state()["at_us"]
        recording = listener.stop()
    found: dict[str, Any] = figures(recording, probe.stalls(), begun_us, ended_us, len(steps_us))
    if program.startswith("ours"):
        found["priority"] = log.read_text(errors="replace").splitlines()[0]
    return found


def figures(
    recording: Recording, stalls: Sequence[Stall], begun_us: float, ended_us: float, steps: int
) -> dict[str, float]:
    """Return lateness in ms, absolute, and what was missed, between two moments."""
    session = recording.session
    changes = session.tempo_changes()[-steps:] if steps else []
    unsettled = [
        (change.time_us, session.time_of(change.beat + SETTLED_BEATS, change.time_us)) for change in changes
    ]

    def counts(at_us: float) -> bool:
        return begun_us <= at_us <= ended_us and not any(begin <= at_us <= end for begin, end in unsettled)

    signed, stalled = [], 0
    struck: set[int] = set()
    for message in recording.messages:
        if not message.is_on():
            continue
        struck.add(round(session.beat_at(message.at_us) / STEP_BEATS))
        if not counts(message.at_us):
            continue
        late_ms = grid_distance_ms(message, session, STEP_BEATS)
        due_us = message.at_us - late_ms * 1_000
        if in_stall(min(due_us, message.at_us), message.at_us, list(stalls)):
            stalled += 1
        else:
            signed.append(late_ms)
    first = round(session.beat_at(begun_us) / STEP_BEATS)
    last = round(session.beat_at(ended_us) / STEP_BEATS)
    missed = 0
    for number in range(first + 1, last):
        at_us = session.time_of(number * STEP_BEATS, (begun_us + ended_us) / 2)
        if number not in struck and counts(at_us) and not in_stall(at_us, at_us + 60_000, list(stalls)):
            missed += 1
    sizes = [abs(late) for late in signed]
    return {
        "notes": len(sizes),
        "stalled": stalled,
        "missed": missed,
        "signed_median_ms": median(signed),
        "median_ms": percentile(sizes, 50),
        "p95_ms": percentile(sizes, 95),
        "p99_ms": percentile(sizes, 99),
        "max_ms": max(sizes),
    }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="at the first tempo")
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is None and options.json is None:
        parser.error("expected --json")
    options.programs = options.programs.split(",")
    for program in options.programs:
        if program not in PROGRAMS:
            parser.error(f"--programs: expected some of {', '.join(PROGRAMS)}, got {program!r}")
    return options


def run(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure each program in turn."""
    found: dict[str, Any] = {"seconds": options.seconds, "tempi_bpm": TEMPI_BPM}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = JackServer(folder / "jackd.log", "bench")
        stack.callback(server.close)
        awake = AwakeCores()
        stack.callback(awake.close)
        probe = StallProbe()
        stack.callback(probe.close)
        for child in ["burn"] * (os.cpu_count() or 1) + ["write_bars"]:
            start(stack, child, folder / f"{child}.log")
        peer = Peer(TEMPI_BPM[0])
        stack.callback(peer.close)
        for program in options.programs:
            if program == "isobar" and importlib.util.find_spec("isobar") is None:
                console.print("isobar is left out: pip install isobar LinkPython-extern")
                continue
            found[program] = measure(server, peer, probe, program, folder, options.seconds)
            console.print(program, found[program])
        stalls = probe.stalls()
        found["stalls"] = len(stalls)
        found["longest_stall_ms"] = max((stall.end_us - stall.begin_us for stall in stalls), default=0) / 1e3
    others = [found[name]["p99_ms"] for name in ("aalink", "isobar") if name in found]
    if others and "ours" in found:
        found["p99_ratio"] = min(others) / found["ours"]["p99_ms"]
    return found


def show(found: dict[str, Any], console: Console) -> None:
    """Show the figures as a table."""
    keys = ("notes", "stalled", "missed", "signed_median_ms", "median_ms", "p95_ms", "p99_ms", "max_ms")
    table = Table("program", *keys)
    for program in PROGRAMS:
        if program in found:
            table.add_row(program, *(f"{found[program][key]:.4g}" for key in keys))
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Run the command, or one of its children."""
    options = parse(arguments)
    if options.child:
        CHILDREN[options.child]()
        return 0
    reason = missing_parts()
    if reason:
        sys.stderr.write(f"bench_timing: {reason}\n")
        return 2
    console = Console()
    found = run(options, console)
    show(found, console)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
