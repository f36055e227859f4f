"""A MIDI instrument in a process of its own, which can be unplugged by ending it."""

from __future__ import annotations

import os
import signal
import time

from liveengine.midi.bindings import binding
from tests.live.companion import Companion, answer, pending, questions

CLIENT, PORT = "usb", "Kit 1"
LOOK_S = 0.05
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
    """Hold a port open until asked to quit, and throw away what comes."""
    client = binding().input("jack", CLIENT)
    client.open_virtual_port(PORT)
    asked = questions()
    answer(ready=True)
    while "quit" not in pending(asked):
        while client.get_message() is not None:
            pass
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main()
