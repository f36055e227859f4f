"""Style packs: the vector of a style learned for one checkpoint, in a file beside its style file.

A pack's vector stands where a learned genre's column of the controls stands: it is added, times the
style's share of the mixture, to every token of a bar. Its hats are how open the player held them, where his
files say. Reading a pack needs no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from liveengine.errors import CheckpointError, as_started
from liveengine.model.checkpoint import Checkpoint
from liveengine.model.hat_pedal import HatCounts, checked

FORMAT = "liveengine style pack 1"
TENSOR = "style"
HAT_CONTEXTS, HAT_COUNTS = "hat_contexts", "hat_counts"
SHOWN_DIGITS = 12
"""Digits of a checkpoint's hash that messages show."""

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StylePack:
    """A style's vector (width,), the genre's name in style files, and the checkpoint it belongs to.

    `scores` are plain figures from learning, for readers.
    """

    name: str
    checkpoint_sha256: str
    vector: Vector
    scores: Mapping[str, Any]
    hats: HatCounts | None = None

    def check(self, checkpoint_sha256: str) -> None:
        """Raise CheckpointError where the pack belongs to another checkpoint than this hash's."""
        if self.checkpoint_sha256 != checkpoint_sha256:
            raise CheckpointError(
                f"style {self.name}: learned for checkpoint {self.checkpoint_sha256[:SHOWN_DIGITS]}, and "
                f"this is {checkpoint_sha256[:SHOWN_DIGITS]}; learn it again (`{as_started('learn')}`), or "
                "play it with --checkpoint and the checkpoint it belongs to"
            )


def save_pack(pack: StylePack, path: Path) -> None:
    """Write a pack; a file of that name is replaced."""
    tensors: dict[str, npt.NDArray[Any]] = {TENSOR: pack.vector.astype(np.float32)}
    if pack.hats is not None:
        tensors |= {HAT_CONTEXTS: pack.hats.contexts, HAT_COUNTS: pack.hats.counts}
    save_file(
        tensors,
        path,
        metadata={
            "format": FORMAT,
            "name": pack.name,
            "checkpoint_sha256": pack.checkpoint_sha256,
            "scores": json.dumps(dict(pack.scores)),
        },
    )


def load_pack(path: Path) -> StylePack:
    """Return the pack in a file. Raises CheckpointError where it is none."""
    try:
        with safe_open(path, framework="np") as opened:
            about = opened.metadata() or {}
            if about.get("format") != FORMAT:
                raise CheckpointError(
                    f"{path}: expected a style pack of format {FORMAT!r}, got {about.get('format')!r}"
                )
            vector = opened.get_tensor(TENSOR)
            hats = None
            if HAT_CONTEXTS in opened.keys():  # noqa: SIM118 - it can only be asked for its keys
                hats = HatCounts(opened.get_tensor(HAT_CONTEXTS), opened.get_tensor(HAT_COUNTS))
            pack = StylePack(
                about["name"], about["checkpoint_sha256"], vector, json.loads(about.get("scores", "{}")), hats
            )
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: expected a style pack, got: {error}") from error
    if vector.ndim != 1 or vector.dtype != np.float32 or not np.isfinite(vector).all():
        raise CheckpointError(
            f"{path}: expected one vector of finite float32, got {vector.dtype} of shape {vector.shape}"
        )
    if pack.hats is not None:
        checked(pack.hats, path)
    return pack


def load_packs(packs: Sequence[Path], loaded: Checkpoint) -> dict[str, StylePack]:
    """Return packs by their genres. Raises CheckpointError where one does not fit the checkpoint."""
    own: dict[str, StylePack] = {}
    for path in packs:
        pack = load_pack(path)
        pack.check(loaded.sha256)
        if pack.name in loaded.space.genres or pack.name in own:
            raise CheckpointError(f"{path}: expected a name of its own, got {pack.name}, a genre there is")
        if pack.vector.shape != (loaded.config.width,):
            raise CheckpointError(
                f"{path}: expected a vector of {loaded.config.width} numbers, got {pack.vector.shape[0]}"
            )
        own[pack.name] = pack
    return own
