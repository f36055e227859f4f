"""What a token knows of the groove that is heard: the accents and offsets from its own sixteenth on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from liveengine.music.beats import MAX_STEPS
from liveengine.music.heard import OFFSET_MOST, HeardGroove

AHEAD_STEPS = 16
"""Sixteenths that a token looks ahead, its own included."""
FEATURES = 2 * AHEAD_STEPS + 1
ROWS = MAX_STEPS + 1
"""The sixteenths of the longest bar, and last the place before any of them, on which Bar tokens stand."""


def groove_features(groove: HeardGroove) -> npt.NDArray[np.float32]:
    """Return what tokens on each place of a bar know of a groove, shape (ROWS, FEATURES).

    A row holds the accents of its sixteenth and those after it, then their offsets (-1 to 1), then 1.
    Beyond the bar line nothing is known.
    """
    steps = len(groove.accents)
    line = np.zeros((2, ROWS + AHEAD_STEPS), np.float32)
    line[0, 1 : steps + 1] = groove.accents
    line[1, 1 : steps + 1] = np.array(groove.offsets, np.float32) / OFFSET_MOST
    windows = np.lib.stride_tricks.sliding_window_view(line, AHEAD_STEPS, axis=1)[:, :ROWS]
    rows = np.concatenate([windows[0], windows[1], np.ones((ROWS, 1), np.float32)], axis=1)
    return np.roll(rows, -1, axis=0)  # the place before the first comes last
