"""Reading composable-drum-patterns: clips of single drums, stacked at random into takes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveengine.errors import ContractError, CorpusError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.training.corpus import TOMS, Take
from liveengine.training.grid_patterns import (
    Hits,
    Note,
    hits_per_bar,
    jittered_bar,
    split_of,
)

CORE_GROUPS = ("Kick", "Snare", "Hats")
"""Every bar has a clip of each."""
LEAST_HITS: Mapping[str, int] = {"Snare": 2, "Hats": 3}
"""A clip can carry a beat if each of its bars has so many hits (one, in groups not named here).

Others stop half-way, or are ornaments. A snare of the basics may be one stroke a bar: half-time.
"""
GENRE_MIN_CLIPS = 10
POOL_MIN_CLIPS = 3
"""A genre with fewer clips in a group borrows from its neighbours."""
TAKES_MIN, TAKES_MAX = 12, 60
CLIPS_PER_TAKE = 2
"""Distinct clips of a genre for each take made of them, between the limits above."""
FILL_MIN_TOMS = 3
"""As many as `fill_bars` asks for, so that a fill differs from a beat."""
FILL_FROM_STEP = 4
"""Tom clips that begin earlier belong to the groove, unless they are tagged as fills."""
BASICS = "basics"
COLLECTION_WEIGHTS: Mapping[str, float] = {BASICS: 4.0, "generative": 2.0}
"""How often a clip is drawn; others, which the catalogue derives from these, count 1."""
FORMS = ("AAABAAAF", "AABAAABF", "AAAFAAAF", "AAAAAAAF", "ABABABAF", "AABAAAAF", "AAABAAAB")
"""A is the base, B the base with one clip swapped, F a fill; one letter a bar."""
SOUNDS: Mapping[str, Voice] = {
    "kick": Voice.KICK,
    "kickB": Voice.KICK,
    "snare": Voice.SNARE,
    "clap": Voice.SNARE_RIM,
    "rimshot": Voice.RIM,
    "hatClosed": Voice.CLOSED_HAT,
    "hatOpen": Voice.OPEN_HAT,
    "ride": Voice.RIDE,
    "rideBell": Voice.BELL,
    "crash": Voice.CRASH,
    "tomLow": Voice.LOW_TOM,
    "tomMid": Voice.MID_TOM,
    "tomHigh": Voice.HIGH_TOM,
    "tambourine": Voice.CLOSED_HAT,
    "cowbell": Voice.BELL,
    "shaker": Voice.CLOSED_HAT,
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make takes of a genre of the catalogue.

    `genre` is ours, `bpm` the range of usual tempi, `relatives` the genres of the catalogue to borrow
    from, `percussion` the share of takes with a percussion clip, and clips that are also of a genre in
    `without` are left out.
    """

    genre: str
    bpm: tuple[int, int]
    relatives: tuple[str, ...] = ()
    percussion: float = 0.3
    without: tuple[str, ...] = ()


RECIPES: Mapping[str, Recipe] = {
    "rock": Recipe("rock", (90, 150), percussion=0.15),
    "metal": Recipe("metal", (110, 170), ("rock",), percussion=0.0),
    "funk": Recipe("funk", (88, 118)),
    "pop": Recipe("pop", (92, 128)),
    "blues": Recipe("blues", (70, 120), ("rock",), percussion=0.1),
    "rnb": Recipe("rnb", (66, 104), ("hip-hop", "funk")),
    "hip-hop": Recipe("hiphop", (82, 104)),
    "lo-fi": Recipe("lofi", (70, 90), ("hip-hop",)),
    "trap": Recipe("trap", (130, 160), ("hip-hop",)),
    "house": Recipe("house", (118, 128), ("disco",), percussion=0.5),
    "techno": Recipe("techno", (126, 142), ("house",), percussion=0.5),
    "electro": Recipe("electro", (112, 132), percussion=0.4),
    # The catalogue's garage is two-step here and garage rock there.
    "garage": Recipe("garage", (128, 136), ("house",), percussion=0.5, without=("rock",)),
    "breakbeat": Recipe("breakbeat", (112, 138), ("funk",)),
    "dnb": Recipe("dnb", (166, 178), ("breakbeat",), percussion=0.2),
    "disco": Recipe("disco", (110, 126), ("house",), percussion=0.5),
    "latin": Recipe("latin", (88, 126), percussion=0.8),
    "bossa": Recipe("latin", (116, 150), ("latin",), percussion=0.5),
    "samba": Recipe("latin", (92, 124), ("latin",), percussion=0.8),
    # Its clips are called highlife and Afro pop.
    "afro": Recipe("highlife", (98, 126), ("latin",), percussion=0.8),
}
"""Per genre of the catalogue. Jazz is not here: its sixteen clips are ornaments that make no beat."""


@dataclass(frozen=True, slots=True)
class _Clip:
    """A clip of one drum group: its hits per bar."""

    name: str
    group: str
    collection: str
    genres: frozenset[str]
    is_fill: bool
    bars: tuple[Hits, ...]

    @property
    def carries(self) -> bool:
        """Whether the clip can be part of a beat."""
        half_time = self.group == "Snare" and self.collection == BASICS
        least = 1 if half_time else LEAST_HITS.get(self.group, 1)
        return all(len(hits) >= least for hits in self.bars)

    @property
    def ends_in_fill(self) -> bool:
        """Whether its last bar is a fill on the toms."""
        last = self.bars[-1]
        toms = [hit.step for hit in last if hit.voice in TOMS]
        return len(toms) >= FILL_MIN_TOMS and (self.is_fill or toms[0] >= FILL_FROM_STEP)

    def bar(self, index: int) -> Hits:
        """Return the hits of a bar as the clip is repeated."""
        return self.bars[index % len(self.bars)]


def read_composable(path: Path, rng: random.Random) -> list[Take]:
    """Return takes of eight bars made of the catalogue's clips, one clip a drum group of one genre.

    Every tenth take of a genre is for validation; its combination of clips is its own, its clips are not.
    Raises CorpusError where the catalogue is not one, or has no genre with clips enough.
    """
    clips = _clips(path)
    takes: list[Take] = []
    for catalogue_genre, recipe in RECIPES.items():
        count = sum(catalogue_genre in clip.genres for clip in clips)
        pools = {
            group: _pool([clip for clip in clips if clip.group == group], catalogue_genre, recipe)
            for group in (*CORE_GROUPS, "Perc")
        }
        if count < GENRE_MIN_CLIPS or not all(pools[group] for group in CORE_GROUPS):
            continue
        fills = _fills(clips, catalogue_genre, recipe)
        wanted = min(TAKES_MAX, max(TAKES_MIN, round(count / CLIPS_PER_TAKE)))
        bases: set[tuple[str, ...]] = set()
        for number in range(wanted):
            base = _base(pools, recipe, rng, bases)
            takes.append(
                Take(
                    name=f"composable/{catalogue_genre}/{number + 1}",
                    drummer="composable-drum-patterns",
                    genre=recipe.genre,
                    style=f"{recipe.genre}/{catalogue_genre}",
                    bpm=float(rng.randint(*recipe.bpm)),
                    is_fill=False,
                    split=split_of(number),
                    bars=tuple(_performance(base, pools, fills, rng)),
                    grid_bound=True,
                )
            )
    if not takes:
        raise CorpusError(
            f"{path}: expected a genre with at least {GENRE_MIN_CLIPS} clips and a beat of "
            f"{', '.join(CORE_GROUPS)} among them, found none"
        )
    return takes


def _clips(path: Path) -> list[_Clip]:
    try:
        catalogue = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: expected a catalogue in JSON, got: {error}") from error
    entries = catalogue.get("entries") if isinstance(catalogue, dict) else None
    if not isinstance(entries, list):
        raise CorpusError(f"{path}: expected an object with a list of clips as 'entries', got none")
    clips = []
    for index, entry in enumerate(entries):
        name = entry.get("id", f"number {index}") if isinstance(entry, dict) else f"number {index}"
        try:
            clips.append(_clip(entry))
        except KeyError as error:
            raise CorpusError(f"{path}, clip {name}: expected {error.args[0]!r}, got none") from error
        except (TypeError, ValueError, AttributeError, ContractError) as error:
            raise CorpusError(f"{path}, clip {name}: {error}") from error
    return clips


def _clip(entry: Mapping[str, Any]) -> _Clip:
    length = int(entry["bars"])
    if length < 1:
        raise ContractError(f"expected 'bars' from 1, got {length}")
    notes: list[Note] = []
    for hit in entry["hits"]:
        if hit["sound"] not in SOUNDS:
            raise ContractError(f"expected a sound ({', '.join(SOUNDS)}), got {hit['sound']!r}")
        beat, velocity = float(hit["time"]), int(hit["velocity"])
        if not 0 <= beat < length * FOUR_FOUR.beats:
            raise ContractError(f"expected times from 0 to its {length} bars' end, got beat {beat:g}")
        notes.append((beat, SOUNDS[hit["sound"]].value, velocity))
    return _Clip(
        name=str(entry["id"]),
        group=str(entry["group"]),
        collection=str(entry["collection"]),
        genres=frozenset(entry["applicableGenres"]),
        is_fill="fill" in entry["tags"],
        bars=hits_per_bar(notes, FOUR_FOUR, length),
    )


def _pool(clips: Sequence[_Clip], genre: str, recipe: Recipe) -> list[_Clip]:
    """Return the clips that can carry a genre's beat, its relatives' too where it has few of its own."""
    usable = [clip for clip in clips if clip.carries]
    pool = [clip for clip in usable if genre in clip.genres and clip.genres.isdisjoint(recipe.without)]
    for relative in recipe.relatives:
        if len(pool) < POOL_MIN_CLIPS:
            pool += [clip for clip in usable if relative in clip.genres and clip not in pool]
    return pool


def _fills(clips: Sequence[_Clip], genre: str, recipe: Recipe) -> list[_Clip]:
    """Return the tom fills of a genre; where it has few, its relatives' and those of no genre too."""
    usable = [clip for clip in clips if clip.ends_in_fill]
    fills = [clip for clip in usable if genre in clip.genres]
    for relative in recipe.relatives:
        if len(fills) < POOL_MIN_CLIPS:
            fills += [clip for clip in usable if relative in clip.genres and clip not in fills]
    if len(fills) < POOL_MIN_CLIPS:
        fills += [clip for clip in usable if not clip.genres]
    return fills


def _draw(pool: Sequence[_Clip], rng: random.Random) -> _Clip:
    return rng.choices(pool, [COLLECTION_WEIGHTS.get(clip.collection, 1.0) for clip in pool])[0]


def _base(
    pools: Mapping[str, Sequence[_Clip]], recipe: Recipe, rng: random.Random, taken: set[tuple[str, ...]]
) -> dict[str, _Clip]:
    """Return one clip a group, a combination not in `taken` if one is soon found, and add it there."""
    for _ in range(50):
        base = {group: _draw(pools[group], rng) for group in CORE_GROUPS}
        if pools["Perc"] and rng.random() < recipe.percussion:
            base["Perc"] = _draw(pools["Perc"], rng)
        names = tuple(clip.name for clip in base.values())
        if names not in taken:
            break
    taken.add(names)
    return base


def _performance(
    base: Mapping[str, _Clip],
    pools: Mapping[str, Sequence[_Clip]],
    fills: Sequence[_Clip],
    rng: random.Random,
) -> Iterator[Bar]:
    """Yield the bars of a take: the base, repeated with a swapped clip and a fill as its form says."""
    swappable = [group for group, clip in base.items() if any(other != clip for other in pools[group])]
    swapped = dict(base)
    if swappable:
        group = rng.choice(swappable)
        swapped[group] = _draw([clip for clip in pools[group] if clip != base[group]], rng)
    for index, part in enumerate(rng.choice(FORMS)):
        clips = swapped if part == "B" else base
        played = [(group, hit) for group, clip in clips.items() for hit in clip.bar(index)]
        if part == "F" and fills:
            toms = _draw(fills, rng).bars[-1]
            struck = {hit.step for hit in toms}
            # Two hands play the toms: no hats meanwhile, and no snare under a tom.
            played = [
                (group, hit)
                for group, hit in played
                if not (group in ("Hats", "Perc") and hit.step >= min(struck))
                and not (group == "Snare" and hit.step in struck)
            ]
            played += [("Toms", hit) for hit in toms]
        yield jittered_bar(FOUR_FOUR, [hit for _, hit in played], rng)
