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

Then ours takes 40 more steps, up and down, at any place of the bar. Of the notes heard more than 5 ms after
the listener's own peer reports a step, `step_max_ms` is the farthest from the new tempo's grid, and
`step_old` how many are off by more than 2.5 ms, as a note at the old tempo would be. `step_split` counts the
steps that Link itself told our peer 50 ms later than the listener's; they are left out.
`player_cpu_percent` is the share of a core that the player's loop takes at the first tempo.

Linux, in a network namespace with only loopback (tools/test shows how), as root for the probe. isobar and
LinkPython-extern are installed by hand: pip install isobar LinkPython-extern.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import random
import subprocess
import sys
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
from tests.live.bench import keep, ready_machine
from tests.live.jack import JackServer
from tests.live.link_peer import Peer
from tests.live.listener import Listener, Recording
from tests.live.machine import StallProbe
from tests.live.sounding import after_steps, grid_distance_ms

STEP_BEATS = 0.25
TEMPI_BPM = (120.0, 90.0, 150.0, 120.0)
STEP_BPM = (60.0, 180.0, 75.0, 150.0)
STEPS = 40
STEP_EVERY_S = (0.5, 1.1)
OLD_MS = 2.5
STEP_S = 5.0
"""How long each tempo after the first lasts."""
SETTLED_BEATS = 1.0
PORT_PATIENCE_S = 30.0
START_S = 5.0
"""From the port's appearance to the first note that counts."""
NOTE = 60
TRACE_VARIABLE = "BENCH_TRACE"
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
    from liveengine.app.loading import PlayOptions, load_session
    from liveengine.clock.link import LinkTimeline
    from liveengine.config.settings import load_engine_settings
    from liveengine.engine.session import Session
    from liveengine.generation.fixed_source import FixedBarSource
    from liveengine.music.drums import Voice
    from liveengine.music.pattern import Hit
    from liveengine.playback.client import ProcessPlayer
    from liveengine.playback.priority import take_short_slices
    from liveengine.recording.trace_writer import Trace

    async def play() -> None:
        settings = replace(load_engine_settings(), backend="jack", swing_percent=50.0, humanize=0.0, seed=1)
        parts = load_session(PlayOptions(settings, bpm=TEMPI_BPM[0]))
        pids: list[int] = []
        player = ProcessPlayer(parts.player_settings("jack"), pids.append)
        sys.stderr.write(f"{player.ready.priority}\n{pids[0]}\n")
        take_short_slices()
        session = Session(
            timeline=await LinkTimeline.join(parts.bpm, settings.quantum),
            source=FixedBarSource(
                lambda meter: tuple(Hit(step, Voice.CLOSED_HAT, 0, 100) for step in range(meter.steps))
            ),
            player=player,
            conductor=parts.conductor(0.0),
            record=parts.record(Trace(Path(os.environ[TRACE_VARIABLE]))),
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
    from liveengine.config.settings import default_checkpoint
    from liveengine.generation.generator import BarGenerator
    from liveengine.generation.worker import NICENESS
    from liveengine.music.beats import FOUR_FOUR
    from liveengine.music.request import BarRequest, Conditioning

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
        environment = os.environ | {TRACE_VARIABLE: str(log.with_suffix(".trace"))}
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=environment
        )

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


def take_steps(peer: Peer) -> None:
    """Step the tempo up and down, at places all over the bar."""
    pauses = random.Random(5)
    for number in range(STEPS):
        peer.set_tempo(STEP_BPM[number % len(STEP_BPM)])
        time.sleep(pauses.uniform(*STEP_EVERY_S))


def step_figures(
    recording: Recording, stalls: Sequence[Stall], ended_us: float, trace: Path
) -> dict[str, float]:
    """Return how the notes right after tempo steps lie on the new tempo's grid."""
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    learned = [(line["at_us"], line["bpm"]) for line in lines if line["type"] == "tempo"]
    heard = [(message.at_us, message.at_us) for message in recording.messages if message.is_on()]
    after = after_steps(heard, recording.session, learned, stalls, begin_us=ended_us, step_beats=STEP_BEATS)
    return {
        "steps": len(after.learned_ms),
        "step_learned_ms": median(after.learned_ms),
        "step_split": after.split,
        "step_notes": len(after.off_ms),
        "step_max_ms": max(after.off_ms, default=0.0),
        "step_old": sum(off_ms > OLD_MS for off_ms in after.off_ms),
    }


def cpu_s(pid: int) -> float:
    """Return the processor time that a process's first thread has used, in seconds; 0 without one.

    The player's loop runs there; JACK's own thread, which here wakes 3,000 times a second, does not count.
    """
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        pid = int(log.read_text(errors="replace").splitlines()[1]) if program.startswith("ours") else 0
        used_s = cpu_s(pid)
        time.sleep(first_s)
        used_s = cpu_s(pid) - used_s
        steps_us = []
        for bpm in TEMPI_BPM[1:]:
            steps_us.append(peer.set_tempo(bpm))
            time.sleep(STEP_S)
        ended_us = peer.state()["at_us"]
        if program.startswith("ours"):
            take_steps(peer)
        recording = listener.stop()
    found: dict[str, Any] = figures(recording, probe.stalls(), begun_us, ended_us)
    if program.startswith("ours"):
        found["priority"] = log.read_text(errors="replace").splitlines()[0]
        found["player_cpu_percent"] = 100 * used_s / first_s
        found |= step_figures(recording, probe.stalls(), ended_us, folder / f"{program}.trace")
    return found


def figures(
    recording: Recording, stalls: Sequence[Stall], begun_us: float, ended_us: float
) -> dict[str, float]:
    """Return lateness in ms, absolute, and what was missed, between two moments."""
    session = recording.session
    changes = [change for change in session.tempo_changes() if begun_us < change.time_us <= ended_us]
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
        late_ms = grid_distance_ms(message.at_us, session, STEP_BEATS)
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
        machine = stack.enter_context(ready_machine())
        folder, server, probe = machine.folder, machine.server, machine.probe
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
    """Show the figures as two tables: all programs, then ours right after tempo steps."""
    keys = ("notes", "stalled", "missed", "median_ms", "p95_ms", "p99_ms", "max_ms")
    own_keys = ("player_cpu_percent", "steps", "step_split", "step_notes", "step_max_ms", "step_old")
    for names, columns in ((PROGRAMS, keys), (PROGRAMS[:2], own_keys)):
        table = Table("program", *(column.replace("_", " ") for column in columns))
        for program in names:
            if program in found:
                table.add_row(program, *(f"{found[program][key]:.3g}" for key in columns))
        console.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Run the command, or one of its children."""
    options = parse(arguments)
    if options.child:
        CHILDREN[options.child]()
        return 0
    console = Console()
    found = run(options, console)
    show(found, console)
    keep(found, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
