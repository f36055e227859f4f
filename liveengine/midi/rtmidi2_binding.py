"""rtmidi2 with the methods of python-rtmidi, and the libjack that its Linux wheel brings along."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liveengine.errors import MidiError, as_started
from liveengine.midi.bindings import InputClient, OutputClient, apis_of
from liveengine.midi.jack_client import JackInput, JackOutput
from liveengine.midi.jack_pulse import jack_watch

FETCHED_PERIODS = 2
"""After so many all has been fetched, wherever in a period it was sent."""
QUEUE_MESSAGES = 1024
"""What python-rtmidi queues."""
SYSTEMS = {"linux": ("alsa", "jack"), "darwin": ("coremidi",), "win32": ("winmm",)}
"""What its wheels are built for."""
MAPS = Path("/proc/self/maps")


class RtMidi2:
    """rtmidi2."""

    name = "rtmidi2"
    errors: tuple[type[Exception], ...] = (RuntimeError, ValueError, IndexError)

    def __init__(self) -> None:
        """Load it; raises ImportError."""
        self._rtmidi2: Any = importlib.import_module("rtmidi2")
        self._apis = apis_of(self._rtmidi2)

    def lacks(self, backend: str) -> str:
        """Return why a MIDI system cannot be used through it on this machine, empty where it can."""
        built = SYSTEMS.get(sys.platform, ())
        if backend not in built:
            return f"{self.name} on this machine is built for {', '.join(built) or 'none'}"
        if backend == "jack" and (brought := bundled_libjacks()):
            return (
                f"{self.name} brings {brought[0].name} along, which talks only to JACK servers of its age; "
                f"`{as_started('doctor --fix')}` gives it the libjack of this system"
            )
        return ""

    def output(self, backend: str, name: str) -> OutputClient:
        """Return a new client that sends. Raises RuntimeError where the system does not run."""
        self._see_that_it_runs(backend)
        output = _Output(self._of(self._rtmidi2.MidiOut(name, self._apis[backend]), backend))
        return JackOutput(output, _let_jack_fetch) if backend == "jack" else output

    def input(self, backend: str, name: str) -> InputClient:
        """Return a new client that receives. Raises RuntimeError where the system does not run."""
        self._see_that_it_runs(backend)
        client = _Input(self._of(self._rtmidi2.MidiIn(name, QUEUE_MESSAGES, self._apis[backend]), backend))
        return JackInput(client) if backend == "jack" else client

    def _of(self, client: Any, backend: str) -> Any:
        """Return a client of the system asked for; RtMidi takes another where that is not built in."""
        if client.get_current_api() != self._apis[backend]:
            raise RuntimeError(f"{self.name} is not built for {backend}")
        return client

    def _see_that_it_runs(self, backend: str) -> None:
        """Raise RuntimeError without a JACK server: rtmidi2 would end the process at its first port."""
        if backend != "jack":
            return
        try:
            jack_watch()
        except MidiError as error:
            raise RuntimeError(str(error)) from error


def _let_jack_fetch() -> None:
    """Wait until JACK has fetched all that was sent: rtmidi2 closes a port over it (21 of 60 were lost)."""
    with contextlib.suppress(MidiError):  # the server has ended: nobody fetches anything
        time.sleep(FETCHED_PERIODS * jack_watch().period_s)


class _Client:
    def __init__(self, client: Any) -> None:
        self._client = client

    def get_ports(self) -> list[str]:
        return list(self._client.ports)

    def open_port(self, port: int, name: str) -> None:
        del name  # rtmidi2 calls a port that is connected to another one RtMidi
        self._client.open_port(port)

    def open_virtual_port(self, name: str) -> None:
        self._client.open_virtual_port(name)

    def close_port(self) -> None:
        self._client.close_port()

    def delete(self) -> None:
        self._client = None  # whereupon it leaves the system


class _Output(_Client):
    def send_message(self, message: Sequence[int]) -> None:
        self._client.send_message(list(message))


class _Input(_Client):
    def ignore_types(self, *, sysex: bool, timing: bool, active_sense: bool) -> None:
        self._client.ignore_types(sysex, timing, active_sense)

    def get_message(self) -> tuple[Sequence[int], float] | None:
        message = self._client.get_message()
        return None if message is None else (message, self._client.deltatime)


def bundled_libjacks() -> list[Path]:
    """Return the libjacks that rtmidi2's wheel has beside itself and uses instead of the system's."""
    found = importlib.util.find_spec("rtmidi2")
    if found is None or found.origin is None:
        return []
    beside = Path(found.origin).parent / "rtmidi2.libs"
    return [each for each in sorted(beside.glob("libjack-*.so*")) if not each.is_symlink()]


def use_system_libjack() -> Path | None:
    """Link to the system's libjack where rtmidi2 has its own; return the system's, None if all is well.

    For the next process: a library that has been loaded stays. Raises OSError where there is no libjack, or
    where rtmidi2 is installed where we may not write.
    """
    brought = bundled_libjacks()
    if not brought:
        return None
    system = _system_libjack()
    for each in brought:
        beside = each.with_name(f".{each.name}")
        beside.unlink(missing_ok=True)
        beside.symlink_to(system)
        beside.replace(each)
    return system


def _system_libjack() -> Path:
    """Return where the system's libjack is; loads it."""
    ctypes.CDLL("libjack.so.0")
    paths = {line.split(maxsplit=5)[5] for line in MAPS.read_text().splitlines() if "/libjack.so" in line}
    return Path(sorted(paths)[0])
