"""Velocities within a token's bin: drawn as drummers strike, not evenly.

A token knows eight levels; played at their middles they are heard as steps. Real velocities crowd: 127 is
a sixth of all notes of the Groove MIDI Dataset, and few lie just below it. A forest parted bars with even
dithering from real ones with an AUC of .78, bars drawn from the training's counts with .69 or so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from liveengine.music.drums import VOICE_COUNT
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens import vocabulary

LOWEST = 1
SMOOTHING = 0.05
"""Added to each count, so that every velocity can come."""


class Velocities:
    """Draws a velocity from the bin of a voice. Used by one thread."""

    def __init__(self, counts: Sequence[Sequence[int]] = ()) -> None:
        """Take how often each voice was struck with each velocity, (voices, 128); without, all alike."""
        shape = (VOICE_COUNT, vocabulary.VELOCITY_BINS, vocabulary.VELOCITY_WIDTH)
        chances = np.full(shape, SMOOTHING)
        if counts:
            chances += np.array(counts, np.float64).reshape(shape)
        chances[:, 0, :LOWEST] = 0.0  # a note-on of velocity 0 is a note-off
        self._reached = np.cumsum(chances / chances.sum(axis=-1, keepdims=True), axis=-1)

    def dither(self, bar: Bar, rng: np.random.Generator) -> Bar:
        """Return the bar with each hit's velocity drawn anew from its bin."""
        return Bar(bar.meter, tuple(sorted(self._drawn(hit, rng) for hit in bar.hits)))

    def _drawn(self, hit: Hit, rng: np.random.Generator) -> Hit:
        level = vocabulary.velocity_bin(hit.velocity)
        place = int(np.searchsorted(self._reached[hit.voice, level], rng.random(), side="right"))
        lowest = level * vocabulary.VELOCITY_WIDTH
        place = min(place, vocabulary.VELOCITY_WIDTH - 1)
        return Hit(hit.step, hit.voice, hit.micro, lowest + place, hit.openness)
