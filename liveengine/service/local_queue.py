"""The embedded queue: a worker process of the service's own does the jobs, and is replaced when it dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from liveengine.errors import BusyError, LiveEngineError, StoreError
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.processes.child import ChildProcess, Heartbeat
from liveengine.service.jobs import BACK_OFF_S, MOST_ATTEMPTS, JobFailedError, Worker
from liveengine.service.store import Store

MAX_WAITING = 10_000
NICENESS = 5
"""Below the service, so that it answers while patterns are made."""
END_WAIT_S = 2.0
RESTART_PAUSE_S = 0.5
TICK_S = 0.2
BEAT_S = 0.25
READY, BEGUN, ENDED = "ready", "begun", "ended"
"""What the worker reports: itself, or a job of it."""


@dataclass(slots=True)
class _Held:
    """A job that has not ended: whether the worker has it, is at it, and how many workers died of it."""

    sent: bool = False
    begun: bool = False
    deaths: int = 0


class LocalQueue:
    """Hands jobs to the worker process. Any thread; what it was given it holds until it has ended.

    A thread of its own sends and watches, so that nobody who hands in a job waits for the worker. Where a
    worker dies, the jobs it was at are done again one by one: whichever kills another worker did it.
    """

    kind = "embedded"

    def __init__(self, store: Store, checkpoint: Path | None, device: str) -> None:
        """Start the worker, and take up what was left unfinished."""
        self._store = store
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._fault = ""
        self._ending = threading.Event()
        self._woken, self._wake = multiprocessing.Pipe(duplex=False)
        self._child = ChildProcess(
            "liveengine-worker", run, (store.url, checkpoint, device), min_pause_s=RESTART_PAUSE_S
        )
        self._thread = threading.Thread(target=self._run, name="liveengine-queue", daemon=True)
        self._thread.start()
        for job in store.unfinished():
            self.put(job.task_id)

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._child.pid

    def put(self, task_id: str) -> None:
        """Take a job. Raises BusyError where too many wait."""
        with self._lock:
            if task_id in self._held:
                return
            if len(self._held) >= MAX_WAITING:
                raise BusyError(f"expected at most {MAX_WAITING} jobs that wait, there are as many")
            self._held[task_id] = _Held()
        self._wake.send_bytes(b"!")

    def fault(self) -> str:
        """Return what keeps the worker from its work."""
        return self._fault

    def _run(self) -> None:
        """Send what waits, note what has ended, and look after the worker."""
        while not self._ending.is_set():
            self._child.wait(TICK_S, (self._woken,))
            while self._woken.poll():
                self._woken.recv_bytes()
            self._child.watch()
            while (report := self._child.receive()) is not None:
                self._note(*report)
            if self._child.take_fault() is not None:
                self._count_deaths()
            self._send_waiting()

    def _note(self, what: str, task_id: str, fault: str) -> None:
        if what == READY:
            self._fault = fault
            return
        with self._lock:
            if what == ENDED:
                self._held.pop(task_id, None)
            elif task_id in self._held:
                self._held[task_id].begun = True

    def _send_waiting(self) -> None:
        """Send the jobs that wait; while a job is suspected, only one at a time."""
        with self._lock:
            suspects = [each for each, held in self._held.items() if held.deaths]
            under_way = any(held.sent for held in self._held.values())
            for task_id in suspects[:1] if suspects else list(self._held):
                held = self._held[task_id]
                if not held.sent and not (suspects and under_way):
                    held.sent = self._child.send(task_id)

    def _count_deaths(self) -> None:
        """Count a worker's death against the jobs that it was at; a job that killed several is given up."""
        with self._lock:
            begun = [task_id for task_id, held in self._held.items() if held.begun]
            for held in self._held.values():
                held.deaths += held.begun
                held.sent = held.begun = False
            dead = [each for each in begun if self._held[each].deaths >= MOST_ATTEMPTS and len(begun) == 1]
            for task_id in dead:
                del self._held[task_id]
        for task_id in dead:
            self._give_up(task_id)

    def _give_up(self, task_id: str) -> None:
        try:
            job = self._store.job(task_id)
            if job is not None and not job.ended:
                self._store.put_dead(job, f"its worker died {MOST_ATTEMPTS} times")
        except StoreError as error:
            self._fault = str(error)

    def close(self) -> None:
        """End the worker; what is unfinished is taken up at the next start."""
        self._ending.set()
        self._wake.send_bytes(b"!")
        self._thread.join()
        self._child.end(END_WAIT_S)
        self._wake.close()
        self._woken.close()


def run(
    connection: Connection, heartbeat: Heartbeat, store_url: str, checkpoint: Path | None, device: str
) -> None:
    """Do jobs until the pipe closes. The entry point of the spawned process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    lock = threading.Lock()

    def report(what: str, task_id: str = "", fault: str = "") -> None:
        with lock:
            try:
                connection.send((what, task_id, fault))
            except OSError:
                os._exit(0)  # the service has gone: nobody waits any more

    try:
        worker = Worker(
            Store(store_url), lambda: PatternRenderer(checkpoint, device), f"embedded-{os.getpid()}"
        )
        _ = worker.studio.generator  # before the first job, which then need not wait for it
    except LiveEngineError as error:
        report(READY, fault=str(error))
        time.sleep(RESTART_PAUSE_S)
        return
    report(READY)

    def do(task_id: str) -> None:
        report(BEGUN, task_id)
        do_with_retries(worker, task_id)
        report(ENDED, task_id)

    with ThreadPoolExecutor(LANES, "liveengine-job") as jobs:
        while True:
            heartbeat.beat()
            try:
                if connection.poll(BEAT_S):
                    jobs.submit(do, connection.recv())
            except (EOFError, OSError):
                os._exit(0)


def do_with_retries(worker: Worker, task_id: str) -> None:
    """Decode and write a job; what may succeed later is tried again, then put among the dead."""
    reason = ""
    for pause_s in (*BACK_OFF_S, 0.0):
        try:
            worker.decode(task_id)
            worker.write(task_id)
            return
        except JobFailedError as error:
            reason = str(error)
            break
        except Exception as error:  # whatever it is, the job fails with it
            reason = f"{type(error).__name__}: {error}"
        time.sleep(pause_s)
    with contextlib.suppress(StoreError):  # it is still unfinished there, and taken up at the next start
        worker.fail(task_id, reason)
