"""Half and double time while it plays: from the next bar on, and the model's own bars stay as they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liveengine.music.control import (
    ControlState,
    RecallScene,
    SetChoice,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest
from liveengine.music.scene import Scene
from tests.rig import Rig

KICK, SNARE, HAT, CRASH, TOM = 36, 38, 42, 49, 43
MakeRig = Callable[..., Rig]
ROCK = tuple(
    sorted(
        [Hit(step, Voice.CLOSED_HAT, 0, 80) for step in range(0, 16, 2)]
        + [Hit(step, Voice.SNARE, 0, 110) for step in (4, 12)]
        + [Hit(step, Voice.KICK, 0, 100) for step in (0, 8)]
    )
)
FILLED = tuple(Hit(step, Voice.LOW_TOM, 0, 100) for step in range(8, 16))


@pytest.fixture
def rock(make_rig: MakeRig) -> Rig:
    """Return an engine whose model always writes the same rock bar, with toms in the last half of a fill."""
    rig = make_rig()

    def reply(request: BarRequest) -> BarReply:
        own = (*(hit for hit in ROCK if hit.step < 8), *FILLED) if request.conditioning.fill else ROCK
        rest = [hit for hit in own if hit.step >= request.from_step]
        bar = Bar(request.meter, tuple(sorted((*request.prefix, *rest))))
        return BarReply(request.serial, bar, 9, 50.0)

    rig.source._reply = reply  # type: ignore[method-assign]
    return rig


def beats_of(rig: Rig, note: int, begin_beat: float, end_beat: float) -> list[float]:
    return [
        round(beat, 2)
        for _, beat, each in rig.strikes
        if each == note and begin_beat - 0.01 <= beat < end_beat - 0.01
    ]


def turn(rig: Rig, control: str, on: bool = True) -> None:
    rig.session.post(SetToggle(control, on))


def test_half_time_is_heard_from_the_next_bar_on_and_asks_for_nothing(rock: Rig) -> None:
    rock.run(6.6)  # beat 13.2 of the bar that began at beat 12
    asked = len(rock.source.requests)
    turn(rock, "half_time")
    rock.session.step(rock.timeline.now_us())
    assert len(rock.source.requests) == asked
    rock.run(6.0)
    assert beats_of(rock, SNARE, 12, 24) == [13, 15, 18, 22]
    assert beats_of(rock, KICK, 12, 24) == [12, 14, 16, 20]
    assert beats_of(rock, HAT, 12, 24) == [12 + each / 2 for each in range(24)]


def test_double_time_is_too_and_the_one_puts_the_other_out(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(6.6)
    assert beats_of(rock, SNARE, 4, 12) == [6, 10]
    turn(rock, "double_time")
    rock.run(4.0)
    assert beats_of(rock, SNARE, 16, 20) == [16.5, 17.5, 18.5, 19.5]
    assert beats_of(rock, KICK, 16, 20) == [16, 17, 18, 19]
    turn(rock, "double_time", False)
    rock.run(4.0)
    assert beats_of(rock, SNARE, 24, 28) == [25, 27]


def test_what_the_model_writes_from_stays_in_its_own_terms(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.session.post(DrawStroke(2, 5, Voice.HIGH_TOM, 100))
    rock.run(12.0)
    turn(rock, "double_time")
    rock.run(12.0)
    last = rock.source.requests[-1]
    assert len(last.context) >= 8
    assert all(each.bar.hits == ROCK for each in last.context)
    serials = [each.serial for each in last.context]
    replies = {request.serial for request in rock.source.requests}
    assert set(serials) <= replies, "the generator still holds each of them"


def test_a_fill_in_half_time_is_played_at_its_own_speed(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(6.1)
    rock.session.post(TriggerAction("fill"))
    rock.run(5.0)
    assert beats_of(rock, TOM, 12, 16) == [14 + each / 4 for each in range(8)]
    assert CRASH in [note for _, beat, note in rock.strikes if round(beat, 2) == 16]
    assert beats_of(rock, SNARE, 16, 20) == [18]
    assert sum(rock.record.dropped.values()) == 0


def test_a_fill_that_is_all_of_a_bar_begins_in_half_time(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(7.2)
    rock.session.post(TriggerAction("fill"))
    rock.run(5.0)
    assert beats_of(rock, TOM, 12, 24) == [18 + each / 4 for each in range(8)]
    assert beats_of(rock, SNARE, 16, 20) == []


@pytest.mark.parametrize("switch", ["instant", "beat", "bar"])
def test_a_style_turned_in_half_time_is_heard_from_the_next_bar(rock: Rig, switch: str) -> None:
    rock.session.post(SetChoice("switch", switch))
    turn(rock, "half_time")
    rock.run(6.6)
    rock.session.post(SetStyle("jazz"))
    rock.run(4.0)
    assert beats_of(rock, SNARE, 12, 20) == [14, 18]
    asked = [request for request in rock.source.requests if request.conditioning.genres[0][0] == "jazz"]
    assert min(request.index for request in asked) == 3
    assert all(request.from_step == 0 for request in asked)
    assert rock.record.late_bars == 0


def test_a_break_a_turn_of_the_swing_and_a_stroke_by_hand_leave_half_time_alone(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(6.1)
    rock.session.post(TriggerAction("break"))
    rock.run(0.1)
    rock.session.post(SetValue("swing_percent", 60.0))
    rock.session.post(DrawStroke(4, 5, Voice.HIGH_TOM, 100))
    rock.run(8.0)
    assert [beat for _, beat, _ in rock.strikes if 12.6 < beat < 15.9] == []
    assert beats_of(rock, SNARE, 16, 24) == [18, 22]
    assert len(beats_of(rock, 50, 20, 24)) + len(beats_of(rock, 48, 20, 24)) == 1


def test_undo_takes_it_back(rock: Rig) -> None:
    rock.run(6.1)
    turn(rock, "half_time")
    rock.run(4.0)
    assert beats_of(rock, SNARE, 16, 20) == [18]
    rock.session.post(TriggerAction("undo"))
    rock.run(6.0)
    assert rock.conductor.controls.half_time is False
    assert beats_of(rock, SNARE, 24, 32) == [25, 27, 29, 31]


def test_a_scene_has_it_and_a_morph_brings_it_with_its_last_bar_line(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=[Scene("slow", ControlState("rock", fill_every=0, half_time=True))])
    rig.run(6.1)
    rig.session.post(RecallScene("slow", 2))
    rig.run(0.1)
    while rig.conductor.plan.intent.morph is not None:
        rig.run(0.01)
    rig.run(0.01)
    playing = rig.conductor.horizon.get(rig.conductor.horizon.current)
    assert playing is not None
    assert playing.index == 4
    assert playing.reading.time == "half_time"


def test_a_lock_in_half_time_repeats_what_was_heard(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(8.1)
    rock.session.post(TriggerAction("lock_2"))
    rock.run(1.0)
    turn(rock, "half_time", False)
    rock.run(7.0)
    assert beats_of(rock, SNARE, 16, 32) == [18, 22, 26, 30]
    rock.session.post(TriggerAction("unlock"))
    rock.run(4.0)
    assert beats_of(rock, SNARE, 36, 40) == [37, 39]


def test_a_bar_that_is_late_is_covered_in_half_time(rock: Rig) -> None:
    turn(rock, "half_time")
    rock.run(6.6)
    rock.source.stuck = True
    rock.run(14.0)
    assert rock.record.late_bars > 2
    assert beats_of(rock, SNARE, 16, 40) == [18, 22, 26, 30, 34, 38]
