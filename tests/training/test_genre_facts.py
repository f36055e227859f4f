"""How a drummer alone repeats himself, and which facts of a card he shows."""

from __future__ import annotations

import pytest

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.card import Card, Fact
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.requirement import Requirement
from liveengine.training.evaluation.genre_facts import genre_facts, repetition

KICK = frozenset((Voice.KICK,))
CARD = Card(
    "test",
    "Test",
    (100, 120),
    facts=(
        Fact("kick on 1", Requirement(KICK, on=(0,)), "us", share=0.9),
        Fact("kick on 3", Requirement(KICK, on=(8,)), "us", share=0.5),
    ),
    families=(),
    fills=(),
)


def bar(*steps: int) -> Bar:
    return Bar(FOUR_FOUR, tuple(Hit(step, Voice.KICK, 0, 90) for step in sorted(steps)))


def test_facts_are_counted_at_the_start_and_after_three_phrases() -> None:
    run = [bar(0, 8)] * 8 + [bar(4)] * 16 + [bar(0)] * 4 + [bar(0, 8)] * 3 + [bar(8)]
    assert genre_facts({"test": [run]}, {"test": CARD}) == {
        "genre_facts_start": 1.0,
        "genre_facts_alone": 0.5,
    }


def test_a_drummer_who_never_changes() -> None:
    found = repetition([[bar(0, 4)] * 32])
    assert [found[f"onset_f1_{distance}"] for distance in (1, 2, 4, 8)] == [1.0] * 4
    assert found["share_same_as_last"] == 1.0
    assert found["share_distinct"] == pytest.approx(1 / 32)
    assert found["growth"] == 0.0


def test_a_drummer_of_two_bars_who_fills_up() -> None:
    run = [bar(0, 4), bar(0, 6)] * 12 + [bar(0, 2, 4, 6)] * 8
    found = repetition([run])
    early = [bar(0, 4), bar(0, 6)] * 4
    assert repetition([early])["onset_f1_1"] == pytest.approx(0.5)
    assert repetition([early])["onset_f1_2"] == 1.0
    assert found["growth"] == pytest.approx(1.0)
    assert found["share_distinct"] == pytest.approx(3 / 32)
    assert found["share_same_as_last"] == pytest.approx(7 / 31)
