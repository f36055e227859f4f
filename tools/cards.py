"""Read genre cards, and see and hear what the sampler makes of them.

    python tools/cards.py [GENRE ...] [--cards FOLDER] [--seed N] [--takes N] [--midi FOLDER]
                           [--page FILE]

Prints piano-rolls of takes and how many of their bars show each of the card's facts. `--midi` writes the
takes as MIDI files too, `--page` their first eight bars as a page. Without a genre it prints the facts of
every card.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from liveengine.config.cards import load_cards
from liveengine.errors import LiveEngineError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.card import Card
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.tokens.tokenizer import bars_to_score
from liveengine.training.card_takes import card_take
from liveengine.training.corpus import Take
from liveengine.training.page import Roll, report_page

CARDS = Path(__file__).resolve().parent.parent / "configs" / "cards"
LOUDNESS = "·░▒▓█"


def roll(bars: list[Bar]) -> str:
    """Return a piano-roll of bars, a character a sixteenth; digits count strokes that share one."""
    lines = []
    for voice in reversed(Voice):
        cells = []
        for bar in bars:
            row = []
            for step in range(bar.meter.steps):
                struck = [hit for hit in bar.hits if hit.voice is voice and hit.step == step]
                loud = LOUDNESS[1 + min(3, max(hit.velocity for hit in struck) // 32)] if struck else "·"
                row.append(str(len(struck)) if len(struck) > 1 else loud)
            cells.append("".join(row))
        if any(each.strip("·") for each in cells):
            lines.append(f"{voice.label:>10} |{'|'.join(cells)}|")
    return "\n".join(lines)


def facts_of(card: Card, bars: list[Bar]) -> list[tuple[str, float, float]]:
    """Return (fact, share of bars that show it, share expected)."""
    usable = [bar for bar in bars if bar.meter == FOUR_FOUR]
    return [
        (fact.text, sum(fact.shown.holds(bar) for bar in usable) / max(1, len(usable)), fact.share)
        for fact in card.facts
    ]


def main() -> int:
    """Print what was asked for; a faulty card becomes one line and exit status 2."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("genres", nargs="*")
    parser.add_argument("--cards", type=Path, default=CARDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--takes", type=int, default=2)
    parser.add_argument("--midi", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    try:
        cards = load_cards(options.cards)
    except LiveEngineError as error:
        print(f"cards: {error}", file=sys.stderr)
        return 2
    rolls: list[Roll] = []
    for genre in options.genres or cards:
        if genre not in cards:
            print(f"cards: expected one of {', '.join(cards)}; got {genre!r}", file=sys.stderr)
            return 2
        rolls += show(cards[genre], options, rolls=bool(options.genres))
    if options.page:
        options.page.write_text(report_page("Genre cards", {}, rolls=rolls), encoding="utf-8")
    return 0


def show(card: Card, options: argparse.Namespace, *, rolls: bool) -> list[Roll]:
    """Print one card's takes and facts; return the piano-rolls of its takes."""
    rng = random.Random(f"{options.seed}/{card.genre}")
    takes: list[Take] = [
        card_take(card, rng, f"{card.genre}-{number}") for number in range(max(20, options.takes))
    ]
    for take in takes[: options.takes] if rolls else []:
        print(f"\n{take.style}, {take.bpm:g} bpm")
        for start in range(0, 8, 4):
            print(roll(list(take.bars[start : start + 4])), "\n")
    # The last bar of eight is a fill more often than not: facts are about the others.
    bars = [bar for take in takes for index, bar in enumerate(take.bars) if index % 4 != 3]
    density = sum(len(bar.hits) / bar.meter.beats for bar in bars) / len(bars)
    print(f"\n{card.title} ({card.genre}): {density:.1f} strokes a beat")
    for text, share, expected in facts_of(card, bars):
        print(f"  {'' if share >= expected else '!'} {share:.2f} (of {expected:.2f}) {text}")
    if options.midi:
        options.midi.mkdir(parents=True, exist_ok=True)
        for take in takes[: options.takes]:
            bars_to_score(take.bars, take.bpm).dump_midi(str(options.midi / f"{take.name}.mid"))
    return [Roll(take.style, take.bars[:8], take.bpm) for take in takes[: options.takes]]


if __name__ == "__main__":
    sys.exit(main())
