"""A MIDI input in a process of its own, where no MIDI system is."""

from __future__ import annotations

import multiprocessing
import time

import pytest

from liveengine.errors import MidiError
from liveengine.midi.input_process import InputProcess, InputSettings, run
from liveengine.processes.child import Heartbeat

SETTINGS = InputSettings("control", "jack", None, time.monotonic)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")


def test_what_is_in_the_way_is_raised() -> None:
    with pytest.raises(MidiError, match="expected a running JACK server"):
        InputProcess(SETTINGS).open(lambda _message, _at_us: None, lambda _told: None)


def test_an_engine_that_has_ended_meanwhile_is_told_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=run, args=(theirs, Heartbeat(), SETTINGS))
    process.start()
    ours.close()
    theirs.close()
    process.join()
    assert process.exitcode == 0
    assert "Traceback" not in capfd.readouterr().err
