"""Takes: what was played, as a type-1 MIDI file with its tempo changes, written with mido."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
from mido.midifiles.meta import KeySignatureError

from liveengine.errors import MidiError
from liveengine.music.beats import Meter
from liveengine.music.kit import LEAD_MIN_MS, PedalMove, Strike

TICKS_PER_QUARTER = 960
NOTE_LENGTH_TICKS = 60
MARKER_ORDER, OFF_ORDER, ON_ORDER, TEXT_ORDER = 0, 1, 2, 3
CHOKE = -1
"""In the place of a channel: what follows is a choke group."""


@dataclass(frozen=True, slots=True)
class TakeNote:
    """A note of a take: where it sounded in beats from the take's start, feel included.

    Without a length it is struck and let go; without a channel (from 1) it is on the take's. It ends those of
    its `choke` group that still sound; 0 is none. A hat's pedal moves `lead_beats` before it.
    """

    beat: float
    note: int
    velocity: int
    length_beats: float | None = None
    channel: int | None = None
    choke: int = 0
    pedal: PedalMove | None = None
    lead_beats: float = 0.0

    @classmethod
    def struck(cls, beat: float, strike: Strike, bpm: float) -> TakeNote:
        """Return a stroke of a kit as the note of a take, at a tempo."""
        beats_per_ms = bpm / 60_000
        return cls(
            beat,
            strike.note,
            strike.velocity,
            None if strike.length_ms is None else strike.length_ms * beats_per_ms,
            strike.channel,
            strike.choke,
            strike.pedal,
            strike.pedal.lead_ms * beats_per_ms if strike.pedal else 0.0,
        )


@dataclass(frozen=True, slots=True)
class TakeTempo:
    """A tempo from a beat on."""

    beat: float
    bpm: float


@dataclass(frozen=True, slots=True)
class TakeMarker:
    """A text at a beat, such as a change of style."""

    beat: float
    text: str


def take_bytes(
    *,
    notes: Sequence[TakeNote],
    tempos: Sequence[TakeTempo],
    markers: Sequence[TakeMarker],
    texts: Sequence[TakeMarker] = (),
    meters: Sequence[tuple[float, Meter]],
    channel: int,
    length_beats: float = 0.0,
) -> bytes:
    """Return a take as a type-1 file: tempo, meters, markers and texts in one track, drums in the other.

    Each of `meters` holds from a beat on. Both tracks end with the last
    event, or at `length_beats` if that is later. `channel` counts from 1.
    """
    conductor: list[tuple[int, int, mido.MetaMessage]] = [
        (
            _tick(beat),
            MARKER_ORDER,
            mido.MetaMessage("time_signature", numerator=meter.numerator, denominator=meter.denominator),
        )
        for beat, meter in meters
    ]
    conductor += [
        (_tick(tempo.beat), OFF_ORDER, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo.bpm)))
        for tempo in tempos
    ]
    conductor += [
        (_tick(marker.beat), ON_ORDER, mido.MetaMessage("marker", text=_as_utf8(marker.text)))
        for marker in markers
    ]
    conductor += [
        (_tick(text.beat), TEXT_ORDER, mido.MetaMessage("text", text=_as_utf8(text.text))) for text in texts
    ]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    events = _note_events(notes, channel - 1)
    end = max(_tick(length_beats), *(tick for tick, _, _ in (*conductor, *events)))
    file.tracks.append(_track("liveengine", conductor, end))
    file.tracks.append(_track("drums", events, end))
    return _bytes_of(file)


def _as_utf8(text: str) -> str:
    """Return a text that mido, which writes Latin-1, writes as UTF-8: names are of any script."""
    return text.encode().decode("latin-1")


def _bytes_of(file: mido.MidiFile) -> bytes:
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def save_take(path: Path, content: bytes) -> None:
    """Put a take in its place, all of it or nothing: an older one stays until the new one is whole.

    Raises MidiError where it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
    except OSError as error:
        raise MidiError(f"take {path}: expected a place to write, got: {error}") from error


def _open(path: Path) -> mido.MidiFile:
    try:
        return mido.MidiFile(path)
    except (OSError, ValueError, EOFError, LookupError, KeySignatureError) as error:
        raise MidiError(f"{path}: expected a MIDI file, got: {error}") from error


def read_texts(path: Path) -> list[str]:
    """Return the text events of a MIDI file's first track. Raises MidiError where it is none."""
    file = _open(path)
    texts = [message.text for message in file.tracks[0] if message.type == "text"] if file.tracks else []
    return [text.encode("latin-1").decode(errors="replace") for text in texts]


def rewrite_take(path: Path, out: Path, notes: Sequence[TakeNote], channel: int) -> None:
    """Write the take at `path` again to `out`, with these notes in the place of its own.

    `channel` counts from 1. Raises MidiError where `path` is no MIDI file, or `out` cannot be written.
    """
    file = _open(path)
    end = sum(message.time for message in file.tracks[0])
    file.tracks[1:] = [_track("drums", _note_events(notes, channel - 1), end)]
    save_take(out, _bytes_of(file))


def _note_events(notes: Sequence[TakeNote], channel: int) -> list[tuple[int, int, mido.Message]]:
    """Return on and off events, and those of a hat's pedal: a note ends before it is struck again, or choked.

    Of two strokes at one tick the louder stays. `channel` counts from 0.
    """
    loudest: dict[tuple[int, int, int], TakeNote] = {}
    for each in notes:
        place = (_tick(each.beat), channel if each.channel is None else each.channel - 1, each.note)
        if place not in loudest or each.velocity > loudest[place].velocity:
            loudest[place] = each
    next_strike: dict[tuple[int, int], int] = {}
    events: list[tuple[int, int, mido.Message]] = []
    for tick, on, note in sorted(loudest, reverse=True):
        struck = loudest[tick, on, note]
        length = NOTE_LENGTH_TICKS if struck.length_beats is None else max(1, _tick(struck.length_beats))
        ends = [(on, note), *([(CHOKE, struck.choke)] if struck.choke else [])]
        end = min(tick + length, *(next_strike.get(each, tick + length) for each in ends))
        next_strike |= dict.fromkeys(ends, tick)
        events.append(
            (tick, ON_ORDER, mido.Message("note_on", channel=on, note=note, velocity=struck.velocity))
        )
        events.append((end, OFF_ORDER, mido.Message("note_off", channel=on, note=note, velocity=0)))
    return [*_pedal_events(loudest), *events]


def _pedal_events(
    loudest: Mapping[tuple[int, int, int], TakeNote],
) -> Iterator[tuple[int, int, mido.Message]]:
    """Yield where the pedal of a hat moves, before the strokes that need it elsewhere.

    For the second of two strokes at once it cannot.
    """
    at: dict[tuple[int, int], tuple[int, int]] = {}
    for tick, on, note in sorted(loudest):
        struck = loudest[tick, on, note]
        if struck.pedal is None:
            continue
        pedal = (on, struck.pedal.controller)
        before, value = at.get(pedal, (-TICKS_PER_QUARTER, -1))
        at[pedal] = (tick, value)
        together = struck.lead_beats * LEAD_MIN_MS / struck.pedal.lead_ms
        if struck.pedal.value != value and tick - before >= _tick(together):
            moved = max(0, before, tick - _tick(struck.lead_beats))
            move = mido.Message(
                "control_change", channel=on, control=struck.pedal.controller, value=struck.pedal.value
            )
            yield moved, OFF_ORDER if moved < tick else ON_ORDER, move
            at[pedal] = (tick, struck.pedal.value)


def _tick(beat: float) -> int:
    return max(0, round(beat * TICKS_PER_QUARTER))


def _track(
    name: str, events: Sequence[tuple[int, int, mido.Message | mido.MetaMessage]], end: int
) -> mido.MidiTrack:
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=name, time=0))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: (event[0], event[1])):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track
