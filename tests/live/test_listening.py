"""Listening live: a bass on a JACK port is heard in time and answered; floods and ports that go."""

from __future__ import annotations

import time

import pytest

from tests.live.checks import check_dropped, tell
from tests.live.control_port import ControlPort
from tests.live.engine import Engine, EngineStarter
from tests.live.jack import JackServer
from tests.live.machine import StallProbe
from tests.live.playing_along import LISTEN_PORT, RIFF, OwnPort, flood, play_riff

pytestmark = pytest.mark.live
OPTIONS = ("--backend", "jack", "--clock", "system", "--style", "soul", "--bpm", "120", "--seed", "3")
LATE_MS = 20.0
PUSH_WITHIN_MS = 6.0
"""A note is sent by a thread of an ordinary process, on a machine that is busy."""
FLOOD_S, FLOOD_PER_S = 5.0, 5000


def heard_steps(engine: Engine, bar: int) -> list[int]:
    """Return the sixteenths on which notes of a bar were heard."""
    onsets = [onset for line in engine.lines("heard") for onset in line["onsets"]]
    places = [round(beats * 4) for beats, *_ in onsets]
    return sorted(place % 16 for place in places if place // 16 == bar)


def test_a_bass_is_heard_in_time_answered_and_a_flood_of_notes_is_shed(
    jack_server: JackServer, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine(*OPTIONS)
    assert engine.wait_for("header")["listen_port"] == LISTEN_PORT
    engine.wait_for("bar")
    port = ControlPort(LISTEN_PORT)
    play_riff(port, engine, 5, late_ms=LATE_MS)
    time.sleep(0.3)
    whole = engine.lines("heard")[-1]["bar"] - 1
    assert heard_steps(engine, whole) == [step for step, _ in RIFF]
    features = engine.lines("heard")[-1]["features"]
    assert features["riff_bars"] == 1
    (name, push_ms), *others = features["pushes_ms"]
    tell(f"a bass {LATE_MS:g} ms late is heard {push_ms:.1f} ms late")
    assert (name, others) == ("bass", [])
    assert push_ms == pytest.approx(LATE_MS, abs=PUSH_WITHIN_MS)
    answered = [line for line in engine.lines("decode") if line["controls"].get("groove")]
    assert answered
    accents = answered[-1]["controls"]["groove"]["accents"]
    assert [step for step, accent in enumerate(accents) if accent] == [step for step, _ in RIFF]

    sent = flood(port, FLOOD_S, FLOOD_PER_S)
    port.close()  # without a note-off: all of them hang
    engine.wait_for("bar", lambda line: line["bar"] > whole + 4)
    engine.stop()
    summary = engine.lines("summary")[-1]
    tell(f"{sent} notes in {FLOOD_S:g} s: {summary['late_bars']} late bars, {summary['dropped']} dropped")
    assert summary["late_bars"] == 0
    check_dropped(engine, stall_probe.stalls())


def test_a_port_that_goes_is_heard_again_once_it_is_back(
    jack_server: JackServer, start_engine: EngineStarter
) -> None:
    keys = OwnPort("keys")
    engine = start_engine(*OPTIONS, "--listen-port", "keys:out")
    engine.wait_for("bar")
    assert engine.wait_for("header")["listen_port"] == "keys:out"
    play_riff(keys, engine, 2)
    engine.wait_for("heard", lambda line: len(line["onsets"]) > 0)
    keys.close()
    engine.wait_for("notice", lambda line: "keys:out" in line["text"] and "gone" in line["text"])
    before = len([onset for line in engine.lines("heard") for onset in line["onsets"]])
    keys = OwnPort("keys")
    engine.wait_for("notice", lambda line: "keys:out" in line["text"] and "back" in line["text"])
    play_riff(keys, engine, 2)
    engine.wait_for("heard", lambda line: line["at_us"] > 0 and len(line["onsets"]) > 0)
    time.sleep(1.0)
    after = len([onset for line in engine.lines("heard") for onset in line["onsets"]])
    keys.close()
    engine.stop()
    assert after - before >= len(RIFF)
