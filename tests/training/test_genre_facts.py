"""How a drummer alone repeats himself, and which facts of a card he shows."""

from __future__ import annotations

import pytest

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.card import Card, Fact
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.requirement import Requirement
from liveengine.training.evaluation.genre_facts import (
    drift,
    genre_facts,
    repetition,
    section_facts,
)

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


def test_what_becomes_of_a_drummer_after_64_bars() -> None:
    hat = Bar(FOUR_FOUR, tuple(Hit(step, Voice.CLOSED_HAT, 0, 90) for step in (0, 4, 8, 12)))
    both = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90), *hat.hits[1:]))
    assert drift([[both] * 64]) == {"drift_notes": 0.0, "drift_kick_snare": 0.0, "held_groove": 1.0}
    found = drift([[both] * 32 + [hat] * 32, [both] * 63])
    assert found == pytest.approx({"drift_notes": 0.0, "drift_kick_snare": -0.25, "held_groove": 0.75})
    assert drift([[both] * 63]) == {}


def test_a_chorus_lifts_and_a_break_breaks() -> None:
    def loud(count: int, velocity: int) -> list[Bar]:
        return [Bar(FOUR_FOUR, tuple(Hit(step, Voice.KICK, 0, velocity) for step in range(count)))] * 2

    song = {"verse": loud(8, 80), "chorus": loud(8, 100), "break": loud(6, 60)}
    assert section_facts([song]) == {"chorus_lifts": 1.0, "break_breaks": 1.0}
    dull = {"verse": loud(8, 80), "chorus": loud(8, 80), "break": loud(7, 60)}
    thin = {"verse": loud(8, 80), "chorus": loud(7, 100), "break": loud(4, 60)}
    assert section_facts([song, dull]) == {"chorus_lifts": 0.5, "break_breaks": 0.5}
    assert section_facts([thin]) == {"chorus_lifts": 0.0, "break_breaks": 1.0}
