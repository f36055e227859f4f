"""MIDI clock: which pulse is due when, and the start, stop and song position around it. No clock, no port."""

from __future__ import annotations

import math

from liveengine.music.beats import STEPS_PER_BEAT, BeatMap
from liveengine.music.midi_clock import (
    CONTINUE,
    PULSE,
    PULSES_PER_BEAT,
    PULSES_PER_STEP,
    SONG_POSITION,
    START,
    STOP,
)

LAST_POSITION = 0x3FFF
"""Song position has 14 bits: 1,024 bars of 4/4. A song further on than that is started at its beginning."""
JUMP_PULSES = 6
"""A pulse that is off by more than a sixteenth was moved by a peer that forced the beat: the count begins
anew. Less is a tempo change seen a little late, and every pulse of it is sent."""

Message = tuple[int, ...]


class PulseTrain:
    """The pulses of one port. Owned by the player's core.

    Pulses go on while the song stands still, as receivers follow the tempo by them. A receiver that has been
    sent Start or Continue takes the next pulse for the first of the song (MIDI 1.0), so these go right after
    the pulse before.
    """

    def __init__(self) -> None:
        """Begin with the song standing still."""
        self._map: BeatMap | None = None
        self._latency_us = 0.0
        self._next = 0
        self._begin: int | None = None
        self._how = START
        self.running = False

    def retime(self, beat_map: BeatMap, latency_us: float, now_us: float) -> None:
        """Take the map and the latency in force."""
        reached = beat_map.beat_at(now_us + latency_us) * PULSES_PER_BEAT
        if self._map is None or abs(reached - self._next) > JUMP_PULSES + 1:
            self._next = math.ceil(reached - 1e-6)
        self._map, self._latency_us = beat_map, latency_us

    def due_us(self) -> float | None:
        """Return the moment of the next pulse; None before the first map."""
        if self._map is None:
            return None
        return self._map.time_at(self._next / PULSES_PER_BEAT) - self._latency_us

    def pulse(self) -> list[Message]:
        """Return the pulse that is due, with the start of the song where that comes next."""
        self._next += 1
        return [(PULSE,), *self._begin_if_next()]

    def start(self, beat: float, song_beats: float) -> list[Message]:
        """Let the song run from a session beat on, which is its beat `song_beats`; return what goes before.

        A start that has passed already is made up for at the next sixteenth.
        """
        if self._map is None:
            return []
        begin = round(beat * PULSES_PER_BEAT)
        late = max(0, math.ceil((self._next - begin) / PULSES_PER_STEP)) * PULSES_PER_STEP
        position = round(song_beats * STEPS_PER_BEAT) + late // PULSES_PER_STEP
        self._begin = begin + late
        out = self.stop_now()
        if 0 < position <= LAST_POSITION:
            self._how = CONTINUE
            out.append((SONG_POSITION, position & 0x7F, position >> 7))
        else:
            self._how = START
        return [*out, *self._begin_if_next()]

    def stop(self) -> list[Message]:
        """Let the song stand still; return what says so."""
        self._begin = None
        return self.stop_now()

    def stop_now(self) -> list[Message]:
        """Return Stop where the song runs."""
        running, self.running = self.running, False
        return [(STOP,)] if running else []

    def _begin_if_next(self) -> list[Message]:
        if self._begin is None or self._next < self._begin:
            return []
        self._begin, self.running = None, True
        return [(self._how,)]
