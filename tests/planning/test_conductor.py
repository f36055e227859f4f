"""The conductor in virtual time: starting, following the session, styles, late bars."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable

import pytest

from liveengine.music.control import SetChoice, SetStyle, SetValue, TriggerAction
from liveengine.music.request import context_begins
from liveengine.planning.horizon import PlannedBar
from tests.rig import Rig

KICK, RIDE = 36, 51
MakeRig = Callable[..., Rig]


def bars_ended(rig: Rig) -> list[PlannedBar]:
    """Collect the bars that end from here on."""
    ended: list[PlannedBar] = []
    rig.watch_bars(lambda each: ended.append(each.planned))
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


def style_changes(rig: Rig) -> list[tuple[int, int]]:
    """Return (beat, note) from the last kick on."""
    notes = [(round(beat), note) for _, beat, note in rig.strikes]
    first = next(index for index, (_, note) in enumerate(notes) if note == RIDE)
    assert {note for _, note in notes[:first]} == {KICK}
    assert {note for _, note in notes[first:]} == {RIDE}
    return notes[first - 1 : first + 1]


@pytest.mark.parametrize(
    ("mode", "after_s", "begins"),
    [
        ("instant", 0.0, 15),  # at beat 14: what is due within the commit time plays on
        ("instant", 0.3, 15),
        ("beat", 0.0, 15),
        ("beat", 0.4, 15),
        ("beat", 0.48, 16),  # 20 ms before the beat
        ("bar", 0.0, 16),
        ("bar", 0.9, 16),
        ("bar", 0.97, 20),  # 30 ms before the bar line
        ("phrase", 0.0, 4 + 8 * 4),
    ],
)
def test_a_style_is_heard_from_where_the_switch_mode_says(
    make_rig: MakeRig, mode: str, after_s: float, begins: int
) -> None:
    rig = make_rig()
    rig.session.post(SetChoice("switch", mode))
    rig.run(7.0 + after_s)  # the first bar begins at beat 4, so this is beat 14: the third bar's third
    rig.session.post(SetStyle("jazz"))
    rig.run(16.0)
    assert style_changes(rig) == [(begins - 1, KICK), (begins, RIDE)]
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])
    assert rig.record.late_bars == 0
    assert sum(rig.record.dropped.values()) == 0


def test_a_bar_changed_while_it_plays_keeps_what_has_been_as_its_beginning(make_rig: MakeRig) -> None:
    rig = make_rig()
    ended = bars_ended(rig)
    rig.run(7.1)
    rig.session.post(SetStyle("jazz"))
    rig.run(3.0)
    request = next(each for each in rig.source.requests if each.from_step)
    assert (request.index, request.from_step) == (2, 12)
    assert [hit.step for hit in request.prefix] == [0, 4, 8]
    after = next(
        each for each in rig.source.requests if each.index == 3 and each.conditioning.genres[0][0] == "jazz"
    )
    assert after.context == (), "a style begins with a groove of its own, not with half a bar of it"
    bar = next(each for each in ended if each.index == 2)
    assert len(bar.parts) == 2
    assert bar.parts[-1] == (12, request.serial)


def test_each_plan_says_from_when_it_is_heard_and_each_note_which_plan_it_is_of(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetChoice("switch", "instant"))
    rig.run(5.0)
    for turn in range(40):
        rig.session.post(SetStyle(("jazz", "rock")[turn % 2]))
        rig.run(0.71)
    rig.session.end()
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    turned = [line["at_us"] for line in lines if line["type"] == "control" and line["name"] == "style"]
    plans = [line for line in lines if line["type"] == "bar" and line["replanned"]]
    notes = [line for line in lines if line["type"] == "note"]
    waits_ms = []
    for at_us in turned[:-1]:
        first = next(line for line in plans if line["at_us"] >= at_us)
        waits_ms.append((first["from_us"] - at_us) / 1e3)
        heard = next(note for note in notes if note["due_us"] >= first["from_us"])
        assert heard["decode_id"] == first["decode_id"]
        assert heard["style"] == first["style"]
    assert len(waits_ms) == 39
    # The source takes 50 ms, is looked at every 2, and the order takes 4; a late hit may follow.
    assert sorted(waits_ms)[30] <= 62.0


def test_the_commit_time_follows_the_measured_time_of_generation(make_rig: MakeRig) -> None:
    rig = make_rig()
    assert rig.conductor.plan.commit.ms == 45.0
    rig.source.delay_us = 12_000.0
    rig.run(5.0)
    assert rig.conductor.plan.commit.ms == 45.0  # whole bars tell nothing of it
    for turn in range(8):
        rig.session.post(SetValue("density", turn / 8))
        rig.run(0.8)
    assert rig.conductor.plan.commit.ms == pytest.approx(max(20.0, 12 + 6), abs=3.0)
    rig.source.delay_us = 150_000.0
    for turn in range(8):
        rig.session.post(SetValue("density", turn / 8))
        rig.run(0.8)
    assert rig.conductor.plan.commit.ms > 150.0


def test_a_second_wish_in_phrase_mode_takes_the_place_of_the_first(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetChoice("switch", "phrase"))
    rig.run(7.0)
    rig.session.post(SetStyle("jazz"))
    rig.run(4.0)
    rig.session.post(SetStyle("rock"))
    rig.run(20.0)
    assert {note for _, _, note in rig.strikes} == {KICK}


def test_a_storm_of_styles_never_starves_the_music_and_the_last_one_holds(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetChoice("switch", "instant"))
    rig.run(5.0)
    for turn in range(600):
        rig.session.post(SetStyle(("jazz", "rock")[turn % 2]))
        rig.run(0.01)
    rig.session.post(SetStyle("jazz"))
    rig.run(0.2)
    settled = len(rig.strikes)
    rig.run(6.0)
    assert {note for _, _, note in rig.strikes[settled:]} == {RIDE}
    beats = [beat for _, beat, _ in rig.strikes]
    assert beats == pytest.approx([4.0 + index for index in range(len(beats))])
    assert rig.record.late_bars == 0
    assert sum(rig.record.dropped.values()) == 0


def test_rapid_turning_keeps_one_request_and_the_last_value_wins(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    asked = len(rig.source.requests)
    for value in range(100):
        rig.session.post(SetValue("density", value / 100))
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
    rig.session.post(SetValue("swing_percent", 66.0))
    rig.session.post(SetValue("humanize", 0.0))
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
    covered = [bar.index for bar in ended if bar.fallback]
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
    starts = rig.conductor.grid.start_beat(rig.conductor.horizon.current)
    assert starts % 4 == pytest.approx(0)


@pytest.mark.parametrize("run_s", [6.55, 7.9])
@pytest.mark.parametrize(("from_bpm", "to_bpm"), [(60.0, 180.0), (180.0, 75.0)])
def test_a_tempo_told_late_is_followed_and_strikes_nothing_twice(
    make_rig: MakeRig, from_bpm: float, to_bpm: float, run_s: float
) -> None:
    rig = make_rig(bpm=from_bpm)
    rig.source.steps = 1
    rig.run(run_s)
    rig.timeline.set_tempo(to_bpm)
    beat = rig.timeline.state().beat_map.beat_at(rig.timeline.now_us())
    missed_beats = (to_bpm - from_bpm) / 60 * 0.3
    rig.timeline.jump_to(beat + missed_beats)
    before, bar = len(rig.strikes), rig.conductor.horizon.current
    rig.run(5.0)
    after = [beat for _, beat, _ in rig.strikes[before:]]
    first = max(beat, beat + missed_beats)  # what was struck too early meanwhile is not struck again
    assert after[0] == pytest.approx(math.ceil(first * 4) / 4)
    assert after == pytest.approx([after[0] + step / 4 for step in range(len(after))], abs=1e-6)
    ended = (after[-1] - rig.conductor.grid.start_beat(bar)) // 4
    assert rig.conductor.horizon.current == bar + ended


def test_joining_a_running_session_before_the_first_downbeat_begins_anew(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(0.5)
    rig.timeline.jump_to(42.0)
    rig.run(4.0)
    assert rig.strikes[0][1] == pytest.approx(44.0)


def test_latency_sends_earlier(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetValue("latency_ms", 30.0))
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
    rig.session.post(TriggerAction("stop"))
    rig.run(0.01)
    assert not rig.conductor.sounding
    assert not rig.timeline.playing
    strikes = len(rig.strikes)
    rig.run(3.0)
    assert len(rig.strikes) == strikes
    rig.session.post(TriggerAction("start"))
    rig.run(5.0)
    assert rig.timeline.playing
    assert rig.strikes[strikes][1] % 4 == pytest.approx(0, abs=1e-6)


def test_a_stop_by_control_works_in_a_session_that_never_started(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playing = False
    rig.run(5.0)
    assert rig.conductor.sounding
    rig.session.post(TriggerAction("stop"))
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
    rig.session.post(TriggerAction("stop"))
    rig.run(1.0)
    rig.session.post(TriggerAction("start"))
    rig.run(6.0)
    song = [message for message in rig.sink.messages if message[0] in (0xFA, 0xFB, 0xFC, 0xF2)]
    assert [message[0] for message in song] == [0xFA, 0xFC, 0xF2, 0xFB]
    pulses = sum(message == (0xF8,) for message in rig.sink.messages)
    assert pulses == pytest.approx(13.0 * 48, abs=2)


def test_a_style_turned_while_a_new_bar_is_being_made_holds_for_that_bar_too(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.0)  # beat 12, a bar line: bar 4 has just come into view
    while rig.source.requests[-1].index != 4:
        rig.run(0.002)
    rig.session.post(SetStyle("jazz"))
    rig.run(9.0)
    assert {note for _, beat, note in rig.strikes if 19.9 < beat < 24} == {RIDE}


def test_what_a_generator_took_along_when_it_went_is_asked_anew_as_it_is_wished_by_now(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(bpm=20.0)
    rig.run(13.0)
    rig.source.stuck = True
    rig.session.post(SetValue("density", 0.9))
    rig.run(0.1)
    rig.session.post(SetValue("density", 0.2))
    rig.run(0.1)
    assert rig.source.requests[-1].conditioning.density == 0.9
    rig.source.die()
    rig.run(0.02)
    assert rig.source.requests[-1].conditioning.density == 0.2


def test_a_generator_that_hangs_is_asked_anew_as_it_is_wished_by_now(make_rig: MakeRig) -> None:
    rig = make_rig(bpm=20.0)
    rig.run(13.0)
    rig.source.stuck = True
    rig.session.post(SetValue("density", 0.9))
    rig.run(0.1)
    rig.session.post(SetValue("density", 0.2))
    rig.run(1.0)
    assert rig.source.requests[-1].conditioning.density == 0.9
    rig.run(1.5)
    assert rig.source.requests[-1].conditioning.density == 0.2
