"""Where drummers' feet hold a hi-hat open: counts of its openness at strokes, learned from CC 4, by genre.

What explains the pedal's place is whether the stroke is a closed, an open or the foot's own one, where the
pedal was at the stroke before, what stroke that was, and how long ago. Beat position, velocity and the next
stroke were tried and predicted held-out drummers' strokes no better.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from liveengine.errors import CheckpointError
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import Voice
from liveengine.music.kit import HALF_OPEN_MAX, articulation_of, usual_openness
from liveengine.music.pattern import Bar, Hit

HATS_FILE = "hats.safetensors"
FORMAT = "liveengine hats 1"
HAT_VOICES = (Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT)
EDGES = (0.01, 0.15, 0.35, 0.55, HALF_OPEN_MAX, 0.9, 0.99)
"""Openness is counted between these: shut, six degrees, and all open."""
LEVELS = len(EDGES) + 1
NO_LEVEL, NO_VOICE = LEVELS, len(HAT_VOICES)
"""What stands for the stroke before where there is none."""
GAP_ENDS_TICKS = (18, 36, 72)
"""A stroke follows the one before after a sixteenth or less, an eighth, a quarter, or longer."""

Context = tuple[int, int, int, int]
"""What explains an openness: voice (of `HAT_VOICES`), level and voice of the stroke before, gap."""


@dataclass(frozen=True, slots=True)
class HatStroke:
    """A stroke of the hat that others follow: its ticks from some bar line, its voice, how open it was."""

    tick: int
    voice: Voice
    openness: float


@dataclass(frozen=True, slots=True)
class HatCounts:
    """How often the pedal stood where: contexts (n, 4), and for each the strokes by level (n, LEVELS)."""

    contexts: npt.NDArray[np.uint8]
    counts: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, counted: Mapping[Context, Sequence[int]]) -> HatCounts:
        """Return counts as arrays, in the order of their contexts."""
        rows = sorted(counted)
        return cls(
            np.array(rows, np.uint8).reshape(-1, 4),
            np.array([counted[row] for row in rows], np.uint32).reshape(-1, LEVELS),
        )

    @classmethod
    def together(cls, several: Sequence[HatCounts]) -> HatCounts:
        """Return the strokes of several in one."""
        counted: dict[Context, list[int]] = {}
        for each in several:
            for context, counts in each.rows():
                before = counted.setdefault(context, [0] * LEVELS)
                counted[context] = [int(old + new) for old, new in zip(before, counts, strict=True)]
        return cls.of(counted)

    def rows(self) -> Iterator[tuple[Context, npt.NDArray[np.float64]]]:
        """Yield each context and its strokes by level."""
        for (voice, level, before, gap), counts in zip(self.contexts.tolist(), self.counts, strict=True):
            yield (voice, level, before, gap), counts.astype(np.float64)


def level_of(openness: float) -> int:
    """Return the level of an openness 0-1."""
    return bisect_right(EDGES, openness)


def openness_of(hit: Hit) -> float:
    """Return how open a hat is, as it is played where its hit does not say."""
    return usual_openness(articulation_of(hit.voice)) if hit.openness is None else hit.openness


def tick_of(hit: Hit) -> int:
    """Return where a hit lies in its bar, in ticks."""
    return hit.step * TICKS_PER_STEP + hit.micro


def hat_strokes(bar: Bar) -> list[Hit]:
    """Return the strokes of a bar's hat by time; the foot's on a step that the hand strikes is none.

    There is one pedal: what hand and foot do on one step, they do at one place of it.
    """
    hats = [hit for hit in bar.hits if hit.voice in HAT_VOICES]
    by_hand = {hit.step for hit in hats if hit.voice is not Voice.PEDAL_HAT}
    alone = [hit for hit in hats if hit.voice is not Voice.PEDAL_HAT or hit.step not in by_hand]
    return sorted(alone, key=lambda hit: (tick_of(hit), hit.voice))


def context_of(voice: Voice, tick: int, before: HatStroke | None) -> Context:
    """Return what explains the openness of a stroke at a tick, which counts as that of the one before."""
    own = HAT_VOICES.index(voice)
    if before is None:
        return own, NO_LEVEL, NO_VOICE, len(GAP_ENDS_TICKS)
    gap = bisect_right(GAP_ENDS_TICKS, tick - before.tick)
    return own, level_of(before.openness), HAT_VOICES.index(before.voice), gap


def save_hats(
    folder: Path, genres: Mapping[str, HatCounts], kin: Mapping[str, Sequence[str]], source: str
) -> Path:
    """Write the counts of genres beside a checkpoint, and whose they are; return the file.

    A genre of `kin` has no counts of its own, and those of the genres named.
    """
    path = folder / HATS_FILE
    numbers = [
        np.full((len(each.contexts), 1), place, np.uint8) for place, each in enumerate(genres.values())
    ]
    tensors: dict[str, npt.NDArray[Any]] = {
        "contexts": np.hstack([np.vstack(numbers), np.vstack([each.contexts for each in genres.values()])]),
        "counts": np.vstack([each.counts for each in genres.values()]),
    }
    about = {"genres": json.dumps(list(genres)), "kin": json.dumps({name: list(kin[name]) for name in kin})}
    save_file(tensors, path, {"format": FORMAT, **about, "source": source})
    return path


def load_hats(folder: Path) -> dict[str, HatCounts]:
    """Return the counts beside a checkpoint by genre; none where there are none: hats are shut or open.

    Raises CheckpointError where the file is none.
    """
    path = folder / HATS_FILE
    if not path.exists():
        return {}
    try:
        with safe_open(path, framework="np") as opened:
            about = opened.metadata() or {}
            if about.get("format") != FORMAT:
                raise CheckpointError(f"{path}: expected format {FORMAT!r}, got {about.get('format')!r}")
            contexts, counts = opened.get_tensor("contexts"), opened.get_tensor("counts")
            names, kin = list(json.loads(about["genres"])), dict(json.loads(about["kin"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: expected hi-hats, got: {error}") from error
    if contexts.ndim != 2 or contexts.shape[1] != 5 or (len(contexts) and contexts[:, 0].max() >= len(names)):
        raise CheckpointError(
            f"{path}: expected contexts (n, 5) of {len(names)} genres, got {contexts.shape}"
        )
    of_genre = [contexts[:, 0] == place for place in range(len(names))]
    found = {
        name: checked(HatCounts(contexts[rows, 1:], counts[rows]), path)
        for name, rows in zip(names, of_genre, strict=True)
    }
    unknown = [near for others in kin.values() for near in others if near not in found]
    if unknown:
        raise CheckpointError(f"{path}: expected kin among {', '.join(found)}, got {unknown[0]}")
    return found | {name: HatCounts.together([found[near] for near in kin[name]]) for name in kin}


def checked(found: HatCounts, path: Path) -> HatCounts:
    """Return counts as they are; raises CheckpointError naming the file where they cannot be."""
    wanted: tuple[Any, ...] = ((len(found.contexts), 4), np.uint8, (len(found.contexts), LEVELS), np.uint32)
    got = (found.contexts.shape, found.contexts.dtype, found.counts.shape, found.counts.dtype)
    if got != wanted:
        raise CheckpointError(f"{path}: expected contexts and counts {wanted}, got {got}")
    limits = (len(HAT_VOICES), LEVELS + 1, len(HAT_VOICES) + 1, len(GAP_ENDS_TICKS) + 1)
    if (found.contexts >= np.array(limits)).any():
        raise CheckpointError(f"{path}: expected contexts below {limits}, got {found.contexts.max(axis=0)}")
    return found
