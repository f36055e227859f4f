"""Where the pedal stands: contexts of strokes, counts by level, and the file beside a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from liveengine.config.settings import default_checkpoint
from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.hat_pedal import (
    FORMAT,
    HATS_FILE,
    LEVELS,
    HatCounts,
    HatStroke,
    context_of,
    hat_strokes,
    level_of,
    load_hats,
    save_hats,
)
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.kit import Articulation, articulation_of
from liveengine.music.pattern import Bar, Hit

CLOSED, PEDAL, OPEN = Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT
MOST_BYTES = 100_000
WITHOUT_A_FOOT = {"techno", "house", "trap", "dnb", "garage", "electro", "boombap", "lofi", "j_dilla"}


def counts(*rows: tuple[tuple[int, int, int, int], int, int]) -> HatCounts:
    """Return counts of (context, level, strokes)."""
    counted: dict[tuple[int, int, int, int], list[int]] = {}
    for context, level, strokes in rows:
        counted.setdefault(context, [0] * LEVELS)[level] += strokes
    return HatCounts.of(counted)


def test_levels_part_half_open_from_open_where_kits_do() -> None:
    steps = [step / 90 for step in range(91)]
    assert level_of(0.0) == 0
    assert level_of(1.0) == LEVELS - 1
    assert [level_of(each) for each in steps] == sorted(level_of(each) for each in steps)
    half = {level_of(each) for each in steps if articulation_of(OPEN, each) is Articulation.HALF_OPEN_HAT}
    assert half.isdisjoint(
        level_of(each) for each in steps if articulation_of(OPEN, each) is not Articulation.HALF_OPEN_HAT
    )


def test_a_context_is_the_stroke_and_the_one_before() -> None:
    before = HatStroke(-12, OPEN, 0.5)
    assert context_of(CLOSED, 0, None) == (0, LEVELS, 3, 3)
    assert context_of(CLOSED, 0, before) == (0, level_of(0.5), 2, 0)
    assert [context_of(PEDAL, tick, before)[3] for tick in (5, 6, 23, 24, 59, 60)] == [0, 1, 1, 2, 2, 3]


def test_strokes_go_by_time_and_the_foot_under_a_hand_is_none_of_its_own() -> None:
    hits = (Hit(0, CLOSED, 5, 90), Hit(0, PEDAL, -6, 80), Hit(1, OPEN, -6, 90), Hit(4, PEDAL, 0, 80))
    bar = Bar(FOUR_FOUR, tuple(sorted((*hits, Hit(4, Voice.KICK, 0, 90)))))
    assert hat_strokes(bar) == [hits[0], hits[2], hits[3]]
    late = Bar(FOUR_FOUR, (Hit(0, CLOSED, 5, 90), Hit(1, OPEN, -6, 90), Hit(1, OPEN, 5, 80)))
    assert [hit.micro for hit in hat_strokes(late)] == [5, -6, 5]


def test_what_was_saved_comes_back_and_kin_share(tmp_path: Path) -> None:
    rock = counts(((0, 8, 3, 3), 0, 70_000), ((2, 0, 0, 1), 3, 7))
    punk = counts(((2, 0, 0, 1), 3, 5), ((2, 1, 2, 1), 6, 1))
    save_hats(tmp_path, {"rock": rock, "punk": punk}, {"metal": ("rock", "punk")}, "me")
    found = load_hats(tmp_path)
    assert list(found) == ["rock", "punk", "metal"]
    for name, saved in (("rock", rock), ("punk", punk)):
        assert np.array_equal(found[name].contexts, saved.contexts)
        assert np.array_equal(found[name].counts, saved.counts)
    metal = {context: row.tolist() for context, row in found["metal"].rows()}
    assert metal[2, 0, 0, 1][3] == 12
    assert metal[0, 8, 3, 3][0] == 70_000
    assert metal[2, 1, 2, 1][6] == 1


def test_a_checkpoint_without_the_file_has_none(tmp_path: Path, small_checkpoint: Path) -> None:
    assert load_hats(tmp_path) == {}
    assert load_checkpoint(small_checkpoint).hats == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "liveengine hats 2"}, "expected format 'liveengine hats 1', got 'liveengine hats 2'"),
        ({"genres": "["}, "expected hi-hats, got: "),
        ({"genres": "[]"}, r"expected contexts \(n, 5\) of 0 genres"),
        ({"kin": '{"metal": ["rocks"]}'}, "expected kin among rock, got rocks"),
        ({"contexts": np.zeros((1, 4), np.uint8)}, r"expected contexts \(n, 5\)"),
        ({"contexts": np.full((1, 5), [0, 3, 0, 0, 0], np.uint8)}, "expected contexts below"),
        ({"counts": np.zeros((1, 9), np.uint32)}, "expected contexts and counts"),
        ({"counts": np.zeros((1, LEVELS))}, "expected contexts and counts"),
    ],
)
def test_what_is_no_such_file_is_refused_by_its_name(
    tmp_path: Path, change: dict[str, str | np.ndarray], told: str
) -> None:
    tensors: dict[str, np.ndarray] = {
        "contexts": np.zeros((1, 5), np.uint8),
        "counts": np.ones((1, LEVELS), np.uint32),
    }
    about = {"format": FORMAT, "genres": json.dumps(["rock"]), "kin": "{}"}
    save_file(tensors, tmp_path / HATS_FILE, about)
    assert list(load_hats(tmp_path)) == ["rock"]
    for name, value in change.items():
        if isinstance(value, str):
            about[name] = value
        else:
            tensors[name] = value
    save_file(tensors, tmp_path / HATS_FILE, about)
    with pytest.raises(CheckpointError, match=told) as refused:
        load_hats(tmp_path)
    assert str(refused.value).startswith(str(tmp_path / HATS_FILE))


def test_the_shipped_file_is_small_and_has_the_genres_of_drummers_only() -> None:
    path = default_checkpoint() / HATS_FILE
    assert path.stat().st_size < MOST_BYTES
    assert {name.split(".")[0] for name in load_file(path)} == {"contexts", "counts"}
    shipped = load_checkpoint(default_checkpoint())
    assert set(shipped.hats) <= set(shipped.space.genres)
    assert {"rock", "funk", "jazz", "reggae", "metal", "disco"} <= set(shipped.hats)
    assert WITHOUT_A_FOOT.isdisjoint(shipped.hats)
