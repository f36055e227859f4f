"""Incremental decoding: the drum transformer one token at a time, with a key-value cache that slides.

Same weights and same numbers as `network.DrumModel`, arranged for playing: NeoX blocks add attention and
feed-forward to the same normalised input, so each layer is two matrix products (queries, keys, values
and feed-forward in; attention and feed-forward out) with the layer norms' scales folded in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from liveengine.errors import ContractError
from liveengine.model.parts import (
    BAR_STEP,
    LAYER_NORM_EPSILON,
    ROTARY_BASE,
    DrumEmbedding,
    ModelConfig,
)
from liveengine.tokens import vocabulary

ROLLBACK_TOKENS = 320
"""How far back the cache can go besides the window that attention needs."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """One block: `into` (width, 3*width + feed_forward) and `out` (width + feed_forward, width).

    Inputs come first: a one-row product reads such a matrix along its rows, which is the faster way.
    """

    into: Tensor
    into_bias: Tensor
    out: Tensor
    out_bias: Tensor


class Decoder:
    """A cache of keys and values and the weights that extend it.

    Used by one thread. `feed` appends tokens and returns the logits after the last; `rollback` forgets
    the newest. Positions count from the first token ever fed; only the last `window` are seen.
    """

    def __init__(
        self, config: ModelConfig, weights: Mapping[str, Tensor], device: torch.device | None = None
    ) -> None:
        """Take the weights of a `DrumModel`, by their names there, and reserve the cache."""
        self.device = device or torch.device("cpu")
        self._window = config.window
        self._heads = config.heads
        self._head_width = config.width // config.heads
        self._width = config.width
        full = {name: weight.float() for name, weight in weights.items()}
        with torch.inference_mode():
            embedding = DrumEmbedding(config.width)
            embedding.load_state_dict(
                {
                    name.removeprefix("tokens."): weight
                    for name, weight in full.items()
                    if name.startswith("tokens.")
                }
            )
            table = embedding()
            norm = "backbone.final_layer_norm"
            self._table = table.to(self.device)
            self._steps = full["steps.weight"].to(self.device)
            self._controls = full["controls.weight"].T.contiguous().to(self.device)
            self._logits = (table * full[f"{norm}.weight"]).T.contiguous().to(self.device)
            self._logits_bias = (table @ full[f"{norm}.bias"]).to(self.device)
            self._layers = [
                self._arranged(full, f"backbone.layers.{index}") for index in range(config.layers)
            ]
            halves = torch.arange(0, self._head_width, 2, dtype=torch.float64) / self._head_width
            self._frequencies = (1.0 / ROTARY_BASE**halves).to(self.device)
            self._capacity = 4 * (self._window + ROLLBACK_TOKENS)
            shape = (len(self._layers), self._heads, self._capacity, self._head_width)
            self._keys = torch.zeros(shape, device=self.device)
            self._values = torch.zeros(shape, device=self.device)
            self.reset()

    def _arranged(self, full: Mapping[str, Tensor], name: str) -> _Layer:
        """Return a block's weights, with the scales and shifts of its two layer norms folded in."""
        width, heads, head_width = self._width, self._heads, self._head_width

        def part(place: str) -> tuple[Tensor, Tensor]:
            return full[f"{name}.{place}.weight"], full[f"{name}.{place}.bias"]

        def by_kind(interleaved: Tensor) -> Tensor:  # NeoX keeps q, k and v of one head together
            parts = interleaved.view(heads, 3, head_width, -1).transpose(0, 1)
            return parts.reshape(3 * width, -1)

        qkv, qkv_bias = part("attention.query_key_value")
        qkv, qkv_bias = by_kind(qkv), by_kind(qkv_bias[:, None])[:, 0]
        up, up_bias = part("mlp.dense_h_to_4h")
        down, down_bias = part("mlp.dense_4h_to_h")
        dense, dense_bias = part("attention.dense")
        first, first_shift = part("input_layernorm")
        second, second_shift = part("post_attention_layernorm")
        return _Layer(
            into=torch.cat([qkv * first, up * second]).T.contiguous().to(self.device),
            into_bias=torch.cat([qkv_bias + qkv @ first_shift, up_bias + up @ second_shift]).to(self.device),
            out=torch.cat([dense, down], dim=1).T.contiguous().to(self.device),
            out_bias=(dense_bias + down_bias).to(self.device),
        )

    def reset(self) -> None:
        """Forget everything."""
        self.position = 0
        self._end = 0
        self._kept = 0
        self._turn(0)

    def _turn(self, first_position: int) -> None:
        """Prepare the rotations of the positions that the buffer's slots hold, (capacity, head_width/2)."""
        places = torch.arange(
            first_position, first_position + self._capacity, dtype=torch.float64, device=self.device
        )
        angles = places[:, None] * self._frequencies
        self._cosine = angles.cos().float()
        self._sine = angles.sin().float()

    def can_rollback(self, position: int) -> bool:
        """Tell whether `rollback(position)` would leave a full window."""
        oldest = self.position - self._end
        return oldest <= max(0, position - self._window) and position <= self.position

    def rollback(self, position: int) -> None:
        """Forget all tokens from `position` on. Raises ContractError where the cache no longer reaches."""
        if not self.can_rollback(position):
            raise ContractError(
                f"rollback: expected a position the cache of {self._end} tokens reaches, got {position} "
                f"with {self.position} fed"
            )
        self._end -= self.position - position
        self.position = position

    def _make_room(self, count: int) -> None:
        if self._end + count <= self._capacity:
            return
        keep = min(self._end, self._window + ROLLBACK_TOKENS)
        if keep + count > self._capacity:
            raise ContractError(f"feed: expected at most {self._capacity - keep} tokens at once, got {count}")
        start = self._end - keep
        self._keys[:, :, :keep] = self._keys[:, :, start : self._end].clone()
        self._values[:, :, :keep] = self._values[:, :, start : self._end].clone()
        self._end = keep
        self._turn(self.position - keep)

    def control_vector(self, features: Tensor) -> Tensor:
        """Return controls projected for `feed`: (condition_size,) or (time, condition_size) to width."""
        return features.to(self.device) @ self._controls

    @torch.inference_mode()
    def feed(self, ids: Sequence[int], steps: Sequence[int], controls: Tensor) -> Tensor:
        """Append tokens and return the logits after the last, shape (vocabulary,).

        `steps` are the steps that the tokens stand on (BAR_STEP for bars), `controls` the projected
        controls, (width,) for all or (time, width).
        """
        count = len(ids)
        self._make_room(count)
        hidden = self._table[torch.as_tensor(ids)] + self._steps[torch.as_tensor(steps)] + controls
        first, end = self._end, self._end + count
        cosine, sine = self._cosine[first:end], self._sine[first:end]
        start = max(0, end - self._window) if count == 1 else 0
        mask = None if count == 1 else self._mask(first, end)
        for index, layer in enumerate(self._layers):
            normal = functional.layer_norm(hidden, (self._width,), eps=LAYER_NORM_EPSILON)
            inner = torch.addmm(layer.into_bias, normal, layer.into)
            qkv = inner[:, : 3 * self._width].view(count, 3, self._heads, self._head_width)
            heads = qkv.permute(1, 2, 0, 3)
            query, key = _rotated(heads[:2], cosine, sine)
            self._keys[index, :, first:end] = key
            self._values[index, :, first:end] = heads[2]
            attended = functional.scaled_dot_product_attention(
                query[None],
                self._keys[index, None, :, start:end],
                self._values[index, None, :, start:end],
                attn_mask=mask,
            )[0]
            mixed = torch.cat(
                [
                    attended.transpose(0, 1).reshape(count, self._width),
                    functional.gelu(inner[:, 3 * self._width :]),
                ],
                dim=1,
            )
            hidden = hidden + torch.addmm(layer.out_bias, mixed, layer.out)
        self._end = end
        self.position += count
        last = functional.layer_norm(hidden[-1], (self._width,), eps=LAYER_NORM_EPSILON)
        logits: Tensor = last @ self._logits + self._logits_bias
        return logits

    def _mask(self, first: int, end: int) -> Tensor:
        """Return which of the slots up to `end` each of the new tokens sees, (new, end) booleans."""
        new = torch.arange(first, end, device=self.device)[:, None]
        old = torch.arange(end, device=self.device)[None, :]
        return (old <= new) & (old > new - self._window)


def _rotated(rows: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return rows (..., time, head_width) rotated by their positions (rotary, halves)."""
    low, high = rows.chunk(2, dim=-1)
    return torch.cat([low * cosine - high * sine, high * cosine + low * sine], dim=-1)


def steps_of_ids(ids: Sequence[int]) -> list[int]:
    """Return the step each token stands on: that of the last Position token, BAR_STEP for Bar tokens."""
    steps = []
    step = BAR_STEP
    for token in ids:
        if vocabulary.is_bar(token):
            step = BAR_STEP
        elif vocabulary.is_position(token):
            step = token - vocabulary.POSITION_BASE
        steps.append(step)
    return steps
