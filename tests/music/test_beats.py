"""Beat maps, meters and bar arithmetic at known musical values and as properties."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.music.beats import (
    FOUR_FOUR,
    BeatMap,
    Meter,
    check_bpm,
    last_multiple,
    meter_for_quantum,
    next_multiple,
)

tempos = st.floats(20, 999)
moments_us = st.floats(0, 1e12)
beats = st.floats(-10_000, 10_000)
maps = st.builds(BeatMap, moments_us, beats, tempos)


def test_a_beat_at_120_bpm_lasts_half_a_second() -> None:
    beat_map = BeatMap(time_us=1_000_000, beat=8.0, bpm=120)
    assert beat_map.us_per_beat == 500_000
    assert beat_map.time_at(9.0) == 1_500_000
    assert beat_map.beat_at(0) == 6.0


@given(maps, beats)
def test_time_and_beat_are_inverse(beat_map: BeatMap, beat: float) -> None:
    assert beat_map.beat_at(beat_map.time_at(beat)) == pytest.approx(beat, abs=1e-2 / beat_map.us_per_beat)


@given(maps, st.floats(0, 3.6e9), tempos, st.floats(0, 600))
def test_a_tempo_change_skips_no_beat(
    beat_map: BeatMap, later_us: float, bpm: float, further_s: float
) -> None:
    at_us = beat_map.time_us + later_us
    changed = beat_map.with_tempo(bpm, at_us)
    assert changed.beat_at(at_us) == pytest.approx(beat_map.beat_at(at_us), abs=1e-9)
    moved = changed.beat_at(at_us + further_s * 1e6) - changed.beat_at(at_us)
    assert moved == pytest.approx(further_s * bpm / 60, abs=1e-6)


@pytest.mark.parametrize(
    ("quantum", "meter"),
    [
        (1, FOUR_FOUR),
        (2, FOUR_FOUR),
        (4, FOUR_FOUR),
        (8, FOUR_FOUR),
        (16, FOUR_FOUR),
        (3, Meter(3, 4)),
        (5, Meter(5, 4)),
        (6, Meter(6, 4)),
        (7, Meter(7, 4)),
        (2.5, Meter(5, 8)),
        (3.5, Meter(7, 8)),
        (4.5, Meter(9, 8)),
        (5.5, Meter(11, 8)),
        (9, Meter(3, 4)),
    ],
)
def test_the_bar_fits_the_quantum(quantum: float, meter: Meter) -> None:
    assert meter_for_quantum(quantum) == meter
    bars = max(quantum, meter.beats) / min(quantum, meter.beats)
    assert bars == int(bars)


@pytest.mark.parametrize("quantum", [0, -4, 0.5, 1.5, 2.25, 6.5, 7.5, 10, 10.5, math.nan, math.inf])
def test_a_quantum_without_a_bar_is_refused(quantum: float) -> None:
    with pytest.raises(ContractError, match="quantum: expected"):
        meter_for_quantum(quantum)


@pytest.mark.parametrize(
    ("meter", "steps", "length"), [(Meter(4, 4), 16, 4.0), (Meter(6, 8), 12, 3.0), (Meter(5, 8), 10, 2.5)]
)
def test_steps_and_beats_of_a_meter(meter: Meter, steps: int, length: float) -> None:
    assert (meter.steps, meter.beats) == (steps, length)


@pytest.mark.parametrize(("numerator", "denominator"), [(4, 3), (0, 4), (9, 4), (33, 16), (4, 32)])
def test_an_impossible_meter_is_refused(numerator: int, denominator: int) -> None:
    with pytest.raises(ContractError, match=f"{numerator}/{denominator}"):
        Meter(numerator, denominator)


@given(st.floats(-10_000, 10_000), st.sampled_from([0.5, 1.0, 2.5, 3.0, 4.0, 8.0]))
def test_next_and_last_multiple_enclose_the_beat(beat: float, quantum: float) -> None:
    following, preceding = next_multiple(beat, quantum), last_multiple(beat, quantum)
    for multiple in (following, preceding):
        assert multiple / quantum == pytest.approx(round(multiple / quantum), abs=1e-9)
    assert beat - 2e-6 <= following < beat + quantum
    assert beat - quantum < preceding <= beat + 2e-6
    assume(abs(beat / quantum - round(beat / quantum)) > 1e-5)
    assert following - preceding == pytest.approx(quantum)


def test_a_hair_past_the_bar_line_is_still_that_bar_line() -> None:
    assert next_multiple(8.0 + 1e-9, 4) == 8.0
    assert next_multiple(8.001, 4) == 12.0
    assert last_multiple(8.0 - 1e-9, 4) == 8.0
    assert last_multiple(7.999, 4) == 4.0


def test_tempo_limits_are_those_of_link() -> None:
    assert check_bpm(20, "bpm") == 20
    assert check_bpm(999, "bpm") == 999
    for bpm in (19.99, 999.01, math.nan, math.inf, -120):
        with pytest.raises(ContractError, match="--bpm: expected a tempo from 20 to 999"):
            check_bpm(bpm, "--bpm")
