"""Starting from another checkpoint: its weights, with a place for genres that it did not know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import Checkpoint
from liveengine.model.config import ModelConfig
from liveengine.tokens.conditioning import ConditionSpace

CONTROLS = "controls.weight"
"""(width, condition_size): the genres' columns come first, then "open", then the other controls."""
Kin = Mapping[str, Mapping[str, float]]
"""For a genre, the genres that it resembles, with weights that sum to 1."""
NO_KIN: Kin = {}


def initial_weights(
    start: Checkpoint, config: ModelConfig, space: ConditionSpace, kin: Kin = NO_KIN
) -> Mapping[str, Tensor]:
    """Return the weights of `start` for a model with other genres, and with controls that it lacked.

    A new genre begins as the mixture of its `kin`, else as the mean of all; a new control begins at zero, so
    that it changes nothing yet. Raises CheckpointError where the two models differ in size.
    """
    ours = (config.layers, config.width, config.heads, config.feed_forward_width)
    theirs = (
        start.config.layers,
        start.config.width,
        start.config.heads,
        start.config.feed_forward_width,
    )
    if ours != theirs:
        raise CheckpointError(
            f"--init: expected a checkpoint of layers, width, heads, feed-forward {ours}, got {theirs}"
        )
    weights = {name: torch.from_numpy(weight.astype(np.float32)) for name, weight in start.weights.items()}
    old = weights[CONTROLS]
    known = len(start.space.genres)
    column = {genre: old[:, index] for index, genre in enumerate(start.space.genres)}
    mean = old[:, :known].mean(dim=1)
    genres = []
    for genre in space.genres:
        relatives = {each: weight for each, weight in kin.get(genre, {}).items() if each in column}
        mixture = sum((weight * column[each] for each, weight in relatives.items()), torch.zeros_like(mean))
        genres.append(column.get(genre, mixture / sum(relatives.values()) if relatives else mean))
    new = torch.zeros(len(old), config.condition_size - len(genres) - (old.shape[1] - known))
    weights[CONTROLS] = torch.cat([torch.stack(genres, dim=1), old[:, known:], new], dim=1)
    return weights
