"""Control from outside: styles by MIDI, the session's transport, and ports that are not there."""

from __future__ import annotations

import math
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.analysis import SessionMap, match
from tests.live.checks import (
    HUT_BPM,
    QUANTUM_BEATS,
    SOON_US,
    check_lengths,
    check_matching,
    end_by_signal,
    tell,
)
from tests.live.companion import REPOSITORY
from tests.live.control_port import ControlPort
from tests.live.engine import Engine, EngineStarter, Line, command, run_to_end
from tests.live.hut import LinkHut
from tests.live.jack import JackServer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.sounding import largest_gap_beats, note_lengths

pytestmark = pytest.mark.live
BAR_S = QUANTUM_BEATS * 60 / HUT_BPM
STYLE_CONTROLLER = 20
FILL_NOTE, LOCK_1_NOTE = 60, 62
MALFORMED = ([0xB0, STYLE_CONTROLLER], [0x45, 0x12, 0x01], [0xC0])
"""A control change cut short, bytes without a status, and a program change without its program."""
ON_THE_WAY_US = 100_000.0
"""On a busy machine a plan takes longer to the player than is reckoned; what is due before is not judged."""
EARLIEST_BEATS = 0.125
"""A bar's first hit may come this much before the bar line."""
SLACK_BEATS = 0.01


@pytest.fixture
def stopping_hut(link_hut: LinkHut) -> Iterator[LinkHut]:
    """Have LinkHut share its transport, which stands still.

    A peer that joins a session which is playing is not told so: Link passes on changes only.
    """
    link_hut.sync_start_stop(True)
    yield link_hut
    link_hut.sync_start_stop(False)


def styles_in_order() -> list[str]:
    """Return the names of all styles in the order in which `liveengine styles` tells them."""
    status, text = run_to_end(["styles"])
    assert status == 0, text
    rows = re.findall(r"^ *(\d+) +([a-z]\w*) ", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(len(rows))), text
    return [name for _, name in rows]


def change_style(engine: Engine, listener: Listener, send: Callable[[], None], known: int) -> Line:
    """Call `send` in the first half of a bar; return the trace's style line after the `known` ones."""
    listener.wait_for(lambda state: 0.5 < state["beat"] % QUANTUM_BEATS < 1.5, "a bar's begin", timeout_s=10)
    send()
    return engine.wait_for("control", lambda line: line in styles(engine)[known:], timeout_s=5)


def styles(engine: Engine) -> list[Line]:
    """Return the trace's style lines."""
    return [line for line in engine.lines("control") if line["name"] == "style"]


def next_bar_us(session: SessionMap, at_us: float) -> float:
    """Return the moment of the first bar line after a moment."""
    line = math.floor(session.beat_at(at_us) / QUANTUM_BEATS + 1) * QUANTUM_BEATS
    return session.time_of(line, at_us)


def test_styles_change_by_midi_from_the_next_bar_and_nonsense_is_counted(
    jack_server: JackServer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    names = styles_in_order()
    engine = start_engine("--backend", "jack", "--style", names[0])
    engine.wait_for("note")
    assert "liveengine:drums" in jack_server.patchbay.ports()
    control_port = ControlPort()
    for content in MALFORMED:
        control_port.send(content)
    first = change_style(engine, listener, lambda: control_port.program_change(1), known=0)
    time.sleep(1.5 * BAR_S)
    second = change_style(
        engine, listener, lambda: control_port.control_change(STYLE_CONTROLLER, 127), known=1
    )
    time.sleep(1.5 * BAR_S)
    control_port.close()
    end_by_signal(engine, listener, signal.SIGTERM)

    assert [first["value"], second["value"]] == [names[1], names[-1]]
    assert len(styles(engine)) == 2
    counts = [line["count"] for line in engine.lines("malformed")]
    assert counts == list(range(1, len(MALFORMED) + 1)), engine.log()
    recording = listener.stop()
    outcome = check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    assert largest_gap_beats(recording.messages, recording.session) <= QUANTUM_BEATS
    lines_us = [next_bar_us(recording.session, line["at_us"]) for line in (first, second)]
    for line, begin_us, end_us in zip((first, second), lines_us, [second["at_us"], math.inf], strict=True):
        sounding = {
            pair.stated.style
            for pair in outcome.pairs
            if begin_us - 1_000 <= pair.heard.at_us - pair.stated.offset_ms * 1_000 < end_us
        }
        assert sounding == {line["value"]}


def test_styles_switch_within_the_bar_and_every_decode_can_be_made_again(
    jack_server: JackServer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk", "--switch", "instant", "--seed", "3")
    engine.wait_for("note")
    engine.wait_for("bar")
    control_port = ControlPort()
    for turn in range(8):
        control_port.program_change(turn * 3 % 11)
        time.sleep(0.45 + 0.1 * (turn % 3))
    control_port.send([0x90, FILL_NOTE, 100])
    time.sleep(1.5 * BAR_S)
    control_port.send([0x90, LOCK_1_NOTE, 100])
    time.sleep(3.5 * BAR_S)
    control_port.close()
    end_by_signal(engine, listener, signal.SIGINT)

    recording = listener.stop()
    check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    notes = engine.lines("note")
    plans = [line for line in engine.lines("bar") if line["replanned"]]
    assert len(plans) >= 8
    for place, plan in enumerate(plans):
        from_us = max(plan["from_us"], plan["at_us"] + ON_THE_WAY_US)
        heard = next((note for note in notes if note["due_us"] >= from_us), None)
        if heard is not None and all(newer["from_us"] > heard["due_us"] for newer in plans[place + 1 :]):
            assert heard["decode_id"] == plan["decode_id"]
    locked = notes[-1]["bar"] - 1
    assert places(notes, locked) == places(notes, locked - 1)
    status, text = run_to_end(["replay", str(engine.trace)], timeout_s=60)
    tell(text.splitlines()[-1])
    assert status == 0, text


def places(notes: list[Line], bar: int) -> list[tuple[float, float, int, int]]:
    """Return where the notes of a bar lie in it, to the microsecond, and what they are."""
    inside = [note for note in notes if note["bar"] == bar]
    return sorted(
        (round(note["beat"] % QUANTUM_BEATS, 5), note["offset_ms"], note["note"], note["velocity"])
        for note in inside
    )


def test_the_engine_stops_and_starts_with_the_session(
    stopping_hut: LinkHut, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("note")
    time.sleep(BAR_S)
    assert not stopping_hut.start_stop(), "an engine that plays has said so to the session"
    time.sleep(2.0)
    assert stopping_hut.start_stop()
    time.sleep(3.5 * BAR_S)
    end_by_signal(engine, listener, signal.SIGINT)

    recording = listener.stop()
    session = recording.session
    stopped, started = session.playing_changes()[-2:]
    assert [line["playing"] for line in engine.lines("transport")][-2:] == [False, True]
    until_us = stopped.time_us + SOON_US
    late = [message for message in recording.messages if until_us < message.at_us < started.time_us]
    before = [message for message in recording.messages if message.at_us <= until_us]
    tell(f"last message {(before[-1].at_us - stopped.time_us) / 1_000:.0f} ms after the stop")
    assert not late, f"messages after the stop: {late}"
    assert not note_lengths(before).hanging
    check_lengths(recording.messages, stall_probe.stalls())

    after = [message for message in recording.messages if message.at_us > started.time_us]
    pairs = match(engine.notes(), after).pairs
    first_bar = [pair for pair in pairs if pair.stated.bar == pairs[0].stated.bar]
    beats = [session.beat_at(pair.heard.at_us - pair.stated.offset_ms * 1_000) for pair in first_bar]
    turns = {math.floor((beat + EARLIEST_BEATS + SLACK_BEATS) / QUANTUM_BEATS) for beat in beats}
    assert len(turns) == 1, f"the first bar after the start is not on the quantum: beats {beats}"
    wait_beats = turns.pop() * QUANTUM_BEATS - session.beat_at(started.time_us)
    tell(f"the first bar begins {wait_beats:.2f} beats after the start")
    assert -SLACK_BEATS <= wait_beats <= 2 * QUANTUM_BEATS


def test_the_first_stop_of_a_session_that_played_before_is_heard(
    stopping_hut: LinkHut, listener: Listener, start_engine: EngineStarter
) -> None:
    assert stopping_hut.start_stop()
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("note")
    time.sleep(BAR_S)
    assert not stopping_hut.start_stop()
    time.sleep(2.0)
    assert engine.stop() == 0
    recording = listener.stop()
    stopped = recording.session.playing_changes()[-1]
    late = [message for message in recording.messages if message.at_us > stopped.time_us + SOON_US]
    ons = [message for message in late if message.is_on()]
    assert not ons, f"notes after the stop: {ons}"


def test_who_waits_begins_with_the_sessions_start(
    stopping_hut: LinkHut, listener: Listener, start_engine: EngineStarter
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk", "--wait")
    engine.wait_for("header")
    time.sleep(2.5)
    assert not engine.lines("note")
    assert stopping_hut.start_stop()
    engine.wait_for("note")
    assert not stopping_hut.start_stop()
    assert engine.stop() == 0
    recording = listener.stop()
    begun = [message.at_us for message in recording.messages if message.is_on()]
    started = recording.session.playing_changes()[-2]
    assert min(begun) > started.time_us


def test_a_port_that_is_not_there_is_told_with_those_that_are(listener: Listener) -> None:
    status, text = run_to_end(
        ["play", "--backend", "jack", "--port", "NOPE", "--style", "funk", "--no-ui", "--duration", "2"]
    )
    assert status == 2, text
    assert "NOPE" in text
    assert listener.input_port.partition(":")[0] in text
    assert "Traceback" not in text


def test_a_server_that_is_not_there_is_told(live_machine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none-such")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    status, text = run_to_end(["play", "--backend", "jack", "--style", "funk", "--no-ui", "--duration", "2"])
    assert status == 2, text
    assert "jack" in text.lower()
    assert "Traceback" not in text


def test_a_knob_is_learned_and_then_turns_its_control(
    jack_server: JackServer, start_engine: EngineStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path))
    learning = subprocess.Popen(
        [*command(), "learn-midi", "density", "--backend", "jack"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert learning.stdout is not None
    while "Touch the knob" not in (said := learning.stdout.readline()):
        assert said, "learn-midi ended before it listened"
    control_port = ControlPort()
    for value in (30, 33, 37):
        control_port.control_change(22, value)
    told = learning.stdout.read()
    assert learning.wait(10) == 0
    control_port.close()
    assert "CC 22 turns density, no longer energy; so does CC 21" in told
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("bar")
    control_port = ControlPort()
    control_port.control_change(22, 127)
    line = engine.wait_for("control")
    control_port.close()
    engine.stop()
    assert (line["name"], line["value"]) == ("density", 1.0)
