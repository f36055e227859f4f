"""How open hi-hats are played: places of the pedal counted in takes, and compared with those of bars."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liveengine.config.drum_files import read_drum_file
from liveengine.errors import CorpusError, LiveEngineError
from liveengine.model.hat_pedal import (
    HAT_VOICES,
    LEVELS,
    Context,
    HatCounts,
    HatStroke,
    context_of,
    hat_strokes,
    level_of,
    openness_of,
    tick_of,
)
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import Voice
from liveengine.music.kit import Articulation, HatPedal, articulation_of
from liveengine.music.pattern import Bar
from liveengine.training.corpus import SKIPPED, Take

GROOVE_PEDAL = HatPedal(4, 90, 0)
"""Where the pedal of the Groove MIDI Dataset's kit stands shut and open: CC 4 of its files."""
LEAST_OPEN, MOST_CLOSED = 0.15, 0.54
"""An open stroke is learned as at least so open, a closed one as at most so.

Beyond, the foot was on its way when the module sent the pedal's place: a tenth of a second later most of the
open ones are open, and of the closed ones shut.
"""
LEAST_STROKES = 50
"""Fewer strokes of a hat are no share."""
QUANTILES = 1000


def read_hats(folder: Path) -> list[Take]:
    """Return the takes of a folder laid out like the Groove MIDI Dataset whose pedal can be read.

    Bars follow each other as in the file; they are not centred in time. Raises CorpusError without `info.csv`
    or a take.
    """
    table = folder / "info.csv"
    if not table.is_file():
        raise CorpusError(f"corpus {folder}: expected a file info.csv, found none")
    with table.open(newline="", encoding="utf-8") as rows:
        takes = [take for row in csv.DictReader(rows) for take in _takes(folder, row)]
    if not takes:
        raise CorpusError(f"corpus {folder}: expected takes with a hi-hat's pedal (CC 4), found none")
    return takes


def _takes(folder: Path, row: Mapping[str, str]) -> Iterator[Take]:
    if row["id"] in SKIPPED:
        return
    try:
        [found] = read_drum_file(folder / row["midi_filename"])
    except (LiveEngineError, ValueError):
        return  # what cannot be read teaches nothing here; the corpus reader tells why
    for bars in found.runs(pedal=GROOVE_PEDAL):
        if any(hit.openness is not None for bar in bars for hit in bar.hits):
            yield Take(
                name=row["id"],
                drummer=row["drummer"],
                genre=row["style"].split("/")[0],
                style=row["style"],
                bpm=float(row["bpm"]),
                is_fill=row["beat_type"] == "fill",
                split=row["split"],
                bars=bars,
            )


def count_hats(takes: Iterable[Take]) -> dict[str, HatCounts]:
    """Return where the pedal stood at the strokes of takes, by genre; of genres with `LEAST_STROKES`."""
    counted: dict[str, dict[Context, list[int]]] = {}
    for take in takes:
        for context, level in _told(take.bars):
            of_genre = counted.setdefault(take.genre, {})
            of_genre.setdefault(context, [0] * LEVELS)[level] += 1
    enough = {
        genre: contexts
        for genre, contexts in sorted(counted.items())
        if sum(map(sum, contexts.values())) >= LEAST_STROKES
    }
    return {genre: HatCounts.of(contexts) for genre, contexts in enough.items()}


def _told(bars: Sequence[Bar]) -> Iterator[tuple[Context, int]]:
    """Yield the context and the level of each stroke whose openness is known."""
    before: HatStroke | None = None
    start = 0
    for bar in bars:
        for hit in hat_strokes(bar):
            tick = start + tick_of(hit)
            if hit.openness is not None:
                yield context_of(hit.voice, tick, before), level_of(_meant(hit.voice, hit.openness))
            before = HatStroke(tick, hit.voice, openness_of(hit))
        start += bar.meter.steps * TICKS_PER_STEP


def _meant(voice: Voice, openness: float) -> float:
    if voice is Voice.OPEN_HAT:
        return max(LEAST_OPEN, openness)
    return min(MOST_CLOSED, openness) if voice is Voice.CLOSED_HAT else openness


@dataclass(frozen=True, slots=True)
class HatPlaying:
    """How open the hats of some bars are: openness 0-1 by voice, and how many by hand are half open.

    A stroke is half open as kits play it: an open hat less than three quarters open.
    """

    openness: Mapping[Voice, tuple[float, ...]]

    @classmethod
    def of(cls, bars: Iterable[Bar]) -> HatPlaying:
        """Return that of bars; a hat that does not say is as open as its voice."""
        found: dict[Voice, list[float]] = {voice: [] for voice in HAT_VOICES}
        for bar in bars:
            for hit in bar.hits:
                if hit.voice in found:
                    found[hit.voice].append(openness_of(hit))
        return cls({voice: tuple(values) for voice, values in found.items()})

    @property
    def strokes_by_hand(self) -> int:
        """How many strokes of a hat the hand makes."""
        return len(self.openness[Voice.CLOSED_HAT]) + len(self.openness[Voice.OPEN_HAT])

    @property
    def half_open_share(self) -> float:
        """Share of half-open strokes among those of the hand, 0-1; 0 where there are none."""
        half = sum(
            articulation_of(Voice.OPEN_HAT, each) is Articulation.HALF_OPEN_HAT
            for each in self.openness[Voice.OPEN_HAT]
        )
        return half / self.strokes_by_hand if self.strokes_by_hand else 0.0

    def every(self) -> tuple[float, ...]:
        """Return the openness of all strokes."""
        return tuple(each for values in self.openness.values() for each in values)


def pedal_distance(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the Wasserstein-1 distance of two samples of openness, in CC 4 steps of 90; nan without one."""
    if not ours or not theirs:
        return float("nan")
    places = (np.arange(QUANTILES) + 0.5) / QUANTILES
    one, other = (np.quantile(each, places, method="inverted_cdf") for each in (ours, theirs))
    return float(np.abs(one - other).mean()) * (GROOVE_PEDAL.shut - GROOVE_PEDAL.open)
