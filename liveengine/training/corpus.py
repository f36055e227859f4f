"""Reading a corpus laid out like the Groove MIDI Dataset: files with an `info.csv`, as bars with controls."""

from __future__ import annotations

import csv
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from symusic import Score

from liveengine.errors import CorpusError, LiveEngineError
from liveengine.music.beats import STEPS_PER_BEAT
from liveengine.music.drums import PITCH_TO_VOICE, VOICE_COUNT, Voice
from liveengine.music.pattern import Bar
from liveengine.music.request import PHRASE_BARS, Conditioning
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.tokens.scores import read_score
from liveengine.tokens.tokenizer import bars_of_notes, drum_notes, meters_of_score

VELOCITIES = 128
"""MIDI's."""

SKIPPED = {
    "drummer2/session2/7": "a duplicate of drummer2/session2/8",
    "drummer7/session3/149": "starts at beat 2.09, off its own bar lines",
}
"""Takes of the Groove MIDI Dataset known to be faulty."""
CENTRE_MIN_NOTES = 32
"""Below this a file's own median timing is too noisy; its drummer's is used."""
QUANTILES = 33
TOMS = frozenset((Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM))


@dataclass(frozen=True, slots=True)
class Take:
    """One performance: its bars, centred in time, and what it is.

    `grid_bound` says that its timing sits on a grid and must not be learned; `authored` that it was made from
    a genre card.
    """

    name: str
    drummer: str
    genre: str
    style: str
    bpm: float
    is_fill: bool
    split: str
    bars: tuple[Bar, ...]
    grid_bound: bool = False
    authored: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that could not be used, and why."""

    name: str
    reason: str


def read_corpus(folder: Path) -> tuple[list[Take], list[LeftOut]]:
    """Return the takes of a folder laid out like the Groove MIDI Dataset, and what was left out.

    Each take's timing is centred: drummers play some 5-16 ms early of the click as a whole, which is the
    set-up's latency and not feel. Raises CorpusError where the folder or `info.csv` is missing or empty.
    """
    table = folder / "info.csv"
    if not table.is_file():
        raise CorpusError(f"corpus {folder}: expected a file info.csv, found none")
    with table.open(newline="", encoding="utf-8") as rows_file:
        rows = list(csv.DictReader(rows_file))
    notes_of: dict[str, list[tuple[float, int, int]]] = {}
    scores: dict[str, Score] = {}
    left_out: list[LeftOut] = []
    for row in rows:
        name = row["id"]
        if name in SKIPPED:
            left_out.append(LeftOut(name, SKIPPED[name]))
            continue
        try:
            score = read_score(folder / row["midi_filename"])
            meters_of_score(score)
        except (LiveEngineError, OSError) as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        notes = [note for note in drum_notes(score) if note[1] in PITCH_TO_VOICE]
        if not notes:
            left_out.append(LeftOut(name, "no drum notes"))
            continue
        notes_of[name], scores[name] = notes, score
    early_of = centres([row for row in rows if row["id"] in notes_of], notes_of)
    takes = []
    for row in rows:
        name = row["id"]
        if name not in notes_of:
            continue
        shift_beats = early_of[name] * float(row["bpm"]) / 60_000
        notes = [(max(0.0, beat - shift_beats), pitch, velocity) for beat, pitch, velocity in notes_of[name]]
        takes.append(
            Take(
                name=name,
                drummer=row["drummer"],
                genre=row["style"].split("/")[0],
                style=row["style"],
                bpm=float(row["bpm"]),
                is_fill=row["beat_type"] == "fill",
                split=row["split"],
                bars=tuple(bars_of_notes(notes, meters_of_score(scores[name]))),
            )
        )
    if not takes:
        raise CorpusError(f"corpus {folder}: expected takes with drum notes, found none")
    return takes, left_out


def centres(
    rows: Sequence[dict[str, str]], notes_of: dict[str, list[tuple[float, int, int]]]
) -> dict[str, float]:
    """Return each take's median deviation from the sixteenth grid, ms."""
    own: dict[str, float] = {}
    by_drummer: dict[str, list[float]] = {}
    for row in rows:
        beats = np.array([beat for beat, _, _ in notes_of[row["id"]]])
        deviation = beats * STEPS_PER_BEAT
        deviation = (deviation - np.round(deviation)) / STEPS_PER_BEAT * 60_000 / float(row["bpm"])
        if len(beats) >= CENTRE_MIN_NOTES:
            own[row["id"]] = float(np.median(deviation))
            by_drummer.setdefault(row["drummer"], []).append(own[row["id"]])
    fallback = {drummer: statistics.median(values) for drummer, values in by_drummer.items()}
    return {row["id"]: own.get(row["id"], fallback.get(row["drummer"], 0.0)) for row in rows}


def condition_space(takes: Sequence[Take], genres: Sequence[str] = ()) -> ConditionSpace:
    """Return the control layout of a corpus: its genres, and its quantiles of density and energy."""
    bars = [bar for take in takes for bar in take.bars if bar.hits]
    places = np.linspace(0, 1, QUANTILES)

    def quantiles(values: list[float]) -> tuple[float, ...]:
        found = np.quantile(values, places)
        return tuple(float(value) for value in np.round(found + np.arange(QUANTILES) * 1e-6, 6))

    beats = [take for take in takes if not take.is_fill]
    return ConditionSpace(
        tuple(genres) or tuple(sorted({take.genre for take in takes})),
        quantiles([notes_per_beat(bar) for bar in bars]),
        quantiles([mean_velocity(bar) for bar in bars]),
        quantiles([share for take in beats for share in steadiness(take) if share is not None]),
    )


def with_level_ranges(space: ConditionSpace, takes: Sequence[Take]) -> ConditionSpace:
    """Return a control layout that knows how sparse and busy, soft and loud each genre is played steadily.

    From the 5th to the 95th percentile of the bars made from its card; of all its beats where it has none.
    """
    ranges = []
    for genre in space.genres:
        beats = [take for take in takes if take.genre == genre and not take.is_fill]
        steady = [take for take in beats if take.authored] or beats
        bars = [
            bar
            for take in steady
            for bar, fill in zip(take.bars, fill_bars(take), strict=True)
            if bar.hits and not fill
        ]
        levels = [
            [space.density_of(notes_per_beat(bar)) for bar in bars] or [0.0, 1.0],
            [space.energy_of(mean_velocity(bar)) for bar in bars] or [0.0, 1.0],
        ]
        low_high = [float(round(np.quantile(each, end), 4)) for each in levels for end in (0.05, 0.95)]
        ranges.append((low_high[0], low_high[1], low_high[2], low_high[3]))
    return replace(space, level_ranges=tuple(ranges))


def velocity_counts(takes: Sequence[Take]) -> tuple[tuple[int, ...], ...]:
    """Return how often each voice was struck with each velocity, (voices, 128), in takes played by hand."""
    counts = np.zeros((VOICE_COUNT, VELOCITIES), np.int64)
    for take in takes:
        if not take.grid_bound:
            for bar in take.bars:
                for hit in bar.hits:
                    counts[hit.voice, hit.velocity] += 1
    return tuple(tuple(row) for row in counts.tolist())


def notes_per_beat(bar: Bar) -> float:
    """Return the density of a bar."""
    return len(bar.hits) / bar.meter.beats


def mean_velocity(bar: Bar) -> float:
    """Return the mean velocity of a bar's hits; 0 for an empty bar."""
    return sum(hit.velocity for hit in bar.hits) / len(bar.hits) if bar.hits else 0.0


def fill_bars(take: Take) -> tuple[bool, ...]:
    """Tell for each bar whether it is a fill.

    Every bar of a fill take is one. In a beat, a bar with at least three tom hits is one if that is
    three times the take's median or more: the dataset does not mark fills inside beats.
    """
    if take.is_fill:
        return (True,) * len(take.bars)
    toms = [sum(hit.voice in TOMS for hit in bar.hits) for bar in take.bars]
    usual = statistics.median(toms) if toms else 0
    return tuple(count >= max(3, 3 * usual) for count in toms)


def steadiness(take: Take) -> list[float | None]:
    """Return for each bar how far it holds the take's own groove, 0-1.

    The groove is how often each voice strikes each sixteenth in the take's other bars of that meter; a bar's
    likeness to it is the Dice coefficient of its strokes and those shares. A bar that is a fill, or has no
    other beside it, counts as the take's median does: a steady drummer plays fills too. None for a take that
    has no two bars to compare.
    """
    fills = fill_bars(take)
    onsets = [frozenset((hit.voice, hit.step) for hit in bar.hits) for bar in take.bars]
    found: dict[int, float] = {}
    for meter in {bar.meter for bar in take.bars}:
        places = [
            place
            for place, bar in enumerate(take.bars)
            if bar.meter == meter and bar.hits and not fills[place]
        ]
        counts = Counter(cell for place in places for cell in onsets[place])
        total, others = sum(counts.values()), len(places) - 1
        for place in places if others else ():
            struck = onsets[place]
            shared = sum(counts[cell] - 1 for cell in struck) / others
            found[place] = 2 * shared / (len(struck) + (total - len(struck)) / others)
    if not found:
        return [None] * len(take.bars)
    usual = statistics.median(found.values())
    return [found.get(place, usual) for place in range(len(take.bars))]


def conditionings(take: Take, space: ConditionSpace) -> Iterator[Conditioning]:
    """Yield what each bar of a take is, with nothing left open but the phrase of fill takes."""
    shares = [None] * len(take.bars) if take.is_fill else steadiness(take)
    for index, (bar, fill, share) in enumerate(zip(take.bars, fill_bars(take), shares, strict=True)):
        yield Conditioning(
            genres=((take.genre, 1.0),),
            bpm=take.bpm,
            density=space.density_of(notes_per_beat(bar)),
            energy=space.energy_of(mean_velocity(bar)) if bar.hits else None,
            fill=fill,
            phrase=None if take.is_fill else index % PHRASE_BARS,
            steadiness=None if share is None else space.steadiness_of(share),
        )
