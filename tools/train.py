"""Train a drummer on folders laid out like the Groove MIDI Dataset.

    python tools/train.py CORPUS [CORPUS ...] --out FOLDER [--size small]

The first corpus also gives the validation split. Add folders for further genres.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import yaml
from rich.console import Console

from liveengine.model.parts import ModelConfig
from liveengine.training.corpus import condition_space, read_corpus
from liveengine.training.loop import Progress, TrainingConfig, train
from liveengine.training.windows import sequence_of

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def main() -> None:
    """Read the corpora, train, and report each epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="+", help="folder with info.csv")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--repeat", type=int, default=3, help="how often later corpora count")
    parser.add_argument("--size", default="small", help="configs/model and configs/training file")
    parser.add_argument("--epochs", type=int, help="instead of the configured number")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    console = Console()

    takes = []
    for number, folder in enumerate(options.corpus):
        found, left_out = read_corpus(folder)
        for skipped in left_out:
            console.print(f"left out {folder.name}/{skipped.name}: {skipped.reason}")
        used = [take for take in found if number or take.split == "train"]
        takes += used * (options.repeat if number else 1)
        if number == 0:
            held_out = [take for take in found if take.split == "validation"]
    space = condition_space(takes)
    console.print(
        f"{len(takes)} takes, {sum(len(take.bars) for take in takes)} bars, genres: {', '.join(space.genres)}"
    )
    settings = yaml.safe_load((CONFIGS / "training" / f"{options.size}.yaml").read_text())
    if options.epochs:
        settings["epochs"] = options.epochs
    size = yaml.safe_load((CONFIGS / "model" / f"{options.size}.yaml").read_text())

    def report(progress: Progress) -> None:
        console.print(
            f"epoch {progress.epoch + 1}: {progress.training_bits:.3f} bits/note training, "
            f"{progress.validation_bits:.3f} validation, {progress.seconds:.0f} s"
        )

    train(
        ModelConfig(condition_size=space.size, **size),
        TrainingConfig(**settings),
        space=space,
        training=[sequence_of(take, space) for take in takes],
        validation=[sequence_of(take, space) for take in held_out],
        out=options.out,
        device=torch.device(options.device),
        describe={"corpora": [folder.name for folder in options.corpus], "takes": len(takes)},
        report=report,
    )


if __name__ == "__main__":
    main()
