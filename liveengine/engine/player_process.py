"""The player's own process: waits for what is due, sends it, and reports; nothing else can delay it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from liveengine.clock.system import now_us
from liveengine.contracts import MidiSink
from liveengine.engine.player import Due, Outcome, PlayerCore, PlayerMessage, Report
from liveengine.engine.priority import raise_priority, still_garbage_collection
from liveengine.engine.ring import ReportRing
from liveengine.errors import LiveEngineError, MidiError
from liveengine.midi.memory import SilentSink
from liveengine.midi.ports import RtMidiSink

LISTEN_MARGIN_US = 3000.0
"""The pipe is read until this long before the next message is due; then only time counts."""
SPIN_US = 300.0
"""The last stretch is spun: a sleep under SCHED_FIFO wakes within 0.1 ms, without it within some ms."""
IDLE_S = 0.05
SECOND_ALL_OFF_US = 250_000.0
"""A receiver patched to a new port a little late still hears that every note is off."""
CLOSING_PAUSE_S = 0.02
"""A closed JACK port loses what its ring buffer still holds: the last note-offs need a period to leave."""


@dataclass(frozen=True, slots=True)
class PlayerSettings:
    """What the player needs to know. `backend` None sends nowhere; `notes` are the kit's, for all-off."""

    backend: str | None
    port: str | None
    channel: int
    gate_ms: float
    late_drop_ms: float
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlayerReady:
    """The port is open. `port` is its name, `priority` what the system granted."""

    port: str
    priority: str


@dataclass(frozen=True, slots=True)
class PlayerFailed:
    """The port could not be opened."""

    message: str


def run(connection: Connection, ring: ReportRing, settings: PlayerSettings) -> None:
    """Play until the pipe closes, then end every note. The entry point of the spawned process.

    ctrl-C and SIGTERM are left to the engine, which closes the pipe; so does an engine that dies.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sink: MidiSink
    try:
        if settings.backend is None:
            sink, port = SilentSink(), ""
        else:
            real = RtMidiSink(settings.backend, settings.port)
            sink, port = real, real.port
    except LiveEngineError as error:
        connection.send(PlayerFailed(str(error)))
        return
    core = PlayerCore(channel=settings.channel, gate_ms=settings.gate_ms, late_drop_ms=settings.late_drop_ms)
    priority = raise_priority()
    still_garbage_collection()
    try:
        connection.send(PlayerReady(port, priority))
        _send(sink, core, core.all_off(settings.notes), ring)
        _loop(connection, core, sink, ring, settings.notes)
    except (EOFError, OSError):
        pass  # the engine is gone: fall through to silence
    except MidiError as error:
        with contextlib.suppress(OSError):
            connection.send(PlayerFailed(str(error)))
    finally:
        with contextlib.suppress(MidiError):
            _send(sink, core, core.all_off(settings.notes), ring)
        time.sleep(CLOSING_PAUSE_S)
        sink.close()


def _loop(
    connection: Connection,
    core: PlayerCore,
    sink: MidiSink,
    ring: ReportRing,
    notes: tuple[int, ...],
) -> None:
    """Listen while there is time, then wait for the next due moment and send. Ends by EOFError."""
    dropped: list[Report] = []
    all_off_us: float | None = now_us() + SECOND_ALL_OFF_US
    while True:
        if all_off_us is not None and now_us() >= all_off_us:
            _send(sink, core, core.all_off(notes), ring)
            all_off_us = None
        while connection.poll(0):
            message: PlayerMessage = connection.recv()
            _send(sink, core, core.take(message), ring)
        due_us = core.next_due_us()
        ahead_us = IDLE_S * 1e6 if due_us is None else due_us - now_us()
        if due_us is None or ahead_us > LISTEN_MARGIN_US + 1000.0:
            # poll rounds up to whole milliseconds: the margin leaves room for it
            connection.poll(min((ahead_us - LISTEN_MARGIN_US) / 1e6, IDLE_S))
            continue
        if ahead_us > SPIN_US:
            time.sleep((ahead_us - SPIN_US) / 1e6)
        while (moment_us := now_us()) < due_us:
            pass
        _send(sink, core, core.pop(moment_us, dropped), ring)
        for report in dropped:
            ring.write(report)
        dropped.clear()


def _send(sink: MidiSink, core: PlayerCore, dues: Sequence[Due], ring: ReportRing) -> None:
    for due in dues:
        sink.send(due.message)
        if due.hit is not None:
            ring.write(Report(Outcome.SENT, due.hit.serial, due.due_us, now_us(), core.latency_ms))
