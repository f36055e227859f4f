"""The embedded queue with a real worker: stopped, failing, or without its thread, and nobody waits for it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from liveengine.errors import BusyError
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.request import PatternRequest
from liveengine.service import local_queue
from liveengine.service.jobs import BACK_OFF_S, Worker
from liveengine.service.local_queue import AGAIN, ENDED, LocalQueue, attempt
from liveengine.service.store import Job, Store, new_id
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("api")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def queue(store: Store, small_checkpoint: Path) -> Iterator[LocalQueue]:
    made = LocalQueue(store, small_checkpoint, "cpu", max_wait_s=60.0)
    yield made
    made.close()


def new_job(store: Store, seed: int, **more: Any) -> Job:
    return store.put_job(Job(new_id(), PatternRequest("funk", bars=2, seed=seed).written(), **more))


def statuses(store: Store, jobs: list[Job]) -> set[str]:
    return {found.status for job in jobs if (found := store.job(job.task_id)) is not None}


def test_with_a_stopped_worker_all_are_answered_and_it_is_replaced(store: Store, queue: LocalQueue) -> None:
    assert "loads the model" in queue.fault()
    until(lambda: queue.fault() == "", "the worker")
    stopped = queue.pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    template = PatternRequest("funk", bars=2, seed=0).written()
    for _ in range(5000):  # far more than any pipe takes
        queue.put(Job("0" * 32, template))
    jobs = [new_job(store, seed) for seed in range(20)]
    for job in jobs:
        queue.put(job)
    until(lambda: queue.fault() != "", "that somebody notices")
    until(lambda: statuses(store, jobs) == {"done"}, "the jobs")
    assert queue.pid != stopped
    assert queue.fault() == ""


def test_a_retry_waits_outside_the_lanes(store: Store, queue: LocalQueue) -> None:
    """As many jobs as there are lanes cannot be written; those after them are done meanwhile."""
    folder = Path(store.url) / "decoded"
    stuck = [new_job(store, seed) for seed in range(LANES)]
    for job in stuck:
        (folder / f"{job.task_id}.json").mkdir()
        queue.put(job)
    others = [new_job(store, seed) for seed in range(100, 104)]
    for job in others:
        queue.put(job)
    until(lambda: statuses(store, others) == {"done"}, "the others")
    assert statuses(store, stuck) <= {"queued", "running"}
    for job in stuck:
        (folder / f"{job.task_id}.json").rmdir()
    until(lambda: statuses(store, stuck) == {"done"}, "those that were stuck")


def test_what_is_left_to_try_again_is_given_up_with_its_reason(store: Store, queue: LocalQueue) -> None:
    job = new_job(store, 1)
    queue.put(job)
    until(lambda: statuses(store, [job]) == {"done"}, "the job")
    again = new_job(store, 2)
    with queue._lock:
        queue._held[again.task_id] = local_queue._Held(sent=True, retries=len(BACK_OFF_S))
    queue._note(AGAIN, again.task_id, "StoreError: no luck")
    found = store.job(again.task_id)
    assert found is not None
    assert (found.status, found.reason) == ("failed", "StoreError: no luck")
    assert again.task_id not in queue._held


def test_what_cannot_be_given_up_is_kept(store: Store, queue: LocalQueue) -> None:
    job = new_job(store, 1)
    with queue._lock:
        queue._held[job.task_id] = local_queue._Held(sent=True, retries=len(BACK_OFF_S))
    dead = Path(store.url) / "dead"
    dead.rmdir()
    queue._note(AGAIN, job.task_id, "StoreError: no luck")
    held = queue._held[job.task_id]
    assert (held.sent, held.due_s > time.monotonic()) == (False, True)
    assert statuses(store, [job]) == {"queued"}
    dead.mkdir()


def test_an_error_of_the_queue_does_not_end_it(
    store: Store, queue: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: queue.fault() == "", "the worker")
    failed = threading.Event()
    real = LocalQueue._send_waiting

    def fail_once(self: LocalQueue) -> None:
        if not failed.is_set():
            failed.set()
            raise ValueError("no luck")
        real(self)

    monkeypatch.setattr(LocalQueue, "_send_waiting", fail_once)
    job = new_job(store, 3)
    queue.put(job)
    until(lambda: statuses(store, [job]) == {"done"}, "the job")
    until(lambda: queue.fault() == "", "that all is well again")


def test_a_queue_whose_thread_has_ended_says_so_and_takes_nothing_on(store: Store, queue: LocalQueue) -> None:
    queue._ending.set()
    queue._thread.join()
    assert "has ended" in queue.fault()
    with pytest.raises(BusyError, match="has ended"):
        queue.admit(1)
    queue.put(new_job(store, 4))


def test_weights_that_cannot_be_used_are_told(store: Store, small_checkpoint: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    for path in small_checkpoint.iterdir():
        (bad / path.name).write_bytes(path.read_bytes())
    next(bad.glob("*.safetensors")).write_bytes(b"cut")
    queue = LocalQueue(store, bad, "cpu")
    try:
        job = new_job(store, 1)
        queue.put(job)
        until(lambda: "safetensors" in queue.fault(), "the reason")
        assert statuses(store, [job]) == {"queued"}
    finally:
        queue.close()


def test_an_attempt_reports_what_is_to_be_done(store: Store, small_checkpoint: Path) -> None:
    from liveengine.patterns.renderer import PatternRenderer

    worker = Worker(store, lambda: PatternRenderer(small_checkpoint, "cpu"))
    done, other = new_job(store, 1), new_job(store, 2, checkpoint="f" * 64)
    assert attempt(worker, done.task_id) == (ENDED, done.task_id, "")
    assert attempt(worker, other.task_id) == (ENDED, other.task_id, "")
    assert [dead.task_id for dead in store.dead()] == [other.task_id]
    stuck = new_job(store, 3)
    (Path(store.url) / "decoded" / f"{stuck.task_id}.json").mkdir()
    what, task_id, reason = attempt(worker, stuck.task_id)
    assert (what, task_id) == (AGAIN, stuck.task_id)
    assert "expected to read decoded" in reason
    worker.workshop.close()
