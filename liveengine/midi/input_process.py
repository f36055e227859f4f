"""A MIDI input in a process of its own: a MIDI system that has died or hangs holds up nobody else."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from liveengine.errors import MidiError
from liveengine.midi.inputs import ClockInput, ControlInput, ListenInput, MidiInput
from liveengine.midi.jack_patch import Connected, patched
from liveengine.midi.jack_pulse import jack_watch
from liveengine.midi.ports import CLIENT, OpenPort
from liveengine.processes.child import ChildProcess, Heartbeat
from liveengine.processes.spawn import ignore_terminal

log = logging.getLogger(__name__)

START_WAIT_S = 10.0
SILENCE_S = 2.0
PULSE_S = 0.05
"""How often it is seen whether the MIDI system is still there."""
RETRY_S = 0.5
"""How often it is tried to open a port again."""
WATCH_S = 0.1
Received = Callable[[Sequence[int], float], None]
"""Is called with each message and the moment at which it came, on a thread of its own."""
STAMPED = {"listen": ListenInput, "sync": ClockInput}


@dataclass(frozen=True, slots=True)
class InputSettings:
    """Which port: `control`, `listen` or `sync`, virtual or another program's, of a client beside `client`.

    One that takes the place of another one waits for the port that was open: `again`. `now_us` is the clock
    by which messages are stamped.
    """

    kind: str
    backend: str
    port: str | None
    now_us: Callable[[], float]
    client: str = CLIENT
    again: OpenPort | None = None


@dataclass(frozen=True, slots=True)
class _Failed:
    """The port could not be opened."""

    message: str


@dataclass(frozen=True, slots=True)
class _Gone:
    """The MIDI system has gone, and the process with it."""

    message: str


class _Outbox:
    """Sends to the engine, from any thread. What comes while the port opens waits until that is said."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._early: list[object] | None = []

    def send(self, what: object) -> None:
        """Send now, or after the first word."""
        with self._lock:
            if self._early is None:
                self._put(what)
            else:
                self._early.append(what)

    def say(self, what: object) -> None:
        """Send what the engine waits for, and then what had to wait for it."""
        with self._lock:
            for each in (what, *(self._early or ())):
                self._put(each)
            self._early = None

    def _put(self, what: object) -> None:
        with contextlib.suppress(OSError):  # the engine may have ended meanwhile
            self._connection.send(what)


def run(connection: Connection, heartbeat: Heartbeat, settings: InputSettings) -> None:
    """Hand over what comes until the pipe closes. The entry point of the spawned process."""
    ignore_terminal()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    outbox = _Outbox(connection)
    try:
        port = _open_patiently(connection, heartbeat, settings, outbox.send)
    except MidiError as error:
        outbox.say(_Failed(str(error)))
        return
    except (EOFError, OSError):
        return
    try:
        pulse = jack_watch() if settings.backend == "jack" else None
        patch = patched(pulse.client, port.port, settings.again, port.helper) if pulse is not None else None
        outbox.say(port.port)
        while not connection.poll(PULSE_S):
            heartbeat.beat()
            if not port.is_looked_at:
                raise MidiError("it failed while it looked; see the log")
            if pulse is not None:
                pulse.round()
            if patch is not None and (connected := patch.changed()) is not None:
                outbox.send(connected)
    except MidiError as error:
        outbox.say(_Gone(str(error)))
        os._exit(1)  # whoever closes a port of a system that has gone may wait for ever
    except (EOFError, OSError):
        pass
    port.close()
    os._exit(0)  # with the client that watches, which nobody closes


def _open_patiently(
    connection: Connection, heartbeat: Heartbeat, settings: InputSettings, send: Callable[[object], None]
) -> MidiInput:
    """Open the port, as soon as it is there where it was open before."""
    while True:
        try:
            return _open(settings, send)
        except MidiError:
            if settings.again is None:
                raise
        heartbeat.beat()
        if connection.poll(RETRY_S):
            raise EOFError


def _open(settings: InputSettings, send: Callable[[object], None]) -> MidiInput:
    def received(message: Sequence[int], at_us: float) -> None:
        send((tuple(message), at_us))

    where: dict[str, Any] = {"client": settings.client, "tell": send, "again": settings.again}
    if settings.kind == "control":
        now_us = settings.now_us
        return ControlInput(
            settings.backend, settings.port, lambda message: received(message, now_us()), **where
        )
    return STAMPED[settings.kind](settings.backend, settings.port, received, now_us=settings.now_us, **where)


class InputProcess:
    """The engine's side of the process: hands over what comes, on a thread, and has a dead one replaced."""

    def __init__(self, settings: InputSettings, started: Callable[[int], None] = lambda _: None) -> None:
        """Start the process; `started` is called with the process id of each one started."""
        self._settings = settings
        self._closing, self._opening = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._child = ChildProcess(
            f"liveengine-{settings.kind}",
            run,
            (settings,),
            started=started,
            silence_s=SILENCE_S,
            start_s=START_WAIT_S,
        )
        self._port: OpenPort | None = None
        self._gone = ""
        self._is_deaf = False

    def open(self, received: Received, tell: Callable[[str], None]) -> OpenPort:
        """Wait for the port; from then on hand over what comes. Raises MidiError where it cannot be.

        Another thread may close it meanwhile.
        """
        with self._opening:
            answer = self._child.first_message(self._closing.is_set)
            if not isinstance(answer, OpenPort):
                self._child.end()
                if isinstance(answer, _Failed | _Gone):
                    raise MidiError(answer.message)
                kind, fault = self._settings.kind, self._child.fault
                raise MidiError(f"MIDI {kind} input: expected it to open its port, got: {fault}")
            self._port = answer
            self._open_next(answer)
            self._thread = threading.Thread(
                target=self._hand_over, args=(received, tell), name=f"midi-{self._settings.kind}", daemon=True
            )
            self._thread.start()
        return answer

    def _open_next(self, port: OpenPort) -> None:
        """Let a process that takes this one's place open the same port, connected as it is now."""
        self._settings = replace(self._settings, again=port)
        self._child.start_next_with((self._settings,))

    @property
    def port(self) -> OpenPort:
        """The port that is, or was last, open."""
        assert self._port is not None, "open() comes first"
        return self._port

    def _hand_over(self, received: Received, tell: Callable[[str], None]) -> None:
        while not self._closing.is_set():
            try:
                self._look_after(received, tell)
            except Exception:  # whatever was called: a port that nobody looks after any more stays deaf
                log.exception("MIDI %s input", self._settings.kind)

    def _look_after(self, received: Received, tell: Callable[[str], None]) -> None:
        self._child.wait(WATCH_S) if not self._child.gone else time.sleep(WATCH_S)
        self._child.watch()
        while (answer := self._child.receive()) is not None:
            self._take(answer, received, tell)
        fault = self._child.take_fault()
        if fault is not None and not self._is_deaf:
            self._is_deaf = True
            tell(f"{self.port.shown} hears nothing: {self._gone or fault}")

    def _take(self, answer: object, received: Received, tell: Callable[[str], None]) -> None:
        if isinstance(answer, tuple):
            received(*answer)
        elif isinstance(answer, Connected) and self._settings.again is not None:
            self._open_next(replace(self._settings.again, connected=answer.ports))
        elif isinstance(answer, _Gone):
            self._gone = answer.message
        elif isinstance(answer, OpenPort):
            self._port, self._gone, self._is_deaf = answer, "", False
            tell(f"{answer.shown} is back")
        elif isinstance(answer, str):
            tell(answer)

    def close(self) -> bool:
        """Close the port and end the process; return whether it had to be killed."""
        self._closing.set()
        with self._opening:
            if self._thread is not None:
                self._thread.join()
            return self._child.end()
