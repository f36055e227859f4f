"""Half and double time of what the shipped weights play."""

from __future__ import annotations

import pytest

from liveengine.music.drums import Voice
from liveengine.music.half_time import DOUBLE_TIME, HALF_TIME, TIMEKEEPER
from liveengine.music.pattern import Bar
from liveengine.music.reading import read, reading_of
from tests.generation.test_shipped_music import BACKBEAT, SEEDS, STYLES, played

LOUD = 60


def read_in(time: str, name: str) -> list[tuple[Bar, Bar]]:
    """Return bars of a style, and as they are heard in a time."""
    style = STYLES.find(name)
    return [
        (
            bar,
            read(
                bar,
                reading_of(time, index, bar, bpm=style.middle_bpm, fill=False),
                style.feel.learned_swing_percent,
                style.feel.swing_unit_steps,
            ),
        )
        for seed in SEEDS
        for index, bar in enumerate(played(name, seed, 4))
    ]


def backbeats(bar: Bar) -> set[int]:
    return {hit.step for hit in bar.hits if hit.voice in BACKBEAT and hit.velocity >= LOUD}


@pytest.mark.parametrize("name", ["rock", "hiphop", "funk", "soul"])
def test_the_snare_of_half_time_is_on_three_and_the_pulse_goes_on(name: str) -> None:
    bars = read_in(HALF_TIME, name)
    on_three = [8 in backbeats(half) and backbeats(half).isdisjoint((0, 4, 12)) for _, half in bars]
    assert sum(on_three) >= 0.9 * len(bars)
    assert all(any(hit.voice is Voice.KICK and hit.step == 0 for hit in half.hits) for _, half in bars)
    for written, half in bars:
        pulse, kept = ({hit.step for hit in bar.hits if hit.voice in TIMEKEEPER} for bar in (written, half))
        assert kept == pulse
        assert len(kept) >= 4, "quarters at the least"


@pytest.mark.parametrize("name", ["rock", "hiphop", "funk", "soul"])
def test_the_snare_of_double_time_is_on_each_second_eighth(name: str) -> None:
    bars = read_in(DOUBLE_TIME, name)
    assert sum(backbeats(double) == {2, 6, 10, 14} for _, double in bars) >= 0.9 * len(bars)


@pytest.mark.parametrize("name", [style.name for style in STYLES.styles])
@pytest.mark.parametrize("time", [HALF_TIME, DOUBLE_TIME])
def test_every_style_can_be_read_and_keeps_its_pulse(name: str, time: str) -> None:
    for written, again in read_in(time, name):
        assert again.hits
        pulse, kept = ({hit.step for hit in bar.hits if hit.voice in TIMEKEEPER} for bar in (written, again))
        assert kept >= pulse
