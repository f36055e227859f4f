"""How bars are read: which reading a bar gets, and half time and a meter one after the other."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music import half_time, odd_meters
from liveengine.music.beats import FOUR_FOUR, METERS, Meter
from liveengine.music.drums import Voice
from liveengine.music.half_time import DOUBLE_TIME, HALF_TIME
from liveengine.music.pattern import Bar, Hit
from liveengine.music.reading import AS_WRITTEN, Reading, accents_as_written, read, reading_of

ROCK = Bar(
    FOUR_FOUR,
    tuple(
        sorted(
            [Hit(step, Voice.KICK, 0, 100) for step in (0, 8)]
            + [Hit(step, Voice.SNARE, 0, 110) for step in (4, 12)]
        )
    ),
)


def test_four_four_in_its_own_time_is_as_written() -> None:
    assert reading_of("", 3, ROCK, bpm=120.0, fill=True) == AS_WRITTEN
    assert read(ROCK, AS_WRITTEN, 50.0, 1) is ROCK


def test_a_reading_is_plain_values_and_reads_the_same_again() -> None:
    reading = reading_of("", 0, ROCK, bpm=120.0, fill=True, meter=Meter(7, 8))
    assert asdict(reading) == {
        "time": "",
        "second_half": False,
        "fill": True,
        "fast": False,
        "meter": "7/8",
    }
    assert read(ROCK, Reading(**asdict(reading)), 50.0, 1) == read(ROCK, reading, 50.0, 1)


def test_half_time_in_another_meter_has_its_backbeat_there() -> None:
    reading = reading_of(HALF_TIME, 0, ROCK, bpm=120.0, fill=False, meter=Meter(3, 4))
    found = read(ROCK, reading, 50.0, 1)
    assert found.meter == Meter(3, 4)
    assert [hit.step for hit in found.hits if hit.voice is Voice.SNARE] == [8]


def test_double_time_in_another_meter() -> None:
    reading = reading_of(DOUBLE_TIME, 0, ROCK, bpm=100.0, fill=False, meter=Meter(7, 8))
    found = read(ROCK, reading, 50.0, 1)
    assert [hit.step for hit in found.hits if hit.voice is Voice.SNARE] == [2, 6, 10]


def tom_sounds_on(step: int, reading: Reading, *others: Hit) -> tuple[int, ...]:
    bar = Bar(FOUR_FOUR, tuple(sorted([Hit(step, Voice.LOW_TOM, 0, 100), *others])))
    return tuple(hit.step for hit in read(bar, reading, 50.0, 1).hits if hit.voice is Voice.LOW_TOM)


@pytest.mark.parametrize("meter", METERS, ids=str)
@pytest.mark.parametrize(("on_three", "fill"), [(False, False), (True, False), (False, True)])
def test_where_a_step_sounds_in_a_meter_is_where_a_stroke_is_read(
    meter: Meter, on_three: bool, fill: bool
) -> None:
    backbeat = [Hit(8, Voice.SNARE, 0, 110)] if on_three else []
    reading = reading_of("", 0, ROCK, bpm=120.0, fill=fill, meter=meter)
    expected = odd_meters.sounds_on(meter, on_three=on_three, fill=fill)
    assert tuple(tom_sounds_on(step, reading, *backbeat) for step in range(16)) == expected


@pytest.mark.parametrize("time", ["", HALF_TIME, DOUBLE_TIME])
@pytest.mark.parametrize("second_half", [False, True])
def test_where_a_step_sounds_in_a_time_is_where_a_stroke_is_read(time: str, second_half: bool) -> None:
    expected = half_time.sounds_on(time)
    reading = Reading(time, second_half=second_half)
    for step in range(16):
        of_this_half = time != HALF_TIME or (step >= 8) == second_half
        assert tom_sounds_on(step, reading) == (expected[step] if of_this_half else ())


@given(
    st.lists(st.sampled_from([0.0, 0.4, 1.0]), min_size=32, max_size=32),
    st.sampled_from(["", HALF_TIME, DOUBLE_TIME]),
    st.sampled_from(METERS),
)
def test_a_bar_that_strikes_on_each_accent_as_written_sounds_on_what_was_heard(
    levels: list[float], time: str, meter: Meter
) -> None:
    heard = levels[: meter.steps]
    written = accents_as_written(heard, time, meter, on_three=False, fill=False)
    assert len(written) == FOUR_FOUR.steps
    sounding = {
        step
        for place, accent in enumerate(written)
        if accent
        for first in half_time.sounds_on(time)[place]
        for step in odd_meters.sounds_on(meter, on_three=False, fill=False)[first]
    }
    reachable = {
        step
        for places in half_time.sounds_on(time)
        for first in places
        for step in odd_meters.sounds_on(meter, on_three=False, fill=False)[first]
    }
    answered = {step for step, accent in enumerate(heard) if accent and step in reachable}
    assert answered <= sounding
    if not time and str(meter) in ("3/4", "6/8", "7/8", "12/8"):  # nothing of the bar is played twice
        assert answered == sounding


def test_accents_go_back_to_where_they_are_written() -> None:
    def steps(accents: tuple[float, ...]) -> list[int]:
        return [step for step, accent in enumerate(accents) if accent]

    def on(*struck: int) -> list[float]:
        return [float(step in struck) for step in range(16)]

    waltz = accents_as_written(on(0, 8, 10)[:12], "", Meter(3, 4), on_three=False, fill=False)
    assert steps(waltz) == [0, 12, 14], "the third beat of a waltz is read from the fourth"
    six = accents_as_written(on(0, 4, 6)[:12], "", Meter(6, 8), on_three=False, fill=False)
    assert steps(six) == [0, 2, 4]
    half = accents_as_written(on(0, 6, 8), HALF_TIME, FOUR_FOUR, on_three=False, fill=False)
    assert steps(half) == [0, 3, 4, 8, 11, 12], "whichever half of it this bar will be"
    trap = accents_as_written(on(0, 6, 8), HALF_TIME, FOUR_FOUR, on_three=True, fill=False)
    assert steps(trap) == [0, 6, 8], "what is in half time already is not halved again"
    fill = accents_as_written(on(0, 6, 8), HALF_TIME, FOUR_FOUR, on_three=False, fill=True)
    assert steps(fill) == [0, 6, 8]
    quick = accents_as_written(on(0, 3, 11), DOUBLE_TIME, FOUR_FOUR, on_three=False, fill=False)
    assert steps(quick) == [0, 6]
