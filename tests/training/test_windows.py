"""Windows of tokens, controls left open, and the loss of takes whose timing must not be learned."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from liveengine.model.embedding import steps_of
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary
from liveengine.training import windows
from liveengine.training.corpus import Take
from liveengine.training.loop import negative_log_likelihood
from liveengine.training.windows import (
    Batch,
    ControlDropout,
    TokenSequence,
    batches,
    cut,
    open_controls,
    sequence_of,
)
from tests.conftest import SPACE, untrained_model

NO_DROPOUT = ControlDropout(*[0.0] * 8)
FULL = Conditioning(genres=(("funk", 1.0),), bpm=100.0, density=0.5, energy=0.5, fill=True, phrase=3)


def a_bar(rng: random.Random) -> Bar:
    hits = {
        (rng.randrange(16), rng.choice(list(Voice)), rng.randrange(-6, 6)): rng.randrange(1, 128)
        for _ in range(rng.randrange(12))
    }
    return Bar(FOUR_FOUR, tuple(sorted(Hit(*place, velocity) for place, velocity in hits.items())))


def a_take(seed: int, bars: int, *, grid_bound: bool = False) -> Take:
    rng = random.Random(seed)
    return Take(
        name=f"take {seed}",
        drummer="drummer",
        genre="funk",
        style="funk",
        bpm=100.0,
        is_fill=False,
        split="train",
        bars=tuple(a_bar(rng) for _ in range(bars)),
        grid_bound=grid_bound,
    )


def sequences() -> list[TokenSequence]:
    return [sequence_of(a_take(seed, bars), SPACE) for seed, bars in enumerate((1, 3, 20, 40))]


def some_batches(
    of: list[TokenSequence], dropout: ControlDropout | None, *, max_tokens: int = 60
) -> list[Batch]:
    return list(
        batches(of, SPACE, max_tokens=max_tokens, tokens_per_batch=200, dropout=dropout, rng=random.Random(7))
    )


def bars_in(batch: Batch) -> Counter[tuple[int, ...]]:
    found: Counter[tuple[int, ...]] = Counter()
    for row in batch.ids.tolist():
        tokens = [token for token in row if token != vocabulary.PAD_ID]
        starts = [index for index, token in enumerate(tokens) if vocabulary.is_bar(token)]
        assert starts[0] == 0
        found.update(tuple(tokens[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True))
    return found


@pytest.mark.parametrize("dropout", [None, ControlDropout()])
def test_windows_cover_each_bar_exactly_once(
    dropout: ControlDropout | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "AUGMENTED", 0.0)
    of = sequences()
    wanted = Counter(tuple(bar.tolist()) for sequence in of for bar in sequence.bars)
    found: Counter[tuple[int, ...]] = Counter()
    for batch in some_batches(of, dropout):
        found += bars_in(batch)
    assert found == wanted


def test_windows_keep_to_their_size_and_batches_to_theirs() -> None:
    (sequence,) = sequences()[3:]
    found = list(cut(sequence, 60))
    assert found[0][0] == 0
    assert found[-1][1] == len(sequence.bars)
    assert all(first[1] == second[0] for first, second in pairwise(found))
    assert all(sum(map(len, sequence.bars[start:end])) <= 60 for start, end in found)
    assert all(batch.ids.numel() <= 200 for batch in some_batches([sequence], None))
    lengths = [len(bar) for bar in sequence.bars]
    assert [end - start for start, end in cut(sequence, 1)] == [1] * len(lengths), "at least a bar each"


def test_a_batch_counts_notes_and_knows_which_rows_are_bound_to_a_grid() -> None:
    human, grid = a_take(1, 2), a_take(2, 3, grid_bound=True)
    (batch,) = batches(
        [sequence_of(human, SPACE), sequence_of(grid, SPACE)],
        SPACE,
        max_tokens=500,
        tokens_per_batch=5000,
        dropout=None,
        rng=random.Random(1),
    )
    assert batch.notes == sum(len(bar.hits) for take in (human, grid) for bar in take.bars)
    bars = [sum(vocabulary.is_bar(token) for token in row) for row in batch.ids.tolist()]
    assert batch.grid_bound.dtype == torch.bool
    assert batch.grid_bound.tolist() == [count == 3 for count in bars]
    assert batch.controls.shape == (*batch.ids.shape, SPACE.size)


def test_without_dropout_only_genre_and_tempo_are_told() -> None:
    (sequence,) = sequences()[:1]
    (batch,) = some_batches([sequence], None)
    told = replace(sequence.conditions[0], density=None, energy=None, fill=None, phrase=None)
    assert batch.controls[0, 0].tolist() == SPACE.features(told).tolist()


@pytest.mark.parametrize(
    ("dropout", "left"),
    [
        (NO_DROPOUT, FULL),
        (replace(NO_DROPOUT, all_open=1.0), Conditioning(genres=FULL.genres, bpm=FULL.bpm)),
        (replace(NO_DROPOUT, genre=1.0), replace(FULL, genres=())),
        (replace(NO_DROPOUT, tempo=1.0), replace(FULL, bpm=None)),
        (replace(NO_DROPOUT, density=1.0, fill=1.0), replace(FULL, density=None, fill=None)),
        (replace(NO_DROPOUT, energy=1.0, phrase=1.0), replace(FULL, energy=None, phrase=None)),
    ],
)
def test_controls_are_left_open_as_asked(dropout: ControlDropout, left: Conditioning) -> None:
    assert open_controls([FULL, FULL], dropout, random.Random(1)) == [left, left]


def test_controls_are_left_open_as_often_as_asked_and_alike_in_a_window() -> None:
    rng = random.Random(1)
    dropout = ControlDropout(tempo=0.1, density=0.4, energy=0.4, fill=0.3, phrase=0.3, all_open=0.0)
    windows = [open_controls([FULL, FULL], dropout, rng) for _ in range(2000)]
    assert all(first == second for first, second in windows)
    opened = {
        name: sum(getattr(first, name) is None for first, _ in windows) / len(windows)
        for name in ("bpm", "density", "energy", "fill", "phrase")
    }
    wanted = {"bpm": 0.1, "density": 0.4, "energy": 0.4, "fill": 0.3, "phrase": 0.3}
    assert opened == pytest.approx(wanted, abs=0.04)


def explicit_loss(batch: Batch) -> float:
    """Return the loss in nats, added up token by token and timing by timing."""
    model = untrained_model()
    with torch.no_grad():
        probabilities = model(batch.ids, steps_of(batch.ids), batch.controls).double().softmax(-1)
    loss = 0.0
    for row, ids in enumerate(batch.ids.tolist()):
        for place, token in enumerate(ids[1:]):
            if token == vocabulary.PAD_ID:
                continue
            counted = [token]
            if vocabulary.is_hit(token) and batch.grid_bound[row]:
                voice, _, level = vocabulary.hit_parts(token)
                velocity = vocabulary.velocity_of_bin(level)
                counted = [vocabulary.hit_id(voice, micro, velocity) for micro in range(-6, 6)]
            loss -= float(probabilities[row, place, counted].sum().log())
    return loss


@pytest.mark.parametrize("bound", [(False, False), (True, False), (True, True)])
def test_hits_on_a_grid_are_scored_over_all_timings(bound: tuple[bool, bool]) -> None:
    (batch,) = batches(
        [sequence_of(a_take(seed, 3, grid_bound=grid), SPACE) for seed, grid in enumerate(bound)],
        SPACE,
        max_tokens=500,
        tokens_per_batch=5000,
        dropout=None,
        rng=random.Random(1),
    )
    with torch.no_grad():
        loss = float(negative_log_likelihood(untrained_model(), batch))
    assert loss == pytest.approx(explicit_loss(batch), rel=1e-4)


def test_nothing_is_learned_from_the_timing_of_a_grid() -> None:
    def loss(micro: int, *, grid_bound: bool) -> float:
        ids = torch.tensor(
            [[vocabulary.bar_id(FOUR_FOUR), vocabulary.position_id(3), vocabulary.hit_id(4, micro, 90)]]
        )
        controls = torch.from_numpy(SPACE.features(FULL)).expand(1, 3, -1)
        with torch.no_grad():
            batch = Batch(ids, controls, 1, torch.tensor([grid_bound]))
            return float(negative_log_likelihood(untrained_model(), batch))

    on_grid = [loss(micro, grid_bound=True) for micro in range(-6, 6)]
    played = [loss(micro, grid_bound=False) for micro in range(-6, 6)]
    assert on_grid == pytest.approx([on_grid[0]] * 12, abs=1e-4)
    assert max(played) - min(played) > 0.1
    assert all(each > on_grid[0] for each in played)
