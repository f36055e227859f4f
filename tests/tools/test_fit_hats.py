"""Hats learned from a small corpus and measured against it, by the tool's own command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from liveengine.model.hat_pedal import load_hats
from tests.training.test_corpus import row, write_table
from tests.training.test_hats import write_played
from tools.fit_hats import KIN, compared, main


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    names = {"a": "train", "b": "train", "c": "validation"}
    for name in names:
        write_played(folder / f"{name}.mid", [90, 90, 45, 0] * (160 if name == "c" else 40))
    write_table(folder, [row(name, "funk", split=split) for name, split in names.items()])
    return folder


def test_what_is_learned_lies_beside_the_checkpoint_and_is_played(
    corpus: Path, small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.fit_hats.KIN", {"hiphop": ("funk",)})
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(small_checkpoint, checkpoint)
    command = ["--gmd", str(corpus), "--checkpoint", str(checkpoint)]
    assert main(command) == 0
    learned = load_hats(checkpoint)
    assert set(learned) == {"funk", "hiphop"}
    assert learned["funk"].counts.sum() == 2 * 160, "what is held out is not learned from"
    figures = tmp_path / "figures.json"
    assert main([*command, "--measure", "--json", str(figures)]) == 0
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["all"] == found["funk"]
    assert found["funk"]["half_open_share_real"] == 0.25
    assert found["funk"]["w1_open_hat"] < 25


def test_kin_are_genres_of_the_shipped_drummer_without_takes_of_their_own() -> None:
    near = {name for others in KIN.values() for name in others}
    assert near.isdisjoint(KIN)


def test_faults_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--gmd", str(tmp_path)]) == 2
    assert "expected a file info.csv" in capsys.readouterr().err


def test_genres_with_few_strokes_have_no_figures() -> None:
    assert set(compared({"rock": []}, {"rock": []})) == set()
