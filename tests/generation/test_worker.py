"""The generator's process from within: it says where the model runs, also when that changes."""

from __future__ import annotations

import gc
import os
import signal
import threading
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from liveengine.generation import worker
from liveengine.generation.worker import Moved, Ready
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarReply, BarRequest, Conditioning
from liveengine.processes.child import Heartbeat
from tests.waiting import PATIENCE_S


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process does to itself is not done to the tests."""
    for module, name in ((os, "nice"), (os, "sched_setscheduler"), (signal, "signal"), (gc, "freeze")):
        monkeypatch.setattr(module, name, lambda *_: None)


def request(serial: int) -> BarRequest:
    return BarRequest(serial, serial, FOUR_FOUR, Conditioning((("funk", 1.0),), 100.0), (), serial)


def test_a_move_to_the_cpu_is_reported_with_the_bar_that_it_cost(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "choose_device", lambda _: "cpu:0")
    ours, its = Pipe()
    answers: list[Any] = []
    real = TorchDecoder.logits_of

    def talk() -> None:
        assert ours.poll(PATIENCE_S)
        answers.append(ours.recv())
        ours.send(request(1))
        answers.append(ours.recv())
        monkeypatch.setattr(TorchDecoder, "logits_of", full)
        ours.send(request(2))
        answers.extend((ours.recv(), ours.recv()))
        monkeypatch.setattr(TorchDecoder, "logits_of", real)
        ours.send(request(3))
        answers.append(ours.recv())
        ours.close()

    def full(*_: Any, **__: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    talking = threading.Thread(target=talk)
    talking.start()
    worker.run(its, Heartbeat(), str(small_checkpoint), "auto")
    talking.join(PATIENCE_S)
    assert [type(answer) for answer in answers] == [Ready, BarReply, BarReply, Moved, BarReply]
    assert (answers[0].device, answers[3].device) == ("cpu:0", "cpu")
    assert [answers[each].serial for each in (1, 2, 4)] == [1, 2, 3]


def test_a_gpu_without_room_is_not_said_to_be_in_use(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(worker, "choose_device", lambda _: "cpu:0")
    monkeypatch.setattr(TorchDecoder, "__init__", full)
    ours, its = Pipe()
    answers: list[Any] = []

    def talk() -> None:
        assert ours.poll(PATIENCE_S)
        answers.append(ours.recv())
        ours.close()

    talking = threading.Thread(target=talk)
    talking.start()
    worker.run(its, Heartbeat(), str(small_checkpoint), "auto")
    talking.join(PATIENCE_S)
    assert answers == [Ready("cpu")]
