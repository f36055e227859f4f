"""The service with a real Redis and Celery workers: killed, restarted, and nothing lost."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from liveengine.errors import GenerationError
from liveengine.generation.celery_source import CeleryAsk
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarRequest, Conditioning
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest
from liveengine.service.store import Store
from tests.service.conftest import Running
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("celery")


@pytest.fixture(scope="module")
def service(running: Running, has_redis: None) -> Running:
    running.start_redis()
    running.start_worker()
    running.start_worker()
    running.start_api("--broker", running.broker)
    running.wait_until_well()
    return running


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


def test_a_killed_worker_and_a_redis_that_was_gone_lose_nothing(service: Running) -> None:
    before = service.files()
    tasks = [service.generate(seed=2000 + each, bars=16) for each in range(40)]
    until(lambda: len(service.files() - before) >= 1, "the first file")
    service.processes[1].send_signal(signal.SIGKILL)
    told = [service.ended(each) for each in tasks]
    assert {each["status"] for each in told} == {"done"}
    assert service.files() - before == {each["file_id"] for each in told}
    assert len(service.files() - before) == len(tasks)

    service.processes[0].kill()
    service.processes[0].wait()
    accepted = []

    def is_refused() -> bool:
        status, _, answer = service.ask("POST", "/generate", {"producer_style": "funk", "bars": 1})
        accepted.extend([answer["task_id"]] if status == 202 else [])
        return status == 503

    until(is_refused, "a refusal")
    status, headers, problem = service.ask("POST", "/generate", {"producer_style": "funk"})
    assert status == 503
    assert "broker" in problem["detail"]
    assert int(headers["retry-after"]) > 0
    assert service.ask("GET", "/health")[2]["status"] == "degraded"
    assert service.ask("GET", f"/status/{tasks[0]}")[0] == 200
    service.start_redis()
    service.wait_until_well()
    assert service.ended(service.generate(seed=3000))["status"] == "done"
    assert accepted
    assert {service.ended(each)["status"] for each in accepted} == {"done"}
