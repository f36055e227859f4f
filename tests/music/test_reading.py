"""How bars are read: which reading a bar gets, and half time and a meter one after the other."""

from __future__ import annotations

from dataclasses import asdict

from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.half_time import DOUBLE_TIME, HALF_TIME
from liveengine.music.pattern import Bar, Hit
from liveengine.music.reading import AS_WRITTEN, Reading, read, reading_of

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
