"""What is played into nothing is said within a second, is never stated as sent, and ports come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from liveengine.clock.system import now_us
from liveengine.midi.bindings import InputClient, binding
from tests.live.checks import SOON_US, tell
from tests.live.control_port import ControlPort
from tests.live.engine import Engine, EngineStarter, Line
from tests.live.jack import JackServer
from tests.live.midi_server import MortalServer
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.live
OWN_CLOCK = ("--backend", "jack", "--clock", "system", "--style", "funk", "--seed", "3")
TOLD_US, TOLD_BUSY_US = 1e6, 20e6
"""Within this it is said, and where the machine has more to do than twice what it can."""
OUT_S = 3.0
BACK_S = PATIENCE_S
ALL_NOTES_OFF = 123
NOTE_ON, DENSITY_CONTROLLER = 0x90, 21
LEARNT_S = 3.0
"""Within this an engine has seen whom its ports are connected to."""


@pytest.fixture
def mortal(live_machine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MortalServer]:
    server = MortalServer(tmp_path / "jackd.log", "mortal")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    yield server
    server.close()


def says(*parts: str) -> Callable[[Line], bool]:
    return lambda line: all(part in "; ".join(line["texts"]) for part in parts)


def all_is_well_after(at_us: float) -> Callable[[Line], bool]:
    return lambda line: line["at_us"] > at_us and not line["texts"]


def check_told(what: str, told: Line, since_us: float) -> None:
    """Check that something was said soon."""
    took_us = told["at_us"] - since_us
    tell(f"{what} is told after {took_us / 1e3:.0f} ms")
    busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    assert took_us < (TOLD_BUSY_US if busy else TOLD_US)


def check_nothing_stated(engine: Engine, from_us: float, to_us: float) -> None:
    """Check that no note of a time without a server is stated as sent.

    It is dropped for want of a port, or, where the next player is slow to come, by its plan or as lost.
    """
    assert [line for line in engine.lines("note") if from_us <= line["sent_us"] < to_us] == []
    reasons = {line["reason"] for line in engine.lines("dropped")}
    assert reasons & {"port", "plan", "lost"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_and_comes_back(
    mortal: MortalServer, start_engine: EngineStarter, tmp_path: Path, how: signal.Signals
) -> None:
    take = tmp_path / "take.mid"
    engine = start_engine(*OWN_CLOCK, "--take", str(take))
    engine.wait_for("note", lambda line: line["bar"] >= 1)
    ports = set(mortal.ports())
    ended_us = now_us()
    mortal.die(how)
    told = engine.wait_for("trouble", says("no MIDI output", "the JACK server has ended"))
    check_told("the end of the JACK server", told, ended_us)
    time.sleep(OUT_S)
    mortal.start()
    back = engine.wait_for("trouble", all_is_well_after(told["at_us"]), timeout_s=BACK_S)
    engine.wait_for("note", lambda line: line["sent_us"] > back["at_us"] + 1e6)
    until(lambda: ports <= set(mortal.ports()), "every port again")
    check_nothing_stated(engine, ended_us + SOON_US, back["at_us"] - TOLD_US)
    assert engine.stop() == 0
    assert take.exists()


def test_a_server_that_stands_still_is_told(mortal: MortalServer, start_engine: EngineStarter) -> None:
    engine = start_engine(*OWN_CLOCK)
    engine.wait_for("note", lambda line: line["bar"] >= 1)
    stopped_us = now_us()
    mortal.process.send_signal(signal.SIGSTOP)
    told = engine.wait_for("trouble", says("no MIDI output", "stood still"))
    check_told("a JACK server that stands still", told, stopped_us)
    time.sleep(OUT_S)
    mortal.process.send_signal(signal.SIGCONT)
    back = engine.wait_for("trouble", all_is_well_after(told["at_us"]), timeout_s=BACK_S)
    engine.wait_for("note", lambda line: line["sent_us"] > back["at_us"] + 1e6)
    check_nothing_stated(engine, stopped_us + SOON_US, back["at_us"] - TOLD_US)
    assert engine.stop() == 0


class Synth:
    """An instrument with a port of its own, which may be unplugged; it keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Sequence[int]] = []
        self._input: InputClient = binding().input("jack", "usb")
        self._input.open_virtual_port("Kit 1")

    def ons(self) -> int:
        while (message := self._input.get_message()) is not None:
            self.heard.append(message[0])
        return sum(each[0] & 0xF0 == 0x90 for each in self.heard)

    def unplug(self) -> None:
        self._input.delete()


def test_an_instrument_that_is_unplugged_is_played_again(
    jack_server: JackServer, start_engine: EngineStarter
) -> None:
    synth, other = Synth(), binding().input("jack", "usb2")
    other.open_virtual_port("Kit 10")
    engine = start_engine(*OWN_CLOCK, "--port", "Kit 1")
    assert engine.wait_for("header")["output_port"] == "usb:Kit 1"
    until(lambda: synth.ons() > 4, "notes at the instrument")
    unplugged_us = now_us()
    synth.unplug()
    told = engine.wait_for("trouble", says("no MIDI output", "the port usb:Kit 1 has gone"))
    check_told("an instrument that is unplugged", told, unplugged_us)
    time.sleep(OUT_S)
    synth = Synth()
    engine.wait_for("notice", lambda line: line["text"] == "usb:Kit 1 is back, with every note off")
    until(lambda: synth.ons() > 4, "notes at the instrument again")
    first = next(index for index, message in enumerate(synth.heard) if message[0] & 0xF0 == 0x90)
    before = synth.heard[:first]
    assert all(message[0] & 0xF0 == 0x80 or message[1] == ALL_NOTES_OFF for message in before)
    assert len(before) > 4, "every note off comes first"
    assert engine.stop() == 0
    synth.unplug()
    other.delete()


def test_a_generator_that_stands_still_is_told(jack_server: JackServer, start_engine: EngineStarter) -> None:
    engine = start_engine(*OWN_CLOCK)
    engine.wait_for("note", lambda line: line["bar"] >= 1)
    stopped_us = now_us()
    os.kill(engine.pid("generator"), signal.SIGSTOP)
    told = engine.wait_for("trouble", says("the generator does not answer"))
    check_told("a generator that stands still", told, stopped_us)
    engine.wait_for("trouble", says("the generator is started again"))
    engine.wait_for("trouble", all_is_well_after(told["at_us"]), timeout_s=BACK_S)
    assert engine.stop() == 0


def test_a_process_that_is_replaced_is_connected_as_the_one_before(
    jack_server: JackServer, start_engine: EngineStarter
) -> None:
    synth = Synth()
    engine = start_engine(*OWN_CLOCK)
    header = engine.wait_for("header")
    assert jack_server.patchbay.connect(header["output_port"], "usb:Kit 1")
    controller = ControlPort()
    until(lambda: synth.ons() > 4, "notes at the instrument")
    time.sleep(LEARNT_S)
    for name in ("player", "control"):
        engine.kill(name)
    synth.ons()
    synth.heard.clear()
    until(lambda: synth.ons() > 4, "notes of the next player, which nobody else has connected")
    assert any(message[1] == ALL_NOTES_OFF for message in synth.heard), "it begins with every note off"

    def is_turned() -> bool:
        controller.control_change(DENSITY_CONTROLLER, 127)
        time.sleep(0.1)
        return any(line["name"] == "density" for line in engine.lines("control"))

    until(is_turned, "the controller")
    assert {line["name"] for line in engine.lines("process")} == {"player", "control"}
    controller.close()
    assert engine.stop() == 0
    synth.unplug()
