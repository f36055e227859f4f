"""Players' MIDI files: their drums, drum map, bars and tempo, and what was left out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from liveengine.errors import MidiError
from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from liveengine.music.drum_map import KNOWN_MAPS, DrumMap, find_map, told_notes
from liveengine.music.drum_tracks import DrumTracks, find_drums
from liveengine.music.drums import Voice
from liveengine.music.kit import HatPedal
from liveengine.music.midi_file import FOOT_CONTROLLER, MidiNote, MidiSequence, MidiTrack, read_midi
from liveengine.music.pattern import Bar
from liveengine.tokens.bar_sections import Section, bars_of_section, sections_of

SUFFIXES = (".mid", ".midi")
LONGEST_BEATS = 8000.0
"""A file that lasts longer (over an hour at 120 bpm) is damaged."""
LONGEST_BYTES = 16 * 2**20
"""A larger file is no take of drums."""
HATS = (Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.PEDAL_HAT)
PEDAL_DOWN = 64
"""From here on the foot holds the hi-hat closed (CC 4: 0 open, 127 closed).

Only where a track strikes a single hi-hat note: a module with notes for open and pedal sends those, and of
the 56,000 closed strokes of the Groove MIDI Dataset 2,200 are below this.
"""
LEAST_TRAVEL = 32
"""A pedal that moves less between shut and open says nothing of how open a hat is."""
TOLD_TRACKS = 6
BPM_NAMES = re.compile(r"(?<!\d)(\d{2,3})[ _-]?bpm", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A note of a drum track, in beats of the file, and its voice; None where the map has none for it.

    `pedal` is what CC 4 said last before it, 0-127; None where it never spoke.
    """

    beat: float
    note: int
    velocity: int
    length_beats: float
    voice: Voice | None
    pedal: int | None = None


@dataclass(frozen=True, slots=True)
class DrumFile:
    """What a MIDI file, or one sequence of it, holds for a drummer.

    `strokes` are sorted by time, `sections` are its bars, `bpm` the tempo that holds longest, None where it
    names none that can be played. `unknown_notes` are (note, times) without a voice, the most frequent first;
    `remarks` are sentences on what was not read, or otherwise than it is written.
    """

    tracks: tuple[MidiTrack, ...]
    drum_map: DrumMap
    strokes: tuple[Stroke, ...]
    sections: tuple[Section, ...]
    bpm: float | None
    unknown_notes: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]

    @property
    def has_pickup(self) -> bool:
        """Whether its first bar is a pick-up."""
        return bool(self.sections) and self.sections[0].lead_beats > 0

    def read_as(self) -> str:
        """Return which tracks were read, and with which drum map."""
        return f"{', '.join(map(str, self.tracks))}; drum map: {self.drum_map.title}"

    def runs(self, shift_beats: float = 0.0, pedal: HatPedal | None = None) -> Iterator[tuple[Bar, ...]]:
        """Yield bars that follow each other: an unknown meter ends a run. Strokes are that much earlier.

        Hats are as open as their pedal says, by the values of `pedal`, else by those of the file itself.
        """
        pedal = pedal or pedal_of(self.strokes)
        voiced = [
            (max(0.0, stroke.beat - shift_beats), stroke.voice, stroke.velocity, _openness(stroke, pedal))
            for stroke in self.strokes
            if stroke.voice is not None
        ]
        run: list[Bar] = []
        for section in self.sections:
            if section.meter is None:
                yield tuple(run)
                run = []
            else:
                run += bars_of_section(section, voiced)
        yield tuple(run)


def pedal_of(strokes: Iterable[Stroke]) -> HatPedal | None:
    """Return where the pedal of a hi-hat stands shut and open; None where it tells nothing.

    Shut is where it mostly is at closed strokes (90 in the Groove MIDI Dataset, 127 on most other kits), open
    the end of the controller's range on the side of the open strokes.
    """
    at: dict[Voice, list[int]] = {voice: [] for voice in HATS}
    for stroke in strokes:
        if stroke.pedal is not None and stroke.voice in at:
            at[stroke.voice].append(stroke.pedal)
    every = [value for values in at.values() for value in values]
    closed, wide = at[Voice.CLOSED_HAT], at[Voice.OPEN_HAT]
    if len(set(every)) < 2:
        return None
    shut = round(median(closed or [max(every)]))
    open_end = 127 if wide and median(wide) > shut else 0
    return HatPedal(FOOT_CONTROLLER, shut, open_end) if abs(shut - open_end) >= LEAST_TRAVEL else None


def _openness(stroke: Stroke, pedal: HatPedal | None) -> float | None:
    if pedal is None or stroke.pedal is None or stroke.voice not in HATS:
        return None
    return round(pedal.openness(stroke.pedal), 3)


def read_drum_file(
    path: Path, maps: Sequence[DrumMap] = KNOWN_MAPS, wanted: Sequence[str] = ()
) -> tuple[DrumFile, ...]:
    """Return the drums of a MIDI file: one, or one for each sequence with drums where its format is 2.

    `maps` are those to choose from, the first preferred; `wanted` are tracks by number or name.
    Raises MidiError, which does not name the file, where it cannot be read or has no drums.
    """
    try:
        if path.stat().st_size > LONGEST_BYTES:
            raise MidiError(f"expected a MIDI file of at most {LONGEST_BYTES >> 20} MB")
        sequences = read_midi(path.read_bytes())
    except OSError as error:
        raise MidiError(f"expected a MIDI file, got: {error.strerror}") from error
    found: list[DrumFile] = []
    faults: list[MidiError] = []
    for sequence in sequences:
        try:
            found.append(_drum_file(sequence, path.name, maps, wanted))
        except MidiError as error:
            faults.append(error)
    if not found:
        raise next((fault for fault in faults if "got none" not in str(fault)), faults[0])
    return tuple(found)


def _drum_file(sequence: MidiSequence, name: str, maps: Sequence[DrumMap], wanted: Sequence[str]) -> DrumFile:
    drums = find_drums(sequence.tracks, maps, wanted)
    last_beat = max(note.beat for track in sequence.tracks for note in track.notes)
    if last_beat > LONGEST_BEATS:
        raise MidiError(f"expected at most {LONGEST_BEATS:g} beats, got {last_beat:.0f}: damaged, it seems")
    counts = Counter(note.note for track in drums.tracks for note in track.notes)
    drum_map = find_map(counts, maps)
    strokes = sorted(
        (stroke for track in drums.tracks for stroke in _strokes(track.notes, drum_map)),
        key=lambda stroke: (stroke.beat, stroke.note),
    )
    sections = sections_of(
        sequence.signatures, last_beat, [end for end in sequence.ends if end.beat <= LONGEST_BEATS]
    )
    lasting = _lasting_bpm(sequence.tempos, last_beat)
    named = BPM_NAMES.search(name)
    bpm = lasting if lasting else float(named[1]) if named else None
    found = DrumFile(
        drums.tracks,
        drum_map,
        tuple(strokes),
        sections,
        bpm if bpm and TEMPO_MIN_BPM <= bpm <= TEMPO_MAX_BPM else None,
        tuple((note, times) for note, times in counts.most_common() if note not in drum_map.voices),
        (),
    )
    return replace(found, remarks=tuple(_remarks(found, sequence, drums, bpm)))


def _strokes(notes: Sequence[MidiNote], drum_map: DrumMap) -> Iterator[Stroke]:
    """Yield the strokes of a track; where one note is its whole hi-hat, the pedal says which are open."""
    hats = {note.note for note in notes if drum_map.voices.get(note.note) in HATS}
    by_pedal = len(hats) == 1 and any(
        note.note in hats and note.pedal is not None and note.pedal >= PEDAL_DOWN for note in notes
    )
    for note in notes:
        voice = drum_map.voices.get(note.note)
        is_up = note.pedal is not None and note.pedal < PEDAL_DOWN
        if by_pedal and is_up and voice == Voice.CLOSED_HAT:
            voice = Voice.OPEN_HAT
        yield Stroke(note.beat, note.note, note.velocity, note.length_beats, voice, note.pedal)


def _lasting_bpm(tempos: Sequence[tuple[float, float]], last_beat: float) -> float | None:
    """Return the tempo that holds for most beats, to 1/100 bpm; None where none is given."""
    lasting: dict[float, float] = {}
    ends = [beat for beat, _ in tempos[1:]] + [max(last_beat, tempos[-1][0] if tempos else 0.0) + 1]
    for (beat, bpm), end in zip(tempos, ends, strict=False):
        lasting[round(bpm, 2)] = lasting.get(round(bpm, 2), 0.0) + end - beat
    return max(lasting, key=lasting.__getitem__) if lasting else None


def _remarks(found: DrumFile, sequence: MidiSequence, drums: DrumTracks, bpm: float | None) -> Iterator[str]:
    yield from sequence.faults
    for track, reason in drums.left_out[:TOLD_TRACKS]:
        yield f"left out {track}: {reason}"
    if len(drums.left_out) > TOLD_TRACKS:
        yield f"left out {len(drums.left_out) - TOLD_TRACKS} more tracks"
    for section in found.sections:
        if section.meter is None:
            lost = sum(section.holds(stroke.beat) for stroke in found.strokes)
            yield (
                f"left out from beat {section.start_beat:g} on, in {section.written}, "
                f"which the model does not know: bars {section.bars}, strokes {lost}"
            )
        elif section.lead_beats:
            sounding = section.meter.beats - section.lead_beats
            yield f"the first bar is a pick-up: {sounding:g} of {section.meter.beats:g} beats"
        elif str(section.meter) != section.written:
            yield f"{section.written} is read as {section.meter} from beat {section.start_beat:g} on"
    if bpm and not found.bpm:
        yield f"expected a tempo of {TEMPO_MIN_BPM:g} to {TEMPO_MAX_BPM:g} bpm, got {bpm:g}: it is left open"


def told_unknown(found: DrumFile) -> str:
    """Return what notes without a voice there are, and how to name them."""
    times = sum(each for _, each in found.unknown_notes)
    return (
        f"{times} of {len(found.strokes)} notes have no voice in the map ({found.drum_map.title}): "
        f"{told_notes(found.unknown_notes)}"
    )
