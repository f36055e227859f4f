"""python-rtmidi, whose own clients have the methods of `Client`."""

from __future__ import annotations

import importlib
from typing import Any

from liveengine.midi.bindings import InputClient, OutputClient, apis_of
from liveengine.midi.jack_client import JackInput, JackOutput


class PythonRtMidi:
    """python-rtmidi."""

    name = "python-rtmidi"

    def __init__(self) -> None:
        """Load it; raises ImportError."""
        self._rtmidi: Any = importlib.import_module("rtmidi")
        self.errors: tuple[type[Exception], ...] = (
            self._rtmidi.RtMidiError,
            RuntimeError,
            ValueError,
            OverflowError,  # a byte out of range
        )
        self._apis = apis_of(self._rtmidi)

    def lacks(self, backend: str) -> str:
        """Return why a MIDI system cannot be used through it on this machine, empty where it can."""
        built = self._rtmidi.get_compiled_api()
        if self._apis[backend] in built:
            return ""
        known = [name for name, api in self._apis.items() if api in built]
        return f"{self.name} on this machine is built for {', '.join(known) or 'none'}"

    def output(self, backend: str, name: str) -> OutputClient:
        """Return a new client that sends. Raises one of `errors` where the system does not run."""
        client: OutputClient = self._rtmidi.MidiOut(rtapi=self._apis[backend], name=name)
        return JackOutput(client) if backend == "jack" else client

    def input(self, backend: str, name: str) -> InputClient:
        """Return a new client that receives. Raises one of `errors` where the system does not run."""
        client: InputClient = self._rtmidi.MidiIn(rtapi=self._apis[backend], name=name)
        return JackInput(client) if backend == "jack" else client
