"""Bars from another machine: asked for over a broker, covered by the local model where no answer comes."""

from __future__ import annotations

import logging
import queue
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from celery.exceptions import CeleryError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from kombu.exceptions import OperationalError

from liveengine.errors import ContractError, GenerationError, LiveEngineError
from liveengine.generation.broker import BAR_TASK, make_celery
from liveengine.interfaces import BarSource
from liveengine.music.request import BarReply, BarRequest, LostRequest
from liveengine.music.written import read_reply, written_request

log = logging.getLogger(__name__)

REMOTE, COVER = "remote", "cover"
"""Who made a bar: a worker, or the local model in its place."""
REST_S = 2.0
"""After a miss the local model makes the bars for so long; then another machine is asked again."""


class Ask(Protocol):
    """Asks another machine for a bar and waits for the answer."""

    def __call__(self, request: BarRequest, timeout_s: float, /) -> BarReply:
        """Return the bar. Raises LiveEngineError where no answer comes in time, or none that helps."""
        ...


class CeleryAsk:
    """Asks workers over a broker. Used by one thread."""

    def __init__(self, broker: str, checkpoint_sha256: str) -> None:
        """Ask those who have the same checkpoint. Raises ConfigError for a URL that is none."""
        self._app = make_celery(broker)
        self._checkpoint = checkpoint_sha256
        self._performance = uuid.uuid4().hex

    def __call__(self, request: BarRequest, timeout_s: float) -> BarReply:
        """Return the bar. Raises GenerationError with the reason where there is none."""
        try:
            arguments = [self._performance, self._checkpoint, written_request(request)]
            asked = self._app.send_task(BAR_TASK, arguments, expires=timeout_s, retry=False)
            try:
                answer = asked.get(timeout=timeout_s, interval=0.002, propagate=False)
            finally:
                asked.forget()
            if not isinstance(answer, dict):  # with propagate=False an exception of the worker is its answer
                raise GenerationError(f"the worker failed: {answer!r}")
            if "fault" in answer:
                raise GenerationError(f"the worker refused: {answer['fault']}")
            return read_reply(answer)
        except CeleryTimeoutError as error:
            raise GenerationError(f"no worker answered within {timeout_s * 1e3:.0f} ms") from error
        except (CeleryError, OperationalError, OSError) as error:
            raise GenerationError(f"the broker does not answer: {error}") from error
        except ContractError as error:
            raise GenerationError(f"the worker's answer cannot be read: {error}") from error


class RemoteBarSource:
    """A bar source that asks another machine first. Used by the engine's thread; nothing here waits.

    A bar that has not come within the deadline is asked of the local source; the first answer counts.
    """

    def __init__(self, local: BarSource, ask: Ask, deadline_ms: float) -> None:
        """Ask through `ask` on a thread of its own; `local` is closed with this."""
        self._local, self._ask, self._deadline_s = local, ask, deadline_ms / 1e3
        self._request: BarRequest | None = None
        self._asked_s = 0.0
        self._covering = False
        self._rest_until_s = 0.0
        self._to_ask: queue.SimpleQueue[BarRequest | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[int, BarReply | LiveEngineError, float]] = queue.SimpleQueue()
        self._fault = ""
        self._notices: list[str] = []
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="liveengine-remote", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Ask for the newest bar, one at a time."""
        while (request := self._to_ask.get()) is not None:
            while not self._to_ask.empty():
                newer = self._to_ask.get()
                if newer is None:
                    return
                request = newer
            began_s = time.monotonic()
            answer: BarReply | LiveEngineError
            try:
                answer = self._ask(request, self._deadline_s)
            except LiveEngineError as error:
                answer = error
            except Exception as error:  # a thread that ended would never ask again
                log.exception("the other machine could not be asked")
                answer = GenerationError(f"{type(error).__name__}: {error}")
            self._answers.put((request.serial, answer, (time.monotonic() - began_s) * 1e3))
            try:
                self._wake.send(b"!")
            except OSError:
                continue  # woken already, or at the end

    def ready(self) -> bool:
        """Tell whether the local model is there, which must be able to cover."""
        return self._local.ready()

    def request(self, request: BarRequest) -> None:
        """Ask for a bar; a request still unanswered is forgotten."""
        self._request, self._asked_s, self._covering = request, time.monotonic(), False
        if self._asked_s < self._rest_until_s:
            self._cover()
        else:
            self._to_ask.put(request)

    def _cover(self) -> None:
        assert self._request is not None
        self._covering = True
        self._local.request(self._request)

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Do nothing: the local model holds no context while another machine makes the bars."""

    def poll(self) -> BarReply | None:
        """Return the answer to the last request once it is there."""
        self._drain()
        while not self._answers.empty():
            serial, answer, round_trip_ms = self._answers.get()
            self._note(answer)
            if self._request is None or serial != self._request.serial:
                continue
            if isinstance(answer, BarReply) and answer.serial == serial:
                self._request = None
                return replace(answer, source=REMOTE, round_trip_ms=round_trip_ms)
            if not self._covering:
                self._cover()
        if self._request is None:
            self._local.poll()  # what a bar that has come meanwhile was covered by
            return None
        if not self._covering and time.monotonic() - self._asked_s > self._deadline_s:
            self._cover()
        reply = self._local.poll()
        if reply is None or reply.serial != self._request.serial:
            return None
        self._request = None
        return replace(reply, source=COVER)

    def _note(self, answer: BarReply | LiveEngineError) -> None:
        """After a miss leave the other machine alone for a while; say why, once for a reason."""
        fault = "" if isinstance(answer, BarReply) else str(answer)
        if fault:
            self._rest_until_s = time.monotonic() + REST_S
            if fault != self._fault:
                self._notices.append(f"the local model makes the bars: {fault}")
        self._fault = fault

    def _drain(self) -> None:
        try:
            while self._woken.recv(64):
                pass
        except OSError:
            return  # nothing there

    def lost(self) -> LostRequest | None:
        """Return, once, the serial of a request that the local source has lost."""
        return self._local.lost()

    def notices(self) -> list[str]:
        """Return what went wrong with the other machine and with the local source."""
        notices, self._notices = self._notices, []
        return [*notices, *self._local.notices()]

    def trouble(self) -> str:
        """Return why no bars can come at present from the local source, where that one is to make them."""
        return self._local.trouble() if self._covering else ""

    def fileno(self) -> int | None:
        """Return what wakes the engine when the answer is there."""
        return self._local.fileno() if self._covering else self._woken.fileno()

    def close(self) -> None:
        """End the thread and the local source."""
        self._to_ask.put(None)
        self._thread.join(self._deadline_s + 1.0)
        self._local.close()
        self._wake.close()
        self._woken.close()
