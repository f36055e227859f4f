"""Notes that are heard: MIDI messages of keys, bass, guitar, pads or a kit, distinguished by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NOTE_OFF, NOTE_ON, CONTROLLER, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
SUSTAIN = 64
DRUM_CHANNEL = 10
LOW_NOTE = 50
"""Below it (D3) on the whole a channel without a program is a bass."""
PROGRAMS = {"guitar": range(24, 32), "bass": range(32, 40)}
"""General MIDI's families; all others are keys."""
INSTRUMENTS = ("bass", "guitar", "keys", "drums")
SLOW = 0.9
"""How much of a channel's mean pitch stays with each note."""


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note that was struck: its channel (from 1), pitch, velocity 1-127, and what kind of instrument."""

    channel: int
    pitch: int
    velocity: int
    instrument: str


class NoteReader:
    """Reads the messages of a port. Used by the engine's thread.

    It remembers of each channel the program, how high it plays, which notes are held, and the sustain pedal.
    """

    def __init__(self) -> None:
        """Begin with silence."""
        self.malformed = 0
        self._programs: dict[int, int] = {}
        self._pitches: dict[int, float] = {}
        self._held: set[tuple[int, int]] = set()
        self._sustained: set[int] = set()

    @property
    def held(self) -> int:
        """How many notes are held now, by fingers or pedal."""
        return len(self._held)

    def read(self, message: Sequence[int]) -> HeardNote | None:
        """Return the note that a message strikes; None for any other message. Garbage is counted."""
        if not message or message[0] >= 0xF0:
            return None  # clock, sysex: not played
        length = 2 if message[0] & 0xF0 in (PROGRAM, 0xD0) else 3
        if message[0] < 0x80 or len(message) != length or any(not 0 <= byte < 0x80 for byte in message[1:]):
            self.malformed += 1
            return None
        kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
        if kind == NOTE_ON and message[2]:
            return self._struck(channel, message[1], message[2])
        if kind in (NOTE_ON, NOTE_OFF):
            if channel not in self._sustained:
                self._held.discard((channel, message[1]))
        elif kind == PROGRAM:
            self._programs[channel] = message[1]
        elif kind == CONTROLLER:
            self._controlled(channel, message[1], message[2])
        return None

    def _struck(self, channel: int, pitch: int, velocity: int) -> HeardNote:
        self._held.add((channel, pitch))
        before = self._pitches.get(channel, float(pitch))
        self._pitches[channel] = SLOW * before + (1 - SLOW) * pitch
        return HeardNote(channel, pitch, velocity, self._instrument(channel))

    def _controlled(self, channel: int, number: int, value: int) -> None:
        if number == SUSTAIN and value >= 64:
            self._sustained.add(channel)
        elif number == SUSTAIN or number >= 120:  # the pedal is up, or all sound is off
            self._sustained.discard(channel)
            self._held = {each for each in self._held if each[0] != channel}

    def _instrument(self, channel: int) -> str:
        if channel == DRUM_CHANNEL:
            return "drums"
        program = self._programs.get(channel)
        if program is None:
            return "bass" if self._pitches[channel] < LOW_NOTE else "keys"
        return next((name for name, numbers in PROGRAMS.items() if program in numbers), "keys")
