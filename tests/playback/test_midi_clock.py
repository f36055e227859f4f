"""MIDI clock: 24 pulses a beat through tempo changes, and the song's start, stop and place around them."""

from __future__ import annotations

import pytest

from liveengine.music.beats import BeatMap
from liveengine.music.midi_clock import CONTINUE, PULSE, SONG_POSITION, START, STOP
from liveengine.playback.messages import Replace, Report, SetLatency, SetMap, StartSong, StopSong
from liveengine.playback.scheduler import PlayerCore
from tests.playback.test_scheduler import hit, order

PULSE_US = 500_000 / 24


def core(bpm: float = 120.0) -> PlayerCore:
    made = PlayerCore(gate_ms=60.0, late_drop_ms=30.0, midi_clock=True)
    order(made, SetMap(BeatMap(0.0, 0.0, bpm)))
    return made


def run(player: PlayerCore, until_us: float) -> list[tuple[float, tuple[int, ...]]]:
    """Play to a moment, each message exactly when it is due."""
    sent: list[tuple[float, tuple[int, ...]]] = []
    dropped: list[Report] = []
    while (due := player.next_due_us()) is not None and due < until_us:
        sent += [(due, each.message) for each in player.pop(due, dropped)]
    assert not dropped
    return sent


def pulses(sent: list[tuple[float, tuple[int, ...]]]) -> list[float]:
    return [moment for moment, message in sent if message == (PULSE,)]


def song(sent: list[tuple[float, tuple[int, ...]]]) -> list[tuple[int, ...]]:
    return [message for _, message in sent if message != (PULSE,)]


def test_a_beat_has_24_pulses_at_any_tempo_and_the_latency_moves_them() -> None:
    player = core(120.0)
    assert pulses(run(player, 999_999)) == pytest.approx([index * PULSE_US for index in range(48)])
    order(player, SetMap(BeatMap(1_000_000.0, 2.0, 60.0)), 1_000_000.0)
    slower = pulses(run(player, 1_999_999))
    assert slower == pytest.approx([1_000_000 + index * 2 * PULSE_US for index in range(24)])
    order(player, SetLatency(10.0), 2_000_000.0)
    assert pulses(run(player, 2_040_000.0))[-1] == pytest.approx(2_000_000 + 2 * PULSE_US - 10_000)


def test_no_pulse_is_lost_or_doubled_by_a_change_of_tempo() -> None:
    player = core(100.0)
    sent: list[tuple[float, tuple[int, ...]]] = []
    beat, at_us, bpm = 0.0, 0.0, 100.0
    for index in range(40):
        sent += run(player, at_us + 130_000.0)
        beat += 130_000.0 * bpm / 60e6
        at_us += 130_000.0
        bpm = 60.0 + (index * 37) % 140
        order(player, SetMap(BeatMap(at_us, beat, bpm)), at_us)
    assert len(pulses(sent)) == pytest.approx(beat * 24, abs=1)


def test_start_comes_right_after_the_pulse_before_the_downbeat() -> None:
    player = core()
    order(player, StartSong(4.0, 0.0))
    sent = run(player, 2.2e6)
    places = [moment for moment, message in sent if message == (START,)]
    assert places == pytest.approx([4 * 500_000 - PULSE_US])
    assert song(sent) == [(START,)]
    assert [each.message for each in order(player, StopSong())] == [(STOP,)]
    assert order(player, StopSong()) == []


def test_a_later_start_goes_on_from_its_song_position() -> None:
    player = core()
    assert [each.message for each in order(player, StartSong(4.0, 100 * 4.0))] == [
        (SONG_POSITION, 1600 & 0x7F, 1600 >> 7)
    ]
    assert song(run(player, 2.1e6)) == [(CONTINUE,)]
    moved = [each.message for each in order(player, StartSong(8.0, 3 * 4.0))]
    assert moved == [(STOP,), (SONG_POSITION, 48, 0)]


def test_a_song_beyond_the_last_position_is_started_anew() -> None:
    player = core()
    assert order(player, StartSong(4.0, 1024 * 4.0)) == []
    assert song(run(player, 2.1e6)) == [(START,)]


def test_a_start_that_has_passed_is_made_up_for_at_the_next_sixteenth() -> None:
    player = core()
    run(player, 1_010_000.0)  # a little after beat 2
    out = [each.message for each in order(player, StartSong(0.0, 16.0))]
    assert out == [(SONG_POSITION, 16 * 4 + 9, 0)]
    sent = run(player, 1_300_000.0)
    place = next(moment for moment, message in sent if message == (CONTINUE,))
    assert place == pytest.approx(2.25 * 500_000 - PULSE_US)


def test_a_jump_of_the_beat_begins_the_count_anew() -> None:
    player = core()
    run(player, 1_000_000.0)
    order(player, SetMap(BeatMap(1_000_000.0, 77.5, 120.0)), 1_000_000.0)
    assert pulses(run(player, 1_060_000.0)) == pytest.approx(
        [1_000_000 + index * PULSE_US for index in range(3)]
    )


def test_pulses_and_notes_keep_their_order_and_end_with_stop() -> None:
    player = core()
    order(player, StartSong(1.0, 0.0))
    order(player, Replace(0, 0, (hit(1, 1.0),)))
    sent = run(player, 501_000.0)
    assert [message[0] for _, message in sent][-2:] == [PULSE, 0x99]
    assert [each.message for each in player.end([(10, 36)])] == [(0x89, 36, 0), (0xB9, 123, 0), (STOP,)]
