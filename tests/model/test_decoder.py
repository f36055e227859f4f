"""The playing decoders against the reference from transformers, token by token."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from liveengine.errors import ContractError
from liveengine.model.config import BAR_STEP, ROLLBACK_TOKENS
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.embedding import steps_of
from liveengine.model.fused_weights import Floats
from liveengine.model.network import DrumModel
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.tokens import vocabulary
from tests.conftest import CONFIG, untrained_model

TOLERANCE = 1e-4
ROWS = 3
AnyDecoder = Decoder | TorchDecoder
Parts = tuple[Tensor, Tensor, Tensor]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU with CUDA here")


@pytest.fixture(scope="module")
def model() -> DrumModel:
    return untrained_model()


def weights_of(model: DrumModel) -> dict[str, Floats]:
    return {name: weight.numpy() for name, weight in model.state_dict().items()}


MAKERS: dict[str, Callable[[DrumModel], AnyDecoder]] = {
    "kernel": lambda model: Decoder(CONFIG, weights_of(model), rows=ROWS, int8=False),
    "torch": lambda model: TorchDecoder(CONFIG, weights_of(model), rows=ROWS, device="cpu"),
}


@pytest.fixture(params=MAKERS)
def decoder(model: DrumModel, request: pytest.FixtureRequest) -> AnyDecoder:
    return MAKERS[request.param](model)


def material(length: int, seed: int = 0) -> Parts:
    """Return random ids, their steps, and controls that change along the way."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, vocabulary.VOCABULARY_SIZE, (1, length), generator=generator)
    controls = torch.randn(1, length, CONFIG.condition_size, generator=generator)
    return ids, steps_of(ids), controls


def reference(model: DrumModel, ids: Tensor, steps: Tensor, controls: Tensor) -> Floats:
    with torch.inference_mode():
        logits: Tensor = model(ids, steps, controls)
    found: Floats = logits[0].numpy()
    return found


def feed(decoder: AnyDecoder, parts: Parts, start: int, end: int, row: int = 0) -> Floats:
    ids, steps, controls = parts
    projected = decoder.control_vector(controls[0, start:end].numpy())
    logits = decoder.feed(
        [row] * (end - start), ids[0, start:end].tolist(), steps[0, start:end].tolist(), projected
    )
    assert logits.shape == (1, vocabulary.VOCABULARY_SIZE)
    last: Floats = logits[0]
    return last


def off(logits: Floats, expected: Floats) -> float:
    return float(np.abs(logits - expected).max())


def test_cached_equals_uncached_at_every_position(model: DrumModel, decoder: AnyDecoder) -> None:
    parts = material(150)
    expected = reference(model, *parts)
    for place in range(150):
        assert off(feed(decoder, parts, place, place + 1), expected[place]) < TOLERANCE, place


def test_prefill_equals_single_steps(model: DrumModel, decoder: AnyDecoder) -> None:
    parts = material(200)
    expected = reference(model, *parts)
    assert off(feed(decoder, parts, 0, 130), expected[129]) < TOLERANCE
    assert off(feed(decoder, parts, 130, 131), expected[130]) < TOLERANCE
    assert off(feed(decoder, parts, 131, 200), expected[199]) < TOLERANCE


def test_sliding_past_the_buffer_changes_nothing(model: DrumModel, decoder: AnyDecoder) -> None:
    length = 4 * (CONFIG.window + ROLLBACK_TOKENS) + 400
    parts = material(length)
    for start in range(0, length, 100):
        logits = feed(decoder, parts, start, min(length, start + 100))
    tail = 4 * CONFIG.window  # what lies further back can reach nothing: layers x window
    ids, _, controls = (part[:, -tail:] for part in parts)
    expected = reference(model, ids, parts[1][:, -tail:], controls)[-1]
    assert off(logits, expected) < 1e-3
    assert decoder.position() == length


def test_rollback_forgets_exactly(model: DrumModel, decoder: AnyDecoder) -> None:
    parts = material(120)
    expected = reference(model, *parts)
    feed(decoder, parts, 0, 60)
    feed(decoder, material(40, seed=9), 0, 40)
    decoder.rollback(60)
    assert off(feed(decoder, parts, 60, 120), expected[119]) < TOLERANCE


def test_rollback_beyond_the_cache_is_refused(decoder: AnyDecoder) -> None:
    length = 6 * (CONFIG.window + ROLLBACK_TOKENS)
    parts = material(length)
    for start in range(0, length, 200):
        feed(decoder, parts, start, min(length, start + 200))
    assert not decoder.can_rollback(100)
    with pytest.raises(ContractError, match="rollback"):
        decoder.rollback(100)
    assert decoder.can_rollback(length - 50)


def test_a_fork_goes_its_own_way(model: DrumModel, decoder: AnyDecoder) -> None:
    parts, other = material(120), material(120, seed=3)
    feed(decoder, parts, 0, 80)
    decoder.fork(0, 2)
    assert decoder.position(2) == 80
    both = tuple(torch.cat([one[:, :80], two[:, 80:]], dim=1) for one, two in zip(parts, other, strict=True))
    assert off(feed(decoder, other, 80, 120, row=2), reference(model, *both)[119]) < TOLERANCE
    assert off(feed(decoder, parts, 80, 120), reference(model, *parts)[119]) < TOLERANCE


def test_a_fork_of_a_row_that_has_slid_can_go_on_and_back(decoder: AnyDecoder) -> None:
    length = 2 * (CONFIG.window + ROLLBACK_TOKENS) + 90
    parts = material(length + 20)
    for start in range(0, length, 90):
        feed(decoder, parts, start, min(length, start + 90))
    decoder.fork(0, 1)
    decoder.rollback(length - 30, 1)
    feed(decoder, parts, length - 30, length, row=1)
    assert off(
        feed(decoder, parts, length, length + 20, row=1), feed(decoder, parts, length, length + 20)
    ) < (TOLERANCE)


def test_rows_of_other_lengths_go_on_together(model: DrumModel, decoder: AnyDecoder) -> None:
    parts = [material(70 + 25 * row, seed=row) for row in range(ROWS)]
    for row, (ids, _, _) in enumerate(parts):
        feed(decoder, parts[row], 0, ids.shape[1] - 1, row=row)
    rows = [2, 0, 1]
    logits = decoder.feed(
        rows,
        [int(parts[row][0][0, -1]) for row in rows],
        [int(parts[row][1][0, -1]) for row in rows],
        decoder.control_vector(np.stack([parts[row][2][0, -1].numpy() for row in rows])),
    )
    for row, found in zip(rows, logits, strict=True):
        assert off(found, reference(model, *parts[row])[-1]) < TOLERANCE, row


@pytest.mark.filterwarnings("error")
def test_one_token_with_the_controls_of_a_bar_is_fed_without_a_word(
    model: DrumModel, decoder: AnyDecoder
) -> None:
    ids, steps, controls = material(1)
    of_bar = np.broadcast_to(decoder.control_vector(controls[0, 0].numpy()), (1, CONFIG.width))
    logits = decoder.feed([0], ids[0].tolist(), steps[0].tolist(), of_bar)
    assert off(logits[0], reference(model, ids, steps, controls)[0]) < TOLERANCE


def test_a_cleared_row_begins_anew(model: DrumModel, decoder: AnyDecoder) -> None:
    feed(decoder, material(50, seed=4), 0, 50)
    decoder.clear()
    parts = material(30)
    assert off(feed(decoder, parts, 0, 30), reference(model, *parts)[29]) < TOLERANCE
    assert decoder.position() == 30


def test_rounded_weights_give_nearly_the_same_chances(model: DrumModel) -> None:
    parts = material(150)
    expected = torch.from_numpy(reference(model, *parts)[149]).log_softmax(-1)
    rounded = feed(Decoder(CONFIG, weights_of(model)), parts, 0, 150)
    found = torch.from_numpy(rounded).log_softmax(-1)
    divergence = float((expected.exp() * (expected - found)).sum())
    assert 0 < divergence < 0.02


@needs_cuda
@pytest.mark.cuda
def test_on_a_gpu_the_chances_are_nearly_the_same(model: DrumModel) -> None:
    parts = material(150)
    expected = torch.from_numpy(reference(model, *parts)[149]).log_softmax(-1)
    on_gpu = TorchDecoder(CONFIG, weights_of(model), device="cuda")
    found = torch.from_numpy(feed(on_gpu, parts, 0, 150)).log_softmax(-1)
    assert float((expected.exp() * (expected - found)).sum()) < 0.05


def test_steps_of_tokens_are_those_of_their_position() -> None:
    bar = vocabulary.BAR_BASE
    hit = vocabulary.HIT_BASE
    ids = [hit, bar, vocabulary.position_id(3), hit, hit + 5, vocabulary.position_id(7), hit, bar]
    expected = [BAR_STEP, BAR_STEP, 3, 3, 3, 7, 7, BAR_STEP]
    assert steps_of_ids(ids) == expected
    assert steps_of(torch.tensor([ids]))[0].tolist() == expected
