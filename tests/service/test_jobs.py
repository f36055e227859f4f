"""What a worker does of a job: by the weights it was asked of, alone after a death, and once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liveengine.errors import GenerationError
from liveengine.music.request import BarReply
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest, read_request
from liveengine.service import decode_thread, jobs
from liveengine.service.jobs import MOST_DEATHS, JobFailedError, Worker
from liveengine.service.store import DONE, QUEUED, RUNNING, Decoded, Job, Store, new_id
from tests.waiting import PATIENCE_S, until


def job(seed: int = 1, bars: int = 2, **more: Any) -> Job:
    return Job(new_id(), PatternRequest("funk", bars=bars, seed=seed).written(), **more)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def worker(store: Store, small_checkpoint: Path) -> Iterator[Worker]:
    made = Worker(store, lambda: PatternRenderer(small_checkpoint, "cpu"), "here")
    yield made
    made.workshop.close()


def known(store: Store, task_id: str) -> Job:
    found = store.job(task_id)
    assert found is not None
    return found


def test_a_job_for_other_weights_is_not_decoded(store: Store, worker: Worker) -> None:
    other = store.put_job(job(checkpoint="f" * 64))
    with pytest.raises(JobFailedError, match="expected checkpoint ffffffffffff, for which it was asked"):
        worker.decode(other.task_id)
    assert store.decoded(other.task_id) is None
    for checkpoint in ("", worker.studio.repertoire.checkpoint_sha256):
        assert worker.decode(store.put_job(job(checkpoint=checkpoint)).task_id)


def test_a_file_names_the_weights_and_the_device_that_decoded_it(store: Store, worker: Worker) -> None:
    asked = store.put_job(job())
    worker.decode(asked.task_id)
    decoded = store.decoded(asked.task_id)
    assert decoded is not None
    assert decoded.checkpoint == worker.studio.repertoire.checkpoint_sha256
    assert decoded.device == "cpu"
    store.put_decoded(asked.task_id, Decoded(decoded.bars, "e" * 64, "cuda:3"))
    worker.write(asked.task_id)
    content = store.file(known(store, asked.task_id).file_id or "")
    assert content is not None
    assert b"e" * 64 in content
    assert b"cuda:3" in content
    assert worker.studio.repertoire.checkpoint_sha256.encode() not in content
    pattern = worker.studio.pattern(read_request(asked.request), "e" * 64, "cuda:3")
    for reply in decoded.bars:
        pattern.next_request()
        pattern.accept(reply)
    pattern.next_request()
    assert content == pattern.take().to_bytes()


def test_a_job_may_take_long_as_long_as_each_pass_does_not(
    store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour of work and waiting, on a clock that stands still but for the passes."""

    class Clock:
        now_s = 0.0

        def monotonic(self) -> float:
            return self.now_s

    clock = Clock()
    real = worker.studio.generator.generate_together

    def slow(asked: Sequence[Any]) -> list[BarReply]:
        clock.now_s += decode_thread.PASS_LIMIT_S - 1.0
        return real(asked)

    worker.load()
    monkeypatch.setattr(worker.workshop._generator, "generate_together", slow)
    monkeypatch.setattr(decode_thread, "time", clock)
    monkeypatch.setattr(jobs, "time", clock, raising=False)
    asked = store.put_job(job(bars=16))
    assert worker.decode(asked.task_id)
    assert clock.now_s > 1800


def test_what_may_succeed_later_is_queued_again_and_nobody_seems_to_be_at_it(
    store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[BarReply]:
        raise GenerationError("no luck")

    worker.load()
    asked = store.put_job(job())
    with monkeypatch.context() as patched:
        patched.setattr(worker.workshop._generator, "generate_together", fail)
        with pytest.raises(GenerationError):
            worker.decode(asked.task_id)
    assert known(store, asked.task_id).status == QUEUED
    assert worker.report_of_another(asked.task_id) is None
    assert worker.decode(asked.task_id)
    assert known(store, asked.task_id).deaths == 0


@pytest.mark.parametrize("ahead_s", [-600.0, 0.0, 600.0])
def test_a_report_is_known_by_its_changing_whatever_the_clock_of_its_worker(
    store: Store, worker: Worker, ahead_s: float
) -> None:
    asked = store.put_job(job())
    assert worker.report_of_another(asked.task_id) is None
    running = store.put_job(replace(asked, status=RUNNING, worker="elsewhere"))
    ahead = replace(running, at_s=running.at_s + ahead_s)
    path = Path(store.url) / "jobs" / f"{asked.task_id}.json"
    path.write_text(path.read_text().replace(str(running.at_s), str(ahead.at_s)))
    seen = worker.report_of_another(asked.task_id)
    assert seen == ahead.at_s == worker.report_of_another(asked.task_id)
    assert worker.decode(asked.task_id, died=True)
    assert known(store, asked.task_id).deaths == 1
    assert known(store, asked.task_id).worker == "here"


def test_a_job_of_which_too_many_workers_died_is_not_begun_again(store: Store, worker: Worker) -> None:
    asked = store.put_job(job(status=RUNNING, worker="elsewhere", deaths=MOST_DEATHS - 1))
    with pytest.raises(JobFailedError, match=f"{MOST_DEATHS} workers died of it"):
        worker.decode(asked.task_id, died=True)
    own = store.put_job(job(status=RUNNING, worker="here", deaths=MOST_DEATHS - 1))
    assert worker.decode(own.task_id, died=True)


def test_a_suspected_job_is_decoded_alone(
    store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    suspect = store.put_job(job(seed=99, status=RUNNING, worker="elsewhere", deaths=1))
    others = [store.put_job(job(seed)).task_id for seed in range(4)]
    worker.load()
    real = worker.workshop._generator.generate_together
    entered, release, together = threading.Event(), threading.Event(), []

    def watched(asked: Sequence[Any]) -> list[BarReply]:
        together.append(len(asked))
        entered.set()
        release.wait(PATIENCE_S)
        return real(asked)

    monkeypatch.setattr(worker.workshop._generator, "generate_together", watched)
    first = threading.Thread(target=worker.decode, args=(suspect.task_id,), kwargs={"died": True})
    first.start()
    until(entered.is_set, "the suspect's first pass")
    rest = [threading.Thread(target=worker.decode, args=(each,)) for each in others]
    for thread in rest:
        thread.start()
    until(lambda: all(known(store, each).status == RUNNING for each in others), "the others")
    assert together == [1]
    release.set()
    for thread in (first, *rest):
        thread.join(PATIENCE_S)
    assert together[:2] == [1, 1]
    assert all(store.decoded(each) is not None for each in (suspect.task_id, *others))


def test_one_job_handed_over_twice_is_decoded_once(store: Store, worker: Worker) -> None:
    asked = store.put_job(job(bars=8))
    worker.load()
    threads = [threading.Thread(target=worker.decode, args=(asked.task_id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert known(store, asked.task_id).attempts == 1
    worker.write(asked.task_id)
    assert known(store, asked.task_id).status == DONE
    assert not worker.decode(asked.task_id)
