"""What all tests share: an engine in virtual time, and a small untrained drummer."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import torch

from liveengine.app.logs import OTHERS
from liveengine.model.checkpoint import save_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.model.network import DrumModel
from liveengine.tokens.conditioning import ConditionSpace
from tests.rig import make_rig

__all__ = ["make_rig"]

# What an example takes is the machine's business: tests pass on busy cores too.
hypothesis.settings.register_profile("busy", deadline=None)
hypothesis.settings.load_profile("busy")

torch.set_num_threads(1)  # tiny models, and two threads that wait for each other on busy cores are slow
os.environ.setdefault("OMP_NUM_THREADS", "1")

os.environ["LIVEENGINE_HOME"] = os.devnull  # nothing that whoever runs the tests has saved counts in them

SPACE = ConditionSpace(("funk", "jazz", "hiphop"))
CONFIG = ModelConfig(layers=2, width=32, heads=2, window=48, condition_size=SPACE.size, dropout=0.0)


def untrained_model() -> DrumModel:
    """Return a model with weights large enough that its logits differ from token to token."""
    torch.manual_seed(5)
    model = DrumModel(CONFIG)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * 0.2 + (1.0 if weight.dim() == 1 else 0.0))
    return model.eval()


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small untrained checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, untrained_model(), SPACE, {"note": "untrained"}, dtype=torch.float32)
    return folder


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a command has set up: it would log to a stream that is closed by then."""
    loggers = [logging.getLogger(name) for name in ("liveengine", *OTHERS)]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
