"""The training loss: nats of every token but the first, with the timing of grid-bound windows left out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from liveengine.model.network import DrumModel
from liveengine.model.parts import steps_of
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.tokens import vocabulary
from liveengine.training.windows import Batch


def negative_log_likelihood(model: DrumModel, batch: Batch) -> Tensor:
    """Return the summed loss of a batch in nats; the first Bar token of a window is given.

    In a window bound to a grid, a hit is scored by what its voice and velocity are given over all
    micro-timings together, so that the grid's timing is not learned.
    """
    logits = model(batch.ids, steps_of(batch.ids), batch.controls)[:, :-1]
    targets = batch.ids[:, 1:]
    timeless = (targets >= vocabulary.HIT_BASE) & batch.grid_bound[:, None]
    exact = functional.cross_entropy(
        logits.flatten(0, 1).float(),
        targets.masked_fill(timeless, vocabulary.PAD_ID).flatten(),
        ignore_index=vocabulary.PAD_ID,
        reduction="sum",
    )
    return exact + _timeless_loss(logits[timeless].float(), targets[timeless])


def _timeless_loss(logits: Tensor, hits: Tensor) -> Tensor:
    """Return the loss of hits (n,) in nats under logits (n, vocabulary), summed over micro-timings."""
    voice = (hits - vocabulary.HIT_BASE) // (TICKS_PER_STEP * vocabulary.VELOCITY_BINS)
    velocity = (hits - vocabulary.HIT_BASE) % vocabulary.VELOCITY_BINS
    micro = torch.arange(TICKS_PER_STEP, device=hits.device)
    timing = (voice * TICKS_PER_STEP)[:, None] + micro
    alike = vocabulary.HIT_BASE + timing * vocabulary.VELOCITY_BINS + velocity[:, None]
    return (logits.logsumexp(-1) - logits.gather(-1, alike).logsumexp(-1)).sum()


def scored_tokens(batch: Batch) -> int:
    """Return how many tokens of a batch the loss counts."""
    return int((batch.ids[:, 1:] != vocabulary.PAD_ID).sum())
