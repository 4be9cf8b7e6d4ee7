"""Rates over several seeds of one experiment: means, paired differences, and intervals that know both. numpy and scipy.

    right = {"LEAML": bools, "labels only": bools}            # each (seeds, questions)
    over_seeds(right["LEAML"], groups)                        # Seeded(value, low, high, t_low, t_high, …)
    over_seeds(right["LEAML"], groups, right["labels only"])  # the paired difference

A seed says which pictures are labelled, how weights begin and in which order they learn; the questions are the same for
every seed. So two things are drawn: seeds, and clusters of questions (groups, or pictures). A draw takes seeds with
replacement, then clusters with replacement, the same clusters for every seed, for it is the same test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from leaml.errors import DataError

CONFIDENCE = 0.95
DRAWS = 4000


@dataclass(frozen=True, slots=True)
class Seeded:
    """A rate, or a difference of two, as the mean over seeds.

    Attributes:
        value: the mean over seeds.
        low: lower end of the 95 % interval by the two-level bootstrap.
        high: its upper end.
        t_low: lower end of the 95 % t interval over the seeds' values alone; equal to `value` for a single seed.
        t_high: its upper end.
        by_seed: the value of each seed, in order.
        n: questions.
        clusters: groups or pictures that they stand on.
    """

    value: float
    low: float
    high: float
    t_low: float
    t_high: float
    by_seed: tuple[float, ...]
    n: int
    clusters: int
    signed: bool = False

    def text(self) -> str:
        """ "0.61 [0.55, 0.67]"; a difference carries its sign."""
        sign = "+" if self.signed else ""
        return f"{self.value:{sign}.2f} [{self.low:{sign}.2f}, {self.high:{sign}.2f}]"


def over_seeds(
    right: ArrayLike, clusters: Sequence[str], against: ArrayLike | None = None, seed: int = 0, draws: int = DRAWS
) -> Seeded:
    """The mean over seeds and its intervals; with `against`, of the difference paired by seed and question.

    Args:
        right: (seeds, questions), whether each answer is right.
        clusters: of each question, what is resampled with it.
        against: (seeds, questions) of the row that is compared with; (1, questions) where it knows no seeds.
        seed: of the bootstrap.
        draws: bootstrap samples.

    Raises:
        DataError: no seeds or questions, or shapes that do not agree.
    """
    values = _values(right, against, len(clusters))
    sums, sizes = _by_cluster(values, clusters)
    by_seed = values.mean(1)
    mean = float(by_seed.mean())
    low, high = _two_level(sums, sizes, seed, draws)
    t_low, t_high = _t_interval(by_seed)
    return Seeded(
        mean, min(low, mean), max(high, mean), t_low, t_high, tuple(map(float, by_seed)),
        len(clusters), len(sizes), signed=against is not None,
    )  # fmt: skip


def _values(right: ArrayLike, against: ArrayLike | None, questions: int) -> NDArray[np.float64]:
    values = np.atleast_2d(np.asarray(right, dtype=float))
    if values.size == 0 or values.shape[1] != questions:
        raise DataError(f"{values.shape} answers stand beside {questions} questions.", "Score every question once.")
    if against is None:
        return values
    other = np.atleast_2d(np.asarray(against, dtype=float))
    if other.shape[1] != questions or other.shape[0] not in (1, values.shape[0]):
        what = f"{values.shape[0]} seeds of {questions} questions stand beside {other.shape}."
        raise DataError(what, "Compare rows of the same seeds and questions.")
    return values - other


def _by_cluster(
    values: NDArray[np.float64], clusters: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(seeds, clusters) sums and (clusters,) sizes, clusters in order of first appearance."""
    places: dict[str, int] = {}
    index = np.array([places.setdefault(cluster, len(places)) for cluster in clusters])
    sums = np.stack([np.bincount(index, weights=row, minlength=len(places)) for row in values])
    return sums, np.bincount(index).astype(float)


def _two_level(sums: NDArray[np.float64], sizes: NDArray[np.float64], seed: int, draws: int) -> tuple[float, float]:
    """Percentile interval of the mean; a draw's rate is the ratio of its sums to its sizes."""
    random = np.random.default_rng(seed)
    seeds, clusters = sums.shape
    chosen_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds
    chosen_clusters = random.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    means = np.einsum("ds,sc,dc->d", chosen_seeds, sums, chosen_clusters, optimize=True) / (chosen_clusters @ sizes)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _t_interval(by_seed: NDArray[np.float64]) -> tuple[float, float]:
    mean, count = float(by_seed.mean()), len(by_seed)
    if count == 1:
        return mean, mean
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * by_seed.std(ddof=1) / np.sqrt(count))
    return mean - half, mean + half
