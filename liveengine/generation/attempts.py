"""A bar's attempts: what is asked of the sampler for one request, and how often until it has what it must."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from liveengine.music.beats import TICKS_PER_BEAT
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.music.request import BarRequest
from liveengine.tokens import vocabulary

MAX_TRIES = 4
"""How often a bar is written, at most, that lacks what it must have."""
OPENING_TRIES = 8
"""The same of a first bar: nothing plays yet, and all that follows holds its groove."""
SEED_STRIDE = 1_000_003
REPEAT_MS = 40.0
"""One drum is not struck again sooner: that would be one stroke written twice."""
HAT_ROLL_TICKS = 4
"""But hats roll as fast as this at any tempo: sixths of an eighth."""


@dataclass(slots=True)
class Attempt:
    """A bar that was written in an attempt (from 0), how many of its musts it lacks, and tries until now."""

    bar: Bar
    tokens: int
    lacks: int
    attempt: int
    tries: int = 1


def reseeded(request: BarRequest, attempt: int) -> BarRequest:
    """Return a request with the seed of an attempt; the first has its own."""
    return replace(request, seed=request.seed + attempt * SEED_STRIDE) if attempt else request


def max_tries(request: BarRequest) -> int:
    """Return how often a bar is written, at most, until it has what it must.

    A bar that begins a groove is worth more; the rest of one that plays cannot wait.
    """
    return OPENING_TRIES if request.opens else MAX_TRIES


def least_gaps(bpm: float | None) -> tuple[int, ...]:
    """Return the least ticks between two strokes of each voice at a tempo."""
    if bpm is None:
        return ()
    gap = math.ceil(REPEAT_MS * bpm * TICKS_PER_BEAT / 60_000)
    return tuple(min(gap, HAT_ROLL_TICKS) if voice is Voice.CLOSED_HAT else gap for voice in Voice)


def parts_of(request: BarRequest) -> tuple[BarRequest, ...]:
    """Return the bars to be written for a request: its own, and one that drums are borrowed from."""
    own = replace(request, borrowing=None)
    if request.borrowing is None:
        return (own,)
    return own, replace(own, conditioning=request.borrowing.conditioning)


def bar_of_ids(ids: list[int]) -> Bar:
    """Return the bar that ids spell, velocities in the middles of their bins."""
    return vocabulary.ids_to_bars(ids[:-1] if vocabulary.is_position(ids[-1]) else ids)[0]
