"""Following MIDI clock: uneven, lost and doubled pulses, steps and ramps of tempo, gaps, song position."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from liveengine.clock.clock_follower import ClockFollower
from liveengine.music.midi_clock import PULSES_PER_BEAT


@dataclass
class Sender:
    """Sends pulses as a master does, unevenly if asked, and knows where its song really is."""

    follower: ClockFollower
    jitter_ms: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    seed: int = 1
    at_us: float = 1_000_000.0
    number: int = 0
    errors_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._last_us = 0.0

    def play(self, beats: float, bpm: Callable[[float], float] = lambda _beat: 120.0) -> None:
        """Send pulses for some beats; the tempo is by the beat of this call."""
        for pulse in range(round(beats * PULSES_PER_BEAT)):
            if self._dice.random() >= self.lost or not self.number:  # the first tells where the song is
                came_us = max(self.at_us + self._dice.gauss(0, self.jitter_ms * 1e3), self._last_us + 100)
                self.follower.pulse(came_us)
                self._last_us = came_us
                if self._dice.random() < self.doubled:
                    self.follower.pulse(came_us + 500)
                    self._last_us = came_us + 500
            beat_map = self.follower.beat_map()
            if beat_map is not None:
                true_beat = self.number / PULSES_PER_BEAT
                self.errors_ms.append((beat_map.time_at(true_beat) - self.at_us) / 1e3)
            self.at_us += 60e6 / bpm(pulse / PULSES_PER_BEAT) / PULSES_PER_BEAT
            self.number += 1

    def start(self) -> None:
        self.follower.start()
        self.number = 0
        self.errors_ms.clear()


def percentile(values: list[float], share: float) -> float:
    return sorted(abs(value) for value in values)[int(share * (len(values) - 1))]


@pytest.mark.parametrize(
    ("jitter_ms", "lost", "doubled", "p99_ms"),
    [
        (0.0, 0.0, 0.0, 0.01),
        (1.0, 0.0, 0.0, 1.2),
        (1.0, 0.02, 0.02, 1.5),
        (3.0, 0.02, 0.0, 3.0),
        (5.0, 0.0, 0.0, 4.0),
    ],
)
def test_the_beat_is_the_senders_through_jitter_loss_and_doubles(
    jitter_ms: float, lost: float, doubled: float, p99_ms: float
) -> None:
    errors_ms: list[float] = []
    for seed in range(4):
        sender = Sender(ClockFollower(), jitter_ms, lost, doubled, seed)
        sender.play(4)
        sender.start()
        sender.play(100)
        errors_ms += sender.errors_ms[PULSES_PER_BEAT * 2 :]
    assert percentile(errors_ms, 0.99) <= p99_ms


@pytest.mark.parametrize("seed", range(4))
def test_a_ramp_is_followed(seed: int) -> None:
    sender = Sender(ClockFollower(), jitter_ms=1.0, seed=seed)
    sender.play(16, lambda _beat: 100.0)
    sender.errors_ms.clear()
    sender.number = sender.follower._next_number
    sender.play(32, lambda beat: 100 + 40 * beat / 32)
    assert percentile(sender.errors_ms, 0.95) <= 3.0


@pytest.mark.parametrize("step", [0.9, 1.1, 0.75, 1.3])
def test_a_step_is_followed_within_half_a_beat(step: float) -> None:
    sender = Sender(ClockFollower(), jitter_ms=1.0)
    sender.play(16)
    sender.errors_ms.clear()
    sender.number = sender.follower._next_number
    sender.play(8, lambda _beat: 120 * step)
    assert percentile(sender.errors_ms[PULSES_PER_BEAT // 2 :], 0.99) <= 3.0
    beat_map = sender.follower.beat_map()
    assert beat_map is not None
    assert beat_map.bpm == pytest.approx(120 * step, rel=0.01)


def test_the_first_pulse_after_start_is_the_downbeat_and_stop_is_at_once() -> None:
    sender = Sender(ClockFollower())
    sender.play(3.3)
    follower = sender.follower
    assert not follower.playing
    follower.start()
    assert not follower.playing, "Start alone says nothing of when"
    downbeat_us = sender.at_us
    sender.play(2)
    assert follower.playing
    assert follower.began_beat == 0.0
    beat_map = follower.beat_map()
    assert beat_map is not None
    assert beat_map.beat_at(downbeat_us) == pytest.approx(0.0, abs=1e-3)
    follower.stop()
    assert not follower.playing


def test_song_position_and_continue_go_on_where_they_say() -> None:
    sender = Sender(ClockFollower())
    sender.play(2)
    sender.follower.position(4 * 16)
    sender.follower.go_on()
    begun_us = sender.at_us
    sender.play(1)
    beat_map = sender.follower.beat_map()
    assert beat_map is not None
    assert beat_map.beat_at(begun_us) == pytest.approx(16.0, abs=1e-3)
    assert sender.follower.began_beat == 16.0
    sender.follower.position(0)
    assert beat_map.beat_at(begun_us) == pytest.approx(16.0, abs=1e-3), "not while it plays"


def test_a_clock_that_stops_coasts_for_a_beat_and_comes_back_where_it_would_be() -> None:
    sender = Sender(ClockFollower())
    sender.play(2)
    sender.start()
    sender.play(8)
    follower = sender.follower
    follower.advance(sender.at_us + 400_000)
    assert follower.playing
    assert follower.is_there
    follower.advance(sender.at_us + 600_000)
    assert not follower.playing
    assert not follower.is_there
    gap_pulses = 5 * PULSES_PER_BEAT
    sender.at_us += gap_pulses * 60e6 / 120 / PULSES_PER_BEAT
    sender.number += gap_pulses
    sender.errors_ms.clear()
    sender.play(2)
    assert follower.playing
    assert percentile(sender.errors_ms, 1.0) <= 1.0


def idle(sender: Sender, beats: int) -> None:
    """Let time pass without a pulse, as the engine sees it."""
    gap_us = beats * 60e6 / 120
    for moment_us in range(0, round(gap_us), 5_000):
        sender.follower.advance(sender.at_us + moment_us)
    sender.at_us += gap_us


def test_a_song_that_was_stopped_stays_so_when_the_clock_comes_back() -> None:
    sender = Sender(ClockFollower())
    sender.start()
    sender.play(8)
    sender.follower.stop()
    idle(sender, 5)
    assert not sender.follower.is_there
    sender.play(2)
    assert sender.follower.is_there
    assert not sender.follower.playing


@pytest.mark.parametrize("again", ["start", "go_on"])
def test_a_sender_that_is_silent_while_it_stands_still_begins_where_it_says(again: str) -> None:
    sender = Sender(ClockFollower())
    sender.start()
    sender.play(8)
    sender.follower.stop()
    idle(sender, 5)
    getattr(sender.follower, again)()
    sender.follower.advance(sender.at_us)
    begun_us = sender.at_us
    sender.play(2)
    begun = 0.0 if again == "start" else 8.0
    assert sender.follower.playing
    assert sender.follower.began_beat == begun
    beat_map = sender.follower.beat_map()
    assert beat_map is not None
    assert beat_map.beat_at(begun_us) == pytest.approx(begun, abs=1e-3)


def test_nothing_is_known_before_two_pulses() -> None:
    follower = ClockFollower()
    follower.advance(1e9)
    assert follower.beat_map() is None
    follower.pulse(1e6)
    assert follower.beat_map() is None
    follower.pulse(1e6)  # the same moment again
    assert follower.beat_map() is None
