"""Styles: names under any spelling, nearest names, the places that MIDI selects, and refused feels."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.config.settings import load_styles
from liveengine.errors import ContractError, UnknownNameError
from liveengine.music.style import Feel, Style, StyleBook, spelling

BOOK = load_styles()


def style(name: str, *aliases: str) -> Style:
    return Style(name, name.title(), (("funk", 1.0),), (90, 110), "made for this test", aliases)


@pytest.mark.parametrize("name", ["J Dilla", "j dilla", "jdilla", "J-DILLA", "j_dilla", "dilla", "Jay Dee"])
def test_j_dilla_under_any_spelling(name: str) -> None:
    assert BOOK.find(name).name == "j_dilla"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Metro Boomin'", "metro_boomin"),
        ("metroboomin", "metro_boomin"),
        ("?uestlove", "questlove"),
        ("Quest Love", "questlove"),
        ("Hip-Hop", "hiphop"),
        ("new orleans", "neworleans"),
        ("Lo-Fi", "lofi"),
        ("BOOM BAP", "boombap"),
    ],
)
def test_other_names_under_any_spelling(name: str, found: str) -> None:
    assert BOOK.find(name).name == found


@settings(max_examples=40)
@given(st.sampled_from(BOOK.styles), st.data())
def test_case_spaces_and_punctuation_do_not_matter(wanted: Style, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([wanted.name, wanted.title, *wanted.aliases]))
    between = data.draw(st.lists(st.sampled_from(["", " ", "-", "_", ".", "'"]), min_size=len(name)))
    written = "".join(
        (letter.upper() if data.draw(st.booleans()) else letter) + gap
        for letter, gap in zip(name, between, strict=False)
    )
    assert BOOK.find(written) is wanted


@pytest.mark.parametrize(
    ("name", "near"), [("dila", "j_dilla"), ("qestlove", "questlove"), ("metrobomin", "metro_boomin")]
)
def test_an_unknown_style_names_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"'{name}' is unknown; nearest: {near}.*all: j_dilla, "):
        BOOK.find(name)


def test_a_name_near_nothing_lists_all() -> None:
    with pytest.raises(UnknownNameError) as caught:
        BOOK.find("xyzxyzxyz")
    assert "nearest" not in str(caught.value)
    assert all(each.name in str(caught.value) for each in BOOK.styles)


def test_spelling_keeps_letters_and_digits() -> None:
    assert spelling(" The 808-Kit! ") == "the808kit"


def test_two_styles_of_one_spelling_are_refused() -> None:
    with pytest.raises(ContractError, match="first and second both answer to 'groovy'"):
        StyleBook([style("first", "Groovy"), style("second", "groo-vy")])
    with pytest.raises(ContractError, match="at least one"):
        StyleBook([])


def test_program_change_selects_by_place() -> None:
    book = StyleBook([style("a"), style("b"), style("c")])
    assert [book.at(index) for index in range(3)] == list(book.styles)
    assert book.at(3) is None
    assert book.at(-1) is None


@given(st.integers(1, 60))
def test_a_controller_divides_its_range_evenly(count: int) -> None:
    book = StyleBook([style(f"s{index}") for index in range(count)])
    chosen = [book.at_level(value).name for value in range(128)]
    shares = [chosen.count(each.name) for each in book.styles]
    assert max(shares) - min(shares) <= 1
    assert chosen == sorted(chosen, key=lambda name: int(name[1:]))


def test_the_middle_tempo() -> None:
    assert style("a").middle_bpm == 100


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"swing_percent": 80.0}, "swing"),
        ({"learned_swing_percent": 10.0}, "swing"),
        ({"swing_unit_steps": 3}, "swing unit"),
        ({"push_ms": (0.0,) * 3}, "push"),
        ({"push_ms": (61.0,) + (0.0,) * 13}, "push"),
        ({"jitter_ms": 16.0}, "jitter"),
        ({"humanize": -0.1}, "humanize"),
        ({"ghosts_per_bar": 9.0}, "ghosts"),
        ({"ghost_velocity": (40, 20)}, "ghosts"),
    ],
)
def test_a_feel_outside_its_ranges_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractError, match=f"^{told}: expected"):
        Feel(**values)
