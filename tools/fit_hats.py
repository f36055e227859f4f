# ruff: noqa: E402 (the project is found from its root)
"""Learn how open hi-hats are played, and write it beside a checkpoint; or measure what is played.

    python tools/fit_hats.py --gmd FOLDER [--checkpoint CHECKPOINT]
    python tools/fit_hats.py --gmd FOLDER --measure [--json OUT] [--seed N] [--bars N]

Learns from the pedal (CC 4) in the training split of the Groove MIDI Dataset v1.0.0 (Gillick et al. 2019,
CC BY 4.0) and writes `hats.safetensors`. `--measure` has the checkpoint play what each beat of the validation
split was asked to be, and compares how open its hats are with the drummers' own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.table import Table

from liveengine.errors import CorpusError, LiveEngineError
from liveengine.generation.generator import BarGenerator
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.hat_pedal import HAT_VOICES, save_hats
from liveengine.music.pattern import Bar
from liveengine.training.corpus import Take, conditionings, read_corpus
from liveengine.training.evaluation.performance import Performer
from liveengine.training.hats import LEAST_STROKES, HatPlaying, count_hats, pedal_distance, read_hats

CHECKPOINT = ROOT / "liveengine" / "checkpoints" / "small"
SOURCE = "Groove MIDI Dataset v1.0.0, training split (Gillick et al. 2019), CC BY 4.0"
KIN = {
    "breakbeat": ("funk",),
    "celtic": ("rock",),
    "disco": ("dance",),
    "gospel": ("soul", "funk"),
    "metal": ("rock", "punk"),
    "questlove": ("hiphop", "soul"),
    "rnb": ("soul",),
}
"""Genres of drummers whose feet the dataset has not recorded: they hold the pedal as these do, we suppose."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gmd", type=Path, required=True, help="the Groove MIDI Dataset, with info.csv")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="default: the shipped one")
    parser.add_argument("--measure", action="store_true", help="measure instead of learning")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bars", type=int, default=200, help="bars of each take, at most, that are played")
    return parser.parse_args(arguments)


def learn(options: argparse.Namespace, console: Console) -> None:
    """Learn from the training split."""
    genres = count_hats(take for take in read_hats(options.gmd) if take.split == "train")
    path = save_hats(options.checkpoint, genres, KIN, SOURCE)
    for genre, counts in genres.items():
        console.print(f"{genre}: {counts.counts.sum()} strokes in {len(counts.contexts)} contexts")
    console.print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


def play(performer: Performer, takes: list[Take], options: argparse.Namespace) -> dict[str, list[Bar]]:
    """Return bars by genre, played as the bars of takes were: same controls, same meters."""
    space = load_checkpoint(options.checkpoint).space
    found: dict[str, list[Bar]] = {}
    for take in takes:
        asked = list(conditionings(take, space))[: options.bars]
        if take.genre in space.genres:
            found.setdefault(take.genre, []).extend(performer.play(asked, take.bars[0].meter))
    return found


def measure(options: argparse.Namespace, console: Console) -> None:
    """Compare what is played with the validation split."""
    held_out = [take for take in read_hats(options.gmd) if take.split == "validation"]
    beats = [take for take in read_corpus(options.gmd)[0] if take.split == "validation" and not take.is_fill]
    performer = Performer(BarGenerator(options.checkpoint).generate, options.seed)
    with console.status("playing"):
        played = play(performer, beats, options)
    real: dict[str, list[Bar]] = {}
    for take in held_out:
        if not take.is_fill:
            real.setdefault(take.genre, []).extend(take.bars)
    figures = compared(played, real)
    if not figures:
        raise CorpusError(f"{options.gmd}: expected {LEAST_STROKES} held-out strokes of a hat, found fewer")
    console.print(shown(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def compared(played: dict[str, list[Bar]], real: dict[str, list[Bar]]) -> dict[str, dict[str, float]]:
    """Return the figures of each genre with enough strokes of a hat, and of all together."""
    both = sorted(played.keys() & real.keys())
    groups = {genre: (played[genre], real[genre]) for genre in both}
    groups["all"] = (
        [bar for genre in both for bar in played[genre]],
        [bar for genre in both for bar in real[genre]],
    )
    found: dict[str, dict[str, float]] = {}
    for genre, bars in groups.items():
        ours, theirs = map(HatPlaying.of, bars)
        if min(ours.strokes_by_hand, theirs.strokes_by_hand) < LEAST_STROKES:
            continue
        found[genre] = {
            "strokes_by_hand": ours.strokes_by_hand,
            "strokes_by_hand_real": theirs.strokes_by_hand,
            "half_open_share": ours.half_open_share,
            "half_open_share_real": theirs.half_open_share,
            "w1": pedal_distance(ours.every(), theirs.every()),
        }
        for voice in HAT_VOICES:
            found[genre][f"w1_{voice.label}"] = pedal_distance(ours.openness[voice], theirs.openness[voice])
    return found


def shown(figures: dict[str, dict[str, float]]) -> Table:
    """Return the figures as a table."""
    table = Table("genre", *next(iter(figures.values())))
    for genre, row in figures.items():
        table.add_row(
            genre, *(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values())
        )
    return table


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = parse(arguments)
    try:
        (measure if options.measure else learn)(options, Console(soft_wrap=True))
    except LiveEngineError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
