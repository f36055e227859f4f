"""What every binding of RtMidi must do, on a JACK server: each test runs on each that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from liveengine.errors import MidiError
from liveengine.midi import ports
from liveengine.midi.bindings import BINDING_VARIABLE, BINDINGS, binding
from liveengine.midi.inputs import ClockInput, ControlInput, ListenInput
from liveengine.midi.ports import RtMidiSink
from tests.live.companion import REPOSITORY, now_us
from tests.live.jack import JackServer
from tests.live.midi_server import MortalServer

pytestmark = pytest.mark.live
PATIENCE_S, OPENED_S = 10.0, 60.0
NOTE_ON, CONTROL_CHANGE, CLOCK, START = [0x99, 36, 100], [0xB0, 20, 64], [0xF8], [0xFA]
STAMP_SLACK_MS = 20.0
"""Far more than a period of JACK and a look, far less than the pause between two messages."""


@pytest.fixture(params=BINDINGS, autouse=True)
def _each_binding(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, jack_server: JackServer
) -> Iterator[None]:
    """Use one of the bindings; leave out what is not installed here, or cannot talk to this JACK."""
    monkeypatch.setenv(BINDING_VARIABLE, request.param)
    binding.cache_clear()
    try:
        lacks = binding().lacks("jack")
    except MidiError as error:
        pytest.skip(str(error))
    if lacks:
        pytest.skip(lacks)
    yield
    binding.cache_clear()


class Heard:
    """What an input has handed over."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, ...]] = []
        self.at_us: list[float] = []
        self._changed = threading.Condition()

    def __call__(self, message: Sequence[int], at_us: float = 0.0) -> None:
        with self._changed:
            self.messages.append(tuple(message))
            self.at_us.append(at_us)
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, PATIENCE_S), self.messages


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def sink() -> Iterator[RtMidiSink]:
    opened = RtMidiSink("jack")
    yield opened
    opened.close()


def test_the_sink_is_a_virtual_port_that_others_see(sink: RtMidiSink) -> None:
    assert (sink.port.name, sink.port.shown, sink.port.is_virtual) == ("drums", "liveengine:drums", True)
    assert "liveengine:drums" in ports.list_ports("jack").inputs
    assert "liveengine:drums" not in ports.list_ports("jack").outputs


def test_a_second_one_is_numbered_and_a_closed_one_is_gone(sink: RtMidiSink) -> None:
    second = RtMidiSink("jack")
    assert second.port.shown == "liveengine-01:drums"
    second.close()
    assert [name for name in ports.list_ports("jack").inputs if "drums" in name] == [sink.port.shown]


def test_the_control_port_is_virtual_and_hands_over_controls_only(jack_server: JackServer) -> None:
    heard = Heard()
    listening = ControlInput("jack", None, heard)
    assert listening.port.shown == "liveengine-control:control"
    sending = RtMidiSink("jack", listening.port.shown, "controller")
    assert not sending.port.is_virtual
    for message in (CLOCK, CONTROL_CHANGE, [0xF0, 1, 2, 3, 0xF7], NOTE_ON):
        sending.send(message)
    heard.wait_for(2)
    assert heard.messages == [tuple(CONTROL_CHANGE), tuple(NOTE_ON)]
    sending.close()
    listening.close()


def test_a_burst_comes_whole_and_in_order(jack_server: JackServer) -> None:
    heard = Heard()
    listening = ControlInput("jack", None, heard)
    sending = RtMidiSink("jack", listening.port.shown, "controller")
    sent = [(0x90, index % 128, 1 + index % 127) for index in range(500)]
    for message in sent:
        sending.send(message)
    heard.wait_for(len(sent))
    assert heard.messages == sent
    sending.close()
    listening.close()


def test_stamps_say_when_each_message_came(sink: RtMidiSink) -> None:
    heard, told = Heard(), list[str]()
    listening = ListenInput("jack", sink.port.shown, heard, now_us=now_us, tell=told.append, client="e")
    sent_us = []
    for _ in range(20):
        time.sleep(0.05)
        sent_us.append(now_us())
        sink.send(NOTE_ON)
    heard.wait_for(20)
    late_ms = sorted((at - sent) / 1e3 for at, sent in zip(heard.at_us, sent_us, strict=True))
    # The middle one: a busy machine may hold up some of them between reading the clock and sending.
    assert abs(late_ms[10]) < STAMP_SLACK_MS
    assert heard.at_us == sorted(heard.at_us)
    listening.close()
    assert told == []


def test_clock_and_start_come_to_the_clock_port_only(sink: RtMidiSink) -> None:
    heard = Heard()
    listening = ClockInput("jack", sink.port.shown, heard, now_us=now_us, tell=print, client="e")
    for message in (START, NOTE_ON, CLOCK):
        sink.send(message)
    heard.wait_for(2)
    assert heard.messages == [tuple(START), tuple(CLOCK)]
    listening.close()


def test_a_port_that_goes_and_comes_back_is_heard_again(jack_server: JackServer) -> None:
    heard, told = Heard(), list[str]()
    first = RtMidiSink("jack")
    shown = first.port.shown
    listening = ListenInput("jack", shown, heard, now_us=now_us, tell=told.append, client="e")
    first.close()
    wait_until(lambda: len(told) == 1)
    assert told == [f"{shown}, which is listened to, has gone"]
    second = RtMidiSink("jack")
    wait_until(lambda: len(told) == 2)
    second.send(NOTE_ON)
    heard.wait_for(1)
    listening.close()
    second.close()


def test_a_port_that_is_not_there_is_refused_with_those_that_are(sink: RtMidiSink) -> None:
    with pytest.raises(MidiError, match=r"port 'nonesuch': expected the name of a jack port; here: .*drums"):
        ControlInput("jack", "nonesuch", print)


def test_without_a_server_it_is_said_and_nothing_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nonesuch")
    assert not ports.available_backend("jack")
    with pytest.raises(MidiError, match="--backend jack: expected a running JACK server, found none"):
        RtMidiSink("jack")


def test_bytes_that_are_none_are_refused_and_the_port_goes_on(sink: RtMidiSink) -> None:
    heard = Heard()
    listening = ListenInput("jack", sink.port.shown, heard, now_us=now_us, tell=print, client="e")
    for wrong in ([], [0x90, 300, 1]):
        with pytest.raises(MidiError, match="MIDI output liveengine:drums"):
            sink.send(wrong)
    sink.send(NOTE_ON)
    heard.wait_for(1)
    assert heard.messages == [tuple(NOTE_ON)]
    listening.close()


OPENED = """
import os, sys
from liveengine.midi.bindings import binding
from liveengine.midi.jack_pulse import JackPulse
from liveengine.midi.listeners import connected_to
pulse = JackPulse(f"pulse-{os.getpid()}")
for turn in range(15):
    clients = [opened("jack", f"opened-{os.getpid()}") for opened in (binding().output, binding().input)]
    for client in clients:
        client.open_virtual_port("port")
    connected_to("jack", "nobody:port")
    for client in clients:
        client.delete()
os._exit(0)
"""


def test_clients_are_opened_while_libjack_says_something() -> None:
    """Its threads say what they find, with its lock held: where that waited for Python, all stood still.

    And they read from an output that is deleted: where it was freed under their hands, a process crashed.
    """
    running = [subprocess.Popen([sys.executable, "-c", OPENED], cwd=REPOSITORY) for _ in range(6)]
    try:
        assert [each.wait(OPENED_S) for each in running] == [0] * 6
    finally:
        for each in running:
            each.kill()
            each.wait()


SENT_LAST = """
import os, time
from liveengine.midi.bindings import binding
from liveengine.midi.ports import RtMidiSink
heard = []
for turn in range(10):
    ear = binding().input("jack", f"ear-{turn}")
    ear.open_virtual_port("in")
    sink = RtMidiSink("jack", f"ear-{turn}:in")
    time.sleep(0.1)
    for note in (36, 38, 42):
        sink.send((0x89, note, 0))
    sink.close()
    until = time.monotonic() + 5.0
    while len(heard) < 3 * (turn + 1) and time.monotonic() < until:
        if (message := ear.get_message()) is not None:
            heard.append(message)
        time.sleep(0.01)
    ear.delete()
print(len(heard), flush=True)
os._exit(0)
"""


def test_what_is_sent_just_before_a_port_is_closed_is_heard(tmp_path: Path) -> None:
    """Notes end so when the drummer leaves; JACK fetches them once a period, here of 21 ms."""
    server = MortalServer(tmp_path / "jackd.log", "slow", 1024)
    environment = {**os.environ, "JACK_DEFAULT_SERVER": server.name}
    command = [sys.executable, "-c", SENT_LAST]
    try:
        heard = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            timeout=OPENED_S,
            check=True,
        )
    finally:
        server.close()
    assert heard.stdout == "30\n"
