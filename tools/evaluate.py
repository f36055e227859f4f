"""Measure a drummer against real playing.

    python tools/evaluate.py --data-dir FOLDER --json OUT [--checkpoint FILE] [--reference-dir FOLDER ...]
                             [--bars N] [--seed N]
    python tools/evaluate.py --write-reference --reference-dir FOLDER ... [--checkpoint FILE]

Every row of the folder's info.csv is scored, whatever its split. The training bars, for the classifiers and
for copying, are those of --reference-dir (rows marked validation or test left out, and those that are
scored), else the features and hashes that lie beside the checkpoint's weights, which --write-reference makes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from liveengine.config.cards import load_cards
from liveengine.config.kits import load_kit
from liveengine.config.settings import configs_folder
from liveengine.config.style_library import load_repertoire
from liveengine.errors import LiveEngineError
from liveengine.generation.generator import BarGenerator
from liveengine.model.checkpoint import WEIGHTS_FILE, load_checkpoint
from liveengine.music.control import ControlState
from liveengine.music.pattern import Bar
from liveengine.music.request import PHRASE_BARS
from liveengine.music.style import Style
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.request import PatternRequest
from liveengine.planning.bar_builder import USUAL_TEMPERATURE, conditioning
from liveengine.training.corpus import Take, read_corpus
from liveengine.training.evaluation.genre_facts import (
    drift,
    genre_facts,
    repetition,
    section_facts,
)
from liveengine.training.evaluation.performance import Performer
from liveengine.training.evaluation.reference import (
    REFERENCE_FILE,
    Reference,
    load_reference,
    make_reference,
    save_reference,
    training_takes,
)
from liveengine.training.evaluation.report import evaluate, table, verdict_on_judge

ALONE_BARS = 64
SHOWN_BARS = 32
"""Of these, how many are looked at for repetition."""
SONG = ("verse", "chorus", "break")
CHECKPOINT = Path(__file__).resolve().parent.parent / "liveengine" / "checkpoints" / "small"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, help="folder with info.csv, whose rows are scored")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="default: the shipped one")
    parser.add_argument("--reference-dir", type=Path, nargs="+", default=[], help="training bars")
    parser.add_argument("--bars", type=int, default=600, help="bars to generate beside real ones")
    parser.add_argument("--runs", type=int, default=2, help="runs of 32 bars alone, of each style")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=1.0, help="of sampling, default 1")
    parser.add_argument("--device", default="cpu", help="for bits per note; bars are always made on the CPU")
    parser.add_argument("--write-reference", action="store_true", help=f"write {REFERENCE_FILE} and stop")
    options = parser.parse_args(arguments)
    if options.write_reference and not options.reference_dir:
        parser.error("--write-reference: name the training bars with --reference-dir")
    if not options.write_reference and (options.data_dir is None or options.json is None):
        parser.error("expected --data-dir and --json")
    return options


def read_reference(folders: list[Path], judged: list[Take]) -> Reference:
    """Return the reference of the training bars of some folders."""
    takes = [take for folder in folders for take in read_corpus(folder)[0]]
    return make_reference(training_takes(takes, (take.name for take in judged)))


def run(options: argparse.Namespace, console: Console) -> None:
    """Write the reference, or evaluate and show and write the figures."""
    weights: Path = options.checkpoint
    folder = weights.parent if weights.name == WEIGHTS_FILE else weights
    if options.write_reference:
        path = folder / REFERENCE_FILE
        save_reference(read_reference(options.reference_dir, []), path)
        console.print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
        return
    began = time.monotonic()
    checkpoint = load_checkpoint(folder)
    takes, left_out = read_corpus(options.data_dir)
    for skipped in left_out:
        console.print(f"left out {skipped.name}: {skipped.reason}", markup=False)
    reference = (
        read_reference(options.reference_dir, takes)
        if options.reference_dir
        else load_reference(folder / REFERENCE_FILE)
    )
    performer = Performer(BarGenerator(folder).generate, options.seed, options.temperature)
    with console.status("reading") as status:
        found = evaluate(
            checkpoint,
            takes,
            left_out,
            reference,
            performer,
            bars=options.bars,
            device=options.device,
            progress=lambda stage, done, total: status.update(f"{stage}: {done} of {total}"),
        )
    found |= steady_figures(folder, options)
    found["seconds"] = time.monotonic() - began
    shown = Table("figure", "generated", "real", "aim")
    for row in table(found):
        shown.add_row(*row)
    console.print(shown)
    console.print(verdict_on_judge(found), markup=False)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def steady_figures(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return what styles show of their cards' facts, and how they repeat themselves, played as on stage."""
    repertoire = load_repertoire(folder)
    cards = load_cards(configs_folder() / "cards")
    generator = BarGenerator(folder)
    performer = Performer(generator.generate, options.seed, options.temperature * USUAL_TEMPERATURE)
    runs: dict[str, list[list[Bar]]] = {}
    for style in repertoire.styles.styles:
        genre, _ = max(style.genres, key=lambda each: each[1])
        if genre not in cards:
            continue
        controls = ControlState(style.name, fill_every=0)
        asked = [conditioning(index, style, controls, style.middle_bpm) for index in range(ALONE_BARS)]
        for _ in range(options.runs):
            runs.setdefault(genre, []).append(performer.play(asked, musts=style.musts, opening=style.opening))

    songs = [song(style, generator, options.seed) for style in repertoire.styles.styles]
    every = [run for of_genre in runs.values() for run in of_genre]
    found = genre_facts(runs, cards)
    found |= repetition([run[:SHOWN_BARS] for run in every])
    return found | drift(every) | section_facts(songs)


def song(style: Style, generator: BarGenerator, seed: int) -> dict[str, list[Bar]]:
    """Return the bars, fills left out, of a verse, a chorus and a break, each as `generate` makes it."""
    found: dict[str, list[Bar]] = {}
    for name in SONG:
        asked = PatternRequest(style.name, bars=PHRASE_BARS, seed=seed, section=name)
        pattern = Pattern(asked, style, load_kit("gm"), "", "cpu")
        found[name] = []
        for lane in range(generator.lanes):
            generator.forget(lane)
        while (request := pattern.next_request()) is not None:
            reply = generator.generate(request)
            pattern.accept(reply)
            if not request.conditioning.fill:
                found[name].append(reply.bar)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command; errors that a user can cause become one line and exit status 2."""
    try:
        run(parse(arguments), Console())
    except LiveEngineError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
