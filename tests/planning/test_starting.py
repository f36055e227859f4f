"""Where a performance begins: with the session, after it, with a MIDI clock's Start; and moves by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from liveengine.clock.clock_follower import ClockFollower
from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap
from liveengine.music.control import TEMPO_MOVES, TriggerAction
from liveengine.music.midi_clock import PULSES_PER_BEAT
from liveengine.planning.conductor import Conductor
from liveengine.planning.starting import first_beat
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def waiting(rig: Rig) -> None:
    """Let a fresh conductor wait for the session."""
    conductor = rig.conductor
    rig.session.conductor = Conductor(
        replace(conductor.settings, waits=True), conductor.styles, conductor.kit, conductor.controls
    )


def test_what_starts_to_play_shares_that_it_plays(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playing = False
    rig.run(3.0)
    assert rig.strikes
    assert rig.timeline.playing, "so that the session's first stop is a change"
    rig.timeline.playing = False
    stopped_us = rig.timeline.now_us()
    rig.run(4.0)
    assert all(at_us <= stopped_us + 50_000 for at_us, _, _ in rig.strikes)


def test_who_waits_plays_not_a_note_before_the_session_does(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playing = False
    waiting(rig)
    rig.run(6.0)
    assert not rig.strikes
    rig.timeline.playing = True
    rig.run(4.0)
    assert rig.strikes[0][1] % 4 == pytest.approx(0.0, abs=1e-6)


def test_who_waits_begins_in_a_session_that_is_known_to_play(make_rig: MakeRig) -> None:
    rig = make_rig()
    waiting(rig)
    rig.run(5.0)
    assert rig.strikes


@pytest.mark.parametrize(
    ("began", "late_ms", "beat"), [(8.0, 20.0, 8.0), (8.0, 150.0, 12.0), (9.0, 20.0, 12.0), (None, 0.0, 12.0)]
)
def test_a_bar_begins_with_a_start_that_has_just_been(
    began: float | None, late_ms: float, beat: float
) -> None:
    session = SessionState(BeatMap(0.0, 8.0, 120.0), 1, True, began)
    if began is not None:
        session = replace(session, beat_map=BeatMap(0.0, began, 120.0))
    found = first_beat(session, 4.0, now_us=late_ms * 1e3, lead_us=100_000, count_beats=0)
    assert found == beat


def test_a_count_in_comes_before_the_first_bar_whatever_has_just_begun() -> None:
    session = SessionState(BeatMap(0.0, 8.0, 120.0), 1, True, 8.0)
    assert first_beat(session, 4.0, now_us=20_000, lead_us=100_000, count_beats=4.0) == 16.0


def test_the_drummer_comes_in_with_a_midi_clocks_start(make_rig: MakeRig) -> None:
    rig = make_rig()
    follower = ClockFollower()
    rig.timeline.playing = False
    waiting(rig)

    def state() -> SessionState:
        follower.advance(rig.timeline.now_us())
        beat_map = follower.beat_map() or BeatMap(0.0, 0.0, 120.0)
        return SessionState(beat_map, 1, follower.playing, follower.began_beat)

    rig.timeline.state = state  # type: ignore[method-assign]
    pulse_us = 60e6 / 100 / PULSES_PER_BEAT
    downbeat_us = 0.0
    for pulse in range(16 * PULSES_PER_BEAT):
        if pulse == 100:
            follower.start()
            downbeat_us = rig.timeline.now_us()
        follower.pulse(rig.timeline.now_us())
        rig.run(pulse_us / 1e6)
    first_us, beat, _ = rig.strikes[0]
    assert beat == pytest.approx(0.0, abs=0.05)
    assert 0 <= first_us - downbeat_us <= 30_000
    follower.stop()
    stopped_us = rig.timeline.now_us()
    rig.run(3.0)
    assert all(at_us <= stopped_us + 50_000 for at_us, _, _ in rig.strikes)


@pytest.mark.parametrize("move", TEMPO_MOVES)
def test_moves_by_hand_reach_the_timeline_or_are_refused_with_the_reason(
    make_rig: MakeRig, move: str
) -> None:
    rig = make_rig()
    rig.run(3.0)
    before = rig.timeline.state().beat_map
    rig.session.post(TriggerAction(move))
    rig.run(0.1)
    moved = rig.timeline.state().beat_map != before
    assert moved != ("no taps" in rig.record.notice)
