"""How well a score tells two kinds of items apart: AUROC, AUPR, false positives at 95 % found. numpy only.

    auroc(scores, positive)                     # 0.5 is chance
    ranked(scores, positive, pictures)          # all three with intervals, and how many items of either kind

A larger score speaks for "positive". All functions take weights (draws, items), so that a bootstrap is one call; ties
count half (AUROC) or as one threshold (AUPR, false positives), as in scikit-learn, with which tests compare them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaml.evaluation.clusters import Floats
from leaml.evaluation.resampling import FEWEST, Measure, Statistic, figures, measure

Flags = NDArray[np.bool_]
FOUND = 0.95
"""Share of the positive items at which false positives are counted."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Figures of one score. None where a kind has no items at all.

    Attributes:
        auroc: probability that a positive item has a larger score than a negative one.
        aupr: average precision at finding the positive items; chance is their share.
        aupr_negative: the same at finding the negative items, by small scores.
        fpr: share of the negative items above the threshold that finds 95 % of the positive ones.
        positive: how many items are.
        n: how many items there are.
    """

    auroc: Measure | None
    aupr: Measure | None
    aupr_negative: Measure | None
    fpr: Measure | None
    positive: int
    n: int

    @property
    def enough(self) -> bool:
        """Whether there are 30 items of either kind: below, there are counts and no figures."""
        return min(self.positive, self.n - self.positive) >= FEWEST

    def as_json(self) -> dict[str, Any]:
        """Figures as JSON; `enough` says whether they are worth showing."""
        names = ("auroc", "aupr", "aupr_negative", "fpr")
        found = {name: figures(getattr(self, name)) for name in names}
        return found | {"positive": self.positive, "n": self.n, "enough": self.enough}


def ranked(scores: Sequence[float], positive: Sequence[bool], clusters: Sequence[str]) -> Ranked:
    """All figures of a score, with intervals by cluster bootstrap.

    Raises:
        DataError: there are not as many clusters as items.
    """
    values, flags = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    kinds = [{one for one, flag in zip(clusters, flags, strict=False) if flag == kind} for kind in (True, False)]

    def measured(statistic: Statistic) -> Measure | None:
        return measure(statistic, clusters, fewest=min(map(len, kinds)))

    return Ranked(
        measured(lambda weights: auroc(values, flags, weights)),
        measured(lambda weights: average_precision(values, flags, weights)),
        measured(lambda weights: average_precision(-values, ~flags, weights)),
        measured(lambda weights: false_positives(values, flags, weights)),
        int(flags.sum()),
        len(flags),
    )


def auroc(scores: Floats, positive: Flags, weights: Floats | None = None) -> Floats:
    """(draws,) area under the receiver operating characteristic; not a number where only one kind is there.

    Args:
        scores: (items,).
        positive: (items,).
        weights: (draws, items); every item once by default.
    """
    positives, negatives = _by_threshold(scores, positive, weights)
    above = positives.cumsum(1) - positives / 2
    with np.errstate(invalid="ignore"):
        return (above * negatives).sum(1) / (positives.sum(1) * negatives.sum(1))


def average_precision(scores: Floats, positive: Flags, weights: Floats | None = None) -> Floats:
    """(draws,) Σ (recall step) · precision, from the largest score down; not a number without positive items."""
    positives, negatives = _by_threshold(scores, positive, weights)
    found = positives.cumsum(1)
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(found / (found + negatives.cumsum(1)))
        return (positives * precision).sum(1) / positives.sum(1)


def false_positives(scores: Floats, positive: Flags, weights: Floats | None = None) -> Floats:
    """(draws,) share of the negative items above the highest threshold that finds 95 % of the positive ones."""
    positives, negatives = _by_threshold(scores, positive, weights)
    with np.errstate(invalid="ignore"):
        recall = positives.cumsum(1) / positives.sum(1, keepdims=True)
        false = negatives.cumsum(1) / negatives.sum(1, keepdims=True)
    first = (recall >= FOUND - 1e-12).argmax(axis=1)
    shares = false[np.arange(len(false)), first]
    return np.where(np.isnan(recall[:, -1]), np.nan, shares)


def _by_threshold(scores: Floats, positive: Flags, weights: Floats | None) -> tuple[Floats, Floats]:
    """Weights of the positive and of the negative items, (draws, thresholds), from the largest score down."""
    values, flags = np.asarray(scores, dtype=float), np.asarray(positive, dtype=bool)
    weights = np.ones((1, len(values))) if weights is None else weights
    order = np.argsort(-values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=np.inf))
    ordered = weights[:, order]
    positives = np.add.reduceat(ordered * flags[order], starts, axis=1)
    return positives, np.add.reduceat(ordered, starts, axis=1) - positives
