"""The session's loop: what somebody's callback does never ends it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from liveengine.engine.snapshot import public_state, snapshot
from liveengine.errors import LiveEngineError
from liveengine.music.control import SetValue
from liveengine.music.control_map import ControlMap, GestureBinding
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def test_a_watcher_that_fails_is_logged_and_left_out(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig()
    calls = []

    def failing() -> None:
        calls.append("failing")
        raise RuntimeError("the page is gone")

    rig.session.watch(failing)
    rig.session.watch(lambda: calls.append("sound"))
    with caplog.at_level(logging.ERROR):
        rig.run(4.0)
    assert calls.count("failing") == 1
    assert calls.count("sound") > 10
    assert "the page is gone" in caplog.text
    assert rig.record.notice == "a view of the session failed and is off; see the log"
    assert rig.strikes, "the music goes on"


def test_an_answer_that_fails_is_logged_and_the_control_moves(
    make_rig: MakeRig, caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig()

    def failing(_refused: LiveEngineError | None) -> None:
        raise OSError("nobody listens")

    rig.session.post(SetValue("density", 0.25), failing)
    with caplog.at_level(logging.ERROR):
        rig.run(4.0)
    assert "nobody listens" in caplog.text
    assert rig.conductor.controls.density == 0.25
    assert rig.strikes


def test_a_hold_acts_while_no_message_comes(make_rig: MakeRig) -> None:
    rig = make_rig()
    hold = GestureBinding(
        "cc", 64, (("hold", SetValue("density", 0.25)), ("long", SetValue("density", 0.75)))
    )
    rig.session._surface.control_map = ControlMap((hold,))
    rig.session.receive([0xB0, 64, 127])
    rig.run(0.45)
    assert rig.conductor.controls.density is None
    rig.run(0.1)
    assert rig.conductor.controls.density == 0.25
    rig.run(1.0)
    assert rig.conductor.controls.density == 0.75


def test_bars_that_do_not_come_are_told_while_they_do_not(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(8.0)
    assert public_state(rig.session)["trouble"] == ""
    before = public_state(rig.session)["notice"]
    rig.source.stuck = True
    rig.run(10.0)
    told = "the fallback plays: this bar was not made in time"
    assert public_state(rig.session)["trouble"] == snapshot(rig.session).notice == told
    rig.source.stuck = False
    rig.run(10.0)
    assert public_state(rig.session)["trouble"] == ""
    assert public_state(rig.session)["notice"] == before
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    assert [line["texts"] for line in lines if line["type"] == "trouble"] == [[told], []]


def test_a_player_that_sends_into_nothing_is_told(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = make_rig()
    rig.run(4.0)
    monkeypatch.setattr(rig.player, "trouble", lambda: "no MIDI output: the JACK server has ended")
    monkeypatch.setattr(rig.source, "trouble", lambda: "the generator does not answer")
    rig.run(0.1)
    assert snapshot(rig.session).troubles == (
        "no MIDI output: the JACK server has ended",
        "the generator does not answer",
    )
