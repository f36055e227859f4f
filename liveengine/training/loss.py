"""The training loss: nats of every token but the first, with the timing of grid-bound windows left out.

A model can also learn from what others expect: the mean of an ensemble's distributions (Hinton, Vinyals and
Dean 2015, "Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from liveengine.model.embedding import steps_of
from liveengine.model.network import DrumModel
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.tokens import vocabulary
from liveengine.training.windows import Batch


def negative_log_likelihood(model: DrumModel, batch: Batch) -> Tensor:
    """Return the summed loss of a batch in nats; the first Bar token of a window is given.

    In a window bound to a grid, a hit is scored by what its voice and velocity are given over all
    micro-timings together, so that the grid's timing is not learned.
    """
    return nats_of_logits(_logits(model, batch), batch)


def distilled_loss(model: DrumModel, batch: Batch, teachers: Sequence[DrumModel], share: float) -> Tensor:
    """Return the summed loss of a batch in nats, a `share` (0-1) of it against what the teachers expect.

    That part is the cross-entropy with the mean of their distributions, micro-timing included: it is theirs,
    learned from people, also where a window itself is bound to a grid.
    """
    logits = _logits(model, batch)
    with torch.no_grad():
        expected = torch.stack([_logits(each, batch).float().softmax(-1) for each in teachers]).mean(0)
    surprise = -(expected * logits.float().log_softmax(-1)).sum(-1)
    taught = surprise.masked_fill(batch.ids[:, 1:] == vocabulary.PAD_ID, 0.0).sum()
    return (1 - share) * nats_of_logits(logits, batch) + share * taught


def _logits(model: DrumModel, batch: Batch) -> Tensor:
    logits: Tensor = model(batch.ids, steps_of(batch.ids), batch.controls)[:, :-1]
    return logits


def nats_of_logits(logits: Tensor, batch: Batch) -> Tensor:
    """Return the summed loss of a batch under logits (batch, time - 1, vocabulary) in nats."""
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
