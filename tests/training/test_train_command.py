"""The training command: it stops and goes on, and each thing that can be wrong is one clear line."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from liveengine.model.checkpoint import load_checkpoint
from liveengine.training.history import HISTORY_FILE, read_history
from tests.training.test_loop import HEADER, write_beat

COMMAND = Path(__file__).parents[2] / "tools" / "train.py"
TINY_MODEL = "layers: 1\nwidth: 16\nheads: 2\nwindow: 32\n"
TINY_TRAINING = "epochs: 2\nmax_tokens: 160\ntokens_per_batch: 640\nwarmup_steps: 2\n"

Run = Callable[..., tuple[int, str, str]]
"""Runs the command with arguments; returns its status, and what it wrote to stdout and stderr."""


@pytest.fixture(scope="module")
def command() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_command", COMMAND)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(
    command: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return the command with one size, "tiny"."""
    for name, settings in (("model", TINY_MODEL), ("training", TINY_TRAINING)):
        (tmp_path / "configs" / name).mkdir(parents=True)
        (tmp_path / "configs" / name / "tiny.yaml").write_text(settings)
    monkeypatch.setattr(command, "CONFIGS", tmp_path / "configs")

    def started(*arguments: str | Path) -> tuple[int, str, str]:
        size = () if "--size" in arguments else ("--size", "tiny")
        monkeypatch.setattr(sys, "argv", ["train.py", *map(str, arguments), *size, "--device", "cpu"])
        status: int = command.main()
        written = capsys.readouterr()
        return status, written.out, written.err

    return started


def corpus(folder: Path, bars: int, splits: tuple[str, ...]) -> Path:
    folder.mkdir()
    rows = []
    for number, split in enumerate(splits):
        write_beat(folder / f"{number}.mid", bars, number)
        rows.append(f"d1,s1,{number},rock,100,beat,4-4,{number}.mid,,14.4,{split}\n")
    (folder / "info.csv").write_text(HEADER + "".join(rows))
    return folder


def test_it_stops_goes_on_and_says_when_a_training_is_there(run: Run, tmp_path: Path) -> None:
    gmd = corpus(tmp_path / "gmd", 10, ("train", "train", "validation"))
    out = tmp_path / "made"
    status, told, _ = run("--gmd", gmd, "--out", out, "--stop-after", "1")
    assert status == 0
    assert "epoch 1:" in told
    assert "epoch 2:" not in told
    status, _, error = run("--gmd", gmd, "--out", out)
    assert status == 2
    assert "a training of 1 epochs is there; --resume goes on with it" in error
    status, told, _ = run("--gmd", gmd, "--out", out, "--resume")
    assert status == 0
    assert "epoch 2:" in told
    assert "epoch 1:" not in told
    assert [each.epoch for each in read_history(out / HISTORY_FILE)] == [0, 1]
    assert load_checkpoint(out).training["size"] == "tiny"
    status, told, _ = run("--gmd", gmd, "--out", tmp_path / "more", "--init", out, "--epochs", "1")
    assert status == 0
    first, begun = (read_history(folder / HISTORY_FILE)[0] for folder in (out, tmp_path / "more"))
    assert begun.training_bits < first.training_bits


def test_ctrl_c_says_where_it_goes_on(
    run: Run, command: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gmd = corpus(tmp_path / "gmd", 10, ("train", "train", "validation"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.Display, "epoch", interrupted)
    status, told, _ = run("--gmd", gmd, "--out", tmp_path / "made")
    assert status == 130
    assert "stopped after 1 whole epochs: --resume goes on from there" in told


@pytest.mark.parametrize(
    ("bars", "splits", "complaint"),
    [
        (3, ("train", "validation"), "got 3 and 3"),
        (20, ("train", "train"), "got 40 and 0"),
        (20, ("validation",), "got 0 and 20"),
    ],
)
def test_a_corpus_too_small_to_learn_from_is_refused(
    bars: int, splits: tuple[str, ...], complaint: str, run: Run, tmp_path: Path
) -> None:
    gmd = corpus(tmp_path / "gmd", bars, splits)
    status, _, error = run("--gmd", gmd, "--out", tmp_path / "made")
    assert status == 2
    assert "too small to learn from: expected at least 16 bars with the split train" in error
    assert complaint in error


def test_what_is_asked_for_must_be_there(run: Run, tmp_path: Path) -> None:
    nowhere = ("--gmd", tmp_path / "nowhere", "--out", tmp_path / "made")
    for arguments, complaint in (
        (("--size", "huge"), "--size: expected one of tiny, got 'huge'"),
        ((), "expected a file info.csv, found none"),
        (("--epochs", "0"), "epochs: expected 1 or more, got 0"),
        (("--dropout", "1"), "dropout: expected 0 or more, below 1, got 1.0"),
    ):
        status, _, error = run(*nowhere, *arguments)
        assert status == 2
        assert complaint in error


def test_a_student_learns_from_teachers_with_the_settings_that_are_said(run: Run, tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", 16, ("train", "validation"))
    for seed in ("1", "2"):
        assert run("--gmd", data, "--out", tmp_path / seed, "--seed", seed, "--weight-decay", "1")[0] == 0
    teachers = ("--teachers", tmp_path / "1", tmp_path / "2")
    assert run("--gmd", data, "--out", tmp_path / "taught", *teachers, "--dropout", "0")[0] == 0
    one, taught = (json.loads((tmp_path / name / "config.json").read_text()) for name in ("1", "taught"))
    assert (one["training"]["weight_decay"], one["training"]["seed"]) == (1.0, 1)
    assert taught["model"]["dropout"] == 0.0
    assert run("--gmd", data, "--out", tmp_path / "taught", "--resume", *teachers[:2])[0] == 2


def test_the_sizes_and_what_to_take_instead(command: ModuleType) -> None:
    assert command.sizes() == ["small", "medium", "base", "large"]
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert (
        command.advice("large", gpu, False)
        == "--checkpointing, or --size base or medium or small, or --device cpu"
    )
    assert command.advice("small", gpu, True) == "--device cpu"
    assert command.advice("small", cpu, True) == "a machine with more memory"
