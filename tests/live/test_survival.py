"""Processes killed while the music plays: it goes on or ends, and no note hangs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mido
import pytest

from liveengine.app.console import open_console
from liveengine.app.takes import recover
from liveengine.recording.take_journal import journal_of
from tests.live.checks import (
    QUANTUM_BEATS,
    check_lengths,
    check_matching,
    end_by_signal,
    tell,
    wait_until_quiet,
    wait_until_sounding,
)
from tests.live.control_port import ControlPort
from tests.live.engine import Engine, EngineStarter, Line, is_running
from tests.live.jack import JackServer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.sounding import largest_gap_beats, note_lengths

pytestmark = pytest.mark.live
RESPAWN_S = 30.0
OBEYED_S = 10.0
JAZZ, DENSITY_CONTROLLER = 7, 21
FAREWELL_S = 5.0
FROZEN_S = 30.0
"""The player is given 3 s to close its port, the generator 1 s to end; busy cores take their time."""
NOTICED_S, KNOB_S = 5.0, 30.0
"""A hanging process is noticed within 3 s; the next one is there a little later."""


def wait_for_generated_bar(engine: Engine, after_us: float) -> None:
    """Wait for a note that sounds after a moment in a bar that the model made after it."""
    latest = max(line["bar"] for line in engine.lines("note") if line["sent_us"] <= after_us)

    def is_of_the_model(note: Line) -> bool:
        return note["bar"] > latest and any(
            bar["bar"] == note["bar"] and not bar["fallback"] for bar in engine.lines("bar")
        )

    engine.wait_for("note", is_of_the_model, timeout_s=RESPAWN_S)


def test_a_killed_engine_leaves_its_take_to_be_recovered(
    tmp_path: Path, start_engine: EngineStarter, listener: Listener
) -> None:
    take = tmp_path / "take.mid"
    engine = start_engine("--backend", "jack", "--style", "house", "--take", str(take))
    engine.wait_for("bar", lambda line: line["bar"] >= 1)
    engine.stop(signal.SIGKILL)
    assert not take.exists()
    assert recover(journal_of(take), None, open_console()) == take
    assert len(mido.MidiFile(take).tracks[1]) > 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_a_closed_terminal_ends_in_good_order_and_the_take_is_written(
    tmp_path: Path, start_engine: EngineStarter, listener: Listener
) -> None:
    take = tmp_path / "take.mid"
    engine = start_engine("--backend", "jack", "--style", "house", "--take", str(take))
    engine.wait_for("bar")
    end_by_signal(engine, listener, signal.SIGHUP)
    assert take.exists()


def test_the_music_goes_on_when_the_generator_is_killed(
    listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("bar", lambda line: not line["fallback"])
    engine.wait_for("note")
    control_port = ControlPort()
    killed = engine.kill("generator")
    control_port.program_change(JAZZ)
    control_port.control_change(DENSITY_CONTROLLER, 127)
    respawn = engine.wait_for("process", lambda line: line["name"] == "generator", timeout_s=RESPAWN_S)
    assert respawn["pid"] != killed
    wait_for_generated_bar(engine, respawn["at_us"])
    engine.wait_for("decode", lambda line: line["at_us"] > respawn["at_us"], timeout_s=RESPAWN_S)
    assert is_running(respawn["pid"])
    # What was being made when it was killed is made first, and then anew.
    turned = {line["name"]: line for line in engine.lines("control")}
    asked = turned["style"]["value"]
    engine.wait_for("note", lambda line: line["style"] == asked, timeout_s=OBEYED_S)
    control_port.close()
    end_by_signal(engine, listener, signal.SIGINT)

    recording = listener.stop()
    check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    gap_beats = largest_gap_beats(recording.messages, recording.session)
    tell(f"largest gap {gap_beats:.2f} beats")
    assert gap_beats <= QUANTUM_BEATS
    assert turned["style"]["at_us"] < respawn["at_us"]  # nobody was there to obey it
    last_made = {line["bar"]: line for line in engine.lines("decode") if line["at_us"] > respawn["at_us"]}
    assert last_made
    assert {line["controls"]["density"] for line in last_made.values()} == {1.0}
    assert engine.lines("note")[-1]["style"] == asked


def named(name: str) -> Callable[[Line], bool]:
    return lambda line: bool(line["name"] == name)


def more_than(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda state: bool(state["ons"] > count)


@pytest.fixture
def turning_knob() -> Iterator[None]:
    """Turn the density knob a hundred times a second, to and fro, meanwhile."""
    control_port = ControlPort()
    ending = threading.Event()

    def turn() -> None:
        value = 0
        while not ending.wait(0.01):
            value = (value + 7) % 128
            control_port.control_change(DENSITY_CONTROLLER, value)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    yield
    ending.set()
    thread.join()
    control_port.close()


def test_the_music_goes_on_when_generator_and_player_hang(
    listener: Listener, start_engine: EngineStarter, request: pytest.FixtureRequest
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("bar", lambda line: not line["fallback"])
    engine.wait_for("note")
    request.getfixturevalue("turning_knob")
    began = time.monotonic()
    for name in ("generator", "player"):
        hanging = engine.pid(name)
        stopped = time.monotonic()
        os.kill(hanging, signal.SIGSTOP)
        respawn = engine.wait_for("process", named(name), timeout_s=RESPAWN_S)
        noticed_s = time.monotonic() - stopped
        tell(f"{name}: another one after {noticed_s:.1f} s")
        assert noticed_s < NOTICED_S
        assert respawn["pid"] != hanging
        assert not is_running(hanging)
        wait_for_generated_bar(engine, respawn["at_us"])
        heard = listener.state()["ons"]
        listener.wait_for(more_than(heard + 4), f"notes after the {name}", RESPAWN_S)
    time.sleep(max(0.0, KNOB_S - (time.monotonic() - began)))
    end_by_signal(engine, listener, signal.SIGINT)
    recording = listener.stop()
    assert not note_lengths(recording.messages).hanging


BROKEN_BARS = 4
FAULT = f"""
import importlib.abc, importlib.machinery, sys


class Faulty(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "liveengine.generation.generator":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            whole = module.BarGenerator.generate_cancellable

            def broken(self, request, is_cancelled):
                if request.index > 0 and request.index % {BROKEN_BARS} == 0:
                    raise ValueError("this bar cannot be made")
                return whole(self, request, is_cancelled)

            module.BarGenerator.generate_cancellable = broken

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Faulty())
"""
"""Python runs `sitecustomize` at its start: each fourth bar fails, however often it is asked for."""


def test_a_bar_that_cannot_be_made_is_played_by_the_fallback_and_reported(
    listener: Listener, start_engine: EngineStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAULT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    engine = start_engine("--backend", "jack", "--style", "funk", "--bpm", "180")
    engine.wait_for("bar", lambda line: line["bar"] > 2 * BROKEN_BARS)
    generator = engine.pid("generator")
    end_by_signal(engine, listener, signal.SIGINT)
    recording = listener.stop()
    bars = {line["bar"]: line for line in engine.lines("bar") if line["bar"] > 0}
    broken = {index for index in bars if index % BROKEN_BARS == 0}
    assert {index for index, bar in bars.items() if bar["fallback"]} == broken
    assert largest_gap_beats(recording.messages, recording.session) <= QUANTUM_BEATS
    assert "a bar could not be made, the fallback plays: ValueError: this bar cannot be made" in engine.log()
    assert engine.lines("process") == [], "nobody was started again"
    assert generator == engine.pid("generator")


def test_the_engine_ends_though_the_midi_system_does_not_answer(
    live_machine: None, start_engine: EngineStarter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "")  # JackServer sets its own; this restores the other one
    server = JackServer(tmp_path / "jackd.log", "frozen")
    try:
        engine = start_engine("--backend", "jack", "--style", "funk")
        engine.wait_for("note")
        server.freeze()
        engine.process.send_signal(signal.SIGINT)
        status = engine.wait(FROZEN_S)
    finally:
        server.thaw()
        server.close()
    assert status == 2, engine.log()
    assert "The MIDI system does not answer" in engine.log()
    assert not [name for name in ("player", "generator") if is_running(engine.pid(name))]


def test_no_note_hangs_when_the_player_and_then_the_engine_are_killed(
    listener: Listener, start_engine: EngineStarter
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk")
    engine.wait_for("note")
    wait_until_sounding(listener)
    killed = engine.kill("player")
    respawn = engine.wait_for("process", lambda line: line["name"] == "player", timeout_s=RESPAWN_S)
    assert respawn["pid"] != killed
    heard = listener.state()["ons"]
    listener.wait_for(lambda state: state["ons"] > heard + 4, "notes of the new player", RESPAWN_S)

    wait_until_sounding(listener)
    children = [engine.pid("player"), engine.pid("generator")]
    engine.kill("engine")
    assert engine.wait(FAREWELL_S) == -signal.SIGKILL
    wait_until_quiet(listener)
    deadline = time.monotonic() + FAREWELL_S
    while left := [pid for pid in children if is_running(pid)]:
        assert time.monotonic() < deadline, f"processes {left} outlive the engine"
        time.sleep(0.05)

    recording = listener.stop()
    lengths = note_lengths(recording.messages)
    tell(f"longest note through both kills {lengths.longest_ms:.0f} ms")
    assert not lengths.hanging
