"""Choosing a token from logits: grammar mask, temperature, top-k and top-p, with a generator passed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveengine.errors import ContractError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose. `temperature` 0 takes the likeliest; `top_k` 0 and `top_p` 1 leave all in."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        if not 0 <= self.temperature <= 5:
            raise ContractError(f"temperature: expected 0 to 5, got {self.temperature:g}")
        if self.top_k < 0:
            raise ContractError(f"top_k: expected 0 or more, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ContractError(f"top_p: expected more than 0, at most 1, got {self.top_p:g}")


def sample(
    logits: npt.NDArray[np.float32],
    allowed: npt.NDArray[np.bool_],
    sampling: Sampling,
    rng: np.random.Generator,
) -> int:
    """Return an allowed id, drawn from `logits` (vocabulary,) under the mask `allowed` (vocabulary,).

    Top-p keeps the smallest set of likeliest tokens that reaches the share (nucleus sampling, Holtzman
    et al. 2020); the token that crosses the line is kept.
    """
    ids = np.flatnonzero(allowed)
    scores = logits[ids].astype(np.float64)
    if sampling.temperature == 0:
        return int(ids[np.argmax(scores)])
    scores /= sampling.temperature
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    if (sampling.top_k and sampling.top_k < len(ids)) or sampling.top_p < 1:
        order = np.argsort(-chances, kind="stable")
        if sampling.top_k:
            order = order[: sampling.top_k]
        reached = np.cumsum(chances[order])
        order = order[: int(np.searchsorted(reached, sampling.top_p)) + 1]
        ids, chances = ids[order], chances[order] / chances[order].sum()
    place = np.searchsorted(np.cumsum(chances), rng.random(), side="right")
    return int(ids[min(int(place), len(ids) - 1)])
