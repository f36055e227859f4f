"""Takes made from genre cards: the shipped cards hold what they say, and their seeds decide."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from liveengine.config.cards import load_cards
from liveengine.config.settings import load_styles
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.card import Card, Family, Fill, row_of
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.requirement import DRUMS, lacking
from liveengine.training.card_takes import card_take, card_takes
from liveengine.training.corpus import Take, steadiness
from liveengine.training.evaluation.genre_facts import facts_shown
from tests.commands import TOOLS, run_script

CARDS = load_cards(Path(__file__).parents[2] / "configs" / "cards")


def grooves(card: Card, seed: int, takes: int = 24) -> list[Take]:
    """Return takes without fills."""
    rng = random.Random(seed)
    plain = replace(card, forms=("AAABAAAB",))
    return [card_take(plain, rng, f"{card.genre}-{number}") for number in range(takes)]


def test_every_shipped_style_has_a_card_and_every_card_a_style() -> None:
    genres = {genre for style in load_styles().styles for genre, _ in style.genres}
    assert genres <= set(CARDS)


@pytest.mark.parametrize("genre", sorted(CARDS))
def test_a_card_shows_its_facts_and_never_lacks_what_it_must(genre: str) -> None:
    card = CARDS[genre]
    bars = [bar for take in grooves(card, 1) for bar in take.bars if bar.meter == FOUR_FOUR]
    assert [fact.text for fact in facts_shown(card, bars) if not fact.holds] == []
    assert sum(lacking(card.musts, bar) > 0 for bar in bars) <= 0.02 * len(bars)
    assert 1 <= len(card.musts) <= 5
    assert len(card.families) >= 2
    assert len(card.fills) >= 3


@pytest.mark.parametrize("genre", sorted(CARDS))
def test_nobody_strikes_an_open_and_a_shut_hat_at_once(genre: str) -> None:
    for take in grooves(CARDS[genre], 2, takes=8):
        for bar in take.bars:
            struck = {(hit.step, hit.micro, hit.voice) for hit in bar.hits}
            assert not [
                each
                for each in struck
                if each[2] is Voice.OPEN_HAT and (each[0], each[1], Voice.CLOSED_HAT) in struck
            ]


def test_the_same_seed_makes_the_same_takes_and_another_others() -> None:
    cards = [CARDS["house"], CARDS["jazz"]]
    assert card_takes(cards, 40, 1) == card_takes(cards, 40, 1)
    assert card_takes(cards, 40, 1) != card_takes(cards, 40, 2)
    assert {take.split for take in card_takes(cards, 8, 1, "validation")} == {"validation"}
    assert sum(len(take.bars) for take in card_takes(cards[:1], 40, 1)) >= 40


CARD = Card(
    genre="test",
    title="Test",
    tempo_bpm=(100, 100),
    facts=(),
    families=(
        Family(
            "only",
            {
                Voice.KICK: (row_of("X...x...", FOUR_FOUR),),
                Voice.CLOSED_HAT: (row_of("5555555555555555", FOUR_FOUR),),
            },
        ),
    ),
    fills=(Fill(8, {Voice.LOW_TOM: row_of("xxxxxxxxxxxxxxxx", FOUR_FOUR)}),),
    machine=True,
    forms=("AAAAAAAF",),
)


def test_a_fill_takes_over_from_its_place_and_the_next_bar_lands() -> None:
    take = next(
        take
        for take in (card_take(CARD, random.Random(seed), "one") for seed in range(9))
        if len(take.bars) > 8
    )
    fill, landing = take.bars[7], take.bars[8]
    assert [hit.step for hit in fill.hits if hit.voice is Voice.LOW_TOM] == list(range(8, 16))
    assert [hit.step for hit in fill.hits if hit.voice is Voice.KICK] == [0]
    assert {hit.voice for hit in landing.hits if hit.step == 0} >= {Voice.KICK, Voice.CRASH}
    assert not any(hit.voice is Voice.CRASH for bar in take.bars[:8] for hit in bar.hits)


def test_what_is_always_there_is_there_and_the_rest_spans_sparse_to_busy() -> None:
    takes = [card_take(replace(CARD, fills=()), random.Random(seed), "one") for seed in range(40)]
    bars = [bar for take in takes for bar in take.bars]
    assert all({hit.step for hit in bar.hits if hit.voice is Voice.KICK} == {0, 8} for bar in bars)
    hats = sorted(sum(GROUP_OF[hit.voice] == "hat" for hit in bar.hits) for bar in bars)
    assert hats[len(hats) // 20] <= 3
    assert hats[-len(hats) // 20] >= 11


def test_machines_sit_on_the_grid_and_teach_it_and_people_do_neither() -> None:
    machine = card_take(CARD, random.Random(1), "one")
    human = card_take(replace(CARD, machine=False), random.Random(1), "one")
    assert not machine.grid_bound
    assert {hit.micro for bar in machine.bars for hit in bar.hits} == {0}
    assert human.grid_bound
    assert len({hit.micro for bar in human.bars for hit in bar.hits}) > 1


def test_a_card_holds_its_groove() -> None:
    (take,) = card_takes([CARDS["house"]], 1, 3)
    shares = [share for share in steadiness(take) if share is not None]
    assert sorted(shares)[len(shares) // 2] > 0.8
    assert DRUMS["kick"] == {Voice.KICK}


def cards_tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_script(TOOLS / "cards.py", *arguments)


def test_a_card_is_seen_and_heard_by_a_command(tmp_path: Path) -> None:
    done = cards_tool("house", "--takes", "1", "--midi", tmp_path / "midi", "--page", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert "four on the floor" in done.stdout
    assert "kick |█···" in done.stdout.replace("▓", "█")
    (path,) = (tmp_path / "midi").glob("*.mid")
    notes = [message for message in mido.MidiFile(path) if message.type == "note_on" and message.velocity]
    assert sum(message.note == 36 for message in notes) >= 4 * 8
    assert "<svg" in (tmp_path / "page.html").read_text()


def test_a_genre_without_a_card_is_told() -> None:
    done = cards_tool("polka")
    assert done.returncode == 2
    assert "expected one of afrobeat" in done.stderr
