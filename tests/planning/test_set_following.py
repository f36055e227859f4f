"""A set in the music: its scenes come with their bars, whatever the player does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from liveengine.music.control import Command, ControlState, RecallScene, SetValue, TriggerAction
from liveengine.music.scene import Scene, SetEntry, SetList
from tests.rig import Rig

MakeRig = Callable[..., Rig]
BAR_S, BEGINS_S = 2.0, 2.0
ROCK = ControlState("rock", fill_every=0)
VERSE, CHORUS = Scene("verse", ROCK), Scene("chorus", ControlState("jazz", density=0.8, fill_every=0))
LOUD = Scene("loud", replace(ROCK, energy=0.9))


def styles(rig: Rig) -> dict[int, str]:
    """Return the styles of the bars that have been played, by number from 1; more come as they end."""
    found: dict[int, str] = {}
    rig.watch_bars(lambda ended: found.update({ended.planned.index + 1: ended.planned.style.name}))
    return found


def go_to(rig: Rig, bar: float) -> None:
    """Play to a place in a bar, from 1."""
    rig.run((BEGINS_S + BAR_S * (bar - 1)) - rig.timeline.now_us() / 1e6)


def scene_now(rig: Rig) -> str:
    progress = rig.session.progress
    assert progress is not None
    return progress.scene


@pytest.mark.parametrize("undone_in", [2.5, 4.3, 5.3])
def test_a_scene_that_is_coming_comes_after_an_undo(make_rig: MakeRig, undone_in: float) -> None:
    rig = make_rig(set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    heard = styles(rig)
    go_to(rig, 2.2)
    rig.session.post(SetValue("energy", 0.7))
    go_to(rig, undone_in)
    rig.session.post(TriggerAction("undo"))
    go_to(rig, 9)
    assert [heard[bar] for bar in range(1, 8)] == ["rock"] * 5 + ["jazz"] * 2
    assert scene_now(rig) == "chorus"


def test_a_scene_that_has_come_is_undone_to_what_was_before_it(make_rig: MakeRig) -> None:
    rig = make_rig(set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    heard = styles(rig)
    go_to(rig, 2.2)
    rig.session.post(SetValue("energy", 0.7))
    go_to(rig, 7.3)
    rig.session.post(TriggerAction("undo"))
    go_to(rig, 10.2)
    assert [heard[bar] for bar in range(5, 10)] == ["rock", "jazz", "jazz", "rock", "rock"]
    assert rig.conductor.controls == replace(ROCK, energy=0.7)
    rig.session.post(TriggerAction("undo"))
    rig.run(0.1)
    assert rig.conductor.controls == ROCK


def test_a_turn_made_while_it_was_coming_is_undone_after_it(make_rig: MakeRig) -> None:
    rig = make_rig(set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    go_to(rig, 5.2)
    rig.session.post(SetValue("energy", 0.7))
    go_to(rig, 7.3)
    seen: list[ControlState] = [rig.conductor.controls]
    for _ in range(2):
        rig.session.post(TriggerAction("undo"))
        rig.run(2.5)
        seen.append(rig.conductor.controls)
    assert seen == [replace(CHORUS.controls, energy=0.7), replace(ROCK, energy=0.7), ROCK]


@pytest.mark.parametrize("switch", ["bar", "phrase"])
def test_a_scene_comes_whole_though_a_turn_waits_for_a_later_bar(make_rig: MakeRig, switch: str) -> None:
    rig = make_rig(switch=switch, set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    heard = styles(rig)
    go_to(rig, 3.2)
    rig.session.post(SetValue("density", 0.4))
    go_to(rig, 10.2)
    assert [heard[bar] for bar in range(5, 10)] == ["rock"] + ["jazz"] * 4


@pytest.mark.parametrize("scene", [LOUD, VERSE])
@pytest.mark.parametrize("recalled_in", [2.2, 5.2])
def test_a_scene_recalled_before_it_holds_until_its_bar(
    make_rig: MakeRig, recalled_in: float, scene: Scene
) -> None:
    rig = make_rig(scenes=[scene], set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    heard = styles(rig)
    go_to(rig, recalled_in)
    rig.session.post(RecallScene(scene.name))
    go_to(rig, 5.9)
    assert rig.conductor.controls == scene.controls
    go_to(rig, 9)
    assert [heard[bar] for bar in range(1, 8)] == ["rock"] * 5 + ["jazz"] * 2


def test_bars_made_for_a_scene_that_does_not_come_are_made_anew(make_rig: MakeRig) -> None:
    """The player's own way over four bars takes the place of what was coming."""
    soft = Scene("soft", replace(ROCK, levels=tuple(0.5 for _ in ROCK.levels)))
    rig = make_rig(scenes=[soft], set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(CHORUS, bar=6))))
    heard = styles(rig)
    go_to(rig, 5.2)
    rig.session.post(RecallScene("soft", 4))
    go_to(rig, 9)
    assert {heard[bar] for bar in range(1, 8)} == {"rock"}


def test_a_scene_whose_bar_has_passed_comes_with_the_next(make_rig: MakeRig) -> None:
    """The solo is called so late that the chorus's bar is over before the solo begins."""
    entries = (
        SetEntry(VERSE),
        SetEntry(Scene("solo", LOUD.controls)),
        SetEntry(CHORUS, bar=5),
        SetEntry(VERSE, after=4),
    )
    rig = make_rig(set_list=SetList("Friday", entries))
    heard = styles(rig)
    go_to(rig, 7.2)
    rig.session.post(TriggerAction("next_scene"))
    go_to(rig, 8.5)
    assert rig.conductor.controls == LOUD.controls
    go_to(rig, 15.2)
    assert [heard[bar] for bar in range(7, 15)] == ["rock"] * 2 + ["jazz"] * 4 + ["rock"] * 2


def test_a_scene_called_in_silence_is_there_from_the_first_bar(make_rig: MakeRig) -> None:
    waltz = Scene("waltz", replace(CHORUS.controls, time_signature="3/4"))
    rig = make_rig(set_list=SetList("Friday", (SetEntry(VERSE), SetEntry(waltz))))
    go_to(rig, 3.5)
    acts: list[Command] = [TriggerAction("stop"), TriggerAction("next_scene")]
    for act in acts:
        rig.session.post(act)
        rig.run(1.0)
    assert scene_now(rig) == "waltz"
    heard: list[tuple[str, int]] = []
    rig.watch_bars(lambda ended: heard.append((ended.planned.style.name, ended.planned.bar.meter.steps)))
    rig.session.post(TriggerAction("start"))
    rig.run(8.0)
    assert set(heard[:3]) == {("jazz", 12)}
