"""Whether the model follows its controls: density, energy and fill, asked against got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import Conditioning
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.corpus import Take, mean_velocity, notes_per_beat
from liveengine.training.evaluation.classifiers import forest, held_out_scores, spearman
from liveengine.training.evaluation.features import feature_matrix
from liveengine.training.evaluation.performance import WARM_UP_BARS, Performer
from liveengine.training.evaluation.reference import Reference, fill_examples

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
STYLES = 6
"""How many of the evaluated styles are asked for, those with the most bars first."""
BARS_BEFORE_FILL = 3

Report = Callable[[int, int], None]


def styles_to_ask(takes: Sequence[Take], space: ConditionSpace) -> list[Conditioning]:
    """Return the evaluated styles that the model has learned, each at the median tempo of its takes."""
    beats = [take for take in takes if not take.is_fill and take.genre in space.genres]
    counts: Counter[str] = Counter()
    for take in beats:
        counts[take.genre] += len(take.bars)
    return [
        Conditioning(
            genres=((genre, 1.0),), bpm=float(np.median([take.bpm for take in beats if take.genre == genre]))
        )
        for genre, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:STYLES]
    ]


def levels_followed(
    styles: Sequence[Conditioning], space: ConditionSpace, performer: Performer, bars_each: int
) -> dict[str, float]:
    """Return Spearman's rank correlation of asked and got, bar by bar over all styles together.

    Density and energy are asked for in turn, the other left open, at five levels in each style; what was
    got is the bar's notes per beat, and the mean velocity of its hits. A bar without hits has the least
    density and no energy. Real bars, conditioned by themselves, would score 1. The `_within` figures are
    the mean over styles of the correlation within each.
    """
    found: dict[str, float] = {}
    for name in ("density", "energy"):
        asked: list[float] = []
        got: list[float] = []
        style_of: list[int] = []
        for number, style in enumerate(styles):
            for level in LEVELS:
                wanted = replace(style, density=level) if name == "density" else replace(style, energy=level)
                played = performer.play([wanted] * (WARM_UP_BARS + bars_each))[WARM_UP_BARS:]
                for bar in played:
                    if name == "energy" and not bar.hits:
                        continue
                    asked.append(level)
                    got.append(notes_per_beat(bar) if name == "density" else mean_velocity(bar))
                    style_of.append(number)
        of_style = np.array(style_of)
        asks, gots = np.array(asked), np.array(got)
        found[f"{name}_spearman"] = spearman(asks, gots)
        within = [spearman(asks[of_style == number], gots[of_style == number]) for number in set(style_of)]
        found[f"{name}_spearman_within"] = float(np.mean(within)) if within else 0.0
        to_quantile = space.density_of if name == "density" else space.energy_of
        errors = [abs(to_quantile(value) - ask) for ask, value in zip(asked, got, strict=True)]
        found[f"{name}_error"] = float(np.mean(errors)) if errors else 0.0
    return found


def fills_followed(
    styles: Sequence[Conditioning],
    takes: Sequence[Take],
    reference: Reference,
    performer: Performer,
    rounds: int,
) -> dict[str, float]:
    """Return how often a classifier of fill bars agrees where a fill was asked for.

    It is a forest on the features of single bars, trained on bars of fill takes against bars of beats
    with even weight. In each style three bars without fill and one with are asked for, again and again:
    `fill_agreement` is the share of the latter that it calls fills, `fill_false_alarms` that of the bars
    just before. `fill_agreement_real` and `fill_false_alarms_real` are the same on real fills and beats of
    the evaluated takes (of the training takes, cross-validated by take, where there are none), and
    `fill_classifier_accuracy` is the mean of their rates of being right.
    """
    if len(np.unique(reference.fill_labels)) < 2 or not styles:
        return {}
    model = forest(performer.seed, class_weight="balanced").fit(reference.fill, reference.fill_labels)
    found = _real_fills(model, takes, reference, performer.seed)
    fills, others = [], []
    for style in styles:
        cycle = [replace(style, fill=False)] * BARS_BEFORE_FILL + [replace(style, fill=True)]
        played = performer.play(cycle * rounds, FOUR_FOUR)
        bpm = style.bpm or 120.0
        fills += [((bar,), bpm) for bar in played[BARS_BEFORE_FILL :: BARS_BEFORE_FILL + 1]]
        others += [((bar,), bpm) for bar in played[BARS_BEFORE_FILL - 1 :: BARS_BEFORE_FILL + 1]]
    found["fill_agreement"] = _share(model, feature_matrix(fills))
    found["fill_false_alarms"] = _share(model, feature_matrix(others))
    return found


def _share(model: Any, rows: Any) -> float:
    return float((model.predict_proba(rows)[:, 1] >= 0.5).mean())


def _real_fills(model: Any, takes: Sequence[Take], reference: Reference, seed: int) -> dict[str, float]:
    """Return how the classifier does on real bars that it has not seen."""
    examples = list(fill_examples(takes))
    labels = np.array([is_fill for _, _, is_fill, _ in examples], np.bool_)
    if len(np.unique(labels)) == 2:
        scores = model.predict_proba(feature_matrix([((bar,), bpm) for bar, bpm, _, _ in examples]))[:, 1]
    else:
        labels = reference.fill_labels
        scores = held_out_scores(reference.fill, labels, reference.fill_takes, seed)
    right, wrong = float((scores[labels] >= 0.5).mean()), float((scores[~labels] >= 0.5).mean())
    return {
        "fill_agreement_real": right,
        "fill_false_alarms_real": wrong,
        "fill_classifier_accuracy": (right + 1 - wrong) / 2,
    }
