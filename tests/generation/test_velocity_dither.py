"""Velocities drawn from within their bins."""

from __future__ import annotations

from collections import Counter

import numpy as np

from liveengine.generation.velocity_dither import Velocities
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import VOICE_COUNT, Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens import vocabulary

BAR = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 120), Hit(4, Voice.SNARE, 1, 8), Hit(8, Voice.SNARE, -1, 72)))


def test_without_counts_every_velocity_of_a_bin_is_as_likely() -> None:
    rng = np.random.default_rng(1)
    drawn = Counter(Velocities().dither(BAR, rng).hits[0].velocity for _ in range(4000))
    assert set(drawn) == set(range(112, 128))
    assert max(drawn.values()) < 1.5 * min(drawn.values())


def test_counts_decide_where_in_the_bin() -> None:
    counts = np.zeros((VOICE_COUNT, 128), np.int64)
    counts[Voice.KICK, 127] = 900
    counts[Voice.KICK, 113] = 100
    velocities, rng = Velocities(counts.tolist()), np.random.default_rng(1)
    drawn = Counter(velocities.dither(BAR, rng).hits[0].velocity for _ in range(2000))
    assert 0.87 < drawn[127] / 2000 < 0.93
    assert 0.07 < drawn[113] / 2000 < 0.13


def test_hits_keep_their_place_and_bin_and_never_become_note_offs() -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        for before, after in zip(BAR.hits, Velocities().dither(BAR, rng).hits, strict=True):
            assert (before.step, before.voice, before.micro) == (after.step, after.voice, after.micro)
            assert vocabulary.velocity_bin(before.velocity) == vocabulary.velocity_bin(after.velocity)
            assert after.velocity >= 1
