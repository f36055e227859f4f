"""Celery workers: jobs and bars that come over a broker, on any machine.

A message is acknowledged when its work is done, so that a worker which dies leaves it to another. Whether
it is done is written in the store; whoever is handed a job that has ended leaves it, and looks again a little
later at one that another has.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from celery import Celery

from liveengine.errors import ConfigError, LiveEngineError
from liveengine.generation.broker import (
    BAR_TASK,
    BARS,
    DECODE_TASK,
    GENERATION,
    QUEUES,
    SHOWN_SHA256,
    VISIBILITY_S,
    WRITE_TASK,
    broker_errors,
    generation_queue,
    make_celery,
)
from liveengine.music.written import read_request, written_reply
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.service.decode_thread import PASS_LIMIT_S, PERFORMANCES
from liveengine.service.jobs import BACK_OFF_S, FRESH_S, JobFailedError, Worker
from liveengine.service.store import Store

log = logging.getLogger(__name__)

NICENESS = 5
"""Below what else the machine does: an API or a player on it must answer in time."""
WATCH_S = 1.0


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
    """Work until stopped. Raises LiveEngineError where that cannot be, or no longer."""
    unknown = [name for name in options.queues if name not in QUEUES]
    if unknown:
        raise ConfigError(f"--queues: expected of {', '.join(QUEUES)}; got {unknown[0]!r}")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    worker = Worker(Store(options.store), lambda: PatternRenderer(options.checkpoint, options.device))
    app = make_celery(options.broker, options.visibility_s)
    add_tasks(app, worker)
    queues = list(options.queues)
    if {GENERATION, BARS} & set(queues):
        worker.load()  # a worker whose weights cannot be used takes no work
    if GENERATION in queues:
        queues[queues.index(GENERATION)] = generation_queue(worker.studio.repertoire.checkpoint_sha256)
    threading.Thread(target=_watch, args=(worker,), name="liveengine-watch", daemon=True).start()
    consumer = app.Worker(
        pool_cls="threads",
        without_gossip=True,  # workers here ask nothing of each other
        without_mingle=True,
        concurrency=LANES + PERFORMANCES,
        queues=queues,
        hostname=f"liveengine@{worker.name}",
        loglevel=options.log_level.upper(),
    )
    consumer.start()
    if consumer.exitcode:
        raise LiveEngineError(
            f"expected to work until stopped; the worker ended (status {consumer.exitcode})"
        )


def _watch(worker: Worker) -> None:
    """End a worker that can decode nothing more: what it holds goes to another."""
    while not (fault := worker.fault()):
        time.sleep(WATCH_S)
    log.critical("this worker ends: %s", fault)
    os._exit(1)


def add_tasks(app: Celery, worker: Worker) -> None:
    """Let an app do what messages ask."""
    tasks = _Tasks(app, worker)

    @app.task(name=DECODE_TASK, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
    def decode(task: Any, task_id: str, tries: int = 0, seen: float | None = None) -> None:
        tasks.decode(task, task_id, tries, seen)

    @app.task(name=WRITE_TASK, bind=True, ignore_result=True)  # type: ignore[untyped-decorator]
    def write(task: Any, task_id: str, tries: int = 0) -> None:
        tasks.write(task, task_id, tries)

    @app.task(name=BAR_TASK, acks_late=False)  # type: ignore[untyped-decorator]
    def bar(performance: str, checkpoint: str, request: dict[str, Any]) -> dict[str, Any]:
        return make_bar(worker, performance, checkpoint, request)


class _Tasks:
    """What is done of a job on a message, and when it is tried again. Any thread."""

    def __init__(self, app: Celery, worker: Worker) -> None:
        self._app, self._worker = app, worker
        self._broker_errors = broker_errors(app)

    def decode(self, task: Any, task_id: str, tries: int, seen: float | None) -> None:
        """Decode a job. `seen` is when another was last known to be at it."""
        try:
            reported = self._worker.report_of_another(task_id)
            is_free = reported in (None, seen)
            is_left = is_free and self._worker.decode(task_id, died=reported is not None)
        except Exception as error:
            self._again_or_fail(task, task_id, tries, error)
            return
        if not is_free:  # whoever is at it may die yet
            _later(task, task_id, FRESH_S, tries=tries, seen=reported)
        if is_left:
            self._hand_on(task, task_id)

    def _hand_on(self, task: Any, task_id: str) -> None:
        """Have a file written by whoever writes files; where the broker is away, here."""
        try:
            self._app.send_task(WRITE_TASK, [task_id], ignore_result=True, retry=False)
        except self._broker_errors as error:
            log.warning("the broker is away, job %s is written here: %s", task_id, error)
            self.write(task, task_id, 0)

    def write(self, task: Any, task_id: str, tries: int) -> None:
        """Write a file."""
        try:
            self._worker.write(task_id)
        except Exception as error:
            self._again_or_fail(task, task_id, tries, error)

    def _again_or_fail(self, task: Any, task_id: str, tries: int, error: Exception) -> None:
        """Try later what may succeed then; the last time, end it with a record of why."""
        if isinstance(error, JobFailedError) or tries >= len(BACK_OFF_S):
            self._worker.fail(task_id, str(error) or type(error).__name__)
        else:
            _later(task, task_id, BACK_OFF_S[tries], error, tries=tries + 1)


def _later(task: Any, task_id: str, pause_s: float, error: Exception | None = None, **more: Any) -> NoReturn:
    """Have a task done after a pause, in which it takes no lane."""
    raise task.retry(args=[task_id], kwargs=more, exc=error, countdown=pause_s, max_retries=None)


def make_bar(worker: Worker, performance: str, checkpoint: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bar of a live performance, or the fault that is in the way."""
    has = worker.studio.repertoire.checkpoint_sha256
    if has != checkpoint:
        return {
            "fault": f"expected checkpoint {checkpoint[:SHOWN_SHA256]}, this worker has {has[:SHOWN_SHA256]}"
        }
    try:
        made = worker.workshop.bar(performance, read_request(request))
        return {**written_reply(made.result(PASS_LIMIT_S)), "worker": worker.name}
    except LiveEngineError as error:
        return {"fault": str(error)}
