"""MIDI files as bytes, with all that writers do otherwise than the standard says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

TPQ = 480
KICK, SNARE, HAT, CRASH = 36, 38, 42, 49
EIGHTHS = tuple((step / 2, HAT) for step in range(8))
BEAT: tuple[tuple[float, int], ...] = ((0, KICK), (1, SNARE), (2, KICK), (3, SNARE), *EIGHTHS)
"""A bar of rock: (beat, note)."""

Event = tuple[float, bytes]
"""Beat, and the bytes of the event without its delta time."""


def number(value: int) -> bytes:
    """Return a variable-length quantity."""
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(value & 0x7F | 0x80)
    return bytes(reversed(found))


def meta(kind: int, value: bytes) -> bytes:
    return bytes((0xFF, kind)) + number(len(value)) + value


def name(text: str) -> Event:
    return 0, meta(3, text.encode())


def tempo(bpm: float, beat: float = 0) -> Event:
    return beat, meta(0x51, round(60e6 / bpm).to_bytes(3))


def signature(numerator: int, denominator: int, beat: float = 0) -> Event:
    return beat, meta(0x58, bytes((numerator, denominator.bit_length() - 1, 24, 8)))


def control(controller: int, value: int, beat: float = 0, channel: int = 10) -> Event:
    return beat, bytes((0xB0 | channel - 1, controller, value))


def program(number_from_0: int, channel: int = 10) -> Event:
    return 0, bytes((0xC0 | channel - 1, number_from_0))


def on(beat: float, note: int, channel: int = 10, velocity: int = 100) -> Event:
    return beat, bytes((0x90 | channel - 1, note, velocity))


def off(beat: float, note: int, channel: int = 10) -> Event:
    return beat, bytes((0x80 | channel - 1, note, 64))


def strokes(
    notes: Iterable[tuple[float, int]], *, channel: int = 10, length: float | None = 0.125
) -> list[Event]:
    """Return notes on a channel; without a length, without note-offs."""
    events = []
    for beat, note in notes:
        events.append(on(beat, note, channel))
        if length is not None:
            events.append(off(beat + length, note, channel))
    return events


def bars(
    count: int, notes: Sequence[tuple[float, int]] = BEAT, *, beats: float = 4, first: float = 0
) -> list[tuple[float, int]]:
    """Return the notes of a bar again and again."""
    return [(first + bar * beats + beat, note) for bar in range(count) for beat, note in notes]


def track(*events: Event, end: float | None = None) -> bytes:
    """Return a track chunk that ends at a beat, else with its last event."""
    ordered = sorted(events, key=lambda event: event[0])  # stable: as given at one beat
    content, now = b"", 0
    last = max((beat for beat, _ in events), default=0.0)
    last = last if end is None else max(last, end)
    for beat, event in [*ordered, (last, meta(0x2F, b""))]:
        tick = round(beat * TPQ)
        content += number(tick - now) + event
        now = tick
    return b"MTrk" + len(content).to_bytes(4) + content


def midi(
    *tracks: bytes, midi_format: int = 1, count: int | None = None, division: int = TPQ, more: bytes = b""
) -> bytes:
    """Return a file: `count` tracks as its header says, and `more` bytes at the end of the header."""
    said = len(tracks) if count is None else count
    header = midi_format.to_bytes(2) + said.to_bytes(2) + division.to_bytes(2) + more
    return b"MThd" + len(header).to_bytes(4) + header + b"".join(tracks)


def take(notes: Iterable[tuple[float, int]], *more: Event, end: float | None = None) -> bytes:
    """Return a file with a tempo track of 100 bpm and a track of drums on channel 10."""
    return midi(track(tempo(100)), track(*more, *strokes(notes), end=end))
