"""Does "90 % sure" mean right nine times of ten? Calibration of a model's confidence, and one number that mends it.

    found = calibration(confidences, correct, pictures)
    found.ece, found.null.mean                  # never the one without the other
    temperature = fit_temperature(chances, correct)              # on the calibration split alone
    calibration(tempered(chances, temperature), correct, pictures)

The event is "the answer given is right". Chances are rows of probabilities, of the answer given first, then of those
that it was chosen from, or of all others together: (p, 1 − p). Guo et al. 2017 (arXiv 1706.04599) for ECE and
temperature. numpy and scipy only.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy import optimize, special

from leaml.errors import DataError
from leaml.evaluation.clusters import Floats
from leaml.evaluation.metrics import mean
from leaml.evaluation.resampling import Measure, figures, measure

BINS = 15
NULL_DRAWS = 1000
SMALLEST = 1e-6
"""Confidences are kept this far from 0 and 1, where one wrong answer would cost infinitely much."""
TEMPERATURES = (0.05, 20.0)
"""Within which the fitted one lies."""
NEAR_A_LIMIT = 0.01
"""On the scale of logarithms: the search ends beside a limit, never on it."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of the reliability diagram: confidences in (low, high], how many, their mean, how many are right."""

    low: float
    high: float
    n: int
    confidence: float | None
    right: int


@dataclass(frozen=True, slots=True)
class Null:
    """What the ECE of a perfectly calibrated model with the same confidences would be: mean, and 95 % below `high`."""

    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidences and right answers go together.

    Attributes:
        ece: expected calibration error, 15 bins of equal width; biased upwards, so read it beside `null`.
        null: by chance alone.
        brier: mean squared difference of confidence and right (1) or wrong (0).
        nll: mean negative log-likelihood of right or wrong, natural logarithm.
        bins: the reliability diagram.
    """

    ece: float
    null: Null
    brier: Measure
    nll: Measure
    bins: tuple[Bin, ...]

    def as_json(self) -> dict[str, Any]:
        """All of it, as plain values."""
        return {
            "ece": self.ece,
            "null": asdict(self.null),
            "brier": figures(self.brier),
            "nll": figures(self.nll),
            "bins": [asdict(one) for one in self.bins],
        }


def calibration(
    confidences: Sequence[float], correct: Sequence[bool], clusters: Sequence[str], seed: int = 0
) -> Calibration:
    """All figures, with intervals by picture.

    Raises:
        DataError: no items, lists of different lengths, or a confidence that is none.
    """
    sure, right = _checked(confidences, correct)
    losses = _losses(sure, right)
    nll = measure(lambda weights: weights @ losses / weights.sum(1), clusters, seed)
    squares = (sure - right) ** 2
    return Calibration(ece(sure, right), null(sure, seed), mean(squares, clusters), nll, reliability(sure, right))


def ece(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Expected calibration error: mean of |right − confidence| over bins, by their number of items.

    Raises:
        DataError: as `calibration`.
    """
    sure, right = _checked(confidences, correct)
    return float(np.abs(np.bincount(_bin_of(sure), right - sure, minlength=BINS)).sum() / len(sure))


def null(confidences: Sequence[float], seed: int = 0, draws: int = NULL_DRAWS) -> Null:
    """The ECE that chance alone gives: right answers are drawn with the very probabilities that are the confidences."""
    sure = np.asarray(confidences, dtype=float)
    bins = np.zeros((len(sure), BINS))
    bins[np.arange(len(sure)), _bin_of(sure)] = 1.0
    off = (np.random.default_rng(seed).random((draws, len(sure))) < sure) - sure
    found = np.abs(off @ bins).sum(1) / len(sure)
    return Null(float(found.mean()), float(np.quantile(found, 0.95)))


def reliability(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[Bin, ...]:
    """The 15 bins of equal width, empty ones too.

    Raises:
        DataError: as `calibration`.
    """
    sure, right = _checked(confidences, correct)
    where = _bin_of(sure)
    counts = np.bincount(where, minlength=BINS)
    sums, hits = (np.bincount(where, values, minlength=BINS) for values in (sure, right))
    return tuple(
        Bin(k / BINS, (k + 1) / BINS, int(n), float(sums[k] / n) if n else None, int(hits[k]))
        for k, n in enumerate(counts)
    )


def fit_temperature(chances: Sequence[Sequence[float]], correct: Sequence[bool]) -> float:
    """The temperature that makes right and wrong likeliest; above 1 where the model is too sure of itself.

    It is sought within `TEMPERATURES`; see `limit_of` for what it means to end there.

    Raises:
        DataError: as `calibration`.
    """
    _, right = _checked([row[0] for row in chances], correct)
    rows = _matrix(chances)
    found = optimize.minimize_scalar(
        lambda log: float(_losses(_softened(rows, np.exp(log)), right).mean()),
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return float(np.exp(found.x))


def limit_of(temperature: float) -> Literal["lower", "upper"] | None:
    """Which limit a fitted temperature ended at, if any.

    At the upper one the model's confidence says nothing about being right, or speaks against it; at the lower one it is
    right wherever it is more sure than not, and wrong elsewhere, almost without exception.
    """
    low, high = (abs(math.log(temperature / limit)) < NEAR_A_LIMIT for limit in TEMPERATURES)
    return "lower" if low else "upper" if high else None


def tempered(chances: Sequence[Sequence[float]], temperature: float) -> Floats:
    """(answers,) confidences at a temperature: the softmax of log-probabilities over temperature."""
    return _softened(_matrix(chances), temperature)


def _softened(rows: Floats, temperature: float) -> Floats:
    return special.softmax(rows / temperature, axis=1)[:, 0]


def _matrix(chances: Sequence[Sequence[float]]) -> Floats:
    """(answers, most chances of one) log-probabilities, minus infinity where an answer has fewer."""
    rows = np.full((len(chances), max(map(len, chances), default=1)), -np.inf)
    for place, row in enumerate(chances):
        rows[place, : len(row)] = np.log(np.clip(row, SMALLEST, 1.0))
    return rows


def _checked(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[Floats, Floats]:
    sure, right = np.asarray(confidences, dtype=float), np.asarray(correct, dtype=float)
    if len(sure) == 0:
        raise DataError("There are no answers to measure.", "Choose a split that holds answered questions.")
    if sure.shape != right.shape:
        raise DataError(f"{len(sure)} confidences stand beside {len(right)} answers.", "Give one for each answer.")
    if not ((sure >= 0) & (sure <= 1)).all():
        raise DataError("A confidence is no number between 0 and 1.", "Compare again; the model may be damaged.")
    return sure, right


def _losses(sure: Floats, right: Floats) -> Floats:
    sure = np.clip(sure, SMALLEST, 1 - SMALLEST)
    return -special.xlogy(right, sure) - special.xlog1py(1 - right, -sure)


def _bin_of(sure: Floats) -> Any:
    return np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
