"""The state of an unfinished training, so that it resumes exactly: safetensors with JSON in the header.

Nothing is pickled: a state file from elsewhere can hold numbers, not code.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from liveengine.errors import CheckpointError
from liveengine.training.windows import TokenSequence

STATE_FILE = "training_state.safetensors"
STATE_FORMAT = 1
HEADER = "training"
MODEL, OPTIMISER, AVERAGE = "model.", "optimiser.", "average."
TORCH_DICE, CUDA_DICE = "dice.torch", "dice.cuda"


@dataclass(slots=True)
class Counters:
    """How far a training is: epochs and steps done, best validation bits per note, epochs since then.

    `parts` is how many parts a batch is cut into for lack of memory.
    """

    epochs: int = 0
    steps: int = 0
    best_bits: float = math.inf
    epochs_since_best: int = 0
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Learner:
    """All that changes in training and is not counted: weights and their average, optimiser, scaler, dice."""

    model: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    rng: random.Random
    device: torch.device
    average: nn.Module | None = None


def save_state(folder: Path, learner: Learner, counters: Counters, settings: Mapping[str, Any]) -> None:
    """Write the state at the end of an epoch; the file is whole at every moment.

    `settings` (JSON) are what a resumed training must have in common with this one.
    """
    tensors = {MODEL + name: weight for name, weight in learner.model.state_dict().items()}
    for index, per_weight in learner.optimiser.state_dict()["state"].items():
        tensors |= {f"{OPTIMISER}{index}.{name}": value for name, value in per_weight.items()}
    if learner.average is not None:
        tensors |= {AVERAGE + name: weight for name, weight in learner.average.state_dict().items()}
    tensors[TORCH_DICE] = torch.get_rng_state()
    if learner.device.type == "cuda":
        tensors[CUDA_DICE] = torch.cuda.get_rng_state(learner.device)
    header = {
        "format": STATE_FORMAT,
        "counters": asdict(counters) | {"best_bits": _finite(counters.best_bits)},
        "settings": dict(settings),
        "scaler": learner.scaler.state_dict(),
        "dice": learner.rng.getstate(),
    }
    path = folder / STATE_FILE
    unfinished = path.with_suffix(".part")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, unfinished, {HEADER: json.dumps(header)})
    unfinished.replace(path)


def _finite(bits: float) -> float | None:
    return bits if math.isfinite(bits) else None


def read_counters(folder: Path) -> Counters | None:
    """Return how far the training in a folder is; None where the folder holds no state.

    Raises CheckpointError where the file is none of this version's states.
    """
    path = folder / STATE_FILE
    return _counters(_header(path)) if path.exists() else None


def restore_state(folder: Path, learner: Learner, settings: Mapping[str, Any]) -> Counters:
    """Set the learner to the state in a folder and return how far it is.

    Raises CheckpointError where there is no state, or it is of another training: other settings.
    """
    path = folder / STATE_FILE
    if not path.exists():
        raise CheckpointError(f"{folder}: expected a training to resume ({STATE_FILE}), found none")
    header = _header(path)
    saved = header["settings"]
    wanted = json.loads(json.dumps(settings))
    others = [name for name in sorted({*saved, *wanted}) if saved.get(name) != wanted.get(name)]
    if others:
        differences = "; ".join(f"{name} {saved.get(name)!r}, now {wanted.get(name)!r}" for name in others)
        raise CheckpointError(f"{path}: expected the settings that the training began with: {differences}")
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  no mapping
        _set_learner(learner, tensors, header)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path}: expected the state of this model, got: {error}") from error
    return _counters(header)


def _set_learner(learner: Learner, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    weights = {name.removeprefix(MODEL): each for name, each in tensors.items() if name.startswith(MODEL)}
    learner.model.load_state_dict(weights)
    if learner.average is not None:
        kept = {
            name.removeprefix(AVERAGE): each for name, each in tensors.items() if name.startswith(AVERAGE)
        }
        learner.average.load_state_dict(kept)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(OPTIMISER):
            index, _, kind = name.removeprefix(OPTIMISER).partition(".")
            moments.setdefault(int(index), {})[kind] = tensor
    groups = learner.optimiser.state_dict()["param_groups"]
    learner.optimiser.load_state_dict({"state": moments, "param_groups": groups})
    if header["scaler"] and learner.scaler.is_enabled():
        learner.scaler.load_state_dict(header["scaler"])
    version, words, gauss = header["dice"]
    learner.rng.setstate((version, tuple(words), gauss))
    torch.set_rng_state(tensors[TORCH_DICE])
    if learner.device.type == "cuda" and CUDA_DICE in tensors:
        torch.cuda.set_rng_state(tensors[CUDA_DICE], learner.device)


def _header(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt", device="cpu") as opened:
            header = json.loads((opened.metadata() or {})[HEADER])
        if header["format"] != STATE_FORMAT:
            raise ValueError(f"format {header['format']!r}, where this version writes {STATE_FORMAT}")
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: expected the state of a training, got: {error}") from error
    return dict(header)


def _counters(header: Mapping[str, Any]) -> Counters:
    saved = dict(header["counters"])
    best = saved.pop("best_bits")
    return Counters(**saved, best_bits=math.inf if best is None else best)


def forget_state(folder: Path) -> None:
    """Remove the state in a folder, if there is one."""
    (folder / STATE_FILE).unlink(missing_ok=True)


def hash_of(sequences: Sequence[TokenSequence]) -> str:
    """Return a hash of what is learned from: a training must not go on with other music."""
    digest = hashlib.sha256()
    for sequence in sequences:
        for bar in sequence.bars:
            digest.update(bar.tobytes())
        digest.update(repr((sequence.conditions, sequence.grid_bound)).encode())
    return digest.hexdigest()[:16]
