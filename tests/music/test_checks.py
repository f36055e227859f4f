"""What a value must be, at every door."""

from __future__ import annotations

import math

import pytest

from liveengine.errors import ContractError
from liveengine.music.checks import checked_number, checked_text, checked_whole
from liveengine.music.control import RecallScene, SaveScene, SetSeed, SetValue
from liveengine.music.named import named_command
from liveengine.music.style import Style, StyleBook
from liveengine.patterns.request import PatternRequest

HUGE = 10**400
BOOK = StyleBook([Style("funk", "Funk", (("funk", 1.0),), (90.0, 110.0), "a test")])
NO_WHOLE = [True, False, 1.5, 1e308 + 0.5, math.nan, math.inf, "4", None, [4], HUGE, -1, 10**9]


@pytest.mark.parametrize("value", NO_WHOLE)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(ContractError, match=r"^bars: expected a whole number from 0 to 64, got ") as error:
        checked_whole("bars", value, 0, 64)
    assert len(str(error.value)) < 100


def test_a_whole_number_is_one_however_it_is_written() -> None:
    for value in (4, 4.0):
        found = checked_whole("bars", value, 1, 64)
        assert found == 4
        assert type(found) is int
    assert checked_whole("seed", HUGE) == HUGE
    assert checked_whole("seed", 1e308) == int(1e308)


@pytest.mark.parametrize("value", [True, "0.5", None, math.nan, -math.inf, HUGE, [0.5]])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(ContractError, match=r"^density: expected a number, got ") as error:
        checked_number("density", value)
    assert len(str(error.value)) < 100


@pytest.mark.parametrize("value", ["fu\0nk", "funk\n", "\x7f", 3, None, b"funk"])
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(ContractError, match=r"^style: expected a name"):
        checked_text("style", value)
    assert checked_text("style", "J Dilla ♥ 鼓") == "J Dilla ♥ 鼓"


@pytest.mark.parametrize("value", [True, 1.5, "4"])
def test_no_command_takes_what_is_no_whole_number(value: object) -> None:
    for make in (
        lambda: SetSeed(value),  # type: ignore[arg-type]
        lambda: SaveScene("verse", value),  # type: ignore[arg-type]
        lambda: RecallScene("verse", value),  # type: ignore[arg-type]
        lambda: named_command("seed", [value], BOOK),
        lambda: named_command("save_scene", ["verse", value], BOOK),
        lambda: named_command("scene", ["verse", value], BOOK),
        lambda: named_command("draw", [value, 0, 0], BOOK),
        lambda: PatternRequest("funk", bars=value),  # type: ignore[arg-type]
        lambda: PatternRequest("funk", fill_every=value),  # type: ignore[arg-type]
        lambda: PatternRequest("funk", seed=value),  # type: ignore[arg-type]
    ):
        with pytest.raises(ContractError, match="expected a whole number"):
            make()


@pytest.mark.parametrize("value", [True, "0.5", HUGE])
def test_no_control_takes_what_is_no_number(value: object) -> None:
    for make in (
        lambda: SetValue("density", value),  # type: ignore[arg-type]
        lambda: named_command("density", [value], BOOK),
        lambda: PatternRequest("funk", density=value),  # type: ignore[arg-type]
        lambda: PatternRequest("funk", bpm=value),  # type: ignore[arg-type]
    ):
        with pytest.raises(ContractError, match=r"density: expected|tempo: expected a number"):
            make()


def test_no_door_takes_a_name_with_a_nul() -> None:
    for make in (
        lambda: BOOK.find("fu\0nk"),
        lambda: named_command("style", ["fu\0nk"], BOOK),
        lambda: named_command("save_scene", ["ver\0se"], BOOK),
        lambda: SaveScene("ver\0se"),
        lambda: PatternRequest("fu\0nk"),
        lambda: PatternRequest("funk", kit="g\0m"),
    ):
        with pytest.raises(ContractError, match="without control characters"):
            make()


def test_on_and_off_are_true_and_false_or_numbers() -> None:
    assert named_command("half_time", [True], BOOK) == named_command("half_time", [1.0], BOOK)
    assert named_command("fill", [False], BOOK) is named_command("fill", [0], BOOK) is None
    with pytest.raises(ContractError, match="expected a number"):
        named_command("half_time", ["yes"], BOOK)
