"""Small changes to a window's tokens that leave its music what it is, so that little data goes further."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

from liveengine.music.beats import TICKS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary

Ids = npt.NDArray[np.int64]
GAIN = 0.12
"""Most that a window is louder or softer, as a share."""
PUSH_MS = 3.0
"""Standard deviation of a constant push per voice."""
USUAL_BPM = 110.0
"""For windows whose tempo was left open."""


def augmented(ids: Ids, conditioning: Conditioning, rng: random.Random, *, timing: bool) -> Ids:
    """Return token ids (n,) with each voice pushed a little, and all of them louder or softer.

    Loudness changes only where energy is left open, which else would say otherwise; `timing` says whether
    micro-timing may change. Hits keep their order within a step: where a push would break the grammar's, the
    window stays as it is.
    """
    is_hit = ids >= vocabulary.HIT_BASE
    parts = ids[is_hit] - vocabulary.HIT_BASE
    place, velocity = np.divmod(parts, vocabulary.VELOCITY_BINS)
    voice, micro = np.divmod(place, TICKS_PER_STEP)
    dice = np.random.default_rng(rng.getrandbits(32))
    if conditioning.energy is None:
        louder = (velocity + 0.5) * (1 + dice.uniform(-GAIN, GAIN)) - 0.5
        velocity = np.clip(np.floor(louder + dice.random(len(louder))), 0, vocabulary.VELOCITY_BINS - 1)
    if timing:
        ticks = PUSH_MS * (conditioning.bpm or USUAL_BPM) * TICKS_PER_BEAT / 60_000
        push = np.floor(dice.normal(0, ticks, VOICE_COUNT) + dice.random(VOICE_COUNT))
        micro = np.clip(micro + push[voice], 0, TICKS_PER_STEP - 1)
    changed = ids.copy()
    moved = (voice * TICKS_PER_STEP + micro) * vocabulary.VELOCITY_BINS + velocity
    changed[is_hit] = vocabulary.HIT_BASE + moved.astype(np.int64)
    falls = (changed[1:] < changed[:-1]) & is_hit[1:] & is_hit[:-1]
    return ids if falls.any() else changed
