"""A MIDI controller for the tests: sends raw bytes to the engine's control port over JACK."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Sequence

from liveengine.midi.bindings import binding
from tests.live.checks import tell
from tests.live.jack import Patchbay

CONTROL_PORT = "liveengine-control:control"
PROGRAM_CHANGE, CONTROL_CHANGE = 0xC0, 0xB0
PATIENCE_S = 5.0
SETTLE_S = 0.1
"""A connection is in force from one of the server's next periods on."""


@functools.cache
def _patchbay(_server: str) -> Patchbay:
    """Return a client that stays: see JackPulse for what one that is closed may do to the next."""
    return Patchbay(f"look-{os.getpid()}")


class ControlPort:
    """One open connection to the control port. Used from one thread only."""

    def __init__(self, port: str = CONTROL_PORT) -> None:
        """Connect; raises AssertionError with the ports that are there when it does not appear.

        RtMidi never says whether JACK refused the connection: it is looked up, and made where it is missing.
        """
        patchbay = _patchbay(os.environ.get("JACK_DEFAULT_SERVER", "default"))
        self._output = binding().output("jack", f"controller-{os.getpid()}")
        deadline = time.monotonic() + PATIENCE_S
        while port not in (ports := self._output.get_ports()):
            assert time.monotonic() < deadline, f"no JACK input {port!r}; there are {ports}"
            time.sleep(0.05)
        before = patchbay.ports()
        self._output.open_port(ports.index(port), "out")
        (own,) = {each for each in patchbay.ports() if each not in before and each.startswith("controller-")}
        if not patchbay.is_connected(own, port):
            tell(f"{own} was not connected to {port} at first")
            assert patchbay.connect(own, port), f"JACK does not connect {own} to {port}"
        time.sleep(SETTLE_S)

    def program_change(self, program: int, channel: int = 1) -> None:
        """Send a Program Change; `program` counts from 0, `channel` from 1."""
        self.send([PROGRAM_CHANGE | (channel - 1), program])

    def control_change(self, controller: int, value: int, channel: int = 1) -> None:
        """Send a Control Change."""
        self.send([CONTROL_CHANGE | (channel - 1), controller, value])

    def send(self, content: Sequence[int]) -> None:
        """Send bytes as they are, well formed or not."""
        self._output.send_message(list(content))

    def close(self) -> None:
        """Disconnect."""
        self._output.close_port()
        self._output.delete()
