"""What a bar is asked to be (genre, tempo, density, energy, fill, phrase, steadiness) as one feature vector.

Each control is a block of the vector with a last slot that means "left open". Continuous controls are
spread over two neighbouring knots, so that values between knots, and mixtures of genres, are points
between learned ones.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from liveengine.errors import ContractError
from liveengine.music.request import PHRASE_BARS, Conditioning

LEVEL_KNOTS = 9
"""Knots of density and energy, from 0 to 1."""
TEMPO_KNOTS_BPM = (50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 112.0, 126.0, 142.0, 160.0, 185.0, 215.0, 290.0)


@dataclass(frozen=True, slots=True)
class ConditionSpace:
    """The feature layout a checkpoint was trained with: its genres, and what density and energy mean.

    `density_quantiles` (notes per beat) and `energy_quantiles` (mean velocity) are values at evenly
    spaced quantiles of the training bars, first is 0, last is 1; so are `steadiness_quantiles`, which are
    none for a checkpoint that has not learned to be steady. `level_ranges` are, for each genre, the least and
    most density and the least and most energy (quantiles) of its steady playing; none where not known.
    """

    genres: tuple[str, ...]
    density_quantiles: tuple[float, ...] = (0.0, 16.0)
    energy_quantiles: tuple[float, ...] = (0.0, 127.0)
    steadiness_quantiles: tuple[float, ...] = ()
    level_ranges: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def size(self) -> int:
        """Length of the feature vector."""
        levels = 3 if self.steadiness_quantiles else 2
        return (
            len(self.genres) + 1 + len(TEMPO_KNOTS_BPM) + 1 + levels * (LEVEL_KNOTS + 1) + 3 + PHRASE_BARS + 1
        )

    def features(self, conditioning: Conditioning, beside: Collection[str] = ()) -> npt.NDArray[np.float32]:
        """Return the feature vector, shape (size,).

        Genres named in `beside` have no slot: the caller adds their share itself, and the genre counts as
        given. Raises ContractError for any other genre that the checkpoint has not learned or a level
        outside 0-1.
        """
        blocks = [
            self._genre_block(conditioning.genres, beside),
            _knots(
                None if conditioning.bpm is None else _tempo_place(conditioning.bpm), len(TEMPO_KNOTS_BPM)
            ),
            _level(conditioning.density, "density"),
            _level(conditioning.energy, "energy"),
            _choice(None if conditioning.fill is None else int(conditioning.fill), 2),
            _choice(None if conditioning.phrase is None else conditioning.phrase % PHRASE_BARS, PHRASE_BARS),
        ]
        if self.steadiness_quantiles:
            blocks.append(_level(conditioning.steadiness, "steadiness"))
        return np.concatenate(blocks)

    def within_genre(self, conditioning: Conditioning) -> Conditioning:
        """Return a conditioning whose density and energy, 0 to 1 of its genre, are those of all bars.

        That is what a steady drummer is asked: at density 0 the sparsest groove of the genre, not a bar that
        lacks half of it. Where steadiness is left open they are those of all bars already.
        """
        shares = [
            (self.genres.index(each), weight) for each, weight in conditioning.genres if each in self.genres
        ]
        total = sum(weight for _, weight in shares)
        if conditioning.steadiness is None or not self.level_ranges or not total:
            return conditioning
        ends = [
            sum(self.level_ranges[place][end] * weight for place, weight in shares) / total
            for end in range(4)
        ]

        def placed(level: float | None, low: float, high: float) -> float | None:
            return None if level is None else low + level * (high - low)

        return replace(
            conditioning,
            density=placed(conditioning.density, ends[0], ends[1]),
            energy=placed(conditioning.energy, ends[2], ends[3]),
        )

    def _genre_block(
        self, mixture: tuple[tuple[str, float], ...], beside: Collection[str]
    ) -> npt.NDArray[np.float32]:
        block = np.zeros(len(self.genres) + 1, np.float32)
        if not mixture:
            block[-1] = 1.0
            return block
        for genre, weight in mixture:
            if genre in beside:
                continue
            if genre not in self.genres:
                known = ", ".join(self.genres)
                raise ContractError(f"genre: expected one that was learned ({known}), got {genre!r}")
            block[self.genres.index(genre)] += weight
        return block

    def density_of(self, notes_per_beat: float) -> float:
        """Return the quantile 0-1 of a bar's notes per beat."""
        return _quantile(notes_per_beat, self.density_quantiles)

    def energy_of(self, mean_velocity: float) -> float:
        """Return the quantile 0-1 of a bar's mean velocity."""
        return _quantile(mean_velocity, self.energy_quantiles)

    def steadiness_of(self, share: float) -> float | None:
        """Return the quantile 0-1 of a bar's likeness to its take's groove; None where it was not learned."""
        return _quantile(share, self.steadiness_quantiles) if self.steadiness_quantiles else None


def _quantile(value: float, quantiles: Sequence[float]) -> float:
    return float(np.interp(value, quantiles, np.linspace(0, 1, len(quantiles))))


def _tempo_place(bpm: float) -> float:
    clamped = min(max(bpm, TEMPO_KNOTS_BPM[0]), TEMPO_KNOTS_BPM[-1])
    index = min(bisect_right(TEMPO_KNOTS_BPM, clamped) - 1, len(TEMPO_KNOTS_BPM) - 2)
    low, high = TEMPO_KNOTS_BPM[index], TEMPO_KNOTS_BPM[index + 1]
    return index + math.log(clamped / low) / math.log(high / low)


def _level(level: float | None, name: str) -> npt.NDArray[np.float32]:
    if level is not None and not 0.0 <= level <= 1.0:
        raise ContractError(f"{name}: expected 0 to 1, got {level:g}")
    return _knots(None if level is None else level * (LEVEL_KNOTS - 1), LEVEL_KNOTS)


def _knots(place: float | None, count: int) -> npt.NDArray[np.float32]:
    block = np.zeros(count + 1, np.float32)
    if place is None:
        block[-1] = 1.0
        return block
    index = min(int(place), count - 2)
    block[index + 1] = place - index
    block[index] = 1.0 - block[index + 1]
    return block


def _choice(index: int | None, count: int) -> npt.NDArray[np.float32]:
    block = np.zeros(count + 1, np.float32)
    block[count if index is None else index] = 1.0
    return block
