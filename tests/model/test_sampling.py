"""Choosing tokens: what the mask forbids never comes, and frequencies follow the logits."""

from __future__ import annotations

import numpy as np
import pytest

from liveengine.errors import ContractError
from liveengine.model.sampling import Sampling, sample

LOGITS = np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32))
ALL = np.ones(4, np.bool_)


def frequencies(sampling: Sampling, allowed: np.ndarray = ALL, draws: int = 8000) -> np.ndarray:
    rng = np.random.default_rng(1)
    counts = np.bincount([sample(LOGITS, allowed, sampling, rng) for _ in range(draws)], minlength=4)
    return counts / draws


def test_draws_follow_the_probabilities() -> None:
    assert frequencies(Sampling()) == pytest.approx([0.5, 0.25, 0.15, 0.1], abs=0.02)


def test_a_forbidden_token_never_comes_and_the_rest_share_its_part() -> None:
    allowed = np.array([False, True, True, True])
    assert frequencies(Sampling(), allowed) == pytest.approx([0, 0.5, 0.3, 0.2], abs=0.02)


def test_temperature_sharpens_as_a_power() -> None:
    squared = np.array([0.25, 0.0625, 0.0225, 0.01])
    assert frequencies(Sampling(temperature=0.5)) == pytest.approx(squared / squared.sum(), abs=0.02)


def test_temperature_zero_takes_the_likeliest() -> None:
    assert frequencies(Sampling(temperature=0.0), draws=50)[0] == 1.0


def test_top_k_keeps_the_k_likeliest() -> None:
    assert frequencies(Sampling(top_k=2)) == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=0.02)


def test_top_p_keeps_the_token_that_crosses_the_line() -> None:
    assert frequencies(Sampling(top_p=0.6)) == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=0.02)


def test_the_generator_alone_decides() -> None:
    draws = [
        [sample(LOGITS, ALL, Sampling(), rng) for _ in range(20)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    ]
    assert draws[0] == draws[1]


@pytest.mark.parametrize(
    ("field", "value"), [("temperature", -0.1), ("top_k", -1), ("top_p", 0.0), ("top_p", 1.5)]
)
def test_values_out_of_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(ContractError, match=field):
        Sampling(**{field: value})  # type: ignore[arg-type]
