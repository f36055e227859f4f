"""Reading a given beat: its own notes to the tick, and the bars that the model reads of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from liveengine.config.drum_files import DrumFile, Stroke, read_drum_file, told_unknown
from liveengine.errors import MidiError
from liveengine.midi.file import TakeNote
from liveengine.music.beats import Meter
from liveengine.music.drum_map import KNOWN_MAPS, map_of_kit
from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.music.kit import KitMap
from liveengine.music.pattern import Bar
from liveengine.patterns.request import MOST_BARS, Given


def read_given(path: Path, kit: KitMap, tracks: Sequence[str] = ()) -> Given:
    """Return the drums of a MIDI file, or its `tracks`, by number or name.

    They are read as the kit's notes and General MIDI's, or with a map that makes more sense of them. Notes
    stay as they are, to the tick, unless they would be another drum in the kit. Bars of a meter that the
    model does not know are left out, and the others close up.

    Raises MidiError where it is no MIDI file, has no drums, more than one known time signature or none, or
    more than 64 bars.
    """
    own = map_of_kit(kit)
    maps = (own, *KNOWN_MAPS) if own.voices != PITCH_TO_VOICE else KNOWN_MAPS
    try:
        found, *others = read_drum_file(path, maps, tracks)
        meter = _meter(found)
        bars = [bar for run in found.runs() for bar in run]
        bars = _within(bars)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from error
    if not any(bar.hits for bar in bars):
        raise MidiError(
            f"{path}: expected drums (notes of the kit {kit.name}), found none in {found.read_as()}"
        )
    notes = tuple(_kept(found, len(bars) * meter.beats, own.voices, kit))
    remarks = [f"read {found.read_as()}", *found.remarks]
    if found.unknown_notes:
        remarks.append(f"{told_unknown(found)}; they stay, and the model does not hear them")
    if others:
        remarks.append(
            f"it is of format 2, whose sequences are pieces of their own: left out {len(others)} more, "
            f"among them {others[0].read_as()} (--track says which)"
        )
    unread = sum(times for _, times in found.unknown_notes)
    return Given(meter, found.bpm, tuple(bars), notes, unread, tuple(remarks))


def _meter(found: DrumFile) -> Meter:
    """Return the one meter of a file's bars. Raises MidiError where there is another or none."""
    meters = list(dict.fromkeys(section.meter for section in found.sections if section.meter))
    if not meters:
        written = ", ".join(dict.fromkeys(section.written for section in found.sections))
        raise MidiError(f"expected a time signature that the model knows, got {written}")
    if len(meters) > 1:
        raise MidiError(
            f"expected one time signature throughout, got {_told_meters(found)}: "
            "a pattern has one meter; cut the file where it changes, and give the parts one by one"
        )
    return meters[0]


def _told_meters(found: DrumFile) -> str:
    """Return the bars of each meter, counted from 1: 4/4 (bars 1-4), 3/4 (bars 5-8)."""
    parts, first = [], 1
    for section in found.sections:
        last = first + section.bars - 1
        parts.append(f"{section.written} ({f'bar {first}' if first == last else f'bars {first}-{last}'})")
        first = last + 1
    return ", ".join(parts)


def _within(bars: Sequence[Bar]) -> list[Bar]:
    """Return the bars, empty ones at their end beyond the most left off. Raises MidiError for more."""
    played = max((index for index, bar in enumerate(bars, 1) if bar.hits), default=0)
    if played > MOST_BARS:
        raise MidiError(f"expected at most {MOST_BARS} bars, got {played}")
    return list(bars[:MOST_BARS])


def _kept(
    found: DrumFile, end_beat: float, voices: Mapping[int, Voice | None], kit: KitMap
) -> Iterator[TakeNote]:
    """Yield the notes in bars that were read, from the first bar line on; none rings beyond the last one."""
    place = 0.0
    for section in found.sections:
        if section.meter is None:
            continue
        offset = place + section.lead_beats - section.start_beat
        for stroke in found.strokes:
            beat = stroke.beat + offset
            if section.holds(stroke.beat) and beat < end_beat:
                length = min(stroke.length_beats, end_beat - beat)
                yield TakeNote(beat, _note(stroke, voices, kit), stroke.velocity, length)
        place += section.bars * section.meter.beats


def _note(stroke: Stroke, voices: Mapping[int, Voice | None], kit: KitMap) -> int:
    """Return the note that a stroke is in the kit: its own, unless that is another drum there."""
    if stroke.voice is None or voices.get(stroke.note) == stroke.voice:
        return stroke.note
    return kit.note(stroke.voice)
