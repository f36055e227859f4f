"""Small changes to windows: what stays, and what moves how far."""

from __future__ import annotations

import random

import numpy as np

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary
from liveengine.training.augmentation import augmented

HITS = tuple(
    sorted(
        [Hit(step, Voice.CLOSED_HAT, 0, 72) for step in range(0, 16, 2)]
        + [Hit(step, Voice.KICK, -1, 100) for step in (0, 8)]
        + [Hit(step, Voice.SNARE, 1, 110) for step in (4, 12)]
    )
)
IDS = np.array(vocabulary.bar_to_ids(Bar(FOUR_FOUR, HITS)) * 4)
OPEN = Conditioning(bpm=120.0)


def changed(conditioning: Conditioning, *, timing: bool, seeds: int = 200) -> list[list[Bar]]:
    return [
        vocabulary.ids_to_bars(augmented(IDS, conditioning, random.Random(seed), timing=timing).tolist())
        for seed in range(seeds)
    ]


def test_places_and_voices_stay() -> None:
    for bars in changed(OPEN, timing=True):
        for bar in bars:
            assert [(hit.step, hit.voice) for hit in bar.hits] == [(hit.step, hit.voice) for hit in HITS]


def test_a_voice_is_pushed_as_one_and_a_little() -> None:
    pushes = []
    for bars in changed(OPEN, timing=True):
        kicks = {hit.micro for bar in bars for hit in bar.hits if hit.voice is Voice.KICK}
        assert len(kicks) == 1
        pushes.append(kicks.pop() + 1)
    assert -0.2 < np.mean(pushes) < 0.2, "nobody is early on the whole"
    assert 0.2 < np.std(pushes) < 0.8, "3 ms are .29 ticks at 120 bpm, and rounding adds to it"


def test_timing_that_is_not_to_be_learned_stays() -> None:
    for bars in changed(OPEN, timing=False, seeds=40):
        assert {(hit.voice, hit.micro) for bar in bars for hit in bar.hits} == {
            (hit.voice, hit.micro) for hit in HITS
        }


def test_loudness_moves_only_where_energy_is_open() -> None:
    told = changed(Conditioning(bpm=120.0, energy=0.5), timing=True, seeds=40)
    assert all(
        [hit.velocity // 16 for hit in bar.hits] == [hit.velocity // 16 for hit in HITS]
        for bars in told
        for bar in bars
    )
    means = [
        np.mean([hit.velocity for bar in bars for hit in bar.hits]) for bars in changed(OPEN, timing=True)
    ]
    usual = np.mean([hit.velocity // 16 * 16 + 8 for hit in HITS])
    assert abs(np.mean(means) / usual - 1) < 0.03
    assert max(means) / usual > 1.06
    assert min(means) / usual < 0.94
