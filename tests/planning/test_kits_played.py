"""Kits are switched while they play: from the next note on, and no note hangs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from liveengine.errors import LiveEngineError
from liveengine.music.control import ControlState, RecallScene, SaveScene, SetKit, SetStyle, TriggerAction
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT, Articulation, HatPedal, KitMap, KitNote
from liveengine.music.kit_commands import AddKit, StrikePad
from liveengine.music.pattern import Hit
from liveengine.music.scene import Scene
from tests.rig import Rig

MakeRig = Callable[..., Rig]
LONG = replace(GENERAL_MIDI_KIT, name="long", length_ms=700.0, title="Long Notes")
OTHER = replace(KitMap.plain("other", tuple(range(60, 74)), 3), length_ms=650.0)
SOON_US = 20_000.0
"""A control is heard within a settling of the loop and the player's lead."""


def ons(rig: Rig, since_us: float = 0.0) -> list[tuple[float, int, int]]:
    """Return (moment, channel, note) of what was struck from a moment on."""
    return [(at, m[0] & 15, m[1]) for at, m in rig.sent if m[0] & 0xF0 == 0x90 and at >= since_us]


def hanging(rig: Rig) -> set[tuple[int, int]]:
    """Return the (channel, note) that still sound."""
    sounding: set[tuple[int, int]] = set()
    for _, message in rig.sent:
        key = (message[0] & 15, message[1])
        if message[0] & 0xF0 == 0x90:
            sounding.add(key)
        elif message[0] & 0xF0 == 0x80:
            assert key in sounding, "only what was struck is ended"
            sounding.discard(key)
    return sounding


def lines(rig: Rig, kind: str) -> list[dict[str, object]]:
    rig.record.flush()
    written = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    return [line for line in written if line["type"] == kind]


def test_another_kit_plays_from_the_next_note_on_and_no_note_hangs(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[GENERAL_MIDI_KIT, OTHER])
    rig.source.steps = 1
    rig.run(4.03)
    assert {key[1:] for key in ons(rig)} == {(9, 36)}
    switched_us = rig.timeline.now_us()
    rig.session.post(SetKit("OTHER"))
    rig.run(2.0)
    assert rig.conductor.kit is OTHER
    later = ons(rig, switched_us + SOON_US)
    assert len(later) > 10
    assert {key[1:] for key in later} == {(2, 60)}
    steps = [at for at, *_ in ons(rig)]
    gaps = {round((after - before) / 1e3) for before, after in pairwise(steps)}
    assert gaps == {125}, "no stroke is lost, and none is struck twice"
    back_us = rig.timeline.now_us()
    rig.session.post(SetKit(None))
    rig.run(1.0)
    assert {key[1:] for key in ons(rig, back_us + SOON_US)} == {(9, 36)}
    assert hanging(rig), "notes are long"
    rig.session.end()
    rig.note_sent()
    assert not hanging(rig)
    assert [line["value"] for line in lines(rig, "control")] == ["other", None]
    assert [line["name"] for line in lines(rig, "kit")] == ["long", "other"]
    assert {(line["kit"], line["note"], line["channel"]) for line in lines(rig, "note")} == {
        ("long", 36, 10),
        ("other", 60, 3),
    }


def test_a_switch_can_be_undone_and_an_unknown_kit_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[OTHER])
    rig.run(3.0)
    refused: list[LiveEngineError | None] = []
    rig.session.post(SetKit("spoons"), refused.append)
    rig.run(0.1)
    assert str(refused[0]) == "kit 'spoons' is unknown; all: other, long"
    assert rig.conductor.kit is LONG
    rig.session.post(SetKit("other"), refused.append)
    rig.run(0.1)
    assert refused[1] is None
    rig.session.post(TriggerAction("undo"))
    rig.run(0.1)
    assert rig.conductor.kit is LONG


def test_a_scene_brings_its_kit_and_one_without_goes_back_to_the_first(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[OTHER], scenes=[Scene("first", ControlState("rock"))])
    rig.run(3.0)
    rig.session.post(SetKit("other"))
    rig.session.post(SaveScene("second"))
    rig.run(0.5)
    rig.session.post(RecallScene("first"))
    rig.run(0.5)
    assert rig.conductor.kit is LONG
    since_us = rig.timeline.now_us()
    rig.session.post(RecallScene("second"))
    rig.run(2.0)
    assert rig.conductor.kit is OTHER
    assert {key[1:] for key in ons(rig, since_us + SOON_US)} == {(2, 60)}


def test_in_phrases_a_scene_brings_its_kit_with_its_bar(make_rig: MakeRig) -> None:
    with_kit = Scene("jazz", ControlState("jazz", kit="other"))
    rig = make_rig(kit=LONG, kits=[OTHER], scenes=[with_kit], switch="bar")
    rig.run(3.0)
    rig.session.post(RecallScene("jazz"))
    rig.run(6.0)
    bars = {line["bar"]: line["kit"] for line in lines(rig, "note")}
    assert set(bars.values()) == {"long", "other"}
    assert all(
        {line["kit"] for line in lines(rig, "note") if line["bar"] == bar} == {bars[bar]} for bar in bars
    )


def test_panic_ends_the_notes_of_the_kit_before_too(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[OTHER])
    rig.run(4.01)
    rig.session.post(SetKit("other"))
    rig.session.post(TriggerAction("panic"))
    assert hanging(rig) == {(9, 36)}
    before = len(rig.sent)
    rig.run(0.01)
    ended = [message for _, message in rig.sent[before:]]
    assert (0x89, 36, 0) in ended
    assert (0x82, 60, 0) in ended
    assert {(0xB9, 123, 0), (0xB2, 123, 0)} <= set(ended)


HAT = KitMap(
    "hat",
    {**GENERAL_MIDI_KIT.sounds, Articulation.HALF_OPEN_HAT: KitNote((60, 61), "openness", (0.0, 0.4))},
    pedal=HatPedal(4, 127, 0),
)
PATTERN = [(Voice.CLOSED_HAT, None), (Voice.OPEN_HAT, 0.3), (Voice.OPEN_HAT, 0.5), (Voice.OPEN_HAT, None)]


@pytest.mark.parametrize("bpm", [60.0, 120.0, 240.0])
def test_openness_is_heard_before_each_stroke_once(make_rig: MakeRig, bpm: float) -> None:
    rig = make_rig(bpm=bpm, style="loose", kit=HAT, kits=[LONG])
    rig.source.written = tuple(
        Hit(step, voice, 0, 90, openness)
        for step in range(16)
        for voice, openness in [PATTERN[(step * 7 // 5) % len(PATTERN)]]
    )
    rig.run(20.0)
    pedal, moved_us, moves, strokes = -1, 0.0, 0, 0
    wanted = {42: 127, 60: 89, 61: 64, 46: 0}
    for at_us, message in rig.sent:
        if message[0] == 0xB9 and message[1] == 4:
            assert message[2] != pedal, "it is told only where it moves"
            pedal, moved_us, moves = message[2], at_us, moves + 1
        elif message[0] == 0x99 and message[1] in wanted:
            strokes += 1
            assert pedal == wanted[message[1]]
            assert at_us - moved_us >= 2000.0
            if moves and moved_us > at_us - 25_000.0:
                assert at_us - moved_us <= 20_000.0
    assert strokes > 200 * bpm / 120 / 2
    assert 10 < moves <= strokes
    since_us = rig.timeline.now_us()
    rig.session.post(SetKit("long"))
    rig.session.post(SetStyle("rock"))
    rig.run(2.0)
    assert not [m for at, m in rig.sent if at > since_us + SOON_US and m[0] & 0xF0 == 0xB0]


def test_a_stroke_by_hand_sounds_at_once_ends_and_is_no_part_of_the_performance(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[OTHER])
    rig.source.steps = 1
    rig.run(4.03)
    at_us = rig.timeline.now_us()
    rig.session.post(StrikePad(Articulation.BELL, 77))
    rig.session.post(StrikePad(Articulation.SNARE, 50, note=99))
    rig.run(0.005)
    struck = [(at, message) for at, message in rig.sent if at >= at_us and message[0] == 0x99]
    assert [message for _, message in struck if message[1] != 36] == [(0x99, 53, 77), (0x99, 99, 50)]
    assert all(at - at_us <= 5000 for at, message in struck if message[1] != 36)
    rig.session.post(SetKit("other"))
    rig.run(2.0)
    offs = [message[1] for at, message in rig.sent if at >= at_us and message[0] == 0x89]
    assert offs.count(53) == offs.count(99) == 1
    rig.session.end()
    rig.note_sent()
    assert not hanging(rig)
    assert {line["note"] for line in lines(rig, "note")} == {36, 60}
    assert not lines(rig, "dropped")
    assert [line["name"] for line in lines(rig, "control")] == ["kit"]
    steps = [at for at, _, note in ons(rig) if note in (36, 60)]
    gaps = {round((after - before) / 1e3) for before, after in pairwise(steps)}
    assert gaps == {125}, "what is planned keeps its time"


def test_a_stroke_by_hand_is_heard_while_nothing_plays(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG)
    rig.session.post(StrikePad(Articulation.HALF_OPEN_HAT, 90))
    rig.run(0.01)
    assert [key[1:] for key in ons(rig)] == [(9, 46)]
    rig.run(1.0)
    assert (9, 46) not in hanging(rig)


def test_a_kit_that_is_changed_plays_at_once_and_each_note_knows_its_kit(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG, kits=[OTHER])
    rig.source.steps = 1
    rig.run(4.03)
    changed = replace(LONG, sounds={**LONG.sounds, Articulation.KICK: KitNote((24,))})
    since_us = rig.timeline.now_us()
    rig.session.post(AddKit(changed))
    rig.run(2.0)
    assert rig.conductor.kit is changed
    assert {key[1:] for key in ons(rig, since_us + SOON_US)} == {(9, 24)}
    assert (9, 36) not in hanging(rig)
    rig.session.post(AddKit(LONG))
    rig.run(1.0)
    assert [line["name"] for line in lines(rig, "kit")] == ["long", "long (2)"]
    assert {(line["kit"], line["note"]) for line in lines(rig, "note")} == {("long", 36), ("long (2)", 24)}
    assert not lines(rig, "control"), "no control was turned"


def test_a_new_kit_can_be_switched_to_and_undone(make_rig: MakeRig) -> None:
    rig = make_rig(kit=LONG)
    rig.run(3.0)
    refused: list[LiveEngineError | None] = []
    rig.session.post(AddKit(OTHER), refused.append)
    rig.session.post(SetKit("other"), refused.append)
    rig.run(0.1)
    assert refused == [None, None]
    assert rig.conductor.kits.names == ("long", "other")
    assert rig.conductor.kit is OTHER
    rig.session.post(TriggerAction("undo"))
    rig.run(0.1)
    assert rig.conductor.kit is LONG
