"""The fallback bar: the last bar that sounds, fitted to the meter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.fallback import fallback_bar
from liveengine.music.pattern import Bar, Hit

METERS = [FOUR_FOUR, Meter(3, 4), Meter(5, 8), Meter(6, 8), Meter(7, 8), Meter(7, 4)]


def beat(meter: Meter, *steps: int) -> Bar:
    return Bar(meter, tuple(Hit(step, Voice.KICK, 0, 100) for step in steps))


def steps(bar: Bar) -> list[int]:
    return [hit.step for hit in bar.hits]


def test_the_last_bar_that_sounds_is_played_again() -> None:
    history = [beat(FOUR_FOUR, 0), beat(FOUR_FOUR, 0, 8), beat(FOUR_FOUR)]
    assert fallback_bar(history, FOUR_FOUR) == history[1]


def test_without_history_the_bar_is_empty() -> None:
    assert fallback_bar([], Meter(7, 8)) == Bar(Meter(7, 8), ())
    assert fallback_bar([beat(FOUR_FOUR)], FOUR_FOUR).hits == ()


def test_a_longer_bar_is_cut() -> None:
    assert steps(fallback_bar([beat(FOUR_FOUR, 0, 8, 12, 15)], Meter(3, 4))) == [0, 8]


def test_a_shorter_bar_is_continued_from_its_start() -> None:
    assert steps(fallback_bar([beat(Meter(3, 4), 0, 4, 10)], FOUR_FOUR)) == [0, 4, 10, 12]
    assert steps(fallback_bar([beat(Meter(5, 8), 0, 9)], Meter(7, 4))) == [0, 9, 10, 19, 20]


@settings(max_examples=60)
@given(
    st.sampled_from(METERS),
    st.sampled_from(METERS),
    st.lists(st.tuples(st.integers(0, 30), st.integers(-6, 5)), min_size=1),
)
def test_it_fits_any_meter_and_is_never_silent_at_the_start(
    first: Meter, second: Meter, places: list[tuple[int, int]]
) -> None:
    found = {Hit(step, Voice.SNARE, micro, 90) for step, micro in places if step < first.steps}
    bar = Bar(first, tuple(sorted({Hit(0, Voice.KICK, 0, 100), *found})))
    replaced = fallback_bar([bar], second)
    assert replaced.meter == second
    for hit in replaced.hits:
        assert Hit(hit.step % first.steps, hit.voice, hit.micro, hit.velocity) in bar.hits
    assert [hit for hit in replaced.hits if hit.step < first.steps] == [
        hit for hit in bar.hits if hit.step < second.steps
    ]
