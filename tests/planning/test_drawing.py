"""Drawing by hand: strokes are in every plan that comes after them, and nowhere else."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable

import pytest

from liveengine.errors import ContractError
from liveengine.music.control import (
    Command,
    ControlState,
    RecallScene,
    SetSeed,
    SetStyle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.music.scene import Scene
from liveengine.planning.horizon import PlannedBar
from tests.rig import Rig

MakeRig = Callable[..., Rig]
SNARE, KICK, LOW_TOM = 38, 36, 43
TOM = Voice.LOW_TOM
LOCKED = DrawStroke(4, 6, TOM, 110, keep=True)
BAR_4_BEAT = 20.0


def heard(rig: Rig, note: int) -> list[float]:
    """Return the beats on which a note was struck, to the sixteenth."""
    return [round(beat * 4) / 4 for _, beat, struck in rig.strikes if struck == note]


def playing(make_rig: MakeRig, at_beat: float = 17.0, **changes: object) -> Rig:
    """Return a rig that plays bar 3, which begins at beat 16, with bars 4 and 5 planned."""
    rig = make_rig(**changes)
    rig.run(at_beat / 2)
    assert rig.conductor.horizon.current == 3
    return rig


def bar(rig: Rig, index: int) -> PlannedBar:
    """Return a bar of the plan."""
    planned = rig.conductor.horizon.get(index)
    assert planned is not None
    return planned


def do(rig: Rig, *commands: Command) -> None:
    """Give commands and let the engine take them."""
    for command in commands:
        rig.session.post(command)
    rig.run(0.01)


def test_a_stroke_is_in_its_bar_at_once_asks_for_nothing_and_is_heard(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    before, asked = bar(rig, 4), len(rig.source.requests)
    do(rig, DrawStroke(4, 6, Voice.SNARE, 110))
    after = bar(rig, 4)
    assert set(after.bar.hits) - set(before.bar.hits) == {hit for hit in after.bar.hits if hit.step == 6}
    assert [hit for hit in after.hits if not hit.drawn] == list(before.hits), "nothing else moves"
    assert len(rig.source.requests) == asked
    rig.run(10.0)
    assert heard(rig, SNARE) == [BAR_4_BEAT + 1.5]
    context = next(each for each in rig.source.requests if each.index == 6).context
    assert after.context() in context, "what follows is written from the bar as it sounds"
    assert len({each.serial for each in context}) == len(context)


def test_an_accent_and_a_silent_cell_take_the_place_of_what_was_written(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    do(rig, DrawStroke(4, 4, Voice.KICK, 127), DrawStroke(4, 8, Voice.KICK, 0))
    assert [(hit.step, hit.velocity) for hit in bar(rig, 4).bar.hits][1:] == [(4, 127), (12, 94)]
    rig.run(6.0)
    assert [beat for beat in heard(rig, KICK) if 20 <= beat < 24] == [20.0, 21.0, 23.0]


def test_a_locked_stroke_is_in_every_bar_until_it_is_erased(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    do(rig, LOCKED)
    rig.run(5.0)
    do(rig, EraseStroke(rig.conductor.horizon.current + 1, 6, TOM))
    rig.run(8.0)
    assert heard(rig, LOW_TOM) == [BAR_4_BEAT + 1.5, BAR_4_BEAT + 5.5]
    assert rig.conductor.plan.intent.drawing.strokes == ()


@pytest.mark.parametrize(
    "acts",
    [
        [SetStyle("jazz")],
        [SetStyle("jazz"), TriggerAction("undo")],
        [SetValue("density", 0.8), SetStyle("loose"), TriggerAction("undo"), TriggerAction("undo")],
        [SetSeed(5)],
        [RecallScene("a"), TriggerAction("undo")],
        [RecallScene("a", 2)],
        [TriggerAction("fill")],
        [TriggerAction("lock_1")],
        [TriggerAction("lock_2"), TriggerAction("unlock")],
        [SetValue("humanize", 0.0), SetValue("push_snare", 0.0), SetValue("swing_percent", 50.0)],
    ],
    ids=str,
)
@pytest.mark.parametrize("switch", ["instant", "beat", "bar"])
@pytest.mark.parametrize("at_beat", [16.1, 18.6, 21.2])
def test_a_locked_stroke_outlasts_whatever_is_turned(
    make_rig: MakeRig, acts: list[Command], switch: str, at_beat: float
) -> None:
    rig = playing(make_rig, 16.05, switch=switch, scenes=[Scene("a", ControlState("jazz", fill_every=0))])
    do(rig, LOCKED)
    rig.run(at_beat / 2 - 8.05)
    for act in acts:
        do(rig, act)
        rig.run(0.3)
    rig.run(9.0)
    last = int((rig.strikes[-1][1] - 1.5) // 4)
    assert heard(rig, LOW_TOM) == [4 * index + 1.5 for index in range(5, last + 1)]
    assert sum(rig.record.dropped.values()) == 0


def test_a_stroke_in_a_bar_that_comes_late_is_in_what_covers_it_and_in_the_rest(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    do(rig, DrawStroke(7, 2, Voice.SNARE, 90), DrawStroke(7, 14, Voice.SNARE, 90))
    do(rig, DrawStroke(6, 5, Voice.SNARE, 90))
    rig.source.stuck = True
    while rig.conductor.horizon.current < 7:
        rig.run(0.05)
    assert bar(rig, 7).fallback
    assert [hit.step for hit in bar(rig, 7).bar.hits if hit.voice is Voice.SNARE] == [2, 14]
    rig.source.stuck = False
    do(rig, SetStyle("jazz"))
    rig.run(6.0)
    assert heard(rig, SNARE) == [29.25, 32.5, 35.5], "the last bar comes again without what was drawn in it"


def test_a_splice_keeps_what_was_drawn_on_both_sides(make_rig: MakeRig) -> None:
    rig = playing(make_rig, 17.9)
    do(rig, DrawStroke(4, 2, Voice.SNARE, 90), DrawStroke(4, 14, Voice.SNARE, 90))
    rig.run(1.6)  # the middle of bar 4
    do(rig, SetStyle("jazz"))
    rig.run(0.2)
    request = rig.source.requests[-3]
    assert (request.index, [hit.voice for hit in request.prefix if hit.step == 2]) == (4, [Voice.SNARE])
    spliced = bar(rig, 4)
    assert [part[0] for part in spliced.parts] == [0, request.from_step]
    assert [hit.step for hit in spliced.bar.hits if hit.voice is Voice.SNARE] == [2, 14]
    assert [hit.step for hit in spliced.drawn_hits()] == [2, 14]
    rig.run(3.0)
    assert heard(rig, SNARE) == [20.5, 23.5]


def test_a_bar_that_follows_another_than_it_did_has_another_serial(make_rig: MakeRig) -> None:
    """A generator that holds a serial takes it to follow what it followed, and looks no further back."""
    rig, dice = playing(make_rig, switch="instant"), random.Random(1)
    for _ in range(200):
        now = rig.conductor.horizon.current
        cell = now + dice.randrange(1, 3), dice.randrange(16), dice.choice([Voice.SNARE, Voice.KICK])
        do(rig, EraseStroke(*cell) if dice.random() < 0.3 else DrawStroke(*cell, dice.choice([0, 90])))
        if dice.random() < 0.03:
            do(rig, SetStyle(dice.choice(["rock", "jazz"])))
        rig.run(dice.choice([0.02, 0.05, 0.3, 1.0]))
    before: dict[int, int] = {}
    content: dict[int, Bar] = {}
    for request in rig.source.requests:
        serials = [each.serial for each in request.context]
        for earlier, later in itertools.pairwise([*serials, request.serial]):
            assert before.setdefault(later, earlier) == earlier
        for each in request.context:
            assert content.setdefault(each.serial, each.bar) == each.bar
    drawn = [bar for bar in rig.record.played if bar.strokes]
    assert len(drawn) > 20


def test_a_bar_that_is_being_made_while_the_one_before_it_is_drawn_has_another_serial(
    make_rig: MakeRig,
) -> None:
    rig = playing(make_rig)
    rig.source.delay_us = 500_000.0
    while (made := rig.source.requests[-1]).index < 6:
        rig.run(0.02)
    do(rig, DrawStroke(5, 6, Voice.SNARE, 90))
    rig.run(2.2)
    following = rig.source.requests[-1]
    assert following.index == 7
    assert following.context[-2].bar == bar(rig, 5).bar
    assert following.context[-1].bar == bar(rig, 6).bar
    assert made.serial not in {each.serial for each in following.context}


def test_undo_takes_strokes_back_one_by_one_and_repeats_no_bar(make_rig: MakeRig) -> None:
    rig = playing(make_rig, style="loose")
    before, intent = bar(rig, 4), rig.conductor.plan.intent
    do(rig, DrawStroke(4, 6, Voice.SNARE, 110), DrawStroke(4, 7, TOM, 80))
    do(rig, TriggerAction("undo"))
    assert [(hit.step, hit.timed.voice) for hit in bar(rig, 4).hits if hit.drawn] == [(6, Voice.SNARE)]
    do(rig, TriggerAction("undo"))
    assert rig.conductor.plan.intent == intent
    assert (bar(rig, 4).hits, bar(rig, 4).bar) == (before.hits, before.bar)
    do(rig, DrawStroke(4, 6, Voice.SNARE, 110), TriggerAction("clear_drawing"))
    assert bar(rig, 4).hits == before.hits
    do(rig, TriggerAction("undo"))
    assert len(bar(rig, 4).drawn_hits()) == 1


def test_a_break_silences_what_was_drawn_before_it_and_not_after(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    do(rig, LOCKED, DrawStroke(4, 12, Voice.SNARE, 90))
    rig.run(1.6)  # beat 20.2
    do(rig, TriggerAction("break"), DrawStroke(4, 14, Voice.SNARE, 100))
    rig.run(4.0)
    assert heard(rig, SNARE) == [23.5]
    assert heard(rig, LOW_TOM) == [25.5]


def test_a_loop_plays_what_was_drawn_again_and_takes_more(make_rig: MakeRig) -> None:
    rig = playing(make_rig, style="loose", at_beat=16.2)
    do(rig, DrawStroke(3, 7, TOM, 90), TriggerAction("lock_1"))
    do(rig, DrawStroke(5, 3, TOM, 90))
    rig.run(9.0)
    assert heard(rig, LOW_TOM) == [17.75, 21.75, 24.75, 25.75, 29.75, 33.75]
    now = rig.conductor.horizon.current
    toms = [hit.timed for index in (now, now + 1) for hit in bar(rig, index).hits if hit.timed.voice is TOM]
    assert len(toms) == 2
    assert len(set(toms)) == 1, "to the tick"


def test_a_cell_can_be_drawn_until_it_is_about_to_sound(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    answers: list[str] = []

    def draw(command: Command) -> None:
        rig.session.post(command, lambda refused: answers.append(str(refused)))
        rig.run(0.005)

    step = int((rig.timeline.state().beat_map.beat_at(rig.timeline.now_us()) - 16) * 4)
    draw(DrawStroke(3, step, Voice.SNARE, 100))
    draw(DrawStroke(3, step + 1, Voice.SNARE, 100))
    draw(DrawStroke(2, 4, Voice.SNARE, 100))
    draw(EraseStroke(3, step, Voice.KICK))
    draw(DrawStroke(3, 16, Voice.SNARE, 100))
    draw(DrawStroke(68, 0, Voice.SNARE, 100))
    draw(DrawStroke(3, step, TOM, 100, keep=True))
    assert [answer == "None" for answer in answers] == [False, True, False, False, False, False, True]
    assert answers[0] == f"draw: expected a step that is still to come, got {step} of bar 3"
    assert answers[4:6] == [
        "draw: expected a step from 0 to 15, got 16",
        "draw: expected a bar up to 67, got 68",
    ]
    rig.run(5.0)
    assert heard(rig, SNARE) == [16 + (step + 1) / 4]
    assert heard(rig, LOW_TOM)[0] == 20 + step / 4, "from the first bar that it can reach"


def test_what_is_drawn_is_in_the_trace(make_rig: MakeRig) -> None:
    rig = playing(make_rig)
    do(rig, LOCKED, DrawStroke(4, 4, Voice.KICK, 0))
    rig.run(5.9)
    rig.session.end()
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    ended = {line["bar"]: line["drawn"] for line in lines if line["type"] == "bar" and not line["replanned"]}
    tom = {"step": 6, "voice": 9, "velocity": 110, "keep": True}
    assert ended[4] == [{"step": 4, "voice": 0, "velocity": 0, "keep": False}, tom]
    assert (ended[3], ended[5]) == ([], [tom])
    notes = [line for line in lines if line["type"] == "note"]
    assert {(line["bar"], line["note"]) for line in notes if line["drawn"]} == {(4, LOW_TOM), (5, LOW_TOM)}
    drawn = {line["groove"] for line in lines if line["type"] == "groove" and "drawn" in line}
    assert drawn == {line["groove"] for line in notes if line["drawn"]}
    moved = [(line["name"], line["value"]) for line in lines if line["type"] == "control"]
    assert moved == [
        ("draw", "bar 4, step 6, low_tom, 110, kept"),
        ("draw", "bar 4, step 4, kick, 0"),
    ]


def test_a_stroke_drawn_before_the_first_bar_is_there_from_the_start(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.conductor.command(DrawStroke(0, 2, Voice.SNARE, 100, keep=True), 0.0)
    with pytest.raises(ContractError, match="expected a step from 0 to 15"):
        rig.conductor.command(DrawStroke(0, 20, Voice.SNARE, 100), 0.0)
    rig.run(8.0)
    assert heard(rig, SNARE)[:2] == [4.5, 8.5]
