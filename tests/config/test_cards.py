"""Reading genre cards: what a faulty one is told, with its line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveengine.config.cards import load_card, load_cards, load_rules
from liveengine.errors import ConfigError
from liveengine.music.beats import Meter
from liveengine.music.drums import Voice

CARD = """\
title: Test
tempo_bpm: [100, 120]
timing: machine
landing: [kick]
kin: {rock: 1.0}
sources: {us: by judgement}
facts:
  - {fact: kick on 1, drums: [kick], on: [1], share: 0.9, must: true, source: us}
  - {fact: hats run, drums: [hat], count: [4, 8], source: us}
families:
  straight:
    rows:
      kick: ["X...x...", "X..x..x."]
      closed_hat: "x.x.x.x.x.x.x.x."
    ghosts: {snare: "..3..3.."}
    rolls: [{drum: closed_hat, odds: 0.5, at: ["4&"], beats: 0.5, strokes: [3, 4]}]
  waltz:
    meter: 3/4
    weight: 0.5
    rows: {kick: "x.."}
fills:
  - {from: "3&", rows: {snare: "....x.xx"}, keep: [closed_hat]}
"""


def written(folder: Path, text: str = CARD) -> Path:
    path = folder / "test.yaml"
    path.write_text(text)
    return path


def test_a_card_is_read_as_it_is_written(tmp_path: Path) -> None:
    card = load_card(written(tmp_path))
    assert (card.genre, card.title, card.machine, card.landing) == ("test", "Test", True, (Voice.KICK,))
    assert [fact.must for fact in card.facts] == [True, False]
    assert card.facts[0].source == "by judgement"
    straight, waltz = card.families
    assert len(straight.rows[Voice.KICK]) == 2
    assert straight.rolls[0].at == (14,)
    assert (waltz.meter, waltz.weight) == (Meter(3, 4), 0.5)
    assert card.fills[0].begin == 10
    assert card.kin == {"rock": 1.0}
    rules = load_rules(tmp_path / "test.yaml")
    assert rules.musts == card.musts == (card.facts[0].shown,)
    assert rules.opening == card.opening == tuple(fact.shown for fact in card.facts)
    assert rules.landing == card.landing
    assert list(load_cards(tmp_path)) == ["test"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: Test\n", "", "field title: expected this field, got none"),
        ("timing: machine", "timing: robot", "line 3, field timing: expected machine or human, got 'robot'"),
        ("[100, 120]", "[120, 100]", "line 2, field tempo_bpm: expected two numbers, the low one first"),
        (
            "on: [1]",
            "on: [5x]",
            r"line 8, field facts\\[0\\].on\\[0\\]: expected a place such as 1, 2e, 3& or 4a, got '5x'",
        ),
        ("drums: [hat]", "drums: [hats]", "expected a drum .*hat"),
        ("count: [4, 8]", "count: [4]", "expected two numbers: \\[least, most\\]"),
        ("on: [1], ", "", "expected drums and one of on, any, off and count"),
        (
            "must: true, source: us",
            "must: true, source: them",
            "expected one of the card's sources .us., got 'them'",
        ),
        ("share: 0.9", "share: 9", "expected a number from 0 to 1"),
        ('"X...x..."', '"X...x"', "expected a grid that divides 192 ticks, got 5 cells"),
        ('"x.x.x.x.x.x.x.x."', '"x.q."', "expected Xxsg, 1-9 or '.', got q"),
        ('kick: ["X', 'kik: ["X', "expected a known field: kick"),
        ("meter: 3/4", "meter: three", "field families.waltz.meter: time signature: expected one such as"),
        ('from: "3&"', "from: half", "expected a place such as"),
        ("landing: [kick]", "landing: [gong]", "expected a drum voice"),
        ("kin: {rock: 1.0}", "kind: {rock: 1.0}", "expected a known field: kin"),
        ("odds: 0.5, ", "", "odds: expected this field, got none"),
        ("forms", "forms", ""),
    ],
)
def test_a_faulty_card_is_told_by_line_and_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = written(tmp_path, CARD.replace(old, new, 1))
    if old == new:
        path = written(tmp_path, CARD + "forms: [AAB]\n")
        told = "expected 4 or 8 letters of A, B and F"
    with pytest.raises(ConfigError, match=told.replace("\\\\", "\\")):
        load_card(path)


def test_a_folder_without_cards_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder with genre cards"):
        load_cards(tmp_path)
