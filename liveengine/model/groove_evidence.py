"""What a groove that is heard says about the next token: log-odds that are added to a model's logits.

By Bayes' rule a bar that answers a groove is as likely as the model has it, times how likely that groove is
beside such a bar. The second factor is learned from drummers' own bars (`training.listening`), sixteenth by
sixteenth: whether anything is struck where an accent is heard, or not, which drum, and how loud. When a drum
is struck is left to the style's feel, and to the pocket.
Weights and bars of the model stay what they are where nothing is heard, to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from liveengine.errors import CheckpointError
from liveengine.model.config import BAR_STEP
from liveengine.model.fused_weights import Floats
from liveengine.music.beats import MAX_STEPS, STEPS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.heard import HeardGroove
from liveengine.tokens import vocabulary

EVIDENCE_FILE = "groove.safetensors"
FORMAT = "liveengine groove evidence 1"
BELONGS_TO = "checkpoint_sha256"
ACCENT_KNOTS = 5
"""Accents, 0 to 1, are spread over so many knots."""
SHAPES: Mapping[str, tuple[int, ...]] = {
    "struck": (STEPS_PER_BEAT, ACCENT_KNOTS),
    "skipped": (STEPS_PER_BEAT, ACCENT_KNOTS),
    "voice": (STEPS_PER_BEAT, ACCENT_KNOTS, VOICE_COUNT),
    "velocity": (ACCENT_KNOTS, VOICE_COUNT, vocabulary.VELOCITY_BINS),
}
ROWS = MAX_STEPS + 1
"""The sixteenths of the longest bar, and last the place before any of them, where Bar tokens stand."""


@dataclass(frozen=True, slots=True)
class GrooveEvidence:
    """Log-odds by knot; `struck`, `skipped` and `voice` by the sixteenth of the beat too. See `SHAPES`."""

    struck: Floats
    skipped: Floats
    voice: Floats
    velocity: Floats

    def logits(self, groove: HeardGroove, meter: Meter) -> Floats:
        """Return what is added to the logits by the place that the last token stands on, (ROWS, vocabulary).

        A position gains by what is heard on it, and by all that would be passed over on the way there.
        """
        steps = meter.steps
        accents = knots_of(groove, steps)
        place = np.arange(steps) % STEPS_PER_BEAT
        struck = (accents * self.struck[place]).sum(-1)
        skipped = np.concatenate([[0.0], np.cumsum((accents * self.skipped[place]).sum(-1))])
        added = np.zeros((ROWS, vocabulary.VOCABULARY_SIZE), np.float32)
        for row in (BAR_STEP, *range(steps)):
            first = 0 if row == BAR_STEP else row + 1
            onward = skipped[first:] - skipped[first]
            begin = vocabulary.POSITION_BASE
            added[row, begin + first : begin + steps] = struck[first:] + onward[:-1]
            added[row, vocabulary.bar_id(meter)] = onward[-1]
        voice = np.einsum("sk,skv->sv", accents, self.voice[place])
        velocity = np.einsum("sk,kvb->svb", accents, self.velocity)
        hits = np.repeat((voice[:, :, None] + velocity)[:, :, None], TICKS_PER_STEP, axis=2)
        added[:steps, vocabulary.HIT_BASE :] = hits.reshape(steps, -1)
        added *= np.float32(groove.amount)
        return added


def knots_of(groove: HeardGroove, steps: int) -> Floats:
    """Return accents spread over two neighbouring knots each, (steps, ACCENT_KNOTS).

    A groove of another length is cut, or ends in rests.
    """
    accents = np.zeros(steps, np.float32)
    length = min(steps, len(groove.accents))
    accents[:length] = groove.accents[:length]
    places = accents[:, None] * (ACCENT_KNOTS - 1)
    spread: Floats = np.maximum(0.0, 1.0 - np.abs(places - np.arange(ACCENT_KNOTS))).astype(np.float32)
    return spread


def save_evidence(folder: Path, tables: Mapping[str, npt.NDArray[Any]], checkpoint_sha256: str) -> None:
    """Write what was learned beside the checkpoint it belongs to."""
    tensors = {name: np.ascontiguousarray(tables[name], np.float32) for name in SHAPES}
    save_file(tensors, folder / EVIDENCE_FILE, {"format": FORMAT, BELONGS_TO: checkpoint_sha256})


def load_evidence(folder: Path, checkpoint_sha256: str) -> GrooveEvidence | None:
    """Return what a checkpoint has learned of grooves; None where it has no such file: it cannot hear.

    Raises CheckpointError where the file is none, or belongs to another checkpoint.
    """
    path = folder / EVIDENCE_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as opened:
            about = opened.metadata() or {}
            tensors = {each.name: opened.get_tensor(each.name) for each in fields(GrooveEvidence)}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: expected groove evidence, got: {error}") from error
    if about.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected format {FORMAT!r}, got {about.get('format')!r}")
    if about.get(BELONGS_TO) != checkpoint_sha256:
        raise CheckpointError(
            f"{path}: belongs to checkpoint {str(about.get(BELONGS_TO))[:12]}, and this is "
            f"{checkpoint_sha256[:12]}; make it anew with tools/train_listening.py, or take it away"
        )
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if found != SHAPES:
        raise CheckpointError(f"{path}: expected tables of shapes {dict(SHAPES)}, got {found}")
    return GrooveEvidence(**tensors)
