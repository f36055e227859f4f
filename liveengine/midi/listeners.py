"""Who listens at the drum port: whether any other program has connected itself to it."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liveengine.midi.jack_pulse import quiet_libjack
from liveengine.midi.ports import OpenPort

LOOK_S = 2.0
"""How often a port is looked at, while somebody wants to know."""
WANTED_S = 5.0
"""How long after a question it goes on being looked at."""
ALSA_CLIENTS = Path("/proc/asound/seq/clients")
_ALSA_CLIENT = re.compile(r'Client +(\d+) : ".*" \[')
_ALSA_PORT = re.compile(r'  Port +(\d+) : ".*" \(')
_ALSA_LISTENER = "    Connecting To: "

Look = Callable[[], bool | None]


class Listeners:
    """Looks at a port now and then on a thread of its own, where a MIDI system that hangs holds nobody up.

    Any thread may ask.
    """

    def __init__(self, backend: str | None, port: OpenPort | None) -> None:
        """Prepare to look at our port, if any; what only ALSA and JACK tell stays None elsewhere."""
        self._look = look_of(backend, port)
        self._heard: bool | None = None
        self._wanted_s = 0.0
        self._closing = threading.Event()
        self._looking: threading.Thread | None = None

    def heard(self) -> bool | None:
        """Tell whether somebody listened at the last look; None where it is not known (yet)."""
        self._wanted_s = time.monotonic()
        if self._looking is None and self._look is not None:
            self._looking = threading.Thread(target=self._watch, name="liveengine-listeners", daemon=True)
            self._looking.start()
        return self._heard

    def _watch(self) -> None:
        assert self._look is not None
        while True:
            if time.monotonic() < self._wanted_s + WANTED_S:
                self._heard = self._look()
            if self._closing.wait(LOOK_S):
                return

    def close(self) -> None:
        """Look no more."""
        self._closing.set()


def look_of(backend: str | None, port: OpenPort | None) -> Look | None:
    """Return how a port is looked at, or None where a MIDI system does not tell who listens."""
    if port is None or backend is None:
        return None
    if not port.is_virtual:
        return lambda: True  # another program's port, which we are connected to
    if backend == "alsa":
        shown = port.shown
        return lambda: alsa_heard(ALSA_CLIENTS.read_text(), shown) if ALSA_CLIENTS.exists() else None
    return _JackLook(port.shown) if backend == "jack" else None


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
        import jack
    except (ImportError, OSError):  # OSError: there is no libjack
        return []
    quiet_libjack()
    try:
        with jack.Client("liveengine-look", no_start_server=True) as client:
            return [each.name for each in client.get_all_connections(client.get_port_by_name(port))]
    except jack.JackError:
        return []


class _JackLook:
    """Asks JACK through a client without ports of its own. Used by one thread.

    After its server's end it knows nothing any more: to close its client, or to open one on the next server
    in the same process, may take for ever or crash in libjack.
    """

    def __init__(self, port: str) -> None:
        self._port = port
        self._client: Any = None
        self._is_over = False

    def __call__(self) -> bool | None:
        try:
            import jack
        except (ImportError, OSError):  # OSError: there is no libjack
            return None
        if self._is_over:
            return None
        try:
            if self._client is None:
                quiet_libjack()
                self._client = jack.Client("liveengine-look", no_start_server=True)
                self._client.set_shutdown_callback(self._shut_down)
            return bool(self._client.get_all_connections(self._client.get_port_by_name(self._port)))
        except jack.JackError:
            self._leave()
            return None

    def _shut_down(self, _status: object, _reason: str) -> None:
        """Note that the server has ended; called on a thread of JACK's."""
        self._is_over = True

    def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.close()
