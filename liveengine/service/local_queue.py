"""The embedded queue: a worker process of the service's own does the jobs, and is revived when it dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

from liveengine.errors import BusyError, LiveEngineError, StoreError
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.processes.spawn import start_alone
from liveengine.service.jobs import BACK_OFF_S, MOST_ATTEMPTS, JobFailedError, Worker
from liveengine.service.store import Store

MOST_WAITING = 10_000
NICENESS = 5
"""Below the service, so that it answers while patterns are made."""
END_WAIT_S = 2.0
RESTART_PAUSE_S = 0.5
TICK_S = 0.2


class LocalQueue:
    """Hands jobs to the worker process. Any thread; what it was given it holds until it has ended."""

    kind = "embedded"

    def __init__(self, store: Store, checkpoint: Path | None, device: str) -> None:
        """Start the worker, and take up what was left unfinished."""
        self._store = store
        self._arguments = (store.url, checkpoint, device)
        self._context = multiprocessing.get_context("spawn")
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._fault = ""
        self._ending = threading.Event()
        self._start()
        self._thread = threading.Thread(target=self._watch, name="liveengine-queue", daemon=True)
        self._thread.start()
        for job in store.unfinished():
            self.put(job.task_id)

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid

    def _start(self) -> None:
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=run, args=(theirs, *self._arguments), name="liveengine-worker", daemon=True
        )
        start_alone(self._process)
        theirs.close()

    def put(self, task_id: str) -> None:
        """Hand a job to the worker. Raises BusyError where too many wait."""
        with self._lock:
            if task_id in self._held:
                return
            if len(self._held) >= MOST_WAITING:
                raise BusyError(f"expected at most {MOST_WAITING} jobs that wait, there are as many")
            self._held[task_id] = 0
            self._send(task_id)

    def _send(self, task_id: str) -> None:
        with contextlib.suppress(OSError):  # it has died: what is held goes to the next one
            self._connection.send(task_id)

    def fault(self) -> str:
        """Return what keeps the worker from its work."""
        return self._fault

    def _watch(self) -> None:
        """Take note of what has ended; revive the worker."""
        while not self._ending.is_set():
            try:
                if self._connection.poll(TICK_S):
                    self._apply_change(*self._connection.recv())
            except (EOFError, OSError):
                if not self._ending.wait(RESTART_PAUSE_S):
                    self._revive()

    def _apply_change(self, task_id: str, fault: str) -> None:
        if not task_id:
            self._fault = fault
            return
        with self._lock:
            self._held.pop(task_id, None)

    def _revive(self) -> None:
        """Start another worker, and hand it what the last one held; what has killed several is given up."""
        self._process.join(END_WAIT_S)
        with self._lock:
            self._connection.close()
            self._start()
            for task_id in list(self._held):
                self._held[task_id] += 1
                if self._held[task_id] >= MOST_ATTEMPTS:
                    del self._held[task_id]
                    self._give_up(task_id)
                else:
                    self._send(task_id)

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
        self._thread.join()
        self._connection.close()
        self._process.join(END_WAIT_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def run(connection: Connection, store_url: str, checkpoint: Path | None, device: str) -> None:
    """Do jobs until the pipe closes. The entry point of the spawned process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    lock = threading.Lock()

    def tell(task_id: str, fault: str = "") -> None:
        with lock:
            try:
                connection.send((task_id, fault))
            except OSError:
                os._exit(0)  # the service has gone: nobody waits any more

    try:
        worker = Worker(
            Store(store_url), lambda: PatternRenderer(checkpoint, device), f"embedded-{os.getpid()}"
        )
        _ = worker.studio.generator  # before the first job, which then need not wait for it
    except LiveEngineError as error:
        tell("", str(error))
        time.sleep(RESTART_PAUSE_S)
        return
    tell("", "")

    def do(task_id: str) -> None:
        do_with_retries(worker, task_id)
        tell(task_id)

    with ThreadPoolExecutor(LANES, "liveengine-job") as jobs:
        while True:
            try:
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
