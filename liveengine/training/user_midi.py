"""Reading a player's own MIDI files: their drum tracks, drum map and tempo, and what could not be used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symusic import Score

from liveengine.errors import CorpusError, LiveEngineError
from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM, Meter
from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.music.pattern import Bar
from liveengine.tokens.tokenizer import bars_of_notes, meters_of_score
from liveengine.training.corpus import LeftOut, Take, centres

SUFFIXES = (".mid", ".midi")
MIN_BARS = 8
"""Fewer bars with notes than this teach nothing that could be checked."""
LONGEST_BEATS = 8000.0
"""A file that lasts longer (over an hour at 120 bpm) is damaged."""
DEFAULT_BPM = 120.0
"""What a MIDI file without a tempo means (Standard MIDI Files 1.0)."""
MAX_SILENT_BARS = 1
"""A longer silence ends a take."""
LIKE_DRUMS_SHARE = 0.9
"""An unnamed track is drums if a map explains so many of its notes, and kick, snare and hats are there."""
SHIFTS = (-12, 12, -24, 24)
"""Octaves by which instruments number the same kit differently, in semitones."""
DRUM_NAMES = re.compile(r"drum|percussion|\bperc\b|beat|\bkit\b|groove|break", re.IGNORECASE)
FILL_NAMES = re.compile(r"(?<![a-z])fills?(?![a-z])", re.IGNORECASE)
BPM_NAMES = re.compile(r"(?<!\d)(\d{2,3})[ _-]?bpm", re.IGNORECASE)
SNARES = frozenset((Voice.SNARE, Voice.SNARE_RIM, Voice.RIM))
CYMBALS = frozenset((Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.PEDAL_HAT, Voice.RIDE))
TOLD_NOTES = 8
"""So many unknown notes are named in one message."""
MAP_CURE = "say what they are in a file with lines such as `61: rim` (or `61: none`), given with --map"

Note = tuple[float, int, int]
"""Beat, pitch, velocity."""


@dataclass(frozen=True, slots=True)
class DrumMap:
    """Which voice each MIDI note is; None for notes that are to be left out knowingly."""

    title: str
    voices: Mapping[int, Voice | None]

    def share(self, counts: Mapping[int, int]) -> float:
        """Return how much of `counts` (note: times) the map explains."""
        explained = sum(times for note, times in counts.items() if note in self.voices)
        return explained / max(1, sum(counts.values()))

    def reached(self, counts: Mapping[int, int]) -> set[Voice]:
        """Return the voices that these notes are."""
        found = (self.voices.get(note) for note in counts)
        return {voice for voice in found if voice is not None}

    def is_kit(self, counts: Mapping[int, int]) -> bool:
        """Tell whether the notes have a kick under this map, and a snare or hats."""
        voices = self.reached(counts)
        return Voice.KICK in voices and bool(voices & (SNARES | CYMBALS))


GENERAL_MIDI = DrumMap("General MIDI", PITCH_TO_VOICE)


@dataclass(frozen=True, slots=True)
class OwnBeats:
    """What a folder of MIDI files gave: takes, the map they were read with, and what was not used.

    `unknown_notes` are (note, times), the most frequent first; `remarks` are sentences for the player.
    """

    takes: tuple[Take, ...]
    drum_map: DrumMap
    left_out: tuple[LeftOut, ...]
    unknown_notes: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """A MIDI file's notes that may be drums; `sure` where the file says that they are."""

    name: str
    tracks: tuple[tuple[Note, ...], ...]
    sure: bool
    meters: tuple[tuple[float, Meter], ...]
    bpm: float | None


def read_own_beats(
    folder: Path, genre: str, kits: Sequence[DrumMap] = (), given: DrumMap | None = None
) -> OwnBeats:
    """Return the takes of every MIDI file below a folder, as takes of `genre`, centred in time.

    `kits` are the maps to choose from besides General MIDI; `given` is the player's, and settles it (its
    other notes are General MIDI's).
    Raises CorpusError where the folder holds no MIDI file, or too few bars of drums to learn from.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: expected a folder with MIDI files, found {_what(folder)}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise CorpusError(f"{folder}: expected MIDI files ({', '.join(SUFFIXES)}), found none")
    left_out: list[LeftOut] = []
    files: list[_File] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            files.append(_read(path, name))
        except LiveEngineError as error:
            left_out.append(LeftOut(name, str(error)))
        except (RuntimeError, ValueError, OSError) as error:
            left_out.append(LeftOut(name, f"expected a MIDI file, got: {_one_line(error)}"))
    maps = [_completed(given)] if given else [GENERAL_MIDI, *(_completed(kit) for kit in kits)]
    drums: list[tuple[_File, list[Note]]] = []
    for file in files:
        notes = _drum_notes(file, maps, trusting=given is not None)
        if notes:
            drums.append((file, notes))
        else:
            left_out.append(
                LeftOut(
                    file.name,
                    "no drums found: no track is on channel 10 or named drums, and none has the notes of a "
                    "kit; if it has drums, say how they are mapped with --kit or --map",
                )
            )
    counts = Counter(pitch for _, notes in drums for _, pitch, _ in notes)
    drum_map = maps[0] if given else find_map(counts, maps)
    unknown = tuple((note, times) for note, times in counts.most_common() if note not in drum_map.voices)
    takes = list(_takes(drums, genre, drum_map, left_out))
    bars = sum(bool(bar.hits) for take in takes for bar in take.bars)
    if bars < MIN_BARS:
        raise CorpusError(_too_few(folder, bars, len(paths), unknown, left_out))
    return OwnBeats(
        tuple(takes),
        drum_map,
        tuple(left_out),
        unknown,
        tuple(_remarks([file for file, _ in drums], drum_map, unknown, counts.total())),
    )


def find_map(counts: Mapping[int, int], maps: Sequence[DrumMap], *, octaves: bool = True) -> DrumMap:
    """Return the map under which notes (note: times) make most sense, the first of `maps` if several do.

    Best is a map with a kick and a snare or hats, that explains most notes, makes most different voices
    of them, and whose numbers are not shifted by `octaves`.
    """

    def sense(candidate: DrumMap) -> tuple[bool, float, int]:
        return (
            candidate.is_kit(counts),
            round(candidate.share(counts), 2),
            len(candidate.reached(counts)),
        )

    best = max(maps, key=sense)  # the first of equals
    if not octaves:
        return best
    shifted = max((_shifted(maps[0], shift) for shift in SHIFTS), key=sense)
    sensible = shifted.is_kit(counts) and shifted.share(counts) >= LIKE_DRUMS_SHARE
    return shifted if sensible and sense(shifted)[:2] > sense(best)[:2] else best


def told_notes(unknown: Sequence[tuple[int, int]]) -> str:
    """Return "61 (12 times), 62 (3 times)" and how many more there are."""
    shown = ", ".join(f"{note} ({times} times)" for note, times in unknown[:TOLD_NOTES])
    more = len(unknown) - TOLD_NOTES
    return f"{shown} and {more} more" if more > 0 else shown


def _completed(kit: DrumMap) -> DrumMap:
    """Return a kit with General MIDI's voices for the notes that it does not use itself."""
    return DrumMap(kit.title, {**PITCH_TO_VOICE, **kit.voices})


def _shifted(drum_map: DrumMap, semitones: int) -> DrumMap:
    octaves = f"{abs(semitones) // 12} octave{'s' if abs(semitones) > 12 else ''}"
    title = f"{drum_map.title}, {octaves} {'higher' if semitones > 0 else 'lower'}"
    return DrumMap(title, {note + semitones: voice for note, voice in drum_map.voices.items()})


def _read(path: Path, name: str) -> _File:
    """Return the file; raises LiveEngineError, RuntimeError, ValueError or OSError where it is unusable."""
    score = Score(str(path))
    if score.tpq <= 0:
        raise CorpusError("expected ticks per quarter note in the MIDI header, got none")
    tracks = [track for track in score.tracks if len(track.notes)]
    if not tracks:
        raise CorpusError("no notes")
    marked = [track for track in tracks if track.is_drum]
    marked = marked or [track for track in tracks if DRUM_NAMES.search(track.name)]
    notes = tuple(
        tuple((note.time / score.tpq, note.pitch, note.velocity) for note in track.notes if note.velocity)
        for track in marked or tracks
    )
    last = max((note[0] for track in notes for note in track), default=0.0)
    if last > LONGEST_BEATS:
        raise CorpusError(f"expected at most {LONGEST_BEATS:g} beats, got {last:.0f}: damaged, it seems")
    return _File(name, notes, bool(marked), tuple(meters_of_score(score)), _tempo(score, last, name))


def _tempo(score: Score, last_beat: float, name: str) -> float | None:
    """Return the tempo that holds longest, else the one in the file's name, else None."""
    marks = sorted((tempo.time / score.tpq, float(tempo.qpm)) for tempo in score.tempos)
    lasting: dict[float, float] = {}
    ends = [beat for beat, _ in marks[1:]] + [max(last_beat, marks[-1][0] if marks else 0.0) + 1]
    for (beat, marked), end in zip(marks, ends, strict=False):
        lasting[round(marked, 2)] = lasting.get(round(marked, 2), 0.0) + end - beat
    named = BPM_NAMES.search(name.rpartition("/")[2])
    bpm = max(lasting, key=lasting.__getitem__) if lasting else float(named[1]) if named else None
    return bpm if bpm is not None and TEMPO_MIN_BPM <= bpm <= TEMPO_MAX_BPM else None


def _drum_notes(file: _File, maps: Sequence[DrumMap], *, trusting: bool) -> list[Note]:
    """Return the notes of the file's drum tracks, by time; of all its tracks where the player gave a map."""
    tracks: Iterable[tuple[Note, ...]] = file.tracks
    if not file.sure and not trusting:
        tracks = [track for track in file.tracks if _like_drums(track, maps)]
    return sorted(note for track in tracks for note in track)


def _like_drums(track: tuple[Note, ...], maps: Sequence[DrumMap]) -> bool:
    counts = Counter(pitch for _, pitch, _ in track)
    found = find_map(counts, maps, octaves=False)  # in some octave, any tune has a kick, a snare and a hat
    voices = found.reached(counts)
    whole = Voice.KICK in voices and voices & SNARES and voices & CYMBALS
    return bool(whole) and found.share(counts) >= LIKE_DRUMS_SHARE


def _takes(
    drums: Sequence[tuple[_File, list[Note]]], genre: str, drum_map: DrumMap, left_out: list[LeftOut]
) -> Iterator[Take]:
    """Yield takes, each a stretch of bars without long silence; files without any join `left_out`."""
    voices = {note: voice for note, voice in drum_map.voices.items() if voice is not None}
    notes_of = {file.name: [note for note in notes if note[1] in voices] for file, notes in drums}
    rows = [
        {"id": file.name, "bpm": str(file.bpm or DEFAULT_BPM), "drummer": genre}
        for file, _ in drums
        if notes_of[file.name]
    ]
    early_ms = centres(rows, notes_of)
    for file, notes in drums:
        known = notes_of[file.name]
        if not known:
            unknown = Counter(pitch for _, pitch, _ in notes).most_common()
            left_out.append(LeftOut(file.name, f"no drum voice is known for its notes {told_notes(unknown)}"))
            continue
        bpm = file.bpm or DEFAULT_BPM
        shift_beats = early_ms[file.name] * bpm / 60_000
        centred = [(max(0.0, beat - shift_beats), pitch, velocity) for beat, pitch, velocity in known]
        for stretch in stretches(bars_of_notes(centred, file.meters, voices)):
            yield Take(
                name=file.name,
                drummer=genre,
                genre=genre,
                style=genre,
                bpm=bpm,
                is_fill=bool(FILL_NAMES.search(file.name.rpartition("/")[2])),
                split="train",
                bars=stretch,
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


def _remarks(
    files: Sequence[_File], drum_map: DrumMap, unknown: Sequence[tuple[int, int]], notes: int
) -> Iterator[str]:
    timeless = sum(file.bpm is None for file in files)
    if timeless:
        yield (
            f"{timeless} of {len(files)} files say no tempo: {DEFAULT_BPM:g} bpm was taken (a file named "
            "like groove_92bpm.mid says one)"
        )
    if unknown:
        times = sum(each for _, each in unknown)
        yield (
            f"{times} of {notes} notes have no voice in the map ({drum_map.title}) and were left out: "
            f"{told_notes(unknown)}; {MAP_CURE}"
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


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
