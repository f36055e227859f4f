# ruff: noqa: E402 (the project is found from its root)
"""Measure how the drummer listens: what he does beside a player, against the same run with ears closed.

    python tools/bench_listening.py --json OUT [--only accents|readings|change|...] [--seeds 3]

All of it in virtual time, with the riffs of tools/jam.py, an uneven hand (4 ms), three styles and some seeds.

`accents`: onset F1 of the kick with the player's accents, bars 3 to 16, with all of them taken over
(listen_accents 1) and with ears closed; and the share of bars, fills aside, that show each fact of their
genre's card, of those that show it with ears closed. `readings`: the same F1 in half and double time and in
meters other than 4/4. `change`: bars until that F1 has moved half of its way
after the accents have become another riff's. `levels`: rank correlation of the player's onsets and velocities
with the drummer's in the next bar, each averaged over the seeds. `pocket`: the drummer's mean offset against
ears closed on sixteenths that the player strikes 20 ms late. `trade`: whether answers begin on the right bar
line, and whether their accents are nearer to what was played than to the other riffs (cosine). `silence`: the
first silent bar, and the bar of the return.

What is timed live, a note's way to the plan and a flood of notes, is measured by tools/bench_control.py
--only listen and --only flood.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from rich.console import Console
from rich.table import Table

from liveengine.app.loading import LoadedSession, PlayOptions, load_session
from liveengine.config.cards import load_cards
from liveengine.config.settings import EngineSettings
from liveengine.engine.offline import PlayedMessage
from liveengine.generation.process_source import LocalBarSource
from liveengine.listening.listener import alike
from liveengine.music.beats import STEPS_PER_BEAT
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.planning.horizon import PlannedBar
from liveengine.training.evaluation.classifiers import spearman
from tools.jam import RIFFS, STEPS, Hand, Jammed, Riff, jam, played

STYLES = ("soul", "hiphop", "rock")
BPM = 104.0
BARS = 16
CHANGED_AT = 10
LEVEL_BARS = 32
LATE_MS = 20.0
ACCENT = 100
CARDS = ROOT / "configs" / "cards"


def loaded_for(style: str, seed: int) -> LoadedSession:
    """Return all that a jam in a style is made from."""
    settings = replace(EngineSettings(), style=style, seed=seed)
    return load_session(PlayOptions(settings, clock="virtual", bpm=BPM))


def jammed(
    style: str, seed: int, others: Sequence[PlayedMessage], bars: int, **controls: Any
) -> list[PlannedBar]:
    """Return the bars of a jam."""
    loaded = loaded_for(style, seed)
    source = LocalBarSource(loaded.checkpoint, "cpu", loaded.packs)
    found: Jammed = jam(loaded, source, others, bars, lambda state: replace(state, **controls))
    source.close()
    return [planned for planned in found.record.played if planned.index < bars]


def accents_of(riff: Riff, bar: int) -> frozenset[int]:
    """Return the sixteenths that a riff accents in a bar."""
    place = bar % riff.bars
    return frozenset(
        step % STEPS for step, _, loud in riff.notes if step // STEPS == place and loud >= ACCENT
    )


def kicks(bar: Bar) -> frozenset[int]:
    """Return the sixteenths on which a bar's kick is."""
    return frozenset(hit.step for hit in bar.hits if hit.voice is Voice.KICK)


def f1(pairs: Sequence[tuple[frozenset[int], frozenset[int]]]) -> float:
    """Return the F1 of onsets over bars."""
    shared = sum(len(one & other) for one, other in pairs)
    total = sum(len(one) + len(other) for one, other in pairs)
    return 2 * shared / total if total else 0.0


def runs(seeds: int) -> Iterator[tuple[Riff, str, int]]:
    """Yield riffs, styles and seeds."""
    for riff in RIFFS.values():
        for style in STYLES:
            for seed in range(1, seeds + 1):
                yield riff, style, seed


def accents(seeds: int) -> dict[str, Any]:
    """Measure how the kick answers accents, and whether the genre stays what it is."""
    cards = load_cards(CARDS)
    by_riff: dict[str, list[float]] = {}
    opened, closed, kept = [], [], []
    for riff, style, seed in runs(seeds):
        others = list(played(riff, Hand(seed=seed), BPM, BARS))
        heard = jammed(style, seed, others, BARS, jam="follow", listen_accents=1.0)
        alone = jammed(style, seed, others, BARS, jam="off")
        pairs = [
            [(kicks(bar.bar), accents_of(riff, bar.index)) for bar in bars if bar.index >= 2 and plain(bar)]
            for bars in (heard, alone)
        ]
        opened.append(f1(pairs[0]))
        closed.append(f1(pairs[1]))
        by_riff.setdefault(riff.name, []).append(opened[-1] - closed[-1])
        genre = loaded_for(style, seed).style.genres[0][0]
        kept.append(facts_kept([bar.bar for bar in heard if plain(bar)], cards[genre].facts))
    return {
        "f1_heard": mean(opened),
        "f1_closed": mean(closed),
        "f1_gain": mean(opened) - mean(closed),
        "gain_by_riff": {name: mean(gains) for name, gains in by_riff.items()},
        "facts_kept": mean(kept),
    }


def plain(bar: PlannedBar) -> bool:
    """Tell whether a bar is none of the fills."""
    return not bar.conditioning.fill


def facts_kept(bars: Sequence[Bar], facts: Sequence[Any]) -> float:
    """Return the share of bars that show a fact, in the mean over facts; each counts up to what it asks."""
    shares = [
        min(1.0, sum(fact.shown.holds(bar) for bar in bars) / max(1, len(bars)) / fact.share)
        for fact in facts
    ]
    return float(mean(shares))


READINGS: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "half_time": ({"half_time": True}, ("X.....X.x.X...X.", "X...x.X.....X...", "..X.....X...x.X.")),
    "double_time": ({"double_time": True}, ("X..X....X..X....", "X.X....X..x.....")),
    "3/4": ({"time_signature": "3/4"}, ("X.....X.X...", "X..x....X.X.", "..X...X...X.")),
    "6/8": ({"time_signature": "6/8"}, ("X...X.X.....", "X.....x.X.X.", "X...X.....X.")),
    "5/4": ({"time_signature": "5/4"}, ("X.....X.....X.....X.", "X.........X...X.....")),
}
"""How bars are read, and riffs of one bar each: X an accent, x a note."""


def readings(seeds: int) -> dict[str, Any]:
    """Measure how the kick answers accents where bars are not read as they are written."""
    found = {}
    for name, (turned, lines) in READINGS.items():
        scores: dict[str, list[float]] = {"follow": [], "off": []}
        for line in lines:
            struck = frozenset(step for step, sign in enumerate(line) if sign == "X")
            for style in STYLES:
                for seed in range(1, seeds + 1):
                    others = list(repeated(line, seed))
                    for mode, f1s in scores.items():
                        bars = jammed(style, seed, others, BARS, jam=mode, listen_accents=1.0, **turned)
                        f1s.append(f1([(kicks(bar.bar), struck) for bar in bars[2:] if plain(bar)]))
        found[name] = {"f1_heard": mean(scores["follow"]), "f1_closed": mean(scores["off"])}
    return found


def repeated(line: str, seed: int) -> Iterator[PlayedMessage]:
    """Yield a riff of one bar of any length, written as signs, again and again by an uneven hand."""
    rng = random.Random(seed)
    for step in range(BARS * len(line)):
        sign = line[step % len(line)]
        if sign != ".":
            beat = max(0.0, step / STEPS_PER_BEAT + rng.gauss(0, Hand().jitter_ms) * BPM / 60_000)
            yield beat, (0x91, 38, 112 if sign == "X" else 80)


def change(seeds: int) -> dict[str, Any]:
    """Measure how soon the kick follows another riff."""
    names = list(RIFFS)
    curves = []
    for number, name in enumerate(names):
        before, after = RIFFS[name], RIFFS[names[(number + 1) % len(names)]]
        for style in STYLES:
            for seed in range(1, seeds + 1):
                at = CHANGED_AT + (number + seed) % 4
                others = [
                    *played(before, Hand(seed=seed), BPM, at),
                    *played(after, Hand(seed=seed), BPM, at + 10, begin=at),
                ]
                bars = {
                    each.index: each
                    for each in jammed(
                        style, seed, others, at + 10, jam="follow", listen_accents=1.0, listen_fills=0.0
                    )
                }
                curves.append(
                    [
                        f1([(kicks(bars[bar].bar), accents_of(after, bar - at))])
                        for bar in range(at - 4, at + 8)
                    ]
                )
    curve = np.array(curves).mean(axis=0)
    low, high = curve[:4].mean(), curve[8:].mean()
    half = next((bar for bar, value in enumerate(curve[4:]) if value >= (low + high) / 2), None)
    return {"before": low, "after": high, "bars_to_half": half, "curve": curve.tolist()}


def levels(seeds: int) -> dict[str, Any]:
    """Measure whether loudness and density follow the player's, or leave room."""
    found: dict[str, Any] = {}
    for mode in ("follow", "complement"):
        density, loudness = [], []
        for number, riff in enumerate(RIFFS.values()):
            style = STYLES[number % len(STYLES)]
            wave = wave_of(number)
            asked, got = [], []
            for seed in range(1, seeds + 1):
                others = list(swelling(riff, wave, seed))
                asked.append([struck_in(others, bar) for bar in range(LEVEL_BARS)])
                bars = jammed(
                    style,
                    seed,
                    others,
                    LEVEL_BARS,
                    jam=mode,
                    listen_level=1.0,
                    listen_accents=0.0,
                    listen_fills=0.0,
                    fill_every=0.0,
                )
                got.append([(len(bar.bar.hits), loudness_of(bar)) for bar in bars])
            player, drummer = np.array(asked).mean(axis=0), np.array(got).mean(axis=0)
            density.append(spearman(player[1:-1, 0], drummer[2:, 0]))
            loudness.append(spearman(player[1:-1, 1], drummer[2:, 1]))
        found[mode] = {"density": mean(density), "loudness": mean(loudness)}
    return found


def struck_in(others: Sequence[PlayedMessage], bar: int) -> tuple[int, float]:
    """Return how many notes are struck in a bar, and their mean velocity."""
    struck = [
        message[2]
        for beat, message in others
        if message[0] & 0xF0 == 0x90 and bar * 4 - 0.1 <= beat < bar * 4 + 3.9
    ]
    return len(struck), mean(struck or [0])


def loudness_of(bar: PlannedBar) -> float:
    """Return the mean velocity of a bar's hits as they sound."""
    return mean([placed.timed.velocity for placed in bar.hits] or [0])


def wave_of(seed: int) -> list[tuple[float, float]]:
    """Return how much of a riff is played in each bar, and how loud, in stretches of four bars."""
    rng = random.Random(seed)
    stretches = [(rng.choice((0.3, 0.6, 1.0)), rng.choice((0.5, 0.8, 1.1))) for _ in range(LEVEL_BARS // 4)]
    return [stretch for stretch in stretches for _ in range(4)]


def swelling(riff: Riff, wave: Sequence[tuple[float, float]], seed: int) -> Iterator[PlayedMessage]:
    """Yield a riff that is thinned out and louder or softer bar by bar."""
    rng = random.Random(seed)
    for bar, (share, loudness) in enumerate(wave):
        hand = Hand(loudness=loudness, seed=seed)
        for beat, message in played(riff_from(riff, bar), hand, BPM, bar + 1, begin=bar):
            if message[0] & 0xF0 != 0x90 or rng.random() < share:
                yield beat, message


def riff_from(riff: Riff, bar: int) -> Riff:
    """Return a riff that begins with another of its bars."""
    turned = tuple(
        ((step - bar % riff.bars * STEPS) % (riff.bars * STEPS), *rest) for step, *rest in riff.notes
    )
    return replace(riff, notes=turned)  # type: ignore[arg-type]


def pocket(seeds: int) -> dict[str, Any]:
    """Measure how far the kit leans toward a late player, and whether it comes back."""
    during, after = [], []
    for riff in RIFFS.values():
        for style in STYLES:
            for seed in range(1, seeds + 1):
                late = list(played(riff, Hand(push_ms=LATE_MS, seed=seed), BPM, 10))
                wanted = {"jam": "follow", "listen_pocket": 1.0, "listen_accents": 0.0, "listen_level": 0.0}
                heard = jammed(style, seed, late, 16, listen_fills=0.0, **wanted)
                alone = jammed(style, seed, late, 16, jam="off")
                during += offsets(heard, alone, range(5, 10), riff)
                after += offsets(heard, alone, range(12, 16))
    return {"during_ms": mean(during), "after_ms": mean(after), "notes": len(during)}


def offsets(
    heard: Sequence[PlannedBar], alone: Sequence[PlannedBar], bars: range, riff: Riff | None = None
) -> list[float]:
    """Return how much later strokes are than with ears closed, on a riff's sixteenths or on all."""
    found = []
    for one, other in zip(heard, alone, strict=True):
        if one.index not in bars:
            continue
        struck = riff_accents(riff, one.index) if riff else [1.0] * STEPS
        usual = {(hit.step, hit.timed.voice): hit.timed for hit in other.hits}
        for hit in one.hits:
            same = usual.get((hit.step, hit.timed.voice))
            if same is not None and struck[hit.step]:
                beats_ms = (hit.timed.beat - same.beat) * 60_000 / BPM
                found.append(hit.timed.offset_ms - same.offset_ms + beats_ms)
    return found


def trade(seeds: int) -> dict[str, Any]:
    """Measure whether answers begin where they should, and answer what was played."""
    right, nearer, tries = 0, 0, 0
    for number, (riff, style, seed) in enumerate(runs(seeds)):
        begin = number % 5
        pauses = ((begin + 4, begin + 8),)
        others = list(played(riff, Hand(seed=seed, pauses=pauses), BPM, begin + 12, begin=begin))
        bars = jammed(style, seed, others, begin + 12, jam="trade", trade_bars=4.0)
        answer = [bar.index for bar in bars if bar.conditioning.fill and bar.conditioning.groove is not None]
        tries += 1
        right += answer[:4] == list(range(begin + 4, begin + 8))
        scores = {
            other.name: mean(
                alike(rhythm(bar.bar), riff_accents(other, bar.index - begin))
                for bar in bars
                if begin + 4 <= bar.index < begin + 8
            )
            for other in RIFFS.values()
        }
        nearer += max(scores, key=lambda name: scores[name]) == riff.name
    return {"tries": tries, "right_bar": right, "nearest_to_own_riff": nearer / tries}


def rhythm(bar: Bar) -> list[float]:
    """Return how loud a bar is on each sixteenth, hats and cymbals that keep time aside."""
    keeps_time = (Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.RIDE)
    loud = [0.0] * bar.meter.steps
    for hit in bar.hits:
        if hit.voice not in keeps_time:
            loud[hit.step] = max(loud[hit.step], hit.velocity / 127)
    return loud


def riff_accents(riff: Riff, bar: int) -> list[float]:
    """Return how loud a riff is on each sixteenth of a bar."""
    loud = [0.0] * STEPS
    for step, _, velocity in riff.notes:
        if step // STEPS == bar % riff.bars:
            loud[step % STEPS] = velocity / 127
    return loud


def silence(seeds: int) -> dict[str, Any]:
    """Measure whether the drummer stops and comes back on the right bars."""
    stops = returns = tries = 0
    for number, (riff, style, seed) in enumerate(runs(seeds)):
        if number % 3:
            continue
        last, back = 5, 11 + number % 4
        others = list(played(riff, Hand(seed=seed, pauses=((last + 1, back),)), BPM, back + 5))
        bars = {
            bar.index: bar
            for bar in jammed(style, seed, others, back + 5, jam="follow", stop_after=3.0, listen_fills=0.0)
        }
        silent = [index for index, bar in bars.items() if not bar.bar.hits]
        tries += 1
        stops += bool(silent) and silent[0] == last + 4
        returns += silent == list(range(last + 4, back + 1))
    return {"tries": tries, "stops_right": stops, "returns_right": returns}


ROWS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "accents": accents,
    "readings": readings,
    "change": change,
    "levels": levels,
    "pocket": pocket,
    "trade": trade,
    "silence": silence,
}


def plain_figures(figures: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers among figures, and those of what they are parted into."""
    for key, value in figures.items():
        if isinstance(value, int | float):
            yield key, value
        elif isinstance(value, Mapping):
            yield from ((f"{key} {inner}", number) for inner, number in plain_figures(value))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--only", choices=list(ROWS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    console = Console()
    found: dict[str, Any] = {}
    for name, measure in ROWS.items():
        if options.only in (None, name):
            found[name] = measure(options.seeds)
            console.print(name, found[name])
            options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    table = Table("row", "figures")
    for name, figures in found.items():
        table.add_row(name, ", ".join(f"{key} {value:.3g}" for key, value in plain_figures(figures)))
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
