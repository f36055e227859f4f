"""Training watched from outside: TensorBoard and Weights & Biases, each loaded only when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from liveengine.errors import LiveEngineError
from liveengine.training.history import Progress
from liveengine.training.loop import Tick

STEPS_BETWEEN = 10
"""Every so many steps are shown."""


class Watch(Protocol):
    """Shows figures as they come. Called by the training's thread."""

    def figures(self, step: int, found: Mapping[str, float]) -> None:
        """Show figures, by name, of a step."""

    def close(self) -> None:
        """Write what is left."""


class _TensorBoard:
    def __init__(self, folder: Path) -> None:
        self._writer = _package("torch.utils.tensorboard", "tensorboard").SummaryWriter(str(folder))

    def figures(self, step: int, found: Mapping[str, float]) -> None:
        for name, value in found.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _WeightsAndBiases:
    def __init__(self, project: str, settings: Mapping[str, Any], folder: Path) -> None:
        self._run = _package("wandb", "wandb").init(project=project, config=dict(settings), dir=str(folder))

    def figures(self, step: int, found: Mapping[str, float]) -> None:
        self._run.log(dict(found), step=step)

    def close(self) -> None:
        self._run.finish()


def _package(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise LiveEngineError(
            f"--{package}: expected the package {package}, found none; pip install {package}, or "
            f"'liveengine[watch]' ({error})"
        ) from error


def open_watches(
    tensorboard: Path | None, wandb: str | None, settings: Mapping[str, Any], folder: Path
) -> list[Watch]:
    """Return what was asked for: a folder for TensorBoard, a project of W&B, which writes below `folder`.

    Raises LiveEngineError naming the package that is missing.
    """
    watches: list[Watch] = []
    if tensorboard is not None:
        watches.append(_TensorBoard(tensorboard))
    if wandb is not None:
        folder.mkdir(parents=True, exist_ok=True)
        watches.append(_WeightsAndBiases(wandb, settings, folder))
    return watches


def figures_of_batch(tick: Tick) -> dict[str, float]:
    """Return what is shown of a batch."""
    return {
        "bits_per_note/training": tick.training_bits,
        "learning_rate": tick.learning_rate,
        "tokens_per_s": tick.tokens_per_s,
    }


def figures_of_epoch(progress: Progress) -> dict[str, float]:
    """Return what is shown of an epoch."""
    return {
        "bits_per_note/training_epoch": progress.training_bits,
        "bits_per_note/validation": progress.validation_bits,
        "epoch": progress.epoch + 1,
    }
