"""Writing one bar: step by step from a decoder's logits to the bar's tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from liveengine.model.config import BAR_STEP
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.fused_weights import Floats
from liveengine.model.sampling import Sampling, sample
from liveengine.music.beats import FOUR_FOUR, TICKS_PER_STEP, Meter
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.pattern import MICRO_MIN
from liveengine.tokens import vocabulary

MAX_BAR_TOKENS = 160
"""A bar is closed here at the latest; the busiest of the Groove MIDI Dataset takes about 120."""


IsCancelled = Callable[[], bool]
"""Asked before each token: whether bars that are written for nobody in particular are not wanted any more."""


def never() -> bool:
    """Give nothing up."""
    return False


LONG_AGO = -1000
"""The tick at which a voice was struck last that was not struck in this bar."""
HITS_PER_VOICE = TICKS_PER_STEP * vocabulary.VELOCITY_BINS
FURTHEST = 4
"""Sixteenths from which on leaving out more gains nothing: a beat, or bars would run empty."""


@dataclass(frozen=True, slots=True)
class SamplingJob:
    """What a bar is written from: rows of a decoder that all go on by it, and how.

    The logits of `rows` (rows,) are summed with the weights `shares` (rows,); `controls` (rows, width) are
    each row's. `sparseness` is what a sixteenth left out gains against one that is struck, in log-odds.
    `seed` alone decides the dice. `prefix` are ids that the bar begins with, its Bar token first; the rest
    is written from `from_step` on. `gaps` are the ticks (1/48 beat) that must lie between two strokes of a
    voice, by voice; none where any may. `evidence` (places, vocabulary) is added to the logits by the place
    that the last token stands on.
    """

    rows: tuple[int, ...]
    shares: Floats
    controls: Floats
    meter: Meter
    seed: int
    temperature: float = 1.0
    sparseness: float = 0.0
    prefix: tuple[int, ...] = ()
    from_step: int = 0
    gaps: tuple[int, ...] = ()
    evidence: Floats | None = None

    @property
    def begins(self) -> tuple[int, ...]:
        """The ids that are fed before the first is drawn."""
        return self.prefix or (vocabulary.bar_id(self.meter),)


class BarWriter(Protocol):
    """Writes bars on a CPU or on a GPU."""

    def write(self, order: SamplingJob) -> list[int]:
        """Return the ids of a bar, which the rows of the decoder then hold.

        The Bar token that closes it is drawn but left to the next bar.
        """
        ...

    def write_together(
        self, orders: Sequence[SamplingJob], is_cancelled: IsCancelled = never
    ) -> list[list[int]] | None:
        """Return the ids of bars that share no row, each as if it were written alone; None if given up."""
        ...


class _Line:
    """A bar on its way: the ids so far, and of these the fresh ones, which its rows have not been fed yet."""

    def __init__(self, order: SamplingJob) -> None:
        self.order = order
        self.ids = list(order.begins)
        self.fresh: Sequence[int] = order.begins
        self.fresh_steps = steps_of_ids(order.begins)
        self._rng = np.random.default_rng([order.seed, 0])
        self._sampling = Sampling(temperature=order.temperature)
        self._grammar = vocabulary.grammar_of(order.meter)
        self._gaps = np.array(order.gaps)
        self._last_ticks = np.full(VOICE_COUNT, LONG_AGO)
        for token, step in zip(order.begins, self.fresh_steps, strict=True):
            self._note_stroke(token, step)
        self._step = order.from_step - 1 if order.from_step else BAR_STEP
        self._allowed = (
            self._grammar.allowed_from(order.from_step)
            if order.from_step
            else self._grammar.allowed(self.ids[0], self._step)
        )

    def goes_on(self, logits: Floats) -> bool:
        """Draw the next id from the logits of all rows, (rows, vocabulary); tell whether there is one."""
        chances = self.order.shares @ logits
        if self.order.evidence is not None:
            chances += self.order.evidence[self._step]
        end_short(chances, self.order.meter)
        thin_out(chances, self._step, self.order.meter, self.order.sparseness)
        token = sample(chances, self._allowed, self._sampling, self._rng)
        if vocabulary.is_bar(token):
            return False
        if vocabulary.is_position(token):
            self._step = token - vocabulary.POSITION_BASE
        self.ids.append(token)
        self.fresh, self.fresh_steps = (token,), [self._step]
        self._note_stroke(token, self._step)
        self._allowed = self._without_repeats(self._grammar.allowed(token, self._step))
        return True

    def _note_stroke(self, token: int, step: int) -> None:
        if vocabulary.is_hit(token):
            voice, micro, _ = vocabulary.hit_parts(token)
            self._last_ticks[voice] = step * TICKS_PER_STEP + micro

    def _without_repeats(self, allowed: vocabulary.Mask) -> vocabulary.Mask:
        """Return the mask without strokes that come too soon after the last of their voice."""
        if not len(self._gaps):
            return allowed
        begins = self._step * TICKS_PER_STEP + MICRO_MIN
        first = self._last_ticks + self._gaps - begins
        if first.max() <= 0 or not allowed[vocabulary.HIT_BASE :].any():
            return allowed
        barred = allowed.copy()
        for voice in np.flatnonzero(first > 0).tolist():
            start = vocabulary.HIT_BASE + voice * HITS_PER_VOICE
            barred[start : start + min(first[voice], TICKS_PER_STEP) * vocabulary.VELOCITY_BINS] = False
        return barred


class HostSampler:
    """Writes bars with a decoder on the CPU. Used by one thread."""

    def __init__(self, decoder: Decoder) -> None:
        """Write through `decoder`."""
        self._decoder = decoder

    def write(self, order: SamplingJob) -> list[int]:
        """Return the ids of a bar, which the rows of the decoder then hold."""
        line = _Line(order)
        self._go_on([line])
        return line.ids

    def write_together(
        self, orders: Sequence[SamplingJob], is_cancelled: IsCancelled = never
    ) -> list[list[int]] | None:
        """Return the ids of bars that share no row, each as if it were written alone; None if given up.

        One pass extends all of them, which reads the weights once.
        """
        lines = [_Line(order) for order in orders]
        return [line.ids for line in lines] if self._go_on(lines, is_cancelled) else None

    def _go_on(self, lines: list[_Line], is_cancelled: IsCancelled = never) -> bool:
        """Write lines to their ends; tell whether it came to that."""
        while lines:
            if is_cancelled():
                return False
            logits = self._feed(lines)
            going_on, place = [], 0
            for line in lines:
                rows = len(line.order.rows)
                if line.goes_on(logits[place : place + rows]):
                    going_on.append(line)
                place += rows
            lines = [line for line in going_on if len(line.ids) < MAX_BAR_TOKENS]
            if len(lines) < len(going_on):  # full: its rows hold all of it nonetheless
                self._feed([line for line in going_on if line not in lines])
        return True

    def _feed(self, lines: Sequence[_Line]) -> Floats:
        """Feed every line's fresh ids to all its rows; return their logits, rows in the order of lines."""
        rows: list[int] = []
        ids: list[int] = []
        steps: list[int] = []
        for line in lines:
            fresh = len(line.fresh)
            rows += [row for row in line.order.rows for _ in range(fresh)]
            ids += [*line.fresh] * len(line.order.rows)
            steps += line.fresh_steps * len(line.order.rows)
        controls = np.concatenate([np.repeat(line.order.controls, len(line.fresh), axis=0) for line in lines])
        return self._decoder.feed(rows, ids, steps, controls)


def end_short(logits: Floats, meter: Meter) -> None:
    """Let a bar shorter than 4/4 end, in place, where the model would go on beyond it.

    It has hardly seen such bars: where it would strike after the end, it has nothing more to strike before.
    """
    if meter.steps < FOUR_FOUR.steps:
        closing = vocabulary.bar_id(meter)
        beyond = logits[vocabulary.POSITION_BASE + meter.steps : vocabulary.HIT_BASE]
        logits[closing] = np.logaddexp.reduce([logits[closing], *beyond])


def thin_out(logits: Floats, step: int, meter: Meter, sparseness: float) -> None:
    """Lead the logits of positions and the bar's end, in place, toward those that lie further on.

    A model that goes on from what it wrote itself fills up bar by bar; `sparseness` is a checkpoint's own
    figure against that.
    """
    if not sparseness:
        return
    begin = 0 if step == BAR_STEP else step + 1
    further = np.minimum(np.arange(meter.steps + 1, dtype=np.float32) - begin, FURTHEST)
    first, last = vocabulary.POSITION_BASE, vocabulary.POSITION_BASE + meter.steps
    logits[first:last] += sparseness * further[:-1]
    logits[vocabulary.bar_id(meter)] += sparseness * further[-1]
