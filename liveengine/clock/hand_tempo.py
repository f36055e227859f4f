"""Tempo by hand: taps, nudges, half and double, as changes of a beat map. Pure."""

from __future__ import annotations

import itertools
import statistics
from collections import deque
from collections.abc import Callable, Mapping

from liveengine.music.beats import US_PER_MINUTE, BeatMap, nearest_bpm

TAPS_TO_BEGIN = 4
"""Taps that count in: the beat after them is the downbeat."""
TAPS_KEPT = 8
PAUSE_US = 2_500_000.0
"""After a longer pause a tap begins a new series: slower taps than 24 a minute are none."""
FAR_OFF = 0.3
"""A tap that is off by more than this share of a beat does not count."""
NUDGE_SHARE, NUDGE_US, STEP_BPM = 0.01, 10_000.0, 1.0


class Taps:
    """The taps of one series. Used by the event loop's thread."""

    def __init__(self) -> None:
        """Begin without any."""
        self._taps_us: deque[float] = deque(maxlen=TAPS_KEPT)

    def tap(self, at_us: float) -> int:
        """Take a tap in; return how many there are in its series."""
        if self._taps_us and at_us - self._taps_us[-1] > PAUSE_US:
            self._taps_us.clear()
        self._taps_us.append(at_us)
        return len(self._taps_us)

    def counting(self, at_us: float) -> tuple[float, float] | None:
        """Take a tap in; return the line of its series once there are enough to count in."""
        return self.line() if self.tap(at_us) >= TAPS_TO_BEGIN else None

    def line(self) -> tuple[float, float] | None:
        """Return when the last tap should have been, and the microseconds of a beat; None before two.

        A straight line is fitted to the taps, without those far off: an uneven hand averages out.
        """
        taps = list(self._taps_us)
        if len(taps) < 2:
            return None
        usual_us = statistics.median(after - before for before, after in itertools.pairwise(taps))
        numbered = [(0, taps[0])]
        for tap_us in taps[1:]:
            number, before_us = numbered[-1]
            beats = (tap_us - before_us) / usual_us
            if round(beats) >= 1 and abs(beats - round(beats)) <= FAR_OFF:
                numbered.append((number + round(beats), tap_us))
        if len(numbered) < 2:
            return None
        line = statistics.linear_regression(*zip(*numbered, strict=True))
        return line.intercept + line.slope * numbered[-1][0], line.slope


def tapped(beat_map: BeatMap, line: tuple[float, float]) -> BeatMap:
    """Return the map at the tempo of taps, the last of which was on the nearest beat."""
    at_us, us_per_beat = line
    return BeatMap(at_us, float(round(beat_map.beat_at(at_us))), nearest_bpm(US_PER_MINUTE / us_per_beat))


def counted_in(line: tuple[float, float], quantum_beats: float) -> BeatMap:
    """Return the map in which the beat after the last tap is a downbeat."""
    at_us, us_per_beat = line
    return BeatMap(at_us, quantum_beats - 1, nearest_bpm(US_PER_MINUTE / us_per_beat))


def _at_tempo(change: Callable[[float], float]) -> Callable[[BeatMap, float], BeatMap]:
    return lambda beat_map, at_us: beat_map.with_tempo(nearest_bpm(change(beat_map.bpm)), at_us)


def _shifted(by_us: float) -> Callable[[BeatMap, float], BeatMap]:
    return lambda beat_map, _at_us: BeatMap(beat_map.time_us + by_us, beat_map.beat, beat_map.bpm)


MOVES: Mapping[str, Callable[[BeatMap, float], BeatMap]] = {
    "tempo_up": _at_tempo(lambda bpm: bpm + STEP_BPM),
    "tempo_down": _at_tempo(lambda bpm: bpm - STEP_BPM),
    "tempo_half": _at_tempo(lambda bpm: bpm / 2),
    "tempo_double": _at_tempo(lambda bpm: bpm * 2),
    "nudge_faster": _at_tempo(lambda bpm: bpm * (1 + NUDGE_SHARE)),
    "nudge_slower": _at_tempo(lambda bpm: bpm / (1 + NUDGE_SHARE)),
    "nudge_earlier": _shifted(-NUDGE_US),
    "nudge_later": _shifted(NUDGE_US),
}
"""What else changes the tempo, or the place of the beat, from a moment on."""
