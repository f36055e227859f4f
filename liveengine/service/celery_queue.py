"""The queue of a service whose jobs are done by Celery workers on any machine."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass

from liveengine.errors import BusyError
from liveengine.generation.broker import (
    DECODE_TASK,
    FILES,
    SHOWN_SHA256,
    broker_errors,
    generation_queue,
    make_celery,
)
from liveengine.service.backlog import MAX_WAIT_S, Backlog
from liveengine.service.store import RUNNING, Job, Store

log = logging.getLogger(__name__)

ANSWER_S = 1.0
"""Workers that are well answer within this."""
SEND_AGAIN_S = 0.5
SEND_PAUSE_S = 0.005
"""Callers are answered between one message and the next."""
LOOK_S = 0.5
LOOKED_AT = 100
"""So many jobs are looked at in a turn, whether they have ended."""
STALE_S = 30.0
"""A job that nobody has reported on for so long, by the clock of this process, is handed over again."""


@dataclass(slots=True)
class _Seen:
    """When a job was last written, as its record says, and since when (`time.monotonic`) it says so."""

    at_s: float
    since_s: float


class CeleryQueue:
    """Hands jobs to workers over a broker. Any thread; two of its own send and look, so that nobody waits.

    What it has taken on it sends when the broker is there again, and again where a broker has forgotten it;
    while the broker is away it takes on nothing more.
    """

    kind = "celery"

    def __init__(self, broker: str, store: Store, checkpoint: str, max_wait_s: float = MAX_WAIT_S) -> None:
        """Send through a broker, and take up what was left unfinished.

        `checkpoint` (SHA-256) decodes the jobs that name none, and is looked for among the workers.
        """
        self._app = make_celery(broker)
        self._errors = broker_errors(self._app)
        self._store, self._checkpoint = store, checkpoint
        self._backlog = Backlog(max_wait_s)
        self._waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._seen: dict[str, _Seen] = {}
        self._down = ""
        for job in store.unfinished():
            self.put(job)
        for name, target in (("liveengine-queue", self._send_all), ("liveengine-backlog", self._look_on)):
            threading.Thread(target=target, name=name, daemon=True).start()

    def admit(self, bars: int) -> None:
        """Raise BusyError while the broker is away, and where so many bars cannot be made in time."""
        if self._down:
            raise BusyError(f"expected an answer of the broker, got: {self._down}")
        self._backlog.admit(bars)

    def put(self, job: Job) -> None:
        """Hand over a job, unless that was done."""
        if self._backlog.add(job.task_id, job.bars):
            self._waiting.put(job)

    def remind(self, job: Job) -> None:
        """Look after a job that another service may have handed over, as after those of this one."""
        self._backlog.add(job.task_id, job.bars)

    def _send_all(self) -> None:
        while True:
            job = self._waiting.get()
            while not self._sent(job):
                time.sleep(SEND_AGAIN_S)
            time.sleep(SEND_PAUSE_S)

    def _sent(self, job: Job) -> bool:
        try:
            self._app.send_task(
                DECODE_TASK,
                [job.task_id],
                queue=generation_queue(job.checkpoint or self._checkpoint),
                ignore_result=True,
                retry=False,
            )
        except Exception as error:  # jobs wait for this thread, and for no other
            if not isinstance(error, self._errors):
                log.exception("a job could not be sent, and is sent again")
            self._down = str(error) or type(error).__name__
            return False
        self._down = ""
        return True

    def _look_on(self) -> None:
        while True:
            time.sleep(LOOK_S)
            try:
                self._look()
            except Exception as error:  # jobs that stand are found by nobody else
                log.warning("jobs are not looked after: %s", error)

    def _look(self) -> None:
        """Count what has ended, and hand over again what stands."""
        stale: dict[str, list[Job]] = {}
        for task_id in self._backlog.next(LOOKED_AT):
            job = self._store.job(task_id)
            if job is None or job.ended:
                self._backlog.remove(task_id)
                self._seen.pop(task_id, None)
            elif self._is_stale(job):
                stale.setdefault(generation_queue(job.checkpoint or self._checkpoint), []).append(job)
        if not stale or not self._waiting.empty() or self._messages(FILES):
            return  # what is decoded waits to be written
        for name, jobs in stale.items():
            waiting = self._messages(name)
            for job in jobs:
                if not waiting or job.status == RUNNING:
                    self._waiting.put(job)

    def _is_stale(self, job: Job) -> bool:
        """Return, now and then, whether nobody has written of a job for long."""
        now_s = time.monotonic()
        seen = self._seen.get(job.task_id)
        if seen is None or seen.at_s != job.at_s or now_s - seen.since_s > STALE_S:
            self._seen[job.task_id] = _Seen(job.at_s, now_s)
            return seen is not None and seen.at_s == job.at_s
        return False

    def _messages(self, name: str) -> int:
        """Return how many messages wait in a queue."""
        with self._app.connection_for_read() as connection, connection.channel() as channel:
            return int(channel.queue_declare(queue=name).message_count)

    def fault(self) -> str:
        """Return that the broker does not answer, or not all workers that are needed."""
        if self._down:  # asking it would take its time-outs
            return f"the broker does not answer: {self._down}"
        try:
            answers = self._app.control.inspect(timeout=ANSWER_S).active_queues() or {}
        except self._errors as error:
            return f"the broker does not answer: {error}"
        if not answers:
            return "no worker answers"
        served = {each["name"] for queues in answers.values() for each in queues or ()}
        if generation_queue(self._checkpoint) not in served:
            return f"no worker decodes with checkpoint {self._checkpoint[:SHOWN_SHA256]}, the service's"
        return "" if FILES in served else "no worker writes files"
