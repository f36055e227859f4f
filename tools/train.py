"""Train a drummer.

    python tools/train.py --gmd FOLDER [--loops FOLDER] [--composable FILE] [--grooveforge FOLDER]
                          [--cards FOLDER] [--cards-bars N] --out FOLDER
                          [--size small] [--epochs N] [--device DEVICE] [--repeat 3]
                          [--init CHECKPOINT] [--teachers CHECKPOINT ...] [--resume] [--stop-after N]
                          [--learning-rate RATE] [--weight-decay D] [--dropout SHARE] [--seed N]
                          [--precision auto] [--checkpointing] [--tensorboard FOLDER] [--wandb PROJECT]

Only what each corpus marks as training data is learned from; validation is that of the Groove MIDI Dataset.
The folder gets the best epoch's checkpoint, the curve (history.jsonl), and at each epoch's end the state to
resume from. A training that was stopped goes on with the same command and --resume, to the same weights that
it would have had unstopped.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from liveengine.config.cards import load_cards
from liveengine.errors import ConfigError, CorpusError, LiveEngineError
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.music.card import Card
from liveengine.training.card_takes import card_takes
from liveengine.training.composable import read_composable
from liveengine.training.corpus import Take, condition_space, read_corpus, velocity_counts, with_level_ranges
from liveengine.training.grooveforge import read_grooveforge
from liveengine.training.history import Progress
from liveengine.training.loop import Tick, train
from liveengine.training.options import RunOptions, TrainingConfig
from liveengine.training.precision import PRECISIONS
from liveengine.training.state import STATE_FILE, read_counters
from liveengine.training.watch import STEPS_BETWEEN, Watch, figures_of_batch, figures_of_epoch, open_watches
from liveengine.training.windows import sequence_of

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
LEAST_TRAINING_BARS = 16
INTERRUPTED = 130


def parse() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gmd", type=Path, required=True, help="the Groove MIDI Dataset, with info.csv")
    parser.add_argument("--loops", type=Path, help="transcribed loops, laid out in the same way")
    parser.add_argument("--composable", type=Path, help="catalog.json of composable-drum-patterns")
    parser.add_argument("--grooveforge", type=Path, help="folder with .gfdrum files")
    parser.add_argument("--cards", type=Path, help="folder of genre cards to make takes from (configs/cards)")
    parser.add_argument("--cards-bars", type=int, default=4000, help="bars made of each card")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--size", default="small", help=f"one of {', '.join(sizes())}; see configs/model")
    parser.add_argument("--epochs", type=int, help="instead of the configured number")
    parser.add_argument("--learning-rate", type=float, help="peak, instead of the configured one")
    parser.add_argument("--init", type=Path, help="checkpoint whose weights to begin from, not at random")
    parser.add_argument(
        "--teachers", type=Path, nargs="+", default=[], help="checkpoints whose expectations are learned"
    )
    parser.add_argument("--weight-decay", type=float, help="instead of the configured one")
    parser.add_argument("--dropout", type=float, help="instead of the configured one")
    parser.add_argument("--seed", type=int, help="instead of the configured one")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeat", type=int, default=3, help="how often the loops count")
    parser.add_argument(
        "--keep", choices=("best", "last"), default="best", help="whose epoch's weights to keep"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last whole epoch in --out")
    parser.add_argument("--stop-after", type=int, help="end this run after that epoch, to be resumed")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument(
        "--checkpointing", action="store_true", help="less memory for more time: activations computed twice"
    )
    parser.add_argument("--tensorboard", type=Path, metavar="FOLDER", help="write curves for TensorBoard")
    parser.add_argument("--wandb", metavar="PROJECT", help="send curves to Weights & Biases")
    return parser.parse_args()


def sizes() -> list[str]:
    """Return the names of the configured sizes, smallest first."""
    found: dict[str, int] = {}
    for path in (CONFIGS / "model").glob("*.yaml"):
        if (CONFIGS / "training" / path.name).is_file():
            size = yaml.safe_load(path.read_text(encoding="utf-8"))
            found[path.stem] = size["layers"] * size["width"] ** 2
    return sorted(found, key=lambda name: found[name])


def configured(options: argparse.Namespace) -> tuple[dict[str, Any], TrainingConfig]:
    """Return the model's settings and how it is trained, as its size has it and the command line says.

    Raises ConfigError for a size that has no configuration, or a faulty one.
    """
    size = options.size
    if size not in sizes():
        raise ConfigError(f"--size: expected one of {', '.join(sizes())}, got {size!r}")
    settings = yaml.safe_load((CONFIGS / "training" / f"{size}.yaml").read_text(encoding="utf-8"))
    for name in ("epochs", "learning_rate", "weight_decay", "seed"):
        if (wanted := getattr(options, name)) is not None:
            settings[name] = wanted
    if settings["epochs"] < 1:
        raise ConfigError(f"epochs: expected 1 or more, got {settings['epochs']}")
    model = yaml.safe_load((CONFIGS / "model" / f"{size}.yaml").read_text(encoding="utf-8"))
    if options.dropout is not None:
        if not 0 <= options.dropout < 1:
            raise ConfigError(f"dropout: expected 0 or more, below 1, got {options.dropout}")
        model["dropout"] = options.dropout
    try:
        ModelConfig(condition_size=1, **model)
        return model, TrainingConfig(**settings)
    except TypeError as error:
        raise ConfigError(f"configs of size {size}: {error}") from error


def gather(
    options: argparse.Namespace, console: Console, cards: Sequence[Card], seed: int
) -> tuple[list[Take], list[Take]]:
    """Return the takes to train on, repeated as asked, and those of the validation split.

    Raises CorpusError where these are too few to learn from.
    """

    def corpus(folder: Path) -> list[Take]:
        found, left_out = read_corpus(folder)
        for skipped in left_out:
            console.print(f"left out {folder.name}/{skipped.name}: {skipped.reason}", markup=False)
        return found

    human = corpus(options.gmd)
    found = list(human)
    if options.loops:
        found += corpus(options.loops) * options.repeat
    if options.composable:
        found += read_composable(options.composable, random.Random(seed))
    if options.grooveforge:
        found += read_grooveforge(options.grooveforge)
    found += card_takes(cards, options.cards_bars, seed)
    training = [take for take in found if take.split == "train"]
    held_out = [take for take in human if take.split == "validation"]
    bars, held_out_bars = (sum(len(take.bars) for take in takes) for takes in (training, held_out))
    if bars < LEAST_TRAINING_BARS or not held_out_bars:
        raise CorpusError(
            f"{options.gmd}: too small to learn from: expected at least {LEAST_TRAINING_BARS} bars with the "
            f"split train and 1 with the split validation in info.csv, got {bars} and {held_out_bars}"
        )
    return training, held_out


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


def advice(size: str, device: torch.device, checkpointing: bool) -> str:
    """Return what to do where a size does not fit the device's memory."""
    smaller = sizes()[: sizes().index(size)]
    cures = [] if checkpointing else ["--checkpointing"]
    cures += [f"--size {' or '.join(reversed(smaller))}"] if smaller else []
    cures += ["--device cpu"] if device.type != "cpu" else []
    return ", or ".join(cures) or "a machine with more memory"


class Display:
    """Shows a training: a bar per epoch on a terminal, a line per epoch anywhere, and the watches."""

    def __init__(self, console: Console, watches: Sequence[Watch]) -> None:
        self._console = console
        self._watches = watches
        self._step = 0
        self._task: TaskID | None = None
        self.bar = ProgressBar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[bits]:.3f} bits/note  {task.fields[speed]:,.0f} tokens/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def batch(self, tick: Tick) -> None:
        """Move the bar on."""
        fields: dict[str, Any] = {
            "epoch": tick.epoch + 1,
            "bits": tick.training_bits,
            "speed": tick.tokens_per_s,
        }
        if self._task is None:
            self._task = self.bar.add_task("", total=tick.batches, **fields)
        self.bar.update(self._task, completed=tick.batch, **fields)
        self._step = tick.step
        if tick.step % STEPS_BETWEEN == 0:
            for watch in self._watches:
                watch.figures(tick.step, figures_of_batch(tick))

    def epoch(self, progress: Progress) -> None:
        """Print the epoch's line and make place for the next one's bar."""
        if self._task is not None:
            self.bar.remove_task(self._task)
            self._task = None
        self._console.print(
            f"epoch {progress.epoch + 1}: {progress.training_bits:.3f} bits/note training, "
            f"{progress.validation_bits:.3f} validation, {progress.seconds:.0f} s, "
            f"{progress.tokens_per_s:,.0f} tokens/s"
        )
        for watch in self._watches:
            watch.figures(self._step, figures_of_epoch(progress))


def main() -> int:
    """Read the corpora, train, and report each epoch; return the exit status."""
    options = parse()
    console = Console(soft_wrap=True)
    try:
        run(options, console)
    except LiveEngineError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        try:
            counters = read_counters(options.out)
        except LiveEngineError:
            counters = None
        done = counters.epochs if counters else 0
        console.print(
            f"stopped after {done} whole epochs" + (": --resume goes on from there" if done else "")
        )
        return INTERRUPTED
    return 0


def run(options: argparse.Namespace, console: Console) -> None:
    """Train as the command line says."""
    size, config = configured(options)
    device = _device(options.device)
    counters = read_counters(options.out)
    if counters is not None and not options.resume:
        raise ConfigError(
            f"{options.out}: a training of {counters.epochs} epochs is there; --resume goes on with it, "
            f"another --out leaves it, and without {STATE_FILE} it begins anew"
        )
    cards = list(load_cards(options.cards).values()) if options.cards else []
    takes, held_out = gather(options, console, cards, config.seed)
    played = {take.genre for take in takes if not take.authored}
    space = with_level_ranges(condition_space(takes), takes)
    console.print(overview(takes))
    model = ModelConfig(condition_size=space.size, **size)
    corpora = [options.gmd, options.loops, options.composable, options.grooveforge, options.cards]
    watches = open_watches(options.tensorboard, options.wandb, asdict(model) | asdict(config), options.out)
    display = Display(console, watches)
    try:
        with display.bar:
            train(
                model,
                config,
                space=space,
                training=[sequence_of(take, space, played) for take in takes],
                validation=[sequence_of(take, space) for take in held_out],
                out=options.out,
                device=device,
                describe={
                    "size": options.size,
                    "corpora": [corpus.name for corpus in corpora if corpus],
                    "takes": len(takes),
                },
                report=display.epoch,
                velocity_counts=velocity_counts(takes),
                run=RunOptions(
                    resume=options.resume,
                    keep=options.keep,
                    precision=options.precision,
                    checkpointing=options.checkpointing,
                    stop_after=options.stop_after,
                    advice=advice(options.size, device, options.checkpointing),
                ),
                start=load_checkpoint(options.init) if options.init else None,
                teachers=[load_checkpoint(each) for each in options.teachers],
                kin={card.genre: card.kin for card in cards},
                say=lambda message: console.print(message, markup=False),
                on_batch=display.batch,
            )
    finally:
        for watch in watches:
            watch.close()


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"--device: expected cpu, cuda or cuda:N, got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"--device {name}: this torch ({torch.__version__}) finds no CUDA device")
    return device


if __name__ == "__main__":
    sys.exit(main())
