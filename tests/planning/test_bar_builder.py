"""Making bars: what is asked for at each control's setting, the dice, and bars that are made over."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.control import ControlState
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import PHRASE_BARS, BarReply, BarRequest, ContextBar
from liveengine.music.requirement import DRUMS, Requirement
from liveengine.music.style import Style
from liveengine.planning.bar_builder import BarMaker, BarSpec, conditioning, landing_of, steadiness_at
from liveengine.planning.horizon import PlannedBar
from tests.rig import STYLES

BACKBEAT = Requirement(DRUMS["backbeat"], on=(4, 12))
DOWNBEAT = Requirement(DRUMS["kick"], on=(0,))
ROCK = replace(STYLES.find("rock"), musts=(BACKBEAT,), opening=(BACKBEAT, DOWNBEAT), density=0.4, energy=0.6)
JAZZ = STYLES.find("jazz")
CONTROLS = ControlState("rock")
BAR = Bar(FOUR_FOUR, tuple(Hit(step, Voice.KICK, 0, 90 + step) for step in (0, 4, 8, 12)))


def asked(
    maker: BarMaker,
    index: int = 0,
    revision: int = 0,
    *,
    style: Style = ROCK,
    fill: bool = False,
    **turned: object,
) -> BarRequest:
    """Return the request for a bar that follows another, with some controls turned."""
    spec = BarSpec(style, replace(CONTROLS, **turned))  # type: ignore[arg-type]
    context = (ContextBar(50, BAR, conditioning(index - 1, style, CONTROLS, 120.0)),)
    return maker.request(index, revision, spec, bpm=120.0, context=context, fill=fill)


def planned(maker: BarMaker, bar: Bar = BAR, *, index: int = 0, style: Style = ROCK) -> PlannedBar:
    spec = BarSpec(style, CONTROLS)
    request = maker.request(index, 0, spec, bpm=120.0, context=())
    return maker.planned(request, BarReply(request.serial, bar, 11, 2.5, tries=3), spec, CONTROLS)


@pytest.mark.parametrize(
    ("variation", "phrase"),
    [
        (0.0, [1.0] * 8),
        (0.25, [0.9, 0.8, 0.86, 0.66, 0.86, 0.76, 0.8, 0.66]),
        (0.5, [0.8, 0.6, 0.72, 0.32, 0.72, 0.52, 0.6, 0.32]),
        (0.9, [0.64, 0.28, 0.496, 0.0, 0.496, 0.136, 0.28, 0.0]),
        (1.0, [None] * 8),
    ],
)
def test_variation_loosens_the_groove_and_most_where_halves_of_a_phrase_end(
    variation: float, phrase: list[float | None]
) -> None:
    assert [steadiness_at(index, variation) for index in range(8)] == [
        each if each is None else pytest.approx(each) for each in phrase
    ]
    assert steadiness_at(19, variation) == steadiness_at(3, variation)
    found = asked(BarMaker(7), 3, variation=variation).conditioning
    assert found.steadiness == steadiness_at(3, variation)


def test_variation_heats_the_dice_about_the_style_s_own_temperature() -> None:
    maker = BarMaker(7)
    heats = [asked(maker, variation=turn).temperature for turn in (0.0, 0.5, 1.0)]
    assert heats == pytest.approx([0.7363, 0.96, 1.2517], abs=1e-4)
    cool = [
        asked(maker, variation=turn, style=replace(ROCK, temperature=0.8)).temperature for turn in (0.5, 1)
    ]
    assert cool == pytest.approx([0.8 * 0.96, 0.8 * 1.2517], abs=1e-4)


def test_the_first_bar_must_show_more_and_fills_free_and_borrowed_bars_nothing() -> None:
    maker, spec = BarMaker(7), BarSpec(ROCK, CONTROLS)
    assert maker.request(0, 0, spec, bpm=120.0, context=()).musts == (BACKBEAT, DOWNBEAT)
    assert asked(maker, 1).musts == (BACKBEAT,)
    assert asked(maker, 1, variation=0.0).musts == (BACKBEAT,)
    assert asked(maker, 1, variation=0.99).musts == (BACKBEAT,)
    assert asked(maker, 1, variation=1.0).musts == ()
    assert asked(maker, 1, fill=True).musts == ()
    assert asked(maker, 7).musts == (), "a phrase ends in a fill"
    borrowing = BarSpec(ROCK, replace(CONTROLS, borrowed=frozenset(("ride",))), lender=JAZZ)
    request = maker.request(1, 0, borrowing, bpm=120.0, context=())
    assert request.musts == ()
    assert request.borrowing is not None
    assert request.borrowing.drums == {"ride"}
    assert request.borrowing.conditioning == conditioning(1, JAZZ, borrowing.controls, 120.0)


@pytest.mark.parametrize(
    ("every", "fills"),
    [(8.0, [7, 15]), (4.0, [3, 7, 11, 15]), (2.6, [2, 5, 8, 11, 14]), (0.4, []), (16.0, [15])],
)
def test_fills_come_where_phrases_end_and_the_rest_is_as_the_style_or_the_player_says(
    every: float, fills: list[int]
) -> None:
    controls = replace(CONTROLS, fill_every=every, density=0.9)
    bars = [conditioning(index, ROCK, controls, 97.0) for index in range(16)]
    assert [index for index, bar in enumerate(bars) if bar.fill] == fills
    assert [bar.phrase for bar in bars] == [*range(PHRASE_BARS), *range(PHRASE_BARS)]
    assert {(bar.genres, bar.bpm, bar.density, bar.energy) for bar in bars} == {
        ((("rock", 1.0),), 97.0, 0.9, 0.6)  # density is turned, energy is the style's
    }


def test_one_seed_is_one_performance_and_each_revision_and_bar_has_dice_of_its_own() -> None:
    one, same, other = BarMaker(7), BarMaker(7), BarMaker(8)
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    seeds = [asked(one, *place).seed for place in places]
    assert [asked(same, *place).seed for place in places] == seeds
    assert len({*seeds, *(asked(other, *place).seed for place in places)}) == 8
    other.reseed(7)
    assert [asked(other, *place).seed for place in places] == seeds
    serials = [asked(one).serial for _ in range(3)] + [one.next_serial()]
    assert all(later == earlier + 1 for earlier, later in pairwise(serials))


def test_feel_has_the_same_dice_each_time_and_steps_before_the_cut_keep_theirs() -> None:
    loose = STYLES.find("loose")
    maker = BarMaker(7)
    bar = planned(maker, style=loose)
    assert planned(BarMaker(7), style=loose).hits == bar.hits
    assert planned(BarMaker(8), style=loose).hits != bar.hits
    stiff = maker.grooved_again(bar, replace(CONTROLS, humanize=0.0, swing_percent=66.0), 8)
    assert stiff.hits[: len(bar.hits_before(8))] == bar.hits_before(8)
    later = [hit for hit in stiff.hits if hit.step >= 8]
    assert [(hit.timed.beat, hit.timed.offset_ms) for hit in later] == [(2.0, 0.0), (3.0, 0.0)]
    assert {hit.groove for hit in stiff.hits} == {groove.serial for groove in stiff.grooves}
    assert len(stiff.grooves) == 2
    assert stiff.bar == bar.bar


def test_what_covers_a_late_bar_is_the_last_that_has_hits() -> None:
    maker, spec = BarMaker(7), BarSpec(JAZZ, CONTROLS)
    found = maker.fallback(5, [BAR, Bar(FOUR_FOUR, ())], spec, meter=Meter(3, 4), bpm=120.0)
    assert [(hit.step, hit.velocity) for hit in found.bar.hits] == [(0, 90), (4, 94), (8, 102)], (
        "one, two and four of it"
    )
    assert [hit.timed.beat for hit in found.hits] == [0.0, 1.0, 2.0]
    assert (found.index, found.late, found.fallback, found.generated_ms) == (5, True, True, None)
    assert found.style is JAZZ
    assert found.parts == ((0, found.serial),)
    assert maker.fallback(6, [], spec, meter=Meter(3, 4), bpm=120.0).bar == Bar(Meter(3, 4), ())


def test_bars_made_over_tell_what_made_each_of_their_parts() -> None:
    maker = BarMaker(7)
    bar = planned(maker)
    landing = landing_of(replace(ROCK, landing=(Voice.CRASH_2, Voice.KICK, Voice.SNARE)))
    assert [(hit.voice, hit.velocity) for hit in landing] == [
        (Voice.KICK, 112), (Voice.SNARE, 112), (Voice.CRASH_2, 118)
    ]  # fmt: skip
    begun = maker.begun_with(bar, landing, CONTROLS)
    assert begun.bar.hits == (*landing, *BAR.hits[1:])
    assert begun.parts == ((0, begun.serial), (1, bar.serial))
    silent = maker.silenced(bar, 5)
    assert [hit.step for hit in silent.hits] == [0, 4]
    copied = maker.copied(replace(bar, stale_from=3, waited_ms=4.0), 9)
    assert [hit.timed for hit in copied.hits] == [hit.timed for hit in bar.hits]
    assert not {hit.serial for hit in copied.hits} & {hit.serial for hit in bar.hits}
    assert (copied.index, copied.tokens, copied.tries, copied.stale_from, copied.waited_ms) == (
        9,
        0,
        1,
        None,
        None,
    )
    assert (bar.tokens, bar.tries, bar.generated_ms) == (11, 3, 2.5)
    # What was written for just this place is the bar that the generator holds; else nobody holds the whole.
    newer = planned(maker, Bar(FOUR_FOUR, (BAR.hits[0], Hit(9, Voice.SNARE, 0, 70))))
    other = planned(maker, Bar(FOUR_FOUR, (Hit(1, Voice.SNARE, 0, 70), Hit(9, Voice.SNARE, 0, 70))))
    assert maker.spliced(bar, newer, 4, 4).serial == newer.serial
    assert maker.spliced(bar, newer, 5, 4).serial not in (bar.serial, newer.serial)
    assert maker.spliced(bar, other, 4, 4).serial not in (bar.serial, other.serial)


def test_the_rest_of_a_bar_begins_no_groove_but_a_landing_does() -> None:
    maker, spec = BarMaker(7), BarSpec(replace(ROCK, musts=(), opening=(BACKBEAT,)), CONTROLS)
    whole, landed, rest = (
        maker.request(0, 0, spec, bpm=120.0, context=(), from_step=from_step) for from_step in (0, 1, 6)
    )
    assert [each.opens for each in (whole, landed, rest)] == [True, True, False]
    assert [each.musts for each in (whole, landed, rest)] == [(BACKBEAT,), (BACKBEAT,), ()]
