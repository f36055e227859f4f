"""The compiled arithmetic against numpy, torch and the reference network, on a tiny model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from liveengine.model.cpu_kernel import Integers, Weights, _gelu, _shares, multiply, read_out, run_layers
from liveengine.model.embedding import steps_of
from liveengine.model.fused_weights import Arrangement, Floats, rotary_frequencies
from liveengine.model.network import DrumModel
from liveengine.tokens import vocabulary
from tests.conftest import CONFIG

LENGTH, SLOTS, ROWS = 90, 100, 2
SIZE = CONFIG.width // CONFIG.heads


@dataclass(frozen=True)
class Material:
    """Some tokens, what goes into the layers for them, and the logits that the reference network finds."""

    inputs: Floats
    logits: Floats


@pytest.fixture(scope="module")
def material(model: DrumModel) -> list[Material]:
    """Two sequences longer than the window."""
    made = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        ids = torch.randint(1, vocabulary.VOCABULARY_SIZE, (1, LENGTH), generator=generator)
        controls = torch.randn(1, LENGTH, CONFIG.condition_size, generator=generator)
        steps = steps_of(ids)
        with torch.inference_mode():
            inputs: Tensor = functional.embedding(ids, model.tokens())
            inputs = inputs + model.steps(steps) + model.controls(controls)
            made.append(Material(inputs[0].numpy(), model(ids, steps, controls)[0].numpy()))
    return made


def exact(matrices: Floats) -> tuple[Weights, Floats]:
    return matrices, np.ones(matrices.shape[:-1], np.float32)


def rounded(matrices: Floats) -> tuple[Weights, Floats]:
    scales = np.abs(matrices).max(axis=-1) / 127
    return np.round(matrices / scales[..., None]).astype(np.int8), scales.astype(np.float32)


def restored(packed: tuple[Weights, Floats]) -> Floats:
    return packed[0].astype(np.float32) * packed[1][..., None]


class Runner:
    """Weights with a cache of two rows, and the room that the kernel works in."""

    def __init__(
        self,
        arranged: Arrangement,
        into: tuple[Weights, Floats],
        out: tuple[Weights, Floats],
        logits: tuple[Weights, Floats],
    ) -> None:
        self.layers = (*into, arranged.into_bias, *out, arranged.out_bias)
        self.last = (*logits, arranged.logits_bias)
        shape = (CONFIG.layers, ROWS, CONFIG.heads, SLOTS, SIZE)
        self.keys, self.values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.inner_width, self.mixed_width = arranged.into.shape[1], arranged.out.shape[2]

    def run(self, inputs: Floats, places: Integers) -> Floats:
        """Return the logits after each entry."""
        hidden, count = inputs.copy(), len(inputs)
        cosine, sine = np.zeros((2, count, SIZE // 2), np.float32)
        normal = np.zeros((count, CONFIG.width), np.float32)
        inner = np.zeros((count, self.inner_width), np.float32)
        mixed = np.zeros((count, self.mixed_width), np.float32)
        scores = np.zeros(CONFIG.window, np.float32)
        frequencies = rotary_frequencies(CONFIG)
        run_layers(
            hidden,
            places,
            *self.layers,
            self.keys,
            self.values,
            frequencies,
            cosine,
            sine,
            normal,
            inner,
            mixed,
            scores,
        )
        logits = np.zeros((count, vocabulary.VOCABULARY_SIZE), np.float32)
        read_out(hidden, *self.last, normal, logits)
        return logits


def runner(arranged: Arrangement) -> Runner:
    return Runner(arranged, exact(arranged.into), exact(arranged.out), exact(arranged.logits))


def places_of(row: int, begin: int, end: int, first_slot: int = 0) -> Integers:
    """Return the places of a sequence's tokens from `begin` to `end` in a row of the cache."""
    slots = np.arange(begin, end) + first_slot
    starts = np.maximum(first_slot, slots + 1 - CONFIG.window)
    return np.stack([np.full(end - begin, row), slots, starts, np.arange(begin, end)], axis=1)


def off(found: Floats, expected: Floats) -> float:
    return float(np.abs(found - expected).max())


@pytest.mark.parametrize("kind", [np.float32, np.int8])
@pytest.mark.parametrize("rows", range(1, 8))  # fours, twos and one alone
def test_rows_are_multiplied_scaled_and_shifted(rows: int, kind: type[np.generic]) -> None:
    rng = np.random.default_rng(rows)
    weights: Weights = rng.integers(-127, 128, (5, 12)).astype(kind)
    scales, bias = rng.normal(size=(2, 5)).astype(np.float32)
    inputs = rng.normal(size=(9, 12)).astype(np.float32)
    outputs = np.full((9, 5), 77.0, np.float32)
    multiply(weights, scales, bias, inputs, outputs, rows)
    expected = inputs[:rows].astype(np.float64) @ weights.T.astype(np.float64) * scales + bias
    assert outputs[:rows] == pytest.approx(expected, rel=1e-4, abs=1e-3)
    assert np.all(outputs[rows:] == 77.0), "the rest of the room stays as it was"


@pytest.mark.parametrize("parts", [[LENGTH], [1] * LENGTH, [37, 1, 2, 50]])
def test_all_layers_are_the_reference_network_in_whatever_parts_tokens_come(
    arranged: Arrangement, material: list[Material], parts: Sequence[int]
) -> None:
    decoder, begin = runner(arranged), 0
    for count in parts:
        end = begin + count
        found = decoder.run(material[0].inputs[begin:end], places_of(1, begin, end, first_slot=7))
        assert off(found, material[0].logits[begin:end]) < 1e-4
        begin = end
    assert not decoder.keys[:, 0].any(), "the other row is untouched"
    assert not decoder.keys[:, 1, :, :7].any()


def test_rows_side_by_side_do_not_see_each_other(arranged: Arrangement, material: list[Material]) -> None:
    decoder = runner(arranged)
    both = np.stack([each.inputs for each in material], axis=1).reshape(-1, CONFIG.width)
    places = np.stack([places_of(row, 0, LENGTH) for row in range(ROWS)], axis=1).reshape(-1, 4)
    found = decoder.run(both, places).reshape(LENGTH, ROWS, -1)
    for row, each in enumerate(material):
        assert off(found[:, row], each.logits) < 1e-4


def test_int8_weights_are_what_their_scales_say(arranged: Arrangement, material: list[Material]) -> None:
    packs = [rounded(matrices) for matrices in (arranged.into, arranged.out, arranged.logits)]
    small = Runner(arranged, *packs)
    same = Runner(arranged, *(exact(restored(pack)) for pack in packs))
    inputs, places = material[0].inputs, places_of(0, 0, LENGTH)
    assert off(small.run(inputs, places), same.run(inputs, places)) < 1e-4
    assert 0.01 < off(small.run(inputs, places), material[0].logits) < 1.0


def test_the_way_out_is_a_layer_norm_and_the_token_table(model: DrumModel, arranged: Arrangement) -> None:
    hidden = 5 * torch.randn(3, CONFIG.width, generator=torch.Generator().manual_seed(1)) + 2
    with torch.inference_mode():
        expected = model.backbone.final_layer_norm(hidden) @ model.tokens().T
    normal = np.zeros((3, CONFIG.width), np.float32)
    logits = np.zeros((3, vocabulary.VOCABULARY_SIZE), np.float32)
    before = hidden.numpy().copy()
    read_out(hidden.numpy(), *exact(arranged.logits), arranged.logits_bias, normal, logits)
    assert off(logits, expected.numpy()) < 1e-4
    assert np.array_equal(hidden.numpy(), before)


def test_gelu_is_torch_s_as_near_as_promised() -> None:
    values = np.linspace(-9, 9, 4001, dtype=np.float32)
    inner = np.concatenate([np.full(6, 3.0, np.float32), values])[None]
    mixed = np.full((1, 2 + len(values)), 77.0, np.float32)
    _gelu(inner, 6, mixed, 2, 1)
    expected: npt.NDArray[np.float64] = functional.gelu(torch.from_numpy(values).double()).numpy()
    assert np.abs(mixed[0, 2:] - expected).max() < 2e-6
    assert mixed[0, :2].tolist() == [77.0, 77.0]


def test_shares_are_powers_of_e_and_what_scores_far_below_has_next_to_none() -> None:
    distances = np.linspace(-20, 0, 1001)
    scores = np.concatenate([distances + 3, [-40.0, -1e30]]).astype(np.float32)
    total = _shares(scores, np.float32(3.0), 1003)
    assert np.abs(scores[:1001] - np.exp(distances)).max() < 2e-6
    assert scores[:1001] == pytest.approx(np.exp(distances), rel=5e-5)
    assert scores[1001:].tolist() == pytest.approx([np.exp(-20.0)] * 2, rel=5e-5)
    assert total == pytest.approx(scores.sum(), rel=1e-5)
