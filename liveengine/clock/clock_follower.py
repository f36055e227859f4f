"""Following MIDI clock: from pulses that come unevenly, are lost or doubled, to a beat map.

Pure: every pulse comes with its moment. A straight line is fitted to the last pulses (their number against
their moment), the longer a stretch the more unevenly they come, and a new one is begun where the tempo has
made a real step.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import deque
from dataclasses import dataclass

from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM, US_PER_MINUTE, BeatMap, nearest_bpm
from liveengine.music.midi_clock import PULSES_PER_BEAT, PULSES_PER_STEP

LEAST_FIT, USUAL_FIT, MOST_FIT = 4, 24, 96
"""Pulses that a line is fitted to: right after a step, with even pulses, with uneven ones."""
STEADY_US, MORE_PER_US = 500.0, 24 / 1500.0
"""Beyond this deviation of a pulse the fit takes in more: at 2 ms twice as many."""
STEP_DEVIATIONS, STEP_LEAST_US, STEP_PULSES = 2.5, 1500.0, 3
"""So many pulses in a row, all early or all late by so much, are another tempo."""
UNEVEN = 0.12
"""A clock whose pulses deviate by a larger share of the time between two is too uneven to tell a step."""
ERRORS_KEPT, ERRORS_KNOWN = 48, 16
"""Prediction errors that tell how unevenly pulses come, and how many it takes to know."""
OTHER_PULSE = 0.5
"""A pulse that is off by more than this share of the time between two is another one, or none."""
SURELY_LOST, SURELY_OTHER = 0.75, 1.5
EVEN_KNOWN, UNEVEN_KNOWN = 17, 40
"""Before so many pulses the time between two is not known well enough to tell that one is missing."""
RATE_PULSES, RATE_EVEN, RATE_OTHER = 4, 0.12, 0.14
"""So many pulses, as far apart as one another but for such a share, and by such a share otherwise than
before, are a large step of tempo."""
STRETCH, PLACE_SHARE = 8, 0.25
TWICE = 0.15
"""A pulse that comes within this share of the time between two came twice."""
SETTLED = 6
"""So many pulses in a row that are another one tell that some were lost, or doubled."""
COAST_BEATS = 1.0
"""A clock that has stopped without saying so goes on for as long; then all stops."""
RETURN_US = 20e6
"""A clock that comes back within this is taken to have gone on meanwhile at its tempo."""
LONGEST_PULSE_US = US_PER_MINUTE / TEMPO_MIN_BPM / PULSES_PER_BEAT * 2
SHORTEST_PULSE_US = US_PER_MINUTE / TEMPO_MAX_BPM / PULSES_PER_BEAT / 2


@dataclass(slots=True)
class _Line:
    """A straight line through pulses: pulse `number` at `at_us`, `period_us` apart."""

    number: float
    at_us: float
    period_us: float

    def moment(self, number: float) -> float:
        return self.at_us + (number - self.number) * self.period_us


class ClockFollower:
    """Follows one clock. Used under its owner's lock.

    Pulse 0 is the downbeat of the song. Before the first two pulses nothing is known.
    """

    def __init__(self) -> None:
        """Begin with no clock."""
        self.playing = False
        self.began_beat: float | None = None
        self._next_number = 0
        self._waiting = False
        self._pulses: deque[tuple[int, float]] = deque(maxlen=MOST_FIT)
        self._line: _Line | None = None
        self._errors_us: deque[float] = deque(maxlen=ERRORS_KEPT)
        self._others = 0
        self._came_us: deque[float] = deque(maxlen=RATE_PULSES)
        self.deviation_us: float | None = None
        """How unevenly pulses come; None before enough is known."""
        self._period_known = False
        self._last_us: float | None = None
        self._coasted = False
        self._broke_off = False

    # --- messages ------------------------------------------------------------------------------

    def start(self) -> None:
        """The next pulse is the downbeat."""
        self._begin(0)

    def go_on(self) -> None:
        """The next pulse goes on from where the song stands."""
        self._begin(self._next_number)

    def stop(self) -> None:
        """The song stands still; pulses may go on."""
        self.playing = self._waiting = self._broke_off = False
        self.began_beat = None

    def position(self, steps: int) -> None:
        """The song stands at a sixteenth from its beginning."""
        if not self.playing:
            self._renumber(steps * PULSES_PER_STEP)

    def _begin(self, number: int) -> None:
        self._renumber(number)
        self._waiting = True

    def _renumber(self, number: int) -> None:
        """Let the next pulse have another number; the line stays where it is in time."""
        self._shift(number - self._next_number)
        self._next_number = number

    def _shift(self, by: int) -> None:
        """Give the pulses that have come other numbers."""
        self._pulses = deque(((each + by, at_us) for each, at_us in self._pulses), maxlen=MOST_FIT)
        if self._line is not None:
            self._line.number += by

    def pulse(self, at_us: float) -> None:
        """A pulse has come."""
        if self._last_us is not None and at_us - self._last_us < self._twice_us():
            return
        self._return(at_us)
        last_us, self._last_us = self._last_us, at_us
        self._came_us.append(at_us)
        if self._line is None:
            self._first(last_us, at_us)
        else:
            if self._waiting:  # whatever was lost before, this is the one that was announced
                passed = (at_us - self._line.moment(self._next_number)) / self._line.period_us
                self._shift(-round(passed) if abs(passed) > SURELY_LOST else 0)
            self._follow(at_us)
        if self._waiting:
            self.playing, self._waiting = True, False
            self.began_beat = (self._next_number - 1) / PULSES_PER_BEAT

    def _twice_us(self) -> float:
        """Return how soon after another a pulse is the same one again."""
        return TWICE * self._line.period_us if self._line is not None and self._is_even() else 1.0

    def _first(self, last_us: float | None, at_us: float) -> None:
        """Begin a line with the second pulse."""
        number = self._next_number
        self._next_number += 1
        self._pulses.append((number, at_us))
        if last_us is None:
            return
        period_us = at_us - last_us
        if SHORTEST_PULSE_US <= period_us <= LONGEST_PULSE_US:
            self._line = _Line(number, at_us, period_us)

    def _follow(self, at_us: float) -> None:
        """Take a pulse in: the next one, or, once that is sure, another one."""
        assert self._line is not None
        number = self._next_number
        off = (at_us - self._line.moment(number)) / self._line.period_us
        if abs(off) <= OTHER_PULSE or not self._period_known:
            self._others = 0
            self._add(number, at_us)
            return
        same_way = self._others * off > 0
        self._others = (abs(self._others) + 1 if same_way else 1) * (1 if off > 0 else -1)
        if abs(self._others) < SETTLED and abs(off) < SURELY_OTHER:
            self._next_number += 1
            if self._has_another_rate():
                self._learn_anew()
            return
        self._others = 0
        self._next_number = max(self._pulses[-1][0] + 1, number + round(off))
        if self._next_number == number + round(off):
            self._add(self._next_number, at_us)

    def _has_another_rate(self) -> bool:
        """Tell whether the last pulses came evenly, but not as far apart as before: a large step of tempo."""
        assert self._line is not None
        if not self._is_even():
            return False
        apart_us = [after - before for before, after in itertools.pairwise(self._came_us)]
        usual_us = statistics.median(apart_us) if len(apart_us) == RATE_PULSES - 1 else 0.0
        even = all(abs(each / usual_us - 1) < RATE_EVEN for each in apart_us) if usual_us else False
        return even and abs(usual_us / self._line.period_us - 1) > RATE_OTHER

    def _learn_anew(self) -> None:
        """Go on from the last pulses alone, whose numbers follow one another."""
        first = self._next_number - len(self._came_us)
        numbered = [(first + place, at_us) for place, at_us in enumerate(self._came_us)]
        self._pulses = deque(numbered, maxlen=MOST_FIT)
        self._others = 0
        self._fit()

    def _add(self, number: int, at_us: float) -> None:
        assert self._line is not None
        self._next_number = number + 1
        self._pulses.append((number, at_us))
        self._errors_us.append(at_us - self._line.moment(number))
        self.deviation_us = self._deviation_us()
        if not self._period_known and self._knows_period():
            self._period_known = True
            if not self._is_even():
                self._number_anew()
        if self._has_stepped():
            self._pulses = deque(list(self._pulses)[-LEAST_FIT:], maxlen=MOST_FIT)
        self._fit()

    def _number_anew(self) -> None:
        """Number the first pulses by their places in time: some of them may have been lost, or doubled.

        The period is the median over stretches of pulses, of which a lost one spoils a few only.
        """
        came_us = [at_us for _, at_us in self._pulses]
        if len(came_us) <= STRETCH:
            return
        stretches = [after - before for before, after in zip(came_us, came_us[STRETCH:], strict=False)]
        period_us = statistics.median(stretches) / STRETCH
        numbers, place_us = [0], came_us[0]
        for at_us in came_us[1:]:
            by = max(0, round((at_us - place_us) / period_us))
            numbers.append(numbers[-1] + by)
            place_us += by * period_us + PLACE_SHARE * (at_us - place_us - by * period_us)
        # A single pulse may lie nearer to its neighbour's place: the last few together say where they are.
        more = [number - place for place, number in enumerate(numbers)]
        first = self._next_number - len(numbers) - round(statistics.median(more[-STRETCH:]))
        numbered = zip((first + number for number in numbers), came_us, strict=True)
        self._pulses = deque(numbered, maxlen=MOST_FIT)

    def _knows_period(self) -> bool:
        """Tell whether enough pulses have come to say that one is missing."""
        return len(self._pulses) >= (EVEN_KNOWN if self._is_even() else UNEVEN_KNOWN)

    def _is_even(self) -> bool:
        """Tell whether pulses are known to come evenly enough for single ones to say something."""
        assert self._line is not None
        deviation_us = self.deviation_us
        return deviation_us is not None and deviation_us < UNEVEN * self._line.period_us

    def _has_stepped(self) -> bool:
        """Tell whether the last pulses were all early, or all late, by more than unevenness explains."""
        assert self._line is not None
        if not self._is_even():
            return False
        threshold_us = max(STEP_LEAST_US, STEP_DEVIATIONS * (self.deviation_us or 0.0))
        last = list(self._errors_us)[-STEP_PULSES:]
        return all(each > threshold_us for each in last) or all(each < -threshold_us for each in last)

    def _deviation_us(self) -> float | None:
        """Tell how unevenly pulses come by the difference of each error to the next, which no tempo bends."""
        if len(self._errors_us) < ERRORS_KNOWN:
            return None
        apart = [abs(after - before) for before, after in itertools.pairwise(self._errors_us)]
        return math.sqrt(math.pi) / 2 * statistics.fmean(apart)  # of normal errors

    def _fit(self) -> None:
        """Lay the line through the last pulses, by least squares."""
        more = max(0.0, (self.deviation_us or 0.0) - STEADY_US) * MORE_PER_US
        pulses = list(self._pulses)[-min(MOST_FIT, USUAL_FIT + round(more)) :]
        if len(pulses) < 2:
            return
        mean_number = sum(number for number, _ in pulses) / len(pulses)
        mean_us = sum(at_us for _, at_us in pulses) / len(pulses)
        spread = sum((number - mean_number) ** 2 for number, _ in pulses)
        if not spread:
            return
        period_us = sum((number - mean_number) * (at_us - mean_us) for number, at_us in pulses) / spread
        if SHORTEST_PULSE_US <= period_us <= LONGEST_PULSE_US:
            self._line = _Line(mean_number, mean_us, period_us)

    # --- time ----------------------------------------------------------------------------------

    def advance(self, now_us: float) -> None:
        """Let time pass: a clock that has stopped coasts for a beat."""
        if self._line is None or self._last_us is None or self._coasted:
            return
        if now_us - self._last_us > (COAST_BEATS * PULSES_PER_BEAT + 1) * self._line.period_us:
            self._coasted = True
            self._broke_off, self.playing = self.playing, False
            self.began_beat = None

    def _return(self, at_us: float) -> None:
        """Go on after a gap: where Start or Continue says, else where a clock that went on would be by now.

        After a long gap nobody knows that, and only what is announced begins.
        """
        if not self._coasted or self._line is None or self._last_us is None:
            return
        self._coasted = False
        if not self._waiting and at_us - self._last_us <= RETURN_US:
            passed = (at_us - self._line.moment(self._next_number)) / self._line.period_us
            self._next_number += max(0, round(passed))
            self._waiting = self._broke_off
        self._line.at_us, self._line.number = at_us, self._next_number
        self._pulses.clear()
        self._came_us.clear()
        self._errors_us.clear()
        self.deviation_us = None

    @property
    def is_there(self) -> bool:
        """Whether a clock is running."""
        return self._line is not None and not self._coasted

    def beat_map(self) -> BeatMap | None:
        """Return the beats as the clock has them; None before the second pulse."""
        if self._line is None:
            return None
        bpm = US_PER_MINUTE / PULSES_PER_BEAT / self._line.period_us
        number = float(self._next_number - 1)
        return BeatMap(self._line.moment(number), number / PULSES_PER_BEAT, nearest_bpm(bpm))
