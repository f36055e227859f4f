"""The intent: the later act wins, undo gives back what was, and nothing is pending for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music.control import (
    ControlState,
    RecallScene,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
    apply,
)
from liveengine.music.drawing import Drawing, Stroke
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.music.scene import Scene
from liveengine.planning.intent import Intent, Pending
from liveengine.planning.scenes import Morph
from tests.rig import Rig

MakeRig = Callable[..., Rig]
ROCK = ControlState("rock", fill_every=0)
SCENES = (
    ControlState("jazz", density=0.8, energy=0.2, fill_every=0),
    apply(ControlState("rock", density=0.1, fill_every=0), SetToggle("mute_kick", True)),
)
RIDE = 51


@dataclass
class Model:
    """The plain way: what goes now, and what comes with which bar; snapshots to go back to."""

    now: ControlState = ROCK
    later: tuple[int, ControlState] | None = None
    bar: int = 0
    before: list[tuple[ControlState, tuple[int, ControlState] | None]] = field(default_factory=list)

    def keep(self) -> None:
        self.before.append((self.now, self.later))

    def arrive(self) -> None:
        if self.later is not None and self.bar >= self.later[0]:
            kept = self.now
            self.now = replace(self.later[1], latency_ms=kept.latency_ms, switch=kept.switch)
            self.later = None


turns = st.one_of(
    st.builds(SetValue, st.sampled_from(["density", "energy"]), st.sampled_from([0.0, 0.5, 1.0])),
    st.builds(SetValue, st.just("latency_ms"), st.sampled_from([-5.0, 0.0, 20.0])),
    st.builds(SetToggle, st.sampled_from(["mute_kick", "solo_snare"]), st.booleans()),
    st.builds(SetStyle, st.sampled_from(["rock", "jazz", "funk"])),
)
steps = st.one_of(
    st.tuples(st.just("turn"), turns),
    st.tuples(st.just("recall"), st.sampled_from(SCENES)),
    st.tuples(st.just("recall later"), st.tuples(st.sampled_from(SCENES), st.integers(1, 8))),
    st.tuples(st.just("bars"), st.integers(1, 5)),
    st.tuples(st.just("jump"), st.floats(-8, 8)),
    st.tuples(st.just("undo"), st.none()),
)


@given(st.lists(steps, max_size=40))
def test_it_is_what_a_plain_model_says(acts: list[tuple[str, object]]) -> None:
    intent, model = Intent(ROCK), Model()
    history: list[Intent] = []
    for what, argument in acts:
        if what == "undo":
            if history:
                intent = history.pop().at_bar(model.bar)
                model.now, model.later = model.before.pop()
        elif what == "bars":
            assert isinstance(argument, int)
            for _ in range(argument):
                model.bar += 1
                model.arrive()
                intent = intent.at_bar(model.bar)
        elif what == "jump":
            assert isinstance(argument, float)
            intent = intent.after_jump(argument)
        else:
            history.append(intent)
            model.keep()
            if what == "turn":
                assert isinstance(argument, SetValue | SetToggle | SetStyle)
                intent = intent.with_command(argument)
                model.now = apply(model.now, argument)
                model.later = model.later and (model.later[0], apply(model.later[1], argument))
            elif what == "recall":
                assert isinstance(argument, ControlState)
                intent, model.now, model.later = intent.with_controls(argument), argument, None
            else:
                assert isinstance(argument, tuple)
                scene, ahead = argument
                intent = intent.with_pending(Pending(model.bar + ahead, scene))
                model.later = (model.bar + ahead, scene)
        model.arrive()
        assert intent.controls == model.now
        assert (intent.pending and (intent.pending.bar, intent.pending.controls)) == model.later
        assert intent.pending is None or intent.pending.bar > model.bar
    far = intent.at_bar(10_000)
    assert far.pending is None
    assert far.controls == intent.controls_at(10_000)


@given(turns, st.floats(0, 40))
def test_a_control_turned_on_the_way_stays_where_it_was_put(turn: SetValue, beat: float) -> None:
    way = Intent(ROCK).with_morph(Morph(ROCK, SCENES[0], 0.0, 32.0, 4.0, 8))
    turned = way.at_beat(beat / 2).with_command(turn)
    later = turned.at_beat(max(beat, beat / 2))
    assert apply(later.controls, turn) == later.controls
    there = later.at_beat(32.0)
    assert there.morph is None
    assert apply(there.controls, turn) == there.controls
    assert there.at_beat(100.0) == there


CELL = (6, Voice.SNARE)
drawn = st.one_of(
    st.builds(DrawStroke, st.integers(0, 8), st.just(CELL[0]), st.just(CELL[1]), st.just(90), st.booleans()),
    st.builds(EraseStroke, st.integers(0, 8), st.just(CELL[0]), st.just(CELL[1])),
)


@given(st.lists(st.one_of(st.tuples(st.just("draw"), drawn), steps), max_size=40))
def test_what_is_drawn_stays_whatever_the_controls_become_and_undo_gives_it_back(
    acts: list[tuple[str, object]],
) -> None:
    """Beside the intent goes a drawing by itself, which knows nothing of controls."""
    intent, drawing, now = Intent(ROCK), Drawing(), 0
    history: list[tuple[Intent, Drawing]] = []
    for what, argument in acts:
        if what not in ("undo", "bars", "jump"):
            history.append((intent, drawing))
        if isinstance(argument, DrawStroke):
            intent = intent.with_drawn(replace(argument, bar=now + argument.bar))
            drawing = drawing.with_stroke(Stroke(now + argument.bar, *CELL, 90, argument.keep))
        elif isinstance(argument, EraseStroke):
            intent = intent.with_drawn(replace(argument, bar=now + argument.bar))
            drawing = drawing.without(now + argument.bar, CELL)
        elif isinstance(argument, SetValue | SetToggle | SetStyle):
            intent = intent.with_command(argument)
        elif isinstance(argument, ControlState):
            intent = intent.with_controls(argument)
        elif isinstance(argument, tuple):
            intent = intent.with_pending(Pending(now + argument[1], argument[0]))
        elif isinstance(argument, int):
            now += argument
        elif what == "undo" and history:
            intent, drawing = history.pop()
        intent, drawing = intent.at_bar(now), drawing.from_bar(now)
        assert intent.drawing == drawing
        assert all(stroke.ends >= now for stroke in intent.drawing.strokes)


def test_a_drawing_outlasts_a_morph_and_a_jump() -> None:
    drawn = Intent(ROCK).with_drawn(DrawStroke(3, 6, Voice.SNARE, 110, keep=True))
    way = drawn.with_morph(Morph(ROCK, SCENES[0], 0.0, 32.0, 4.0, 8)).after_jump(-4.0)
    assert way.at_beat(16.0).at_beat(40.0).drawing == drawn.drawing


def test_a_later_recall_takes_the_place_of_one_that_waits() -> None:
    waiting = Intent(ROCK).with_pending(Pending(8, SCENES[0]))
    assert waiting.with_controls(SCENES[1]).pending is None
    assert waiting.with_pending(Pending(4, SCENES[1])).at_bar(8).controls.density == 0.1
    assert waiting.with_morph(Morph(ROCK, SCENES[1], 0.0, 8.0, 4.0, 2)).pending is None


def waiting_for_a_phrase(make_rig: MakeRig) -> Rig:
    """Return a rig in its fourth bar, whose scene waits for the next phrase (beat 36)."""
    rig = make_rig(switch="phrase", scenes=[Scene("a", SCENES[0])])
    rig.run(9.1)
    rig.session.post(RecallScene("a"))
    rig.run(0.5)
    assert rig.conductor.plan.intent.pending is not None
    return rig


def test_undo_takes_back_a_scene_that_waits(make_rig: MakeRig) -> None:
    rig = waiting_for_a_phrase(make_rig)
    before = rig.conductor.controls
    rig.session.post(TriggerAction("undo"))
    rig.run(20.0)
    assert rig.conductor.controls == before
    assert rig.conductor.plan.intent.pending is None
    assert RIDE not in {note for _, _, note in rig.strikes}


@pytest.mark.parametrize(
    "turn", [SetToggle("mute_kick", True), SetStyle("loose"), SetValue("density", 0.5)], ids=str
)
def test_what_is_turned_after_a_recall_outlasts_the_scene(
    make_rig: MakeRig, turn: SetToggle | SetStyle | SetValue
) -> None:
    rig = waiting_for_a_phrase(make_rig)
    rig.session.post(turn)
    rig.run(20.0)
    controls = rig.conductor.controls
    assert controls == apply(replace(SCENES[0], switch="phrase", latency_ms=controls.latency_ms), turn)
