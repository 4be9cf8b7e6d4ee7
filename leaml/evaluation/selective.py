"""When to ask a person: what remains wrong where only answers are given of which the model is sure. numpy only.

    threshold = threshold_for(confidences, correct)      # on the calibration split; None: none keeps the risk
    selective(confidences, correct, pictures, threshold) # on the test set: what it does there

Risk is the share of wrong answers among those given, coverage the share that is given (Geifman and El-Yaniv 2017, arXiv
1705.08500). The area under the curve (AURC) is the mean risk over all coverages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaml.evaluation.clusters import Floats
from leaml.evaluation.metrics import Rate, rate
from leaml.evaluation.resampling import FEWEST, Measure, figures, measure

RISK = 0.05
POINTS = 100
"""Of the curve, at most."""


@dataclass(frozen=True, slots=True)
class Selective:
    """What giving the sure answers alone does.

    Attributes:
        aurc: mean risk over all coverages; compare it with the share of wrong answers, which chance would leave.
        coverage: the largest coverage whose risk is at most 5 %, with hindsight: chosen on these very answers.
        curve: (coverage, risk), from the surest answer on.
        threshold: confidence below which a person is asked, chosen elsewhere; None: there is none.
        answered: share of the questions at or above the threshold.
        wrong: share of wrong answers among those; None where there are none.
    """

    aurc: Measure
    coverage: Measure
    curve: tuple[tuple[float, float], ...]
    threshold: float | None
    answered: Rate | None
    wrong: Rate | None

    def as_json(self) -> dict[str, Any]:
        """All of it, as plain values; the names that the screens read."""
        return {
            "aurc": figures(self.aurc),
            "coverage_at_risk": figures(self.coverage),
            "risk": RISK,
            "curve": [list(point) for point in self.curve],
            "threshold": self.threshold,
            "answered": figures(self.answered),
            "wrong_among_answered": figures(self.wrong),
        }


def selective(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[str], threshold: float | None = None
) -> Selective:
    """All figures, with intervals by picture.

    Raises:
        DataError: no items, or lists of different lengths.
    """
    sure, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=bool)
    answered = wrong = None
    if threshold is not None:
        given = sure >= threshold
        answered = rate(given, clusters)
        if given.any():
            wrong = rate(~right[given], [cluster for cluster, one in zip(clusters, given, strict=True) if one])
    return Selective(
        measure(lambda weights: aurc(sure, right, weights), clusters),
        measure(lambda weights: coverage_at(sure, right, weights=weights), clusters),
        curve(sure, right),
        threshold,
        answered,
        wrong,
    )


def curve(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[tuple[float, float], ...]:
    """(coverage, risk) at every threshold, thinned evenly to 100 points; the last is (1, share of wrong answers)."""
    coverages, risks = _at_thresholds(np.asarray(confidences, dtype=float), np.asarray(correct, dtype=bool), None)
    kept = np.unique(np.linspace(0, coverages.shape[1] - 1, POINTS).round().astype(int))
    return tuple((float(coverages[0, place]), float(risks[0, place])) for place in kept)


def aurc(confidences: Floats, correct: Any, weights: Floats | None = None) -> Floats:
    """(draws,) area under the risk–coverage curve; equal confidences are one step, as no order is known among them."""
    coverages, risks = _at_thresholds(confidences, correct, weights)
    return (np.diff(coverages, axis=1, prepend=0.0) * risks).sum(1)


def coverage_at(confidences: Floats, correct: Any, risk: float = RISK, weights: Floats | None = None) -> Floats:
    """(draws,) the largest coverage whose risk is at most `risk`; 0 where there is none."""
    coverages, risks = _at_thresholds(confidences, correct, weights)
    return np.where(risks <= risk, coverages, 0.0).max(axis=1)


def threshold_for(confidences: Sequence[float], correct: Sequence[bool], risk: float = RISK) -> float | None:
    """The lowest confidence at which at most `risk` of the answers at or above it are wrong.

    None where no threshold that leaves 30 answers keeps the risk: then every answer needs a person.
    """
    sure, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=bool)
    for value in np.unique(sure):
        given = sure >= value
        if given.sum() < FEWEST:
            return None
        if (~right[given]).mean() <= risk:
            return float(value)
    return None


def _at_thresholds(confidences: Floats, correct: Any, weights: Floats | None) -> tuple[Floats, Floats]:
    """Coverages and risks, (draws, thresholds), from the surest answer on; risk 0 where nothing is given yet."""
    weights = np.ones((1, len(confidences))) if weights is None else weights
    order = np.argsort(-confidences, kind="stable")
    starts = np.flatnonzero(np.diff(confidences[order], prepend=np.inf))
    ordered = weights[:, order]
    given = np.add.reduceat(ordered, starts, axis=1).cumsum(1)
    wrong = np.add.reduceat(ordered * ~np.asarray(correct, dtype=bool)[order], starts, axis=1).cumsum(1)
    with np.errstate(invalid="ignore"):
        return given / given[:, -1:], np.nan_to_num(wrong / given)
