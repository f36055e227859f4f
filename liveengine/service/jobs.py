"""What a worker does of a job: decode its bars, and write them as a file."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace

from liveengine.errors import LiveEngineError, StoreError
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import read_request
from liveengine.service.decode_thread import Workshop
from liveengine.service.store import DONE, QUEUED, RUNNING, Decoded, Job, Store

MOST_DEATHS = 4
"""A job that so many workers died of is given up."""
BACK_OFF_S = (1.0, 4.0, 15.0)
"""What fails and may succeed later is tried again after these."""
HEARTBEAT_S = 0.5
"""A worker reports so often on a job that it is at."""
FRESH_S = 10.0
"""A job that nobody reports on for so long, by the clock of whoever looks, has lost its worker."""


class JobFailedError(LiveEngineError):
    """A job cannot be done, however often it is tried."""


def worker_name() -> str:
    """Return a name that no other worker has or had, on any machine."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


class Worker:
    """Does jobs. Any thread; several at a time are decoded together.

    A job that two workers have died of is decoded alone, so that it takes no other with it again.
    """

    def __init__(self, store: Store, open_studio: Callable[[], PatternRenderer], name: str = "") -> None:
        """Work for a store. The model is loaded by `load`, or with the first job that needs it."""
        self.store = store
        self.name = name or worker_name()
        self._open_studio = open_studio
        self._lock = threading.Lock()
        self._studio: PatternRenderer | None = None
        self._workshop: Workshop | None = None
        self._changed = threading.Condition()
        self._at_work: set[str] = set()
        self._decoding: dict[str, bool] = {}

    @property
    def studio(self) -> PatternRenderer:
        """Styles, kits and weights."""
        with self._lock:
            self._studio = self._studio or self._open_studio()
            return self._studio

    @property
    def workshop(self) -> Workshop:
        """The generator's thread. Raises CheckpointError where there is no model to load."""
        studio = self.studio
        with self._lock:
            self._workshop = self._workshop or Workshop(studio)
            return self._workshop

    def load(self) -> None:
        """Load the model, before any work is taken that needs it. Raises CheckpointError, ConfigError."""
        _ = self.workshop

    def fault(self) -> str:
        """Return why this worker can decode nothing more and must end, or nothing."""
        return self._workshop.fault() if self._workshop is not None else ""

    def report_of_another(self, task_id: str) -> float | None:
        """Return when a job's worker last reported on it, by its own clock; None where no worker is at it.

        Whoever looks twice and finds another time knows that the worker lives, whatever the clocks say.
        """
        job = self.store.job(task_id)
        return job.at_s if job is not None and job.status == RUNNING else None

    def decode(self, task_id: str, *, died: bool = False) -> bool:
        """Decode the bars of a job, unless that was done; tell whether it is left to be written.

        `died` tells that the worker that was at it is gone. Raises JobFailedError where it never can be done,
        another LiveEngineError or OSError where it may the next time.
        """
        with self._changed:
            if task_id in self._at_work:
                return False
            self._at_work.add(task_id)
        try:
            return self._decode(task_id, died)
        finally:
            with self._changed:
                self._at_work.discard(task_id)

    def _decode(self, task_id: str, died: bool) -> bool:
        job = self.store.job(task_id)
        if job is None or job.ended:
            return False
        if self.store.decoded(task_id) is not None:
            return True
        deaths = job.deaths + (died and job.worker != self.name)
        if deaths >= MOST_DEATHS:
            raise JobFailedError(f"{deaths} workers died of it")
        pattern = self._pattern(job)
        job = replace(job, status=RUNNING, worker=self.name, attempts=job.attempts + 1, deaths=deaths)
        job = self.store.put_job(job)
        try:
            with self._turn(job):
                decoded = self._decoded(job, pattern)
        except Exception:
            with contextlib.suppress(StoreError):
                self.store.put_job(replace(job, status=QUEUED))  # nobody is at it until it is tried again
            raise
        self.store.put_decoded(task_id, decoded)
        return True

    def _pattern(self, job: Job) -> Pattern:
        """Return what a job asks for. Raises JobFailedError where this worker never can make it."""
        has = self.studio.repertoire.checkpoint_sha256
        if job.checkpoint not in ("", has):
            raise JobFailedError(
                f"expected checkpoint {job.checkpoint[:12]}, for which it was asked; here is {has[:12]}"
            )
        try:
            return self.studio.pattern(read_request(job.request))
        except LiveEngineError as error:
            raise JobFailedError(str(error)) from error

    @contextlib.contextmanager
    def _turn(self, job: Job) -> Iterator[None]:
        """Wait until a job may be decoded: beside others, or alone where workers have died of it."""
        alone = job.deaths > 1  # one death is mostly the machine's, and costs the rest no time
        while True:
            with self._changed:
                if not (self._decoding if alone else any(self._decoding.values())):
                    self._decoding[job.task_id] = alone
                    break
                self._changed.wait(HEARTBEAT_S)
            self.store.put_job(job)
        try:
            yield
        finally:
            with self._changed:
                del self._decoding[job.task_id]
                self._changed.notify_all()

    def _decoded(self, job: Job, pattern: Pattern) -> Decoded:
        """Have a pattern decoded, telling its progress now and then."""
        made = self.workshop.make(pattern)
        while True:
            try:
                made.result(HEARTBEAT_S)
                break
            except FutureTimeout:
                if fault := self.fault():
                    raise LiveEngineError(fault) from None
                self.store.put_job(replace(job, progress=pattern.progress))
        return Decoded(
            tuple(pattern.replies), self.studio.repertoire.checkpoint_sha256, self.studio.generator.device
        )

    def write(self, task_id: str) -> None:
        """Write the file of a job whose bars are decoded. Raises as `decode` does."""
        job = self.store.job(task_id)
        if job is None or job.ended:
            return
        decoded = self.store.decoded(task_id)
        if decoded is None:
            raise StoreError(f"job {task_id}: expected its decoded bars, found none")
        pattern = self.studio.pattern(read_request(job.request), decoded.checkpoint, decoded.device)
        for reply in decoded.bars:
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
