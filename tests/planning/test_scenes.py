"""Scenes in the music: recalled at once or with a bar, morphed, undone, and walked through as a set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from liveengine.engine.session import SessionStore
from liveengine.errors import ContractError, LiveEngineError, UnknownNameError
from liveengine.music.control import (
    ControlState,
    JumpToMarker,
    RecallScene,
    SaveScene,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
    apply,
)
from liveengine.music.scene import Scene, SetEntry, SetList, between
from liveengine.planning.scenes import Morph, SceneBook, SetListPlayer
from tests.rig import Rig

KICK, RIDE = 36, 51
MakeRig = Callable[..., Rig]
ROCK = ControlState("rock", fill_every=0)
JAZZ = ControlState("jazz", density=0.8, swing_percent=60.0, fill_every=0)
HALF_RIDE = Scene("half", apply(JAZZ, SetValue("level_ride", 0.5)), program=3)
SHUT = Scene("shut", apply(ROCK, SetToggle("mute_kick", True)))


def heard(rig: Rig, begin_beat: float, end_beat: float) -> list[tuple[float, int, int]]:
    """Return (beat, note, velocity) struck between two beats."""
    velocities = [message[2] for message in rig.sink.messages if message[0] & 0xF0 == 0x90]
    return [
        (round(beat, 2), note, velocity)
        for (_, beat, note), velocity in zip(rig.strikes, velocities, strict=True)
        if begin_beat - 0.01 <= beat < end_beat - 0.01
    ]


def test_a_scene_turns_everything_from_the_next_beat_on_but_latency_and_switch(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=[HALF_RIDE])
    rig.run(7.1)  # beat 14.2
    rig.session.post(SetValue("latency_ms", 5.0))
    rig.session.post(RecallScene("Half"))
    rig.run(2.0)
    assert rig.conductor.controls == replace(HALF_RIDE.controls, latency_ms=5.0)
    struck = heard(rig, 14.9, 18)
    assert {note for _, note, _ in struck} == {RIDE}
    assert all(velocity < 60 for _, _, velocity in struck)
    assert all(request.conditioning.density == 0.8 for request in rig.source.requests[-2:])


@pytest.mark.parametrize(("switch", "bar"), [("bar", 4), ("phrase_4", 4), ("phrase", 8)])
def test_where_bars_are_switched_all_of_a_scene_comes_with_the_bar_line(
    make_rig: MakeRig, switch: str, bar: int
) -> None:
    rig = make_rig(switch=switch, scenes=[HALF_RIDE])
    rig.run(9.1)  # beat 18.2, in the fourth bar (index 3)
    rig.session.post(RecallScene("half"))
    line = 4.0 * (bar + 1)
    rig.run(line / 2)
    before, after = heard(rig, 18.3, line), heard(rig, line, line + 4)
    assert {note for _, note, _ in before} == {KICK}
    assert {note for _, note, _ in after} == {RIDE}
    assert all(velocity < 60 for _, _, velocity in after)
    assert rig.conductor.controls.swing_percent == 60.0


def test_a_scene_can_be_undone(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=[HALF_RIDE])
    rig.run(7.1)
    rig.session.post(RecallScene("half"))
    rig.run(2.0)
    rig.session.post(TriggerAction("undo"))
    rig.run(4.0)
    assert rig.conductor.controls == ROCK
    assert {note for _, note, _ in heard(rig, 21, 25)} == {KICK}


def test_a_scene_that_is_not_there_is_answered_and_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=[HALF_RIDE])
    answers: list[LiveEngineError | None] = []
    rig.session.post(RecallScene("verse"), answers.append)
    rig.session.post(JumpToMarker("drop"), answers.append)
    rig.session.post(SetStyle("polka"), answers.append)
    rig.session.post(SetStyle("jazz"), answers.append)
    rig.run(1.0)
    assert all(isinstance(each, UnknownNameError) for each in answers[:3])
    assert str(answers[0]) == "scene 'verse' is unknown; all: half"
    assert "expected a set list" in str(answers[1])
    assert "'polka' is unknown" in str(answers[2])
    assert answers[3] is None
    assert "'polka' is unknown" in rig.record.notice


class Kept(SessionStore):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []

    def keep_scene(self, scene: Scene) -> str:
        self.scenes.append(scene)
        return f"kept {scene.name}"


def test_a_saved_scene_is_kept_and_takes_its_number_from_the_one_that_had_it(make_rig: MakeRig) -> None:
    store = Kept()
    rig = make_rig(scenes=[HALF_RIDE], store=store)
    rig.session.post(SetValue("energy", 0.9))
    rig.session.post(SaveScene("loud", 3))
    rig.session.receive([0xC0, 3])
    rig.run(0.5)
    assert store.scenes == [
        Scene("loud", replace(ROCK, energy=0.9), 3),
        replace(HALF_RIDE, program=None),
    ]
    assert rig.record.notice == "kept half"
    rig.session.post(SetValue("energy", 0.1))
    rig.session.receive([0xC0, 3])
    rig.run(0.1)
    assert rig.conductor.controls.energy == 0.9


def test_a_scene_saved_again_keeps_its_number() -> None:
    book = SceneBook([HALF_RIDE])
    book.put(Scene("HALF", ROCK))
    assert book.names == ("HALF",)
    assert book.find("half").program == 3


def test_the_way_between_two_scenes() -> None:
    begin = replace(ROCK, density=0.2, energy=None, levels=(1.0,) * 8)
    end = replace(JAZZ, energy=0.6, levels=(0.0,) * 8, muted=frozenset({"kick"}))
    middle = between(begin, end, 0.5, 0.25)
    assert (middle.style, middle.blend_style, middle.blend) == ("rock", "jazz", 0.25)
    assert middle.density == pytest.approx(0.2 + 0.25 * 0.6)
    assert middle.energy is None
    assert middle.levels == (0.5,) * 8
    assert middle.swing_percent == 60.0
    assert middle.muted == frozenset()
    assert between(begin, end, 1.0, 1.0) == end


def test_a_morph_moves_with_beats_and_what_needs_bars_with_bar_lines() -> None:
    begin, end = replace(ROCK, density=0.0), replace(ROCK, density=1.0, levels=(0.0,) * 8)
    morph = Morph(begin, end, 16.0, 24.0, 4.0, 6)
    levels = [round(morph.at(beat).levels[0], 3) for beat in (16.0, 16.9, 17.0, 20.0, 23.5)]
    assert levels == [1.0, 1.0, 0.875, 0.5, 0.125]
    densities = [morph.at(beat).density for beat in (16.0, 18.9, 19.0, 22.9, 24.0)]
    assert densities == pytest.approx([0.0, 0.0, 0.5, 0.5, 1.0])
    held = morph.with_override(SetValue("density", 0.3))
    assert held.at(23.0).density == held.at(24.0).density == 0.3


def test_a_scene_morphed_over_bars_arrives_on_the_bar_line(make_rig: MakeRig) -> None:
    rig = make_rig(scenes=[HALF_RIDE])
    rig.run(6.1)  # beat 12.2: bar 2 has begun at 12
    rig.session.post(RecallScene("half", 2))
    rig.run(2.0)
    assert rig.conductor.controls.blend_style == "jazz"
    assert 0 < rig.conductor.controls.blend < 1
    rig.run(3.0)
    assert rig.conductor.controls == HALF_RIDE.controls
    arrived = heard(rig, 20, 22)
    assert {note for _, note, _ in arrived} == {RIDE}
    assert all(velocity < 60 for _, _, velocity in arrived)
    assert KICK in {note for _, note, _ in heard(rig, 12, 16)}


def walk(*entries: SetEntry) -> SetList:
    return SetList("Friday", entries)


def test_a_set_begins_with_its_first_scene_and_comes_bar_by_bar_to_the_beat(make_rig: MakeRig) -> None:
    jazz = Scene("chorus", apply(JAZZ, SetValue("level_ride", 0.5)))
    rig = make_rig(
        set_list=walk(
            SetEntry(Scene("verse", ROCK), bar=1),
            SetEntry(jazz, bar=4),
            SetEntry(Scene("outro", ROCK), after=2),
        )
    )
    rig.run(2.0 + 14.0)
    first = heard(rig, 4, 4 + 12)
    second, third = heard(rig, 16, 24), heard(rig, 24, 28)
    assert {note for _, note, _ in first} == {KICK}
    assert {note for _, note, _ in second} == {RIDE}
    assert all(velocity < 60 for _, _, velocity in second)
    assert {note for _, note, _ in third} == {KICK}
    assert second[0][0] == 16.0
    assert sum(rig.record.dropped.values()) == 0


def test_a_set_waits_for_its_marker_and_can_be_called_on(make_rig: MakeRig) -> None:
    set_list = walk(
        SetEntry(Scene("verse", ROCK)),
        SetEntry(HALF_RIDE, marker="Drop"),
        SetEntry(Scene("end", ROCK)),
    )
    rig = make_rig(set_list=set_list)
    rig.run(9.1)  # beat 18.2
    assert rig.conductor.set_walk is not None
    assert rig.conductor.set_walk.progress(3).next_when == "at marker Drop"
    rig.session.post(JumpToMarker("drop"))
    rig.run(2.0)
    assert {note for _, note, _ in heard(rig, 20, 22)} == {RIDE}
    assert {note for _, note, _ in heard(rig, 16, 20)} == {KICK}
    rig.session.post(TriggerAction("next_scene"))
    rig.run(3.0)
    assert {note for _, note, _ in heard(rig, 24, 26)} == {KICK}
    answers: list[LiveEngineError | None] = []
    rig.session.post(TriggerAction("next_scene"), answers.append)
    rig.session.post(JumpToMarker("chorus"), answers.append)
    rig.run(0.1)
    assert [str(each) for each in answers] == [
        "next_scene: the set Friday is at its last scene",
        "marker 'chorus' is unknown; the set Friday has: Drop",
    ]


def test_a_set_may_morph_into_a_scene(make_rig: MakeRig) -> None:
    rig = make_rig(set_list=walk(SetEntry(Scene("a", ROCK)), SetEntry(HALF_RIDE, bar=3, morph_bars=2)))
    rig.run(2.0 + 6.0)  # a bar into the morph, which began with bar index 2 at beat 12
    assert 0 < rig.conductor.controls.blend < 1
    rig.run(2.5)
    assert rig.conductor.controls == HALF_RIDE.controls


@pytest.mark.parametrize("bars", [1, 2, 4])
@pytest.mark.parametrize("muted", [False, True])
def test_what_is_on_or_off_changes_with_the_one_that_a_morph_leads_to(
    make_rig: MakeRig, bars: int, muted: bool
) -> None:
    rig = make_rig(scenes=[Scene("there", SHUT.controls if muted else ROCK)])
    rig.session.post(SetToggle("mute_kick", not muted))
    rig.run(6.1)  # beat 12.2
    rig.session.post(RecallScene("there", bars))
    rig.run(2.0 * bars + 2.0)
    arrives = 12 + 4 * bars
    on_the_way, there = heard(rig, 13, arrives), heard(rig, arrives, arrives + 3)
    assert [beat for beat, note, _ in on_the_way if note == KICK] == (
        [float(beat) for beat in range(13, arrives)] if muted else []
    )
    assert [beat for beat, note, _ in there if note == KICK] == (
        [] if muted else [float(arrives + beat) for beat in range(3)]
    )


@pytest.mark.parametrize("switch", ["instant", "beat", "bar", "phrase"])
@pytest.mark.parametrize("turned_at", [12.8, 15.2, 18.6])
def test_a_mute_taken_back_on_the_way_holds_where_it_leads_to(
    make_rig: MakeRig, switch: str, turned_at: float
) -> None:
    rig = make_rig(switch=switch, scenes=[SHUT])
    rig.run(6.1)  # beat 12.2
    rig.session.post(RecallScene("shut", 2))
    rig.run((turned_at - 12.2) / 2)
    rig.session.post(SetToggle("mute_kick", False))
    rig.run(6.0)
    assert [beat for beat, note, _ in heard(rig, 20, 23) if note == KICK] == [20.0, 21.0, 22.0]


@pytest.mark.parametrize("switch", ["instant", "beat", "bar", "phrase_4", "phrase"])
@pytest.mark.parametrize("bars", [1, 2, 4])
def test_a_morph_that_has_arrived_stays_there(make_rig: MakeRig, switch: str, bars: int) -> None:
    rig = make_rig(switch=switch, scenes=[Scene("there", JAZZ)])
    styles: dict[int, str] = {}
    rig.watch_bars(lambda ended: styles.update({ended.planned.index: ended.planned.style.name}))
    rig.run(6.1)  # in bar 2
    rig.session.post(RecallScene("there", bars))
    rig.run(16.0)
    assert {name for bar, name in styles.items() if bar >= 2 + bars} == {"jazz"}


@pytest.mark.parametrize(("bars", "after_s"), [(1, 0.3), (2, 2.3)])
def test_a_morph_undone_in_its_last_bar_brings_the_bar_back(
    make_rig: MakeRig, bars: int, after_s: float
) -> None:
    rig = make_rig(scenes=[Scene("there", JAZZ)])
    ended: dict[int, list[tuple[int, int]]] = {}
    rig.watch_bars(
        lambda event: ended.update(
            {event.planned.index: [(hit.step, hit.velocity) for hit in event.planned.bar.hits]}
        )
    )
    rig.run(6.1)
    rig.session.post(RecallScene("there", bars))
    rig.run(after_s)
    rig.session.post(TriggerAction("undo"))
    rig.run(6.0)
    assert ended[2 + bars] == ended[2]


@pytest.mark.parametrize("switch", ["instant", "bar", "phrase"])
@pytest.mark.parametrize("undone_at", [13.2, 17.2, 19.7])
def test_a_morph_that_is_undone_leaves_nothing_where_it_led_to(
    make_rig: MakeRig, switch: str, undone_at: float
) -> None:
    rig = make_rig(switch=switch, scenes=[SHUT])
    rig.run(6.1)  # beat 12.2
    rig.session.post(RecallScene("shut", 2))
    rig.run((undone_at - 12.2) / 2)
    rig.session.post(TriggerAction("undo"))
    rig.run(6.0)
    assert [beat for beat, note, _ in heard(rig, 20, 24) if note == KICK] == [20.0, 21.0, 22.0, 23.0]


def test_the_progress_of_a_set() -> None:
    progress = SetListPlayer(walk(SetEntry(Scene("a", ROCK)), SetEntry(SHUT, bar=9))).progress(3)
    assert (progress.place, progress.count, progress.scene, progress.bars) == (1, 2, "a", 3)
    assert (progress.next_scene, progress.next_bar) == ("shut", 9)


@pytest.mark.parametrize("entries", [(), (SetEntry(SHUT, bar=5), SetEntry(SHUT, bar=5))])
def test_an_impossible_set_is_refused(entries: tuple[SetEntry, ...]) -> None:
    with pytest.raises(ContractError, match="set Friday: expected"):
        SetList("Friday", entries)


def test_an_unknown_marker_at_the_end_of_a_set() -> None:
    with pytest.raises(UnknownNameError, match="has: none"):
        SetListPlayer(walk(SetEntry(SHUT))).call(3, "x")


@pytest.mark.parametrize("to_beat", [401.0, 3.0])
def test_a_morph_goes_on_where_a_jump_of_the_beat_puts_it(make_rig: MakeRig, to_beat: float) -> None:
    rig = make_rig(scenes=[Scene("dense", apply(ROCK, SetValue("density", 1.0)))])
    rig.session.post(SetValue("density", 0.0))
    rig.run(6.1)  # beat 12.2
    rig.session.post(RecallScene("dense", bars=4))
    rig.run(3.0)
    before = rig.conductor.controls.density
    assert before is not None
    assert 0.2 < before < 0.5
    rig.timeline.jump_to(to_beat)
    rig.run(0.6)
    assert rig.conductor.controls.density == pytest.approx(before, abs=0.26)
    rig.run(7.0)
    assert rig.conductor.controls.density == 1.0


def test_scenes_of_another_script_are_kept_apart() -> None:
    names = ("Куплет", "Припев", "夏", "🥁 2", "♪ II")
    book = SceneBook(Scene(name, ROCK) for name in names)
    assert book.names == names
    assert book.find("припев").name == "Припев"


@pytest.mark.parametrize("name", ["🥁", "♪", "!!!", "?", " ", ""])
def test_a_name_without_letters_or_digits_is_refused_and_unknown(name: str) -> None:
    with pytest.raises(ContractError, match="scene: expected a name with letters or digits"):
        SaveScene(name)
    with pytest.raises(ContractError, match="scene: expected a name with letters or digits"):
        Scene(name, ROCK)
    with pytest.raises(UnknownNameError):
        SceneBook([Scene("verse", ROCK)]).find(name)
