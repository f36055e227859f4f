"""Where bars lie in time: the session's beat map, and the bar lines that the engine has laid over it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from liveengine.music.beats import STEPS_PER_BEAT, BeatMap, Meter

JUMP_BEATS = 0.25
"""A beat that is off by more than this was moved by a peer."""
TOLD_LATE_S = 0.5
"""A tempo may arrive this late: Link repeats itself every 250 ms, and one of its packets may be lost."""


@dataclass(frozen=True, slots=True)
class BarGrid:
    """Bars of one meter over a beat map: bar `origin_bar` begins on session beat `origin_beat`."""

    beat_map: BeatMap
    meter: Meter
    origin_beat: float = 0.0
    origin_bar: int = 0

    def start_beat(self, index: int) -> float:
        """Return the session beat of a bar's bar line."""
        return self.origin_beat + (index - self.origin_bar) * self.meter.beats

    def time_of(self, index: int, beat: float = 0.0, offset_ms: float = 0.0) -> float:
        """Return the moment, in microseconds, of a place in a bar, counted in beats from its bar line."""
        return self.beat_map.time_at(self.start_beat(index) + beat) + offset_ms * 1e3

    def open_step(self, index: int, at_us: float) -> int:
        """Return the first step of a bar at or after a moment; 0 where all of it is to come."""
        beat = self.beat_map.beat_at(at_us) - self.start_beat(index)
        return max(0, math.ceil(beat * STEPS_PER_BEAT - 1e-6))


def has_jumped(before: BeatMap, after: BeatMap, now_us: float) -> bool:
    """Return whether a peer has moved the beat by more than a late tempo would account for."""
    late_beats = abs(after.bpm - before.bpm) / 60 * TOLD_LATE_S
    return abs(after.beat_at(now_us) - before.beat_at(now_us)) > JUMP_BEATS + late_beats
