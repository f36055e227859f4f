"""A supervised child process: sent to without waiting, watched, killed when silent, started again."""

from __future__ import annotations

import logging
import multiprocessing
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from liveengine.processes.spawn import start_alone

log = logging.getLogger(__name__)

SILENCE_S = 2.0
"""A child whose main loop has not gone round for so long hangs: it is killed."""
STALL_S = 0.5
"""Where nobody has looked for so long, program or machine stood still: silence counts from now."""
MIN_PAUSE_S, MAX_PAUSE_S = 0.5, 8.0
"""Pause before a child is started again; it doubles with each child that dies young."""
YOUNG_S = 10.0
STARVED_TIMES = 5.0
"""So many times longer a child may be silent that could run, had it a core: to replace it would take more."""
PROCESSES = Path("/proc")
END_WAIT_S = 1.0
LOOK_S = 0.05
SEND_BUFFER_BYTES = 1 << 20
"""Room in the pipe for what a child has not read yet; much of it is free whenever the pipe is writable."""

Target = Callable[..., None]
"""Is called in the child with its end of the pipe, its heartbeat, and the arguments."""


class Heartbeat:
    """When a child's main loop last went round. Written by the child, read by the parent."""

    def __init__(self) -> None:
        """Begin with no beat."""
        self._at_s = multiprocessing.get_context("spawn").RawValue("d", 0.0)

    def beat(self) -> None:
        """Note that the loop goes round: 0.2 µs."""
        self._at_s.value = time.monotonic()

    @property
    def at_s(self) -> float:
        """The last beat on the clock `time.monotonic`, which all processes share; 0 before the first."""
        return float(self._at_s.value)


class ChildProcess:
    """One child at a time, of one kind. Used by one thread; nothing here waits but `end`.

    `watch` and `receive` are called in turns, often. A child that ended, broke its pipe, or fell silent is
    gone: they notice, and `watch` starts the next one after a pause. Silence counts from the first
    beat on, since loading a model beats nothing; a child that has not begun to beat after `start_s` is gone
    too.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        arguments: tuple[Any, ...],
        *,
        started: Callable[[int], None] = lambda _: None,
        silence_s: float = SILENCE_S,
        start_s: float = 120.0,
        min_pause_s: float = MIN_PAUSE_S,
    ) -> None:
        """Start it; `started` is called with the process id of each one started."""
        self._name, self._target, self._arguments = name, target, arguments
        self._started = started
        self._silence_s, self._start_s, self._min_pause_s = silence_s, start_s, min_pause_s
        self._context = multiprocessing.get_context("spawn")
        self._pause_s = min_pause_s
        self._restart_at: float | None = None
        self.restarts = 0
        self.fault = ""
        self._untaken: str | None = None
        self.hung = False
        """Whether the last child that is gone had fallen silent, rather than ended."""
        self._start()

    def _start(self) -> None:
        """Start a child. Raises OSError, with all as it was before, where the system has no room for one."""
        connection, theirs = self._context.Pipe()
        try:
            _make_room(connection)
            heartbeat = Heartbeat()
            process = self._context.Process(
                target=self._target,
                args=(theirs, heartbeat, *self._arguments),
                name=self._name,
                daemon=True,
            )
            start_alone(process)
        except OSError:
            connection.close()
            raise
        finally:
            theirs.close()
        self._connection, self._heartbeat, self._process = connection, heartbeat, process
        self._began = self._looked = self._quiet_since = time.monotonic()
        self._restart_at = None
        log.info("%s started, pid %s", self._name, self._process.pid)
        if self._process.pid is not None:
            self._started(self._process.pid)

    @property
    def pid(self) -> int | None:
        """The process id of the present child."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether there is no child at present: the next one comes after a pause."""
        return self._restart_at is not None

    @property
    def quiet_s(self) -> float:
        """How long the child's main loop has not gone round; 0 before its first beat."""
        last = self._heartbeat.at_s
        return time.monotonic() - max(last, self._quiet_since) if last else 0.0

    def start_next_with(self, arguments: tuple[Any, ...]) -> None:
        """Give other arguments to the children that are started from now on."""
        self._arguments = arguments

    def send(self, message: object) -> bool:
        """Send a message; return False, with nothing sent, where the pipe is full or the child is gone."""
        if self.gone:
            return False
        try:
            if not _is_writable(self._connection):
                return False
            self._connection.send(message)
        except OSError:
            self._lose("its pipe broke")
            return False
        return True

    def receive(self) -> Any | None:
        """Return a message if one is there, else None."""
        if self.gone:
            return None
        try:
            return self._connection.recv() if self._connection.poll(0) else None
        except (EOFError, OSError):
            self._lose("it ended")
            return None

    def first_message(self, is_unwanted: Callable[[], bool] = lambda: False) -> Any | None:
        """Wait for a child's first message; None where none comes, and `fault` says why.

        One that ends or hangs without a word is started once more: a MIDI system too busy to answer may be
        why. The wait ends as soon as `is_unwanted` says so.
        """
        while True:
            while not self.gone:
                if is_unwanted():
                    return None
                self.wait(LOOK_S)
                message = self.receive()
                if message is not None:
                    self.take_fault()
                    return message
                if not self.gone:
                    self.watch()
            if self.restarts:
                return None
            deadline = time.monotonic() + YOUNG_S
            while self.gone:
                if is_unwanted() or time.monotonic() > deadline:
                    return None
                time.sleep(LOOK_S)
                self.watch()

    def watch(self) -> None:
        """Look after the child: start the next one when its time has come, and kill one that hangs."""
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self._start_again(now)
            return
        if now - self._looked > STALL_S:
            self._quiet_since = now
        self._looked = now
        last = self._heartbeat.at_s
        patience_s = self._silence_s if last else self._start_s
        if not self._process.is_alive() and not self._has_message():
            self._lose("it ended")
        elif (silent_s := now - max(last, self._quiet_since)) > patience_s and not (
            silent_s < STARVED_TIMES * patience_s and self._is_runnable()
        ):
            self.hung = True
            self._lose(
                f"it was silent for {silent_s:.2g} s" if last else f"it did not start in {patience_s:g} s"
            )

    def _is_runnable(self) -> bool:
        """Return whether the child runs or waits for a core, where the system tells (Linux)."""
        try:
            stated = (PROCESSES / str(self._process.pid) / "stat").read_text()
        except OSError:
            return False
        return stated.rpartition(")")[2].split()[0] == "R"

    def _start_again(self, now: float) -> None:
        """Start the next child; where the system has no room for one (descriptors, memory), later."""
        try:
            self._start()
        except OSError as error:
            self._pause_s = min(MAX_PAUSE_S, 2 * self._pause_s)
            self._restart_at = now + self._pause_s
            self.fault = self._untaken = f"it could not be started: {error}"
            log.warning("%s could not be started, again in %.1f s: %s", self._name, self._pause_s, error)
        else:
            self.restarts += 1
            self.hung = False

    def take_fault(self) -> str | None:
        """Return, once, why the last child is gone; None where none has gone since the last call."""
        fault, self._untaken = self._untaken, None
        return fault

    def _has_message(self) -> bool:
        """Return whether a child that has ended left something to read."""
        try:
            return self._connection.poll(0)
        except OSError:
            return False

    def _lose(self, fault: str) -> None:
        """Kill what is left of the child, and set when the next one starts."""
        self.fault = self._untaken = fault
        log.warning("%s (pid %s) is gone: %s", self._name, self._process.pid, fault)
        now = time.monotonic()
        young = now - self._began < YOUNG_S
        self._pause_s = min(MAX_PAUSE_S, 2 * self._pause_s) if young and self.restarts else self._min_pause_s
        self._restart_at = now + self._pause_s
        self._connection.close()
        self._process.kill()  # SIGKILL ends a stopped process too

    def end(self, wait_s: float = END_WAIT_S) -> bool:
        """Close the pipe, which ends a child in good order; return whether it had to be killed."""
        if not self.gone:
            self._connection.close()
        self._process.join(wait_s)
        killed = self._process.is_alive()
        if killed:
            self._process.kill()
        self._process.join()
        return killed

    def fileno(self) -> int | None:
        """Return what becomes readable with a message; None without a child, and on Windows."""
        return None if self.gone or sys.platform == "win32" else self._connection.fileno()

    def wait(self, seconds: float, beside: Sequence[Any] = ()) -> bool:
        """Wait for a message, the child's end, or what is `beside`; return whether there is any of them.

        Not for threads that must not wait. Without a child only what is beside counts.
        """
        return bool(wait([*beside, *([] if self.gone else [self._connection])], seconds))


if sys.platform == "win32":

    def _is_writable(_connection: Connection) -> bool:
        return True  # a named pipe cannot be asked

    def _make_room(_connection: Connection) -> None:
        pass

else:

    def _is_writable(connection: Connection) -> bool:
        """Return whether a message fits: Linux calls a socket writable while three quarters are free."""
        pipe = select.poll()
        pipe.register(connection, select.POLLOUT)
        return bool(pipe.poll(0))

    def _make_room(connection: Connection) -> None:
        with socket.socket(fileno=connection.fileno()) as pipe:
            try:
                pipe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            finally:
                pipe.detach()
