"""The live tests' own arithmetic: matching, differences, percentiles, note lengths, gaps, stalls."""

from __future__ import annotations

import math

import pytest

from tests.live.analysis import (
    CATCH_UP_US,
    Capture,
    Message,
    Pair,
    SessionMap,
    Stall,
    StatedNote,
    in_stall,
    lateness,
    match,
    meant_off_ms,
    percentile,
    repeats,
    stalled_us,
    stated_time_us,
)
from tests.live.sounding import after_steps, grid_distance_ms, largest_gap_beats, note_lengths

SECOND_US = 1_000_000.0
QUANTUM_BEATS = 4.0


def steady(bpm: float, until_s: float, first_beat: float = 0.0, begin_s: float = 0.0) -> list[Capture]:
    """Captures every 5 ms at one tempo, the first one at `first_beat`."""
    count = round((until_s - begin_s) / 0.005)
    return [
        Capture((begin_s + 0.005 * turn) * SECOND_US, first_beat + 0.005 * turn * bpm / 60, bpm, 1, False)
        for turn in range(count)
    ]


def stated(beat: float, sent_us: float, note: int = 36, **fields: float) -> StatedNote:
    return StatedNote(
        bar=0,
        beat=beat,
        offset_ms=fields.get("offset_ms", 0.0),
        latency_ms=fields.get("latency_ms", 0.0),
        note=note,
        velocity=100,
        channel=10,
        style="funk",
        due_us=fields.get("due_us", sent_us),
        sent_us=sent_us,
    )


def on(at_us: float, note: int = 36) -> Message:
    return Message(at_us, (0x99, note, 100))


def off(at_us: float, note: int = 36) -> Message:
    return Message(at_us, (0x89, note, 0))


def test_a_steady_session_maps_beats_and_moments_both_ways() -> None:
    session = SessionMap(steady(120, 4))
    assert session.beat_at(1.0 * SECOND_US) == pytest.approx(2.0)
    assert session.time_of(2.0, 0.9 * SECOND_US) == pytest.approx(1.0 * SECOND_US)
    assert session.beat_at(4.5 * SECOND_US) == pytest.approx(9.0)


def test_one_bad_capture_does_not_move_the_map() -> None:
    captures = steady(120, 4)
    captures[200] = Capture(captures[200].time_us, captures[200].beat + 0.5, 120, 1, False)
    assert SessionMap(captures).beat_at(captures[200].time_us) == pytest.approx(2.0)


def test_another_peers_beat_agrees_up_to_the_quantum() -> None:
    session = SessionMap(steady(120, 4))
    assert session.time_of_foreign(2 + 25 * 4, QUANTUM_BEATS, 1.1 * SECOND_US) == pytest.approx(SECOND_US)
    assert session.time_of_foreign(2 - 3 * 4, QUANTUM_BEATS, 0.9 * SECOND_US) == pytest.approx(SECOND_US)


def test_a_tempo_step_splits_the_map() -> None:
    session = SessionMap(steady(60, 2) + steady(180, 4, first_beat=2, begin_s=2))
    assert [change.bpm for change in session.tempo_changes()] == [60, 180]
    assert session.beat_at(1.9 * SECOND_US) == pytest.approx(1.9)
    assert session.time_of(5.0, 2.9 * SECOND_US) == pytest.approx(3.0 * SECOND_US)


def off_the_grid(*notes_s: float, learned_s: float = 2.0) -> list[float]:
    """Play 180 bpm after 60 from the second second on, which the engine learns at a moment of its own."""
    session = SessionMap(steady(60, 2) + steady(180, 4, first_beat=2, begin_s=2))
    notes = [(at_s * SECOND_US, at_s * SECOND_US) for at_s in notes_s]
    learned = [(0.0, 60.0), (learned_s * SECOND_US, 180.0)]
    found = after_steps(notes, session, learned, (), begin_us=SECOND_US, step_beats=0.5)
    assert list(found.learned_ms) == pytest.approx([learned_s * 1e3 - 2e3])
    return [round(each) for each in found.off_ms]


def test_a_note_at_the_old_tempo_is_far_from_the_new_grid() -> None:
    step_s = 60 / 180 / 2
    assert off_the_grid(2 + step_s) == [0]
    assert off_the_grid(2 + 0.25) == [83]


def test_what_was_due_before_the_news_of_a_step_says_nothing() -> None:
    step_s = 60 / 180 / 2
    assert off_the_grid(2 + step_s + 0.04, learned_s=2 + step_s + 0.03) == []
    assert off_the_grid(2 + step_s + 0.04, learned_s=2 + step_s - 0.03) == [40]
    assert off_the_grid(2.25, learned_s=2.3) == []


def test_an_empty_session_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one capture"):
        SessionMap([])


def test_matching_is_one_to_one_in_order_of_time() -> None:
    notes = [stated(0, 0), stated(0.25, 100_000), stated(0.25, 100_000, note=42)]
    heard = [on(300), on(100_400), on(100_500, note=42), off(150_000)]
    outcome = match(notes, heard)
    assert outcome.is_one_to_one()
    assert [pair.heard.at_us - pair.stated.sent_us for pair in outcome.pairs] == [300, 400, 500]


def test_matching_tells_what_was_not_heard_and_what_was_not_stated() -> None:
    lost, kept = stated(0, 0), stated(1, SECOND_US)
    extra = on(2 * SECOND_US)
    outcome = match([lost, kept], [on(SECOND_US + 200), extra, on(SECOND_US, note=40)])
    assert outcome.unheard == (lost,)
    assert set(outcome.unstated) == {extra, on(SECOND_US, note=40)}
    assert [pair.stated for pair in outcome.pairs] == [kept]


def test_a_message_that_jack_hands_out_twice_is_known_from_a_note_of_its_own() -> None:
    once, again, later, other = (
        on(SECOND_US),
        on(SECOND_US + 27.0),
        on(SECOND_US + 200_000.0),
        on(SECOND_US + 30.0, 40),
    )
    heard = (once, again, other, later)
    outcome = match([stated(0.0, SECOND_US - 9_000.0)], heard)
    assert repeats(outcome.unstated, heard) == [again]


def test_a_note_heard_before_it_was_sent_is_no_match() -> None:
    assert not match([stated(0, SECOND_US)], [on(SECOND_US - 5_000)]).pairs


def test_offset_is_later_and_latency_is_earlier() -> None:
    session = SessionMap(steady(120, 4))
    note = stated(2, SECOND_US, offset_ms=12, latency_ms=20)
    pair = match([note], [on(SECOND_US)]).pairs[0]
    assert stated_time_us(pair, session, QUANTUM_BEATS) == pytest.approx(SECOND_US - 8_000)


def test_lateness_leaves_out_what_falls_into_a_stall_and_counts_it() -> None:
    session = SessionMap(steady(120, 12))
    notes = [stated(2 * turn, turn * SECOND_US) for turn in range(1, 11)]
    heard = [on(note.sent_us + (9_000 if note.beat == 10 else 300)) for note in notes]
    stall = Stall(0, 5 * SECOND_US + 1_000, 5 * SECOND_US + 8_900)
    pairs = match(notes, heard).pairs
    figures = lateness(pairs, session, QUANTUM_BEATS, [stall])
    assert (figures.count, figures.stalled) == (9, 1)
    assert figures.max_ms == pytest.approx(0.3)
    assert figures.median_ms == pytest.approx(0.3)
    assert lateness(pairs, session, QUANTUM_BEATS).max_ms == pytest.approx(9.0)


def test_what_a_note_was_meant_for_is_held_against_the_listeners_own_map() -> None:
    session = SessionMap(steady(60, 10))
    lying = stated(5, 5.02 * SECOND_US, offset_ms=2.0, due_us=5.012 * SECOND_US)
    true = stated(6, 6.02 * SECOND_US, latency_ms=3.0, due_us=5.997 * SECOND_US)
    pairs = [Pair(note, on(note.sent_us)) for note in (lying, true)]
    assert meant_off_ms(pairs, session, QUANTUM_BEATS) == pytest.approx([10.0, 0.0], abs=1e-6)


def test_a_stall_counts_where_it_overlaps() -> None:
    stall = Stall(1, 100, 200)
    assert in_stall(150, 160, [stall])
    assert in_stall(50, 100, [stall])
    assert in_stall(200 + CATCH_UP_US, 9_000, [stall])
    assert not in_stall(201 + CATCH_UP_US, 9_000, [stall])


def test_stalled_time_is_counted_once_for_all_cores() -> None:
    stalls = [Stall(1, 1_500, 3_000), Stall(0, 1_000, 2_000)]
    assert stalled_us(0, 20_000, stalls) == 2_000 + CATCH_UP_US
    assert stalled_us(2_500, 3_500, stalls) == 1_000
    assert stalled_us(9_000, 20_000, stalls) == 0


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2
    assert percentile(list(range(1, 101)), 95) == 95
    assert percentile([7], 99) == 7


def test_lengths_find_hanging_and_restruck_notes() -> None:
    lengths = note_lengths([on(0), off(50_000), on(100_000), on(120_000), off(130_000), on(200_000, 42)])
    assert lengths.spans_us == ((0, 50_000), (120_000, 130_000))
    assert lengths.longest_ms == 50
    assert lengths.longest_apart_ms([Stall(0, 20_000, 40_000)]) == (50_000 - 20_000 - CATCH_UP_US) / 1_000
    assert lengths.restruck == ((on(100_000), on(120_000)),)
    assert lengths.restruck_apart(60, []) == [(on(100_000), on(120_000))]
    assert lengths.hanging == (on(200_000, 42),)


def test_a_note_off_that_was_due_in_a_stall_is_counted_apart() -> None:
    lengths = note_lengths([on(0), on(200_000), off(260_000)])
    assert lengths.restruck_apart(60, [Stall(1, 59_000, 65_000)]) == []
    assert lengths.restruck_apart(60, [Stall(1, 70_000, 190_000)]) == list(lengths.restruck)
    assert lengths.restruck_apart(60, [Stall(1, 0, 50_000)]) == list(lengths.restruck)


def test_a_note_on_of_velocity_zero_and_all_notes_off_end_notes() -> None:
    silent_on = Message(30_000, (0x99, 36, 0))
    all_off = Message(90_000, (0xB9, 123, 0))
    lengths = note_lengths([on(0), silent_on, on(50_000, 42), all_off])
    assert lengths.spans_us == ((0, 30_000), (50_000, 90_000))
    assert not lengths.hanging


def test_the_largest_gap_is_in_beats_through_a_tempo_step() -> None:
    session = SessionMap(steady(60, 2) + steady(180, 4, first_beat=2, begin_s=2))
    messages = [on(0), on(SECOND_US), on(2.5 * SECOND_US), on(3 * SECOND_US)]
    assert largest_gap_beats(messages, session) == pytest.approx(1 + 1.5, abs=0.02)
    assert largest_gap_beats([on(0)], session) == math.inf


def test_the_distance_from_the_grid_is_signed() -> None:
    session = SessionMap(steady(120, 4))
    assert grid_distance_ms(1.003 * SECOND_US, session, 0.25) == pytest.approx(3.0)
    assert grid_distance_ms(1.123 * SECOND_US, session, 0.25) == pytest.approx(-2.0)
