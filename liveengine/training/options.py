"""How to train: the settings of a size, the options of one run, and the learning rate of each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from liveengine.training.windows import ControlDropout


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
    authored_share: float = 1.0
    """Share of the takes made from cards that an epoch draws: the rest waits for another."""
    teaching: float = 0.7
    """Share of the loss that is against what the teachers expect, where there are any."""
    averaging: float = 0.0
    """Decay per step of the moving average of weights that is validated and kept; 0 keeps the last ones."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one run of a training goes, without changing what is learned but for rounding.

    `keep` says which epoch's weights become the checkpoint: the "best" on the validation takes, where
    training also ends once it has not been bettered for long, or the "last", where more is learned than these
    takes tell.
    `resume` goes on from the end of the last whole epoch; `checkpointing` computes activations again in
    the backward pass instead of storing them; `stop_after` ends the run after that many epochs of the
    whole training; `advice` says what to take where the model does not fit the device's memory.
    """

    resume: bool = False
    keep: str = "best"
    precision: str = "auto"
    checkpointing: bool = False
    stop_after: int | None = None
    advice: str = "a smaller model, or the CPU"


def learning_rate(step: int, total_steps: int, config: TrainingConfig) -> float:
    """Return the learning rate of a step: linear warm-up, then half a cosine down to the final rate."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps)
    return cosine(progress, config.learning_rate, config.final_learning_rate)


def cosine(progress: float, first: float, final: float) -> float:
    """Return the learning rate at a share of the way, 0-1, from the first to the final one."""
    return final + (first - final) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
