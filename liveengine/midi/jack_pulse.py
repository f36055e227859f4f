"""Whether the JACK server goes round: RtMidi takes messages for one that has died and never says so."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from pathlib import Path
from typing import Any

from liveengine.errors import MidiError

STILL_S = 0.6
"""A server that has not gone round for so long, while we looked, does not answer."""
UNSEEN_S = 0.2
"""Where nobody has looked for so long, program or machine stood still: time counts from now."""
FRAMES = 1 << 32
"""JACK's counter of frames wraps here."""
MAPS = Path("/proc/self/maps")
WATCH_CLIENT = "liveengine-watch"
_watching: dict[str, JackPulse] = {}
"""This process's client on each server that it has met."""


def quiet_libjack() -> None:
    """Keep off the terminal what libjack says as its server ends; ours says more.

    To be called once libjack is loaded. A wheel may bring one of its own along beside the system's: each that
    is loaded is meant. What takes its words must be no Python: libjack's threads speak with its lock held,
    and would wait for Python's, which a binding of RtMidi holds while it waits for libjack's.
    """
    if not MAPS.exists():
        return
    nobody = ctypes.cast(ctypes.CDLL(None).strlen, ctypes.c_void_p)  # reads the text, and that is all
    lines = [line.split(maxsplit=5) for line in MAPS.read_text().splitlines()]
    for path in {line[5] for line in lines if len(line) == 6 and "libjack" in Path(line[5]).name}:
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(path)
            library.jack_set_error_function(nobody)
            library.jack_set_info_function(nobody)


class JackPulse:
    """Counts the server's rounds (periods) through a client without ports. Used by one thread.

    After a server's end libjack's functions go on returning what they returned last, and touching one of its
    clients may wait for ever: a process that has found out ends, and another one looks for the next server.
    The client is never closed: it goes with its process. libjack keeps, by the number that a client has on
    the server, what it waits on; that clients come and go is heard late while the cores are busy. One that is
    opened as another is closed may get its number, wait on what was the other's, and never go round: it is
    deaf, and holds up everybody. So whoever is to go round opens no client only to close it again.
    """

    def __init__(self, name: str) -> None:
        """Open the client; raises MidiError where JACK-Client is missing or no server answers."""
        try:
            import jack
        except (ImportError, OSError) as error:  # OSError: there is no libjack
            raise MidiError(f"JACK-Client: {error}") from error
        quiet_libjack()
        self._over = ""
        try:
            self.client: Any = jack.Client(name, no_start_server=True)
            self.client.set_shutdown_callback(self._shut_down)
        except jack.JackError as error:
            raise MidiError(f"JACK: {error}") from error
        self._frame = int(self.client.last_frame_time)
        self._frames = 0
        self._moved_s = self._looked_s = time.monotonic()

    def _shut_down(self, _status: object, _reason: str) -> None:
        """Note that the server has ended; called on a thread of JACK's."""
        self._over = "the JACK server has ended"

    def round(self) -> int:
        """Return how many rounds the server has begun. Raises MidiError where it has ended or stands still.

        One that has never been seen to move is taken as it is: PipeWire's counts only for clients that are
        activated, and one more of those would cost every round some time.
        """
        if self._over:
            raise MidiError(self._over)
        now_s = time.monotonic()
        frame = int(self.client.last_frame_time)
        if frame != self._frame:
            self._frames += (frame - self._frame) % FRAMES
            self._frame, self._moved_s = frame, now_s
        elif now_s - self._looked_s > UNSEEN_S:
            self._moved_s = now_s
        self._looked_s = now_s
        if self._frames and now_s - self._moved_s > STILL_S:
            raise MidiError(f"the JACK server has stood still for {STILL_S:g} s")
        return self._frames // max(1, int(self.client.blocksize))

    def ports(self) -> list[str]:
        """Return the full names of all MIDI ports."""
        return [port.name for port in self.client.get_ports(is_midi=True)]

    @property
    def period_s(self) -> float:
        """How long a period of the server is, in seconds."""
        return float(self.client.blocksize / self.client.samplerate)

    @property
    def is_over(self) -> bool:
        """Whether the server is known to have ended."""
        return bool(self._over)

    @property
    def moves(self) -> bool:
        """Whether the server has been seen to go round."""
        return self._frames > 0


def jack_watch() -> JackPulse:
    """Return this process's client on its JACK server, opened at the first call.

    Raises MidiError where no server answers.
    """
    server = os.environ.get("JACK_DEFAULT_SERVER", "default")
    known = _watching.get(server)
    if known is None or known.is_over:
        _watching[server] = JackPulse(WATCH_CLIENT)
    return _watching[server]
