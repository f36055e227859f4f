"""The player's own process: waits for what is due, sends it, and reports; nothing else can delay it."""

from __future__ import annotations

import contextlib
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from liveengine.clock.system import now_us
from liveengine.errors import LiveEngineError, MidiError
from liveengine.interfaces import MidiSink
from liveengine.midi.memory import SilentSink
from liveengine.midi.ports import CLIENT, OpenPort, RtMidiSink
from liveengine.playback.codec import unpacked
from liveengine.playback.messages import Report
from liveengine.playback.priority import raise_priority, still_garbage_collection
from liveengine.playback.report_ring import ReportRing
from liveengine.playback.scheduler import Due, PlayerCore
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
SECOND_ALL_OFF_US = 250_000.0
"""A receiver patched to a new port a little late still hears that every note is off."""
CLOSING_PAUSE_S = 0.02
"""A closed JACK port loses what its ring buffer still holds: the last note-offs need a period to leave."""


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """What the player needs to know. `backend` None sends nowhere; `keys` are the kit's, for all-off.

    `client` is the name that other programs see, with the port behind it.
    """

    backend: str | None
    port: str | None
    gate_ms: float
    late_drop_ms: float
    keys: tuple[tuple[int, int], ...]
    midi_clock: bool = False
    client: str = CLIENT


@dataclass(frozen=True, slots=True)
class PlayerReady:
    """The port is open, if any. `priority` is what the system granted."""

    port: OpenPort | None
    priority: str


@dataclass(frozen=True, slots=True)
class PlayerFailed:
    """The port could not be opened."""

    message: str


def run(connection: Connection, heartbeat: Heartbeat, ring: ReportRing, settings: PlayerSettings) -> None:
    """Play until the pipe closes, then end every note. The entry point of the spawned process.

    `heartbeat` beats each time the loop goes round.

    ctrl-C and SIGTERM are left to the engine, which closes the pipe; so does an engine that dies.
    """
    ignore_terminal()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sink: MidiSink
    port: OpenPort | None
    try:
        if settings.backend is None:
            sink, port = SilentSink(), None
        else:
            real = RtMidiSink(settings.backend, settings.port, settings.client)
            sink, port = real, real.port
    except LiveEngineError as error:
        connection.send(PlayerFailed(str(error)))
        return
    core = PlayerCore(
        gate_ms=settings.gate_ms,
        late_drop_ms=settings.late_drop_ms,
        midi_clock=settings.midi_clock,
    )
    priority = raise_priority()
    still_garbage_collection()
    try:
        connection.send(PlayerReady(port, priority))
        _send(sink, core.all_off(settings.keys), ring)
        _loop(connection, heartbeat, core, sink, ring, keys=settings.keys)
    except (EOFError, OSError):
        pass  # the engine is gone: fall through to silence
    except MidiError as error:
        with contextlib.suppress(OSError):
            connection.send(PlayerFailed(str(error)))
    finally:
        with contextlib.suppress(MidiError):
            _send(sink, core.end(settings.keys), ring)
        time.sleep(CLOSING_PAUSE_S)
        sink.close()


def _loop(
    connection: Connection,
    heartbeat: Heartbeat,
    core: PlayerCore,
    sink: MidiSink,
    ring: ReportRing,
    *,
    keys: tuple[tuple[int, int], ...],
) -> None:
    """Listen while there is time, then wait for the next due moment and send. Ends by EOFError."""
    dropped: list[Report] = []
    spin = Spin()
    all_off_us: float | None = now_us() + SECOND_ALL_OFF_US
    while True:
        heartbeat.beat()
        if all_off_us is not None and now_us() >= all_off_us:
            _send(sink, core.all_off(keys), ring)
            all_off_us = None
        due_us = core.next_due_us()
        ahead_us = IDLE_S * 1e6 if due_us is None else due_us - now_us()
        if due_us is not None and ahead_us <= LISTEN_MARGIN_US + spin.us:
            spin.until(due_us)
            _send(sink, core.pop(now_us(), dropped), ring)
        elif connection.poll(0):  # one order, then a look at what is due: notes come before plans
            _send(sink, core.take(unpacked(connection.recv()), now_us(), dropped), ring)
        else:
            wait_for_order(connection, min((ahead_us - LISTEN_MARGIN_US) / 1e6, IDLE_S))
        for report in dropped:
            ring.write(report)
        dropped.clear()


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

    def wait_for_order(connection: Connection, seconds: float) -> None:
        """Wait until there is an order, for `seconds` at most; whole milliseconds, the last one not begun."""
        connection.poll(int(seconds * 1e3) / 1e3)

else:

    def wait_for_order(connection: Connection, seconds: float) -> None:
        """Wait until there is an order, for `seconds` at most, to the microsecond (poll counts in ms)."""
        select.select((connection,), (), (), seconds)


def _send(sink: MidiSink, dues: Sequence[Due], ring: ReportRing) -> None:
    for due in dues:
        sink.send(due.message)
        report = due.report(now_us())
        if report is not None:
            ring.write(report)
