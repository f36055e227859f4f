# ruff: noqa: E402 (the project is found from its root)
"""Play a riff as another musician would, for the engine to hear: in virtual time, or into its listening port.

    python tools/jam.py --list
    python tools/jam.py --write FOLDER                         the riffs as MIDI files
    python tools/jam.py --demos FOLDER                         a jam of each mode as a MIDI file
    python tools/jam.py RIFF --style STYLE --take FILE         a jam in virtual time, on two tracks
    python tools/jam.py RIFF|FILE.mid --port NAME [--bpm 120]  play it, over and over, into a port

A riff is played by a hand: `--push` ms behind the beat, uneven by `--jitter` ms, drifting by `--drift` ms,
leaving out a share `--mistakes` of the notes, silent in bars `--pause FROM-TO`.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import mido
from rich.console import Console

from liveengine.app.loading import LoadedSession, PlayOptions, load_session
from liveengine.clock.virtual import VirtualTimeline
from liveengine.config.settings import EngineSettings
from liveengine.engine.offline import PlayedMessage, VirtualPlayer, play_virtually
from liveengine.engine.session import Session
from liveengine.errors import LiveEngineError, MidiError
from liveengine.generation.process_source import LocalBarSource
from liveengine.interfaces import BarSource
from liveengine.midi.memory import MemorySink
from liveengine.midi.ports import RtMidiSink, choose_backend
from liveengine.music.control import ControlState
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

STEPS = 16
NOTE_STEPS = 0.8
"""How long a note is held, in sixteenths."""
TICKS = 480


@dataclass(frozen=True, slots=True)
class Riff:
    """Notes of whole bars in 4/4: (sixteenth from the beginning, pitch, velocity), on a channel from 1."""

    name: str
    channel: int
    program: int
    bars: int
    notes: tuple[tuple[int, int, int], ...]


def _riff(name: str, channel: int, program: int, *bars: str, pitch: int) -> Riff:
    """Return a riff written as bars of sixteen signs: X an accent, x a note, o a soft one, . a rest."""
    loudness = {"X": 112, "x": 86, "o": 52}
    notes = tuple(
        (bar * STEPS + step, pitch + (step * 5 + bar * 3) % 7, loudness[sign])
        for bar, line in enumerate(bars)
        for step, sign in enumerate(line)
        if sign != "."
    )
    return Riff(name, channel, program, len(bars), notes)


RIFFS = {
    riff.name: riff
    for riff in (
        _riff("funk_bass", 2, 33, "X..o.xX...x.o.X.", pitch=38),
        _riff("tresillo_bass", 2, 33, "X..X..X.X..X..X.", pitch=36),
        _riff("rock_guitar", 3, 29, "X.X...X.X.X...X.", "X.X...X...X.X...", pitch=45),
        _riff("charleston_keys", 1, 4, "X.....X.........", pitch=60),
        _riff("house_stabs", 1, 81, "..X..X....X..X..", pitch=62),
        _riff("dub_bass", 2, 35, "......X.x...X...", "..X...X.x.......", pitch=33),
        _riff("offbeat_clav", 1, 7, "oXo.XooX.oXo.XoX", pitch=57),
        _riff("late_bass", 2, 33, "X.....x..X....x.", pitch=36),
    )
}


@dataclass(frozen=True, slots=True)
class Hand:
    """How a riff is played: timing in ms, later positive; `loudness` multiplies velocities."""

    push_ms: float = 0.0
    jitter_ms: float = 4.0
    drift_ms: float = 0.0
    mistakes: float = 0.0
    loudness: float = 1.0
    pauses: tuple[tuple[int, int], ...] = ()
    seed: int = 1


def played(riff: Riff, hand: Hand, bpm: float, bars: int, begin: int = 0) -> Iterator[PlayedMessage]:
    """Yield what a hand plays of a riff in the bars from `begin` to before `bars`, in order of time."""
    rng = random.Random(f"{riff.name}/{hand.seed}")
    events: list[PlayedMessage] = [(max(0.0, begin * 4 - 0.5), (0xC0 | riff.channel - 1, riff.program))]
    drift_ms = 0.0
    for bar in range(begin, bars):
        if any(first <= bar < end for first, end in hand.pauses):
            continue
        drift_ms = 0.8 * drift_ms + rng.gauss(0, 0.6 * hand.drift_ms)
        for step, pitch, velocity in riff.notes:
            if step // STEPS != (bar - begin) % riff.bars or rng.random() < hand.mistakes:
                continue
            offset_ms = hand.push_ms + drift_ms + rng.gauss(0, hand.jitter_ms)
            beat = bar * 4 + (step % STEPS) / 4 + offset_ms * bpm / 60_000
            struck = max(1, min(127, round(velocity * hand.loudness + rng.gauss(0, 4))))
            events.append((beat, (0x90 | riff.channel - 1, pitch, struck)))
            events.append((beat + NOTE_STEPS / 4, (0x80 | riff.channel - 1, pitch, 0)))
    yield from sorted(events, key=lambda event: event[0])


DEMO_HAND = Hand()
DEMO_SEED = 3


@dataclass(frozen=True, slots=True)
class Jammed:
    """A jam in virtual time: the record of what was played."""

    record: PerformanceLog
    session: Session


def jam(
    loaded: LoadedSession,
    source: BarSource,
    others: Sequence[PlayedMessage],
    bars: int,
    turned: Callable[[ControlState], ControlState] = lambda controls: controls,
) -> Jammed:
    """Play in virtual time beside others, with controls turned from the start."""
    timeline = VirtualTimeline(loaded.bpm)
    trace = Trace(loaded.options.trace)
    player = VirtualPlayer(loaded.core(), MemorySink(), timeline)
    record = PerformanceLog(trace, loaded.meter, loaded.kit.channel)
    record.header(loaded.header(0.0, clock="virtual"))
    conductor = loaded.conductor(0.0)
    conductor.plan.intent = conductor.plan.intent.with_controls(turned(conductor.controls))
    session = Session(timeline=timeline, source=source, player=player, conductor=conductor, record=record)
    play_virtually(session, timeline, player, bars * 4 * 60 / loaded.bpm, others)
    trace.close()
    return Jammed(record, session)


def write_jam(jammed: Jammed, others: Sequence[PlayedMessage], bpm: float, path: Path) -> None:
    """Write player and drummer on a track each of one MIDI file."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    tempo = mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))
    take = jammed.record.tape.take()
    drums = [(note.take_note(take.start_beat), take.channel) for note in take.notes]
    first = jammed.session.conductor.grid.start_beat(0) - take.start_beat
    strikes: list[PlayedMessage] = []
    for note, channel in drums:
        strikes.append((note.beat, (0x90 | channel - 1, note.note, note.velocity)))
        strikes.append((note.beat + 0.1, (0x80 | channel - 1, note.note, 0)))
    tracks = [("player", [(beat + first, message) for beat, message in others]), ("drummer", strikes)]
    for name, events in tracks:
        file.tracks.append(_track(name, sorted(events, key=lambda event: event[0])))
    file.tracks[0].insert(1, tempo)
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def _track(name: str, events: Iterable[PlayedMessage]) -> mido.MidiTrack:
    """Return messages in order of time as a track."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for beat, message in events:
        tick = max(now, round(beat * TICKS))
        track.append(mido.Message.from_bytes(message, time=tick - now))
        now = tick
    return track


def write_riff(riff: Riff, path: Path) -> None:
    """Write a riff as a MIDI file of its own, once."""
    file = mido.MidiFile(ticks_per_beat=TICKS)
    file.tracks.append(_track(riff.name, played(riff, Hand(jitter_ms=0.0), 120.0, riff.bars)))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


def riff_of_file(path: Path) -> Riff:
    """Return the notes of a MIDI file as a riff of whole bars in 4/4."""
    file = mido.MidiFile(path)
    notes, channel, program = [], 1, 0
    for track in file.tracks:
        beat = 0.0
        for message in track:
            beat += message.time / file.ticks_per_beat
            if message.type == "note_on" and message.velocity:
                notes.append((round(beat * 4), message.note, message.velocity))
                channel = message.channel + 1
            elif message.type == "program_change":
                program = message.program
    if not notes:
        raise LiveEngineError(f"{path}: expected a MIDI file with notes, found none")
    bars = max(step for step, _, _ in notes) // STEPS + 1
    return Riff(path.stem, channel, program, bars, tuple(sorted(notes)))


def play_into(port_name: str, riff: Riff, hand: Hand, bpm: float, bars: int) -> None:
    """Play into a port by this machine's clock, from the next second on."""
    backend = choose_backend("auto")
    if backend is None:
        raise MidiError("--port: expected a MIDI system, found none")
    with contextlib.closing(RtMidiSink(backend, port_name, "liveengine-jam")) as port:
        begin = time.monotonic() + 1.0
        for beat, message in played(riff, hand, bpm, bars):
            time.sleep(max(0.0, begin + beat * 60 / bpm - time.monotonic()))
            port.send(message)


@dataclass(frozen=True, slots=True)
class Demo:
    """A jam that shows a mode."""

    riff: str
    style: str
    bars: int
    controls: Mapping[str, str | float]
    hand: Hand = DEMO_HAND

    def turned(self, state: ControlState) -> ControlState:
        """Return the controls as the demo has them."""
        return replace(state, **self.controls)  # type: ignore[arg-type]


DEMOS = {
    "follow": Demo("funk_bass", "soul", 16, {"jam": "follow", "listen_accents": 0.8}),
    "complement": Demo("charleston_keys", "hiphop", 16, {"jam": "complement", "listen_accents": 0.8}),
    "trade": Demo(
        "tresillo_bass",
        "funk",
        20,
        {"jam": "trade", "trade_bars": 4.0},
        replace(DEMO_HAND, pauses=((4, 8), (12, 16))),
    ),
    "silence": Demo(
        "late_bass",
        "rnb",
        20,
        {"jam": "follow", "thin_after": 2.0, "stop_after": 4.0, "listen_pocket": 1.0},
        replace(DEMO_HAND, push_ms=20.0, pauses=((6, 13),)),
    ),
}


def write_demos(folder: Path, console: Console) -> None:
    """Write a jam of each mode, the player and the drummer on a track each."""
    for name, demo in DEMOS.items():
        settings = replace(EngineSettings(), style=demo.style, seed=DEMO_SEED)
        loaded = load_session(PlayOptions(settings, clock="virtual"))
        source = LocalBarSource(loaded.checkpoint, "cpu", loaded.packs)
        others = list(played(RIFFS[demo.riff], demo.hand, loaded.bpm, demo.bars))
        jammed = jam(loaded, source, others, demo.bars, demo.turned)
        source.close()
        write_jam(jammed, others, loaded.bpm, folder / f"{name}.mid")
        console.print(f"{folder / name}.mid: {demo.riff} and {loaded.style.title}", highlight=False)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("riff", nargs="?", help=f"one of {', '.join(RIFFS)}, or a MIDI file")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FOLDER")
    parser.add_argument("--demos", type=Path, metavar="FOLDER")
    parser.add_argument("--style", default="soul")
    parser.add_argument("--jam", default="follow", choices=("off", "follow", "complement", "trade"))
    parser.add_argument("--take", type=Path)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--port", help="name of the MIDI port to play into")
    parser.add_argument("--bpm", type=float)
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--push", type=float, default=0.0)
    parser.add_argument("--jitter", type=float, default=4.0)
    parser.add_argument("--drift", type=float, default=0.0)
    parser.add_argument("--mistakes", type=float, default=0.0)
    parser.add_argument("--pause", action="append", default=[], metavar="FROM-TO", help="bars from 0")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, console: Console) -> None:
    """Do what the command line says."""
    if options.demos:
        write_demos(options.demos, console)
        return
    if options.list or not (options.riff or options.write):
        for riff in RIFFS.values():
            console.print(f"{riff.name}: {riff.bars} bars, channel {riff.channel}")
        return
    if options.write:
        for riff in RIFFS.values():
            write_riff(riff, options.write / f"{riff.name}.mid")
        return
    riff = RIFFS.get(options.riff) or riff_of_file(Path(options.riff))
    pauses = tuple(
        (int(first), int(end)) for first, _, end in (each.partition("-") for each in options.pause)
    )
    hand = Hand(
        options.push, options.jitter, options.drift, options.mistakes, pauses=pauses, seed=options.seed
    )
    if options.port:
        play_into(options.port, riff, hand, options.bpm or 120.0, options.bars)
        return
    settings = replace(EngineSettings(), style=options.style, seed=options.seed, jam=options.jam)
    loaded = load_session(PlayOptions(settings, clock="virtual", bpm=options.bpm, trace=options.trace))
    source = LocalBarSource(loaded.checkpoint, "cpu", loaded.packs)
    others = list(played(riff, hand, loaded.bpm, options.bars))
    jammed = jam(loaded, source, others, options.bars)
    source.close()
    if options.take:
        write_jam(jammed, others, loaded.bpm, options.take)
        console.print(f"take: {options.take}", highlight=False)
    console.print(f"{jammed.record.bars} bars, {jammed.record.notes} notes", highlight=False)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    try:
        run(parse(arguments), Console(soft_wrap=True))
    except LiveEngineError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
