"""How open a hi-hat is: drawn for each stroke of a written bar as drummers of its genre hold the pedal.

Nothing else of a bar changes, and the dice are its own: the same seed strikes what it always struck. Where
nobody's pedal was learned from, as in electronic genres, a hat is shut or open as its voice says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from liveengine.model.hat_pedal import (
    EDGES,
    HAT_VOICES,
    LEVELS,
    Context,
    HatCounts,
    HatStroke,
    context_of,
    hat_strokes,
    level_of,
    openness_of,
    tick_of,
)
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.kit import articulation_of, usual_openness
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest

BACK_OFF = 20.0
"""So many strokes a context counts as having been given already, by the wider one (Dirichlet smoothing)."""
BACK_OFF_TO_ALL = 2.0
"""The same of a genre's widest, by the strokes of all genres: a few takes are enough to be a style's own."""
DICE = 2
"""Which of a request's dice these are."""
FLOORS = (0.0, *EDGES[:-1], 1.0)
CEILINGS = (0.0, *EDGES[1:], 1.0)
"""Between these an openness is drawn, by level; to a hundredth."""

Chances = npt.NDArray[np.float64]


class HatOpenness:
    """Draws how open hats are. Used by one thread."""

    def __init__(self, genres: Mapping[str, HatCounts], own: Mapping[str, HatCounts] | None = None) -> None:
        """Take the counts of a checkpoint's genres, and of the player's own styles."""
        self._every = _summed(genres.values(), 1)
        self._genres = {name: _with_wider(counts) for name, counts in {**genres, **(own or {})}.items()}
        self._known: dict[tuple[str, Context], Chances] = {}

    def opened(self, bar: Bar, request: BarRequest) -> Bar:
        """Return the bar that was written for a request; from its step on, hats are as open as drawn."""
        genres = {voice: self._shares(request, voice) for voice in HAT_VOICES}
        if not any(genres.values()):
            return bar
        dice = np.random.default_rng([request.seed, DICE])
        before = _last_before(request)
        drawn: dict[Hit, Hit] = {}
        places: dict[int, float | None] = {}
        for hit in hat_strokes(bar):
            tick = tick_of(hit)
            if hit.step >= request.from_step and genres[hit.voice]:
                chances = self._chances(genres[hit.voice], context_of(hit.voice, tick, before))
                drawn[hit] = replace(hit, openness=_drawn(chances, float(dice.random())))
            struck = drawn.get(hit, hit)
            places[hit.step] = struck.openness
            before = HatStroke(tick, hit.voice, openness_of(struck))
        for hit in bar.hits:
            if hit.voice is Voice.PEDAL_HAT and hit not in drawn and hit.step >= request.from_step:
                drawn[hit] = replace(hit, openness=places.get(hit.step))
        return Bar(bar.meter, tuple(sorted(drawn.get(hit, hit) for hit in bar.hits)))

    def _shares(self, request: BarRequest, voice: Voice) -> tuple[tuple[str, float], ...]:
        """Return the genres that a voice is to be played in; none where no pedal of theirs is known."""
        asked, borrowing = request.conditioning, request.borrowing
        if borrowing is not None and GROUP_OF[voice] in borrowing.drums:
            asked = borrowing.conditioning
        return asked.genres if any(genre in self._genres for genre, _ in asked.genres) else ()

    def _chances(self, genres: Sequence[tuple[str, float]], context: Context) -> Chances:
        """Return how likely each level is in a mixture of genres."""
        weights = sum(weight for _, weight in genres)
        found = np.zeros(LEVELS)
        for genre, weight in genres:
            found += weight / weights * self._of_genre(genre, context)
        return found

    def _of_genre(self, genre: str, context: Context) -> Chances:
        if (genre, context) not in self._known:
            self._known[genre, context] = self._reckoned(genre, context)
        return self._known[genre, context]

    def _reckoned(self, genre: str, context: Context) -> Chances:
        """Return the chances of a genre: those of all drummers, and of ever narrower contexts of its own."""
        voice = HAT_VOICES[context[0]]
        as_written = np.zeros(LEVELS)
        as_written[level_of(usual_openness(articulation_of(voice)))] = 1.0
        if genre not in self._genres:
            return as_written
        counted = self._every.get(context[:1])
        chances: Chances = as_written if counted is None else counted / counted.sum()
        for depth in range(1, len(context) + 1):
            counted = self._genres[genre].get(context[:depth])
            if counted is None:
                break
            known = BACK_OFF_TO_ALL if depth == 1 else BACK_OFF
            chances = (counted + known * chances) / (counted.sum() + known)
        return chances


def _summed(genres: Iterable[HatCounts], depth: int) -> dict[tuple[int, ...], Chances]:
    """Return the strokes by level of contexts that are known by so many of their values."""
    found: dict[tuple[int, ...], Chances] = {}
    for each in genres:
        for context, counts in each.rows():
            found[context[:depth]] = found.get(context[:depth], np.zeros(LEVELS)) + counts
    return found


def _with_wider(counts: HatCounts) -> dict[tuple[int, ...], Chances]:
    """Return the strokes by level of each context of a genre, and of all wider ones."""
    return {key: each for depth in (1, 2, 3, 4) for key, each in _summed([counts], depth).items()}


def _last_before(request: BarRequest) -> HatStroke | None:
    """Return the last stroke of the hat before a request's bar; its ticks are those before the bar line."""
    start = 0
    for each in reversed(request.context):
        start -= each.bar.meter.steps * TICKS_PER_STEP
        strokes = hat_strokes(each.bar)
        if strokes:
            last = strokes[-1]
            return HatStroke(start + tick_of(last), last.voice, openness_of(last))
    return None


def _drawn(chances: Chances, die: float) -> float:
    """Return an openness, to a hundredth, for a die of 0-1: its level, and how far into it the die fell."""
    reached = np.cumsum(chances)
    level = min(int(np.searchsorted(reached, die * reached[-1], side="right")), LEVELS - 1)
    inside = 1 - (reached[level] - die * reached[-1]) / chances[level] if chances[level] else 0.0
    openness = FLOORS[level] + inside * (CEILINGS[level] - FLOORS[level])
    return max(FLOORS[level], math.floor(openness * 100) / 100)
