"""Incremental decoding on a CPU: the drum transformer a few tokens at a time, over a cache that slides.

Same numbers as `network.DrumModel`: to 1e-4 in fp32, to the rounding of the weights in int8. Several
continuations live in one decoder as rows of its cache, and one pass extends any of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from liveengine.model.config import BAR_STEP, ModelConfig
from liveengine.model.cpu_kernel import read_out, run_layers
from liveengine.model.fused_weights import Floats, arrange, rotary_frequencies
from liveengine.model.kv_cache_rows import RowDecoder
from liveengine.tokens import vocabulary

ENTRIES = 64
"""Tokens that go through the layers together; longer prefills go in parts."""
INT8_LARGEST = 127


class Decoder(RowDecoder):
    """Weights, and the keys and values of some continuations ("rows") that they extend.

    Used by one thread. `feed` appends tokens, `rollback` forgets the newest, `fork` copies a row.
    Positions count from the first token that a row was ever fed; only the last `window` are seen.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, npt.NDArray[np.floating]],
        *,
        rows: int = 1,
        int8: bool = True,
    ) -> None:
        """Take the weights of a `DrumModel`, by their names there, and reserve the cache.

        `int8` rounds the matrices to 8 bits with one scale per output; else they stay fp32.
        """
        super().__init__(rows, config)
        arranged = arrange(config, weights)
        self._table, self._steps, self._controls = arranged.table, arranged.steps, arranged.controls
        pack = _rounded if int8 else _exact
        self._layers = (
            *pack(arranged.into),
            arranged.into_bias,
            *pack(arranged.out),
            arranged.out_bias,
        )
        self._read_out = (*pack(arranged.logits), arranged.logits_bias)
        shape = (config.layers, rows, config.heads, self._capacity, config.width // config.heads)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._frequencies = rotary_frequencies(config)
        self._cosine, self._sine = np.zeros((2, ENTRIES, len(self._frequencies)), np.float32)
        inner_width = arranged.into.shape[1]
        self._normal = np.zeros((ENTRIES, config.width), np.float32)
        self._inner = np.zeros((ENTRIES, inner_width), np.float32)
        self._mixed = np.zeros((ENTRIES, arranged.out.shape[2]), np.float32)
        self._scores = np.zeros(self._window, np.float32)

    def _copy(self, source: int, target: int, start: int, end: int) -> None:
        self._keys[:, target, :, : end - start] = self._keys[:, source, :, start:end]
        self._values[:, target, :, : end - start] = self._values[:, source, :, start:end]

    def control_vector(self, features: Floats) -> Floats:
        """Return controls projected for `feed`: (..., condition_size) to (..., width)."""
        return features @ self._controls.T

    def feed(self, rows: Sequence[int], ids: Sequence[int], steps: Sequence[int], controls: Floats) -> Floats:
        """Append tokens and return the logits after each row's last, shape (distinct rows, vocabulary).

        Token `ids[n]`, on step `steps[n]` (BAR_STEP for bars), goes to row `rows[n]` under the projected
        controls `controls[n]`, (width,). Rows may repeat: their tokens come in order. Logits come in the
        order in which rows first appear; the array is the caller's.
        """
        last = {row: place for place, row in enumerate(rows)}
        found = np.empty((len(last), self.width), np.float32)
        order = {row: place for place, row in enumerate(last)}
        hidden = self._table[ids] + self._steps[steps] + controls
        for begin in range(0, len(ids), ENTRIES):
            part = hidden[begin : begin + ENTRIES]
            self._run(part, rows[begin : begin + ENTRIES])
            for row, place in last.items():
                if begin <= place < begin + ENTRIES:
                    found[order[row]] = part[place - begin]
        logits = np.empty((len(found), len(self._table)), np.float32)
        normal = self._normal if len(found) <= ENTRIES else np.empty_like(found)
        read_out(found, *self._read_out, normal, logits)
        return logits

    def _run(self, hidden: Floats, rows: Sequence[int]) -> None:
        self.make_room(rows, len(rows))
        places = np.empty((len(rows), 4), np.int64)
        for entry, row in enumerate(rows):
            slot = self.end(row)
            places[entry] = (row, slot, max(0, slot + 1 - self._window), self.position(row))
            self.advance(row)
        run_layers(
            hidden,
            places,
            *self._layers,
            self._keys,
            self._values,
            self._frequencies,
            self._cosine,
            self._sine,
            self._normal,
            self._inner,
            self._mixed,
            self._scores,
        )


def _rounded(matrices: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Return matrices (..., out, in) in int8, and their scales (..., out)."""
    scales = np.maximum(np.abs(matrices).max(axis=-1), 1e-12) / INT8_LARGEST
    return np.round(matrices / scales[..., None]).astype(np.int8), scales.astype(np.float32)


def _exact(matrices: Floats) -> tuple[Floats, Floats]:
    return np.ascontiguousarray(matrices), np.ones(matrices.shape[:-1], np.float32)


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
