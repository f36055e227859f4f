"""MIDI ports through RtMidi: which systems are there, virtual ports, and existing ports by name."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from liveengine.errors import MidiError
from liveengine.midi.bindings import Client, InputClient, OutputClient, binding
from liveengine.midi.jack_pulse import jack_watch
from liveengine.midi.port_names import is_of_jack_client, port_named, same_port

CLIENT = "liveengine"
LIST_CLIENT = "liveengine-list"
OUTPUT_PORT = "drums"
CONTROL_PORT = "control"
LISTEN_PORT = "notes"
SYNC_PORT = "clock"
OPEN_TRIES, OPEN_PAUSE_S = 3, 0.3
"""How often, and how long apart, it is tried to open a client."""
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


def output_client(backend: str, name: str, tries: int = OPEN_TRIES) -> OutputClient:
    """Return a client that sends; raises MidiError with the cure where its MIDI system is not there."""
    return _opened(binding().output, backend, name, tries)


def input_client(backend: str, name: str, tries: int = OPEN_TRIES) -> InputClient:
    """Return a client that receives; raises MidiError with the cure where its MIDI system is not there."""
    return _opened(binding().input, backend, name, tries)


def _opened(make: Callable[[str, str], ClientKind], backend: str, name: str, tries: int) -> ClientKind:
    """Open a client; a busy JACK server may refuse one once or twice."""
    if lacks := binding().lacks(backend):
        raise MidiError(f"--backend {backend}: {lacks}")
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    for _ in range(tries - 1):
        with contextlib.suppress(*binding().errors), _quiet():
            return make(backend, name)
        time.sleep(OPEN_PAUSE_S)
    try:
        with _quiet():
            return make(backend, name)
    except binding().errors as error:
        available = [known for known in BACKENDS if known != backend and available_backend(known)]
        if tries == 1:
            raise MidiError(f"no {backend.upper()} server answers") from error
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

    One of ours is virtual; else it is another program's, and we are connected to it. `connected` are the
    ports that one of ours was connected to, where the system tells.
    """

    name: str
    shown: str
    is_virtual: bool = True
    connected: tuple[str, ...] = ()


def open_port(  # noqa: PLR0917 - what opens it, and which
    client: Client,
    seen_by: Callable[[str, str], Client],
    backend: str,
    wanted: str | None,
    owner: str,
    own: str,
    again: OpenPort | None = None,
) -> OpenPort:
    """Open a virtual port called `own`, or the existing port that `wanted` means, or that was open before.

    `client` was opened by the name `owner`.
    `seen_by` makes a client of the other direction, which sees ours; JACK shows all to anybody.
    """
    if wanted is None or wanted == own or (again is not None and again.is_virtual):
        if backend == "winmm":
            raise MidiError(
                "Windows has no virtual MIDI ports: make one with loopMIDI and name it with --port; "
                f"ports here: {', '.join(client.get_ports()) or 'none'}"
            )
        return OpenPort(own, _open_virtual(client, seen_by, backend, owner, own))
    names = client.get_ports()
    try:
        chosen = same_port(again.name, names, backend) if again else port_named(wanted, names, backend)
        if chosen is None and again is not None:
            raise MidiError(f"the port {again.shown} is not there")
        if chosen is None:
            raise MidiError(
                f"port {wanted!r}: expected the name of a {backend} port; here: {', '.join(names) or 'none'}"
            )
    except MidiError:
        client.delete()
        raise
    client.open_port(chosen, own)
    return OpenPort(str(names[chosen]), str(names[chosen]), is_virtual=False)


def _open_virtual(
    client: Client, seen_by: Callable[[str, str], Client], backend: str, owner: str, own: str
) -> str:
    """Open a virtual port of the client `owner`; return its name as the system gave it.

    It may number a second client of a name.
    """
    if backend == "jack":
        return _opened_as(client, own, jack_watch().ports, lambda name: is_of_jack_client(name, owner))
    other = seen_by(backend, LIST_CLIENT)
    try:
        return _opened_as(client, own, other.get_ports, lambda name: own in name)
    finally:
        other.delete()


def _opened_as(
    client: Client, own: str, names: Callable[[], Iterable[str]], is_ours: Callable[[str], bool]
) -> str:
    before = set(names())
    client.open_virtual_port(own)
    return next((name for name in names() if name not in before and is_ours(name)), own)


class RtMidiSink:
    """A MIDI output. Belongs to the process that opened it."""

    def __init__(
        self, backend: str, port: str | None = None, client: str = CLIENT, again: OpenPort | None = None
    ) -> None:
        """Open the virtual port `drums` of a client, or an existing port by name, or one as it was before.

        Raises MidiError, listing what is there, where the system or the port is missing; at once where it
        was open before, since whoever had it tries it again himself.
        """
        self._client = output_client(backend, client, 1 if again else OPEN_TRIES)
        try:
            self.port = open_port(self._client, input_client, backend, port, client, OUTPUT_PORT, again)
        except binding().errors as error:
            raise MidiError(f"MIDI output on {backend}: {error}") from error

    def send(self, message: Sequence[int]) -> None:
        """Send one message. Raises MidiError where the port has gone."""
        try:
            self._client.send_message(message)
        except binding().errors as error:
            raise MidiError(f"MIDI output {self.port.shown}: {error}") from error

    def names(self) -> list[str]:
        """Return the names of the ports of other programs, as this port's client sees them."""
        return self._client.get_ports()

    def close(self) -> None:
        """Close the port and leave the MIDI system."""
        self._client.close_port()
        self._client.delete()
