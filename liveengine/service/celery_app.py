"""Celery: jobs and bars handed over a broker to workers on any machine.

A message is acknowledged when its work is done, so that a worker which dies leaves it to another. Whether
it is done is written in the store; whoever is handed a job that has ended, or is in good hands, leaves it.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from liveengine.errors import BusyError, ConfigError, LiveEngineError
from liveengine.generation.broker import (
    BAR_TASK,
    BARS,
    DECODE_TASK,
    GENERATION,
    QUEUES,
    VISIBILITY_S,
    WRITE_TASK,
    make_celery,
)
from liveengine.music.written import read_request, written_reply
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.service.decode_thread import PERFORMANCES
from liveengine.service.jobs import BACK_OFF_S, TIME_LIMIT_S, JobFailedError, Worker
from liveengine.service.store import Store

PING_S = 0.5
SEND_AGAIN_S = 0.5
SEND_PAUSE_S = 0.005
"""Callers are answered between one message and the next."""
NICENESS = 5
"""Below what else the machine does: an API or a player on it must answer in time."""


class CeleryQueue:
    """Hands jobs to workers over a broker. Any thread; one of its own sends, so that nobody waits for it.

    What it has taken on it sends when the broker is there again; meanwhile it takes on nothing more.
    """

    kind = "celery"

    def __init__(self, broker: str, store: Store) -> None:
        """Send through a broker, and take up what was left unfinished."""
        self._app = make_celery(broker)
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._down = ""
        for job in store.unfinished():
            self._waiting.put(job.task_id)
        threading.Thread(target=self._send_all, name="liveengine-queue", daemon=True).start()

    def put(self, task_id: str) -> None:
        """Hand over a job. Raises BusyError while the broker does not answer."""
        if self._down:
            raise BusyError(f"expected an answer of the broker, got: {self._down}")
        self._waiting.put(task_id)

    def _send_all(self) -> None:
        while True:
            task_id = self._waiting.get()
            while not self._sent(task_id):
                time.sleep(SEND_AGAIN_S)
            time.sleep(SEND_PAUSE_S)

    def _sent(self, task_id: str) -> bool:
        try:
            self._app.send_task(DECODE_TASK, [task_id], ignore_result=True, retry=False)
        except (OperationalError, OSError) as error:
            self._down = str(error)
            return False
        self._down = ""
        return True

    def fault(self) -> str:
        """Return that the broker does not answer, or no worker."""
        if self._down:  # asking it would take its time-outs
            return f"the broker does not answer: {self._down}"
        try:
            answers = self._app.control.ping(timeout=PING_S, limit=1)
        except (OperationalError, OSError) as error:
            return f"the broker does not answer: {error}"
        return "" if answers else "no worker answers"


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What `liveengine worker` was asked."""

    broker: str
    store: str
    queues: Sequence[str] = tuple(QUEUES)
    device: str = "auto"
    checkpoint: Path | None = None
    visibility_s: int = VISIBILITY_S
    log_level: str = "warning"


def work(options: WorkerOptions) -> None:
    """Work until stopped. Raises LiveEngineError where that cannot be."""
    unknown = [name for name in options.queues if name not in QUEUES]
    if unknown:
        raise ConfigError(f"--queues: expected of {', '.join(QUEUES)}; got {unknown[0]!r}")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    name = f"{socket.gethostname()}-{os.getpid()}"
    worker = Worker(Store(options.store), lambda: PatternRenderer(options.checkpoint, options.device), name)
    app = make_celery(options.broker, options.visibility_s)
    add_tasks(app, worker)
    if {GENERATION, BARS} & set(options.queues):
        _ = worker.workshop  # the model loads while the broker is sought
    app.worker_main(
        [
            "worker",
            "--pool=threads",
            f"--concurrency={LANES + PERFORMANCES}",
            f"--queues={','.join(options.queues)}",
            f"--hostname=liveengine@{name}",
            f"--loglevel={options.log_level}",
        ]
    )


def add_tasks(app: Celery, worker: Worker) -> None:
    """Let an app do what messages ask."""

    def again_or_fail(task: Any, task_id: str, error: Exception) -> None:
        """Try later what may succeed then; the last time, end it with a record of why."""
        tried = task.request.retries
        if isinstance(error, JobFailedError) or tried >= len(BACK_OFF_S):
            worker.fail(task_id, str(error) or type(error).__name__)
        else:
            raise task.retry(exc=error, countdown=BACK_OFF_S[tried], max_retries=len(BACK_OFF_S))

    @app.task(name=DECODE_TASK, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
    def decode(task: Any, task_id: str) -> None:
        try:
            redelivered = bool((task.request.delivery_info or {}).get("redelivered"))
            if worker.decode(task_id, redelivered=redelivered):
                app.send_task(WRITE_TASK, [task_id], ignore_result=True)
        except Exception as error:
            again_or_fail(task, task_id, error)

    @app.task(name=WRITE_TASK, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
    def write(task: Any, task_id: str) -> None:
        try:
            worker.write(task_id)
        except Exception as error:
            again_or_fail(task, task_id, error)

    @app.task(name=BAR_TASK, acks_late=False)  # type: ignore[untyped-decorator]
    def bar(performance: str, checkpoint: str, request: dict[str, Any]) -> dict[str, Any]:
        return make_bar(worker, performance, checkpoint, request)


def make_bar(worker: Worker, performance: str, checkpoint: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bar of a live performance, or the fault that is in the way."""
    has = worker.studio.repertoire.checkpoint_sha256
    if has != checkpoint:
        return {"fault": f"expected checkpoint {checkpoint[:12]}, this worker has {has[:12]}"}
    try:
        made = worker.workshop.bar(performance, read_request(request))
        return {**written_reply(made.result(TIME_LIMIT_S)), "worker": worker.name}
    except LiveEngineError as error:
        return {"fault": str(error)}
