"""Tempo by hand: taps of an uneven hand, nudges, half and double; and who lets himself be moved."""

from __future__ import annotations

import random

import pytest

from liveengine.clock.hand_tempo import MOVES, Taps, counted_in, tapped
from liveengine.clock.midi_clock import MidiClockTimeline
from liveengine.clock.system import SteadyTimeline
from liveengine.clock.virtual import VirtualTimeline
from liveengine.music.beats import BeatMap
from liveengine.music.control import TEMPO_MOVES

HAND_MS = 15.0


def series(bpm: float, count: int, seed: int, jitter_ms: float = HAND_MS) -> list[float]:
    dice = random.Random(seed)
    return [1e6 + beat * 60e6 / bpm + dice.gauss(0, jitter_ms * 1e3) for beat in range(count)]


@pytest.mark.parametrize("bpm", [72.0, 120.0, 174.0])
def test_an_uneven_hand_finds_the_tempo_and_the_downbeat(bpm: float) -> None:
    errors = []
    for seed in range(20):
        taps = Taps()
        for at_us in series(bpm, 8, seed):
            taps.tap(at_us)
        line = taps.line()
        assert line is not None
        beat_map = counted_in(line, 4.0)
        errors.append(abs(beat_map.bpm / bpm - 1))
        downbeat_us = 1e6 + 8 * 60e6 / bpm
        assert round(beat_map.beat_at(downbeat_us)) == 4
        assert abs(beat_map.time_at(4.0) - downbeat_us) < 40_000
    assert sorted(errors)[10] < 0.01


def test_a_tap_far_off_does_not_count_and_one_left_out_is_bridged() -> None:
    taps = Taps()
    for at_us in [*series(120, 4, 1, 0.0), 1e6 + 3.5 * 500_000, 1e6 + 5 * 500_000, 1e6 + 6 * 500_000]:
        taps.tap(at_us)
    line = taps.line()
    assert line is not None
    assert line[1] == pytest.approx(500_000, rel=0.02)


def test_a_pause_begins_a_new_series() -> None:
    taps = Taps()
    for at_us in series(120, 4, 1, 0.0):
        taps.tap(at_us)
    assert taps.tap(10e6) == 1
    assert taps.line() is None


def test_later_taps_move_tempo_and_beat_of_what_plays_without_a_jump() -> None:
    before = BeatMap(1e6, 8.0, 120.0)
    after = tapped(before, (1e6 + 2 * 500_000 + 20_000, 480_000.0))
    assert after.bpm == pytest.approx(125.0)
    assert after.beat_at(1e6 + 2 * 500_000 + 20_000) == pytest.approx(10.0)


@pytest.mark.parametrize("move", sorted(MOVES))
def test_moves_keep_the_beat_that_plays(move: str) -> None:
    before = BeatMap(0.0, 0.0, 120.0)
    after = MOVES[move](before, 10e6)
    moved_ms = (after.time_at(before.beat_at(10e6)) - 10e6) / 1e3
    assert abs(moved_ms) == pytest.approx(10.0 if move in ("nudge_earlier", "nudge_later") else 0.0, abs=1e-6)
    assert (after.bpm != before.bpm) == (move not in ("nudge_earlier", "nudge_later"))


def test_four_taps_begin_a_timeline_that_waits() -> None:
    timeline = SteadyTimeline(100.0, waits=True)
    assert not timeline.state().playing
    for at_us in series(120, 4, 2, 5.0):
        assert timeline.move("tap", at_us) is None
    state = timeline.state()
    assert state.playing
    assert state.beat_map.bpm == pytest.approx(120, rel=0.02)
    assert state.beat_map.time_at(4.0) == pytest.approx(1e6 + 4 * 500_000, abs=15_000)


def test_every_move_is_known_to_every_timeline_or_refused_with_the_reason() -> None:
    assert set(TEMPO_MOVES) == {"tap", *MOVES}
    for move in TEMPO_MOVES:
        assert SteadyTimeline(120.0).move(move, 1e6) is None
        assert "MIDI clock" in (MidiClockTimeline(120.0).move(move, 1e6) or "")
        refused = VirtualTimeline(120.0).move(move, 0.0)
        assert (refused is None) == (move in MOVES)


def test_every_timeline_says_whose_time_it_is() -> None:
    midi = MidiClockTimeline(120.0)
    assert midi.source() == "no MIDI clock"
    first_us = midi.now_us() - 1e6
    for pulse in range(60):
        midi.receive([0xF8], first_us + pulse * 1e6 / 60)
    assert midi.source() == "MIDI clock ± 0.0 ms"
    waiting = SteadyTimeline(120.0, waits=True)
    assert "tap four beats" in waiting.source()
    assert SteadyTimeline(120.0).source() == "own clock"
    assert VirtualTimeline(120.0).source() == "virtual time"
