"""Bar lines over a session's beats: bars follow each other, wherever they and their meters are laid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music.beats import METERS, BeatMap, Meter
from liveengine.planning.bar_grid import JUMP_BEATS, BarGrid, has_jumped

FOUR_FOUR, SEVEN_EIGHT, THREE_FOUR = Meter(4, 4), Meter(7, 8), Meter(3, 4)
AT_120 = BeatMap(0.0, 0.0, 120.0)
BARS = range(-3, 40)


@st.composite
def grids(draw: st.DrawFn) -> BarGrid:
    """Return grids with some changes of meter, laid somewhere."""
    grid = BarGrid(AT_120, draw(st.sampled_from(METERS)))
    for _ in range(draw(st.integers(0, 5))):
        bar = draw(st.integers(-2, 30))
        if draw(st.booleans()):
            grid = grid.in_meter(bar, draw(st.sampled_from(METERS)))
        else:
            grid = grid.anchored(draw(st.integers(-80, 400)) / 4, bar)
    return grid


@given(grids())
def test_each_bar_is_as_long_as_its_meter(grid: BarGrid) -> None:
    for index in BARS:
        length = grid.start_beat(index + 1) - grid.start_beat(index)
        assert length == pytest.approx(grid.meter_at(index).beats)


@given(grids(), st.integers(-2, 30), st.sampled_from(METERS))
def test_a_new_meter_holds_from_its_bar_on_and_moves_no_bar_before(
    grid: BarGrid, bar: int, meter: Meter
) -> None:
    changed = grid.in_meter(bar, meter)
    assert all(changed.meter_at(index) == meter for index in BARS if index >= bar)
    if bar > grid.origin_bar:
        for index in (index for index in BARS if index < bar):
            assert changed.meter_at(index) == grid.meter_at(index)
            assert changed.start_beat(index) == grid.start_beat(index)
        assert changed.start_beat(bar) == grid.start_beat(bar)


@given(grids(), st.integers(0, 30), st.integers(-80, 400))
def test_a_bar_laid_anew_goes_on_with_the_song_and_its_meters(grid: BarGrid, bar: int, quarters: int) -> None:
    laid = grid.anchored(quarters / 4, bar)
    assert laid.start_beat(bar) == quarters / 4
    for index in (index for index in BARS if index >= bar):
        assert laid.meter_at(index) == grid.meter_at(index)
        assert laid.song_beat(index) == pytest.approx(grid.song_beat(index))


def test_a_meter_that_was_there_already_is_no_change() -> None:
    assert BarGrid(AT_120, FOUR_FOUR).in_meter(4, FOUR_FOUR).changes == ()
    twice = BarGrid(AT_120, FOUR_FOUR).in_meter(4, SEVEN_EIGHT).in_meter(8, SEVEN_EIGHT)
    assert twice.changes == ((4, SEVEN_EIGHT),)
    assert twice.in_meter(2, THREE_FOUR).changes == ((2, THREE_FOUR),)


def test_moments_count_from_the_bar_line() -> None:
    grid = BarGrid(AT_120, FOUR_FOUR).in_meter(2, THREE_FOUR)
    assert grid.time_of(2) == 4_000_000.0
    assert grid.time_of(3, beat=1.0, offset_ms=-10.0) == pytest.approx(4_000_000.0 + 1_500_000.0 + 490_000.0)


def test_the_first_open_step_is_the_next_sixteenth_and_0_before_the_bar() -> None:
    grid = BarGrid(AT_120, FOUR_FOUR)
    assert grid.open_step(1, 0.0) == 0
    assert grid.open_step(0, 125_000.0) == 1, "a step that is due just now is open"
    assert grid.open_step(0, 126_000.0) == 2
    assert grid.open_step(0, 9_000_000.0) > FOUR_FOUR.steps


@pytest.mark.parametrize("moved", [-0.5, 0.3, 1.0])
def test_a_beat_that_was_moved_is_a_jump(moved: float) -> None:
    assert abs(moved) > JUMP_BEATS
    assert has_jumped(AT_120, BeatMap(0.0, moved, 120.0), 1_000_000.0)


def test_a_tempo_that_came_late_is_no_jump() -> None:
    faster = AT_120.with_tempo(140.0, 1_000_000.0)
    assert not has_jumped(AT_120, faster, 1_400_000.0)
    assert not has_jumped(AT_120, AT_120, 5_000_000.0)
