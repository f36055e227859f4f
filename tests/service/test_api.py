"""The REST interface over a worker process of its own: jobs to files, errors as problems, killed workers."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from liveengine.httpserver.problems import PROBLEM_TYPE
from liveengine.httpserver.security import Guard
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import read_request
from liveengine.service.app import MOST_BODY, PREFIX, make_app
from liveengine.service.local_queue import LocalQueue
from liveengine.service.schema import EXAMPLE
from liveengine.service.store import DONE, Job, Store, new_id
from tests.waiting import PATIENCE_S, until

HOST = "127.0.0.1"
FUNK = {"producer_style": "funk"}
THREADS = 40
"""What Starlette gives to calls that may wait."""

pytestmark = pytest.mark.xdist_group("api")


@dataclass
class Service:
    """A service with a small untrained drummer, called without a socket."""

    studio: PatternRenderer
    store: Store
    folder: Path
    queue: LocalQueue

    def client(self, rate: str | None = None) -> TestClient:
        app = Guard(make_app(self.studio, self.store, self.queue, rate=rate), host=HOST)
        return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the answer of a call; what is wrong must be told as a problem."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body)
        response = self.client().request(
            method, PREFIX + path, content=content, headers={"Content-Type": "application/json"}
        )
        kind = response.headers["content-type"]
        assert kind == (PROBLEM_TYPE if response.status_code >= 400 else "application/json"), response.text
        return response.status_code, response.json()

    def accepted(self, **body: Any) -> str:
        status, told = self.call("POST", "/generate", {**FUNK, **body})
        assert status == 202, told
        return str(told["task_id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        """Wait for a task, and return what is told of it."""
        told: dict[str, Any] = {}

        def has_ended() -> bool:
            status, answer = self.call("GET", f"/status/{task_id}")
            assert status == 200, answer
            told.update(answer)
            return told["status"] in ("done", "failed")

        until(has_ended, f"task {task_id}")
        return told

    def job(self, task_id: str) -> Job:
        job = self.store.job(task_id)
        assert job is not None
        return job

    def files(self) -> set[str]:
        return {path.stem for path in (self.folder / "files").glob("*.mid")}


@pytest.fixture(scope="module")
def service(small_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api") / "store"
    store = Store(str(folder))
    queue = LocalQueue(store, small_checkpoint, "cpu")
    try:
        yield Service(PatternRenderer(small_checkpoint, "cpu"), store, folder, queue)
    finally:
        queue.close()


def test_the_example_becomes_a_file_which_its_seed_repeats(service: Service) -> None:
    client = service.client()
    response = client.post(f"{PREFIX}/generate", json={**EXAMPLE, **FUNK})
    assert response.status_code == 202
    accepted = response.json()
    assert accepted["status"] == "queued"
    assert response.headers["location"] == f"{PREFIX}/status/{accepted['task_id']}"
    told = service.ended(accepted["task_id"])
    assert (told["status"], told["progress"], told["reason"]) == ("done", 100, None)
    assert isinstance(told["seed"], int)
    file = client.get(f"{PREFIX}/download/{told['file_id']}")
    assert file.status_code == 200
    assert file.headers["content-type"] == "audio/midi"
    assert f'"{told["file_id"]}.mid"' in file.headers["content-disposition"]
    request = read_request(service.job(accepted["task_id"]).request)
    assert (request.seed, request.style, request.bpm, request.section) == (told["seed"], "funk", 95, "intro")
    [pattern] = service.studio.make([request])
    assert file.content == pattern.take().to_bytes()


def test_everything_that_can_be_asked_arrives(service: Service) -> None:
    asked = {
        "bars": 3,
        "time_signature": [7, 8],
        "tempo": 93.5,
        "swing": 60,
        "density": 0.25,
        "energy": 1,
        "fill_every": 2,
        "pattern_type": "chorus",
        "kit": "ableton",
        "seed": 2**53 - 1,
    }
    request = read_request(service.job(service.accepted(**asked)).request)
    assert (request.bars, str(request.meter), request.bpm, request.swing_percent) == (3, "7/8", 93.5, 60)
    assert (request.density, request.energy, request.fill_every) == (0.25, 1, 2)
    assert (request.section, request.kit, request.seed) == ("chorus", "ableton", 2**53 - 1)


@pytest.mark.parametrize(
    ("given", "wanted"), [(True, None), (False, 0.0), (0.25, 0.25), (1.0, 1.0), (1, 1.0), (0, 0.0)]
)
def test_humanize_is_a_switch_or_an_amount(service: Service, given: object, wanted: float | None) -> None:
    assert service.job(service.accepted(humanize=given, seed=1)).request["humanize"] == wanted


def test_two_without_a_seed_are_two_patterns(service: Service) -> None:
    one, other = (service.ended(service.accepted()) for _ in range(2))
    assert one["seed"] != other["seed"]
    assert one["file_id"] != other["file_id"]


def test_a_request_id_is_made_once_and_belongs_to_one_request(service: Service) -> None:
    first = service.accepted(request_id="verse of tuesday", bars=2)
    told = service.ended(first)
    assert service.accepted(request_id="verse of tuesday", bars=2) == first
    assert service.accepted(request_id="verse of tuesday", bars=2, seed=told["seed"]) == first
    assert service.ended(first) == told
    assert service.job(first).attempts == 1
    for other in ({"bars": 3}, {"bars": 2, "seed": told["seed"] + 1}, {"bars": 2, "density": 0.5}):
        status, problem = service.call(
            "POST", "/generate", {**FUNK, **other, "request_id": "verse of tuesday"}
        )
        assert status == problem["status"] == 409
        assert "'verse of tuesday' is that of another request" in problem["detail"]
    assert service.ended(first) == told


def test_a_request_id_asked_by_many_at_once_is_one_pattern(service: Service) -> None:
    with ThreadPoolExecutor(8) as callers:
        for name in range(4):
            asked = {"request_id": f"at once {name}", "bars": 4}
            ids = set(callers.map(lambda _, asked=asked: service.accepted(**asked), range(8)))
            assert len(ids) == 1
            told = service.ended(ids.pop())
            assert told["status"] == "done", told
            [pattern] = service.studio.make([read_request(service.job(told["task_id"]).request)])
            assert service.store.file(told["file_id"]) == pattern.take().to_bytes()


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 422, "body.producer_style"),
        ({"producer_style": ""}, 422, "body.producer_style"),
        ({"producer_style": "polka"}, 404, "style 'polka' is unknown"),
        ({"producer_style": "../../etc/passwd"}, 404, "is unknown"),
        ({**FUNK, "kit": "spoons"}, 404, "kit 'spoons' is unknown"),
        ({**FUNK, "kit": "../styles/funk"}, 404, "is unknown"),
        ({**FUNK, "bars": 0}, 422, "body.bars"),
        ({**FUNK, "bars": 65}, 422, "body.bars"),
        ({**FUNK, "bars": "many"}, 422, "body.bars"),
        ({**FUNK, "bars": 2.5}, 422, "body.bars"),
        ({**FUNK, "bars": True}, 422, "body.bars"),
        ({**FUNK, "bars": "4"}, 422, "body.bars"),
        ({**FUNK, "seed": 1.5}, 422, "body.seed"),
        ({**FUNK, "seed": 1e308}, 422, "body.seed"),
        ({**FUNK, "tempo": 10**400}, 422, "body.tempo"),
        ({**FUNK, "density": True}, 422, "body.density"),
        ({**FUNK, "humanize": "yes"}, 422, "body.humanize"),
        ({**FUNK, "time_signature": [True, 4]}, 422, "body.time_signature"),
        ({"producer_style": "fu\0nk"}, 422, "body.producer_style"),
        ({**FUNK, "kit": "g\0m"}, 422, "body.kit"),
        ({**FUNK, "request_id": "a\0"}, 422, "body.request_id"),
        ({**FUNK, "time_signature": [5, 16]}, 422, "time signature"),
        ({**FUNK, "time_signature": [4, 0]}, 422, "time signature"),
        ({**FUNK, "time_signature": [4]}, 422, "body.time_signature"),
        ({**FUNK, "tempo": 10}, 422, "body.tempo"),
        ({**FUNK, "swing": 80}, 422, "body.swing"),
        ({**FUNK, "density": -0.1}, 422, "body.density"),
        ({**FUNK, "humanize": 2.5}, 422, "body.humanize"),
        ({**FUNK, "fill_every": 65}, 422, "body.fill_every"),
        ({**FUNK, "pattern_type": "bridge"}, 422, "section: expected one of intro"),
        ({**FUNK, "seed": -1}, 422, "body.seed"),
        ({**FUNK, "seed": 2**53}, 422, "body.seed"),
        ({**FUNK, "request_id": ""}, 422, "body.request_id"),
        ({**FUNK, "request_id": "x" * 129}, 422, "body.request_id"),
        ({**FUNK, "colour": "red"}, 422, "body.colour"),
        (b'{"producer_style": "funk", "tempo": NaN}', 422, "body.tempo"),
        (b'{"producer_style": "funk", "density": Infinity}', 422, "body.density"),
        (b"{", 422, "JSON decode error"),
        (b"[]", 422, "body"),
        (b"\xff\xfe", 422, "JSON decode error"),
        ({**FUNK, "colour": "x" * MOST_BODY}, 413, f"at most {MOST_BODY} bytes"),
    ],
)
def test_what_cannot_be_asked_is_a_problem_and_no_job(
    service: Service, body: Any, status: int, told: str
) -> None:
    before = sorted((service.folder / "jobs").glob("*.json"))
    answered, problem = service.call("POST", "/generate", body)
    assert answered == problem["status"] == status, problem
    assert told in problem["detail"]
    assert sorted((service.folder / "jobs").glob("*.json")) == before


def test_a_body_deeper_than_a_parser_goes_is_a_problem_and_no_job(service: Service) -> None:
    """Python 3.14 sees that it has no end, the ones before give it up."""
    before = sorted((service.folder / "jobs").glob("*.json"))
    answered, problem = service.call("POST", "/generate", b"[" * 16_000)
    assert answered in (400, 422), problem
    assert re.search("parsing the body|JSON decode error", problem["detail"])
    assert sorted((service.folder / "jobs").glob("*.json")) == before


def test_a_style_that_these_weights_cannot_play_is_the_callers_error(service: Service) -> None:
    status, problem = service.call("POST", "/generate", {"producer_style": "house"})
    assert status in (404, 422), problem
    assert "house" in problem["detail"]


def test_a_body_that_does_not_tell_its_length_is_limited_too(service: Service) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    response = service.client().post(f"{PREFIX}/generate", content=pieces())
    assert "content-length" not in response.request.headers
    assert response.status_code == 413
    assert response.headers["content-type"] == PROBLEM_TYPE


@pytest.mark.parametrize("call", ["/status", "/download"])
@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("0" * 32, 404),
        ("0" * 31, 422),
        ("0" * 33, 422),
        ("A" * 32, 422),
        ("g" * 32, 422),
        ("0" * 32 + "%0a", 422),
        ("0" * 32 + "%00", 422),
        ("0" * 32 + ".mid", 422),
        ("..%5c..%5csecret", 422),
        ("..%2f..%2fsecret", 404),
        ("%2e%2e%2fjobs%2f" + "0" * 32, 404),
        ("*", 422),
    ],
)
def test_ids_that_nobody_gave_lead_nowhere(service: Service, call: str, written: str, status: int) -> None:
    (service.folder.parent / "secret.mid").write_bytes(b"secret")
    (service.folder / "secret.mid").write_bytes(b"secret")
    answered, problem = service.call("GET", f"{call}/{written}")
    assert answered == problem["status"] == status


def test_a_job_is_no_file_and_a_file_no_job(service: Service) -> None:
    told = service.ended(service.accepted(seed=1))
    assert service.call("GET", f"/download/{told['task_id']}")[0] == 404
    assert service.call("GET", f"/status/{told['file_id']}")[0] == 404


def test_styles_and_health_and_what_is_not_there(service: Service) -> None:
    status, styles = service.call("GET", "/styles")
    assert status == 200
    assert {style["name"] for style in styles} == {"funk", "jazz", "hiphop"}
    assert all(style["tempo"][0] <= style["tempo"][1] for style in styles)
    until(lambda: service.call("GET", "/health")[1]["detail"] == "", "the worker")
    status, health = service.call("GET", "/health")
    assert (status, health["status"], health["queue"], health["detail"]) == (200, "ok", "embedded", "")
    assert service.call("GET", "/nothing")[0] == 404
    assert service.call("GET", "/generate")[0] == 405
    assert service.call("DELETE", "/styles")[0] == 405


def test_the_description_names_every_call_and_its_problems(service: Service) -> None:
    _, described = service.call("GET", "/openapi.json")
    answers = {
        path: set(next(iter(calls.values()))["responses"]) for path, calls in described["paths"].items()
    }
    assert {"202", "404", "409", "413", "422", "429", "503"} <= answers[f"{PREFIX}/generate"]
    assert {"200", "404", "422", "429", "503"} <= answers[f"{PREFIX}/status/{{task_id}}"]
    assert {"200", "404", "422", "429", "503"} <= answers[f"{PREFIX}/download/{{file_id}}"]
    assert {f"{PREFIX}/styles", f"{PREFIX}/health"} <= set(answers)


def test_foreign_pages_and_names_are_refused(service: Service) -> None:
    client = service.client()
    assert client.get(f"{PREFIX}/styles", headers={"Host": "evil.example"}).status_code == 421
    refused = client.post(f"{PREFIX}/generate", json=FUNK, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert refused.headers["content-type"] == PROBLEM_TYPE


def test_who_asks_too_often_is_told_when_to_come_again(service: Service) -> None:
    client = service.client(rate="3/minute")
    assert [client.get(f"{PREFIX}/styles").status_code for _ in range(3)] == [200, 200, 200]
    refused = client.get(f"{PREFIX}/styles")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == PROBLEM_TYPE
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert client.post(f"{PREFIX}/generate", json=FUNK).status_code == 429


def test_a_store_that_does_not_answer_is_told_as_passing(service: Service, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    client = Service(service.studio, store, tmp_path / "store", service.queue).client()
    assert client.get(f"{PREFIX}/health").json()["status"] == "ok"
    (tmp_path / "store" / "jobs").rmdir()
    (tmp_path / "store" / "jobs").write_text("no folder")
    for response in (client.post(f"{PREFIX}/generate", json=FUNK), client.get(f"{PREFIX}/status/{new_id()}")):
        assert response.status_code == 503
        assert response.headers["content-type"] == PROBLEM_TYPE
        assert int(response.headers["retry-after"]) > 0
    health = Service(service.studio, store, tmp_path / "store", service.queue).call("GET", "/health")[1]
    assert health["status"] == "degraded"
    assert "expected to write to jobs" in health["detail"]


def test_styles_and_health_answer_while_every_other_call_waits_for_the_store(
    service: Service, tmp_path: Path
) -> None:
    """As many calls hang as there are threads, and more."""
    release, waiting = threading.Event(), list[str]()

    class Hanging(Store):
        def job(self, task_id: str) -> Job | None:
            waiting.append(task_id)
            release.wait(PATIENCE_S)
            return super().job(task_id)

        def probe(self) -> datetime:
            release.wait(PATIENCE_S)
            return super().probe()

    app = make_app(service.studio, Hanging(str(tmp_path)), service.queue)
    with TestClient(app, base_url=f"http://{HOST}{PREFIX}") as client, ThreadPoolExecutor(60) as callers:
        hanging = [callers.submit(client.get, f"status/{new_id()}") for _ in range(60)]
        try:
            until(lambda: len(waiting) >= THREADS, "as many calls as there are threads")
            assert client.get("styles").status_code == 200
            health = client.get("health").json()
            assert health["status"] == "degraded"
            assert "the store does not answer within" in health["detail"]
            assert not any(each.done() for each in hanging)
        finally:
            release.set()
        assert {each.result().status_code for each in hanging} == {404}


def test_what_cannot_be_done_in_time_is_refused_with_when_to_come_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = service.accepted(bars=64, seed=31)
    before = sorted((service.folder / "jobs").glob("*.json"))
    with monkeypatch.context() as patched:
        patched.setattr(service.queue._backlog, "_max_wait_s", 0.01)
        response = service.client().post(f"{PREFIX}/generate", json={**FUNK, "bars": 64, "seed": 32})
    assert response.status_code == 503
    assert "can be done within 0.01 s" in response.json()["detail"]
    assert int(response.headers["retry-after"]) >= 1
    assert sorted((service.folder / "jobs").glob("*.json")) == before
    assert service.ended(first)["status"] == "done"
    assert service.job(first).checkpoint == service.studio.repertoire.checkpoint_sha256


def test_jobs_outlive_the_worker_that_does_them(service: Service) -> None:
    seeds = [*range(100, 119), 100]
    ids = [service.accepted(seed=seed, bars=12) for seed in seeds]
    until(lambda: any(service.job(each).status == "running" for each in ids), "a job that runs")
    killed = service.queue.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert sum(not service.job(each).ended for each in ids) > 1
    told = [service.ended(each) for each in ids]
    assert {each["status"] for each in told} == {"done"}, told
    assert {each["progress"] for each in told} == {100}
    assert [each["seed"] for each in told] == seeds
    assert len({each["file_id"] for each in told}) == 19
    assert service.queue.pid != killed
    again = service.ended(ids[0])
    [pattern] = service.studio.make([read_request(service.job(ids[0]).request)])
    assert service.store.file(again["file_id"]) == pattern.take().to_bytes()


def test_a_job_that_kills_its_workers_is_dead_and_no_other_is_touched(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    store = Store(str(tmp_path / "store"))
    request = {"style": "funk", "meter": "4/4", "remade": []}
    deadly, *others = (
        store.put_job(Job(new_id(), {**request, "bars": 64 if seed == 0 else 2, "seed": seed})).task_id
        for seed in range(6)
    )
    queue = LocalQueue(store, small_checkpoint, "cpu")
    killed: set[int] = set()

    def is_over() -> bool:
        job = store.job(deadly)
        assert job is not None
        if job.worker == f"embedded-{queue.pid}" and queue.pid is not None and queue.pid not in killed:
            killed.add(queue.pid)
            os.kill(queue.pid, signal.SIGKILL)
        return job.ended

    try:
        until(is_over, "the end of the job that kills")
        until(lambda: all(job is not None and job.ended for job in map(store.job, others)), "the others")
    finally:
        queue.close()
    assert [job.task_id for job in store.dead()] == [deadly]
    assert {job.status for job in map(store.job, others) if job} == {"done"}
    assert len(killed) >= 4


def test_there_are_as_many_files_as_different_patterns(service: Service) -> None:
    service.ended(service.accepted(seed=900))
    service.ended(service.accepted(seed=900))
    jobs = [service.job(path.stem) for path in (service.folder / "jobs").glob("*.json")]
    for job in jobs:
        service.ended(job.task_id)
    jobs = [service.job(job.task_id) for job in jobs]
    assert {job.status for job in jobs} == {DONE}
    assert len({json.dumps(job.request) for job in jobs}) < len(jobs)
    assert len(service.files()) == len({json.dumps(job.request, sort_keys=True) for job in jobs})
    assert service.files() == {job.file_id for job in jobs}


def test_what_was_left_unfinished_is_taken_up_at_the_next_start(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    store = Store(str(tmp_path / "store"))
    studio = PatternRenderer(small_checkpoint, "cpu")
    request = {"style": "funk", "bars": 2, "meter": "4/4", "remade": [], "seed": 5}
    jobs = [
        store.put_job(Job(new_id(), request)),
        store.put_job(Job(new_id(), {**request, "seed": 6}, "running", 0.5, attempts=1, worker="long gone")),
        store.put_job(Job(new_id(), {**request, "style": "nobody"})),
    ]
    (tmp_path / "store" / "jobs" / f"{new_id()}.json").write_bytes(b'{"task_id": "cut')
    queue = LocalQueue(store, small_checkpoint, "cpu")
    try:
        until(lambda: not list(store.unfinished()), "unfinished jobs")
    finally:
        queue.close()
    done, resumed, failed = (store.job(job.task_id) for job in jobs)
    assert done is not None
    assert resumed is not None
    assert failed is not None
    for job in (done, resumed):
        [pattern] = studio.make([read_request(job.request)])
        assert job.status == "done"
        assert store.file(job.file_id or "") == pattern.take().to_bytes()
    assert failed.status == "failed"
    assert "nobody" in (failed.reason or "")
    assert [job.task_id for job in store.dead()] == [failed.task_id]
