"""A tiny untrained model, and its weights as decoding has them."""

from __future__ import annotations

import pytest

from liveengine.model.fused_weights import Arrangement, arrange
from liveengine.model.network import DrumModel
from tests.conftest import CONFIG, untrained_model


@pytest.fixture(scope="module")
def model() -> DrumModel:
    return untrained_model()


@pytest.fixture(scope="module")
def arranged(model: DrumModel) -> Arrangement:
    return arrange(CONFIG, {name: weight.numpy() for name, weight in model.state_dict().items()})
