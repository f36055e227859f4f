"""Ports are shown by the names that JACK gave them, which numbers a second engine."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from liveengine.app.diagnosis import hearers
from liveengine.clock.system import now_us
from liveengine.midi.bindings import InputClient, OutputClient, binding
from liveengine.midi.input_process import InputProcess, InputSettings
from liveengine.midi.inputs import ControlInput, ListenInput
from liveengine.midi.jack_patch import Connected, JackPatch
from liveengine.midi.jack_pulse import JackPulse
from liveengine.midi.ports import RtMidiSink, list_ports
from tests.live.control_port import ControlPort
from tests.live.jack import JackServer
from tests.live.playing_along import OwnPort
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.live
BANDS, HEARD_S = 2, 30.0


@pytest.fixture
def sinks(jack_server: JackServer) -> Iterator[list[RtMidiSink]]:
    opened = [RtMidiSink("jack"), RtMidiSink("jack"), RtMidiSink("jack", client="left drummer")]
    yield opened
    for sink in opened:
        sink.close()


def test_what_is_shown_is_what_the_system_gave(sinks: list[RtMidiSink]) -> None:
    shown = [sink.port.shown for sink in sinks]
    assert shown == ["liveengine:drums", "liveengine-01:drums", "left drummer:drums"]
    assert set(shown) <= set(list_ports("jack").inputs)
    assert [sink.port.name for sink in sinks] == ["drums"] * 3


def test_the_control_port_too(jack_server: JackServer) -> None:
    inputs = [ControlInput("jack", None, print), ControlInput("jack", None, print, "left drummer")]
    assert [each.port.shown for each in inputs] == [
        "liveengine-control:control",
        "left drummer-control:control",
    ]
    for each in inputs:
        each.close()


def test_an_unended_system_exclusive_message_leaves_nobody_deaf(jack_server: JackServer) -> None:
    heard: list[list[int]] = []
    timed: list[list[int]] = []
    control = ControlInput("jack", None, lambda message: heard.append(list(message)))
    listening = ListenInput(
        "jack", None, lambda message, _: timed.append(list(message)), now_us=now_us, tell=print
    )
    for shown, received in ((control.port.shown, heard), (listening.port.shown, timed)):
        sender = ControlPort(shown)
        sender.send([0xF0, 1, 2, 3])
        sender.control_change(20, 5)
        until(partial(operator.contains, received, [0xB0, 20, 5]), "a controller in the middle")
        sender.control_change(20, 6)
        until(partial(operator.eq, received, [[0xB0, 20, 5], [0xB0, 20, 6]]), "one after it")
        sender.close()
    control.close()
    listening.close()


def test_a_controller_that_comes_back_is_heard_again(jack_server: JackServer) -> None:
    def plugged_in() -> OutputClient:
        knob = binding().output("jack", "usb")
        knob.open_virtual_port("Knobs")
        return knob

    knob, told = plugged_in(), list[str]()
    heard: list[list[int]] = []
    control = ControlInput("jack", "Knobs", lambda message: heard.append(list(message)), tell=told.append)
    knob.delete()
    until(lambda: told == ["usb:Knobs, which is listened to, has gone"], "that it has gone")
    knob = plugged_in()
    until(lambda: told[1:] == ["usb:Knobs, which is listened to, is back"], "that it is back")
    deadline_s = time.monotonic() + PATIENCE_S
    while [0xB0, 20, 5] not in heard:
        assert time.monotonic() < deadline_s
        knob.send_message([0xB0, 20, 5])
        time.sleep(0.05)
    control.close()
    knob.delete()


def test_a_callback_that_fails_leaves_no_port_deaf(jack_server: JackServer) -> None:
    started, told, heard = list[int](), list[str](), list[int]()

    def note_started(pid: int) -> None:
        started.append(pid)
        if len(started) > 1:
            raise RuntimeError("the next process cannot be noted")

    def note_heard(message: Sequence[int], _at_us: float) -> None:
        heard.append(message[2])
        raise RuntimeError("nor what it heard")

    control = InputProcess(InputSettings("control", "jack", None, now_us), note_started)
    shown = control.open(note_heard, told.append).shown
    for value in (1, 2):
        sender = ControlPort(shown)
        sender.control_change(20, value)
        until(partial(operator.contains, heard, value), f"controller value {value}")
        sender.close()
        if value == 1:
            os.kill(started[0], signal.SIGKILL)
            until(lambda: told[-1:] == [f"{shown} is back"], "the next process")
    assert len(started) == 2
    control.close()


def failing_clock() -> float:
    raise RuntimeError("no time")


def test_a_process_whose_port_nobody_looks_at_any_more_is_replaced(jack_server: JackServer) -> None:
    told: list[str] = []
    control = InputProcess(InputSettings("control", "jack", None, failing_clock))
    shown = control.open(lambda _message, _at_us: None, told.append).shown
    sender = ControlPort(shown)
    sender.control_change(20, 1)
    gone, back = f"{shown} hears nothing: it failed while it looked; see the log", f"{shown} is back"
    until(lambda: told == [gone, back], "the next process")
    sender.close()
    control.close()


class GoesOnceMore:
    """A client of RtMidi to which the port that it opens is not there the first time."""

    def __init__(self, client: InputClient) -> None:
        self._client, self.tries = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def open_port(self, place: int, name: str) -> None:
        self.tries += 1
        if self.tries == 1:
            raise binding().errors[0]("it has gone again")
        self._client.open_port(place, name)


def test_a_controller_that_goes_again_as_it_comes_back_is_heard_in_the_end(
    jack_server: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    knob = binding().output("jack", "usb")
    knob.open_virtual_port("Knobs")
    told: list[str] = []
    control = ControlInput("jack", "Knobs", print, tell=told.append)
    hasty = GoesOnceMore(control._client)
    monkeypatch.setattr(control, "_client", hasty)
    knob.delete()
    until(lambda: len(told) == 1, "that it has gone")
    knob = binding().output("jack", "usb")
    knob.open_virtual_port("Knobs")
    until(lambda: told[1:] == ["usb:Knobs, which is listened to, is back"], "that it is back")
    assert hasty.tries == 2
    control.close()
    knob.delete()


@pytest.fixture
def busy_cores() -> Iterator[None]:
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


def keep_heard(
    heard: dict[str, Sequence[int]], where: InputProcess, message: Sequence[int], _at_us: float
) -> None:
    heard[where.port.shown] = message


def test_ports_that_open_at_once_beside_busy_cores_all_hear(
    jack_server: JackServer, busy_cores: None
) -> None:
    heard: dict[str, Sequence[int]] = {}
    inputs = [
        InputProcess(InputSettings(kind, "jack", None, now_us, f"band{number}"))
        for number in range(BANDS)
        for kind in ("control", "listen")
    ]
    for each in inputs:
        each.open(partial(keep_heard, heard, each), print)
    senders = [ControlPort(each.port.shown) for each in inputs]
    for sender in senders:
        sender.send([0x90, 41, 96])
    deadline_s = time.monotonic() + HEARD_S
    while deaf := {each.port.shown for each in inputs} - heard.keys():
        assert time.monotonic() < deadline_s, f"deaf: {deaf}"
        time.sleep(0.01)
    for sender in senders:
        sender.close()
    for each in inputs:
        each.close()


@contextmanager
def sending_already(content: Sequence[int]) -> Iterator[str]:
    """Send a message over and over; yield the port's name."""
    keys, ending = OwnPort("keys"), threading.Event()

    def send() -> None:
        while not ending.wait(0.002):
            keys.send(content)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    yield "keys:out"
    ending.set()
    thread.join()
    keys.close()


@pytest.mark.parametrize("kind", ["control", "listen", "sync"])
def test_a_port_that_sends_already_is_opened_and_heard(jack_server: JackServer, kind: str) -> None:
    heard: list[Sequence[int]] = []
    content = [0xF8] if kind == "sync" else [0x90, 41, 96]
    with sending_already(content) as name:
        opened = InputProcess(InputSettings(kind, "jack", name, now_us))
        opened.open(lambda message, _at_us: heard.append(message), print)
        until(lambda: len(heard) > 10, "what was sent")
        opened.close()
    assert set(map(tuple, heard)) == {tuple(content)}


def test_a_port_that_comes_anew_is_connected_to_all_who_are_still_there(jack_server: JackServer) -> None:
    client = JackPulse("looks").client
    synths = [binding().input("jack", name) for name in ("synth", "sampler", "synth-end")]
    for synth in synths:
        synth.open_virtual_port("in")
    sink = RtMidiSink("jack")
    patch = JackPatch(client, sink.port.shown, besides="synth-end", look_s=0.0)
    assert patch.changed() == Connected(()), "the first look tells in any case"
    assert patch.changed() is None
    for name in ("synth", "sampler", "synth-end"):
        jack_server.patchbay.connect(sink.port.shown, f"{name}:in")
    seen = patch.changed()
    assert seen == Connected(("sampler:in", "synth:in"))
    assert patch.changed() is None
    sink.close()
    assert patch.changed() is None, "a port that has gone says nothing of its connections"
    synths[1].delete()
    sink = RtMidiSink("jack")
    patch = JackPatch(client, sink.port.shown, look_s=0.0)
    patch.restore(seen.ports)
    assert patch.changed() == Connected(("synth:in",))
    sink.close()
    control = ControlInput("jack", None, print)
    patch = JackPatch(client, control.port.shown, besides=control.helper, look_s=0.0)
    knob = binding().output("jack", "knobs")
    knob.open_virtual_port("out")
    patch.restore(("nobody:out", "knobs:out"))
    assert jack_server.patchbay.is_connected("knobs:out", control.port.shown)
    assert patch.changed() == Connected(("knobs:out",))
    control.close()
    for each in (knob, synths[0], synths[2]):
        each.delete()


def test_the_doctor_says_who_hears_it(sinks: list[RtMidiSink]) -> None:
    before = hearers(list_ports("jack"), "jack")
    assert not before.good
    listening = ControlInput("jack", sinks[1].port.shown, print, "other")
    after = hearers(list_ports("jack"), "jack")
    assert after.good
    assert after.found.startswith("liveengine-01:drums is heard by other-control:")
    listening.close()


def test_a_listener_of_the_second_engine_is_not_one_of_the_first(sinks: list[RtMidiSink]) -> None:
    listening = ControlInput("jack", sinks[1].port.shown, print, "other")
    client = JackPulse("looks").client
    seen = [JackPatch(client, sink.port.shown).changed() for sink in sinks]
    assert [bool(each and each.ports) for each in seen] == [False, True, False]
    listening.close()
