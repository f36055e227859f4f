"""Reading GrooveForge's .gfdrum files: grooves with variations and fills."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from liveengine.errors import ContractError, CorpusError
from liveengine.music.beats import TICKS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.tokens import vocabulary
from liveengine.training.corpus import Take
from liveengine.training.grid_patterns import (
    TAKE_BARS,
    Hits,
    Note,
    hits_per_bar,
    jittered_bar,
    split_of,
)

GROOVEFORGE_GENRES: Mapping[str, str] = {
    "afrobeat": "afrobeat",
    "batucada": "latin",
    "batucada_directed": "latin",
    "celtic_breton_an_dro": "celtic",
    "celtic_irish_jig": "celtic",
    "celtic_plinn": "celtic",
    "celtic_reel": "celtic",
    "celtic_scottish_reel": "celtic",
    "country": "country",
    "disco": "disco",
    "funk_tight": "funk",
    "jazz_halftime_shuffle": "funk",
    "jazz_swing": "jazz",
    "jazz_waltz": "jazz",
    "latin_bossa_nova": "latin",
    "latin_cha_cha": "latin",
    "latin_salsa": "latin",
    "metal": "metal",
    "rock_basic": "rock",
    "samba_groove": "latin",
    "second_line": "neworleans",
}
"""Our genre of each file; others (military march, festive fanfare) are of none and are left out.

The half-time shuffle is Purdie's, which the Groove MIDI Dataset has under funk.
"""
TAKES_PER_GROOVE = 2
"""Takes of each variation, more where a file has fills left to play."""
LEVELS: Mapping[str, float] = {"X": 1.0, "x": 0.75, "o": 0.55, "g": 0.28}
"""Velocity of a stroke as a share of the instrument's own; as the files themselves explain."""
REST = "."
GROOVEFORGE_VOICES: Mapping[int, Voice] = {
    **PITCH_TO_VOICE,
    62: Voice.HIGH_TOM,
    63: Voice.MID_TOM,
    64: Voice.LOW_TOM,
    65: Voice.HIGH_TOM,
    66: Voice.MID_TOM,
}
"""Congas and timbales go to the toms; a note that is not here, a whistle's, is left out."""
SWING_TICKS: Mapping[str, tuple[int, int, int, int]] = {
    "straight": (0, 0, 0, 0),
    "laid_back": (0, 0, 0, 0),
    "swing_soft": (0, 2, 0, 2),
    "swing_hard": (0, 4, 0, -4),
}
"""Delay of each sixteenth of a beat, in ticks of 1/48 beat.

Soft swing is 16 % of a step. Hard swing is written for "the triplet, two thirds of a beat": its odd steps
go to the triplet's places, 1/3 and 2/3.
"""

Grid = Mapping[str, str]
"""Instrument to one character a step, for one bar."""


@dataclass(frozen=True, slots=True)
class _Kit:
    """What turns the grids of a file into hits."""

    where: str
    meter: Meter
    resolution: int
    feel: str
    instruments: Mapping[str, Mapping[str, Any]]

    def hits(self, grid: Grid) -> Hits:
        """Return the hits of a bar; raises CorpusError for a grid that breaks the format.

        An instrument that the file does not describe (the Cha-Cha has one) is left out.
        """
        notes: list[Note] = []
        for instrument, steps in grid.items():
            if instrument not in self.instruments:
                continue
            if len(steps) != self.resolution or not set(steps) <= {*LEVELS, REST}:
                raise CorpusError(
                    f"{self.where}, {instrument}: expected {self.resolution} characters of "
                    f"{''.join(LEVELS)}{REST}, got {steps!r}"
                )
            described = self.instruments[instrument]
            voice = GROOVEFORGE_VOICES.get(int(described["note"]))
            if voice is None:
                continue
            loudest = float(described["base_velocity"])
            notes += [
                (self._beat(step), voice.value, max(1, round(loudest * LEVELS[level])))
                for step, level in enumerate(steps)
                if level != REST
            ]
        return hits_per_bar(notes, self.meter, 1)[0]

    def _beat(self, step: int) -> float:
        tick = step * self.meter.steps * TICKS_PER_STEP / self.resolution
        if self.resolution == self.meter.steps:
            tick += SWING_TICKS[self.feel][step % 4]
        return tick / TICKS_PER_BEAT


def read_grooveforge(folder: Path) -> list[Take]:
    """Return takes of eight bars of every .gfdrum file below a folder whose genre is one of ours.

    Each variation of a groove is played with fills in turn and a bar of another variation now and then,
    over the file's range of tempi. Every tenth take is for validation; its variation is in training too.
    Raises CorpusError where a file breaks the format or no file is there.
    """
    takes: list[Take] = []
    for path in sorted(folder.rglob("*.gfdrum")):
        genre = GROOVEFORGE_GENRES.get(path.stem)
        if genre is not None:
            takes += _takes_of_file(path, genre, len(takes))
    if not takes:
        raise CorpusError(
            f"{folder}: expected .gfdrum files of known genres ({', '.join(GROOVEFORGE_GENRES)}), found none"
        )
    return takes


def _takes_of_file(path: Path, genre: str, number: int) -> list[Take]:
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
        meter = Meter(*described["time_signature"])
        vocabulary.bar_id(meter)
        kit = _Kit(
            str(path), meter, int(described["resolution"]), described["feel"], described["instruments"]
        )
        if kit.feel not in SWING_TICKS:
            raise CorpusError(f"{path}: expected a feel ({', '.join(SWING_TICKS)}), got {kit.feel!r}")
        sections = described["sections"]
        grooves = _parts(kit, sections["groove"])
        fills = _parts(kit, sections["fill"]) if "fill" in sections else [()]
        crashes = _parts(kit, sections["crash"]) if "crash" in sections else []
        slowest, fastest = (float(bpm) for bpm in described["bpm_range"])
        fill_every = 4 if described["structure"]["fill_every"] == 4 else TAKE_BARS
    except CorpusError:
        raise
    except KeyError as error:
        raise CorpusError(f"{path}: expected {error.args[0]!r}, got none") from error
    except (OSError, yaml.YAMLError, TypeError, ValueError, AttributeError, ContractError) as error:
        raise CorpusError(f"{path}: expected a .gfdrum file, got: {error}") from error
    rng = random.Random(path.stem)
    takes: list[Take] = []
    count = max(len(fills), TAKES_PER_GROOVE * len(grooves))
    for index in range(count):
        played = _arranged(grooves, fills, crashes, turn=index, fill_every=fill_every)
        takes.append(
            Take(
                name=f"grooveforge/{path.stem}/{index + 1}",
                drummer="grooveforge",
                genre=genre,
                style=f"{genre}/{path.stem}",
                bpm=round(slowest + (fastest - slowest) * (index + 0.5) / count, 1),
                is_fill=False,
                split=split_of(number + index),
                bars=tuple(jittered_bar(meter, hits, rng) for hits in played),
                grid_bound=True,
            )
        )
    return takes


def _parts(kit: _Kit, section: Mapping[str, Any]) -> list[tuple[Hits, ...]]:
    """Return the variations of a section, each as its bars; a sequence is one variation of many bars."""
    if section.get("type") == "sequence":
        return [tuple(kit.hits(grid) for grid in section["bar_grids"])]
    described = ("name", "weight")
    return [
        (kit.hits({name: steps for name, steps in variation.items() if name not in described}),)
        for variation in section["variations"]
    ]


def _arranged(
    grooves: Sequence[tuple[Hits, ...]],
    fills: Sequence[tuple[Hits, ...]],
    crashes: Sequence[tuple[Hits, ...]],
    *,
    turn: int,
    fill_every: int,
) -> Iterator[Hits]:
    """Yield the bars of a take: a groove, another in the third or seventh bar, fills, a crash after one."""
    groove = grooves[turn % len(grooves)]
    round_number = turn // len(grooves)
    other = grooves[(turn + 1 + round_number) % len(grooves)]
    other_bar = (2, 6)[round_number % 2] if len(groove) == 1 else -1
    for index in range(TAKE_BARS):
        fill = fills[(turn + index // fill_every) % len(fills)]
        if fill and index % fill_every == fill_every - 1:
            yield fill[0]
        elif crashes and index % fill_every == 0 and (index or round_number % 2):
            yield crashes[turn % len(crashes)][0]
        else:
            yield (other if index == other_bar else groove)[index % len(groove)]
