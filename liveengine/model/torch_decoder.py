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

from liveengine.errors import ContractError
from liveengine.model.arrangement import Floats, arrange, rotary_frequencies
from liveengine.model.config import LAYER_NORM_EPSILON, ROLLBACK_TOKENS, ModelConfig


class TorchDecoder:
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
        self.device = torch.device(device)
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        self.width = config.width
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
        self._capacity = 2 * (config.window + ROLLBACK_TOKENS)
        shape = (config.layers, rows, self._capacity, config.heads, config.width // config.heads)
        self._keys = torch.zeros(shape, device=self.device, dtype=self.dtype)
        self._values = torch.zeros_like(self._keys)
        self._positions = [0] * rows
        self._ends = [0] * rows

    @property
    def rows(self) -> int:
        """How many continuations there is room for."""
        return len(self._positions)

    def position(self, row: int = 0) -> int:
        """Return how many tokens a row has been fed and still holds or has slid past."""
        return self._positions[row]

    def clear(self, row: int = 0) -> None:
        """Forget everything that a row was fed."""
        self._positions[row] = self._ends[row] = 0

    def can_rollback(self, position: int, row: int = 0) -> bool:
        """Tell whether `rollback(position)` would leave a full window."""
        oldest = self._positions[row] - self._ends[row]
        return oldest <= max(0, position - self._config.window) and position <= self._positions[row]

    def rollback(self, position: int, row: int = 0) -> None:
        """Forget all tokens of a row from `position` on. Raises ContractError beyond the cache's reach."""
        if not self.can_rollback(position, row):
            raise ContractError(
                f"rollback: expected a position that the cache of {self._ends[row]} tokens reaches, "
                f"got {position} with {self._positions[row]} fed"
            )
        self._ends[row] -= self._positions[row] - position
        self._positions[row] = position

    def fork(self, source: int, target: int) -> None:
        """Make row `target` what row `source` is; copies what a rollback of the copy may need."""
        end = self._ends[source]
        start = max(0, end - self._config.window - ROLLBACK_TOKENS)
        for cache in (self._keys, self._values):
            cache[:, target, : end - start] = cache[:, source, start:end].clone()
        self._ends[target] = end - start
        self._positions[target] = self._positions[source]

    def control_vector(self, features: Floats) -> Floats:
        """Return controls projected for `feed`: (..., condition_size) to (..., width)."""
        return features @ self._host_controls.T

    def end(self, row: int) -> int:
        """Return the slot that a row's next token takes."""
        return self._ends[row]

    def make_room(self, rows: Sequence[int], count: int) -> None:
        """Slide the slots of rows down where `count` more would not fit: a copy, nothing is computed."""
        for row in set(rows):
            if self._ends[row] + count > self._capacity:
                self.fork(row, row)

    def advance(self, row: int, count: int) -> None:
        """Take note of tokens that were fed by `logits_of`."""
        self._ends[row] += count
        self._positions[row] += count

    @torch.inference_mode()
    def feed(self, rows: Sequence[int], ids: Sequence[int], steps: Sequence[int], controls: Floats) -> Floats:
        """Append tokens and return the logits after each row's last, as `decoder.Decoder.feed` does."""
        self.make_room(rows, len(ids))
        slots, positions = [], []
        for row in rows:
            slots.append(self._ends[row])
            positions.append(self._positions[row])
            self.advance(row, 1)
        last = {row: place for place, row in enumerate(rows)}
        logits = self.logits_of(
            self.embedded(
                torch.as_tensor(ids, device=self.device),
                torch.as_tensor(steps, device=self.device),
                torch.from_numpy(np.ascontiguousarray(controls)).to(self.device, self.dtype),
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
        seen = (places <= slot_of[:, None]) & (places > slot_of[:, None] - self._config.window)
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
