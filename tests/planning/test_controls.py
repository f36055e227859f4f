"""What controls do to the plan while it plays: mutes, pushes, fills, breaks, loops, undo, blends."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from liveengine.music.control import (
    SetBlendStyle,
    SetChoice,
    SetSeed,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.planning.bar_builder import USUAL_TEMPERATURE
from tests.rig import Rig

KICK, CRASH = 36, 49
MakeRig = Callable[..., Rig]


def heard(rig: Rig, begin_beat: float, end_beat: float) -> list[tuple[float, int]]:
    """Return (beat, note) struck from one beat to another, to the hundredth of a beat."""
    return [
        (round(beat, 2), note) for _, beat, note in rig.strikes if begin_beat - 0.01 <= beat < end_beat - 0.01
    ]


def test_a_mute_a_level_and_a_solo_are_heard_with_the_next_hit_and_ask_for_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.1)  # beat 14.2
    asked = len(rig.source.requests)
    rig.session.post(SetToggle("mute_kick", True))
    rig.run(1.0)
    assert heard(rig, 15, 16.2) == []
    rig.session.post(SetToggle("mute_kick", False))
    rig.session.post(SetValue("level_kick", 0.5))
    rig.run(0.5)
    loud = [message for message in rig.sink.messages if message[0] == 0x99]
    assert heard(rig, 16.2, 17.2) == [(17.0, KICK)]
    assert [message[2] for message in loud[-2:]] == [92, round(93 * 0.5)]
    rig.session.post(SetToggle("solo_snare", True))
    rig.run(1.0)
    assert heard(rig, 17.2, 19.2) == []
    assert len(rig.source.requests) == asked + 1  # the bar that came into view meanwhile


def test_a_push_moves_one_drum_and_keeps_the_bars(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.1)
    rig.session.post(SetValue("push_kick", 25.0))
    rig.run(2.0)
    assert heard(rig, 15, 18) == [(15.05, KICK), (16.05, KICK), (17.05, KICK)]


def test_a_fill_is_written_into_the_rest_of_the_bar_and_lands_on_a_crash(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)  # beat 13.2 of the bar that began at 12
    rig.session.post(TriggerAction("fill"))
    rig.run(4.0)
    filled = next(each for each in rig.source.requests if each.conditioning.fill)
    assert (filled.index, filled.from_step) == (2, 6)
    assert {CRASH, KICK} <= {note for beat, note in heard(rig, 16, 16.2)}
    assert CRASH not in [note for beat, note in heard(rig, 0, 16)] + [
        note for beat, note in heard(rig, 17, 22)
    ]
    landing = next(each for each in rig.source.requests if each.index == 3 and each.from_step == 1)
    assert [hit.voice.label for hit in landing.prefix] == ["kick", "crash"]
    assert not landing.conditioning.fill


@pytest.mark.parametrize(
    ("beat", "crash"), [(12.1, 16), (13.5, 16), (13.9, 16), (14.0, 20), (15.0, 20), (15.94, 20)]
)
def test_a_fill_asked_from_the_middle_of_a_bar_on_is_all_of_the_next(
    make_rig: MakeRig, beat: float, crash: float
) -> None:
    rig = make_rig()
    rig.run(beat / 2)
    rig.session.post(TriggerAction("fill"))
    rig.run(6.0)
    assert [beat for beat, note in heard(rig, 0, 24) if note == CRASH] == [crash]
    filled = {each.index for each in rig.source.requests if each.conditioning.fill}
    assert filled == {2 if crash == 16 else 3}
    assert sum(rig.record.dropped.values()) == 0


@pytest.mark.parametrize(
    ("quantum", "steps_in", "waits"),
    [(3.0, 5, False), (3.0, 6, True), (3.5, 6, False), (3.5, 7, True), (2.5, 3, False), (2.5, 4, True)],
)
def test_a_fill_needs_half_the_bar_and_one_and_a_half_beats_in_every_meter(
    make_rig: MakeRig, quantum: float, steps_in: int, waits: bool
) -> None:
    rig = make_rig(quantum=quantum)
    while rig.conductor.horizon.current < 3:
        rig.run(0.01)
    rig.run(steps_in / 8)  # at 120 bpm; the step itself is about to play
    rig.session.post(TriggerAction("fill"))
    rig.run(3.0)
    filled = {each.index for each in rig.source.requests if each.conditioning.fill}
    assert filled == {4 if waits else 3}


def test_a_break_drops_out_at_once_and_comes_back_on_the_downbeat(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)  # beat 13.2
    rig.session.post(TriggerAction("break"))
    rig.run(3.0)
    assert heard(rig, 13.2, 16) == []
    assert {note for _, note in heard(rig, 16, 16.1)} == {KICK, CRASH}
    assert len(heard(rig, 16.1, 19)) == 2


@pytest.mark.parametrize("switch", ["instant", "bar"])
@pytest.mark.parametrize(
    "turn", [SetValue("density", 1.0), SetStyle("jazz"), SetValue("swing_percent", 60.0)]
)
@pytest.mark.parametrize(("asked_at", "silent"), [(13.2, (13.2, 16)), (15.98, (16, 20))])
def test_a_break_is_silent_whatever_is_turned_in_it(
    make_rig: MakeRig, switch: str, turn: SetValue | SetStyle, asked_at: float, silent: tuple[float, float]
) -> None:
    rig = make_rig(switch=switch)
    rig.run(asked_at / 2)
    rig.session.post(TriggerAction("break"))
    rig.run(0.02)
    rig.session.post(turn)
    rig.run(4.0)
    begin, end = silent
    assert heard(rig, begin, end) == []
    assert {note for _, note in heard(rig, end, end + 0.1)} >= {CRASH}


def test_a_break_ends_a_fill_for_good(make_rig: MakeRig) -> None:
    rig = make_rig(switch="beat")
    rig.run(6.05)  # beat 12.1
    rig.session.post(TriggerAction("fill"))
    rig.run(0.5)
    rig.session.post(TriggerAction("break"))
    rig.run(0.1)  # beat 13.3
    rig.session.post(SetStyle("jazz"))
    rig.run(3.0)
    assert heard(rig, 13.3, 16) == []
    assert {note for _, note in heard(rig, 16, 16.1)} >= {CRASH}


def test_a_fill_ends_a_break(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.1)  # beat 12.2
    rig.session.post(TriggerAction("break"))
    rig.run(0.1)
    rig.session.post(TriggerAction("fill"))
    rig.run(3.0)
    assert heard(rig, 13, 16) != []


def test_a_mute_that_comes_with_feel_is_heard_in_a_locked_loop(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(8.1)
    rig.session.post(TriggerAction("lock_1"))
    rig.run(4.0)  # beat 24.2
    rig.session.post(SetValue("swing_percent", 60.0))
    rig.session.post(SetToggle("mute_kick", True))
    rig.run(6.0)
    assert heard(rig, 20, 24.2) != []
    assert heard(rig, 24.3, 35) == []


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_lock_repeats_bars_to_the_tick_until_it_is_unlocked(make_rig: MakeRig, count: int) -> None:
    rig = make_rig(style="loose")
    rig.run(20.0)
    rig.session.post(TriggerAction(f"lock_{count}"))
    rig.run(2.0 * count * 3)
    rig.session.end()
    rig.record.flush()
    notes = [json.loads(line) for line in rig.trace.read_text().splitlines() if '"type": "note"' in line]
    starts = {each: 4.0 + 4 * each for each in {note["bar"] for note in notes}}
    bars = {
        index: [
            (round(note["beat"] - starts[index], 6), note["offset_ms"], note["note"], note["velocity"])
            for note in notes
            if note["bar"] == index
        ]
        for index in starts
    }
    first = 9 + 1  # the bar that played at the lock, and the next
    assert bars[first - 1] != bars[first - 2]  # a loose style never plays the same
    for index in range(first, first + 2 * count):
        assert sorted(bars[index]) == sorted(bars[index - count])
    asked = len(rig.source.requests)
    rig.session.post(TriggerAction("unlock"))
    rig.session.step(rig.timeline.now_us())
    assert len(rig.source.requests) >= asked


def test_undo_goes_back_to_the_controls_and_the_bar_before(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.1)
    played = rig.conductor.horizon.get(2)
    assert played is not None
    rig.session.post(SetStyle("jazz"))
    rig.run(2.0)
    assert rig.conductor.style.name == "jazz"
    rig.session.post(TriggerAction("undo"))
    rig.run(2.0)
    assert rig.conductor.style.name == "rock"
    again = next(planned for planned in rig.conductor.horizon.played() if planned.index == 4)
    assert [hit.timed for hit in again.hits] == [hit.timed for hit in played.hits]
    rig.run(2.0)
    assert {note for _, note in heard(rig, 20, 26)} == {KICK}
    rig.session.post(TriggerAction("undo"))  # nothing is left to undo
    rig.run(0.1)
    assert rig.conductor.style.name == "rock"


def test_a_blend_mixes_genres_and_feel(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    rig.session.post(SetBlendStyle("jazz"))
    rig.session.post(SetValue("blend", 0.25))
    rig.run(1.0)
    assert dict(rig.source.requests[-1].conditioning.genres) == {"rock": 0.75, "jazz": 0.25}
    rig.session.post(SetValue("blend", 1.0))
    rig.run(1.0)
    assert dict(rig.source.requests[-1].conditioning.genres) == {"jazz": 1.0}
    assert rig.conductor.style.name == "jazz"


def test_variation_and_seed_throw_other_dice(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    before = rig.source.requests[-1]
    rig.session.post(SetValue("variation", 1.0))
    rig.run(1.0)
    assert rig.source.requests[-1].temperature == pytest.approx(USUAL_TEMPERATURE * 1.7**0.5)
    rig.session.post(SetSeed(99))
    rig.run(1.0)
    assert rig.source.requests[-1].seed != before.seed


def test_panic_ends_every_note_and_the_music_goes_on(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.02)  # 20 ms after beat 14: its kick is on
    sent = len(rig.sink.messages)
    rig.session.post(TriggerAction("panic"))
    rig.run(0.002)
    panicked = rig.sink.messages[sent:]
    assert (0x89, KICK, 0) in panicked
    assert (0xB9, 123, 0) in panicked
    rig.run(1.0)
    assert heard(rig, 15, 16.1) == [(15.0, KICK), (16.0, KICK)]


def test_swing_moves_a_hit_that_waits_beyond_its_place(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.source.steps = 1
    rig.session.post(SetValue("swing_percent", 75.0))
    rig.run(7.16)  # beat 14.32: the step at 14.25 waits for 14.375
    rig.session.post(SetValue("swing_percent", 50.0))
    sent = len(rig.sink.messages)
    rig.session.step(rig.timeline.now_us())
    assert [message[0] for message in rig.sink.messages[sent:]] == [0x99]  # at once
    rig.run(0.2)
    assert [beat for beat, _ in heard(rig, 14.3, 14.6)] == [14.5]
    assert sum(rig.record.dropped.values()) == 0


@pytest.mark.parametrize("every", [4, 8])
def test_phrases_end_in_a_fill_and_the_next_one_answers_it(make_rig: MakeRig, every: int) -> None:
    rig = make_rig(fill_every=every)
    rig.run(2.0 + 17 * 2.0)
    bars = {each.index: each for each in rig.source.requests}
    fills = [index for index in range(16) if bars[index].conditioning.fill]
    assert fills == list(range(every - 1, 16, every))
    struck = [index for index in range(16) if bars[index].prefix]
    assert struck == [index + 1 for index in fills if index + 1 < 16]
    assert [hit.voice.label for hit in bars[every].prefix] == ["kick", "crash"]
    crashes = [beat for beat, note in heard(rig, 0, 64) if note == CRASH]
    assert crashes == [4.0 + 4 * index for index in struck]


def test_phrases_are_turned_while_playing(make_rig: MakeRig) -> None:
    rig = make_rig(fill_every=8)
    rig.run(2.0 + 0.3)
    rig.session.post(SetValue("fill_every", 2.0))
    rig.run(10.0)
    newest = {each.index: each for each in rig.source.requests}
    assert [index for index in range(5) if newest[index].conditioning.fill] == [1, 3]
    rig.session.post(SetValue("fill_every", 0.0))
    rig.run(6.0)
    newest = {each.index: each for each in rig.source.requests}
    assert not any(newest[index].conditioning.fill for index in range(7, 9))


def test_another_drummer_makes_bars_anew_and_is_undone(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.run(1.0)
    asked = len(rig.source.requests)
    rig.session.post(SetChoice("drummer", "drummer3"))
    rig.run(1.0)
    assert len(rig.source.requests) > asked
    assert rig.conductor.plan.controls.drummer == "drummer3"
    rig.session.post(TriggerAction("undo"))
    rig.run(0.5)
    assert rig.conductor.plan.controls.drummer == "style"
