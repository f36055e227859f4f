"""Other meters, read from a bar of 4/4: the backbeat, the pulse, and a fill's end are where they belong."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music.beats import FOUR_FOUR, METERS, Meter, read_meter
from liveengine.music.drums import Voice
from liveengine.music.odd_meters import SPANS, in_meter
from liveengine.music.pattern import MICRO_MAX, MICRO_MIN, Bar, Hit

STRAIGHT = 50.0


def bar_of(kick: tuple[int, ...], snare: tuple[int, ...], *more: Hit, hats: int = 2) -> Bar:
    hits = [Hit(step, Voice.KICK, 0, 100) for step in kick]
    hits += [Hit(step, Voice.SNARE, 0, 110) for step in snare]
    hits += [Hit(step, Voice.CLOSED_HAT, 0, 80) for step in range(0, 16, hats)]
    return Bar(FOUR_FOUR, tuple(sorted((*hits, *more))))


ROCK = bar_of((0, 8), (4, 12))
TRAP = bar_of((0, 6), (8,))
JAZZ = Bar(
    FOUR_FOUR,
    tuple(
        sorted(
            [Hit(step, Voice.RIDE, 0, 90) for step in (0, 4, 8, 12)]
            + [Hit(step, Voice.RIDE, -4, 70) for step in (7, 15)]
        )
    ),
)


def read(bar: Bar, meter: str, *, fill: bool = False) -> Bar:
    return in_meter(bar, read_meter(meter), STRAIGHT, 1, fill=fill)


def steps(bar: Bar, voice: Voice) -> list[int]:
    return [hit.step for hit in bar.hits if hit.voice is voice]


@pytest.mark.parametrize(
    ("meter", "kick", "snare"),
    [
        ("2/4", [0], [4]),
        ("3/4", [0], [4, 8]),
        ("5/4", [0, 8, 12], [4, 16]),
        ("6/4", [0, 8, 16], [4, 12, 20]),
        ("7/4", [0, 8, 16], [4, 12, 20, 24]),
        ("3/8", [0], [2, 4]),
        ("5/8", [0], [6]),
        ("6/8", [0], [6]),
        ("7/8", [0, 8], [4, 12]),
        ("9/8", [0], [6, 12]),
        ("11/8", [0, 8, 16], [4, 12, 20]),
        ("12/8", [0, 12], [6, 18]),
    ],
)
def test_the_backbeat_is_where_the_meter_has_it_and_the_hat_goes_on(
    meter: str, kick: list[int], snare: list[int]
) -> None:
    found = read(ROCK, meter)
    assert found.meter == read_meter(meter)
    assert steps(found, Voice.KICK) == kick
    assert steps(found, Voice.SNARE) == snare
    assert steps(found, Voice.CLOSED_HAT) == list(range(0, found.meter.steps, 2))


@pytest.mark.parametrize(("meter", "snare"), [("2/4", [4]), ("3/4", [8]), ("6/8", [6]), ("9/8", [12])])
def test_a_style_with_its_backbeat_on_three_has_one_stroke(meter: str, snare: list[int]) -> None:
    assert steps(read(TRAP, meter), Voice.SNARE) == snare


def test_a_jazz_waltz_keeps_its_ride() -> None:
    ride = [(hit.step, hit.micro) for hit in read(JAZZ, "3/4").hits]
    assert ride == [(0, 0), (4, 0), (7, -4), (8, 0), (11, -4)]
    assert steps(read(JAZZ, "12/8"), Voice.RIDE) == [0, 6, 10, 12, 18, 22]


@pytest.mark.parametrize("meter", [meter for meter in SPANS if meter != "12/8"])
def test_a_fill_keeps_its_first_beat_and_its_end(meter: str) -> None:
    toms = [Hit(step, Voice.LOW_TOM, 0, 60 + step) for step in (8, 10, 12, 14)]
    filled = Bar(FOUR_FOUR, tuple(sorted((*toms, Hit(0, Voice.KICK, 0, 100)))))
    found = [hit for hit in read(filled, meter, fill=True).hits if hit.voice is Voice.LOW_TOM]
    last = {"3/8": 5, "6/8": 10, "9/8": 16}.get(meter, read_meter(meter).steps - 2)
    assert (found[-1].step, found[-1].velocity) == (last, 60 + 14)
    assert steps(read(filled, meter, fill=True), Voice.KICK)[0] == 0


def test_a_crash_is_struck_once_whatever_is_repeated() -> None:
    crashed = bar_of((0, 8), (4, 12), Hit(0, Voice.CRASH, 0, 118))
    for meter in METERS:
        assert len(steps(read(crashed, str(meter)), Voice.CRASH)) == 1


def test_four_four_and_what_is_written_in_another_meter_stay() -> None:
    waltz = Bar(Meter(3, 4), (Hit(0, Voice.KICK, 0, 90),))
    assert read(ROCK, "4/4") is ROCK
    assert read(waltz, "7/8") is waltz


def test_a_hat_keeps_its_openness_in_every_meter() -> None:
    loose = Bar(FOUR_FOUR, tuple(Hit(step, Voice.CLOSED_HAT, 0, 80, 0.2) for step in range(0, 16, 2)))
    for meter in ("3/4", "6/8", "7/8", "12/8"):
        assert {hit.openness for hit in read(loose, meter).hits} == {0.2}


def test_swing_is_that_of_the_new_place() -> None:
    late = Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90), Hit(15, Voice.KICK, 2, 90)))
    found = in_meter(late, Meter(7, 8), 58.3, 1, fill=True)
    assert [(hit.step, hit.micro) for hit in found.hits] == [(0, 0), (13, 2)]


hits = st.builds(
    Hit,
    st.integers(0, 15),
    st.sampled_from(list(Voice)),
    st.integers(MICRO_MIN, MICRO_MAX),
    st.integers(1, 127),
)


@given(st.lists(hits, min_size=1, max_size=40), st.sampled_from(METERS), st.booleans(), st.floats(50, 72))
def test_whatever_is_written_reads_as_a_bar(found: list[Hit], meter: Meter, fill: bool, swing: float) -> None:
    unique = {(hit.step, hit.voice): hit for hit in found}
    bar = Bar(FOUR_FOUR, tuple(sorted(unique.values())))
    read_bar = in_meter(bar, meter, swing, 1, fill=fill)
    assert read_bar.meter == meter
    assert read_bar.hits == tuple(sorted(read_bar.hits))
    assert max(Counter((hit.step, hit.voice) for hit in read_bar.hits).values(), default=1) == 1
    assert {hit.voice for hit in read_bar.hits} <= {hit.voice for hit in bar.hits}
    assert all(MICRO_MIN <= hit.micro <= MICRO_MAX and 1 <= hit.velocity <= 127 for hit in read_bar.hits)
