"""The engine's side of the generator process: a bar source that starts it, asks it, and revives it."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from liveengine.errors import GenerationError
from liveengine.generation import worker
from liveengine.music.request import BarReply, BarRequest
from liveengine.processes.spawn import start_alone

MAX_FAILURES = 3
"""So many bars in a row that could not be made are a fault to stop for, not to try again."""
RESTART_PAUSE_S = 0.5
"""Pause before a generator that died is started again."""
END_WAIT_S = 1.0


class ProcessBarSource:
    """A generator in a process of its own. Used by the engine's thread; nothing here waits.

    A process that dies is started again; its in-flight request is reported as lost once the new one is ready.
    """

    def __init__(
        self,
        checkpoint: Path,
        device: str,
        started: Callable[[int], None] = lambda _: None,
        packs: Sequence[Path] = (),
    ) -> None:
        """Start the process; `started` is called with the process id of each one started.

        `packs` are files with styles learned for the checkpoint.
        """
        self._arguments = (str(checkpoint), device, tuple(str(pack) for pack in packs))
        self._context = multiprocessing.get_context("spawn")
        self._started = started
        self._request: BarRequest | None = None
        self._lost: int | None = None
        self._rehearsing: frozenset[int] = frozenset()
        self._ready = False
        self._restart_at: float | None = None
        self._failures = 0
        self.device = ""
        self.restarts = 0
        self._start()

    def _start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=worker.run, args=(theirs, *self._arguments), name="liveengine-generator", daemon=True
        )
        start_alone(self._process)
        theirs.close()
        self._ready = False
        self._restart_at = None
        if self._process.pid is not None:
            self._started(self._process.pid)

    def ready(self) -> bool:
        """Tell whether the model is loaded. Raises GenerationError where it cannot be."""
        if not self._ready:
            self._read()
        return self._ready

    def request(self, request: BarRequest) -> None:
        """Ask for a bar; a request still unanswered is forgotten."""
        self._request = request
        if self._ready:
            self._put(request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Let bars be made in idle time; where the next request comes first they are not."""
        if self._ready and self._request is None:
            self._rehearsing = frozenset(request.serial for request in requests)
            self._put(worker.Rehearsal(tuple(requests)))

    def _put(self, asked: BarRequest | worker.Rehearsal) -> None:
        try:
            self._connection.send(asked)
        except OSError:
            self._died()

    def poll(self) -> BarReply | None:
        """Return the answer to the last request once it is there, or a bar that was rehearsed.

        A bar that failed is asked for again. Raises GenerationError where the model cannot be loaded, or
        bars fail again and again.
        """
        answer = self._read()
        if isinstance(answer, BarReply) and self._request and answer.serial == self._request.serial:
            self._request = None
            return answer
        return answer if answer is not None and answer.serial in self._rehearsing else None

    def lost(self) -> int | None:
        """Return, once, the serial of a request that a process took along, when the next one is ready."""
        lost, self._lost = self._lost, None
        return lost

    def _read(self) -> BarReply | None:
        self._revive()
        if self._restart_at is not None:
            return None
        try:
            if not self._connection.poll(0):
                if not self._process.is_alive():
                    self._died()
                return None
            answer: worker.Answer = self._connection.recv()
        except (EOFError, OSError):
            self._died()
            return None
        if isinstance(answer, worker.Ready):
            self.device = answer.device
            self._begin()
        elif isinstance(answer, worker.Failed):
            self._failures += 1
            if answer.serial is None or self._failures >= MAX_FAILURES:
                raise GenerationError(answer.message)
            if self._request is not None and answer.serial == self._request.serial:
                self._put(self._request)
        else:
            self._failures = 0
            return answer
        return None

    def _begin(self) -> None:
        """Go on with a process that is ready: put what waits for the first, tell what one took along."""
        self._ready = True
        if self._request is not None and self.restarts:
            self._lost, self._request = self._request.serial, None
        elif self._request is not None:
            self._put(self._request)

    def _died(self) -> None:
        if self._restart_at is None:
            self._ready = False
            self._restart_at = time.monotonic() + RESTART_PAUSE_S

    def _revive(self) -> None:
        if self._restart_at is not None and time.monotonic() >= self._restart_at:
            self._end_process()
            self.restarts += 1
            self._start()

    def _end_process(self) -> None:
        self._connection.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(END_WAIT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def close(self) -> None:
        """End the process."""
        self._end_process()

    def fileno(self) -> int | None:
        """Return the pipe's descriptor; None where it is broken, and on Windows, which cannot wait on it."""
        if self._restart_at is not None or sys.platform == "win32":
            return None
        return self._connection.fileno()


class LocalBarSource:
    """A generator in this process, which answers at once: for rendering in virtual time."""

    def __init__(self, checkpoint: Path, device: str = "cpu", packs: Sequence[Path] = ()) -> None:
        """Load the checkpoint, and packs with styles learned for it."""
        from liveengine.generation.generator import BarGenerator

        self._generator = BarGenerator(checkpoint, worker.choose_device(device), packs)
        self._reply: BarReply | None = None

    def ready(self) -> bool:
        """Tell that the model is loaded."""
        return True

    def request(self, request: BarRequest) -> None:
        """Make the bar now."""
        self._reply = self._generator.generate(request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Do nothing: nobody waits for a bar here, so none needs to be there before it is asked for."""

    def poll(self) -> BarReply | None:
        """Return the bar once."""
        reply, self._reply = self._reply, None
        return reply

    def lost(self) -> int | None:
        """Nothing is lost here."""
        return None

    def fileno(self) -> int | None:
        """Answers are there at once."""
        return None

    def close(self) -> None:
        """Forget the last bar."""
        self._reply = None
