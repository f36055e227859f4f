"""The embedded queue: a worker process of the service's own does the jobs, and is replaced when it dies."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from liveengine.errors import BusyError, LiveEngineError, StoreError
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.processes.child import ChildProcess, Heartbeat
from liveengine.processes.spawn import ignore_terminal
from liveengine.service.backlog import MAX_WAIT_S, Backlog
from liveengine.service.jobs import BACK_OFF_S, MOST_DEATHS, JobFailedError, Worker
from liveengine.service.store import Job, Store

log = logging.getLogger(__name__)

NICENESS = 5
"""Below the service, so that it answers while patterns are made."""
END_WAIT_S = 2.0
RESTART_PAUSE_S = 0.5
TICK_S = 0.2
STILL_S = 5.0
"""The queue's thread goes round every tick; one that has not for so long stands still."""
BEAT_S = 0.25
LOADING = "the worker loads the model"
READY, BEGUN, ENDED, AGAIN = "ready", "begun", "ended", "again"
"""What the worker reports: itself; or that a job of it has begun, ended, or is to be tried again."""


@dataclass(slots=True)
class _Held:
    """A job that has not ended.

    Whether the worker has it, is at it, how many workers died of it, how often it was tried again, and when
    (`time.monotonic`) it is due.
    """

    sent: bool = False
    begun: bool = False
    deaths: int = 0
    retries: int = 0
    due_s: float = 0.0


class LocalQueue:
    """Hands jobs to the worker process. Any thread; what it was given it holds until it has ended.

    A thread of its own sends and watches, so that nobody who hands in a job waits for the worker. Where a
    worker dies, the jobs it was at are done again one by one: whichever kills another worker did it. A job
    that is to be tried again waits here, and holds up no other.
    """

    kind = "embedded"

    def __init__(
        self, store: Store, checkpoint: Path | None, device: str, max_wait_s: float = MAX_WAIT_S
    ) -> None:
        """Start the worker, and take up what was left unfinished."""
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._backlog = Backlog(max_wait_s)
        self._fault = LOADING
        self._error = ""
        self._ending = threading.Event()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._child = ChildProcess(
            "liveengine-worker", run, (store.url, checkpoint, device), min_pause_s=RESTART_PAUSE_S
        )
        self._round_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="liveengine-queue", daemon=True)
        self._thread.start()
        for job in store.unfinished():
            self.put(job)

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._child.pid

    def admit(self, bars: int) -> None:
        """Raise BusyError where a job of so many bars cannot be done in time, or nobody hands it over."""
        if not self._thread.is_alive():
            raise BusyError(self.fault())
        self._backlog.admit(bars)

    def put(self, job: Job) -> None:
        """Take a job, unless it is here."""
        with self._lock:
            if not self._backlog.add(job.task_id, job.bars):
                return
            self._held[job.task_id] = _Held()
        self._wake_up()

    remind = put

    def _wake_up(self) -> None:
        with suppress(BlockingIOError):  # woken often enough
            self._wake.send(b"!")

    def fault(self) -> str:
        """Return what keeps jobs from being done, or nothing."""
        if not self._thread.is_alive():
            return "the thread that hands jobs to the worker has ended"
        if time.monotonic() - self._round_s > STILL_S:
            return "the thread that hands jobs to the worker stands still"
        if self._child.gone and self._fault in ("", LOADING):
            return f"the worker is being started again: {self._child.fault}"
        return self._error or self._fault

    def _run(self) -> None:
        """Send what waits, note what has ended, and look after the worker, whatever goes wrong."""
        while not self._ending.is_set():
            self._round_s = time.monotonic()
            try:
                self._go_round()
                self._error = ""
            except Exception as error:  # jobs wait for this thread, and for no other
                log.exception("the queue goes on after an error")
                self._error = f"{type(error).__name__}: {error}"
                self._ending.wait(TICK_S)

    def _go_round(self) -> None:
        self._child.wait(TICK_S, (self._woken,))
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        self._child.watch()
        while (report := self._child.receive()) is not None:
            self._note(*report)
        if self._child.take_fault() is not None:
            self._count_deaths()
        self._send_waiting()

    def _note(self, what: str, task_id: str, reason: str) -> None:
        if what == READY:
            self._fault = reason
        elif what == ENDED:
            self._forget(task_id)
        elif what == AGAIN:
            self._try_again(task_id, reason)
        elif held := self._held.get(task_id):
            held.begun = True

    def _forget(self, task_id: str) -> None:
        with self._lock:
            self._held.pop(task_id, None)
            self._backlog.remove(task_id)

    def _try_again(self, task_id: str, reason: str) -> None:
        """Send a job again after a pause; the last time, give it up."""
        held = self._held.get(task_id)
        if held is None:
            return
        pause_s = BACK_OFF_S[min(held.retries, len(BACK_OFF_S) - 1)]
        held.sent = held.begun = False
        held.retries += 1
        held.due_s = time.monotonic() + pause_s
        if held.retries > len(BACK_OFF_S):
            self._give_up(task_id, reason)

    def _send_waiting(self) -> None:
        """Send the jobs that wait and are due; while a job is suspected, only one at a time."""
        now_s = time.monotonic()
        with self._lock:
            due = [each for each, held in self._held.items() if held.sent or held.due_s <= now_s]
            suspects = [each for each in due if self._held[each].deaths]
            under_way = any(self._held[each].sent for each in due)
            for task_id in suspects[:1] if suspects else due:
                held = self._held[task_id]
                if not held.sent and not (suspects and under_way):
                    held.sent = self._child.send(task_id)

    def _count_deaths(self) -> None:
        """Count a worker's death against the jobs that it was at; a job that killed several is given up."""
        if self._fault == "":
            self._fault = LOADING
        with self._lock:
            begun = [task_id for task_id, held in self._held.items() if held.begun]
            for held in self._held.values():
                held.deaths += held.begun
                held.sent = held.begun = False
        if len(begun) == 1 and self._held[begun[0]].deaths >= MOST_DEATHS:
            self._give_up(begun[0], f"{MOST_DEATHS} workers died of it")

    def _give_up(self, task_id: str, reason: str) -> None:
        """End a job for good; keep it where that cannot be written."""
        try:
            job = self._store.job(task_id)
            if job is not None and not job.ended:
                self._store.put_dead(job, reason)
        except StoreError as error:
            log.warning("job %s cannot be given up: %s", task_id, error)
            return
        self._forget(task_id)

    def close(self) -> None:
        """End the worker; what is unfinished is taken up at the next start."""
        self._ending.set()
        self._wake_up()
        self._thread.join()
        self._child.end(END_WAIT_S)
        self._wake.close()
        self._woken.close()


def run(
    connection: Connection, heartbeat: Heartbeat, store_url: str, checkpoint: Path | None, device: str
) -> None:
    """Do jobs until the pipe closes. The entry point of the spawned process."""
    ignore_terminal()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    lock = threading.Lock()

    def report(what: str, task_id: str = "", reason: str = "") -> None:
        with lock:
            try:
                connection.send((what, task_id, reason))
            except OSError:
                os._exit(0)  # the service has gone: nobody waits any more

    try:
        worker = Worker(
            Store(store_url), lambda: PatternRenderer(checkpoint, device), f"embedded-{os.getpid()}"
        )
        worker.load()
    except LiveEngineError as error:
        report(READY, reason=str(error))
        time.sleep(RESTART_PAUSE_S)
        return
    report(READY)

    def do(task_id: str) -> None:
        report(BEGUN, task_id)
        report(*attempt(worker, task_id))

    with ThreadPoolExecutor(LANES, "liveengine-job") as jobs:
        while not worker.fault():
            heartbeat.beat()
            try:
                if connection.poll(BEAT_S):
                    jobs.submit(do, connection.recv())
            except (EOFError, OSError):
                os._exit(0)
        log.critical("this worker ends: %s", worker.fault())
        os._exit(1)


def attempt(worker: Worker, task_id: str) -> tuple[str, str, str]:
    """Decode and write a job once; return what is to be reported of it, and why."""
    try:
        try:
            worker.decode(task_id)
            worker.write(task_id)
        except JobFailedError as error:
            worker.fail(task_id, str(error))
    except Exception as error:  # whatever it is, it may pass
        return AGAIN, task_id, f"{type(error).__name__}: {error}"
    return ENDED, task_id, ""
