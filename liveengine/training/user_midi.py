"""A player's own MIDI files as takes to learn from, with what each was read as and what could not be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liveengine.config.drum_files import SUFFIXES, DrumFile, pedal_of, read_drum_file
from liveengine.errors import CorpusError, LiveEngineError
from liveengine.music.drum_map import KNOWN_MAPS, DrumMap, told_notes
from liveengine.music.kit import HatPedal
from liveengine.music.pattern import Bar
from liveengine.training.corpus import LeftOut, Take, centres

MIN_BARS = 8
"""Fewer bars with notes than this teach nothing that could be checked."""
DEFAULT_BPM = 120.0
"""What a MIDI file without a tempo means (Standard MIDI Files 1.0)."""
MAX_SILENT_BARS = 1
"""A longer silence ends a take."""
FILL_NAMES = re.compile(r"(?<![a-z])fills?(?![a-z])", re.IGNORECASE)
MAP_CURE = "say what they are in a file with lines such as `61: rim` (or `61: none`), given with --map"


@dataclass(frozen=True, slots=True)
class UsedFile:
    """A file that was learned from: its bars, tempo and drum map, its tracks, and what was left out of it."""

    name: str
    bars: int
    bpm: float
    drum_map: str
    tracks: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnBeats:
    """What a folder of MIDI files gave: takes, what each file was read as, and what was not used.

    `unknown_notes` are (note, times), the most frequent first; `remarks` are sentences for the player.
    """

    takes: tuple[Take, ...]
    files: tuple[UsedFile, ...]
    left_out: tuple[LeftOut, ...]
    unknown_notes: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]


def read_own_beats(
    folder: Path,
    genre: str,
    kits: Sequence[DrumMap] = (),
    given: DrumMap | None = None,
    tracks: Sequence[str] = (),
) -> OwnBeats:
    """Return the takes of every MIDI file below a folder, as takes of `genre`, centred in time.

    Each file is read with a map of its own: General MIDI, one of `kits` or a known instrument's; `given` is
    the player's, and settles it (its other notes are General MIDI's). `tracks` are those to read, by number
    or name, instead of those that are drums. Raises CorpusError where the folder holds no MIDI file, or too
    few bars of drums to learn from.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: expected a folder with MIDI files, found {_what(folder)}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise CorpusError(f"{folder}: expected MIDI files ({', '.join(SUFFIXES)}), found none")
    maps = [given.completed()] if given else [KNOWN_MAPS[0], *kits, *KNOWN_MAPS[1:]]
    read, left_out = _read_files(folder, paths, maps, tracks)
    takes: list[Take] = []
    used: list[UsedFile] = []
    early_ms = _early_ms(read, genre)
    pedal = pedal_of(stroke for file in read.values() for stroke in file.strokes)
    for name, file in read.items():
        if name not in early_ms:
            notes = told_notes(file.unknown_notes)
            left_out.append(LeftOut(name, f"no drum voice is known for its notes {notes}"))
            continue
        own = _takes(name, file, genre, early_ms[name], pedal)
        takes += own
        if own:
            used.append(_used(name, file, own))
        else:
            left_out.append(LeftOut(name, "; ".join(("no bars to learn from", *file.remarks))))
    unknown: Counter[int] = Counter()
    for file in read.values():
        unknown.update(dict(file.unknown_notes))
    bars = sum(bool(bar.hits) for take in takes for bar in take.bars)
    if bars < MIN_BARS:
        raise CorpusError(_too_few(folder, bars, len(paths), unknown.most_common(), left_out))
    return OwnBeats(
        tuple(takes),
        tuple(used),
        tuple(left_out),
        tuple(unknown.most_common()),
        tuple(_remarks(read.values(), unknown)),
    )


def _read_files(
    folder: Path, paths: Sequence[Path], maps: Sequence[DrumMap], tracks: Sequence[str]
) -> tuple[dict[str, DrumFile], list[LeftOut]]:
    """Return the drums of files by their names, and the files without any."""
    read: dict[str, DrumFile] = {}
    left_out: list[LeftOut] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            found = read_drum_file(path, maps, tracks)
        except LiveEngineError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        for number, file in enumerate(found, 1):
            read[f"{name}, sequence {number}" if len(found) > 1 else name] = file
    return read, left_out


def _early_ms(read: Mapping[str, DrumFile], genre: str) -> dict[str, float]:
    """Return how late each file with voices is as a whole, in ms: that is latency, not feel."""
    notes = {
        name: [(each.beat, each.note, each.velocity) for each in file.strokes if each.voice is not None]
        for name, file in read.items()
    }
    rows = [
        {"id": name, "bpm": str(file.bpm or DEFAULT_BPM), "drummer": genre}
        for name, file in read.items()
        if notes[name]
    ]
    return centres(rows, notes)


def _takes(name: str, file: DrumFile, genre: str, early_ms: float, pedal: HatPedal | None) -> list[Take]:
    """Return the takes of a file, each a stretch of bars without long silence; a pick-up begins no phrase."""
    bpm = file.bpm or DEFAULT_BPM
    runs = list(file.runs(early_ms * bpm / 60_000, pedal))
    if file.has_pickup:
        runs[0] = runs[0][1:]
    return [
        Take(
            name=name,
            drummer=genre,
            genre=genre,
            style=genre,
            bpm=bpm,
            is_fill=bool(FILL_NAMES.search(name.rpartition("/")[2])),
            split="train",
            bars=stretch,
        )
        for run in runs
        for stretch in stretches(run)
    ]


def _used(name: str, file: DrumFile, takes: Sequence[Take]) -> UsedFile:
    return UsedFile(
        name,
        sum(len(take.bars) for take in takes),
        takes[0].bpm,
        file.drum_map.title,
        tuple(str(track) for track in file.tracks),
        file.remarks,
    )


def stretches(bars: Sequence[Bar]) -> Iterator[tuple[Bar, ...]]:
    """Yield the runs of bars between silences of more than `MAX_SILENT_BARS`, silence trimmed off."""
    run: list[Bar] = []
    silent: list[Bar] = []
    for bar in bars:
        if not bar.hits:
            silent.append(bar)
            continue
        if run and len(silent) > MAX_SILENT_BARS:
            yield tuple(run)
            run = []
        run += [*(silent if run else ()), bar]
        silent = []
    if run:
        yield tuple(run)


def _remarks(read: Collection[DrumFile], unknown: Counter[int]) -> Iterator[str]:
    timeless = sum(file.bpm is None for file in read)
    if timeless:
        yield (
            f"{timeless} of {len(read)} files say no tempo that can be played: {DEFAULT_BPM:g} bpm was taken "
            "(a file named like groove_92bpm.mid says one)"
        )
    if unknown:
        notes = sum(len(file.strokes) for file in read)
        yield (
            f"{unknown.total()} of {notes} notes have no voice in the map of their file and were left out: "
            f"{told_notes(unknown.most_common())}; {MAP_CURE}"
        )


def _too_few(
    folder: Path, bars: int, files: int, unknown: Sequence[tuple[int, int]], left_out: Sequence[LeftOut]
) -> str:
    reasons = "".join(f"\n  {each.name}: {each.reason}" for each in left_out)
    notes = f"\n  notes without a voice: {told_notes(unknown)}; {MAP_CURE}" if unknown else ""
    return (
        f"{folder}: expected at least {MIN_BARS} bars of drums, got {bars} in {files} MIDI "
        f"file{'' if files == 1 else 's'}{reasons}{notes}"
    )


def _what(path: Path) -> str:
    return "a file" if path.exists() else "nothing"
