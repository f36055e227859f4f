"""The training loop: AdamW, warm-up and cosine, validation in bits per note, the best weights kept."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from liveengine.model.checkpoint import save_checkpoint
from liveengine.model.network import DrumModel
from liveengine.model.parts import ModelConfig, steps_of
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.windows import Batch, ControlDropout, TokenSequence, batches


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How to train. `learning_rate` is the peak; it warms up over `warmup_steps` and falls as a cosine."""

    epochs: int
    max_tokens: int
    tokens_per_batch: int
    learning_rate: float = 1e-3
    final_learning_rate: float = 3e-5
    warmup_steps: int = 200
    weight_decay: float = 0.1
    clip: float = 1.0
    patience: int = 6
    seed: int = 1
    control_dropout: ControlDropout = field(default_factory=ControlDropout)


@dataclass(frozen=True, slots=True)
class Progress:
    """What an epoch came to: mean training loss in bits per note, validation bits per note, seconds."""

    epoch: int
    training_bits: float
    validation_bits: float
    seconds: float


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine down to the final rate."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps))
    span = config.learning_rate - config.final_learning_rate
    return config.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * progress))


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


def validate(model: DrumModel, held_out: Sequence[Batch], autocast: Autocast) -> float:
    """Return bits per note over the batches."""
    model.eval()
    nats, notes = 0.0, 0
    with torch.inference_mode(), autocast():
        for batch in held_out:
            nats += float(negative_log_likelihood(model, batch))
            notes += batch.notes
    model.train()
    return nats / math.log(2) / max(1, notes)


Autocast = Callable[[], AbstractContextManager[Any]]


def train(
    model_config: ModelConfig,
    config: TrainingConfig,
    *,
    space: ConditionSpace,
    training: Sequence[TokenSequence],
    validation: Sequence[TokenSequence],
    out: Path,
    device: torch.device,
    describe: dict[str, Any],
    report: Callable[[Progress], None],
) -> DrumModel:
    """Train a model, save the best epoch's checkpoint to `out`, and return the model of the last epoch.

    `describe` is stored in the checkpoint. Stops early when validation has not improved for
    `config.patience` epochs.
    """
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)
    model = DrumModel(model_config).to(device).train()
    optimiser = _optimiser(model, config)

    def autocast() -> AbstractContextManager[Any]:
        return torch.autocast(device.type, torch.bfloat16)

    def epoch_batches(sequences: Sequence[TokenSequence], dropout: ControlDropout | None) -> list[Batch]:
        return list(
            batches(
                sequences,
                space,
                max_tokens=config.max_tokens,
                tokens_per_batch=config.tokens_per_batch,
                dropout=dropout,
                rng=rng,
            )
        )

    held_out = [_to(batch, device) for batch in epoch_batches(validation, None)]
    total_steps = config.epochs * len(epoch_batches(training, config.control_dropout))
    step, best, since_best = 0, math.inf, 0
    for epoch in range(config.epochs):
        began = time.monotonic()
        nats, notes = 0.0, 0
        for batch in epoch_batches(training, config.control_dropout):
            moved = _to(batch, device)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, total_steps, config)
            with autocast():
                loss = negative_log_likelihood(model, moved)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss / (moved.ids[:, 1:] != vocabulary.PAD_ID).sum())
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            optimiser.step()
            nats += loss.item()
            notes += batch.notes
            step += 1
        bits = validate(model, held_out, autocast)
        report(Progress(epoch, nats / math.log(2) / notes, bits, time.monotonic() - began))
        since_best += 1
        if bits < best:
            best, since_best = bits, 0
            save_checkpoint(
                out,
                model,
                space,
                {
                    **describe,
                    **asdict(config),
                    "epoch": epoch,
                    "steps": step,
                    "validation_bits_per_note": round(bits, 4),
                },
            )
        if since_best >= config.patience:
            break
    return model


def _optimiser(model: DrumModel, config: TrainingConfig) -> torch.optim.AdamW:
    decayed = [weight for weight in model.parameters() if weight.dim() >= 2]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95))


def _to(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.ids.to(device), batch.controls.to(device), batch.notes, batch.grid_bound.to(device))
