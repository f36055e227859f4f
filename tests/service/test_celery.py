"""The service with a real Redis and Celery workers: killed, restarted, and nothing lost."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import redis
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from liveengine.errors import GenerationError
from liveengine.generation.broker import DECODE_TASK, generation_queue, make_celery
from liveengine.generation.celery_source import CeleryAsk
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarRequest, Conditioning
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest
from liveengine.service.store import RUNNING, Job, Store, new_id
from tests.service.conftest import Running
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.xdist_group("celery")


@pytest.fixture(scope="module")
def service(running: Running, has_redis: None) -> Running:
    running.start_redis()
    running.start_worker()
    running.start_worker()
    running.start_api("--broker", running.broker)
    running.wait_until_well()
    return running


def metadata_of(weights: Path) -> dict[str, str]:
    with safe_open(weights, "np") as opened:
        return dict(opened.metadata() or {})


def bytes_of(checkpoint: Path, request: PatternRequest) -> bytes:
    return next(PatternRenderer(checkpoint, "cpu", lanes=1).make([request])).take().to_bytes()


def test_workers_make_the_file_that_the_command_line_makes(service: Running, small_checkpoint: Path) -> None:
    told = service.ended(service.generate(seed=5, pattern_type="intro", tempo=95))
    _, _, content = service.ask("GET", f"/download/{told['file_id']}")
    assert content == bytes_of(small_checkpoint, PatternRequest("funk", seed=5, section="intro", bpm=95))
    assert Store(str(service.store)).decoded(told["task_id"])


def test_a_bar_from_a_worker_is_the_bar_made_here(service: Running, small_checkpoint: Path) -> None:
    sha256 = PatternRenderer(small_checkpoint, "cpu").repertoire.checkpoint_sha256
    request = BarRequest(7, 0, FOUR_FOUR, Conditioning((("funk", 1.0),), 100.0), (), 7)
    ask, here = CeleryAsk(service.broker, sha256), LocalBarSource(small_checkpoint)
    here.request(request)
    expected, found = here.poll(), ask(request, 20.0)
    assert expected is not None
    assert replace(found, generated_ms=0.0) == replace(expected, generated_ms=0.0)
    with pytest.raises(GenerationError, match="expected checkpoint another chec"):
        CeleryAsk(service.broker, "another checkpoint")(request, 20.0)


def test_work_goes_to_the_weights_that_it_was_asked_of(
    service: Running, small_checkpoint: Path, tmp_path: Path
) -> None:
    for path in small_checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = next(tmp_path.glob("*.safetensors"))
    save_file(
        {name: value * 0.5 for name, value in load_file(weights).items()}, weights, metadata_of(weights)
    )
    other = service.start_worker("--checkpoint", str(tmp_path))
    app = make_celery(service.broker)
    sha256 = PatternRenderer(tmp_path, "cpu").repertoire.checkpoint_sha256

    def serves() -> bool:
        answers = app.control.inspect(timeout=1.0).active_queues() or {}
        return any(generation_queue(sha256) in {q["name"] for q in queues} for queues in answers.values())

    until(serves, "the worker with other weights")
    for process in service.processes[1:3]:
        process.send_signal(signal.SIGSTOP)
    tasks = [service.generate(seed=100 + each, bars=2) for each in range(4)]
    until(lambda: "no worker decodes with checkpoint" in service.ask("GET", "/health")[2]["detail"], "health")
    for process in service.processes[1:3]:
        process.send_signal(signal.SIGCONT)
    for each, task in enumerate(tasks):
        told = service.ended(task)
        _, _, content = service.ask("GET", f"/download/{told['file_id']}")
        assert content == bytes_of(small_checkpoint, PatternRequest("funk", bars=2, seed=100 + each))
    other.send_signal(signal.SIGTERM)
    assert other.wait(PATIENCE_S) == 0


def test_a_job_whose_worker_is_gone_is_taken_over_whatever_its_clock_said(service: Running) -> None:
    store = Store(str(service.store))
    request = PatternRequest("funk", bars=1, seed=77).written()
    sha256 = PatternRenderer(service.checkpoint, "cpu").repertoire.checkpoint_sha256
    job = Job(new_id(), request, RUNNING, worker="gone", checkpoint=sha256)
    ahead = replace(job, at_s=time.time() + 600)
    (service.store / "jobs" / f"{job.task_id}.json").write_text(json.dumps(asdict(ahead)))
    app = make_celery(service.broker)
    app.send_task(DECODE_TASK, [job.task_id], queue=generation_queue(sha256), ignore_result=True)
    until(lambda: (found := store.job(job.task_id)) is not None and found.ended, "the job")
    found = store.job(job.task_id)
    assert found is not None
    assert (found.status, found.deaths) == ("done", 1)


def test_a_full_redis_is_a_broker_that_is_away(service: Running) -> None:
    client = redis.Redis(port=service.redis_port)
    tasks = [service.generate(seed=4000 + each, bars=32) for each in range(20)]
    client.config_set("maxmemory", 1)
    until(lambda: service.ask("POST", "/generate", {"producer_style": "funk"})[0] == 503, "a refusal")

    def is_told() -> bool:
        status, _, health = service.ask("GET", "/health")
        assert status == 200
        return health["status"] == "degraded" and "maxmemory" in health["detail"]

    until(is_told, "health")
    until(lambda: any("maxmemory" in service.log_of(each) for each in service.processes[1:3]), "the workers")
    client.config_set("maxmemory", 0)
    service.wait_until_well()
    assert {service.ended(each)["status"] for each in tasks} == {"done"}
    assert [each.poll() for each in service.processes[1:3]] == [None, None]


def test_a_worker_that_cannot_use_its_weights_takes_no_work(
    service: Running, small_checkpoint: Path, tmp_path: Path
) -> None:
    for path in small_checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    next(tmp_path.glob("*.safetensors")).write_bytes(b"cut")
    worker = service.start_worker("--checkpoint", str(tmp_path))
    assert worker.wait(PATIENCE_S) == 2
    assert "safetensors" in service.log_of(worker)


def is_running(service: Running, task_id: str) -> bool:
    return bool(service.ask("GET", f"/status/{task_id}")[2]["status"] == RUNNING)


@pytest.mark.timeout(900)  # two machines' worth of work, one after the other
def test_a_killed_worker_and_a_redis_that_was_gone_lose_nothing(service: Running) -> None:
    before = service.files()
    tasks = [service.generate(seed=2000 + each, bars=16) for each in range(40)]
    until(lambda: len(service.files() - before) >= 1, "the first file")
    service.processes[1].send_signal(signal.SIGKILL)
    told = [service.ended(each) for each in tasks]
    assert {each["status"] for each in told} == {"done"}
    assert service.files() - before == {each["file_id"] for each in told}
    assert len(service.files() - before) == len(tasks)

    accepted = [service.generate(seed=2500 + each, bars=64) for each in range(6)]
    until(lambda: any(is_running(service, each) for each in accepted), "work in hand, not acknowledged")
    service.processes[0].kill()
    service.processes[0].wait()

    def is_refused() -> bool:
        status, _, answer = service.ask("POST", "/generate", {"producer_style": "funk", "bars": 1})
        accepted.extend([answer["task_id"]] if status == 202 else [])
        return status == 503

    until(is_refused, "a refusal")
    status, headers, problem = service.ask("POST", "/generate", {"producer_style": "funk"})
    assert status == 503
    assert "broker" in problem["detail"]
    assert int(headers["retry-after"]) > 0
    until(lambda: service.ask("GET", "/health")[2]["status"] == "degraded", "health")
    assert service.ask("GET", f"/status/{tasks[0]}")[0] == 200
    service.start_redis()
    service.wait_until_well()
    assert service.ended(service.generate(seed=3000))["status"] == "done"
    assert accepted
    assert {service.ended(each)["status"] for each in accepted} == {"done"}
