# ruff: noqa: E402 (the project is found from its root)
"""Teach a checkpoint to listen: learn what a groove that is heard says, beside weights that stay as they are.

    python tools/train_listening.py --checkpoint CHECKPOINT --gmd FOLDER [--loops FOLDER] [--composable FILE]
                                    [--grooveforge FOLDER] [--cards FOLDER] [--cards-bars N] [--epochs N]

The checkpoint's folder gets `groove.safetensors` after each epoch. A line per epoch tells bits per note on
the validation split of the Groove MIDI Dataset, with a groove derived from each bar and without any.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console

from liveengine.config.cards import load_cards
from liveengine.errors import LiveEngineError
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.groove_evidence import save_evidence
from liveengine.training.listening import ListeningConfig, ListeningProgress, ListeningTrainer
from liveengine.training.windows import sequence_of
from tools.train import gather, overview

USUAL = ListeningConfig()
BATCHES_BETWEEN = 50


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="whose ear is trained")
    parser.add_argument("--gmd", type=Path, required=True, help="the Groove MIDI Dataset, with info.csv")
    parser.add_argument("--loops", type=Path, help="transcribed loops, laid out in the same way")
    parser.add_argument("--composable", type=Path, help="catalog.json of composable-drum-patterns")
    parser.add_argument("--grooveforge", type=Path, help="folder with .gfdrum files")
    parser.add_argument("--cards", type=Path, help="folder of genre cards to make takes from (configs/cards)")
    parser.add_argument("--cards-bars", type=int, default=1200, help="bars made of each card")
    parser.add_argument("--repeat", type=int, default=1, help="how often the loops count")
    parser.add_argument("--epochs", type=int, default=USUAL.epochs)
    parser.add_argument("--seed", type=int, default=USUAL.seed)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, console: Console) -> None:
    """Train as the command line says."""
    loaded = load_checkpoint(options.checkpoint)
    cards = list(load_cards(options.cards).values()) if options.cards else []
    takes, held_out = gather(options, console, cards, options.seed)
    known = set(loaded.space.genres)
    takes, held_out = ([take for take in each if take.genre in known] for each in (takes, held_out))
    console.print(overview(takes))
    played = {take.genre for take in takes if not take.authored}
    config = replace(USUAL, epochs=options.epochs, seed=options.seed)
    trainer = ListeningTrainer(loaded.build(), loaded.space, config)

    def report(progress: ListeningProgress) -> None:
        console.print(
            f"epoch {progress.epoch + 1}: {progress.training_bits:.3f} bits/note training; validation "
            f"{progress.heard_bits:.3f} with what is heard, {progress.deaf_bits:.3f} without"
        )
        save_evidence(options.checkpoint, trainer.tables.arrays(), loaded.sha256)

    def tick(step: int, total: int, bits: float) -> None:
        if step % BATCHES_BETWEEN == 0:
            console.print(f"batch {step} of {total}: {bits:.3f} bits/note")

    trainer.train(
        [sequence_of(take, loaded.space, played) for take in takes],
        [sequence_of(take, loaded.space) for take in held_out],
        report,
        tick,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = parse(arguments)
    try:
        run(options, Console(soft_wrap=True))
    except LiveEngineError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
