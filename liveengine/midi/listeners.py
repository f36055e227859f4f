"""Who listens at the drum port: whether any other program has connected itself to it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from liveengine.errors import MidiError
from liveengine.midi.jack_patch import JackPatch
from liveengine.midi.jack_pulse import jack_watch
from liveengine.midi.ports import OpenPort

LOOK_S = 2.0
"""How often a port is looked at, while somebody wants to know."""
WANTED_S = 5.0
"""How long after a question it goes on being looked at."""
ALSA_CLIENTS = Path("/proc/asound/seq/clients")
_ALSA_CLIENT = re.compile(r'Client +(\d+) : ".*" \[')
_ALSA_PORT = re.compile(r'  Port +(\d+) : ".*" \(')
_ALSA_LISTENER = "    Connecting To: "


class Listeners:
    """Knows on JACK what the player says, and looks at ALSA's list now and then on a thread of its own.

    Any thread may ask.
    """

    def __init__(self, backend: str | None, port: Callable[[], OpenPort | None]) -> None:
        """Prepare to tell of our port, as it is when asked; other systems than ALSA and JACK do not tell."""
        self._backend, self._port = backend, port
        self._heard: bool | None = None
        self._wanted_s = 0.0
        self._closing = threading.Event()
        self._looking: threading.Thread | None = None

    def heard(self) -> bool | None:
        """Tell whether somebody listens, on ALSA at the last look; None where it is not known (yet)."""
        port = self._port()
        if port is None or self._backend is None:
            return None
        if not port.is_virtual:
            return True  # another program's port, which we are connected to
        if self._backend == "jack":
            return bool(port.connected)
        self._wanted_s = time.monotonic()
        if self._looking is None and self._backend == "alsa" and ALSA_CLIENTS.exists():
            self._looking = threading.Thread(target=self._watch, name="liveengine-listeners", daemon=True)
            self._looking.start()
        return self._heard

    def _watch(self) -> None:
        while True:
            port = self._port()
            if port is not None and time.monotonic() < self._wanted_s + WANTED_S:
                self._heard = alsa_heard(ALSA_CLIENTS.read_text(), port.shown)
            if self._closing.wait(LOOK_S):
                return

    def close(self) -> None:
        """Look no more."""
        self._closing.set()


def alsa_heard(clients: str, port: str) -> bool | None:
    """Tell by the kernel's list of sequencer clients whether a port has listeners; None without the port.

    `port` is as ALSA shows it, `client:port 128:0`: by its numbers a second client of a name is another one.

    The format is that of `snd_seq_info_clients_read` in Linux' sound/core/seq/seq_clientmgr.c.
    """
    address = port.rpartition(" ")[2]
    client, known, found = "", False, False
    for line in clients.splitlines():
        if of_client := _ALSA_CLIENT.match(line):
            client, found = of_client[1], False
        elif of_port := _ALSA_PORT.match(line):
            found = f"{client}:{of_port[1]}" == address
            known = known or found
        elif found and line.startswith(_ALSA_LISTENER):
            return True
    return False if known else None


def connected_to(backend: str, port: str) -> list[str]:
    """Return the names of the ports that a port plays to; empty where only the system itself knows."""
    if backend != "jack":
        return []
    try:
        connected = JackPatch(jack_watch().client, port).changed()
    except MidiError:
        return []
    return list(connected.ports) if connected is not None else []
