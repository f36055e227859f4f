"""Genre cards as values: rows, places, facts."""

from __future__ import annotations

import pytest

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.card import Cell, Fact, row_of, step_and_micro, step_named
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.requirement import DRUMS, Requirement, lacking


def bar(*hits: tuple[int, Voice], meter: Meter = FOUR_FOUR) -> Bar:
    return Bar(meter, tuple(sorted(Hit(step, voice, 0, 90) for step, voice in hits)))


@pytest.mark.parametrize(
    ("name", "step"),
    [("1", 0), ("1e", 1), ("1&", 2), ("1a", 3), ("2", 4), ("3&", 10), ("4a", 15), (" 4 ", 12)],
)
def test_places_are_counted_as_drummers_count(name: str, step: int) -> None:
    assert step_named(name) == step


@pytest.mark.parametrize("name", ["", "0", "9", "1x", "2 &", "one", "1&&"])
def test_other_places_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match="expected a place such as"):
        step_named(name)


@pytest.mark.parametrize(
    ("text", "meter", "ticks"),
    [
        ("x... x... x... x...", FOUR_FOUR, [0, 48, 96, 144]),
        ("x.x.x.x.", FOUR_FOUR, [0, 48, 96, 144]),
        ("x.x x.x x.x x.x", FOUR_FOUR, [0, 32, 48, 80, 96, 128, 144, 176]),
        ("x..x..x..", Meter(3, 4), [0, 48, 96]),
        ("." * 31 + "x", FOUR_FOUR, [186]),
    ],
)
def test_the_number_of_characters_is_the_grid(text: str, meter: Meter, ticks: list[int]) -> None:
    (cells,) = row_of(text, meter)
    assert [cell.tick for cell in cells] == ticks


def test_bars_are_parted_by_lines_and_symbols_are_kept() -> None:
    assert row_of("X......3|....g...", FOUR_FOUR) == ((Cell(0, "X"), Cell(168, "3")), (Cell(96, "g"),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [("x....", "divides 192 ticks, got 5"), ("x.q.", "got q"), ("x...|", "got 0 cells"), ("0...", "got 0")],
)
def test_faulty_rows_are_refused(text: str, fault: str) -> None:
    with pytest.raises(ContractError, match=fault):
        row_of(text, FOUR_FOUR)


@pytest.mark.parametrize(
    ("tick", "place"), [(0, (0, 0)), (32, (3, -4)), (6, (1, -6)), (5, (0, 5)), (186, (16, -6))]
)
def test_places_between_sixteenths_are_micro_timing(tick: int, place: tuple[int, int]) -> None:
    assert step_and_micro(tick) == place


FOUR = Requirement(DRUMS["kick"], on=(0, 4, 8, 12))
OPEN = Requirement(DRUMS["open_hat"], any_of=(2, 6))
EMPTY_ONE = Requirement(DRUMS["snare"], off=(0, 8))
HATS = Requirement(DRUMS["hat"], count=(2, 3))


@pytest.mark.parametrize(
    ("requirement", "hits", "holds"),
    [
        (FOUR, [(0, Voice.KICK), (4, Voice.KICK), (8, Voice.KICK), (12, Voice.KICK)], True),
        (FOUR, [(0, Voice.KICK), (4, Voice.KICK), (8, Voice.KICK), (11, Voice.KICK)], False),
        (FOUR, [(0, Voice.SNARE), (4, Voice.KICK), (8, Voice.KICK), (12, Voice.KICK)], False),
        (OPEN, [(6, Voice.OPEN_HAT)], True),
        (OPEN, [(10, Voice.OPEN_HAT), (2, Voice.CLOSED_HAT)], False),
        (EMPTY_ONE, [(4, Voice.SNARE)], True),
        (EMPTY_ONE, [(8, Voice.SNARE_RIM)], False),
        (HATS, [(0, Voice.CLOSED_HAT), (2, Voice.PEDAL_HAT)], True),
        (HATS, [(0, Voice.CLOSED_HAT)], False),
        (HATS, [(step, Voice.OPEN_HAT) for step in range(4)], False),
    ],
)
def test_a_requirement_holds_where_the_bar_shows_it(
    requirement: Requirement, hits: list[tuple[int, Voice]], holds: bool
) -> None:
    assert requirement.holds(bar(*hits)) is holds


def test_a_rest_of_a_bar_is_asked_only_for_what_it_can_show() -> None:
    rest = bar((8, Voice.KICK), (12, Voice.KICK))
    assert FOUR.holds(rest, from_step=5)
    assert not FOUR.holds(rest, from_step=4)
    assert OPEN.holds(rest, from_step=3), "one of its places has passed"
    assert not OPEN.holds(rest, from_step=2)
    assert HATS.holds(rest, from_step=1)


def test_what_a_bar_lacks_is_counted_in_four_four_only() -> None:
    assert lacking([FOUR, OPEN, EMPTY_ONE, HATS], bar((0, Voice.KICK))) == 3
    assert lacking([FOUR], bar((0, Voice.KICK), meter=Meter(3, 4))) == 0


def test_requirements_and_facts_that_say_nothing_are_refused() -> None:
    with pytest.raises(ContractError, match="expected drums and one of"):
        Requirement(DRUMS["kick"])
    with pytest.raises(ContractError, match="share above 0"):
        Fact("four on the floor", FOUR, "a book", share=0.0)
