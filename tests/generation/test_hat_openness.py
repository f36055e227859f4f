"""How open generated hats are: as drummers of the genre hold them, and nothing else of a bar changes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.config.settings import default_checkpoint
from liveengine.generation.generator import BarGenerator
from liveengine.generation.hat_openness import HatOpenness
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.hat_pedal import HAT_VOICES, HatCounts, level_of, save_hats
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest, Borrowing, Conditioning, ContextBar
from liveengine.training.hats import HatPlaying, pedal_distance
from tests.model.test_hat_pedal import counts

CLOSED, PEDAL, OPEN = Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT
ALWAYS = counts(((2, 8, 3, 3), 3, 500), ((0, 8, 3, 3), 1, 500), ((1, 8, 3, 3), 2, 500))
"""A drummer whose open hats are all .35 to .55 open, and closed ones a little loose."""
BAR = Bar(
    FOUR_FOUR,
    tuple(
        sorted(
            [
                Hit(step, OPEN if step % 8 == 6 else CLOSED, step % 5 - 2, 60 + step)
                for step in range(0, 16, 2)
            ]
            + [Hit(step, PEDAL, 0, 70) for step in (4, 5)]
            + [Hit(0, Voice.KICK, 0, 100), Hit(4, Voice.SNARE, 0, 110)]
        )
    ),
)


def request(
    seed: int = 1, genres: tuple[tuple[str, float], ...] = (("mine", 1.0),), **changes: object
) -> BarRequest:
    return BarRequest(7, 0, FOUR_FOUR, Conditioning(genres), (), seed, **changes)  # type: ignore[arg-type]


def without_openness(bar: Bar) -> Bar:
    return Bar(bar.meter, tuple(replace(hit, openness=None) for hit in bar.hits))


def places(bar: Bar, voice: Voice) -> set[float | None]:
    return {hit.openness for hit in bar.hits if hit.voice is voice}


def test_hats_are_as_open_as_was_learned_and_nothing_else_changes() -> None:
    hats = HatOpenness({"mine": ALWAYS})
    levels = {voice: [0] * 8 for voice in HAT_VOICES}
    for seed in range(100):
        found = hats.opened(BAR, request(seed))
        assert without_openness(found) == BAR
        assert all((hit.openness is not None) == (hit.voice in HAT_VOICES) for hit in found.hits)
        for hit in found.hits:
            if hit.openness is not None and (hit.voice is not PEDAL or hit.step == 5):
                levels[hit.voice][level_of(hit.openness)] += 1
    assert [np.argmax(levels[voice]) for voice in HAT_VOICES] == [1, 2, 3]
    assert min(max(each) / sum(each) for each in levels.values()) > 0.95


def test_a_seed_is_one_bar_and_another_seed_another() -> None:
    hats = HatOpenness(load_checkpoint(default_checkpoint()).hats)
    asked = [request(seed, (("funk", 1.0),)) for seed in range(30)]
    bars = [hats.opened(BAR, each) for each in asked]
    assert bars == [
        HatOpenness(load_checkpoint(default_checkpoint()).hats).opened(BAR, each) for each in asked
    ]
    assert len({bar.hits for bar in bars}) > 10


def test_one_pedal_is_in_one_place_under_hand_and_foot() -> None:
    hats = HatOpenness({"mine": ALWAYS})
    for seed in range(50):
        by_step: dict[int, set[float | None]] = {}
        for hit in hats.opened(BAR, request(seed)).hits:
            if hit.voice in HAT_VOICES:
                by_step.setdefault(hit.step, set()).add(hit.openness)
        assert all(len(each) == 1 for each in by_step.values())
        assert len(by_step[4]) == 1


def test_a_genre_without_a_foot_is_left_as_it_is_and_mixes_as_machines_play() -> None:
    hats = HatOpenness({"mine": ALWAYS})
    assert hats.opened(BAR, request(genres=(("techno", 1.0),))) is BAR
    assert hats.opened(BAR, request(genres=())) is BAR
    half = [hats.opened(BAR, request(seed, (("mine", 0.5), ("techno", 0.5)))) for seed in range(200)]
    wide = [hit.openness for bar in half for hit in bar.hits if hit.voice is OPEN]
    assert 0.4 < wide.count(1.0) / len(wide) < 0.6
    assert {each for each in wide if each != 1.0} <= {round(0.35 + step / 100, 2) for step in range(20)}


def test_what_has_been_played_stays_and_is_followed() -> None:
    follows = counts(((0, level_of(0.6), 0, 1), 4, 900), ((0, 0, 0, 1), 0, 900))
    hats = HatOpenness({"mine": follows})
    eighths = Bar(FOUR_FOUR, tuple(Hit(step, CLOSED, 0, 80) for step in range(0, 16, 2)))
    prefix = tuple(replace(hit, openness=0.6) for hit in eighths.hits[:3])
    rest = Bar(FOUR_FOUR, (*prefix, *eighths.hits[3:]))
    found = hats.opened(rest, request(prefix=prefix, from_step=6))
    assert found.hits[:3] == prefix
    assert all(0.55 <= (hit.openness or 0) < 0.75 for hit in found.hits[3:])
    loose = Bar(FOUR_FOUR, tuple(replace(hit, openness=0.6) for hit in eighths.hits))
    silent = Bar(FOUR_FOUR, ())
    asked = request()
    after = replace(asked, context=(ContextBar(1, loose, asked.conditioning),))
    assert all(0.55 <= (hit.openness or 0) < 0.75 for hit in hats.opened(eighths, after).hits)
    rested = replace(after, context=(*after.context, ContextBar(2, silent, asked.conditioning)))
    assert hats.opened(eighths, rested).meter == FOUR_FOUR
    shut = replace(asked, context=(ContextBar(1, eighths, asked.conditioning),))
    assert places(hats.opened(eighths, shut), CLOSED) == {0.0}


def test_borrowed_drums_are_held_as_their_own_genre_does() -> None:
    hats = HatOpenness({"mine": ALWAYS})
    other = Conditioning((("mine", 1.0),))
    asked = request(genres=(("techno", 1.0),), borrowing=Borrowing(other, frozenset({"open_hat"})))
    found = hats.opened(BAR, asked)
    assert places(found, CLOSED) == {None}
    assert all(0.35 <= (each or 0) < 0.55 for each in places(found, OPEN))


@given(st.data())
def test_any_counts_give_places_of_the_pedal(data: st.DataObject) -> None:
    rows = st.tuples(
        st.tuples(st.integers(0, 2), st.integers(0, 8), st.integers(0, 3), st.integers(0, 3)),
        st.integers(0, 7),
        st.integers(1, 1000),
    )
    learned = counts(*data.draw(st.lists(rows, min_size=1, max_size=9)))
    hats = HatOpenness({"mine": learned}, {"own": learned})
    for genre in ("mine", "own"):
        found = hats.opened(BAR, request(data.draw(st.integers(0, 2**31)), ((genre, 1.0),)))
        assert without_openness(found) == BAR
        assert all(0 <= (hit.openness or 0.0) <= 1 for hit in found.hits)


def test_the_generator_plays_the_same_notes_with_and_without(small_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "with"
    shutil.copytree(small_checkpoint, folder)
    save_hats(folder, {"funk": ALWAYS}, {}, "a test")
    plain, opened = BarGenerator(small_checkpoint), BarGenerator(folder)
    contexts: list[tuple[ContextBar, ...]] = [(), ()]
    strokes = 0
    for index in range(8):
        asked = Conditioning((("funk", 1.0),), 100.0)
        bars = []
        for place, generator in enumerate((plain, opened)):
            made = generator.generate(
                BarRequest(index, index, FOUR_FOUR, asked, contexts[place], 40 + index)
            ).bar
            contexts[place] = (*contexts[place], ContextBar(index, made, asked))
            bars.append(made)
        assert without_openness(bars[1]) == bars[0] == without_openness(bars[0])
        strokes += sum(hit.openness is not None for hit in bars[1].hits)
        for without, with_it in zip(bars[0].hits, bars[1].hits, strict=True):
            plainly = [
                GENERAL_MIDI_KIT.strike_voice(h.voice, h.velocity, h.step, h.openness)
                for h in (without, with_it)
            ]
            assert plainly[0] == plainly[1], "a kit of three notes plays as ever"
    assert strokes > 20


def marginal(learned: HatCounts, voice: Voice) -> list[float]:
    """Return openness in the middle of each level, as often as it was counted."""
    middles = (0.0, 0.08, 0.25, 0.45, 0.65, 0.82, 0.95, 1.0)
    own = learned.counts[learned.contexts[:, 0] == HAT_VOICES.index(voice)].sum(axis=0)
    return [middle for middle, times in zip(middles, own.tolist(), strict=True) for _ in range(times)]


@pytest.mark.parametrize("genre", ["rock", "funk", "jazz", "hiphop", "latin", "soul", "reggae", "neworleans"])
def test_shipped_hats_are_half_open_as_often_as_drummers_of_the_genre(genre: str) -> None:
    shipped = load_checkpoint(default_checkpoint()).hats
    hats = HatOpenness(shipped)
    asked = Conditioning(((genre, 1.0),))
    bars: list[Bar] = []
    for seed in range(200):
        context = tuple(ContextBar(place, bar, asked) for place, bar in enumerate(bars[-1:]))
        bars.append(hats.opened(BAR, replace(request(seed), conditioning=asked, context=context)))
    played = HatPlaying.of(bars)
    real = {voice: marginal(shipped[genre], voice) for voice in HAT_VOICES}
    for voice in (CLOSED, OPEN):
        assert pedal_distance(played.openness[voice], real[voice]) <= 25
    half = [
        sum(each < 0.75 for each in values) / len(values) for values in (played.openness[OPEN], real[OPEN])
    ]
    share_open = 0.25
    assert abs(half[0] - half[1]) * share_open <= 0.1
