"""Bars from another machine: its answer, none, or one that comes too late (Celery itself: tests/service)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from liveengine.errors import GenerationError
from liveengine.generation import celery_source
from liveengine.generation.celery_source import COVER, REMOTE, RemoteBarSource
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarReply, BarRequest, Conditioning
from tests.waiting import PATIENCE_S

DEADLINE_MS = 100.0


def request(serial: int) -> BarRequest:
    return BarRequest(serial, serial, FOUR_FOUR, Conditioning((("funk", 1.0),), 100.0), (), serial)


class Elsewhere:
    """Another machine with the same model, which may be gone or slow."""

    def __init__(self, checkpoint: Path) -> None:
        self._source = LocalBarSource(checkpoint)
        self._source.request(request(0))  # the first bar takes longer
        self._source.poll()
        self.asked: list[int] = []
        self.gone = False
        self.fault: Exception = GenerationError("nobody is there")
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, asked: BarRequest, _timeout_s: float) -> BarReply:
        self.asked.append(asked.serial)
        if self.gone:
            raise self.fault
        self.may_answer.wait(PATIENCE_S)
        self._source.request(asked)
        made = self._source.poll()
        assert made is not None
        return made


@pytest.fixture
def elsewhere(small_checkpoint: Path) -> Elsewhere:
    return Elsewhere(small_checkpoint)


@pytest.fixture
def source(small_checkpoint: Path, elsewhere: Elsewhere) -> Iterator[RemoteBarSource]:
    made = RemoteBarSource(LocalBarSource(small_checkpoint), elsewhere, DEADLINE_MS)
    yield made
    elsewhere.may_answer.set()
    made.close()


def until(found: Callable[[], BarReply | None]) -> BarReply:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        reply = found()
        if reply is not None:
            return reply
        time.sleep(0.001)
    raise AssertionError("no bar")


def test_the_other_machine_makes_the_bar(source: RemoteBarSource, small_checkpoint: Path) -> None:
    source.request(request(1))
    reply = until(source.poll)
    assert reply.source == REMOTE
    assert reply.round_trip_ms is not None
    local = LocalBarSource(small_checkpoint)
    local.request(request(1))
    expected = local.poll()
    assert expected is not None
    assert (reply.serial, reply.bar) == (1, expected.bar)


def test_one_that_is_gone_is_covered_and_left_alone_for_a_while(
    source: RemoteBarSource, elsewhere: Elsewhere
) -> None:
    elsewhere.gone = True
    source.request(request(1))
    assert until(source.poll).source == COVER
    elsewhere.gone = False
    source.request(request(2))
    assert until(source.poll).source == COVER
    assert elsewhere.asked == [1]
    assert source.notices() == ["the local model makes the bars: nobody is there"]
    assert source.notices() == []


def test_whatever_goes_wrong_there_is_covered_and_asked_again_later(
    source: RemoteBarSource, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_source, "REST_S", 0.0)
    elsewhere.gone, elsewhere.fault = True, KeyError("serial")
    source.request(request(1))
    assert until(source.poll).source == COVER
    assert source.notices() == ["the local model makes the bars: KeyError: 'serial'"]
    elsewhere.gone = False
    source.request(request(2))
    assert until(source.poll).source == REMOTE


def test_an_answer_that_comes_too_late_counts_for_nothing(
    source: RemoteBarSource, elsewhere: Elsewhere
) -> None:
    elsewhere.may_answer.clear()
    began_s = time.monotonic()
    source.request(request(1))
    reply = until(source.poll)
    assert (reply.serial, reply.source) == (1, COVER)
    assert time.monotonic() - began_s > DEADLINE_MS / 1e3
    source.request(request(2))
    elsewhere.may_answer.set()
    assert until(source.poll).serial == 2
    assert source.poll() is None
