"""Checkpoints: a folder with weights (safetensors), `config.json` and MidiTok's `tokenizer.json`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from liveengine.errors import CheckpointError
from liveengine.model.config import FORMAT, ModelConfig, check_format
from liveengine.model.groove_evidence import GrooveEvidence, load_evidence
from liveengine.model.hat_pedal import HatCounts, load_hats
from liveengine.music.drums import VOICE_COUNT
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.tokens.saved import check_saved_tokenizer

if TYPE_CHECKING:
    import torch

    from liveengine.model.network import DrumModel

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
VELOCITIES = 128


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained model at rest: its size, the controls it learned, its weights, and their hash.

    `velocity_counts` tell how often each voice was struck with each velocity in training, (voices, 128);
    none for a checkpoint that does not say. `sparseness` is what it takes to keep the model, continuing
    itself, as sparse as what it learned from: log-odds for each sixteenth left out. `evidence` is
    what it has learned of grooves that are heard; None for one that cannot listen. `hats` are the places of
    the hi-hat's pedal in genres that it was learned from.
    """

    config: ModelConfig
    space: ConditionSpace
    weights: Mapping[str, npt.NDArray[np.floating[Any]]]
    sha256: str
    training: Mapping[str, Any]
    velocity_counts: tuple[tuple[int, ...], ...] = ()
    sparseness: float = 0.0
    evidence: GrooveEvidence | None = None
    hats: Mapping[str, HatCounts] = field(default_factory=dict)

    def build(self) -> DrumModel:
        """Return the reference network with these weights in fp32, in evaluation mode.

        Raises CheckpointError where weights and configuration disagree.
        """
        import torch

        from liveengine.model.network import DrumModel

        model = DrumModel(self.config)
        try:
            full = {name: weight.astype(np.float32) for name, weight in self.weights.items()}
            model.load_state_dict({name: torch.from_numpy(weight) for name, weight in full.items()})
        except RuntimeError as error:
            raise CheckpointError(f"checkpoint: the weights do not fit the configuration: {error}") from error
        return model.eval()


def save_checkpoint(
    folder: Path,
    model: DrumModel,
    space: ConditionSpace,
    training: Mapping[str, Any],
    *,
    dtype: torch.dtype | None = None,
    velocity_counts: Sequence[Sequence[int]] = (),
) -> None:
    """Write a checkpoint folder; weights are stored in `dtype` (fp16 unless given), tied tables once."""
    import torch
    from safetensors.torch import save_file

    from liveengine.tokens.tokenizer import make_tokenizer, save_tokenizer

    folder.mkdir(parents=True, exist_ok=True)
    kind = dtype or torch.float16
    weights = {name: weight.to(kind).contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)
    save_tokenizer(make_tokenizer(), folder / TOKENIZER_FILE)
    config = {
        "format": FORMAT,
        "vocabulary": vocabulary.VOCABULARY_SIZE,
        "model": asdict(model.config),
        "controls": asdict(space),
        "velocity_counts": [list(counts) for counts in velocity_counts],
        "training": dict(training),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def load_checkpoint(path: Path) -> Checkpoint:
    """Return the checkpoint in a folder, or in the folder of a named `model.safetensors`.

    Raises CheckpointError where a file is missing, unreadable, or does not match its tokenizer.
    """
    folder = path.parent if path.name == WEIGHTS_FILE else path
    for name in (WEIGHTS_FILE, CONFIG_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(f"checkpoint {folder}: expected a file {name}, found none")
    config_path = folder / CONFIG_FILE
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        check_format(config.get("format"), config_path)
        model_config = ModelConfig(**config["model"])
        controls = config["controls"]
        space = ConditionSpace(
            tuple(controls["genres"]),
            tuple(controls["density_quantiles"]),
            tuple(controls["energy_quantiles"]),
            tuple(controls.get("steadiness_quantiles", ())),
            _level_ranges(controls.get("level_ranges", ())),
        )
        velocity_counts = _velocity_counts(config.get("velocity_counts", []))
        sparseness = float(config.get("sparseness", 0.0))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{config_path}: expected a model configuration, got: {error}") from error
    tokens = check_saved_tokenizer(folder / TOKENIZER_FILE)
    if config.get("vocabulary") != tokens:
        raise CheckpointError(
            f"checkpoint {folder}: the weights know {config.get('vocabulary')} tokens, its tokenizer {tokens}"
        )
    if model_config.condition_size != space.size:
        raise CheckpointError(
            f"{config_path}: expected controls of {model_config.condition_size} features, got {space.size}"
        )
    weights_path = folder / WEIGHTS_FILE
    try:
        weights = load_file(weights_path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{weights_path}: expected safetensors weights, got: {error}") from error
    digest = hashlib.sha256(weights_path.read_bytes()).hexdigest()
    training = config.get("training", {})
    return Checkpoint(
        model_config,
        space,
        weights,
        digest,
        training,
        velocity_counts,
        sparseness,
        load_evidence(folder, digest),
        load_hats(folder),
    )


def _level_ranges(rows: Sequence[Sequence[float]]) -> tuple[tuple[float, float, float, float], ...]:
    """Return the ranges by genre; raises ValueError for any other shape than (genres, 4) or none at all."""
    if any(len(row) != 4 for row in rows):
        raise ValueError("level_ranges: expected four numbers for each genre")
    return tuple((float(row[0]), float(row[1]), float(row[2]), float(row[3])) for row in rows)


def _velocity_counts(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Return the counts; raises ValueError for any other shape than (voices, 128) or none at all."""
    counts = tuple(tuple(map(int, row)) for row in rows)
    if counts and (len(counts) != VOICE_COUNT or any(len(row) != VELOCITIES for row in counts)):
        raise ValueError(f"velocity_counts: expected {VOICE_COUNT} rows of {VELOCITIES} counts")
    return counts
