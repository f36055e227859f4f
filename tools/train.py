"""Train a drummer.

    python tools/train.py --gmd FOLDER [--loops FOLDER] [--composable FILE] [--grooveforge FOLDER]
                          --out FOLDER [--size small] [--epochs N] [--device DEVICE] [--repeat 3]

Only what each corpus marks as training data is learned from; validation is that of the Groove MIDI Dataset.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import torch
import yaml
from rich.console import Console
from rich.table import Table

from liveengine.model.parts import ModelConfig
from liveengine.training.collections import read_composable, read_grooveforge
from liveengine.training.corpus import Take, condition_space, read_corpus
from liveengine.training.loop import Progress, TrainingConfig, train
from liveengine.training.windows import sequence_of

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gmd", type=Path, required=True, help="the Groove MIDI Dataset, with info.csv")
    parser.add_argument("--loops", type=Path, help="transcribed loops, laid out in the same way")
    parser.add_argument("--composable", type=Path, help="catalog.json of composable-drum-patterns")
    parser.add_argument("--grooveforge", type=Path, help="folder with .gfdrum files")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--size", default="small", help="configs/model and configs/training file")
    parser.add_argument("--epochs", type=int, help="instead of the configured number")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeat", type=int, default=3, help="how often the loops count")
    return parser.parse_args()


def gather(options: argparse.Namespace, console: Console, seed: int) -> tuple[list[Take], list[Take]]:
    """Return the takes to train on, repeated as asked, and those of the validation split."""

    def corpus(folder: Path) -> list[Take]:
        found, left_out = read_corpus(folder)
        for skipped in left_out:
            console.print(f"left out {folder.name}/{skipped.name}: {skipped.reason}")
        return found

    human = corpus(options.gmd)
    found = list(human)
    if options.loops:
        found += corpus(options.loops) * options.repeat
    if options.composable:
        found += read_composable(options.composable, random.Random(seed))
    if options.grooveforge:
        found += read_grooveforge(options.grooveforge)
    training = [take for take in found if take.split == "train"]
    return training, [take for take in human if take.split == "validation"]


def overview(takes: Sequence[Take]) -> Table:
    """Return takes and bars per genre, and how many of the bars are bound to a grid."""
    table = Table("genre", "takes", "bars", "of these on a grid")
    for genre in sorted({take.genre for take in takes}):
        of_genre = [take for take in takes if take.genre == genre]
        table.add_row(genre, *_counts(of_genre))
    table.add_section()
    table.add_row("all", *_counts(takes))
    return table


def _counts(takes: Sequence[Take]) -> tuple[str, str, str]:
    bars = sum(len(take.bars) for take in takes)
    on_grid = sum(len(take.bars) for take in takes if take.grid_bound)
    return str(len(takes)), str(bars), str(on_grid)


def main() -> None:
    """Read the corpora, train, and report each epoch."""
    options = parse()
    console = Console()
    settings = yaml.safe_load((CONFIGS / "training" / f"{options.size}.yaml").read_text())
    if options.epochs:
        settings["epochs"] = options.epochs
    size = yaml.safe_load((CONFIGS / "model" / f"{options.size}.yaml").read_text())
    config = TrainingConfig(**settings)
    takes, held_out = gather(options, console, config.seed)
    space = condition_space(takes)
    console.print(overview(takes))
    corpora = [options.gmd, options.loops, options.composable, options.grooveforge]

    def report(progress: Progress) -> None:
        console.print(
            f"epoch {progress.epoch + 1}: {progress.training_bits:.3f} bits/note training, "
            f"{progress.validation_bits:.3f} validation, {progress.seconds:.0f} s"
        )

    train(
        ModelConfig(condition_size=space.size, **size),
        config,
        space=space,
        training=[sequence_of(take, space) for take in takes],
        validation=[sequence_of(take, space) for take in held_out],
        out=options.out,
        device=torch.device(options.device),
        describe={"corpora": [corpus.name for corpus in corpora if corpus], "takes": len(takes)},
        report=report,
    )


if __name__ == "__main__":
    main()
