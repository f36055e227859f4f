"""A JACK server that a test may end and start again: nothing of this process is its client."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.live.jack import PATIENCE_S, server_ports
from tests.waiting import until

RATE, PERIOD = 48000, 128
"""Frames a second, and frames."""


class MortalServer:
    """`jackd -R -d dummy` under a name of its own, looked at with `jack_lsp`."""

    def __init__(self, log: Path, name: str, period: int = PERIOD) -> None:
        """Start it; clients find it by JACK_DEFAULT_SERVER, which is whoever makes it to set."""
        self.name = f"liveengine-{name}-{os.getpid()}"
        self._log = log
        self._driver = ("dummy", "-r", f"{RATE}", "-p", f"{period}")
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                ["jackd", "-R", "-P", "70", "-S", "-n", self.name, "-d", *self._driver],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(lambda: bool(self.ports()), "a JACK server that answers")

    def ports(self) -> list[str]:
        """Return the full names of all ports; none where no server answers."""
        return server_ports(self.name)

    def die(self, how: signal.Signals = signal.SIGKILL) -> float:
        """End it; return the moment, by `time.monotonic`."""
        self.process.send_signal(how)
        at_s = time.monotonic()
        self.process.wait(PATIENCE_S)
        return at_s

    def close(self) -> None:
        """End it in good order: libjack counts eight servers of a machine, and one that was killed stays."""
        if self.process.poll() is not None:
            self.start()
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE_S)
