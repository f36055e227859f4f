"""The playing decoder against the reference from transformers, token by token."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from liveengine.errors import ContractError
from liveengine.model.decoder import ROLLBACK_TOKENS, Decoder, steps_of_ids
from liveengine.model.network import DrumModel
from liveengine.model.parts import BAR_STEP, steps_of
from liveengine.tokens import vocabulary
from tests.conftest import CONFIG, untrained_model

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model() -> DrumModel:
    return untrained_model()


@pytest.fixture
def decoder(model: DrumModel) -> Decoder:
    return Decoder(CONFIG, model.state_dict())


def material(length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return random ids, their steps, and controls that change along the way."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, vocabulary.VOCABULARY_SIZE, (1, length), generator=generator)
    controls = torch.randn(1, length, CONFIG.condition_size, generator=generator)
    return ids, steps_of(ids), controls


def reference(model: DrumModel, ids: Tensor, steps: Tensor, controls: Tensor) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = model(ids, steps, controls)
        return logits[0]


def feed(decoder: Decoder, parts: tuple[Tensor, Tensor, Tensor], start: int, end: int) -> Tensor:
    ids, steps, controls = parts
    projected = decoder.control_vector(controls[0, start:end])
    return decoder.feed(ids[0, start:end].tolist(), steps[0, start:end].tolist(), projected)


def test_cached_equals_uncached_at_every_position(model: DrumModel, decoder: Decoder) -> None:
    parts = material(150)
    expected = reference(model, *parts)
    for place in range(150):
        logits = feed(decoder, parts, place, place + 1)
        assert (logits - expected[place]).abs().max() < TOLERANCE, place


def test_prefill_equals_single_steps(model: DrumModel, decoder: Decoder) -> None:
    parts = material(200)
    expected = reference(model, *parts)
    assert (feed(decoder, parts, 0, 130) - expected[129]).abs().max() < TOLERANCE
    assert (feed(decoder, parts, 130, 131) - expected[130]).abs().max() < TOLERANCE
    assert (feed(decoder, parts, 131, 200) - expected[199]).abs().max() < TOLERANCE


def test_sliding_past_the_buffer_changes_nothing(model: DrumModel, decoder: Decoder) -> None:
    length = 4 * (CONFIG.window + ROLLBACK_TOKENS) + 400
    parts = material(length)
    for start in range(0, length, 100):
        logits = feed(decoder, parts, start, start + 100)
    tail = 4 * CONFIG.window  # what lies further back can reach nothing: layers x window
    ids, _, controls = (part[:, -tail:] for part in parts)
    steps = parts[1][:, -tail:]
    expected = reference(model, ids, steps, controls)[-1]
    assert (logits - expected).abs().max() < 1e-3
    assert decoder.position == length


def test_rollback_forgets_exactly(model: DrumModel, decoder: Decoder) -> None:
    parts = material(120)
    expected = reference(model, *parts)
    feed(decoder, parts, 0, 60)
    feed(decoder, material(40, seed=9), 0, 40)
    decoder.rollback(60)
    assert (feed(decoder, parts, 60, 120) - expected[119]).abs().max() < TOLERANCE


def test_rollback_beyond_the_cache_is_refused(decoder: Decoder) -> None:
    length = 6 * (CONFIG.window + ROLLBACK_TOKENS)
    parts = material(length)
    for start in range(0, length, 200):
        feed(decoder, parts, start, min(length, start + 200))
    assert not decoder.can_rollback(100)
    with pytest.raises(ContractError, match="rollback"):
        decoder.rollback(100)
    assert decoder.can_rollback(length - 50)


def test_steps_of_tokens_are_those_of_their_position() -> None:
    bar = vocabulary.BAR_BASE
    hit = vocabulary.HIT_BASE
    ids = [hit, bar, vocabulary.position_id(3), hit, hit + 5, vocabulary.position_id(7), hit, bar]
    expected = [BAR_STEP, BAR_STEP, 3, 3, 3, 7, 7, BAR_STEP]
    assert steps_of_ids(ids) == expected
    assert steps_of(torch.tensor([ids]))[0].tolist() == expected
