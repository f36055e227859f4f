"""The ear of a checkpoint: what it adds to the inputs of a bar's tokens for the groove that is heard.

A small network beside the frozen model, in a file of its own: without a groove nothing is added, and the
bars are those of the checkpoint alone, to the byte. Its last matrix begins at zero when it is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from liveengine.errors import CheckpointError
from liveengine.model.fused_weights import Floats
from liveengine.music.heard import HeardGroove
from liveengine.tokens.groove_features import FEATURES, ROWS, groove_features

ADAPTER_FILE = "groove.safetensors"
FORMAT = "liveengine groove adapter 1"
BELONGS_TO = "checkpoint_sha256"


@dataclass(frozen=True, slots=True)
class GrooveAdapter:
    """`into` (hidden, FEATURES), `place` (ROWS, hidden) and `out` (width, hidden), in fp32."""

    into: Floats
    place: Floats
    out: Floats

    def added(self, groove: HeardGroove) -> Floats:
        """Return what is added to the inputs of tokens by the place they stand on, shape (ROWS, width)."""
        hidden = np.maximum(groove_features(groove) @ self.into.T + self.place, 0.0)
        added: Floats = np.float32(groove.amount) * (hidden @ self.out.T)
        return added


def save_adapter(folder: Path, adapter: Mapping[str, npt.NDArray[Any]], checkpoint_sha256: str) -> None:
    """Write an adapter beside the checkpoint it belongs to."""
    tensors = {name: np.ascontiguousarray(each, np.float16) for name, each in adapter.items()}
    save_file(tensors, folder / ADAPTER_FILE, {"format": FORMAT, BELONGS_TO: checkpoint_sha256})


def load_adapter(folder: Path, checkpoint_sha256: str, width: int) -> GrooveAdapter | None:
    """Return the adapter beside a checkpoint; None where it has none: it cannot hear.

    Raises CheckpointError where the file is none, or belongs to another checkpoint.
    """
    path = folder / ADAPTER_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as opened:
            about = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name).astype(np.float32) for name in ("into", "place", "out")}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: expected a groove adapter, got: {error}") from error
    if about.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected format {FORMAT!r}, got {about.get('format')!r}")
    if about.get(BELONGS_TO) != checkpoint_sha256:
        raise CheckpointError(
            f"{path}: belongs to checkpoint {str(about.get(BELONGS_TO))[:12]}, and this is "
            f"{checkpoint_sha256[:12]}; train it again with tools/train_listening.py, or take it away"
        )
    adapter = GrooveAdapter(**tensors)
    hidden = len(adapter.into)
    expected = {"into": (hidden, FEATURES), "place": (ROWS, hidden), "out": (width, hidden)}
    found = {name: tensors[name].shape for name in expected}
    if found != expected:
        raise CheckpointError(f"{path}: expected tensors of shapes {expected}, got {found}")
    return adapter
