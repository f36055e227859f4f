"""A file's bars: whole, in meters that the model knows, to the last bar line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music.beats import FOUR_FOUR, METERS, Meter
from liveengine.music.drums import Voice
from liveengine.music.midi_file import TrackEnd
from liveengine.tokens.bar_sections import Section, Signature, bars_of_section, known_meter, sections_of

FOUR: Signature = (0.0, 4, 4)


def tail(beat: float) -> TrackEnd:
    """An end of track with the last note-off."""
    return TrackEnd(beat, after_notes=False)


def late(beat: float) -> TrackEnd:
    """An end of track after the last note."""
    return TrackEnd(beat, after_notes=True)


def told(sections: tuple[Section, ...]) -> list[tuple[float, int, str]]:
    """Return (first beat, bars, meter) of each section."""
    return [(each.start_beat, each.bars, str(each.meter)) for each in sections]


@pytest.mark.parametrize(
    ("numerator", "denominator", "meter"),
    [
        (4, 4, "4/4"),
        (2, 2, "4/4"),
        (8, 8, "4/4"),
        (16, 16, "4/4"),
        (4, 2, "4/4"),  # two bars
        (8, 4, "4/4"),
        (3, 2, "6/4"),
        (10, 8, "5/4"),
        (4, 8, "2/4"),
        (6, 8, "6/8"),
        (3, 4, "3/4"),
        (6, 16, "3/8"),
        (1, 4, "None"),
        (13, 8, "None"),
        (17, 32, "None"),
        (4, 1, "None"),
    ],
)
def test_a_meter_is_read_as_one_of_bars_as_long(numerator: int, denominator: int, meter: str) -> None:
    assert str(known_meter(numerator, denominator)) == meter


def test_every_meter_of_the_model_is_itself() -> None:
    assert [known_meter(each.numerator, each.denominator) for each in METERS] == [*METERS]


@pytest.mark.parametrize(
    ("last_stroke", "ends", "bars"),
    [
        (7.5, [tail(7.625)], 2),
        (7.5, [tail(8.0)], 2),
        (7.5, [late(0.0), tail(15.5)], 2),  # a note rings
        (7.5, [late(15.5)], 4),  # the clip is four bars long
        (7.5, [tail(16.0)], 4),  # a note rings to the clip's end
        (7.5, [late(16.01)], 4),  # some writers end a tick later
        (7.5, [late(16.5)], 5),
        (7.9, [tail(8.1)], 3),  # the next bar's downbeat, a little early
        (8.0, [], 3),
        (0.0, [], 1),
    ],
)
def test_a_file_is_as_long_as_its_strokes_and_its_end_say(
    last_stroke: float, ends: list[TrackEnd], bars: int
) -> None:
    assert told(sections_of([FOUR], last_stroke, ends)) == [(0, bars, "4/4")]
    assert told(sections_of([], last_stroke, ends)) == [(0, bars, "4/4")]


def test_one_unknown_meter_loses_its_own_bars() -> None:
    found = sections_of([FOUR, (8.0, 13, 8), (14.5, 4, 4)], 20.0, [])
    assert told(found) == [(0, 2, "4/4"), (8, 1, "None"), (14.5, 2, "4/4")]
    assert found[1].written == "13/8"
    assert told(sections_of([(0.0, 13, 8)], 20.0, [])) == [(0, 4, "None")]


def test_a_pick_up_is_the_end_of_a_whole_bar() -> None:
    [found] = sections_of([(0.0, 1, 4), (1.0, 4, 4)], 8.0, [])
    assert (found.bars, found.meter, found.lead_beats) == (3, FOUR_FOUR, 3.0)
    first, second, _ = bars_of_section(found, [(0.5, Voice.SNARE, 90, None), (1.0, Voice.KICK, 100, None)])
    assert [(hit.step, hit.voice) for hit in first.hits] == [(14, Voice.SNARE)]
    assert [(hit.step, hit.voice) for hit in second.hits] == [(0, Voice.KICK)]
    assert told(sections_of([(0.0, 3, 8), (1.5, 6, 8)], 4.0, [])) == [(0, 2, "6/8")]
    assert told(sections_of([(0.0, 4, 4), (4.0, 3, 4)], 9.0, [])) == [(0, 1, "4/4"), (4, 2, "3/4")]


def test_a_short_last_bar_is_a_whole_one() -> None:
    assert told(sections_of([FOUR, (8.0, 2, 4)], 8.0, [tail(8.1)])) == [(0, 3, "4/4")]
    assert told(sections_of([FOUR, (8.0, 1, 4)], 8.0, [tail(8.1)])) == [(0, 3, "4/4")]
    assert told(sections_of([FOUR, (8.0, 2, 4)], 11.0, [])) == [(0, 2, "4/4"), (8, 2, "2/4")]


def test_a_time_signature_that_changes_nothing_begins_no_bar() -> None:
    assert told(sections_of([FOUR, (6.0, 4, 4)], 8.0, [])) == [(0, 3, "4/4")]
    assert told(sections_of([FOUR, (4.0, 2, 2), (8.0, 4, 4)], 8.0, [])) == [(0, 3, "4/4")]
    assert told(sections_of([(0.01, 3, 4)], 5.0, [])) == [(0, 2, "3/4")]
    assert told(sections_of([(0.0, 3, 4), (0.0, 7, 8)], 3.0, [])) == [(0, 1, "7/8")]
    assert told(sections_of([FOUR, (1e6, 3, 4)], 8.0, [tail(8.1)])) == [(0, 3, "4/4")]


def test_another_meter_in_the_middle_of_a_bar_begins_a_bar() -> None:
    assert told(sections_of([FOUR, (6.0, 3, 4)], 10.0, [])) == [(0, 2, "4/4"), (6, 2, "3/4")]


def test_bars_are_those_of_their_section_with_the_silent_ones() -> None:
    section = Section(4.0, 12.0, 2, FOUR_FOUR, "4/4")
    strokes = [(beat, Voice.KICK, 90, None) for beat in (3.0, 3.9, 5.0, 11.9)]
    first, second = bars_of_section(section, strokes)
    assert [(hit.step, hit.micro) for hit in first.hits] == [(0, -5), (4, 0)]
    assert not second.hits


SIGNATURES = st.lists(
    st.tuples(
        st.integers(0, 160), st.sampled_from([(4, 4), (3, 4), (7, 8), (1, 4), (2, 2), (13, 8), (5, 16)])
    ),
    max_size=5,
)


@given(SIGNATURES, st.lists(st.integers(0, 48 * 40), min_size=1, max_size=60))
def test_every_stroke_is_in_one_bar_at_its_place(
    written: list[tuple[int, tuple[int, int]]], ticks: list[int]
) -> None:
    signatures = sorted(((quarter / 4, *meter) for quarter, meter in written), key=lambda each: each[0])
    strokes = [(tick / 48, Voice.KICK, 90, None) for tick in sorted(ticks)]
    found = sections_of(signatures, strokes[-1][0], [])
    for beat, *_ in strokes:
        assert sum(section.holds(beat) for section in found) == 1
    for section in found:
        if section.meter is None:
            continue
        bars = bars_of_section(section, strokes)
        assert len(bars) == section.bars
        origin = section.start_beat - section.lead_beats
        placed = [
            (index * section.meter.beats + hit.beat) * 48
            for index, bar in enumerate(bars)
            for hit in bar.hits
        ]
        inside = [beat for beat, *_ in strokes if section.holds(beat)]
        expected = [round((beat - origin) * 48) for beat in inside]
        assert sorted(round(each) for each in placed) == expected


@given(st.floats(0, 500), st.lists(st.floats(0, 500), max_size=3))
def test_bars_hold_the_last_stroke_and_every_late_end(last_stroke: float, beats: list[float]) -> None:
    [section] = sections_of([], last_stroke, [late(beat) for beat in beats])
    length = section.bars * Meter(4, 4).beats
    assert length > last_stroke - 0.01
    assert all(length >= beat - 0.126 for beat in beats)
    assert length - 4 <= max([last_stroke + 0.14, *beats])
    assert math.isinf(section.end_beat)
