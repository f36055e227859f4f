"""What is understood of notes: accents, riffs, how busy and loud, pushes, silence."""

from __future__ import annotations

import random

import pytest

from liveengine.listening.listener import Heard, Listener, alike, settled
from liveengine.listening.notes import HeardNote
from liveengine.music.beats import FOUR_FOUR, Meter

US_PER_STEP = 125_000.0  # 120 bpm
RIFF = {0: 110, 3: 60, 6: 100, 10: 110, 14: 70}
OTHER = {2: 110, 5: 100, 8: 60, 13: 110}


def note(velocity: int = 100, instrument: str = "bass") -> HeardNote:
    return HeardNote(2, 36, velocity, instrument)


def play(
    listener: Listener,
    bar: int,
    riff: dict[int, int],
    *,
    late_ms: float = 0.0,
    steps: int = 16,
    instrument: str = "bass",
) -> None:
    """Let a bar be played, all of its notes late by some ms."""
    for step, velocity in riff.items():
        beats = (bar * steps + step) / 4 + late_ms / 500
        listener.take(note(velocity, instrument), beats)


def heard_of(*bars: dict[int, int], until: int = 16) -> Heard:
    listener = Listener(FOUR_FOUR)
    for index, riff in enumerate(bars[:-1]):
        play(listener, index, riff)
        listener.heard(index, 16, US_PER_STEP)
    play(listener, len(bars) - 1, bars[-1])
    return listener.heard(len(bars) - 1, until, US_PER_STEP)


def test_a_note_belongs_to_the_nearest_sixteenth_before_and_after_the_bar_line() -> None:
    listener = Listener(FOUR_FOUR)
    assert listener.take(note(), 3.97) == (1, 0)
    assert listener.take(note(), 4.05) == (1, 0)
    assert listener.take(note(), 3.8) == (0, 15)
    assert listener.bar(1).notes == 2


@pytest.mark.parametrize(
    ("bars", "riff"),
    [([RIFF, OTHER], 0), ([RIFF] * 2, 1), ([RIFF, OTHER] * 2, 2), ([RIFF, OTHER, RIFF, RIFF] * 2, 4)],
)
def test_a_riff_is_as_long_as_it_takes_to_come_again(bars: list[dict[int, int]], riff: int) -> None:
    assert heard_of(*bars).riff_bars == riff


def test_the_coming_bars_are_those_of_the_riff() -> None:
    heard = heard_of(RIFF, OTHER, RIFF, OTHER)
    struck = [{step for step, accent in enumerate(accents) if accent} for accents in heard.grooves]
    assert struck == [set(RIFF), set(OTHER)], "the next bar is the riff's first again"


def test_what_is_not_heard_yet_of_a_bar_is_expected_as_in_the_bar_before() -> None:
    heard = heard_of(RIFF, RIFF, {step: loud for step, loud in RIFF.items() if step < 12}, until=12)
    accents = heard.grooves[0]
    assert {step for step, accent in enumerate(accents) if accent} == set(RIFF)


def test_another_riff_is_expected_from_its_first_bar_on() -> None:
    heard = heard_of(RIFF, RIFF, RIFF, OTHER)
    assert {step for step, accent in enumerate(heard.grooves[0]) if accent} == set(OTHER)
    assert heard.phrase_bars == 1


def test_a_soft_player_has_accents_too() -> None:
    soft = {step: velocity // 2 for step, velocity in RIFF.items()}
    assert max(heard_of(soft, soft).grooves[0]) == pytest.approx(0.9)


def test_of_a_busy_player_only_what_stands_out_is_an_accent() -> None:
    busy = {step: 110 if step in (0, 6, 10) else 70 for step in range(16)}
    accents = heard_of(busy, busy).grooves[0]
    assert {step for step, accent in enumerate(accents) if accent > 0.5} == {0, 6, 10}


def test_activity_counts_onsets_not_the_notes_of_a_chord() -> None:
    one, chord = Listener(FOUR_FOUR), Listener(FOUR_FOUR)
    for step in (0, 4, 8, 12):
        one.take(note(), step / 4)
        for voice in range(4):
            chord.take(note(), step / 4 + voice * 0.005)
    figures = [each.heard(0, 16, US_PER_STEP).activity for each in (one, chord)]
    assert figures[0] == figures[1] == pytest.approx(0.4)


def test_loudness_and_activity_do_not_move_for_little() -> None:
    assert settled(0.5, 0.55) == 0.5
    assert settled(0.5, 0.65) == 0.65


@pytest.mark.parametrize("late_ms", [-15.0, 0.0, 20.0])
def test_a_push_is_told_by_instrument(late_ms: float) -> None:
    listener = Listener(FOUR_FOUR)
    for bar in range(4):
        play(listener, bar, RIFF, late_ms=late_ms)
        play(listener, bar, {0: 80, 8: 80}, late_ms=5.0, instrument="keys")
    pushes = dict(listener.heard(3, 16, US_PER_STEP).pushes_ms)
    assert pushes["bass"] == pytest.approx(late_ms, abs=0.5)
    assert pushes["keys"] == pytest.approx(5.0, abs=0.5)


def test_silence_is_counted_in_bars_and_a_return_begins_anew() -> None:
    listener = Listener(FOUR_FOUR)
    assert listener.heard(3, 16, US_PER_STEP).silent_bars == -1
    for bar in range(4):
        play(listener, bar, RIFF)
    assert listener.heard(3, 16, US_PER_STEP).silent_bars == 0
    assert listener.heard(6, 16, US_PER_STEP).silent_bars == 3
    play(listener, 8, RIFF)
    heard = listener.heard(8, 16, US_PER_STEP)
    assert (heard.silent_bars, heard.bars, heard.phrase_bars) == (0, 1, 1)


def test_a_player_has_stopped_where_he_played_before_and_is_silent_now() -> None:
    listener = Listener(FOUR_FOUR)
    for bar in range(3):
        play(listener, bar, RIFF)
    play(listener, 3, {0: 110, 3: 60})
    assert not listener.stopped(3, 6, 4), "the riff rests there too"
    assert listener.stopped(3, 12, 6)
    play(listener, 3, {10: 110})
    assert not listener.stopped(3, 12, 6)


def test_the_riff_before_says_how_long_phrases_are() -> None:
    heard = heard_of(*[RIFF] * 4, OTHER, OTHER)
    assert (heard.phrase_length, heard.phrase_known, heard.phrase_bars) == (4, True, 2)


def test_other_meters_have_other_bars() -> None:
    listener = Listener(Meter(7, 8))
    for bar in range(3):
        play(listener, bar, {0: 100, 6: 80, 10: 100}, steps=14)
    heard = listener.heard(2, 14, US_PER_STEP)
    assert heard.riff_bars == 1
    assert len(heard.grooves[0]) == 14


def test_likeness_is_one_for_the_same_and_nought_for_nothing_shared() -> None:
    assert alike((1, 0, 0.5), (1, 0, 0.5)) == pytest.approx(1.0)
    assert alike((1, 0), (0, 1)) == 0.0
    assert alike((0, 0), (0, 0)) == 0.0


def test_a_flood_keeps_only_the_last_bars() -> None:
    listener = Listener(FOUR_FOUR)
    rng = random.Random(1)
    for bar in range(40):
        for _ in range(200):
            listener.take(note(rng.randint(1, 127)), bar * 4 + rng.uniform(0, 3.9))
    heard = listener.heard(39, 16, US_PER_STEP)
    assert heard.activity == 1.0
    assert listener.bar(10).notes == 0, "what is long over is forgotten"
