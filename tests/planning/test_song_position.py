"""A song's place over the session's beats: sure or not at all."""

from __future__ import annotations

import random

from liveengine.planning.song_position import AGREEING, STRAYING, SongPosition


def heard(position: SongPosition, song: float, asked: float, came: float, *, bar: float = 4.0) -> None:
    position.hear(song, asked, came, bar_beats=bar, line_beat=0.0)


def test_two_answers_that_agree_place_the_song() -> None:
    position = SongPosition()
    heard(position, 65.0, 100.9, 101.2)
    assert position.offset_beats is None
    heard(position, 66.0, 101.9, 102.2)
    assert position.offset_beats == -36.0


def test_the_song_is_placed_in_any_meter_and_over_any_bar_line() -> None:
    position = SongPosition()
    for beat in (10.0, 11.0):
        position.hear(beat + 7.0, beat - 0.1, beat + 0.2, bar_beats=3.5, line_beat=3.5)
    assert position.offset_beats == 7.0
    position = SongPosition()
    for beat in (10.0, 11.0):
        position.hear(beat + 6.0, beat - 0.1, beat + 0.2, bar_beats=3.0, line_beat=1.5)
    assert position.offset_beats is None


def test_one_answer_that_says_otherwise_moves_nothing_and_two_do() -> None:
    position = SongPosition()
    for beat in (8.0, 9.0):
        heard(position, beat, beat - 0.1, beat + 0.1)
    heard(position, 42.0, 9.9, 10.1)
    assert position.offset_beats == 0.0
    heard(position, 11.0, 10.9, 11.1)
    heard(position, 44.0, 11.9, 12.1)
    assert position.offset_beats == 0.0
    heard(position, 45.0, 12.9, 13.1)
    assert position.offset_beats == 32.0


def test_answers_that_are_a_bar_late_leave_what_is_known() -> None:
    position = SongPosition()
    for beat in (8.0, 9.0):
        heard(position, beat, beat, beat + 0.3)
    for beat in range(12, 40):
        heard(position, beat, beat - 0.1, beat + 4.0)
    assert position.offset_beats == 0.0
    unsure = SongPosition()
    for beat in range(12, 40):
        heard(unsure, beat, beat - 0.1, beat + 4.0)
    assert unsure.offset_beats is None
    assert not unsure.strays


def test_a_song_that_keeps_other_bar_lines_strays_until_it_keeps_ours() -> None:
    position = SongPosition()
    for beat in range(STRAYING):
        assert not position.strays
        heard(position, beat + 1.5, beat - 0.1, beat + 0.2)
    assert position.strays
    assert position.offset_beats is None
    for beat in range(20, 20 + AGREEING):
        heard(position, beat + 4.0, beat - 0.1, beat + 0.2)
    assert not position.strays
    assert position.offset_beats == 4.0


def test_whatever_answers_are_on_their_way_for_the_place_is_right_or_unknown() -> None:
    rng = random.Random(4)
    for _ in range(300):
        position, offset = SongPosition(), rng.randrange(-9, 9) * 4.0
        for number in range(12):
            sampled = number + rng.random()
            asked, came = sampled - rng.random() * 3, sampled + rng.random() * 3
            heard(position, sampled + offset, asked, came)
            assert position.offset_beats in (None, offset)
