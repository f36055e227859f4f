"""Clips as MIDI files and back, to the tick: 960 to the beat in both."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import replace

import mido
from mido.midifiles.meta import KeySignatureError

from liveengine.ableton.clips import TICKS_PER_BEAT, Clip, ClipNote
from liveengine.errors import MidiError
from liveengine.midi.file import TakeNote, TakeTempo, take_bytes
from liveengine.music.beats import Meter

DRUM_CHANNEL = 10


def clip_of_file(content: bytes, name: str, bars: int) -> Clip:
    """Return the notes of a take's first bars as a clip that loops them; the file has 960 ticks to the beat.

    A stroke so late that it comes after the last bar line is where it sounds in a loop: in the first bar.
    Channels are as one: a clip has none. What is no note, such as a hi-hat's pedal, is left out. Raises
    MidiError where it is another file.
    """
    try:
        file = mido.MidiFile(file=io.BytesIO(content))
    except (OSError, ValueError, EOFError, LookupError, KeySignatureError) as error:
        raise MidiError(f"clip {name!r}: expected a MIDI file, got: {error}") from error
    if file.ticks_per_beat != TICKS_PER_BEAT:
        raise MidiError(
            f"clip {name!r}: expected {TICKS_PER_BEAT} ticks to the beat, got {file.ticks_per_beat}"
        )
    end = _bars_ticks(file, bars)
    notes = [note for track in file.tracks for note in _notes(track)]
    inside = [replace(note, tick=note.tick % end) for note in notes]
    return Clip(name, end / TICKS_PER_BEAT, tuple(_apart(inside, end)))


def _bars_ticks(file: mido.MidiFile, bars: int) -> int:
    """Return how long so many bars are, in the meters of a file."""
    now, meters = 0, {0: 4 * TICKS_PER_BEAT}
    for message in file.tracks[0] if file.tracks else ():
        now += message.time
        if message.type == "time_signature":
            meters[now] = message.numerator * 4 * TICKS_PER_BEAT // message.denominator
    line = 0
    for _ in range(bars):
        line += meters[max(tick for tick in meters if tick <= line)]
    return line


def file_of_clip(clip: Clip, meter: Meter, bpm: float) -> bytes:
    """Return a clip as a MIDI file; notes that are muted in Live are left out."""
    return take_bytes(
        notes=[
            TakeNote(
                note.tick / TICKS_PER_BEAT, note.pitch, note.velocity, note.length_ticks / TICKS_PER_BEAT
            )
            for note in clip.notes
            if not note.muted
        ],
        tempos=[TakeTempo(0.0, bpm)],
        markers=[],
        meters=[(0.0, meter)],
        channel=DRUM_CHANNEL,
        length_beats=math.ceil(clip.length_beats / meter.beats - 1e-6) * meter.beats,
    )


def _notes(track: mido.MidiTrack) -> Iterator[ClipNote]:
    """Yield a track's notes; one that never ends lasts to the track's end."""
    now = 0
    struck: dict[tuple[int, int], tuple[int, int]] = {}
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = message.channel, message.note
        if key in struck:
            tick, velocity = struck.pop(key)
            yield ClipNote(message.note, tick, max(1, now - tick), velocity)
        if message.type == "note_on" and message.velocity:
            struck[key] = now, message.velocity
    for (_, note), (tick, velocity) in struck.items():
        yield ClipNote(note, tick, max(1, now - tick), velocity)


def _apart(notes: list[ClipNote], end: int) -> Iterator[ClipNote]:
    """Yield notes of which none sounds into the next of its pitch, or beyond the end: Live would cut them.

    Of two of a pitch at one tick the louder stays.
    """
    following: dict[int, int] = {}
    for note in sorted(notes, key=lambda each: (-each.tick, -each.velocity)):
        next_tick = following.get(note.pitch, end)
        if note.tick == next_tick:
            continue
        following[note.pitch] = note.tick
        length = min(note.length_ticks, next_tick - note.tick)
        yield ClipNote(note.pitch, note.tick, length, note.velocity, note.muted)
