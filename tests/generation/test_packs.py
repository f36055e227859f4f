"""Style packs: an own genre mixes with learned ones, and one for another checkpoint is refused."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liveengine.errors import CheckpointError, ContractError
from liveengine.generation.generator import BarGenerator
from liveengine.generation.process_source import LocalBarSource, ProcessBarSource
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.style_pack import StylePack, load_pack, save_pack
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.pattern import Bar
from liveengine.music.request import BarRequest, Conditioning
from tests.generation.test_process_source import wait_for_answer
from tests.waiting import PATIENCE_S

Mixture = tuple[tuple[str, float], ...]


def bars(generator: BarGenerator, mixture: Mixture, count: int = 4) -> list[Bar]:
    asked = Conditioning(mixture, 100.0)
    return [
        generator.generate(BarRequest(1000 + seed, seed, FOUR_FOUR, asked, (), seed)).bar
        for seed in range(count)
    ]


@pytest.fixture
def pack(small_checkpoint: Path) -> StylePack:
    """The vector of funk itself, under a name of its own."""
    loaded = load_checkpoint(small_checkpoint)
    funk = loaded.weights["controls.weight"][:, loaded.space.genres.index("funk")]
    return StylePack("mine", loaded.sha256, funk.astype(np.float32), {"bits_per_note_after": 5.5})


def saved(pack: StylePack, folder: Path) -> Path:
    path = folder / "mine.safetensors"
    save_pack(pack, path)
    return path


def test_a_pack_comes_back_as_it_was_saved(pack: StylePack, tmp_path: Path) -> None:
    found = load_pack(saved(pack, tmp_path))
    assert (found.name, found.checkpoint_sha256, found.scores) == (
        "mine",
        pack.checkpoint_sha256,
        pack.scores,
    )
    assert np.array_equal(found.vector, pack.vector)


def test_an_own_genre_stands_where_a_learned_one_stands(
    small_checkpoint: Path, pack: StylePack, tmp_path: Path
) -> None:
    with_pack = BarGenerator(small_checkpoint, "cpu", [saved(pack, tmp_path)])
    funk = bars(with_pack, (("funk", 1.0),))
    assert bars(with_pack, (("mine", 1.0),)) == funk
    mixed = bars(with_pack, (("jazz", 0.5), ("funk", 0.5)))
    assert bars(with_pack, (("mine", 0.5), ("jazz", 0.5))) == mixed
    assert mixed != funk


def test_a_pack_changes_nothing_of_the_learned_styles(
    small_checkpoint: Path, pack: StylePack, tmp_path: Path
) -> None:
    mixture = (("jazz", 0.3), ("funk", 0.7))
    plain = bars(BarGenerator(small_checkpoint), mixture)
    assert bars(BarGenerator(small_checkpoint, "cpu", [saved(pack, tmp_path)]), mixture) == plain


def test_a_local_source_plays_packs(small_checkpoint: Path, pack: StylePack, tmp_path: Path) -> None:
    source = LocalBarSource(small_checkpoint, "cpu", [saved(pack, tmp_path)])
    source.request(BarRequest(7, 0, FOUR_FOUR, Conditioning((("mine", 1.0),)), (), 3))
    reply = source.poll()
    assert reply is not None
    assert reply.serial == 7


def test_the_generator_process_plays_packs(small_checkpoint: Path, pack: StylePack, tmp_path: Path) -> None:
    source = ProcessBarSource(small_checkpoint, "cpu", packs=[saved(pack, tmp_path)])
    try:
        source.request(BarRequest(7, 0, FOUR_FOUR, Conditioning((("mine", 1.0),)), (), 3))
        deadline = time.monotonic() + PATIENCE_S
        while (reply := source.poll()) is None and time.monotonic() < deadline:
            wait_for_answer(source)
        assert reply is not None
        assert reply.serial == 7
    finally:
        source.close()


def test_without_its_pack_an_own_genre_is_unknown(small_checkpoint: Path) -> None:
    with pytest.raises(ContractError, match="mine"):
        bars(BarGenerator(small_checkpoint), (("mine", 1.0),))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"checkpoint_sha256": "0" * 64}, "learned for checkpoint 000000000000, and this is"),
        ({"name": "jazz"}, "expected a name of its own, got jazz"),
        ({"vector": np.zeros(5, np.float32)}, "expected a vector of 32 numbers, got 5"),
        ({"vector": np.full(32, np.nan, np.float32)}, "expected one vector of finite float32"),
    ],
)
def test_a_pack_that_does_not_fit_is_refused(
    small_checkpoint: Path, pack: StylePack, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    path = saved(replace(pack, **change), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=told):
        BarGenerator(small_checkpoint, "cpu", [path])


def test_what_is_no_pack_is_told(tmp_path: Path, small_checkpoint: Path) -> None:
    path = tmp_path / "junk.safetensors"
    path.write_bytes(b"no pack at all")
    with pytest.raises(CheckpointError, match="expected a style pack"):
        load_pack(path)
    with pytest.raises(CheckpointError, match="expected a style pack of format"):
        load_pack(small_checkpoint / "model.safetensors")
