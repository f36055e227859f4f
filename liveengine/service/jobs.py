"""What a worker does of a job: decode its bars, and write them as a file."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace

from liveengine.errors import LiveEngineError, StoreError
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import read_request
from liveengine.service.decode_thread import Workshop
from liveengine.service.store import DONE, RUNNING, Job, Store

TIME_LIMIT_S = 120.0
"""A job that takes longer has failed."""
MOST_ATTEMPTS = 4
BACK_OFF_S = (1.0, 4.0, 15.0)
HEARTBEAT_S = 0.5
FRESH_S = 10.0
"""A job that a worker has reported on this recently is in good hands."""


class JobFailedError(LiveEngineError):
    """A job cannot be done, however often it is tried."""


class Worker:
    """Does jobs. Any thread; several at a time are decoded together."""

    def __init__(self, store: Store, open_studio: Callable[[], PatternRenderer], name: str = "") -> None:
        """Work for a store. The model is loaded with the first job that needs it."""
        self.store = store
        self.name = name or socket.gethostname()
        self._open_studio = open_studio
        self._lock = threading.Lock()
        self._studio: PatternRenderer | None = None
        self._workshop: Workshop | None = None
        self._decoding: set[str] = set()

    @property
    def studio(self) -> PatternRenderer:
        """Styles, kits and weights."""
        with self._lock:
            self._studio = self._studio or self._open_studio()
            return self._studio

    @property
    def workshop(self) -> Workshop:
        """The generator's thread."""
        studio = self.studio
        with self._lock:
            self._workshop = self._workshop or Workshop(studio)
            return self._workshop

    def decode(self, task_id: str, *, redelivered: bool = False) -> bool:
        """Decode the bars of a job, unless that was done; tell whether it is left to be written.

        Raises JobFailedError where it never can be, another LiveEngineError or OSError where it may the next
        time.
        """
        with self._lock:
            if task_id in self._decoding:
                return False
            self._decoding.add(task_id)
        try:
            return self._decode(task_id, redelivered)
        finally:
            with self._lock:
                self._decoding.discard(task_id)

    def _decode(self, task_id: str, redelivered: bool) -> bool:
        job = self.store.job(task_id)
        if job is None or job.ended:
            return False
        if redelivered and job.status == RUNNING and job.worker != self.name and job.age_s() < FRESH_S:
            return False
        if self.store.decoded(task_id) is not None:
            return True
        job = self.store.put_job(replace(job, status=RUNNING, worker=self.name, attempts=job.attempts + 1))
        try:
            pattern = self.studio.pattern(read_request(job.request))
        except LiveEngineError as error:
            raise JobFailedError(str(error)) from error
        self.store.put_decoded(task_id, self._made(job, pattern).replies)
        return True

    def _made(self, job: Job, pattern: Pattern) -> Pattern:
        """Have a pattern made, telling its progress now and then."""
        made = self.workshop.make(pattern)
        deadline_s = time.monotonic() + TIME_LIMIT_S
        while time.monotonic() < deadline_s:
            try:
                return made.result(HEARTBEAT_S)
            except FutureTimeout:
                self.store.put_job(replace(job, progress=pattern.progress))
        made.cancel()
        raise JobFailedError(f"expected to be done within {TIME_LIMIT_S:g} s, it was not")

    def write(self, task_id: str) -> None:
        """Write the file of a job whose bars are decoded. Raises as `decode` does."""
        job = self.store.job(task_id)
        if job is None or job.ended:
            return
        replies = self.store.decoded(task_id)
        if replies is None:
            raise StoreError(f"job {task_id}: expected its decoded bars, found none")
        pattern = self.studio.pattern(read_request(job.request))
        for reply in replies:
            pattern.next_request()
            pattern.accept(reply)
        pattern.next_request()
        file_id = self.store.put_file(pattern.take().to_bytes())
        self.store.put_job(replace(job, status=DONE, progress=1.0, file_id=file_id, reason=None))

    def fail(self, task_id: str, reason: str) -> None:
        """End a job that cannot be done, with a record of why."""
        job = self.store.job(task_id)
        if job is not None and not job.ended:
            self.store.put_dead(job, reason)
