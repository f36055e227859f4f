"""Draw the report of a model as one HTML page that loads nothing.

    python tools/report.py EVALUATION.json --out report.html [--history history.jsonl] [--checkpoint FOLDER]
                           [--data-dir FOLDER] [--bars 240] [--styles funk,jazz] [--seed 1]

EVALUATION.json is what tools/evaluate.py wrote. The training curve is drawn where a history is named or lies
in the checkpoint's folder; histograms where --data-dir names a corpus like the Groove MIDI Dataset; four bars
of each style always. The checkpoint is the shipped one unless another is named.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from liveengine.config.settings import default_checkpoint, load_styles
from liveengine.errors import LiveEngineError
from liveengine.generation.generator import BarGenerator
from liveengine.model.checkpoint import load_checkpoint
from liveengine.music.control import ControlState
from liveengine.music.request import Conditioning
from liveengine.music.style import Style
from liveengine.planning.bar_builder import conditioning
from liveengine.training.corpus import Take, read_corpus
from liveengine.training.evaluation.performance import WARM_UP_BARS, Performer
from liveengine.training.history import HISTORY_FILE, read_history
from liveengine.training.page import PlayedBar, Roll, read_evaluation, report_page

ROLL_BARS = 4
RUN_BARS = 8
"""Bars kept of one run of generated bars; then the next begins from nothing."""


def main() -> int:
    """Read, generate, draw, and write the page; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("evaluation", type=Path, help="figures that tools/evaluate.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="the page to write")
    parser.add_argument("--history", type=Path, help="history.jsonl that tools/train.py wrote")
    parser.add_argument("--checkpoint", type=Path, help="instead of the shipped one")
    parser.add_argument("--data-dir", type=Path, help="real playing for the histograms: its validation split")
    parser.add_argument("--bars", type=int, default=240, help="bars to generate for the histograms, about")
    parser.add_argument("--styles", help="names of the styles to draw, with commas between; else all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    try:
        run(options, console)
    except (LiveEngineError, OSError) as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    return 0


def run(options: argparse.Namespace, console: Console) -> None:
    """Make the page as the command line says."""
    figures = read_evaluation(options.evaluation)
    checkpoint = options.checkpoint or default_checkpoint()
    space = load_checkpoint(checkpoint).space
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    history = options.history or folder / HISTORY_FILE
    epochs = read_history(history) if options.history or history.is_file() else []
    performer = Performer(write=BarGenerator(checkpoint).generate, seed=options.seed)
    real: list[PlayedBar] = []
    generated: list[PlayedBar] = []
    if options.data_dir:
        takes = evaluated(read_corpus(options.data_dir)[0], space.genres)
        real = [(bar, take.bpm) for take in takes for bar in take.bars]
        share = min(1.0, options.bars / max(1, len(real)))
        for take in track(takes, "playing", console=console, disable=not console.is_terminal):
            generated += play_like(take, share, performer)
    rolls = [
        four_bars(style, performer)
        for style in track(
            wanted_styles(options.styles, space.genres),
            "drawing",
            console=console,
            disable=not console.is_terminal,
        )
    ]
    page = report_page(
        f"liveengine: {folder.name}",
        figures,
        history=epochs,
        real=real,
        generated=generated,
        rolls=rolls,
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    console.print(f"{options.out}: {len(rolls)} styles, {len(real)} real bars, {len(generated)} generated")


def evaluated(takes: Sequence[Take], genres: Sequence[str]) -> list[Take]:
    """Return the beats of the validation split, or of every split where none is marked so."""
    beats = [take for take in takes if not take.is_fill and take.genre in genres]
    return [take for take in beats if take.split == "validation"] or beats


def play_like(take: Take, share: float, performer: Performer) -> list[PlayedBar]:
    """Return generated bars, a share of the take's number, asked for its style, tempo and meter."""
    left = max(1, round(share * len(take.bars)))
    conditioning = Conditioning(genres=((take.genre, 1.0),), bpm=take.bpm)
    played: list[PlayedBar] = []
    while left:
        length = min(left, RUN_BARS)
        bars = performer.play([conditioning] * (WARM_UP_BARS + length), take.bars[0].meter)
        played += [(bar, take.bpm) for bar in bars[WARM_UP_BARS:]]
        left -= length
    return played


def wanted_styles(names: str | None, genres: Sequence[str]) -> list[Style]:
    """Return the styles named, or all whose genres the checkpoint has learned."""
    book = load_styles()
    if names:
        return [book.find(name) for name in names.split(",")]
    return [style for style in book.styles if all(genre in genres for genre, _ in style.genres)]


def four_bars(style: Style, performer: Performer) -> Roll:
    """Return the first four bars of a style, as they are played on stage, at the middle of its tempos."""
    controls = ControlState(style.name)
    asked = [conditioning(index, style, controls, style.middle_bpm) for index in range(ROLL_BARS)]
    return Roll(
        style.title, tuple(performer.play(asked, musts=style.musts, opening=style.opening)), style.middle_bpm
    )


if __name__ == "__main__":
    sys.exit(main())
