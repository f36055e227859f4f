"""The classifiers that judge: forests of extremely randomised trees on window features, seeded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from liveengine.errors import LiveEngineError
from liveengine.training.evaluation.features import Matrix

TREES = 300
FOLDS = 5

Scores = npt.NDArray[np.float64]


def forest(seed: int, **settings: Any) -> Any:
    """Return an untrained forest. Raises LiveEngineError where scikit-learn is not installed."""
    try:
        from sklearn.ensemble import ExtraTreesClassifier
    except ImportError as error:
        raise LiveEngineError("evaluation needs scikit-learn: pip install 'liveengine[train]'") from error
    return ExtraTreesClassifier(
        TREES, max_features="sqrt", min_samples_leaf=2, n_jobs=1, random_state=seed, **settings
    )


def held_out_scores(
    features: Matrix, labels: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], seed: int
) -> Scores:
    """Return for each row how probably it is True, by forests that saw none of its group.

    Groups are dealt to five folds (fewer where there are fewer groups). Rows of one class only, or of one
    group only, get one half.
    """
    folds = min(FOLDS, len(np.unique(groups)))
    scores = np.full(len(labels), 0.5)
    if folds < 2:
        return scores
    dealt = np.random.default_rng(seed).permutation(np.unique(groups))
    fold_of = {int(group): place % folds for place, group in enumerate(dealt)}
    folds_of = np.array([fold_of[int(group)] for group in groups])
    for fold in range(folds):
        inside = folds_of == fold
        if len(np.unique(labels[~inside])) < 2:
            continue
        model = forest(seed).fit(features[~inside], labels[~inside])
        scores[inside] = model.predict_proba(features[inside])[:, 1]
    return scores


def auc(scores: Scores, labels: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: how often a True row scores above a False one; ties are half."""
    positive = int(labels.sum())
    negative = len(labels) - positive
    if not positive or not negative:
        return 0.5
    ranks = ranks_of(scores)
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def spearman(asked: npt.NDArray[np.float64], got: npt.NDArray[np.float64]) -> float:
    """Return the rank correlation; 0 where either does not vary."""
    if len(asked) < 2 or np.ptp(asked) == 0 or np.ptp(got) == 0:
        return 0.0
    return float(np.corrcoef(ranks_of(asked), ranks_of(got))[0, 1])


def ranks_of(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the rank of each value from 1 on, ties sharing their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks


def wasserstein_1(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return the Wasserstein-1 distance of two samples: the area between their distribution functions."""
    one, other = np.sort(one), np.sort(other)
    places = np.sort(np.concatenate([one, other]))
    below_one = np.searchsorted(one, places[:-1], side="right") / len(one)
    below_other = np.searchsorted(other, places[:-1], side="right") / len(other)
    return float((np.abs(below_one - below_other) * np.diff(places)).sum())
