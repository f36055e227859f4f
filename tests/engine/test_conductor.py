"""The conductor in virtual time: starting, following the session, styles, late bars."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import pytest

from liveengine.engine.events import BarEnded
from liveengine.music.control import SetLevel, SetStyle, SetTransport
from liveengine.music.request import context_begins
from tests.rig import Rig

KICK, RIDE = 36, 51
MakeRig = Callable[..., Rig]


def bars_ended(rig: Rig) -> list[BarEnded]:
    """Collect the bars that end from here on."""
    ended: list[BarEnded] = []
    record = rig.record.effect

    def effect(each: object) -> None:
        if isinstance(each, BarEnded):
            ended.append(each)
        record(each)  # type: ignore[arg-type]

    rig.record.effect = effect  # type: ignore[method-assign,assignment]
    return ended


@pytest.mark.parametrize("quantum", [3.0, 4.0, 5.0, 7.0, 8.0, 2.5])
def test_starts_on_a_multiple_of_the_quantum_within_two_bars(make_rig: MakeRig, quantum: float) -> None:
    rig = make_rig(quantum=quantum)
    rig.timeline.jump_to(1.3)
    rig.run(2 * quantum * 0.5 + 0.5)
    first_beat = rig.strikes[0][1]
    assert first_beat / quantum == pytest.approx(round(first_beat / quantum), abs=1e-6)
    assert first_beat <= 1.3 + 2 * quantum


def test_the_first_downbeat_is_told_when_it_has_been(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(1.0)
    assert rig.conductor.first_downbeat_us is None
    rig.run(1.5)
    assert rig.conductor.first_downbeat_us == pytest.approx(2_000_000)
    assert rig.strikes[0][0] == pytest.approx(2_000_000)


def test_plays_every_beat_without_gap_or_double(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(20.0)
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])
    assert len(beats) == 36
    assert rig.record.late_bars == 0


@pytest.mark.parametrize("bpm", [60.0, 180.0, 97.0])
def test_a_tempo_change_moves_what_is_pending_at_once(make_rig: MakeRig, bpm: float) -> None:
    rig = make_rig(bpm=120.0)
    rig.run(5.2)
    rig.timeline.set_tempo(bpm)
    before = len(rig.strikes)
    rig.run(6.0)
    after = rig.strikes[before:]
    assert [beat for _, beat, _ in after] == pytest.approx(
        [round(after[0][1]) + index for index in range(len(after))], abs=1e-6
    )
    gaps = [late - early for (early, _, _), (late, _, _) in itertools.pairwise(after)]
    assert gaps == pytest.approx([60e6 / bpm] * len(gaps))


def test_the_next_bars_are_asked_for_at_the_new_tempo(make_rig: MakeRig) -> None:
    rig = make_rig(bpm=100.0)
    rig.run(6.0)
    rig.timeline.set_tempo(140.0)
    rig.run(6.0)
    assert rig.source.requests[0].conditioning.bpm == 100.0
    assert rig.source.requests[-1].conditioning.bpm == 140.0


def test_a_style_sounds_from_the_next_bar(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = bars_ended(rig)
    rig.run(7.0)  # beat 14: in the middle of the bar that began at 12
    rig.session.post(SetStyle("jazz"))
    rig.run(5.0)
    notes = {round(beat): note for _, beat, note in rig.strikes}
    assert [notes[beat] for beat in range(4, 16)] == [KICK] * 12
    assert {notes[beat] for beat in range(16, 24)} == {RIDE}
    assert [(bar.bar, bar.style) for bar in ended][2:4] == [(2, "rock"), (3, "jazz")]


def test_a_style_asked_for_at_the_last_moment_joins_the_next_bar_at_its_next_step(
    make_rig: MakeRig,
) -> None:
    rig = make_rig()
    rig.run(7.98)  # 20 ms before the bar line, the new bar takes 50 ms
    rig.session.post(SetStyle("jazz"))
    rig.run(2.1)
    notes = [(round(beat), note) for _, beat, note in rig.strikes if beat > 15.5]
    assert notes == [(16, KICK), (17, RIDE), (18, RIDE), (19, RIDE), (20, RIDE)]
    assert rig.record.late_bars == 0


def test_rapid_turning_keeps_one_request_and_the_last_value_wins(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    asked = len(rig.source.requests)
    for value in range(100):
        rig.session.post(SetLevel("density", value / 100))
        rig.run(0.01)
    rig.run(0.5)
    assert rig.source.requests[-1].conditioning.density == pytest.approx(0.99)
    assert len(rig.source.requests) > asked
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])


def test_swing_changes_what_is_planned_without_asking_again(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    asked = len(rig.source.requests)
    rig.session.post(SetLevel("swing_percent", 66.0))
    rig.session.post(SetLevel("humanize", 0.0))
    rig.session.step(rig.timeline.now_us())
    assert len(rig.source.requests) == asked
    rig.run(3.0)
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])


def test_a_generator_that_stops_is_covered_by_the_last_bar_and_counted(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = bars_ended(rig)
    rig.run(5.0)
    rig.source.stuck = True
    rig.run(12.0)
    rig.source.stuck = False
    rig.run(8.0)
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])
    covered = [bar.bar for bar in ended if bar.fallback]
    assert covered == list(range(covered[0], covered[-1] + 1))
    assert 3 <= len(covered) <= 5
    assert all(bar.late for bar in ended if bar.fallback)
    assert not ended[-1].fallback
    assert rig.record.late_bars == len(covered)


def test_a_slow_generator_never_silences_the_music(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.delay_us = 2.6e6  # longer than a bar
    rig.run(40.0)
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([beats[0] + index for index in range(len(beats))])
    assert any(request.index > 4 for request in rig.source.requests)


def test_stop_and_start_of_the_session_are_obeyed(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.3)
    rig.timeline.playing = False
    played = len(rig.strikes)
    rig.run(3.0)
    assert len(rig.strikes) == played
    assert rig.sink.messages[-1][0] & 0xF0 == 0x80
    rig.timeline.playing = True
    rig.run(4.0)
    first = rig.strikes[played][1]
    assert first / 4 == pytest.approx(round(first / 4), abs=1e-6)


def test_plays_on_launch_in_a_session_that_never_started(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playing = False
    rig.run(5.0)
    assert rig.strikes


@pytest.mark.parametrize("to_beat", [2.5, 101.25])
def test_a_jump_of_the_beat_is_followed_on_the_new_phase(make_rig: MakeRig, to_beat: float) -> None:
    rig = make_rig()
    rig.run(7.1)
    rig.timeline.jump_to(to_beat)
    before = len(rig.strikes)
    rig.run(6.0)
    after = [beat for _, beat, _ in rig.strikes[before:]]
    assert after == pytest.approx([round(after[0]) + index for index in range(len(after))], abs=1e-6)
    assert after[0] - to_beat <= 4.0
    starts = rig.conductor.start_beat(rig.conductor.horizon.current)
    assert starts % 4 == pytest.approx(0)


def test_joining_a_running_session_before_the_first_downbeat_begins_anew(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(0.5)
    rig.timeline.jump_to(42.0)
    rig.run(4.0)
    assert rig.strikes[0][1] == pytest.approx(44.0)


def test_latency_sends_earlier(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetLevel("latency_ms", 30.0))
    rig.run(4.0)
    assert rig.strikes[0][0] == pytest.approx(2_000_000 - 30_000)


def test_stopping_ends_every_note(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(4.01)
    rig.session.end()
    on = [message[1] for message in rig.sink.messages if message[0] & 0xF0 == 0x90]
    off = [message[1] for message in rig.sink.messages if message[0] & 0xF0 == 0x80]
    assert len(on) == len(off) > 0


def test_context_is_what_was_played_in_order(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(30.0)
    request = rig.source.requests[-1]
    velocities = [each.bar.hits[0].velocity for each in request.context]
    expected = [90 + index % 8 for index in range(request.index - len(velocities), request.index)]
    assert velocities == expected
    assert len(velocities) == request.index - context_begins(request.index)


def test_a_stop_by_control_stops_at_once_and_is_shared(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    rig.session.post(SetTransport(False))
    rig.run(0.01)
    assert not rig.conductor.sounding
    assert not rig.timeline.playing
    strikes = len(rig.strikes)
    rig.run(3.0)
    assert len(rig.strikes) == strikes
    rig.session.post(SetTransport(True))
    rig.run(5.0)
    assert rig.timeline.playing
    assert rig.strikes[strikes][1] % 4 == pytest.approx(0, abs=1e-6)


def test_a_stop_by_control_works_in_a_session_that_never_started(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playing = False
    rig.run(5.0)
    assert rig.conductor.sounding
    rig.session.post(SetTransport(False))
    rig.run(0.01)
    assert not rig.conductor.sounding


def test_bars_tell_how_long_they_were_waited_for_and_how_long_that_was_allowed(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(14.0)
    rig.record.flush()
    bars = [json.loads(line) for line in rig.trace.read_text().splitlines() if '"type": "bar"' in line]
    assert all(50 <= bar["waited_ms"] <= 54 for bar in bars)
    steady = [bar["allowed_ms"] for bar in bars[4:]]
    assert steady
    assert all(3000 < allowed < 4000 for allowed in steady)  # two bars of two seconds ahead, less the lead


def test_midi_clock_starts_with_the_first_bar_and_stops_with_the_session(make_rig: MakeRig) -> None:
    rig = make_rig(midi_clock=True)
    rig.run(6.0)
    rig.session.post(SetTransport(False))
    rig.run(1.0)
    rig.session.post(SetTransport(True))
    rig.run(6.0)
    song = [message for message in rig.sink.messages if message[0] in (0xFA, 0xFB, 0xFC, 0xF2)]
    assert [message[0] for message in song] == [0xFA, 0xFC, 0xF2, 0xFB]
    pulses = sum(message == (0xF8,) for message in rig.sink.messages)
    assert pulses == pytest.approx(13.0 * 48, abs=2)
