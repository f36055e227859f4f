"""The generator in its own process, for real: it answers, dies, and comes back."""

from __future__ import annotations

import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from liveengine.errors import GenerationError
from liveengine.generation.process_source import LocalBarSource, ProcessBarSource
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarReply, BarRequest, Conditioning
from tests.waiting import PATIENCE_S


def request(serial: int) -> BarRequest:
    return BarRequest(serial, serial, FOUR_FOUR, Conditioning((("funk", 1.0),), 100.0), (), serial)


def wait_for_answer(source: ProcessBarSource) -> None:
    """Wait as the engine does: until the pipe can be read, or a little where it is broken."""
    pipe = source.fileno()
    select.select([] if pipe is None else [pipe], [], [], 0.05)


def answer(source: ProcessBarSource) -> BarReply:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        reply = source.poll()
        if reply is not None:
            return reply
        lost = source.lost()
        if lost is not None:
            source.request(request(lost.serial))
        wait_for_answer(source)
    raise AssertionError(f"no bar within {PATIENCE_S} s")


def wait_until_lost(source: ProcessBarSource) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert source.poll() is None
        lost = source.lost()
        if lost is not None:
            return lost.serial
        wait_for_answer(source)
    raise AssertionError(f"nothing was lost within {PATIENCE_S} s")


@pytest.fixture
def source(small_checkpoint: Path) -> Iterator[ProcessBarSource]:
    pids: list[int] = []
    made = ProcessBarSource(small_checkpoint, "cpu", pids.append)
    made.pids = pids  # type: ignore[attr-defined]
    yield made
    made.close()


def test_answers_the_newest_request_and_comes_back_after_a_kill(
    source: ProcessBarSource, small_checkpoint: Path
) -> None:
    source.request(request(1))
    source.request(request(2))
    reply = answer(source)
    assert reply.serial == 2
    local = LocalBarSource(small_checkpoint, "cpu")
    local.request(request(2))
    expected = local.poll()
    assert expected is not None
    assert expected.bar == reply.bar

    os.kill(source.pids[0], signal.SIGKILL)  # type: ignore[attr-defined]
    source.request(request(3))
    assert wait_until_lost(source) == 3
    assert source.poll() is None
    assert source.lost() is None
    source.request(request(4))
    assert answer(source).serial == 4
    assert source.restarts == 1
    assert len(source.pids) == 2  # type: ignore[attr-defined]


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    source = ProcessBarSource(tmp_path, "cpu")
    try:
        source.request(request(1))
        with pytest.raises(GenerationError, match=r"model\.safetensors"):
            answer(source)
    finally:
        source.close()


def test_a_model_that_cannot_be_loaded_again_is_waited_for(small_checkpoint: Path, tmp_path: Path) -> None:
    """A file that is being replaced while the generator dies does not end the performance."""
    here, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    shutil.copytree(small_checkpoint, here)
    pids: list[int] = []
    source = ProcessBarSource(here, "cpu", pids.append)
    notices: list[str] = []
    try:
        source.request(request(1))
        assert answer(source).serial == 1
        here.rename(elsewhere)
        os.kill(pids[0], signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE_S
        while not any("model.safetensors" in each for each in notices):
            assert time.monotonic() < deadline, notices
            assert source.poll() is None
            notices += source.notices()
            wait_for_answer(source)
        assert "started again" in source.trouble()
        elsewhere.rename(here)
        source.request(request(2))
        assert answer(source).serial == 2
        assert source.trouble() == ""
    finally:
        source.close()
