"""A MIDI instrument in a process of its own, which can be unplugged by ending it."""

from __future__ import annotations

import os
import signal
import sys

import rtmidi

from tests.live.companion import Companion, answer, questions

CLIENT, PORT = "usb", "Kit 1"
FULL_NAME = f"{CLIENT}:{PORT}"


class Instrument:
    """The tests' side: it is plugged in when this returns."""

    def __init__(self) -> None:
        """Start it."""
        self._companion = Companion(__name__)

    def unplug(self) -> None:
        """End it, whatever it does: its MIDI server may be gone."""
        os.kill(self._companion.pid, signal.SIGKILL)
        self._companion.close()


def main() -> None:
    """Hold a port open until asked to quit."""
    client = rtmidi.MidiIn(rtapi=rtmidi.API_UNIX_JACK, name=CLIENT)
    client.set_callback(lambda _event, _data: None)  # nobody reads what is queued
    client.open_virtual_port(PORT)
    asked = questions()
    answer(ready=True)
    while asked.get() != "quit":
        pass
    sys.stdout.flush()


if __name__ == "__main__":
    main()
