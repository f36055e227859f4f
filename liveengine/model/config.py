"""The size of a drum transformer and its fixed numbers; needs no torch, so that playing starts without it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from liveengine.errors import CheckpointError
from liveengine.music.beats import MAX_STEPS

FORMAT = 1
"""Of the `config.json` of a checkpoint."""

BAR_STEP = MAX_STEPS
"""Row of the step embedding that Bar tokens use: they stand before any step."""


ROLLBACK_TOKENS = 320
"""How far back a continuation can go besides the window that attention needs."""
LAYER_NORM_EPSILON = 1e-5
ROTARY_BASE = 10_000


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Size of the network. `window` is how many tokens, itself included, each token sees."""

    layers: int
    width: int
    heads: int
    window: int
    condition_size: int
    feed_forward: int = 0
    dropout: float = 0.1

    @property
    def feed_forward_width(self) -> int:
        """Width of the hidden feed-forward layer; four times the width unless set."""
        return self.feed_forward or 4 * self.width


def check_format(found: object, path: Path) -> None:
    """Raise CheckpointError unless a checkpoint's `config.json` is of the format that is read here.

    It is looked at before anything else, for a later format may hold all else differently.
    """
    if isinstance(found, int) and found > FORMAT:
        raise CheckpointError(
            f"{path}: expected format {FORMAT}, got {found}: it is of a newer liveengine; upgrade this one"
        )
    if found != FORMAT:
        raise CheckpointError(f"{path}: expected format {FORMAT}, got {found!r}")
