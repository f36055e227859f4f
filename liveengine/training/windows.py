"""Windows of tokens for training: bars with their controls, cut at bar lines, dropped out, and padded."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.augmentation import augmented
from liveengine.training.corpus import Take, conditionings

AUGMENTED = 0.4
"""Share of the windows that are changed a little each time they are learned from."""


@dataclass(frozen=True, slots=True)
class ControlDropout:
    """Probability, per window, that a control is left open; `all_open` opens all but genre and tempo."""

    genre: float = 0.1
    tempo: float = 0.1
    density: float = 0.2
    energy: float = 0.2
    fill: float = 0.25
    phrase: float = 0.25
    all_open: float = 0.15
    steadiness: float = 0.5


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """A take as token ids per bar and the conditioning of each bar; `grid_bound`, `authored` as in `Take`.

    `stays_steady` says that its steadiness is never left open: left open, a genre is as people played it.
    """

    bars: tuple[npt.NDArray[np.int64], ...]
    conditions: tuple[Conditioning, ...]
    grid_bound: bool = False
    authored: bool = False
    stays_steady: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded windows: ids (batch, time); controls (batch, time, condition_size); notes in all of them.

    `grid_bound` (batch,) is true for windows whose micro-timing must not be learned.
    """

    ids: Tensor
    controls: Tensor
    notes: int
    grid_bound: Tensor


def sequence_of(take: Take, space: ConditionSpace, played: Collection[str] = ()) -> TokenSequence:
    """Return a take as tokens with the controls of each bar; of the genres `played` people's takes exist."""
    return TokenSequence(
        tuple(np.array(vocabulary.bar_to_ids(bar), np.int64) for bar in take.bars),
        tuple(conditionings(take, space)),
        take.grid_bound,
        take.authored,
        stays_steady=take.authored and take.genre in played,
    )


def open_controls(
    conditions: Sequence[Conditioning],
    dropout: ControlDropout,
    rng: random.Random,
    *,
    stays_steady: bool = False,
) -> list[Conditioning]:
    """Return the conditionings of one window with controls left open at random, alike for all its bars."""
    every = rng.random() < dropout.all_open
    names = ("density", "energy", "fill", "phrase")
    opened: dict[str, None] = {name: None for name in names if every or rng.random() < getattr(dropout, name)}
    if not stays_steady and (every or rng.random() < dropout.steadiness):
        opened["steadiness"] = None
    no_tempo = rng.random() < dropout.tempo
    no_genre = rng.random() < dropout.genre
    return [
        replace(
            condition,
            genres=() if no_genre else condition.genres,
            bpm=None if no_tempo else condition.bpm,
            **opened,
        )
        for condition in conditions
    ]


def cut(sequence: TokenSequence, max_tokens: int, first_bar: int = 0) -> Iterator[tuple[int, int]]:
    """Yield (first bar, end bar) of consecutive windows of at most `max_tokens`, at least a bar each."""
    start, count = first_bar, 0
    for index in range(first_bar, len(sequence.bars)):
        length = len(sequence.bars[index])
        if count and count + length > max_tokens:
            yield start, index
            start, count = index, 0
        count += length
    if count:
        yield start, len(sequence.bars)


def drawn(sequences: Sequence[TokenSequence], share: float, rng: random.Random) -> list[TokenSequence]:
    """Return what an epoch learns from: everything played, and a share of what was made from cards."""
    played = [each for each in sequences if not each.authored]
    authored = [each for each in sequences if each.authored]
    return played + rng.sample(authored, round(len(authored) * share))


def batches(
    sequences: Sequence[TokenSequence],
    space: ConditionSpace,
    *,
    max_tokens: int,
    tokens_per_batch: int,
    dropout: ControlDropout | None,
    rng: random.Random,
) -> Iterator[Batch]:
    """Yield one epoch of batches, windows of like length together.

    With `dropout` windows start at a random bar and batches come in random order; without, windows start
    at each take's first bar, in order, with density, energy, fill and phrase left open.
    """
    windows: list[tuple[TokenSequence, int, int]] = []
    for sequence in sequences:
        total = sum(len(bar) for bar in sequence.bars)
        first = 0
        if dropout is not None and total > max_tokens:
            first = rng.randrange(max(1, len(sequence.bars) * max_tokens // total))
            windows.append((sequence, 0, first)) if first else None
        windows += [(sequence, start, end) for start, end in cut(sequence, max_tokens, first)]

    def length(window: tuple[TokenSequence, int, int]) -> int:
        return sum(len(bar) for bar in window[0].bars[window[1] : window[2]])

    if dropout is not None:
        rng.shuffle(windows)
    windows.sort(key=length)
    groups: list[list[tuple[TokenSequence, int, int]]] = [[]]
    for window in windows:
        longest = length(window)
        if groups[-1] and longest * (len(groups[-1]) + 1) > tokens_per_batch:
            groups.append([])
        groups[-1].append(window)
    if dropout is not None:
        rng.shuffle(groups)
    for group in groups:
        yield _batch(group, space, dropout, rng)


def _batch(
    group: Sequence[tuple[TokenSequence, int, int]],
    space: ConditionSpace,
    dropout: ControlDropout | None,
    rng: random.Random,
) -> Batch:
    rows: list[npt.NDArray[np.int64]] = []
    row_controls: list[npt.NDArray[np.float32]] = []
    for sequence, start, end in group:
        conditions: Sequence[Conditioning] = sequence.conditions[start:end]
        if dropout is None:
            conditions = [Conditioning(genres=each.genres, bpm=each.bpm) for each in conditions]
        else:
            conditions = open_controls(conditions, dropout, rng, stays_steady=sequence.stays_steady)
        bars = sequence.bars[start:end]
        row = np.concatenate(bars)
        if dropout is not None and rng.random() < AUGMENTED:
            row = augmented(row, conditions[0], rng, timing=not sequence.grid_bound)
        rows.append(row)
        row_controls.append(
            np.concatenate(
                [
                    np.repeat(space.features(condition)[None], len(bar), axis=0)
                    for bar, condition in zip(bars, conditions, strict=True)
                ]
            )
        )
    time = max(len(row) for row in rows)
    ids = np.full((len(rows), time), vocabulary.PAD_ID, np.int64)
    controls = np.zeros((len(rows), time, space.size), np.float32)
    for index, (row, control) in enumerate(zip(rows, row_controls, strict=True)):
        ids[index, : len(row)] = row
        controls[index, : len(row)] = control
    notes = int((ids >= vocabulary.HIT_BASE).sum())
    grid_bound = torch.tensor([sequence.grid_bound for sequence, _, _ in group])
    return Batch(torch.from_numpy(ids), torch.from_numpy(controls), notes, grid_bound)
