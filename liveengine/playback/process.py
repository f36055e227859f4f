"""The player's own process: waits for what is due, sends it, and reports; nothing else can delay it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from liveengine.clock.system import now_us
from liveengine.errors import LiveEngineError, MidiError
from liveengine.midi.memory import SilentSink
from liveengine.midi.ports import CLIENT, OpenPort
from liveengine.midi.watched_sink import WatchedSink
from liveengine.playback.codec import unpacked
from liveengine.playback.messages import Report
from liveengine.playback.outlet import Outlet, PlayerPort
from liveengine.playback.priority import raise_priority, still_garbage_collection
from liveengine.playback.report_ring import ReportRing
from liveengine.playback.scheduler import PlayerCore
from liveengine.processes.child import Heartbeat
from liveengine.processes.spawn import ignore_terminal

LISTEN_MARGIN_US = 1000.0
"""Orders are read until this long before the next message is due; then only time counts."""
SPIN_MIN_US, SPIN_MAX_US = 100.0, 1000.0
SPIN_SHARE = 1.5
"""The last stretch is spun: so many times as long as sleeps have been found to overshoot."""
SPIN_MEMORY = 0.98
"""How slowly an overshoot is forgotten, a sleep at a time."""
IDLE_S = 0.05
UNSURE_S = 0.005
"""How often it is looked whether the MIDI system has taken what was sent."""
SECOND_ALL_OFF_US = 250_000.0
"""A receiver patched to a new port a little late still hears that every note is off."""


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """What the player needs to know. `backend` None sends nowhere; `keys` are the kit's, for all-off.

    `client` is the name that other programs see, with the port behind it. A player that takes the place of
    another one waits for the port that was open: `again`.
    """

    backend: str | None
    port: str | None
    gate_ms: float
    late_drop_ms: float
    keys: tuple[tuple[int, int], ...]
    midi_clock: bool = False
    client: str = CLIENT
    again: OpenPort | None = None


@dataclass(frozen=True, slots=True)
class PlayerReady:
    """The port is open, if any. `priority` is what the system granted."""

    port: OpenPort | None
    priority: str


@dataclass(frozen=True, slots=True)
class PlayerFailed:
    """The port could not be opened."""

    message: str


@dataclass(frozen=True, slots=True)
class PortGone:
    """The port has gone, and this player ends; or it is not there yet, and this player `waits` for it."""

    message: str
    waits: bool = False


def run(connection: Connection, heartbeat: Heartbeat, ring: ReportRing, settings: PlayerSettings) -> None:
    """Play until the pipe closes, then end every note. The entry point of the spawned process.

    `heartbeat` beats each time the loop goes round.

    ctrl-C and SIGTERM are left to the engine, which closes the pipe; so does an engine that dies. Where the
    port goes this process ends, since a MIDI system that has gone may hold whoever touches it; the next one
    waits for the port.
    """
    ignore_terminal()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = for_waiting(connection)
    outlet = Outlet(lambda: _opened(settings), ring)
    core = PlayerCore(
        gate_ms=settings.gate_ms,
        late_drop_ms=settings.late_drop_ms,
        midi_clock=settings.midi_clock,
    )
    loop = _Loop(connection, heartbeat, core, outlet, ring, settings.keys)
    if settings.again is None:
        try:
            outlet.open()
        except LiveEngineError as error:
            connection.send(PlayerFailed(str(error)))
            return
    loop.priority = raise_priority()
    still_garbage_collection()
    try:
        loop.run()
    except (EOFError, OSError):
        pass  # the engine is gone: fall through to silence
    except MidiError as error:
        outlet.lose()
        with contextlib.suppress(OSError):
            connection.send(PortGone(str(error)))
        os._exit(1)
    with contextlib.suppress(MidiError):
        outlet.send(core.end(settings.keys), now_us)
        outlet.close()
    os._exit(0)  # with the client that watches, which nobody closes


def _opened(settings: PlayerSettings) -> tuple[PlayerPort, OpenPort | None]:
    """Open the port that the settings name."""
    if settings.backend is None:
        return SilentSink(), None
    sink = WatchedSink(settings.backend, settings.port, settings.client, settings.again)
    return sink, sink.port


class _Loop:
    """Listens while there is time, then waits for the next due moment and sends."""

    def __init__(  # noqa: PLR0917 - its parts
        self,
        connection: Connection,
        heartbeat: Heartbeat,
        core: PlayerCore,
        outlet: Outlet,
        ring: ReportRing,
        keys: tuple[tuple[int, int], ...],
    ) -> None:
        self._connection, self._heartbeat, self._ring = connection, heartbeat, ring
        self._core, self._outlet, self._keys = core, outlet, keys
        self._told = ""
        self._all_off_us: float | None = None
        self.priority = ""

    def run(self) -> None:
        """Go round. Ends by EOFError where the engine has gone, by MidiError where the port has."""
        if self._outlet.is_open:
            self._begin()
        dropped: list[Report] = []
        spin = Spin()
        while True:
            if not self._outlet.is_open:
                self._open_later()  # before the first beat, where there is patience for a slow MIDI system
            self._heartbeat.beat()
            if self._all_off_us is not None and now_us() >= self._all_off_us:
                self._outlet.send(self._core.all_off(self._keys), now_us)
                self._all_off_us = None
            due_us = self._core.next_due_us()
            ahead_us = IDLE_S * 1e6 if due_us is None else due_us - now_us()
            if due_us is not None and ahead_us <= LISTEN_MARGIN_US + spin.us:
                spin.until(due_us)
                self._outlet.send(self._core.pop(now_us(), dropped), now_us)
            elif self._connection.poll(0):  # one order, then a look at what is due: notes before plans
                order = unpacked(self._connection.recv())
                self._outlet.send(self._core.take(order, now_us(), dropped), now_us)
            else:
                idle_s = UNSURE_S if self._outlet.waits else IDLE_S
                wait_for_order(self._connection, min((ahead_us - LISTEN_MARGIN_US) / 1e6, idle_s))
                connected = self._outlet.check(now_us(), ahead_us)
                if connected is not None:
                    self._connection.send(connected)
            for report in dropped:
                self._ring.write(report)
            dropped.clear()

    def _begin(self) -> None:
        """Tell that the port is open, and end every note that may sound on it."""
        self._connection.send(PlayerReady(self._outlet.port, self.priority))
        self._outlet.send(self._core.all_off(self._keys), now_us)
        self._all_off_us = now_us() + SECOND_ALL_OFF_US

    def _open_later(self) -> None:
        """Try to open the port again now and then; tell why it cannot be, once for each reason."""
        why = self._outlet.open_later(now_us())
        if self._outlet.is_open:
            self._begin()
        elif why is not None and why != self._told:
            self._told = why
            self._connection.send(PortGone(why, waits=True))


class Spin:
    """Waits to the microsecond: sleeps most of the way and spins the rest, as long as sleeps here need.

    Under SCHED_FIFO a sleep overshoots by 0.1 ms and little is spun; without it, by up to some ms.
    """

    def __init__(self) -> None:
        """Begin with nothing known of this machine's sleeps."""
        self.us = 3 * SPIN_MIN_US

    def until(self, moment_us: float) -> None:
        """Return at a moment, or at once where it has passed."""
        wake_us = moment_us - self.us
        asleep_us = wake_us - now_us()
        if asleep_us > 0:
            time.sleep(asleep_us / 1e6)
            overshot_us = now_us() - wake_us
            wanted_us = max(self.us * SPIN_MEMORY, overshot_us * SPIN_SHARE)
            self.us = min(SPIN_MAX_US, max(SPIN_MIN_US, wanted_us))
        while now_us() < moment_us:
            pass


if sys.platform == "win32":

    def for_waiting(connection: Connection) -> Connection:
        """Return a connection that `wait_for_order` can wait on."""
        return connection

    def wait_for_order(connection: Connection, seconds: float) -> None:
        """Wait until there is an order, for `seconds` at most; whole milliseconds, the last one not begun."""
        connection.poll(int(seconds * 1e3) / 1e3)

else:

    def for_waiting(connection: Connection) -> Connection:
        """Return a connection in place of this one that `wait_for_order` can wait on.

        A spawned process keeps its parent's number of the descriptor, and select takes those below 1024.
        """
        low = Connection(os.dup(connection.fileno()))
        connection.close()
        return low

    def wait_for_order(connection: Connection, seconds: float) -> None:
        """Wait until there is an order, for `seconds` at most, to the microsecond (poll counts in ms)."""
        select.select((connection,), (), (), seconds)
