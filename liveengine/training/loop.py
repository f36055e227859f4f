"""The training loop: AdamW, warm-up and cosine, validation in bits per note, the best weights kept."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from liveengine.errors import CheckpointError, CorpusError, LiveEngineError
from liveengine.model.checkpoint import Checkpoint, save_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.model.network import DrumModel
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.history import Progress, append_history, keep_history
from liveengine.training.initial import NO_KIN, Kin, initial_weights
from liveengine.training.loss import distilled_loss, negative_log_likelihood, scored_tokens
from liveengine.training.micro_batches import MicroBatches, Say
from liveengine.training.options import RunOptions, TrainingConfig, learning_rate
from liveengine.training.precision import Precision, choose_precision
from liveengine.training.state import (
    Counters,
    Learner,
    forget_state,
    hash_of,
    restore_state,
    save_state,
)
from liveengine.training.windows import Batch, ControlDropout, TokenSequence, batches, drawn

__all__ = [
    "Progress",
    "RunOptions",
    "Tick",
    "TrainingConfig",
    "learning_rate",
    "negative_log_likelihood",
    "train",
]

PLAIN_RUN = RunOptions()


@dataclass(frozen=True, slots=True)
class Tick:
    """A batch is done: its place in the epoch, and the epoch's mean bits per note and speed so far."""

    epoch: int
    batch: int
    batches: int
    step: int
    training_bits: float
    tokens_per_s: float
    learning_rate: float


def train(
    model_config: ModelConfig,
    config: TrainingConfig,
    *,
    space: ConditionSpace,
    training: Sequence[TokenSequence],
    validation: Sequence[TokenSequence],
    out: Path,
    device: torch.device,
    describe: Mapping[str, Any],
    report: Callable[[Progress], None],
    velocity_counts: Sequence[Sequence[int]] = (),
    run: RunOptions = PLAIN_RUN,
    start: Checkpoint | None = None,
    kin: Kin = NO_KIN,
    teachers: Sequence[Checkpoint] = (),
    say: Say = lambda _message: None,
    on_batch: Callable[[Tick], None] = lambda _tick: None,
) -> DrumModel:
    """Train a model, save the best epoch's checkpoint to `out`, and return the model of the last epoch.

    `describe` and `velocity_counts` (of `corpus.velocity_counts`) are stored in the checkpoint. The
    weights begin as those of `start` (genres new to it as their `kin`), at random without one. With
    `teachers`, which know the controls of `space`, `config.teaching` of the loss is against the mean of what
    they expect. Stops early
    when validation has not improved for `config.patience` epochs. At the end of each epoch `out` gets the
    training's state and a line of history; then `report` is called. A resumed training equals an unbroken one
    bit for bit on the same device and versions. Where the device runs out of memory, batches go through in
    parts, and `say` is called. Raises CorpusError where there are no notes to learn from or to validate with,
    CheckpointError where what is to be resumed is another training, ConfigError for a precision that the
    device lacks, LiveEngineError where the model does not fit the device or the loss is no number.
    """
    for name, sequences in (("training", training), ("validation", validation)):
        if not any(len(bar) > 1 for sequence in sequences for bar in sequence.bars):
            raise CorpusError(f"{name}: expected bars with notes, got none")
    torch.manual_seed(config.seed)
    trainer = _Trainer(
        model_config,
        config,
        space=space,
        training=training,
        validation=validation,
        device=device,
        run=run,
        say=say,
        on_batch=on_batch,
        teachers=_teachers(teachers, space, device),
    )
    if start is not None:
        trainer.begin_from(initial_weights(start, model_config, space, kin))
    out.mkdir(parents=True, exist_ok=True)
    settings = _settings(model_config, config, space, training, trainer.precision)
    settings["begun from"] = None if start is None else start.sha256[:16]
    settings["teachers"] = [each.sha256[:16] for each in teachers]
    if run.resume:
        trainer.counters = restore_state(out, trainer.learner, settings)
        trainer.micro_batches.parts = trainer.counters.parts
    else:
        forget_state(out)
    counters = trainer.counters
    keep_history(out, counters.epochs)
    last = config.epochs if run.stop_after is None else min(config.epochs, run.stop_after)
    keeps_last = run.keep == "last"
    while counters.epochs < last and (keeps_last or counters.epochs_since_best < config.patience):
        progress = trainer.epoch()
        counters.parts = trainer.micro_batches.parts
        if keeps_last or counters.epochs_since_best == 0:
            described = {
                **describe,
                **asdict(config),
                "precision": trainer.precision.name,
                "epoch": progress.epoch,
                "steps": counters.steps,
                "validation_bits_per_note": round(progress.validation_bits, 4),
            }
            save_checkpoint(out, trainer.kept, space, described, velocity_counts=velocity_counts)
        append_history(out, progress)
        save_state(out, trainer.learner, counters, settings)
        report(progress)
    return trainer.kept


def _settings(
    model_config: ModelConfig,
    config: TrainingConfig,
    space: ConditionSpace,
    training: Sequence[TokenSequence],
    precision: Precision,
) -> dict[str, Any]:
    """Return what a resumed training must have in common with what it goes on from.

    The number of epochs may change: then the rate falls along another curve from there on.
    """
    settings = {f"model {name}": value for name, value in asdict(model_config).items()}
    settings |= {name: value for name, value in asdict(config).items() if name != "epochs"}
    return settings | {
        "genres": space.genres,
        "training data": hash_of(training),
        "device": precision.device_type,
        "precision": precision.name,
    }


class _Trainer:
    """One training: the learner, its batches and its counters. Used by one thread."""

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainingConfig,
        *,
        space: ConditionSpace,
        training: Sequence[TokenSequence],
        validation: Sequence[TokenSequence],
        device: torch.device,
        run: RunOptions,
        say: Say,
        on_batch: Callable[[Tick], None],
        teachers: Sequence[DrumModel],
    ) -> None:
        self.precision = choose_precision(run.precision, device)
        self.counters = Counters()
        self.micro_batches = MicroBatches(device, say, run.advice)
        self._config = config
        self._space = space
        self._training = training
        self._on_batch = on_batch
        self._teachers = teachers
        try:
            self.model = DrumModel(model_config).to(device).train()
        except torch.cuda.OutOfMemoryError as error:
            raise LiveEngineError(
                f"out of memory on {device}: the weights do not fit; take {run.advice}"
            ) from error
        if run.checkpointing:
            _checkpoint_activations(self.model)
        rng = random.Random(config.seed)
        self._average = _averaged(self.model, config.averaging) if config.averaging else None
        self.learner = Learner(
            self.model, _optimiser(self.model, config), self.precision.scaler(), rng, device, self._average
        )
        self._held_out = self._batches(validation, None)
        self._total_steps = config.epochs * len(self._batches(self._drawn(), config.control_dropout))

    @property
    def kept(self) -> DrumModel:
        """The weights that are validated and saved: their moving average where there is one."""
        if self._average is None:
            return self.model
        averaged = self._average.module
        assert isinstance(averaged, DrumModel)
        return averaged

    def begin_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin from the weights of another model instead of at random."""
        self.model.load_state_dict(weights)
        self.kept.load_state_dict(weights)

    def _drawn(self) -> list[TokenSequence]:
        return drawn(self._training, self._config.authored_share, self.learner.rng)

    def _batches(self, sequences: Sequence[TokenSequence], dropout: ControlDropout | None) -> list[Batch]:
        return list(
            batches(
                sequences,
                self._space,
                max_tokens=self._config.max_tokens,
                tokens_per_batch=self._config.tokens_per_batch,
                dropout=dropout,
                rng=self.learner.rng,
            )
        )

    def epoch(self) -> Progress:
        """Train an epoch, validate, count, and return what it came to."""
        began = time.monotonic()
        nats, notes, tokens, rate, speed = 0.0, 0, 0, 0.0, 0.0
        number = self.counters.epochs
        shuffled = self._batches(self._drawn(), self._config.control_dropout)
        for index, batch in enumerate(shuffled):
            rate = learning_rate(self.counters.steps, self._total_steps, self._config)
            scored = scored_tokens(batch)
            loss = self._step(batch, scored, rate)
            if not math.isfinite(loss):
                raise LiveEngineError(
                    f"epoch {number + 1}, step {self.counters.steps + 1}: the loss is {loss}, no number; "
                    "take a lower learning rate or precision fp32"
                )
            nats += loss
            notes += batch.notes
            tokens += scored
            self.counters.steps += 1
            speed = tokens / max(1e-9, time.monotonic() - began)
            bits = nats / math.log(2) / max(1, notes)
            self._on_batch(Tick(number, index + 1, len(shuffled), self.counters.steps, bits, speed, rate))
        validation_bits = self._validate()
        self.counters.epochs += 1
        self.counters.epochs_since_best += 1
        if validation_bits < self.counters.best_bits:
            self.counters.best_bits, self.counters.epochs_since_best = validation_bits, 0
        training_bits = nats / math.log(2) / max(1, notes)
        return Progress(number, training_bits, validation_bits, time.monotonic() - began, rate, speed)

    def _step(self, batch: Batch, tokens: int, rate: float) -> float:
        """Take one step of the optimiser and return the batch's loss in nats."""
        optimiser, scaler = self.learner.optimiser, self.learner.scaler

        def forward_and_back(part: Batch) -> float:
            with self.precision.autocast():
                loss = self._loss(part)
            torch.autograd.backward(scaler.scale(loss / tokens))
            return loss.item()

        def clear() -> None:
            optimiser.zero_grad(set_to_none=True)

        for group in optimiser.param_groups:
            group["lr"] = rate
        clear()
        nats = self.micro_batches.total(batch, forward_and_back, clear)
        scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._config.clip)
        scaler.step(optimiser)
        scaler.update()
        if self._average is not None:
            self._average.update_parameters(self.model)
        return nats

    def _loss(self, part: Batch) -> Tensor:
        if not self._teachers:
            return negative_log_likelihood(self.model, part)
        return distilled_loss(self.model, part, self._teachers, self._config.teaching)

    def _validate(self) -> float:
        """Return bits per note over the held-out batches."""

        def nats_of(part: Batch) -> float:
            with torch.inference_mode(), self.precision.autocast():
                return float(negative_log_likelihood(model, part))

        model = self.kept.eval()
        nats = sum(self.micro_batches.total(batch, nats_of) for batch in self._held_out)
        self.model.train()
        return nats / math.log(2) / max(1, sum(batch.notes for batch in self._held_out))


def _teachers(
    checkpoints: Sequence[Checkpoint], space: ConditionSpace, device: torch.device
) -> list[DrumModel]:
    """Return the models to learn from. Raises CheckpointError where one has not learned the same controls."""
    for each in checkpoints:
        if (each.space.genres, each.space.size) != (space.genres, space.size):
            raise CheckpointError(
                f"teachers: expected checkpoints of the corpus's genres ({', '.join(space.genres)}) and its "
                f"{space.size} controls, got one of {', '.join(each.space.genres)} and {each.space.size}"
            )
    return [each.build().to(device).eval() for each in checkpoints]


def _averaged(model: DrumModel, decay: float) -> AveragedModel:
    """Return the exponential moving average of a model's weights, updated by `update_parameters`."""

    def average(kept: Sequence[Tensor], new: Sequence[Tensor], _updates: Tensor | int) -> None:
        for each, other in zip(kept, new, strict=True):
            each.lerp_(other, 1 - decay)

    return AveragedModel(model, multi_avg_fn=average)


def _checkpoint_activations(model: DrumModel) -> None:
    backbone = model.backbone
    # It has no token embeddings of its own, whose gradients transformers would else ask for.
    backbone.main_input_name = "inputs_embeds"
    # transformers 5 renames the method; both take torch's own settings first.
    enable = getattr(backbone, "activation_checkpointing_enable", None)
    (enable or backbone.gradient_checkpointing_enable)({"use_reentrant": False})


def _optimiser(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    decayed = [weight for weight in model.parameters() if weight.dim() >= 2]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95))
