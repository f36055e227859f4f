"""The Python bindings of RtMidi: python-rtmidi, or rtmidi2 where python-rtmidi is not installed.

Both wrap the same C++ library, whose clients queue what comes in and let it be fetched. python-rtmidi's
wheels end at Python 3.12; rtmidi2 has them for later ones.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

from liveengine.errors import MidiError

BINDING_VARIABLE = "LIVEENGINE_MIDI_BINDING"
"""Names the binding to use where both are installed."""


class Client(Protocol):
    """A client of a MIDI system with at most one port. Its methods raise the `errors` of its binding."""

    def get_ports(self) -> list[str]:
        """Return the names of the ports that it could be connected to."""

    def open_port(self, port: int, name: str) -> None:
        """Connect to a port by its index; ours has a name where the binding lets it."""

    def open_virtual_port(self, name: str) -> None:
        """Open a port that others connect to."""

    def close_port(self) -> None:
        """Close the port; what was sent before goes out."""

    def delete(self) -> None:
        """Leave the MIDI system."""


class OutputClient(Client, Protocol):
    """A client that sends."""

    def send_message(self, message: Sequence[int]) -> None:
        """Send one message."""


class InputClient(Client, Protocol):
    """A client that receives; what is not fetched in time is lost when its queue is full."""

    def ignore_types(self, *, sysex: bool, timing: bool, active_sense: bool) -> None:
        """Say which messages are left out; at first all three are."""

    def get_message(self) -> tuple[Sequence[int], float] | None:
        """Return the next message and the seconds since the one before, or None."""


class Binding(Protocol):
    """A Python package that wraps RtMidi."""

    name: str
    errors: tuple[type[Exception], ...]
    """What its clients raise."""

    def lacks(self, backend: str) -> str:
        """Return why a MIDI system cannot be used through it on this machine, empty where it can."""

    def output(self, backend: str, name: str) -> OutputClient:
        """Return a new client that sends. Raises one of `errors` where the system does not run."""

    def input(self, backend: str, name: str) -> InputClient:
        """Return a new client that receives. Raises one of `errors` where the system does not run."""


def apis_of(package: Any) -> dict[str, int]:
    """Return RtMidi's numbers of the MIDI systems, as both packages name them."""
    return {
        "alsa": package.API_LINUX_ALSA,
        "jack": package.API_UNIX_JACK,
        "coremidi": package.API_MACOSX_CORE,
        "winmm": package.API_WINDOWS_MM,
    }


def _python_rtmidi() -> Binding:
    from liveengine.midi.python_rtmidi_binding import PythonRtMidi

    return PythonRtMidi()


def _rtmidi2() -> Binding:
    from liveengine.midi.rtmidi2_binding import RtMidi2

    return RtMidi2()


BINDINGS = {"python-rtmidi": _python_rtmidi, "rtmidi2": _rtmidi2}
"""In the order in which they are preferred."""


@cache
def binding() -> Binding:
    """Return the binding that is used: the one named by LIVEENGINE_MIDI_BINDING, else the first installed.

    Raises MidiError where that one, or any, is missing.
    """
    wanted = os.environ.get(BINDING_VARIABLE)
    if wanted and wanted not in BINDINGS:
        raise MidiError(f"{BINDING_VARIABLE}: expected one of {', '.join(BINDINGS)}, got {wanted!r}")
    missing = []
    for name in [wanted] if wanted else BINDINGS:
        try:
            return BINDINGS[name]()
        except ImportError as error:
            missing.append(f"{name} ({error})")
    raise MidiError(f"MIDI: expected {' or '.join(BINDINGS)} to be installed; missing: {', '.join(missing)}")
