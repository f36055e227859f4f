"""Measuring drummers: how each plays beside the others who play the same genres."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.pattern import Bar
from liveengine.training.corpus import Take, fill_bars, mean_velocity, notes_per_beat

GHOST_VELOCITY = 45
"""A snare softer than this is a ghost note."""
CYMBALS = ("hat", "open_hat", "ride")
LEAST_BARS = 40
"""So many bars of others a genre needs, to say what is usual in it."""
LEAST_HITS = 4
PUSHED: Mapping[str, tuple[Voice, ...]] = {
    group: tuple(voice for voice in Voice if GROUP_OF[voice] == group) for group in ("kick", "snare", "toms")
}
"""Drums whose timing against the cymbals is a drummer's own."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A drummer beside others: as `Personality` has it; `push_ms` by drum, `genres` those he plays most.

    `bars` are those that could be compared.
    """

    density: float
    energy: float
    ghosts_per_bar: float
    contrast: float
    push_ms: Mapping[str, float]
    jitter_ms: float
    genres: tuple[str, ...]
    bars: int


@dataclass(frozen=True, slots=True)
class _Played:
    """A bar, who played it, in which genre and how fast."""

    drummer: str
    genre: str
    bar: Bar
    bpm: float


def measure(takes: Sequence[Take]) -> dict[str, Measured]:
    """Return what was measured of each drummer of takes, fills left out, in order of their names.

    One who plays no genre that others play too is left out.
    """
    played = [
        _Played(take.drummer, take.genre, bar, take.bpm)
        for take in takes
        for bar, is_fill in zip(take.bars, fill_bars(take), strict=True)
        if not is_fill and len(bar.hits) >= LEAST_HITS
    ]
    drummers = sorted({each.drummer for each in played}, key=lambda name: (len(name), name))
    found = {name: _beside_others(name, played) for name in drummers}
    return {name: each for name, each in found.items() if each is not None}


def _beside_others(name: str, played: Sequence[_Played]) -> Measured | None:
    own_of: dict[str, list[_Played]] = {}
    others_of: dict[str, list[_Played]] = {}
    for each in played:
        (own_of if each.drummer == name else others_of).setdefault(each.genre, []).append(each)
    pairs = [
        (own, others_of[genre])
        for genre, own in own_of.items()
        if len(others_of.get(genre, ())) >= LEAST_BARS
    ]
    if not pairs:
        return None

    def apart(value: Callable[[_Played], float | None]) -> float:
        return _mean_apart(pairs, value, lambda own, others: float(np.mean(own) - np.mean(others)))

    def ranked(value: Callable[[_Played], float | None]) -> float:
        return _mean_apart(pairs, value, lambda own, others: float(_rank(own, others) - 0.5))

    return Measured(
        density=ranked(lambda each: notes_per_beat(each.bar)),
        energy=ranked(lambda each: mean_velocity(each.bar)),
        ghosts_per_bar=apart(lambda each: float(_ghosts(each.bar))),
        contrast=_mean_apart(
            pairs, _spread, lambda own, others: float(np.mean(own) / max(1.0, float(np.mean(others))))
        ),
        push_ms={group: apart(lambda each, g=group: _late_ms(each, g)) for group in PUSHED},  # type: ignore[misc]
        jitter_ms=apart(_uneven_ms),
        genres=tuple(sorted(own_of, key=lambda genre: -len(own_of[genre]))[:3]),
        bars=sum(len(own) for own, _ in pairs),
    )


def _mean_apart(
    pairs: Sequence[tuple[Sequence[_Played], Sequence[_Played]]],
    value: Callable[[_Played], float | None],
    compare: Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], float],
) -> float:
    """Return how bars differ from others' of their genre, genres weighted by the bars that have a value."""
    total, weight = 0.0, 0
    for own, others in pairs:
        mine, theirs = _values(own, value), _values(others, value)
        if len(mine) and len(theirs):
            total, weight = total + len(mine) * compare(mine, theirs), weight + len(mine)
    return total / weight if weight else 0.0


def _values(played: Sequence[_Played], value: Callable[[_Played], float | None]) -> npt.NDArray[np.float64]:
    found = (value(each) for each in played)
    return np.array([each for each in found if each is not None], np.float64)


def _rank(own: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    """Return the mean share of the others' values that lie below one's own, ties counted by half."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, own, side) for side in ("left", "right"))
    return float(np.mean((below + up_to) / 2 / len(ordered)))


def _ghosts(bar: Bar) -> int:
    return sum(GROUP_OF[hit.voice] == "snare" and hit.velocity < GHOST_VELOCITY for hit in bar.hits)


def _spread(played: _Played) -> float:
    return statistics.pstdev(hit.velocity for hit in played.bar.hits)


def _times_ms(played: _Played, groups: Sequence[str]) -> list[float]:
    ms_a_tick = 15_000 / played.bpm / TICKS_PER_STEP
    return [hit.micro * ms_a_tick for hit in played.bar.hits if GROUP_OF[hit.voice] in groups]


def _late_ms(played: _Played, group: str) -> float | None:
    """Return how much later than a bar's cymbals a drum is, ms; None where one of them rests."""
    drum, cymbals = _times_ms(played, (group,)), _times_ms(played, CYMBALS)
    return statistics.fmean(drum) - statistics.fmean(cymbals) if drum and cymbals else None


def _uneven_ms(played: _Played) -> float:
    """Return the spread of a bar's timing about its own middle, ms."""
    return statistics.pstdev(_times_ms(played, tuple(set(GROUP_OF.values()))))
