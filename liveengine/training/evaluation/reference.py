"""What judging needs of the training bars: features with labels, and hashes, in one small file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from liveengine.errors import CheckpointError, CorpusError
from liveengine.music.pattern import Bar
from liveengine.training.corpus import Take, fill_bars
from liveengine.training.evaluation.features import (
    FEATURES_VERSION,
    WINDOW_BARS,
    Matrix,
    feature_matrix,
)

REFERENCE_FILE = "reference.npz"
STYLE_WINDOWS = 1500
FILL_BARS = 500
"""At most as many bars of each kind, fill and beat."""
SUBSAMPLE_SEED = 1

Window = tuple[Sequence[Bar], float]


@dataclass(frozen=True, slots=True)
class Reference:
    """Training bars as classifiers and the copy check see them.

    `style` (windows, features) with the genre of each; `fill` (bars, features) with whether each is a
    fill and the number of its take; `hashes` of the onsets of every bar, sorted.
    """

    style: Matrix
    style_labels: npt.NDArray[np.str_]
    fill: Matrix
    fill_labels: npt.NDArray[np.bool_]
    fill_takes: npt.NDArray[np.int64]
    hashes: npt.NDArray[np.uint64]

    def holds(self, bar: Bar) -> bool:
        """Tell whether a training bar has the onsets of this one."""
        place = int(np.searchsorted(self.hashes, bar_hash(bar)))
        return place < len(self.hashes) and bool(self.hashes[place] == bar_hash(bar))


def bar_hash(bar: Bar) -> np.uint64:
    """Return 64 bits of the hash of a bar's meter and onsets, voice x sixteenth; nothing else counts."""
    onsets = sorted({(int(hit.voice), hit.step) for hit in bar.hits})
    text = f"{bar.meter} " + " ".join(f"{voice}.{step}" for voice, step in onsets)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))


def windows_of(take: Take) -> list[Sequence[Bar]]:
    """Return a take's windows of two bars, one after the other; a long take's last bar, its end, is left."""
    bars = take.bars[:-1] if len(take.bars) > 2 * WINDOW_BARS else take.bars
    return [bars[start : start + WINDOW_BARS] for start in range(0, len(bars) - WINDOW_BARS + 1, WINDOW_BARS)]


def training_takes(takes: Iterable[Take], judged: Iterable[str]) -> list[Take]:
    """Return the takes that may be trained on: not of another split, none that is to be judged."""
    names = set(judged)
    return [take for take in takes if take.split not in ("validation", "test") and take.name not in names]


def fill_examples(takes: Sequence[Take]) -> Iterator[tuple[Bar, float, bool, int]]:
    """Yield (bar, bpm, is a fill, number of its take) for what is surely one or the other.

    Every struck bar of a fill take is a fill; of beat takes, bars that may be fills are left out.
    """
    for number, take in enumerate(takes):
        for bar, maybe in zip(take.bars, fill_bars(take), strict=True):
            if len(bar.hits) > 2 and maybe == take.is_fill:
                yield bar, take.bpm, take.is_fill, number


def make_reference(takes: Sequence[Take]) -> Reference:
    """Return the reference of training takes, thinned to a size that ships with a checkpoint.

    Takes bound to a grid teach no timing and are only hashed. Raises CorpusError where there are no beats.
    """
    rng = np.random.default_rng(SUBSAMPLE_SEED)
    human = [take for take in takes if not take.grid_bound]
    windows = [(window, take) for take in human if not take.is_fill for window in windows_of(take)]
    if not windows:
        raise CorpusError("reference: expected training takes with at least two bars of a beat, found none")
    windows = [windows[place] for place in _some(len(windows), STYLE_WINDOWS, rng)]
    examples = list(fill_examples(human))
    chosen = [
        kind[place]
        for kind in ([each for each in examples if each[2]], [each for each in examples if not each[2]])
        for place in _some(len(kind), FILL_BARS, rng)
    ]
    style = feature_matrix([(window, take.bpm) for window, take in windows])
    return Reference(
        style=style,
        style_labels=np.array([take.genre for _, take in windows]),
        fill=feature_matrix([((bar,), bpm) for bar, bpm, _, _ in chosen])
        if chosen
        else np.zeros((0, style.shape[1]), np.float32),
        fill_labels=np.array([is_fill for _, _, is_fill, _ in chosen], np.bool_),
        fill_takes=np.array([number for _, _, _, number in chosen], np.int64),
        hashes=np.unique(np.array([bar_hash(bar) for take in takes for bar in take.bars], np.uint64)),
    )


def _some(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Return up to `wanted` of the places below `count`, ascending."""
    if count <= wanted:
        return list(range(count))
    return sorted(int(place) for place in rng.choice(count, wanted, replace=False))


def save_reference(reference: Reference, path: Path) -> None:
    """Write a reference without pickles, its features as 16-bit floats."""
    np.savez_compressed(
        path,
        version=np.array([FEATURES_VERSION]),
        style=reference.style.astype(np.float16),
        style_labels=reference.style_labels,
        fill=reference.fill.astype(np.float16),
        fill_labels=reference.fill_labels,
        fill_takes=reference.fill_takes.astype(np.int32),
        hashes=reference.hashes,
    )


def load_reference(path: Path) -> Reference:
    """Return the reference written at `path`.

    Raises CheckpointError where there is none or its features are those of another version.
    """
    if not path.is_file():
        raise CheckpointError(
            f"{path}: expected the features and hashes of the training bars, found none; "
            "name the training bars with --reference-dir"
        )
    try:
        with np.load(path, allow_pickle=False) as stored:
            version = int(stored["version"][0])
            if version != FEATURES_VERSION:
                raise CheckpointError(f"{path}: expected features {FEATURES_VERSION}, got {version}")
            return Reference(
                style=stored["style"].astype(np.float32),
                style_labels=stored["style_labels"],
                fill=stored["fill"].astype(np.float32),
                fill_labels=stored["fill_labels"],
                fill_takes=stored["fill_takes"].astype(np.int64),
                hashes=stored["hashes"],
            )
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path}: expected a reference written by this tool, got: {error}") from error
