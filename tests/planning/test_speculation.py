"""Rehearsals: likely styles are made in idle time, and a switch to one of them waits for nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from liveengine.music.control import SetBlendStyle, SetStyle, SetToggle, SetValue
from tests.rig import Rig

KICK, RIDE = 36, 51
MakeRig = Callable[..., Rig]


def lines(rig: Rig, kind: str) -> list[dict[str, Any]]:
    rig.record.flush()
    written = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    return [line for line in written if line["type"] == kind]


def rehearsing(make_rig: MakeRig, switch: str = "instant") -> Rig:
    rig = make_rig(switch=switch)
    rig.source.rehearses = True
    rig.run(7.1)  # beat 14.2
    return rig


def test_a_rehearsed_style_sounds_from_the_next_step_on_without_being_asked_for(make_rig: MakeRig) -> None:
    rig = rehearsing(make_rig)
    assert {request.conditioning.genres[0][0] for request in rig.source.rehearsals[-1]} >= {"jazz"}
    rig.source.stuck = True  # nothing more is made
    rig.session.post(SetStyle("jazz"))
    rig.run(0.9)
    assert [note for _, beat, note in rig.strikes if 14.9 < beat < 15.9] == [RIDE]
    replanned = [line for line in lines(rig, "bar") if line["replanned"]]
    decodes = {line["decode_id"]: line for line in lines(rig, "decode")}
    assert replanned[-1]["bar"] == 2
    assert decodes[replanned[-1]["decode_id"]]["step"] == 0
    assert decodes[replanned[-1]["decode_id"]]["taken_from"] == replanned[-1]["step"] == 9
    assert rig.source.requests[-1].index == 3  # the bars after it are made as ever


def test_in_beat_mode_it_begins_with_the_next_beat(make_rig: MakeRig) -> None:
    rig = rehearsing(make_rig, "beat")
    rig.run(0.38)  # 20 ms before beat 15
    rig.source.stuck = True
    rig.session.post(SetStyle("jazz"))
    rig.run(0.6)
    assert [note for _, beat, note in rig.strikes if 14.9 < beat < 16] == [RIDE]


def test_what_was_rehearsed_under_other_controls_is_not_taken(make_rig: MakeRig) -> None:
    rig = rehearsing(make_rig)
    rig.source.rehearses = False
    rig.session.post(SetValue("density", 0.9))
    rig.run(0.2)
    rig.session.post(SetStyle("jazz"))
    rig.run(0.2)
    newest = [line for line in lines(rig, "bar") if line["replanned"] and line["bar"] == 2][-1]
    decodes = {line["decode_id"]: line for line in lines(rig, "decode")}
    assert decodes[newest["decode_id"]]["step"] == newest["step"] > 0


def test_where_bars_are_switched_nothing_rehearsed_is_taken(make_rig: MakeRig) -> None:
    rig = rehearsing(make_rig, "bar")
    rig.session.post(SetStyle("jazz"))
    rig.run(2.5)
    assert {note for _, beat, note in rig.strikes if 14.9 < beat < 16} == {KICK}
    assert {note for _, beat, note in rig.strikes if 16 <= beat < 19} == {RIDE}


def test_the_styles_left_last_and_the_blend_s_come_first(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.1)
    rig.session.post(SetStyle("loose"))
    rig.run(2.0)
    rig.session.post(SetStyle("jazz"))
    rig.run(2.0)
    names = [request.conditioning.genres[0][0] for request in rig.source.rehearsals[-1]]
    assert names == ["rock", "rock"]  # loose and rock are both rock to the model
    rig.session.post(SetBlendStyle("jazz"))
    rig.session.post(SetStyle("rock"))
    rig.run(2.0)
    assert rig.source.rehearsals[-1][0].conditioning.genres == (("jazz", 1.0),)


def test_borrowed_drums_are_asked_of_the_blend_style_and_have_its_feel(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.1)
    rig.session.post(SetToggle("borrow_hat", True))
    rig.run(0.5)
    assert rig.source.requests[-1].borrowing is None  # nobody to borrow from yet
    rig.session.post(SetBlendStyle("loose"))
    rig.run(4.0)
    request = rig.source.requests[-1]
    assert request.borrowing is not None
    assert request.borrowing.drums == {"hat"}
    assert request.borrowing.conditioning.genres == (("rock", 1.0),)
    planned = rig.conductor.horizon.get(rig.conductor.horizon.current)
    assert planned is not None
    feel = planned.grooves[0].made.borrowed_feel
    assert feel is not None
    assert feel.jitter_ms == 9.0
