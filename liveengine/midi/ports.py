"""MIDI ports through RtMidi: which systems are there, virtual ports, and existing ports by name."""

from __future__ import annotations

import abc
import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from liveengine.errors import MidiError
from liveengine.midi.bindings import Client, InputClient, OutputClient, binding
from liveengine.midi.port_names import port_named
from liveengine.midi.sysex import SysexEnder, messages_in

CLIENT = "liveengine"
LIST_CLIENT = "liveengine-list"
OUTPUT_PORT = "drums"
CONTROL_PORT = "control"
LISTEN_PORT = "notes"
SYNC_PORT = "clock"
LOOK_S = 0.002
"""How often an input is looked at."""
LOOK_AGAIN_S = 0.5
"""How often it is seen whether a port of another program is still there."""
STAMPS_KEPT_US = 10e6
"""A clock of a MIDI system drifts less than anybody hears within this."""
SYSTEM = 0xF0
"""Messages from here on are of no channel."""
OPEN_AGAIN, OPEN_PAUSE_S = 2, 0.3
"""How often, and after how long, a client that was refused is opened again."""
BACKENDS = ("alsa", "jack", "coremidi", "winmm")
"""In the order in which they are taken."""
NO_MIDI_CURE = {
    "linux": "start JACK or PipeWire's JACK, or load the ALSA sequencer: sudo modprobe snd-seq",
    "darwin": "CoreMIDI should always be there: restart the MIDI server in Audio MIDI Setup",
    "win32": "install loopMIDI, make a port there, and name it with --port",
}


ClientKind = TypeVar("ClientKind", InputClient, OutputClient)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the MIDI system's own complaints off the terminal; ours say more."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def control_client(client: str) -> str:
    """Return the name of the client that takes controls, beside one that sends drums."""
    return f"{client}-control"


def output_client(backend: str, name: str) -> OutputClient:
    """Return a client that sends; raises MidiError with the cure where its MIDI system is not there."""
    return _opened(binding().output, backend, name)


def input_client(backend: str, name: str) -> InputClient:
    """Return a client that receives; raises MidiError with the cure where its MIDI system is not there."""
    return _opened(binding().input, backend, name)


def _opened(make: Callable[[str, str], ClientKind], backend: str, name: str) -> ClientKind:
    """Open a client; a busy JACK server may refuse one once or twice."""
    if lacks := binding().lacks(backend):
        raise MidiError(f"--backend {backend}: {lacks}")
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    for _ in range(OPEN_AGAIN):
        with contextlib.suppress(*binding().errors), _quiet():
            return make(backend, name)
        time.sleep(OPEN_PAUSE_S)
    try:
        with _quiet():
            return make(backend, name)
    except binding().errors as error:
        available = [known for known in BACKENDS if known != backend and available_backend(known)]
        raise MidiError(
            f"--backend {backend}: expected a running {backend.upper()} server, found none ({error}); "
            f"MIDI systems here: {', '.join(available) or 'none'}"
        ) from error


def available_backend(backend: str) -> bool:
    """Tell whether a MIDI system runs here."""
    if binding().lacks(backend):
        return False
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    try:
        with _quiet():
            binding().output(backend, "liveengine-probe").delete()
    except binding().errors:
        return False
    return True


def choose_backend(wanted: str) -> str | None:
    """Return the MIDI system to use for "auto" (None where there is none), or `wanted` itself."""
    if wanted != "auto":
        return wanted
    for backend in BACKENDS:
        if available_backend(backend):
            return backend
    return None


@dataclass(frozen=True, slots=True)
class PortList:
    """The names of the ports that others have opened."""

    outputs: tuple[str, ...]
    inputs: tuple[str, ...]


def list_ports(backend: str) -> PortList:
    """Return the ports of a MIDI system. Raises MidiError where it is not there."""
    out = output_client(backend, LIST_CLIENT)
    outputs = tuple(out.get_ports())
    out.delete()
    into = input_client(backend, LIST_CLIENT)
    inputs = tuple(into.get_ports())
    into.delete()
    return PortList(outputs, inputs)


@dataclass(frozen=True, slots=True)
class OpenPort:
    """A port that is open: its name as it was asked for, and in full as other programs see it.

    One of ours is virtual; else it is another program's, and we are connected to it.
    """

    name: str
    shown: str
    is_virtual: bool = True


def _open(
    client: Client, seen_by: Callable[[str, str], Client], backend: str, wanted: str | None, own: str
) -> OpenPort:
    """Open a virtual port called `own`, or the existing port that `wanted` means.

    `seen_by` makes a client of the other direction, which sees ours.
    """
    if wanted is None or wanted == own:
        if backend == "winmm":
            raise MidiError(
                "Windows has no virtual MIDI ports: make one with loopMIDI and name it with --port; "
                f"ports here: {', '.join(client.get_ports()) or 'none'}"
            )
        return OpenPort(own, _open_virtual(client, seen_by(backend, LIST_CLIENT), own))
    names = client.get_ports()
    try:
        chosen = port_named(wanted, names, backend)
        if chosen is None:
            raise MidiError(
                f"port {wanted!r}: expected the name of a {backend} port; here: {', '.join(names) or 'none'}"
            )
    except MidiError:
        client.delete()
        raise
    client.open_port(chosen, own)
    return OpenPort(str(names[chosen]), str(names[chosen]), is_virtual=False)


def _open_virtual(client: Client, other: Client, own: str) -> str:
    """Open a virtual port; return its name as the system gave it, which may number a second client."""
    try:
        before = set(other.get_ports())
        client.open_virtual_port(own)
        new = [name for name in other.get_ports() if name not in before and own in name]
    finally:
        other.delete()
    return str(new[0]) if new else own


class RtMidiSink:
    """A MIDI output. Belongs to the process that opened it."""

    def __init__(self, backend: str, port: str | None = None, client: str = CLIENT) -> None:
        """Open the virtual port `drums` of a client, or an existing port by name.

        Raises MidiError, listing what is there, where the system or the port is missing.
        """
        self._client = output_client(backend, client)
        try:
            self.port = _open(self._client, input_client, backend, port, OUTPUT_PORT)
        except binding().errors as error:
            raise MidiError(f"MIDI output on {backend}: {error}") from error

    def send(self, message: Sequence[int]) -> None:
        """Send one message. Raises MidiError where the port has gone."""
        try:
            self._client.send_message(message)
        except binding().errors as error:
            raise MidiError(f"MIDI output {self.port.shown}: {error}") from error

    def close(self) -> None:
        """Close the port and leave the MIDI system."""
        self._client.close_port()
        self._client.delete()


class _Input(abc.ABC):
    """A MIDI input that is looked at on a thread of its own.

    It looks for messages instead of being called: JACK would call on the thread that carries everybody's
    audio and MIDI, and there wait for Python's lock; notes came up to 2 ms late while controls were turned.
    Another program's port that goes is opened again once it is back.
    """

    def __init__(  # noqa: PLR0917 - what it is called, to whom
        self, backend: str, port: str | None, client: str, own: str, what: str, tell: Callable[[str], None]
    ) -> None:
        """Open the virtual port `own` of a client, or an existing port by name."""
        self._client = input_client(backend, client)
        ender = output_client(backend, f"{client}-end") if backend == "jack" else None
        known = ender.get_ports() if ender else []
        try:
            self.port = _open(self._client, output_client, backend, port, own)
            self._ender = SysexEnder(ender, known, own) if ender else None
        except binding().errors as error:
            raise MidiError(f"MIDI {what} input on {backend}: {error}") from error
        self._own, self._tell = own, tell
        self._gone = False
        self._look_again = time.monotonic() + LOOK_AGAIN_S
        self._closing = threading.Event()
        self._looking = threading.Thread(target=self._look, name=client, daemon=True)

    def _look(self) -> None:
        while not self._closing.wait(LOOK_S):
            while (event := self._client.get_message()) is not None:
                self._take(*event)
            if self._ender is not None:
                self._ender.step()
            self._look_after()

    @abc.abstractmethod
    def _take(self, message: Sequence[int], since_s: float) -> None:
        """Hand over a message that came `since_s` after the one before."""

    def _look_after(self) -> None:
        """See whether another program's port is still there, and open it again once it is back."""
        if self.port.is_virtual or time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + LOOK_AGAIN_S
        names = self._client.get_ports()
        there = self.port.name in names
        if there == self._gone:
            self._gone = not there
            if there:
                with contextlib.suppress(*binding().errors):
                    self._client.close_port()
                self._client.open_port(names.index(self.port.name), self._own)
            self._tell(f"{self.port.shown}, which is listened to, {'is back' if there else 'has gone'}")

    def close(self) -> None:
        """Close the port and leave the MIDI system."""
        self._closing.set()
        self._looking.join()
        if self._ender is not None:
            self._ender.close()
        self._client.close_port()
        self._client.delete()


class ControlInput(_Input):
    """The control port; every message is handed over on a thread of its own."""

    def __init__(
        self,
        backend: str,
        port: str | None,
        received: Callable[[Sequence[int]], None],
        client: str = CLIENT,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open the virtual port `control`, of a client beside `client`, or an existing port by name."""
        super().__init__(backend, port, control_client(client), CONTROL_PORT, "control", tell)
        # Not even sysex: what is left out in the middle of one that never ends would be left out with it.
        self._client.ignore_types(sysex=False, timing=True, active_sense=True)
        self._received = received
        self._looking.start()

    def _take(self, message: Sequence[int], since_s: float) -> None:
        del since_s
        for each in messages_in(message):
            self._received(each)


class _StampedInput(_Input):
    """An input whose messages come with the moment at which they came, on a thread of its own.

    The moment comes from the MIDI system's own stamps, from message to message; the soonest that one of them
    was looked at says where they lie on our clock.
    """

    OWN: ClassVar[str]
    """Name of the virtual port."""
    BESIDE: ClassVar[str]
    """What the name of its client adds to the engine's."""

    def __init__(
        self,
        backend: str,
        port: str | None,
        received: Callable[[Sequence[int], float], None],
        *,
        now_us: Callable[[], float],
        tell: Callable[[str], None],
        client: str = CLIENT,
    ) -> None:
        """Open the virtual port, of a client beside `client`, or an existing port by name."""
        super().__init__(backend, port, f"{client}-{self.BESIDE}", self.OWN, self.OWN, tell)
        # Nothing is left out by the system: what it leaves out would be missing from its stamps.
        self._client.ignore_types(sysex=False, timing=False, active_sense=False)
        self._received, self._now_us = received, now_us
        self._stamp_us = 0.0
        self._offsets_us: deque[tuple[float, float]] = deque()
        self._looking.start()

    @abc.abstractmethod
    def _is_wanted(self, status: int) -> bool:
        """Tell whether a message of a status is for this port."""

    def _take(self, message: Sequence[int], since_s: float) -> None:
        now_us = self._now_us()
        self._stamp_us += since_s * 1e6
        offset_us = now_us - self._stamp_us
        while self._offsets_us and self._offsets_us[-1][1] >= offset_us:
            self._offsets_us.pop()
        self._offsets_us.append((now_us, offset_us))
        while now_us - self._offsets_us[0][0] > STAMPS_KEPT_US:
            self._offsets_us.popleft()
        for each in messages_in(message):
            if self._is_wanted(each[0]):
                self._received(each, self._stamp_us + self._offsets_us[0][1])


class ListenInput(_StampedInput):
    """The port on which other players are heard."""

    OWN, BESIDE = LISTEN_PORT, "listen"

    def _is_wanted(self, status: int) -> bool:
        return status < SYSTEM


class ClockInput(_StampedInput):
    """The port on which MIDI clock comes, with start, stop, continue and song position."""

    OWN, BESIDE = SYNC_PORT, "sync"

    def _is_wanted(self, status: int) -> bool:
        return status >= SYSTEM
