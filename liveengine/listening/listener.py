"""The listener: notes gathered into bars, and what is understood of them at a bar line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from liveengine.listening.notes import HeardNote
from liveengine.music.beats import STEPS_PER_BEAT, Meter

KEPT_BARS = 17
"""As many as tell a riff of eight bars that was played twice."""
RIFFS = (1, 2, 4, 8)
LOOKED_AT = 3
"""Bars, before the last one, in which a short riff must have come again too, as far as it was played."""
PHRASES, USUAL_PHRASE = (4, 8, 16), 8
ALIKE, OTHER = 0.8, 0.6
"""Bars at least so alike are the same riff; at most so alike, another one (cosine of their accents)."""
ONSET_BEATS = 0.06
"""Notes closer than this are one onset: a chord."""
CHORD_GAIN = 0.05
OFTEN = 0.5
"""Where more of the sixteenths are struck than this share, only what stands out is an accent."""
UNACCENTED = 0.35
USUAL_PEAK, LEAST_PEAK = 0.9, 0.3
"""Accents are seen from the loudest: a soft player has accents too, but not out of next to nothing."""
HYSTERESIS = 0.08
"""Loudness and activity, 0-1, that change by less stay as they were."""
BUSIEST = 2.5
"""Onsets per beat that count as activity 1."""
USUAL_ACTIVITY, USUAL_LOUDNESS = 0.4, 0.62
"""Of a player who has not been heard yet: an onset a beat, velocity 79."""
SLOWLY, LOUDNESS_SLOWLY = 0.08, 0.02
"""How far what is usual moves toward what is, each bar. Loud is loud for longer than busy is busy."""
PUSH_BARS = 4
STOPPED_ONSETS = 2


@dataclass(slots=True)
class HeardBar:
    """What was heard within one bar, by sixteenth."""

    strengths: list[float]
    offsets: list[float]
    weights: list[float]
    notes: int = 0
    onsets: int = 0
    velocities: float = 0.0
    last_onset: float = -1.0
    by_instrument: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def empty(cls, steps: int) -> HeardBar:
        """Return a bar of silence."""
        return cls([0.0] * steps, [0.0] * steps, [0.0] * steps)

    def add(self, note: HeardNote, step: int, offset: float) -> None:
        """Take a note in, `offset` sixteenths from a step."""
        loudness = note.velocity / 127
        place = step + offset
        self.notes += 1
        self.velocities += loudness
        if abs(place - self.last_onset) > ONSET_BEATS * STEPS_PER_BEAT:
            self.onsets += 1
            self.last_onset = place
        before = self.strengths[step]
        self.strengths[step] = min(1.0, max(before, loudness) + (CHORD_GAIN if before else 0.0))
        self.offsets[step] += offset * loudness
        self.weights[step] += loudness
        total, weight = self.by_instrument.get(note.instrument, (0.0, 0.0))
        self.by_instrument[note.instrument] = (total + offset * loudness, weight + loudness)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is understood at one moment, of the bars until then.

    `grooves` are the accents of the coming bars, over and over from the next one on.
    `activity` (of `BUSIEST` onsets a beat) and `loudness` (mean velocity) are 0-1, `usual_activity` and
    `usual_loudness` what they were on the whole. `riff_bars` is how long the riff is that is repeated, 0
    without one; `similarity` how alike the last bar was to what was expected. `silent_bars` have passed since
    the last note, -1 before the first; `bars` since the silence before that. `phrase_bars` have passed since
    the riff began, and phrases last `phrase_length`, which is a guess unless `phrase_known`. `pushes_ms` are
    how far each instrument plays behind the beat, `step_offsets` (sixteenths) how far each sixteenth does.
    """

    grooves: tuple[tuple[float, ...], ...]
    activity: float
    loudness: float
    usual_activity: float
    usual_loudness: float
    riff_bars: int
    similarity: float
    silent_bars: int
    bars: int
    phrase_bars: int
    phrase_length: int
    phrase_known: bool
    us_per_step: float
    pushes_ms: tuple[tuple[str, float], ...]
    step_offsets: tuple[float, ...]

    @property
    def plays(self) -> bool:
        """Whether somebody has played within the last bar."""
        return self.silent_bars == 0


class Listener:
    """Gathers notes by bar. Used by the engine's thread."""

    def __init__(self, meter: Meter) -> None:
        """Begin with silence."""
        self._meter = meter
        self._bars: dict[int, HeardBar] = {}
        self._first_bar: int | None = None
        self._last_bar = -1
        self._riff_began = 0
        self._known_riff = 0
        self._phrase_length = USUAL_PHRASE
        self._phrase_known = False
        self._activity = self._loudness = 0.0
        self._usual_activity, self._usual_loudness = USUAL_ACTIVITY, USUAL_LOUDNESS
        self._usual_known_until = -1

    @property
    def is_silent(self) -> bool:
        """Whether not a note has been heard yet."""
        return self._first_bar is None

    def stopped(self, current: int, until: int, steps: int) -> bool:
        """Tell whether so many sixteenths were silent just now where the bar before had been played."""
        before, now = self._bars.get(current - 1), self.bar(current)
        if before is None or self._first_bar is None or current - self._first_bar < 2 or until < steps:
            return False
        quiet = range(until - steps, until)
        return not any(now.strengths[step] for step in quiet) and (
            sum(before.strengths[step] > 0 for step in quiet) >= STOPPED_ONSETS
        )

    def take(self, note: HeardNote, beats: float) -> tuple[int, int]:
        """Take a note in, struck `beats` after the bar line of bar 0; return its bar and sixteenth."""
        place = beats * STEPS_PER_BEAT
        nearest = math.floor(place + 0.5)
        bar, step = divmod(nearest, self._meter.steps)
        self._bar(bar).add(note, step, place - nearest)
        if self._first_bar is None or bar > self._last_bar + 1:
            self._first_bar = self._riff_began = bar
            self._known_riff = 0
        self._last_bar = max(self._last_bar, bar)
        for old in [each for each in self._bars if each <= bar - KEPT_BARS]:
            del self._bars[old]
        return bar, step

    def accents(self, index: int) -> tuple[float, ...]:
        """Return the accents of a bar, seen from the loudest of the last bars."""
        bar = self._bars.get(index)
        if bar is None:
            return (0.0,) * self._meter.steps
        near = (self._bars[each] for each in range(index - 3, index + 1) if each in self._bars)
        peak = max(LEAST_PEAK, *(strength for each in near for strength in each.strengths))
        struck = [strength for strength in bar.strengths if strength]
        mean = sum(struck) / max(1, len(struck))
        often = len(struck) > OFTEN * len(bar.strengths)

        def accent(strength: float) -> float:
            plain = UNACCENTED if often and strength <= mean else 1.0
            return round(min(1.0, strength / peak) * USUAL_PEAK * plain, 3)

        return tuple(accent(strength) for strength in bar.strengths)

    def bar(self, index: int) -> HeardBar:
        """Return what was heard in a bar."""
        return self._bars.get(index) or HeardBar.empty(self._meter.steps)

    def _bar(self, index: int) -> HeardBar:
        return self._bars.setdefault(index, HeardBar.empty(self._meter.steps))

    def heard(self, current: int, until_step: int, us_per_step: float) -> Heard:
        """Return what is understood while a bar plays, of which the steps before one have been heard."""
        accents = {index: self.accents(index) for index in range(current - KEPT_BARS + 1, current + 1)}
        riff = self._riff(accents, current, until_step)
        similarity = self._similarity(accents, current, max(1, self._known_riff, riff), until_step)
        self._follow_riff(current, riff, similarity)
        bar = self.bar(current)
        share = max(1, until_step) / self._meter.steps
        beats = self._meter.beats * share
        if bar.notes:
            self._activity = settled(self._activity, min(1.0, bar.onsets / beats / BUSIEST))
            self._loudness = settled(self._loudness, bar.velocities / bar.notes)
            self._follow_usual(current)
        silent = -1 if self._first_bar is None else max(0, current - self._last_bar)
        return Heard(
            grooves=self._grooves(accents, current, riff, similarity, until_step),
            activity=self._activity,
            loudness=self._loudness,
            usual_activity=self._usual_activity,
            usual_loudness=self._usual_loudness,
            riff_bars=riff,
            similarity=similarity,
            silent_bars=silent,
            bars=0 if self._first_bar is None else current - self._first_bar + 1,
            phrase_bars=current - self._riff_began + 1,
            phrase_length=self._phrase_length,
            phrase_known=self._phrase_known,
            us_per_step=us_per_step,
            pushes_ms=self._pushes(current, us_per_step),
            step_offsets=self._step_offsets(current),
        )

    def _follow_usual(self, current: int) -> None:
        """Let what is usual of the player follow what he does, slowly, once a bar."""
        if current > self._usual_known_until:
            self._usual_known_until = current
            self._usual_activity += (self._activity - self._usual_activity) * SLOWLY
            self._usual_loudness += (self._loudness - self._usual_loudness) * LOUDNESS_SLOWLY

    def _riff(self, accents: dict[int, tuple[float, ...]], current: int, until: int) -> int:
        """Return after how many bars what is played comes again; 0 where it does not."""
        for bars in RIFFS:
            looked_at = range(current, max(self._riff_began + bars, current - max(bars, LOOKED_AT)) - 1, -1)
            pairs = [
                alike(accents[index], accents[index - bars], until if index == current else None)
                for index in looked_at
                if index in accents and index - bars in accents
            ]
            if len(pairs) >= bars and min(pairs) >= ALIKE:
                return bars
        return 0

    def _similarity(
        self, accents: dict[int, tuple[float, ...]], current: int, riff: int, until: int
    ) -> float:
        if current not in self._bars or current - riff not in self._bars:
            return 0.0
        return alike(accents[current], accents[current - riff], until)

    def _follow_riff(self, current: int, riff: int, similarity: float) -> None:
        """Note where another riff begins; how long the one before lasted is how long phrases are."""
        if self._known_riff and current == self._last_bar and similarity <= OTHER:
            length = current - self._riff_began
            if length in PHRASES:
                self._phrase_length, self._phrase_known = min(length, USUAL_PHRASE), True
            self._riff_began, self._known_riff = current, 0
        elif riff:
            self._known_riff = riff

    def _grooves(
        self,
        accents: dict[int, tuple[float, ...]],
        current: int,
        riff: int,
        similarity: float,
        until: int,
    ) -> tuple[tuple[float, ...], ...]:
        """Return what is expected of the coming bars: the riff, else the last bar as far as it was heard."""
        if riff > 1 and similarity > OTHER:
            return tuple(accents[index] for index in range(current - riff + 1, current + 1))
        before = current - max(1, riff)
        rest = accents[before] if before in self._bars and similarity > OTHER else accents[current]
        return ((*accents[current][:until], *rest[until:]),)

    def _pushes(self, current: int, us_per_step: float) -> tuple[tuple[str, float], ...]:
        sums: dict[str, tuple[float, float]] = {}
        for index in range(current - PUSH_BARS + 1, current + 1):
            for name, (total, weight) in self.bar(index).by_instrument.items():
                before = sums.get(name, (0.0, 0.0))
                sums[name] = (before[0] + total, before[1] + weight)
        return tuple(
            (name, round(total / weight * us_per_step / 1e3, 2))
            for name, (total, weight) in sorted(sums.items())
        )

    def _step_offsets(self, current: int) -> tuple[float, ...]:
        """Return the mean offset of each sixteenth over the last bars, near that of all where few are."""
        bars = [self.bar(index) for index in range(current - PUSH_BARS + 1, current + 1)]
        totals = [sum(bar.offsets[step] for bar in bars) for step in range(self._meter.steps)]
        weights = [sum(bar.weights[step] for bar in bars) for step in range(self._meter.steps)]
        mean = sum(totals) / sum(weights) if sum(weights) else 0.0
        return tuple(
            round((total + mean) / (weight + 1.0), 4) for total, weight in zip(totals, weights, strict=True)
        )


def alike(one: Sequence[float], other: Sequence[float], until: int | None = None) -> float:
    """Return how alike the accents of two bars are, 0-1, up to a step: the cosine of their angle."""
    pairs = list(zip(one[:until], other[:until], strict=True))
    lengths = math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs))
    return sum(a * b for a, b in pairs) / lengths if lengths else 0.0


def settled(before: float, now: float) -> float:
    """Return a figure with hysteresis: small changes leave it."""
    return now if abs(now - before) > HYSTERESIS else before
