"""A checkpoint's weights laid out for decoding: two matrices a layer, norms folded in.

NeoX blocks add attention and feed-forward to the same normalised input, so a layer is two matrix products:
queries, keys, values and feed-forward in; attention and feed-forward out. The layer norms' scales and
shifts go into the matrices that follow them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveengine.model.config import ROTARY_BASE, ModelConfig
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.tokens import vocabulary

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Weights in fp32, outputs first.

    `table` (vocabulary, width) embeds tokens and `logits` (vocabulary, width), `logits_bias` read them
    out; `steps` (steps, width); `controls` (width, condition_size); `into` (layers, 3 * width +
    feed_forward, width), `out` (layers, width, width + feed_forward) and their biases. Queries, keys and
    values each lie together, head by head.
    """

    table: Floats
    steps: Floats
    controls: Floats
    into: Floats
    into_bias: Floats
    out: Floats
    out_bias: Floats
    logits: Floats
    logits_bias: Floats


def arrange(config: ModelConfig, weights: Mapping[str, npt.NDArray[np.floating]]) -> Arrangement:
    """Return the weights of a `network.DrumModel`, by their names there, laid out for decoding."""
    full = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
    table = token_table(full)
    layers = [_layer(config, full, f"backbone.layers.{index}") for index in range(config.layers)]
    into, into_bias, out, out_bias = (np.stack(parts) for parts in zip(*layers, strict=True))
    norm = "backbone.final_layer_norm"
    return Arrangement(
        table=table,
        steps=full["steps.weight"],
        controls=full["controls.weight"],
        into=into,
        into_bias=into_bias,
        out=out,
        out_bias=out_bias,
        logits=table * full[f"{norm}.weight"],
        logits_bias=table @ full[f"{norm}.bias"],
    )


def token_table(full: Mapping[str, Floats]) -> Floats:
    """Return the token table (vocabulary, width), put together from its factors as `DrumEmbedding` does."""
    hits = np.arange(vocabulary.HIT_COUNT)
    velocity, timing = hits % vocabulary.VELOCITY_BINS, hits // vocabulary.VELOCITY_BINS
    micro, voice = timing % TICKS_PER_STEP, timing // TICKS_PER_STEP
    table = full["tokens.own"].copy()
    table[vocabulary.HIT_BASE :] += (
        full["tokens.voice"][voice]
        + full["tokens.micro"][micro]
        + full["tokens.velocity"][velocity]
        + full["tokens.voice_micro"][voice, micro]
        + full["tokens.voice_velocity"][voice, velocity]
    )
    return table


def _layer(
    config: ModelConfig, full: Mapping[str, Floats], name: str
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a block's `into`, its bias, `out`, its bias."""
    width, heads = config.width, config.heads

    def part(place: str) -> tuple[Floats, Floats]:
        return full[f"{name}.{place}.weight"], full[f"{name}.{place}.bias"]

    def by_kind(interleaved: Floats) -> Floats:  # NeoX keeps q, k and v of one head together
        parts = interleaved.reshape(heads, 3, width // heads, -1).swapaxes(0, 1)
        return parts.reshape(3 * width, -1)

    qkv, qkv_bias = part("attention.query_key_value")
    qkv, qkv_bias = by_kind(qkv), by_kind(qkv_bias[:, None])[:, 0]
    up, up_bias = part("mlp.dense_h_to_4h")
    down, down_bias = part("mlp.dense_4h_to_h")
    dense, dense_bias = part("attention.dense")
    first, first_shift = part("input_layernorm")
    second, second_shift = part("post_attention_layernorm")
    return (
        np.concatenate([qkv * first, up * second]),
        np.concatenate([qkv_bias + qkv @ first_shift, up_bias + up @ second_shift]),
        np.concatenate([dense, down], axis=1),
        dense_bias + down_bias,
    )


def rotary_frequencies(config: ModelConfig) -> npt.NDArray[np.float64]:
    """Return the angle per position that turns each pair of a head's numbers, (head_width / 2,)."""
    head_width = config.width // config.heads
    return 1.0 / ROTARY_BASE ** (np.arange(0, head_width, 2, dtype=np.float64) / head_width)
