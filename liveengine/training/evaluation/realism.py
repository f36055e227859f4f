"""Generated bars beside real ones of the same styles and tempos: the judge, the style, timing, copying."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from liveengine.music.drums import VOICE_COUNT
from liveengine.music.pattern import Bar
from liveengine.music.request import Conditioning
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.corpus import Take
from liveengine.training.evaluation.classifiers import auc, forest, held_out_scores, wasserstein_1
from liveengine.training.evaluation.corruption import CORRUPTIONS
from liveengine.training.evaluation.features import (
    BAR_STEPS,
    GROUPS,
    WINDOW_BARS,
    Matrix,
    feature_matrix,
    ms_per_tick,
    notes_of,
)
from liveengine.training.evaluation.performance import WARM_UP_BARS, Performer
from liveengine.training.evaluation.reference import Reference, windows_of

RUN_WINDOWS = 8
"""Windows judged of one run of generated bars; then the next run begins from nothing."""
HALVINGS = 4
"""In how many ways the real takes are halved for a real-versus-real figure, which is their mean."""
CELL_NOTES = 10
"""A voice x sixteenth counts where both sides have as many notes: fewer tell chance, not feel."""
SLACK = 0.05
"""How far below the stated AUC of a corruption a judge may stay."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of two bars with what each stands for: tempo, genre, and the number of the evaluated take."""

    bars: tuple[Sequence[Bar], ...]
    bpm: tuple[float, ...]
    genres: npt.NDArray[np.str_]
    takes: npt.NDArray[np.int64]
    features: Matrix

    def at(self, chosen: npt.NDArray[np.bool_]) -> Windows:
        """Return some of the windows."""
        places = np.flatnonzero(chosen).tolist()
        return Windows(
            tuple(self.bars[place] for place in places),
            tuple(self.bpm[place] for place in places),
            self.genres[chosen],
            self.takes[chosen],
            self.features[chosen],
        )


def _windows(rows: Sequence[tuple[Sequence[Bar], Take, int]]) -> Windows:
    return Windows(
        tuple(bars for bars, _, _ in rows),
        tuple(take.bpm for _, take, _ in rows),
        np.array([take.genre for _, take, _ in rows]),
        np.array([number for _, _, number in rows], np.int64),
        feature_matrix([(bars, take.bpm) for bars, take, _ in rows]),
    )


def real_and_generated(
    takes: Sequence[Take],
    space: ConditionSpace,
    performer: Performer,
    bars: int,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[Windows, Windows]:
    """Return windows of evaluated beat takes, and as many that the model makes for the same takes.

    About `bars` bars a side, dealt to the takes by their length. The model is given a take's style, tempo
    and meter, nothing else; it continues itself from nothing, and the warm-up is left out. Takes of a
    style that the model has not learned are left out on both sides.
    """
    usable = [(take, windows_of(take)) for take in takes if not take.is_fill and take.genre in space.genres]
    usable = [(take, windows) for take, windows in usable if windows]
    shares = _dealt([len(windows) for _, windows in usable], bars // WINDOW_BARS)
    rng = np.random.default_rng([performer.seed, 7])
    real: list[tuple[Sequence[Bar], Take, int]] = []
    made: list[tuple[Sequence[Bar], Take, int]] = []
    for number, ((take, windows), share) in enumerate(zip(usable, shares, strict=True)):
        places = sorted(rng.choice(len(windows), share, replace=False).tolist())
        real += [(windows[place], take, number) for place in places]
        conditioning = Conditioning(genres=((take.genre, 1.0),), bpm=take.bpm)
        for begun in range(0, share, RUN_WINDOWS):
            run = min(share - begun, RUN_WINDOWS)
            played = performer.play([conditioning] * (WARM_UP_BARS + run * WINDOW_BARS), take.bars[0].meter)
            played = played[WARM_UP_BARS:]
            made += [
                (played[start : start + WINDOW_BARS], take, number)
                for start in range(0, len(played), WINDOW_BARS)
            ]
        report(number + 1, len(usable))
    return _windows(real), _windows(made)


def _dealt(counts: Sequence[int], wanted: int) -> list[int]:
    """Return how many of `wanted` fall to each, in proportion to its count, at least one, never more."""
    total = sum(counts)
    return [min(count, max(1, round(wanted * count / total))) for count in counts]


def judge(real: Windows, made: Windows, seed: int) -> dict[str, float | bool]:
    """Return how well a classifier tells windows from real ones, and whether it is fit to judge.

    A forest on the features of two-bar windows, cross-validated in five folds with all windows of a take
    (and those made for it) in one fold, scores each window; the figure is the area under the ROC curve,
    0.5 where it cannot tell. `real_vs_generated_auc` is that of generated windows; `real_vs_real_auc`,
    its reference, that of half of the takes against the other half, paired by style and each pair in one
    fold, the mean over several halvings (and `real_vs_real_auc_spread` their standard deviation). Each
    `corruption_auc_*` is that of the real windows spoilt; the judge is strong enough where none falls
    more than 0.05 below the stated figure. Spoilt windows carry the same music as their originals, which
    lie in the same fold.
    """
    halves = [
        _auc_between(one.features, one.takes, other.features, other.takes, seed)
        for one, other in halvings(real, seed)
    ]
    found: dict[str, float | bool] = {
        "real_vs_generated_auc": _auc_between(real.features, real.takes, made.features, made.takes, seed),
        "real_vs_real_auc": _mean(halves),
        "real_vs_real_auc_spread": float(np.std(halves)),
    }
    strong = True
    for name, (spoil, stated) in CORRUPTIONS.items():
        rng = np.random.default_rng([seed, 11])
        spoilt = feature_matrix(
            [(spoil(bars, bpm, rng), bpm) for bars, bpm in zip(real.bars, real.bpm, strict=True)]
        )
        area = _auc_between(real.features, real.takes, spoilt, real.takes, seed)
        found[f"corruption_auc_{name}"] = area
        strong = strong and area >= stated - SLACK
    found["judge_strong_enough"] = strong
    return found


def _auc_between(
    one: Matrix,
    one_takes: npt.NDArray[np.int64],
    other: Matrix,
    other_takes: npt.NDArray[np.int64],
    seed: int,
) -> float:
    labels = np.arange(len(one) + len(other)) >= len(one)
    scores = held_out_scores(
        np.concatenate([one, other]), labels, np.concatenate([one_takes, other_takes]), seed
    )
    return auc(scores, labels)


def halvings(real: Windows, seed: int) -> list[tuple[Windows, Windows]]:
    """Return the windows in two halves by take, styles spread evenly, in several ways.

    Takes are paired within their style as far as it goes, one of each pair to each half; the `takes` of
    the halves are numbers of pairs, so that a classifier never learns from one what the other is not.
    """
    rng = np.random.default_rng([seed, 13])
    halves = []
    genre_of = dict(zip(real.takes.tolist(), real.genres.tolist(), strict=True))
    for _ in range(HALVINGS):
        numbers = rng.permutation(np.unique(real.takes)).tolist()
        by_genre = sorted(numbers, key=lambda number: str(genre_of[number]))
        pair_of = {number: place // 2 for place, number in enumerate(by_genre)}
        paired = replace(real, takes=np.array([pair_of[take] for take in real.takes.tolist()], np.int64))
        first = np.isin(real.takes, by_genre[::2])
        halves.append((paired.at(first), paired.at(~first)))
    return halves


def style_accuracy(reference: Reference, real: Windows, made: Windows, seed: int) -> dict[str, float]:
    """Return how often a classifier trained on real training windows names the style of a window.

    On real windows of the evaluated takes (the reference) and on those that the model made when asked for
    the same styles; styles that the training bars lack are left out. `style_ratio` is the second by the
    first. The `_take` figures count takes, each named by the mean of its windows' votes.
    """
    model = forest(seed).fit(reference.style, reference.style_labels)
    known = set(model.classes_.tolist())
    found: dict[str, float] = {}
    for name, every in (("real", real), ("generated", made)):
        windows = every.at(np.array([genre in known for genre in every.genres.tolist()], np.bool_))
        if not len(windows.takes):
            found |= {f"style_accuracy_{name}": 0.0, f"style_accuracy_{name}_take": 0.0}
            continue
        votes = model.predict_proba(windows.features)
        found[f"style_accuracy_{name}"] = _mean(model.classes_[votes.argmax(1)] == windows.genres)
        takes = np.unique(windows.takes)
        named = [model.classes_[votes[windows.takes == take].mean(0).argmax()] for take in takes]
        asked = [windows.genres[windows.takes == take][0] for take in takes]
        found[f"style_accuracy_{name}_take"] = _mean(np.array(named) == np.array(asked))
    real_accuracy = found["style_accuracy_real"]
    found["style_ratio"] = found["style_accuracy_generated"] / real_accuracy if real_accuracy else 0.0
    return found


def wasserstein(real: Windows, made: Windows, seed: int) -> dict[str, float]:
    """Return how far timing and velocity of generated notes lie from real ones, per voice and sixteenth.

    Wasserstein-1 distance between the deviations from the sixteenth in ms, and between the velocities,
    of the notes of one voice on one sixteenth of the bar, where both sides have at least ten; the mean
    over these, weighted by the notes of both sides. The reference is half of the real takes against the
    other half, the mean over several halvings.
    """
    timing, velocity = _wasserstein(real, made)
    halves = [_wasserstein(one, other) for one, other in halvings(real, seed)]
    return {
        "w1_timing_ms": timing,
        "w1_velocity": velocity,
        "w1_timing_ms_real": _mean([pair[0] for pair in halves]),
        "w1_velocity_real": _mean([pair[1] for pair in halves]),
    }


def _wasserstein(one: Windows, other: Windows) -> tuple[float, float]:
    first, second = _cells(one), _cells(other)
    rows = [
        (
            wasserstein_1(np.array(first[cell][0]), np.array(second[cell][0])),
            wasserstein_1(np.array(first[cell][1]), np.array(second[cell][1])),
            len(first[cell][0]) + len(second[cell][0]),
        )
        for cell in sorted(first.keys() & second.keys())
        if min(len(first[cell][0]), len(second[cell][0])) >= CELL_NOTES
    ]
    if not rows:
        return 0.0, 0.0
    table = np.array(rows)
    timing, velocity = (table[:, :2] * table[:, 2:]).sum(axis=0) / table[:, 2].sum()
    return float(timing), float(velocity)


def _cells(windows: Windows) -> Mapping[int, tuple[list[float], list[float]]]:
    """Return the deviations in ms and the velocities of each voice x sixteenth."""
    cells: dict[int, tuple[list[float], list[float]]] = {}
    for bars, bpm in zip(windows.bars, windows.bpm, strict=True):
        notes = notes_of(bars)
        places = notes.step * VOICE_COUNT + notes.voice
        micro = notes.micro * ms_per_tick(bpm)
        for place, deviation, velocity in zip(
            places.tolist(), micro.tolist(), notes.velocity.tolist(), strict=True
        ):
            deviations, velocities = cells.setdefault(place, ([], []))
            deviations.append(deviation)
            velocities.append(velocity)
    return cells


def groove_consistency(windows: Windows) -> float:
    """Return how alike the two bars of a window are: 1 less the share of places where their onsets differ.

    Places are nine groups of voices x sixteenth (Wu and Yang 2020, on a drum kit), the mean over windows.
    """
    alike = []
    for bars in windows.bars:
        onsets = np.zeros((len(bars), len(GROUPS), BAR_STEPS), np.bool_)
        notes = notes_of(bars)
        inside = notes.step < BAR_STEPS
        onsets[notes.bar[inside], notes.group[inside], notes.step[inside]] = True
        alike += [float((here == there).mean()) for here, there in pairwise(onsets)]
    return _mean(alike)


def share_copied(windows: Windows, reference: Reference) -> float:
    """Return the share of bars whose onsets (voice x sixteenth) are those of a training bar.

    Timing and velocity do not count, and a bar with no onset is none. For real bars it tells how often
    drummers happen to play the same bar.
    """
    bars = [bar for window in windows.bars for bar in window if bar.hits]
    return _mean([reference.holds(bar) for bar in bars])


def variety(windows: Windows) -> float:
    """Return the share of distinct onset patterns among all bars: low where a model says one thing."""
    patterns = Counter(
        frozenset((hit.voice, hit.step) for hit in bar.hits) for window in windows.bars for bar in window
    )
    return len(patterns) / max(1, patterns.total())


def _mean(values: Sequence[float] | npt.NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
