"""The feature vector of a bar's controls: shares, mixtures, knots, and values left open."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.music.request import PHRASE_BARS, Conditioning
from liveengine.tokens.conditioning import LEVEL_KNOTS, TEMPO_KNOTS_BPM, ConditionSpace

GENRES = ("funk", "jazz", "rock")
SPACE = ConditionSpace(GENRES, density_quantiles=(0.0, 4.0, 16.0), energy_quantiles=(20.0, 60.0, 127.0))
LENGTHS = (len(GENRES) + 1, len(TEMPO_KNOTS_BPM) + 1, LEVEL_KNOTS + 1, LEVEL_KNOTS + 1, 3, PHRASE_BARS + 1)

levels = st.none() | st.floats(0, 1)
conditionings = st.builds(
    Conditioning,
    genres=st.sampled_from([(), (("funk", 1.0),), (("funk", 0.25), ("rock", 0.75))]),
    bpm=st.none() | st.floats(20, 999),
    density=levels,
    energy=levels,
    fill=st.none() | st.booleans(),
    phrase=st.none() | st.integers(0, 1000),
)


def blocks(conditioning: Conditioning) -> list[npt.NDArray[np.float32]]:
    return np.split(SPACE.features(conditioning), np.cumsum(LENGTHS)[:-1])


@given(conditionings)
def test_each_control_shares_out_a_weight_of_one(conditioning: Conditioning) -> None:
    features = SPACE.features(conditioning)
    assert features.shape == (SPACE.size,) == (sum(LENGTHS),)
    assert features.dtype == np.float32
    assert features.min() >= 0
    assert [block.sum() for block in blocks(conditioning)] == pytest.approx([1.0] * 6, abs=1e-5)


def test_what_is_left_open_fills_the_last_slot() -> None:
    for block in blocks(Conditioning()):
        assert block[-1] == 1
    for block in blocks(Conditioning((("jazz", 1.0),), 120, 0.5, 0.5, fill=False, phrase=0)):
        assert block[-1] == 0


def test_a_mixture_of_genres_is_a_point_between_them() -> None:
    (genres, *_) = blocks(Conditioning(genres=(("funk", 0.25), ("rock", 0.75))))
    assert genres.tolist() == [0.25, 0, 0.75, 0]


def test_tempo_knots() -> None:
    for index, bpm in enumerate(TEMPO_KNOTS_BPM):
        block = blocks(Conditioning(bpm=bpm))[1]
        assert block[index] == pytest.approx(1, abs=1e-6)
    between = blocks(Conditioning(bpm=math.sqrt(50 * 60)))[1]
    assert between[:2].tolist() == pytest.approx([0.5, 0.5], abs=1e-6)


def test_tempos_beyond_the_knots_count_as_the_nearest() -> None:
    for beyond, knot in ((20, 50), (999, 290)):
        assert np.array_equal(
            SPACE.features(Conditioning(bpm=beyond)), SPACE.features(Conditioning(bpm=knot))
        )


@pytest.mark.parametrize(
    ("level", "first", "weights"), [(0.0, 0, (1, 0)), (1 / 16, 0, (0.5, 0.5)), (1.0, 7, (0, 1))]
)
def test_levels_are_spread_over_two_knots(level: float, first: int, weights: tuple[float, float]) -> None:
    for place in (2, 3):
        block = blocks(Conditioning(density=level, energy=level))[place]
        assert block[first : first + 2].tolist() == pytest.approx(list(weights))


def test_fill_and_phrase_are_choices() -> None:
    assert blocks(Conditioning(fill=False))[4].tolist() == [1, 0, 0]
    assert blocks(Conditioning(fill=True))[4].tolist() == [0, 1, 0]
    assert np.flatnonzero(blocks(Conditioning(phrase=PHRASE_BARS + 3))[5]).tolist() == [3]


def test_an_unknown_genre_is_refused() -> None:
    with pytest.raises(ContractError, match=r"learned \(funk, jazz, rock\), got 'polka'"):
        SPACE.features(Conditioning(genres=(("polka", 1.0),)))


@pytest.mark.parametrize("level", [-0.01, 1.01, math.nan])
@pytest.mark.parametrize("control", ["density", "energy"])
def test_a_level_outside_0_to_1_is_refused(control: str, level: float) -> None:
    asked = Conditioning(density=level) if control == "density" else Conditioning(energy=level)
    with pytest.raises(ContractError, match=f"{control}: expected 0 to 1"):
        SPACE.features(asked)


def test_density_and_energy_are_quantiles_of_the_training_bars() -> None:
    assert [SPACE.density_of(value) for value in (0, 2, 4, 10, 16, 99)] == [0, 0.25, 0.5, 0.75, 1, 1]
    assert [SPACE.energy_of(value) for value in (1, 20, 40, 60, 127)] == [0, 0, 0.25, 0.5, 1]


RANGES = ((0.2, 0.6, 0.1, 0.5), (0.0, 0.2, 0.0, 1.0), (0.5, 1.0, 0.5, 0.5))
STEADY = replace(SPACE, steadiness_quantiles=(0.2, 0.6, 1.0), level_ranges=RANGES)


def test_a_space_that_knows_steadiness_has_a_block_for_it_and_one_that_does_not_ignores_it() -> None:
    asked = Conditioning(density=0.5, steadiness=0.75)
    assert STEADY.size == SPACE.size + LEVEL_KNOTS + 1
    assert STEADY.features(asked)[: SPACE.size].tolist() == SPACE.features(asked).tolist()
    assert np.flatnonzero(STEADY.features(asked)[SPACE.size :]).tolist() == [6]
    assert STEADY.features(Conditioning())[-1] == 1
    assert STEADY.steadiness_of(0.6) == 0.5
    assert SPACE.steadiness_of(0.6) is None


@pytest.mark.parametrize(
    ("genres", "density", "energy", "placed"),
    [
        ((("funk", 1.0),), 0.0, 1.0, (0.2, 0.5)),
        ((("funk", 1.0),), 0.5, 0.5, (0.4, 0.3)),
        ((("rock", 1.0),), 1.0, 0.3, (1.0, 0.5)),
        ((("funk", 0.5), ("jazz", 0.5)), 1.0, 0.0, (0.4, 0.05)),
        ((("funk", 1.0),), None, None, (None, None)),
        ((("mine", 1.0),), 0.5, 0.5, (0.5, 0.5)),
        ((("mine", 0.5), ("funk", 0.5)), 0.0, 1.0, (0.2, 0.5)),
        ((), 0.5, 0.5, (0.5, 0.5)),
    ],
)
def test_density_and_energy_of_a_steady_drummer_are_those_of_the_genre(
    genres: tuple[tuple[str, float], ...],
    density: float | None,
    energy: float | None,
    placed: tuple[float | None, float | None],
) -> None:
    asked = Conditioning(genres, density=density, energy=energy, steadiness=0.9)
    found = STEADY.within_genre(asked)
    assert (found.density, found.energy) == pytest.approx(placed)
    assert replace(found, density=density, energy=energy) == asked
    free = replace(asked, steadiness=None)
    assert STEADY.within_genre(free) == free
    assert SPACE.within_genre(asked) == asked
