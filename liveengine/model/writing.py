"""Writing one bar: step by step from a decoder's logits to the bar's tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from liveengine.model.arrangement import Floats
from liveengine.model.config import BAR_STEP
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.rows import RowDecoder
from liveengine.model.sampling import Sampling, sample
from liveengine.music.beats import Meter
from liveengine.tokens import vocabulary

MAX_BAR_TOKENS = 160
"""A bar is closed here at the latest; the busiest of the Groove MIDI Dataset takes about 120."""


FURTHEST = 4
"""Sixteenths from which on leaving out more gains nothing: a beat, or bars would run empty."""


@dataclass(frozen=True, slots=True)
class BarOrder:
    """What a bar is written from: rows of a decoder that all go on by it, and how.

    The logits of `rows` (rows,) are summed with the weights `shares` (rows,); `controls` (rows, width) are
    each row's. `sparseness` is what a sixteenth left out gains against one that is struck, in log-odds.
    `seed` alone decides the dice. `prefix` are ids that the bar begins with, its Bar token first; the rest
    is written from `from_step` on.
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

    @property
    def begins(self) -> tuple[int, ...]:
        """The ids that are fed before the first is drawn."""
        return self.prefix or (vocabulary.bar_id(self.meter),)


class BarWriter(Protocol):
    """Writes bars on a CPU or on a GPU."""

    def write(self, order: BarOrder) -> list[int]:
        """Return the ids of a bar, which the rows of the decoder then hold.

        The Bar token that closes it is drawn but left to the next bar.
        """
        ...


class HostWriter:
    """Writes bars with a decoder on the CPU. Used by one thread."""

    def __init__(self, decoder: Decoder) -> None:
        """Write through `decoder`."""
        self._decoder = decoder

    def write(self, order: BarOrder) -> list[int]:
        """Return the ids of a bar, which the rows of the decoder then hold."""
        grammar = vocabulary.grammar_of(order.meter)
        rng = np.random.default_rng([order.seed, 0])
        sampling = Sampling(temperature=order.temperature)
        count = len(order.rows)
        ids = list(order.begins)
        logits = begin_bar(self._decoder, order)
        step = order.from_step - 1 if order.from_step else BAR_STEP
        allowed = grammar.allowed_from(order.from_step) if order.from_step else grammar.allowed(ids[0], step)
        while len(ids) < MAX_BAR_TOKENS:
            chances = order.shares @ logits
            thin_out(chances, step, order.meter, order.sparseness)
            token = sample(chances, allowed, sampling, rng)
            if vocabulary.is_bar(token):
                return ids
            if vocabulary.is_position(token):
                step = token - vocabulary.POSITION_BASE
            ids.append(token)
            logits = self._decoder.feed(order.rows, [token] * count, [step] * count, order.controls)
            allowed = grammar.allowed(token, step)
        return ids


def begin_bar(decoder: RowDecoder, order: BarOrder) -> Floats:
    """Feed the ids that a bar begins with to all its rows; return their logits, (rows, vocabulary)."""
    ids = order.begins
    rows = [row for row in order.rows for _ in ids]
    controls = np.repeat(order.controls, len(ids), axis=0)
    return decoder.feed(rows, list(ids) * len(order.rows), steps_of_ids(ids) * len(order.rows), controls)


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
