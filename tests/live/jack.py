"""A JACK server of the tests' own with a dummy driver, and a client that looks at it and patches ports."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

from liveengine.midi.jack_pulse import quiet_libjack

NO_START_SERVER, SERVER_NAME = 0x01, 0x04
"""Options of jack_client_open (jack/types.h)."""
SHARED_MEMORY = Path("/dev/shm")
ALREADY_CONNECTED = 17
"""EEXIST, which jack_connect returns when there is nothing to do."""
PATIENCE_S, LOOK_S = 30.0, 0.1
FINE_PERIOD, COARSE_PERIOD = 32, 128
"""Frames at 96 kHz."""


class Patchbay:
    """A JACK client without ports. libjack releases Python's lock while it works; one thread at a time."""

    def __init__(self, name: str) -> None:
        """Open a client on the server named in JACK_DEFAULT_SERVER; raises ConnectionError without one."""
        self._library = ctypes.CDLL("libjack.so.0")
        quiet_libjack()  # what fails is told by what its functions return
        self._library.jack_client_open.restype = ctypes.c_void_p
        self._library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        self._library.jack_port_by_name.restype = ctypes.c_void_p
        server = os.environ.get("JACK_DEFAULT_SERVER", "default")
        status = ctypes.c_int(0)
        self._client = ctypes.c_void_p(
            self._library.jack_client_open(
                name.encode(), NO_START_SERVER | SERVER_NAME, ctypes.byref(status), server.encode()
            )
        )
        if not self._client:
            raise ConnectionError(f"no JACK server {server!r} answers (status {status.value:#x})")

    def has(self, port: str) -> bool:
        """Tell whether a port of this full name is there."""
        return bool(self._library.jack_port_by_name(self._client, port.encode()))

    def ports(self) -> list[str]:
        """Return the full names of all ports."""
        names = self._library.jack_get_ports(self._client, None, None, ctypes.c_ulong(0))
        if not names:
            return []
        found: list[str] = []
        while names[len(found)] is not None:
            found.append(names[len(found)].decode())
        self._library.jack_free(names)
        return found

    def is_connected(self, port: str, other: str) -> bool:
        """Tell whether a port of any client is connected to another."""
        handle = self._library.jack_port_by_name(self._client, port.encode())
        if not handle:
            return False
        self._library.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
        names = self._library.jack_port_get_all_connections(self._client, ctypes.c_void_p(handle))
        if not names:
            return False
        index, found = 0, False
        while names[index] is not None and not found:
            found = names[index].decode() == other
            index += 1
        self._library.jack_free(names)
        return found

    def connect(self, source: str, destination: str) -> bool:
        """Connect two ports; tell whether they are connected now."""
        outcome = self._library.jack_connect(self._client, source.encode(), destination.encode())
        return outcome in (0, ALREADY_CONNECTED)

    def close(self) -> None:
        """Close the client."""
        self._library.jack_client_close(self._client)


def clear_registry_of_the_dead() -> None:
    """Free the registry, which holds eight servers, of those that were killed; not while one runs."""
    if subprocess.run(["pgrep", "-x", "jackd|jackdbus"], stdout=subprocess.DEVNULL, check=False).returncode:
        for left in SHARED_MEMORY.glob("jack[-_]*"):
            if not left.is_dir():
                left.unlink(missing_ok=True)


def server_ports(name: str) -> list[str]:
    """Return the full names of all ports of a server; none where it does not answer.

    Another process asks: libjack has crashed in one whose server was about to come up.
    """
    environment = {**os.environ, "JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1"}
    try:
        asked = subprocess.run(
            ["jack_lsp"], env=environment, capture_output=True, text=True, timeout=2.0, check=False
        )
    except subprocess.TimeoutExpired:
        return []
    return asked.stdout.split("\n")[:-1] if asked.returncode == 0 else []


class JackServer:
    """`jackd -R -d dummy` under a name of its own.

    Its periods are a third of a millisecond, or four times as long where nothing is timed: each wakes every
    client, which costs a busy machine more than the music. It runs in synchronous mode: in asynchronous mode
    a client that a busy machine runs too late loses the MIDI messages of that period (1 in 6000 on two busy
    cores; none in synchronous mode).
    """

    def __init__(self, log: Path, purpose: str = "test", *, period: int = FINE_PERIOD) -> None:
        """Start the server and wait until a client can connect; raises AssertionError with its log if not.

        Sets JACK_DEFAULT_SERVER and JACK_NO_START_SERVER for this process and its children.
        """
        clear_registry_of_the_dead()
        name = f"liveengine-{purpose}-{os.getpid()}"
        os.environ["JACK_DEFAULT_SERVER"] = name
        os.environ["JACK_NO_START_SERVER"] = "1"
        with log.open("wb") as output:
            command = ["jackd", "-R", "-P", "70", "-S", "-n", name, "-d", "dummy", "-r", "96000"]
            self._process = subprocess.Popen(
                [*command, "-p", f"{period}"], stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + PATIENCE_S
        while not server_ports(name):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"jackd did not come up:\n{log.read_text(errors='replace')}")
            time.sleep(LOOK_S)
        self.patchbay = Patchbay("live-tests")

    def freeze(self) -> None:
        """Stop the server where it stands; its clients wait for it until `thaw`."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End the server."""
        self.patchbay.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
