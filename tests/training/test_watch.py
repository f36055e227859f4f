"""Watching a training from outside: only when asked for, with the missing package named; and the sizes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

from liveengine.errors import LiveEngineError
from liveengine.model.config import ModelConfig
from liveengine.model.network import DrumModel
from liveengine.training.history import Progress
from liveengine.training.loop import Tick
from liveengine.training.options import TrainingConfig
from liveengine.training.watch import figures_of_batch, figures_of_epoch, open_watches

ROOT = Path(__file__).parents[2]
TICK = Tick(epoch=0, batch=1, batches=4, step=10, training_bits=9.0, tokens_per_s=1e3, learning_rate=1e-3)


def test_nothing_is_loaded_unless_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("torch.utils.tensorboard", "wandb"):
        monkeypatch.setitem(sys.modules, module, None)
    assert open_watches(None, None, {}, tmp_path) == []
    with pytest.raises(LiveEngineError, match="--tensorboard: expected the package tensorboard"):
        open_watches(tmp_path, None, {}, tmp_path)
    with pytest.raises(LiveEngineError, match="--wandb: expected the package wandb"):
        open_watches(None, "drums", {}, tmp_path)


def test_both_are_told_the_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[tuple[Any, ...]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            told.append(("folder", folder))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            told.append((name, value, step))

        def close(self) -> None:
            told.append(("closed",))

    class Run:
        def log(self, found: dict[str, float], step: int) -> None:
            told.append((found, step))

        def finish(self) -> None:
            told.append(("finished",))

    def init(**settings: Any) -> Run:
        told.append(("project", settings["project"], settings["config"]))
        return Run()

    board, wandb = ModuleType("torch.utils.tensorboard"), ModuleType("wandb")
    board.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    wandb.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", board)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    watches = open_watches(tmp_path / "runs", "drums", {"layers": 4}, tmp_path)
    figures = figures_of_batch(TICK)
    for watch in watches:
        watch.figures(TICK.step, figures)
        watch.close()
    assert ("bits_per_note/training", 9.0, 10) in told
    assert (figures, 10) in told
    assert ("project", "drums", {"layers": 4}) in told
    assert told[-1] == ("finished",)
    assert figures_of_epoch(Progress(0, 9.0, 8.0, 60.0))["bits_per_note/validation"] == 8.0


@pytest.mark.parametrize(
    ("size", "millions", "stated"),
    [("small", (3, 8), None), ("base", (24, 27), "26.1 million"), ("large", (85, 90), "86.4 million")],
)
def test_the_sizes_are_what_they_say(size: str, millions: tuple[int, int], stated: str | None) -> None:
    path = ROOT / "configs" / "model" / f"{size}.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    TrainingConfig(**yaml.safe_load((ROOT / "configs" / "training" / f"{size}.yaml").read_text()))
    with torch.device("meta"):
        model = DrumModel(ModelConfig(condition_size=71, **settings))
    weights = sum(weight.numel() for weight in model.parameters()) / 1e6
    assert millions[0] <= weights <= millions[1]
    assert stated is None or f"{weights:.1f} million" == stated
    assert stated is None or stated in path.read_text(encoding="utf-8")
