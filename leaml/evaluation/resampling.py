"""Figures that are no shares of items, with intervals by cluster bootstrap. numpy only, no torch.

    measure(statistic, pictures)          # Measure(0.84, 0.79, 0.88, n 412, 96 clusters)

A statistic takes weights, (draws, items), and gives one value per row: a draw that takes a picture twice weighs its
items twice. That way a thousand draws are a few operations on arrays, not a thousand loops.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaml.evaluation.clusters import CONFIDENCE, Floats, numbered

FEWEST = 30
"""Below this many items a figure says too little to be shown."""
DRAWS = 500
_CELLS = 1_000_000
"""Weights that are held in memory at a time."""

Statistic = Callable[[Floats], Floats]
"""Weights (draws, items) -> (draws,) values; not a number where a draw has none."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its 95 % interval: F1, AUROC, Brier, the area under a curve.

    Attributes:
        value: of all items.
        low: lower end of the interval.
        high: upper end of the interval.
        n: items (questions, or pictures).
        clusters: groups or pictures that the items stand on.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int

    def text(self) -> str:
        """Value, interval and n; below 30 items that there are too few."""
        if self.n < FEWEST:
            return f"n {self.n}: too few"
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] n {self.n}, {self.clusters} independent"


def figures(value: Any) -> dict[str, Any] | None:
    """A `Rate` or a `Measure` as JSON has it, "pictures" being its clusters, and as people read it; None stays None."""
    if value is None:
        return None
    numbers = {"value": value.value, "low": value.low, "high": value.high, "n": value.n, "pictures": value.clusters}
    return numbers | {"text": value.text()}


def measure(
    statistic: Statistic, clusters: Sequence[str], seed: int = 0, draws: int = DRAWS, fewest: int | None = None
) -> Measure | None:
    """A statistic of all items, with the percentiles of its values on resampled clusters.

    Draws on which it has no value (an AUROC of one class alone) are passed over. Where it is 0 or 1 on all draws, as
    the AUROC of two kinds that never overlap, resampling knows no doubt; then the interval is that of as many
    independent successes without a failure (Clopper and Pearson 1934). For an AUROC it holds, by pairs of one item of
    either kind; for other figures it is a rough one.

    Args:
        statistic: of weights.
        clusters: per item, what is resampled.
        seed: of the draws.
        draws: how many.
        fewest: independent clusters of the rarer kind, where it takes two kinds to have a value; all by default.

    Returns:
        None where the statistic has no value on all items.
    """
    index = numbered(clusters, len(clusters))
    count, n = int(index.max()) + 1, len(index)
    value = float(statistic(np.ones((1, n)))[0])
    if not np.isfinite(value):
        return None
    random, found = np.random.default_rng(seed), []
    block = max(1, _CELLS // n)
    for start in range(0, draws, block):
        taken = random.multinomial(count, np.full(count, 1 / count), size=min(block, draws - start))
        found.append(statistic(taken[:, index].astype(float)))
    values = np.concatenate(found)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail]) if np.isfinite(values).any() else (value, value)
    if low == high == value:
        doubt = tail ** (1 / (fewest or count))
        low, high = (doubt, 1.0) if value == 1 else (0.0, 1 - doubt) if value == 0 else (low, high)
    return Measure(value, min(value, float(low)), max(value, float(high)), n, count)
