"""Half and double time: where a written bar's strokes come to lie."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.groove import swung_steps
from liveengine.music.half_time import DOUBLE_TIME, HALF_TIME, REPEATED_SHARE
from liveengine.music.pattern import Bar, Hit
from liveengine.music.reading import Reading, read, reading_of

FIRST, SECOND, DOUBLE = Reading(HALF_TIME), Reading(HALF_TIME, second_half=True), Reading(DOUBLE_TIME)


def bar(*voices: tuple[Voice, Iterable[int], int], meter: Meter = FOUR_FOUR, micro: int = 0) -> Bar:
    """Return a bar of voices, each with its steps and its velocity."""
    return Bar(
        meter, tuple(sorted(Hit(step, voice, micro, loud) for voice, steps, loud in voices for step in steps))
    )


ROCKS = ((Voice.KICK, (0, 8), 100), (Voice.SNARE, (4, 12), 110), (Voice.CLOSED_HAT, range(0, 16, 2), 80))
ROCK = bar(*ROCKS)


def steps(of: Bar, *voices: Voice) -> list[int]:
    return [hit.step for hit in of.hits if hit.voice in voices]


def plainly(written: Bar, reading: Reading) -> Bar:
    """Return a bar as it is read where its timing has no swing."""
    return read(written, reading, 50.0, 1)


@pytest.mark.parametrize("reading", [FIRST, SECOND])
def test_a_rock_bar_in_half_time_has_its_snare_on_three_and_its_hat_in_eighths(reading: Reading) -> None:
    half = plainly(ROCK, reading)
    assert steps(half, Voice.SNARE) == [8]
    assert steps(half, Voice.KICK) == [0]
    assert steps(half, Voice.CLOSED_HAT) == list(range(0, 16, 2))


def test_a_rock_bar_in_double_time_has_its_snare_on_each_second_eighth() -> None:
    double = plainly(ROCK, DOUBLE)
    assert steps(double, Voice.SNARE) == [2, 6, 10, 14]
    assert steps(double, Voice.KICK) == [0, 4, 8, 12]
    assert steps(double, Voice.CLOSED_HAT) == list(range(0, 16, 2))


def test_as_it_is_written_it_is_the_same_bar() -> None:
    assert plainly(ROCK, Reading()) is ROCK


def test_the_halves_come_in_turn_and_a_bar_with_a_crash_from_its_beginning() -> None:
    crash = bar((Voice.CRASH, (0,), 118), (Voice.KICK, (0,), 112))

    def halves(written: Bar, *, fill: bool = False) -> list[bool]:
        return [reading_of(HALF_TIME, index, written, bpm=90, fill=fill).second_half for index in range(4)]

    assert halves(ROCK) == [False, True, False, True]
    assert not any(halves(crash))
    assert not any(halves(ROCK, fill=True))


def test_a_kick_between_the_snares_spreads_and_the_one_of_the_bar_is_kept() -> None:
    funk = bar((Voice.KICK, (0, 3, 10), 100), (Voice.SNARE, (4, 12), 110), (Voice.SNARE_RIM, (7,), 30))
    assert steps(plainly(funk, FIRST), Voice.KICK) == [0, 6]
    assert steps(plainly(funk, SECOND), Voice.KICK) == [0, 4]
    assert steps(plainly(funk, FIRST), Voice.SNARE_RIM) == [14]


def test_no_backbeat_is_on_one_in_half_time() -> None:
    stomp = bar((Voice.KICK, (0,), 100), (Voice.SNARE, (0, 4, 8, 12), 110))
    for reading in (FIRST, SECOND):
        assert steps(plainly(stomp, reading), Voice.SNARE) == [8]


def test_a_half_without_its_backbeat_borrows_that_of_the_bar() -> None:
    late = bar((Voice.KICK, (0, 8), 100), (Voice.SNARE, (4,), 110), (Voice.SNARE, (14,), 30))
    second = plainly(late, SECOND)
    assert (8, 110) in [(hit.step, hit.velocity) for hit in second.hits if hit.voice is Voice.SNARE]
    soft = bar((Voice.RIDE, (0, 4, 8, 12), 80), (Voice.SNARE, (6,), 30))
    assert steps(plainly(soft, SECOND), Voice.SNARE) == [], "a bar without a backbeat gets none"


@pytest.mark.parametrize("reading", [FIRST, SECOND])
def test_what_is_in_half_time_by_itself_stays_as_it_is(reading: Reading) -> None:
    one_drop = bar((Voice.KICK, (8,), 100), (Voice.RIM, (8,), 100), (Voice.CLOSED_HAT, (2, 6, 10, 14), 80))
    assert plainly(one_drop, reading) == one_drop
    assert steps(plainly(one_drop, DOUBLE), Voice.RIM) == [4, 12]


def test_a_fill_stays_as_it_is_written_from_where_it_begins() -> None:
    toms = (Voice.LOW_TOM, (8, 9, 10, 11, 12, 13), 100)
    fill = bar(
        (Voice.KICK, (0, 3), 100), (Voice.SNARE, (4,), 110), (Voice.CLOSED_HAT, (0, 2, 4, 6), 80), toms
    )
    half = plainly(fill, Reading(HALF_TIME, fill=True))
    assert steps(half, Voice.KICK) == [0, 6]
    assert steps(half, Voice.LOW_TOM) == list(toms[1])
    assert steps(half, Voice.SNARE) == []
    double = plainly(fill, Reading(DOUBLE_TIME, fill=True))
    assert steps(double, Voice.SNARE) == [2, 6]
    assert steps(double, Voice.LOW_TOM) == list(toms[1])
    sooner = bar((Voice.KICK, (0,), 100), (Voice.CLOSED_HAT, (0, 2), 80), (Voice.SNARE, (4, 6, 7), 110))
    assert steps(plainly(sooner, Reading(HALF_TIME, fill=True)), Voice.SNARE) == [4, 6, 7]


def test_a_crash_is_struck_once_in_double_time() -> None:
    assert steps(plainly(bar((Voice.CRASH, (0,), 118), *ROCKS), DOUBLE), Voice.CRASH) == [0]


def test_snares_beside_the_backbeat_and_on_other_beats_give_way_in_half_time() -> None:
    second_line = bar((Voice.KICK, (0,), 100), (Voice.SNARE, (3, 6), 110), (Voice.SNARE, (1, 2, 5), 40))
    half = plainly(second_line, FIRST)
    loud = [hit.step for hit in half.hits if hit.voice is Voice.SNARE and hit.velocity > 60]
    assert loud == [8]
    assert len(steps(half, Voice.SNARE)) == 4, "its ghosts stay"


def test_double_time_has_its_backbeat_on_each_second_eighth_wherever_the_bar_has_its_own() -> None:
    for places in ((3, 7, 15), (4, 6, 12), (0, 4, 8, 12), (4,)):
        busy = bar((Voice.KICK, (0, 8), 100), (Voice.SNARE, places, 110))
        assert steps(plainly(busy, DOUBLE), Voice.SNARE) == [2, 6, 10, 14]


def test_double_time_has_no_time_for_ghosts_nor_kicks_under_its_backbeat() -> None:
    house = bar((Voice.KICK, (0, 4, 8, 12), 100), (Voice.SNARE, (4, 12), 110), (Voice.SNARE_RIM, (6, 7), 30))
    double = plainly(house, DOUBLE)
    assert steps(double, Voice.KICK) == [0, 4, 8, 12]
    assert steps(double, Voice.SNARE_RIM) == []


def test_kicks_between_the_eighths_are_left_out_where_it_is_fast() -> None:
    breakbeat = bar((Voice.KICK, (0, 2, 10), 100), (Voice.SNARE, (4, 12), 110))
    assert steps(plainly(breakbeat, DOUBLE), Voice.KICK) == [0, 1, 5, 8, 9, 13]
    fast = reading_of(DOUBLE_TIME, 0, breakbeat, bpm=140, fill=False)
    assert steps(plainly(breakbeat, fast), Voice.KICK) == [0, 8]


def test_a_hat_in_quarters_goes_on_in_eighths_in_double_time_softer_in_between() -> None:
    quarters = bar((Voice.OPEN_HAT, (0, 4, 8, 12), 80), (Voice.SNARE, (4, 12), 110))
    double = plainly(quarters, DOUBLE)
    assert steps(double, Voice.OPEN_HAT) == [0, 4, 8, 12]
    between = [hit for hit in double.hits if hit.voice is Voice.CLOSED_HAT]
    assert [(hit.step, hit.velocity) for hit in between] == [
        (step, REPEATED_SHARE * 80) for step in (2, 6, 10, 14)
    ]


def test_a_hat_that_goes_on_is_as_open_as_it_was_unless_it_is_shut_for_it() -> None:
    for voice, expected in ((Voice.CLOSED_HAT, 0.2), (Voice.OPEN_HAT, None)):
        loose = Bar(FOUR_FOUR, tuple(Hit(step, voice, 0, 80, 0.2) for step in (0, 4, 8, 12)))
        double = plainly(loose, DOUBLE)
        assert {hit.openness for hit in double.hits if hit.step % 4 == 0} == {0.2}
        assert {hit.openness for hit in double.hits if hit.step % 4 == 2} == {expected}


def test_swing_is_that_of_the_new_place_and_what_is_off_it_stays_as_late() -> None:
    late = round((swung_steps(3, 62.5, 1) - 3) * 12)  # the swing of a sixteenth that falls off the beat
    assert late == 3
    swung = Bar(
        FOUR_FOUR,
        (
            Hit(0, Voice.KICK, 0, 100),
            Hit(3, Voice.KICK, late, 100),
            Hit(4, Voice.SNARE, 2, 110),
            Hit(5, Voice.KICK, late + 1, 100),
        ),
    )
    half = read(swung, FIRST, 62.5, 1)
    assert [(hit.step, hit.micro) for hit in half.hits if hit.voice is Voice.KICK] == [
        (0, 0),
        (6, 0),
        (10, 1),
    ]
    assert [(hit.step, hit.micro) for hit in half.hits if hit.voice is Voice.SNARE] == [(8, 2)]
    double = read(swung, DOUBLE, 62.5, 1)
    assert [(hit.step, hit.micro) for hit in double.hits if hit.voice is Voice.SNARE] == [
        (step, 2) for step in (2, 6, 10, 14)
    ]
    straight = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 100), Hit(2, Voice.KICK, 0, 100)))
    assert [(hit.step, hit.micro) for hit in read(straight, DOUBLE, 62.5, 1).hits] == [
        (0, 0),
        (1, late),
        (8, 0),
        (9, late),
    ]


def test_triplets_stay_triplets() -> None:
    jazz = Bar(
        FOUR_FOUR,
        (
            Hit(0, Voice.RIDE, 0, 80),
            Hit(3, Voice.SNARE, -4, 30),  # the third triplet of the first beat
            Hit(3, Voice.RIDE, -4, 60),
            Hit(4, Voice.RIDE, 0, 90),
        ),
    )
    half = plainly(jazz, FIRST)
    (snare,) = [hit for hit in half.hits if hit.voice is Voice.SNARE]
    assert snare.beat == pytest.approx(4 / 3)
    assert [hit for hit in half.hits if hit.voice is Voice.RIDE] == [
        hit for hit in jazz.hits if hit.voice is Voice.RIDE
    ]


@pytest.mark.parametrize("meter", [Meter(3, 4), Meter(7, 8), Meter(5, 4), Meter(11, 8), Meter(5, 8)])
@pytest.mark.parametrize("reading", [FIRST, SECOND, DOUBLE])
@pytest.mark.parametrize("fill", [False, True])
def test_every_meter_can_be_read(meter: Meter, reading: Reading, fill: bool) -> None:
    each = range(meter.steps)
    written = bar(
        (Voice.KICK, each, 100), (Voice.SNARE, each, 90), (Voice.CLOSED_HAT, each, 70), meter=meter, micro=5
    )
    again = plainly(written, Reading(reading.time, reading.second_half and not fill, fill))
    assert again.meter == meter
    assert steps(again, Voice.CLOSED_HAT) == list(each)
    assert 0 in steps(again, Voice.KICK)
