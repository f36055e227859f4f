"""Style packs on disk: what is saved comes back, and what is no pack or does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import save_file

from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import Checkpoint, load_checkpoint
from liveengine.model.style_pack import FORMAT, StylePack, load_pack, load_packs, save_pack
from tests.conftest import CONFIG

ABOUT = {"format": FORMAT, "name": "mine", "checkpoint_sha256": "ab" * 32, "scores": "{}"}
VECTOR = np.linspace(-1, 1, CONFIG.width, dtype=np.float32)


@pytest.fixture
def loaded(small_checkpoint: Path) -> Checkpoint:
    return load_checkpoint(small_checkpoint)


def saved(folder: Path, pack: StylePack, name: str = "pack") -> Path:
    path = folder / f"{name}.safetensors"
    save_pack(pack, path)
    return path


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    vector=arrays(np.float32, st.integers(1, 64), elements=st.floats(-100, 100, width=32)),
    scores=st.dictionaries(st.text(max_size=9), st.floats(0, 100) | st.lists(st.integers()), max_size=4),
)
def test_what_was_saved_comes_back(
    tmp_path: Path, name: str, vector: np.ndarray, scores: dict[str, object]
) -> None:
    scores = json.loads(json.dumps(scores))
    found = load_pack(saved(tmp_path, StylePack(name, "ab" * 32, vector, scores)))
    assert (found.name, found.checkpoint_sha256, found.scores) == (name, "ab" * 32, scores)
    assert found.vector.dtype == np.float32
    assert np.array_equal(found.vector, vector)


def test_a_pack_saved_again_takes_the_old_one_s_place(tmp_path: Path) -> None:
    pack = StylePack("mine", "ab" * 32, VECTOR, {"bits": 5.5})
    saved(tmp_path, pack)
    found = load_pack(saved(tmp_path, replace(pack, vector=-VECTOR, scores={"bits": 5.1})))
    assert found.scores == {"bits": 5.1}
    assert np.array_equal(found.vector, -VECTOR)


def write(tensors: dict[str, np.ndarray], about: dict[str, str] | None) -> Callable[[Path], object]:
    return lambda path: save_file(tensors, path, metadata=about)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in ABOUT.items() if key != name}


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _: None, "expected a style pack, got: "),
    "a folder": (Path.mkdir, "expected a style pack, got: "),
    "empty": (Path.touch, "expected a style pack, got: "),
    "text": (lambda path: path.write_text("style: mine"), "expected a style pack, got: "),
    "no metadata": (write({"style": VECTOR}, None), "expected a style pack of format .*, got None"),
    "a later format": (
        write({"style": VECTOR}, ABOUT | {"format": "liveengine style pack 2"}),
        "expected a style pack of format 'liveengine style pack 1', got 'liveengine style pack 2'",
    ),
    "no name": (write({"style": VECTOR}, without("name")), "expected a style pack, got: 'name'"),
    "no hash": (write({"style": VECTOR}, without("checkpoint_sha256")), "got: 'checkpoint_sha256'"),
    "no vector": (write({"other": VECTOR}, ABOUT), "expected a style pack, got: "),
    "broken scores": (write({"style": VECTOR}, ABOUT | {"scores": "{"}), "expected a style pack, got: "),
    "a matrix": (write({"style": VECTOR[None]}, ABOUT), r"expected one vector .* of shape \(1, 32\)"),
    "doubles": (write({"style": VECTOR.astype(np.float64)}, ABOUT), "got float64"),
    "infinite": (
        write({"style": np.full(32, np.inf, np.float32)}, ABOUT),
        "expected one vector of finite float32",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_pack_is_refused_by_its_name(tmp_path: Path, case: str) -> None:
    make, told = WRONG[case]
    path = tmp_path / "mine.safetensors"
    make(path)
    with pytest.raises(CheckpointError, match=told) as refused:
        load_pack(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_scores_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write({"style": VECTOR}, without("scores"))(path)
    assert load_pack(path).scores == {}


def test_vectors_come_by_genre_in_the_order_of_their_files(tmp_path: Path, loaded: Checkpoint) -> None:
    packs = [StylePack(name, loaded.sha256, VECTOR * turn, {}) for turn, name in enumerate(("zouk", "afro"))]
    own = load_packs([saved(tmp_path, pack, pack.name) for pack in packs], loaded)
    assert list(own) == ["zouk", "afro"]
    assert [own[pack.name].vector.tolist() for pack in packs] == [pack.vector.tolist() for pack in packs]
    assert load_packs([], loaded) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"checkpoint_sha256": "0" * 64}, "style mine: learned for checkpoint 000000000000, and this is"),
        ({"name": "hiphop"}, "expected a name of its own, got hiphop, a genre there is"),
        ({"name": "first"}, "expected a name of its own, got first, a genre there is"),
        ({"vector": VECTOR[1:]}, "expected a vector of 32 numbers, got 31"),
    ],
)
def test_a_pack_that_does_not_fit_the_checkpoint_or_the_others_is_refused(
    tmp_path: Path, loaded: Checkpoint, change: dict[str, object], told: str
) -> None:
    pack = StylePack("mine", loaded.sha256, VECTOR, {})
    first = saved(tmp_path, replace(pack, name="first"), "first")
    assert list(load_packs([first, saved(tmp_path, pack)], loaded)) == ["first", "mine"]
    wrong = saved(tmp_path, replace(pack, **change))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=told):
        load_packs([first, wrong], loaded)
