"""Endings while it plays: a fill, the last hits on the bar line after it, and silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from liveengine.music.control import ControlState, SetStyle, SetValue, TriggerAction
from liveengine.music.drawing_commands import DrawStroke
from liveengine.music.drums import Voice
from liveengine.music.scene import Scene, SetEntry, SetList
from tests.rig import STYLES, Rig

KICK, CRASH, SNARE = 36, 49, 38
MakeRig = Callable[..., Rig]


def do(rig: Rig, action: str) -> None:
    rig.session.post(TriggerAction(action))


def struck(rig: Rig, begin_beat: float = 0.0) -> list[tuple[float, int]]:
    """Return (beat, note) of what was struck from a beat on."""
    return [(round(beat, 2), note) for _, beat, note in rig.strikes if beat >= begin_beat - 0.01]


def fills(rig: Rig) -> set[int]:
    return {request.index for request in rig.source.requests if request.conditioning.fill}


def hanging(rig: Rig) -> Counter[int]:
    """Return the notes that were struck and not ended."""
    left: Counter[int] = Counter()
    for message in rig.sink.messages:
        if message[0] & 0xF0 == 0x90:
            left[message[1]] += 1
        elif message[0] & 0xF0 == 0x80:
            left[message[1]] = 0
    return +left


@pytest.mark.parametrize(("seconds", "fill"), [(6.6, 3), (7.9, 3), (7.99, 4)])
def test_it_ends_after_a_fill_in_the_next_bar_on_a_crash_and_kick(
    make_rig: MakeRig, seconds: float, fill: int
) -> None:
    rig = make_rig()
    rig.run(seconds)  # bar 2 began at beat 12, and ends at second 8
    do(rig, "end")
    rig.run(12.0)
    last = 4.0 + 4 * (fill + 1)
    assert fills(rig) == {fill}
    assert struck(rig, last) == [(last, KICK), (last, CRASH)]
    assert struck(rig)[:-2] == [(float(beat), KICK) for beat in range(4, round(last))]
    assert not rig.conductor.sounding
    assert not rig.timeline.playing, "the session's transport is stopped too"
    assert not hanging(rig)
    assert sum(rig.record.dropped.values()) == 0
    assert rig.record.late_bars == 0


def test_the_transport_stops_at_the_end_of_the_last_bar_and_not_before(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    do(rig, "end")
    rig.run(5.3)  # beat 23.8 of the bar that began at beat 20
    assert rig.conductor.sounding
    assert rig.conductor.horizon.get(5) is None, "nothing is planned, or covered, after it"
    rig.run(0.2)
    assert not rig.conductor.sounding


def test_midi_clock_stops_after_the_last_hits(make_rig: MakeRig) -> None:
    rig = make_rig(midi_clock=True)
    rig.run(6.6)
    do(rig, "end")
    rig.run(8.0)
    kinds = [message[0] for message in rig.sink.messages]
    assert kinds.count(0xFC) == 1
    crash = next(place for place, each in enumerate(rig.sink.messages) if each[:2] == (0x99, CRASH))
    assert kinds.index(0xFC) > crash + 3 * 24, "three beats of clock and more lie between"
    assert 0x99 not in kinds[kinds.index(0xFC) :]


def test_it_can_be_started_again_and_then_follows_nothing_that_has_been(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.session.post(SetValue("density", 0.9))
    rig.run(6.6)
    do(rig, "end")
    rig.run(10.0)
    played = len(rig.strikes)
    do(rig, "start")
    rig.run(8.0)
    again = [beat for _, beat, _ in rig.strikes[played:]]
    assert again[0] % 4 == pytest.approx(0, abs=1e-6)
    assert again == pytest.approx([again[0] + beat for beat in range(len(again))])
    assert len(again) > 8
    first = next(request for request in rig.source.requests if request.index == 5)
    assert first.context == ()
    do(rig, "undo")
    rig.run(6.0)
    assert rig.conductor.sounding
    assert rig.conductor.controls.density is None, (
        "the ending is over, and what was turned before it is undone"
    )
    assert len(fills(rig)) == 1


@pytest.mark.parametrize("action", ["fill", "break", "lock_1", "unlock"])
@pytest.mark.parametrize("seconds", [0.3, 2.5, 4.5, 5.2])
def test_gestures_meanwhile_neither_hold_it_up_nor_outlast_it(
    make_rig: MakeRig, action: str, seconds: float
) -> None:
    rig = make_rig()
    rig.run(6.1)
    do(rig, "end")
    rig.run(seconds)  # in bar 2, the fill, the last bar
    do(rig, action)
    rig.run(10.0)
    assert not rig.conductor.sounding
    assert {note for _, note in struck(rig, 20.0)} == {KICK, CRASH}
    assert len(struck(rig, 20.0)) == 2
    assert not hanging(rig)
    played = len(rig.strikes)
    do(rig, "start")
    rig.run(8.0)
    again = rig.strikes[played:]
    assert {note for _, _, note in again} == {KICK}
    assert fills(rig) <= {2, 3}


def test_a_second_end_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    for _ in range(12):
        do(rig, "end")
        rig.run(0.4)
    rig.run(4.0)
    assert fills(rig) == {3}
    assert struck(rig, 20.0) == [(20.0, KICK), (20.0, CRASH)]


@pytest.mark.parametrize("seconds", [0.1, 1.2])
def test_undo_before_the_fill_takes_it_back(make_rig: MakeRig, seconds: float) -> None:
    rig = make_rig()
    rig.run(6.1)
    do(rig, "end")
    rig.run(seconds)
    do(rig, "undo")
    rig.run(14.0)
    assert rig.conductor.sounding
    beats = struck(rig)
    assert beats == [(float(beat), KICK) for beat in range(4, 4 + len(beats))]
    assert len(beats) > 30
    made = {request.index: request for request in rig.source.requests}
    assert not made[3].conditioning.fill


def test_undo_takes_back_the_end_and_then_what_was_turned_before(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.1)
    rig.session.post(SetValue("density", 0.9))
    rig.run(0.1)
    do(rig, "end")
    rig.run(0.1)
    do(rig, "undo")
    rig.run(0.1)
    assert rig.conductor.plan.intent.ending is None
    assert rig.conductor.controls.density == 0.9
    do(rig, "undo")
    rig.run(0.1)
    assert rig.conductor.controls.density is None


@pytest.mark.parametrize(("every", "seconds", "fill"), [(0, 6.6, 7), (4, 6.6, 3), (4, 9.99, 7), (1, 6.6, 3)])
def test_it_ends_with_its_phrase(make_rig: MakeRig, every: float, seconds: float, fill: int) -> None:
    rig = make_rig(fill_every=every)
    rig.run(seconds)
    do(rig, "end_phrase")
    rig.run(4.0 + 2 * (fill + 2))
    last = 4.0 + 4 * (fill + 1)
    assert struck(rig, last) == [(last, KICK), (last, CRASH)]
    assert fill in fills(rig)
    assert not rig.conductor.sounding


def test_an_end_that_comes_sooner_takes_the_place_of_that_with_the_phrase(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    do(rig, "end_phrase")
    rig.run(0.3)
    do(rig, "end")
    do(rig, "end_phrase")
    rig.run(14.0)
    assert struck(rig, 20.0) == [(20.0, KICK), (20.0, CRASH)]


@pytest.mark.parametrize("action", ["end", "end_phrase"])
def test_a_locked_loop_ends_too_and_goes_on_after_an_undo(make_rig: MakeRig, action: str) -> None:
    rig = make_rig()
    rig.run(8.5)
    do(rig, "lock_2")
    rig.run(6.0)  # in bar 6
    asked = len(rig.source.requests)
    do(rig, action)
    rig.run(0.3)
    do(rig, "undo")
    rig.run(4.0)
    assert rig.conductor.plan.loop is not None
    assert len(rig.source.requests) <= asked + 1
    do(rig, action)
    rig.run(24.0)
    beat = struck(rig)[-1][0]
    assert struck(rig, beat) == [(beat, KICK), (beat, CRASH)]
    assert struck(rig)[:-2] == [(float(each), KICK) for each in range(4, round(beat))]
    assert not rig.conductor.sounding


def test_a_set_list_ends_too(make_rig: MakeRig) -> None:
    entries = tuple(
        SetEntry(Scene(style, ControlState(style, fill_every=0)), bar=bar)
        for style, bar in (("rock", None), ("jazz", 4), ("rock", 6), ("jazz", 7))
    )
    rig = make_rig(set_list=SetList("set", entries))
    rig.run(6.6)
    do(rig, "end")
    rig.run(10.0)
    assert struck(rig, 20.0) == [(20.0, KICK), (20.0, CRASH)]
    do(rig, "start")
    rig.run(8.0)
    assert rig.conductor.sounding


def test_what_is_turned_meanwhile_does_not_bring_the_music_back(make_rig: MakeRig) -> None:
    rig = make_rig(switch="instant")
    rig.run(6.6)
    do(rig, "end")
    for turn in range(70):
        rig.session.post(SetStyle(("jazz", "rock")[turn % 2]))
        rig.session.post(SetValue("swing_percent", 50.0 + turn % 20))
        rig.run(0.1)
    assert {note for beat, note in struck(rig, 20.0)} == {KICK, CRASH}
    assert len(struck(rig, 20.0)) == 2


def test_the_last_bar_is_silent_after_its_hits_whatever_the_feel_and_the_drawing(make_rig: MakeRig) -> None:
    rig = make_rig(style="loose")
    rig.session.post(DrawStroke(0, 6, Voice.SNARE, 100, keep=True))
    rig.run(6.6)
    do(rig, "end")
    rig.run(2.0)
    rig.session.post(SetValue("humanize", 1.0))
    rig.run(6.0)
    last = [(bar, step) for beat, note in struck(rig) for bar, step in [divmod(beat - 4, 4)] if bar > 3.5]
    assert len(last) <= 2
    assert all(step < 0.3 for _, step in last)


def test_it_ends_from_a_generator_that_is_too_slow(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    rig.source.stuck = True
    do(rig, "end")
    rig.run(10.0)
    assert struck(rig, 20.0) == [(20.0, KICK), (20.0, CRASH)]
    assert not rig.conductor.sounding


def test_a_stop_before_the_end_takes_it_back(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    do(rig, "end")
    rig.run(0.3)
    do(rig, "stop")
    rig.run(1.0)
    played = len(rig.strikes)
    do(rig, "start")
    rig.run(16.0)
    assert {note for _, _, note in rig.strikes[played:]} == {KICK}
    assert rig.conductor.sounding


def test_nothing_ends_that_does_not_play(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(5.0)
    do(rig, "stop")
    do(rig, "end")
    rig.run(1.0)
    assert rig.conductor.plan.intent.ending is None


def test_the_next_style_is_the_next_in_the_book_round_and_round(make_rig: MakeRig) -> None:
    rig = make_rig()
    names = [style.name for style in STYLES.styles]
    seen = []
    for action in ("previous_style", "next_style", "next_style", "previous_style"):
        do(rig, action)
        rig.run(0.01)
        seen.append(rig.conductor.controls.style)
    assert seen == [names[-1], names[0], names[1], names[0]]
