# ruff: noqa: PLR0917 (compiled functions take their arrays one by one)
"""The arithmetic of decoding on a CPU: a few tokens through all layers in one compiled call.

Compiled by numba for the processor at hand and kept on disk. Weights are int8 with one scale per output
(or fp32 with scales of one), everything else is fp32. One thread: a token's products are too small to
share out, and the other cores belong to the player.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from liveengine.model.config import LAYER_NORM_EPSILON
from liveengine.model.fused_weights import Floats

Integers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.int8] | Floats

ONE = np.float32(1.0)
HALF = np.float32(0.5)
ROOT_HALF = np.float32(0.5**0.5)
SHRINK = np.float32(1 / 16)
"""exp(x) is taken as exp(x / 16) to the 16th power: a short series, then four squarings, to 2e-6."""
SMALLEST = np.float32(-20.0)
"""A share of e^-20 is none: what scores lower counts as this."""
EPSILON = np.float32(LAYER_NORM_EPSILON)


@njit(cache=True, fastmath=True, error_model="numpy")
def multiply(
    weights: Weights, scales: Floats, bias: Floats, inputs: Floats, outputs: Floats, rows: int
) -> None:
    """Write `inputs` (rows, in) times `weights` (out, in), scaled, plus `bias`, to `outputs` (rows, out).

    A row of weights is read once for four rows of inputs.
    """
    count, width = weights.shape
    for place in range(count):
        row = 0
        while row + 4 <= rows:
            first, second, third, fourth = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for index in range(width):
                weight = np.float32(weights[place, index])
                first += inputs[row, index] * weight
                second += inputs[row + 1, index] * weight
                third += inputs[row + 2, index] * weight
                fourth += inputs[row + 3, index] * weight
            outputs[row, place] = first * scales[place] + bias[place]
            outputs[row + 1, place] = second * scales[place] + bias[place]
            outputs[row + 2, place] = third * scales[place] + bias[place]
            outputs[row + 3, place] = fourth * scales[place] + bias[place]
            row += 4
        while row + 2 <= rows:
            first, second = np.float32(0), np.float32(0)
            for index in range(width):
                weight = np.float32(weights[place, index])
                first += inputs[row, index] * weight
                second += inputs[row + 1, index] * weight
            outputs[row, place] = first * scales[place] + bias[place]
            outputs[row + 1, place] = second * scales[place] + bias[place]
            row += 2
        if row < rows:
            first = np.float32(0)
            for index in range(width):
                first += inputs[row, index] * np.float32(weights[place, index])
            outputs[row, place] = first * scales[place] + bias[place]


@njit(cache=True, fastmath=True, error_model="numpy")
def _normalise(hidden: Floats, outputs: Floats, rows: int) -> None:
    """Write each row less its mean over its deviation; scale and shift are folded into what follows."""
    width = hidden.shape[1]
    for row in range(rows):
        mean = np.float32(0)
        for index in range(width):
            mean += hidden[row, index]
        mean /= np.float32(width)
        spread = np.float32(0)
        for index in range(width):
            distance = hidden[row, index] - mean
            spread += distance * distance
        factor = ONE / np.sqrt(spread / np.float32(width) + EPSILON)
        for index in range(width):
            outputs[row, index] = (hidden[row, index] - mean) * factor


@njit(cache=True, fastmath=True, error_model="numpy")
def _gelu(inner: Floats, first: int, mixed: Floats, width: int, rows: int) -> None:
    """Write gelu of inner[:, first:] to mixed[:, width:], erf to 3e-7 (Abramowitz and Stegun 7.1.28)."""
    for row in range(rows):
        for index in range(inner.shape[1] - first):
            value = inner[row, first + index]
            size = np.abs(value) * ROOT_HALF
            series = ONE + size * (
                np.float32(0.0705230784)
                + size
                * (
                    np.float32(0.0422820123)
                    + size
                    * (
                        np.float32(0.0092705272)
                        + size
                        * (
                            np.float32(0.0001520143)
                            + size * (np.float32(0.0002765672) + size * np.float32(0.0000430638))
                        )
                    )
                )
            )
            series *= series
            series *= series
            series *= series
            series *= series
            tail = HALF / series
            mixed[row, width + index] = value * (ONE - tail if value >= 0 else tail)


@njit(cache=True, fastmath=True, error_model="numpy")
def _rotate(inner: Floats, row: int, first: int, half: int, cosine: Floats, sine: Floats) -> None:
    """Rotate one head's query or key in place by its position (rotary, halves)."""
    for index in range(half):
        low, high = inner[row, first + index], inner[row, first + half + index]
        inner[row, first + index] = low * cosine[row, index] - high * sine[row, index]
        inner[row, first + half + index] = high * cosine[row, index] + low * sine[row, index]


@njit(cache=True, fastmath=True, error_model="numpy")
def _shares(scores: Floats, highest: np.float32, count: int) -> np.float32:
    """Turn scores into exp(score - highest) in place; return their sum."""
    total = np.float32(0)
    for place in range(count):
        x = max(scores[place] - highest, SMALLEST) * SHRINK
        power = ONE + x * np.float32(1 / 9)
        power = ONE + x * np.float32(1 / 8) * power
        power = ONE + x * np.float32(1 / 7) * power
        power = ONE + x * np.float32(1 / 6) * power
        power = ONE + x * np.float32(1 / 5) * power
        power = ONE + x * np.float32(1 / 4) * power
        power = ONE + x * np.float32(1 / 3) * power
        power = ONE + x * np.float32(1 / 2) * power
        power = ONE + x * power
        power *= power
        power *= power
        power *= power
        power *= power
        scores[place] = power
        total += power
    return total


@njit(cache=True, fastmath=True, error_model="numpy")
def _attend(
    inner: Floats,
    row: int,
    head: int,
    keys: Floats,
    values: Floats,
    start: int,
    end: int,
    scores: Floats,
    mixed: Floats,
) -> None:
    """Write to mixed[row] what one head finds in the slots [start, end) of `keys`, `values` (slots, size)."""
    size = keys.shape[1]
    query = inner[row, head * size : (head + 1) * size]
    found = mixed[row, head * size : (head + 1) * size]
    seen, held = keys[start:end], values[start:end]
    count = end - start
    factor = ONE / np.sqrt(np.float32(size))
    highest = np.float32(-1e30)
    for slot in range(count):
        score = np.float32(0)
        for index in range(size):
            score += query[index] * seen[slot, index]
        scores[slot] = score * factor
        highest = max(highest, scores[slot])
    total = _shares(scores, highest, count)
    for index in range(size):
        found[index] = np.float32(0)
    fours = count // 4
    for four in range(fours):  # four slots a turn: the sums stay in registers for longer
        slot = four * 4
        for index in range(size):
            found[index] += (
                scores[slot] * held[slot, index]
                + scores[slot + 1] * held[slot + 1, index]
                + scores[slot + 2] * held[slot + 2, index]
                + scores[slot + 3] * held[slot + 3, index]
            )
    for slot in range(fours * 4, count):
        for index in range(size):
            found[index] += scores[slot] * held[slot, index]
    for index in range(size):
        found[index] /= total


@njit(cache=True, fastmath=True, error_model="numpy")
def _remember(
    inner: Floats, places: Integers, keys: Floats, values: Floats, cosine: Floats, sine: Floats
) -> None:
    """Rotate the queries and keys in `inner`, and write keys and values to a layer's cache."""
    heads, size = keys.shape[1], keys.shape[3]
    width = heads * size
    for entry in range(len(places)):
        row, slot = places[entry, 0], places[entry, 1]
        for head in range(heads):
            _rotate(inner, entry, head * size, size // 2, cosine, sine)
            _rotate(inner, entry, width + head * size, size // 2, cosine, sine)
            for index in range(size):
                keys[row, head, slot, index] = inner[entry, width + head * size + index]
                values[row, head, slot, index] = inner[entry, 2 * width + head * size + index]


@njit(cache=True, fastmath=True, error_model="numpy")
def run_layers(
    hidden: Floats,
    places: Integers,
    into: Weights,
    into_scales: Floats,
    into_bias: Floats,
    out: Weights,
    out_scales: Floats,
    out_bias: Floats,
    keys: Floats,
    values: Floats,
    frequencies: npt.NDArray[np.float64],
    cosine: Floats,
    sine: Floats,
    normal: Floats,
    inner: Floats,
    mixed: Floats,
    scores: Floats,
) -> None:
    """Take `hidden` (entries, width) through all layers in place, and write keys and values to the cache.

    `places` (entries, 4) are an entry's cache row, the slot that it takes, the first slot that it sees,
    and its position, which with `frequencies` (head_width / 2) turns its query and key. Entries of one row
    come in order; all are written before any attends, so that a row's later entries see its earlier ones.
    `into` is (layers, 3 * width + feed_forward, width), `out` (layers, width, width + feed_forward),
    `keys` and `values` (layers, rows, heads, slots, head_width); the rest is room to work in.
    """
    entries, width = hidden.shape
    heads, size = keys.shape[2], keys.shape[4]
    for entry in range(entries):
        for index in range(size // 2):
            angle = places[entry, 3] * frequencies[index]
            cosine[entry, index] = np.cos(angle)
            sine[entry, index] = np.sin(angle)
    for layer in range(into.shape[0]):
        _normalise(hidden, normal, entries)
        multiply(into[layer], into_scales[layer], into_bias[layer], normal, inner, entries)
        _remember(inner, places, keys[layer], values[layer], cosine, sine)
        for entry in range(entries):
            row, slot, start = places[entry, 0], places[entry, 1], places[entry, 2]
            for head in range(heads):
                _attend(
                    inner,
                    entry,
                    head,
                    keys[layer, row, head],
                    values[layer, row, head],
                    start,
                    slot + 1,
                    scores,
                    mixed,
                )
        _gelu(inner, 3 * width, mixed, width, entries)
        multiply(out[layer], out_scales[layer], out_bias[layer], mixed, normal, entries)
        for entry in range(entries):
            for index in range(width):
                hidden[entry, index] += normal[entry, index]


@njit(cache=True, fastmath=True, error_model="numpy")
def read_out(
    hidden: Floats, weights: Weights, scales: Floats, bias: Floats, normal: Floats, logits: Floats
) -> None:
    """Write the logits (entries, vocabulary) of `hidden` (entries, width)."""
    _normalise(hidden, normal, hidden.shape[0])
    multiply(weights, scales, bias, normal, logits, hidden.shape[0])
