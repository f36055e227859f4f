"""Learning to listen: grooves derived from bars, and that what is learned is what is played by."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from liveengine.model.config import BAR_STEP
from liveengine.model.groove_evidence import SHAPES, GrooveEvidence, knots_of
from liveengine.music.beats import FOUR_FOUR, MAX_STEPS, Meter
from liveengine.music.drums import Voice
from liveengine.music.heard import HeardGroove
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary
from liveengine.training.listening import (
    EvidenceTables,
    ListeningConfig,
    ListeningProgress,
    ListeningTrainer,
    derived_groove,
    drawn_groups,
)
from liveengine.training.windows import TokenSequence
from tests.conftest import SPACE, untrained_model

HITS = [(0, int(Voice.KICK), 0.9), (4, int(Voice.SNARE), 0.8), (6, int(Voice.KICK), 0.6)]


def test_a_derived_groove_is_of_the_chosen_drums() -> None:
    grooves = [derived_groove(HITS, 16, frozenset({"kick"}), random.Random(seed)) for seed in range(200)]
    known = [groove for groove in grooves if groove is not None]
    heard = np.array([[accent > 0 for accent in groove.accents] for groove in known]).mean(axis=0)
    assert 0.75 < heard[0] < 0.95, "now and then an accent is not heard"
    assert heard[4] < 0.1, "the snare is none of the chosen drums"


def test_some_drums_are_always_heard() -> None:
    assert all(drawn_groups(random.Random(seed)) for seed in range(50))


@pytest.mark.parametrize("meter", [FOUR_FOUR, Meter(3, 4), Meter(7, 4)])
def test_what_is_learned_is_what_is_played_by(meter: Meter) -> None:
    rng = np.random.default_rng(4)
    tables = EvidenceTables()
    with torch.no_grad():
        for name, shape in SHAPES.items():
            tables.tables[name].copy_(torch.from_numpy(rng.normal(size=shape)))
    accents = tuple(float(x) for x in np.where(rng.random(meter.steps) < 0.5, rng.random(meter.steps), 0))
    groove = HeardGroove(accents)
    beyond = ((0, MAX_STEPS - meter.steps), (0, 0))
    spread = torch.from_numpy(np.pad(knots_of(groove, meter.steps), beyond))[None]
    trained = tables(spread, torch.tensor([vocabulary.bar_id(meter)]), torch.tensor([meter.steps]))
    played = GrooveEvidence(**tables.arrays()).logits(groove, meter)
    grammar = vocabulary.Grammar(meter)
    for row in (*range(meter.steps), BAR_STEP):
        token = vocabulary.bar_id(meter) if row == BAR_STEP else vocabulary.position_id(row)
        hit = vocabulary.HIT_BASE + 5
        for before in (token, hit) if row != BAR_STEP else (token,):
            allowed = grammar.allowed(before, row)
            np.testing.assert_allclose(
                trained[0, row].detach().numpy()[allowed], played[row][allowed], atol=1e-4
            )


def test_training_learns_that_a_kick_answers_an_accent() -> None:
    dice = random.Random(1)
    bars = []
    for _ in range(60):
        steps = sorted(dice.sample(range(16), 4))
        hits = [Hit(step, Voice.KICK, 0, 100) for step in steps]
        bars.append(np.array(vocabulary.bar_to_ids(Bar(FOUR_FOUR, tuple(hits))), np.int64))
    take = TokenSequence(tuple(bars), (Conditioning((("funk", 1.0),), 100.0),) * len(bars))
    model = untrained_model()
    progress: list[ListeningProgress] = []
    trainer = ListeningTrainer(
        model, SPACE, ListeningConfig(epochs=8, max_tokens=256, tokens_per_batch=512, learning_rate=0.1)
    )
    trainer.train([take], [take], progress.append)
    assert progress[-1].heard_bits < progress[-1].deaf_bits - 0.2
    learned = trainer.tables.arrays()
    for_striking = learned["struck"] - learned["skipped"]
    assert (for_striking[:, 3] > for_striking[:, 0] + 0.2).all(), "accents of kicks lie about the fourth knot"
