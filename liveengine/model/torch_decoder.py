"""Incremental decoding in torch, for GPUs: the same rows of continuations as `decoder.Decoder` keeps.

Used by one thread. On CUDA weights and cache are bf16, else fp32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from liveengine.model.config import LAYER_NORM_EPSILON, ModelConfig
from liveengine.model.fused_weights import Floats, arrange, rotary_frequencies
from liveengine.model.kv_cache_rows import RowDecoder


class TorchDecoder(RowDecoder):
    """Weights on a device, and the keys and values of some continuations ("rows") that they extend.

    `feed` appends tokens, `rollback` forgets the newest, `fork` copies a row. Positions count from the
    first token that a row was ever fed; only the last `window` are seen.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, npt.NDArray[np.floating]],
        *,
        rows: int = 1,
        device: str = "cuda",
    ) -> None:
        """Take the weights of a `DrumModel`, by their names there, and reserve the cache.

        Raises torch.OutOfMemoryError where the device has no room.
        """
        super().__init__(rows, config)
        self.device = torch.device(device)
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self._config = config
        arranged = arrange(config, weights)
        self._host_controls = arranged.controls

        def held(array: Floats) -> Tensor:
            return torch.from_numpy(array).to(self.device, self.dtype)

        self._table, self._steps = held(arranged.table), held(arranged.steps)
        self._into, self._into_bias = held(arranged.into), held(arranged.into_bias)
        self._out, self._out_bias = held(arranged.out), held(arranged.out_bias)
        self._logits, self._logits_bias = held(arranged.logits), held(arranged.logits_bias)
        self._frequencies = torch.from_numpy(rotary_frequencies(config)).to(self.device)
        shape = (config.layers, rows, self._capacity, config.heads, config.width // config.heads)
        self._keys = torch.zeros(shape, device=self.device, dtype=self.dtype)
        self._values = torch.zeros_like(self._keys)

    def _copy(self, source: int, target: int, start: int, end: int) -> None:
        for cache in (self._keys, self._values):
            cache[:, target, : end - start] = cache[:, source, start:end].clone()

    def control_vector(self, features: Floats) -> Floats:
        """Return controls projected for `feed`: (..., condition_size) to (..., width)."""
        return features @ self._host_controls.T

    @torch.inference_mode()
    def feed(self, rows: Sequence[int], ids: Sequence[int], steps: Sequence[int], controls: Floats) -> Floats:
        """Append tokens and return the logits after each row's last, as `decoder.Decoder.feed` does."""
        self.make_room(rows, len(ids))
        slots, positions = [], []
        for row in rows:
            slots.append(self.end(row))
            positions.append(self.position(row))
            self.advance(row)
        last = {row: place for place, row in enumerate(rows)}
        logits = self.logits_of(
            self.embedded(
                torch.as_tensor(ids, device=self.device),
                torch.as_tensor(steps, device=self.device),
                torch.tensor(controls, dtype=self.dtype, device=self.device),
            ),
            torch.tensor(rows, device=self.device),
            torch.tensor(slots, device=self.device),
            torch.tensor(positions, device=self.device),
            slots=max(slots) + 1,
            wanted=list(last.values()),
        )
        found: Floats = logits.float().cpu().numpy()
        return found

    def embedded(self, ids: Tensor, steps: Tensor, controls: Tensor) -> Tensor:
        """Return the layers' inputs (entries, width) for tokens, the steps they stand on and controls."""
        return self._table[ids] + self._steps[steps] + controls

    def logits_of(
        self,
        hidden: Tensor,
        row_of: Tensor,
        slot_of: Tensor,
        position_of: Tensor,
        *,
        slots: int | None = None,
        wanted: list[int] | None = None,
    ) -> Tensor:
        """Return logits (wanted, vocabulary) of entries, whose keys and values go to their rows and slots.

        `row_of`, `slot_of` and `position_of` are (entries,). Attention looks at the first `slots` of the
        cache, at all of them where that is None: then nothing depends on the host, as a CUDA graph needs.
        """
        looked_at = slots or self._capacity
        angles = position_of[:, None] * self._frequencies
        cosine, sine = (part.to(self.dtype)[:, None] for part in (angles.cos(), angles.sin()))
        places = torch.arange(looked_at, device=self.device)[None, :]
        seen = (places <= slot_of[:, None]) & (places > slot_of[:, None] - self._window)
        entries, heads = len(row_of), self._config.heads
        for layer in range(self._config.layers):
            inner = functional.linear(self._normal(hidden), self._into[layer], self._into_bias[layer])
            query, key, value = (
                part.reshape(entries, heads, -1) for part in inner[:, : 3 * self.width].chunk(3, dim=1)
            )
            self._keys[layer].index_put_((row_of, slot_of), _rotated(key, cosine, sine))
            self._values[layer].index_put_((row_of, slot_of), value)
            attended = functional.scaled_dot_product_attention(
                _rotated(query, cosine, sine)[:, :, None],
                self._keys[layer, row_of, :looked_at].transpose(1, 2),
                self._values[layer, row_of, :looked_at].transpose(1, 2),
                attn_mask=seen[:, None, None, :],
            )
            mixed = torch.cat(
                [attended.reshape(entries, self.width), functional.gelu(inner[:, 3 * self.width :])], dim=1
            )
            hidden = hidden + functional.linear(mixed, self._out[layer], self._out_bias[layer])
        last = hidden if wanted is None else hidden[wanted]
        return functional.linear(self._normal(last), self._logits, self._logits_bias)

    def _normal(self, hidden: Tensor) -> Tensor:
        return functional.layer_norm(hidden, (self.width,), eps=LAYER_NORM_EPSILON)


def _rotated(rows: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return (entries, heads, head_width) rotated by positions (rotary, halves)."""
    low, high = rows.chunk(2, dim=-1)
    return torch.cat([low * cosine - high * sine, high * cosine + low * sine], dim=-1)
