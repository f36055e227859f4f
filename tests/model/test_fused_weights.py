"""Weights laid out for decoding: plain arithmetic with them is the reference network's."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from liveengine.model.config import LAYER_NORM_EPSILON
from liveengine.model.embedding import steps_of
from liveengine.model.fused_weights import Arrangement, arrange, rotary_frequencies, token_table
from liveengine.model.network import DrumModel
from liveengine.tokens import vocabulary
from tests.conftest import CONFIG

Numbers = npt.NDArray[np.float64]
SIZE = CONFIG.width // CONFIG.heads


def normalised(hidden: Numbers) -> Numbers:
    """Return rows less their mean over their deviation, neither scaled nor shifted."""
    distance = hidden - hidden.mean(axis=-1, keepdims=True)
    found: Numbers = distance / np.sqrt((distance**2).mean(axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
    return found


def rotated(heads: Numbers) -> Numbers:
    """Return queries or keys (time, heads, size) turned by their places, halves against each other."""
    angles = np.arange(len(heads))[:, None, None] * rotary_frequencies(CONFIG)
    low, high = np.split(heads, 2, axis=-1)
    turned = (low * np.cos(angles) - high * np.sin(angles), high * np.cos(angles) + low * np.sin(angles))
    return np.concatenate(turned, axis=-1)


def logits_of(arranged: Arrangement, ids: Tensor, controls: Tensor) -> Numbers:
    """Return what the arrangement makes of a short sequence, with no cache and no haste."""
    time, width = ids.shape[1], CONFIG.width
    hidden = arranged.table[ids[0]] + arranged.steps[steps_of(ids)[0]]
    hidden = hidden.astype(np.float64) + controls[0].numpy() @ arranged.controls.T
    erf = np.vectorize(math.erf)
    for layer in range(CONFIG.layers):
        inner = normalised(hidden) @ arranged.into[layer].T + arranged.into_bias[layer]
        parts = [inner[:, kind * width : (kind + 1) * width].reshape(time, -1, SIZE) for kind in range(3)]
        queries, keys, values = rotated(parts[0]), rotated(parts[1]), parts[2]
        scores = np.einsum("qhs,khs->hqk", queries, keys) / math.sqrt(SIZE)
        scores[:, ~np.tri(time, dtype=bool)] = -np.inf
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        found = np.einsum("hqk,khs->qhs", shares, values).reshape(time, width)
        forward = inner[:, 3 * width :]
        gelu = forward * (1 + erf(forward / math.sqrt(2))) / 2
        hidden = hidden + np.hstack([found, gelu]) @ arranged.out[layer].T + arranged.out_bias[layer]
    logits: Numbers = normalised(hidden) @ arranged.logits.T + arranged.logits_bias
    return logits


def test_two_matrices_a_layer_are_the_reference_network(model: DrumModel, arranged: Arrangement) -> None:
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(1, vocabulary.VOCABULARY_SIZE, (1, 40), generator=generator)
    controls = torch.randn(1, 40, CONFIG.condition_size, generator=generator)
    with torch.inference_mode():
        expected = model(ids, steps_of(ids), controls)[0].numpy()
    assert np.abs(expected).max() > 1.0
    assert np.abs(logits_of(arranged, ids, controls) - expected).max() < 1e-4


def test_the_token_table_is_put_together_as_the_network_does_it(
    model: DrumModel, arranged: Arrangement
) -> None:
    with torch.inference_mode():
        expected = model.tokens().numpy()
    assert np.abs(arranged.table - expected).max() < 1e-6
    before_hits = slice(0, vocabulary.HIT_BASE)
    assert np.array_equal(arranged.table[before_hits], model.tokens.own.detach().numpy()[before_hits])


def test_making_the_table_leaves_the_weights_as_they_are(model: DrumModel) -> None:
    full = {name: weight.numpy() for name, weight in model.state_dict().items()}
    before = full["tokens.own"].copy()
    assert np.array_equal(token_table(full), token_table(full))
    assert np.array_equal(full["tokens.own"], before)


def test_queries_keys_and_values_lie_together_head_by_head(model: DrumModel, arranged: Arrangement) -> None:
    hidden = torch.randn(5, CONFIG.width, generator=torch.Generator().manual_seed(3))
    layer = model.backbone.layers[1]
    with torch.inference_mode():
        mixed = layer.attention.query_key_value(layer.input_layernorm(hidden))
    by_head = mixed.view(5, CONFIG.heads, 3, SIZE).numpy()  # NeoX: q, k, v of one head, then of the next
    inner = normalised(hidden.numpy().astype(np.float64)) @ arranged.into[1].T + arranged.into_bias[1]
    for kind in range(3):
        lying = inner[:, kind * CONFIG.width : (kind + 1) * CONFIG.width].reshape(5, CONFIG.heads, SIZE)
        assert np.abs(lying - by_head[:, :, kind]).max() < 1e-5


def test_weights_kept_in_halves_are_laid_out_in_fp32(model: DrumModel, arranged: Arrangement) -> None:
    halves = {name: weight.numpy().astype(np.float16) for name, weight in model.state_dict().items()}
    laid = arrange(CONFIG, halves)
    inner_width = 3 * CONFIG.width + CONFIG.feed_forward_width
    shapes = {
        "table": (vocabulary.VOCABULARY_SIZE, CONFIG.width),
        "steps": (33, CONFIG.width),
        "controls": (CONFIG.width, CONFIG.condition_size),
        "into": (CONFIG.layers, inner_width, CONFIG.width),
        "into_bias": (CONFIG.layers, inner_width),
        "out": (CONFIG.layers, CONFIG.width, CONFIG.width + CONFIG.feed_forward_width),
        "out_bias": (CONFIG.layers, CONFIG.width),
        "logits": (vocabulary.VOCABULARY_SIZE, CONFIG.width),
        "logits_bias": (vocabulary.VOCABULARY_SIZE,),
    }
    for name, shape in shapes.items():
        found = getattr(laid, name)
        assert (found.shape, found.dtype) == (shape, np.float32), name
        assert np.abs(found - getattr(arranged, name)).max() < 0.02, name


def test_a_head_of_sixteen_turns_by_a_thousandth_root_each_pair(model: DrumModel) -> None:
    frequencies = rotary_frequencies(CONFIG)
    assert frequencies.shape == (SIZE // 2,)
    assert frequencies[[0, 2, 4, 6]] == pytest.approx([1.0, 0.1, 0.01, 0.001])
    assert frequencies == pytest.approx(model.backbone.rotary_emb.inv_freq.numpy())
