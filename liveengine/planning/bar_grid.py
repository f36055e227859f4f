"""Where bars lie in time: the session's beat map, and the bar lines that the engine has laid over it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from liveengine.music.beats import STEPS_PER_BEAT, BeatMap, Meter

JUMP_BEATS = 0.25
"""A beat that is off by more than this was moved by a peer."""
TOLD_LATE_S = 0.5
"""A tempo may arrive this late: Link repeats itself every 250 ms, and one of its packets may be lost."""


@dataclass(frozen=True, slots=True)
class BarGrid:
    """Bars over a beat map: bar `origin_bar` begins on session beat `origin_beat`, `song_beat` of the song.

    Bars are in `meter` up to the first of `changes`, each of which is a bar, and the meter from it on.
    """

    beat_map: BeatMap
    meter: Meter
    origin_beat: float = 0.0
    origin_bar: int = 0
    origin_song_beat: float = 0.0
    changes: tuple[tuple[int, Meter], ...] = ()

    def meter_at(self, index: int) -> Meter:
        """Return the meter of a bar."""
        return next((meter for bar, meter in reversed(self.changes) if bar <= index), self.meter)

    def start_beat(self, index: int) -> float:
        """Return the session beat of a bar's bar line."""
        bar, meter, beat = self.origin_bar, self.meter, self.origin_beat
        for changed, other in self.changes:
            if changed > index:
                break
            beat += (changed - bar) * meter.beats
            bar, meter = changed, other
        return beat + (index - bar) * meter.beats

    def song_beat(self, index: int) -> float:
        """Return how many beats of the song have passed at a bar's bar line."""
        return self.origin_song_beat + self.start_beat(index) - self.origin_beat

    def anchored(self, beat: float, bar: int) -> BarGrid:
        """Return the grid with a bar, and those after it, laid from a session beat on."""
        return BarGrid(
            self.beat_map,
            self.meter_at(bar),
            origin_beat=beat,
            origin_bar=bar,
            origin_song_beat=self.song_beat(bar),
            changes=tuple(change for change in self.changes if change[0] > bar),
        )

    def in_meter(self, bar: int, meter: Meter) -> BarGrid:
        """Return the grid with a bar, and all after it, in a meter."""
        if bar <= self.origin_bar:
            return replace(self, meter=meter, changes=())
        kept = tuple(change for change in self.changes if change[0] < bar)
        before = kept[-1][1] if kept else self.meter
        return replace(self, changes=kept if before == meter else (*kept, (bar, meter)))

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
