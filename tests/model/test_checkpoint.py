"""Checkpoints: what was saved comes back, and what does not fit is refused with its place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from liveengine.config.style_library import load_repertoire
from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import load_checkpoint
from tests.conftest import CONFIG, SPACE, untrained_model


def test_what_was_saved_comes_back(small_checkpoint: Path) -> None:
    loaded = load_checkpoint(small_checkpoint)
    assert loaded.config == CONFIG
    assert loaded.space == SPACE
    expected = untrained_model().state_dict()
    rebuilt = loaded.build().state_dict()
    assert all(torch.equal(expected[name], rebuilt[name]) for name in expected)
    assert len(loaded.sha256) == 64


def test_the_weights_file_names_its_folder(small_checkpoint: Path) -> None:
    assert load_checkpoint(small_checkpoint / "model.safetensors").config == CONFIG


def _edit(name: str, change: Callable[[dict], None]) -> Callable[[Path], None]:  # type: ignore[type-arg]
    def spoil(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        change(content)
        (folder / name).write_text(json.dumps(content))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"nonsense"), "safetensors"),
        (_edit("tokenizer.json", lambda each: each.update(tokenization="REMI")), "DrumTokenizer"),
        (_edit("tokenizer.json", lambda each: each.update(vocabulary_sha256="0" * 64)), "tokens"),
        (_edit("config.json", lambda each: each.update(vocabulary=7)), "7 tokens"),
        (_edit("config.json", lambda each: each["controls"]["genres"].append("polka")), "features"),
        (_edit("config.json", lambda each: each.update(format=99)), "format"),
    ],
)
def test_what_does_not_fit_is_refused(
    small_checkpoint: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    folder = tmp_path / "spoiled"
    shutil.copytree(small_checkpoint, folder)
    spoil(folder)
    with pytest.raises(CheckpointError, match=told):
        load_checkpoint(folder)


def test_one_of_a_newer_version_is_named_as_such_whatever_else_it_holds(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "newer"
    shutil.copytree(small_checkpoint, folder)
    (folder / "config.json").write_text('{"format": 2, "network": "of a kind that is not known here"}')
    for load in (load_checkpoint, load_repertoire):
        with pytest.raises(CheckpointError, match=r"expected format 1, got 2: .*newer liveengine; upgrade"):
            load(folder)
    (folder / "config.json").write_text("[]")
    for load in (load_checkpoint, load_repertoire):
        with pytest.raises(CheckpointError, match="expected a model configuration"):
            load(folder)


def test_weights_of_another_size_are_refused(small_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(small_checkpoint, folder)
    _edit("config.json", lambda each: each["model"].update(width=64))(folder)
    with pytest.raises(CheckpointError, match="fit"):
        load_checkpoint(folder).build()
