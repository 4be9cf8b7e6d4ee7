"""What the questions on one picture have in common, and what that takes from their number. numpy and scipy only.

    sums, sizes = per_cluster(right, pictures)          # per picture: how many are right, of how many
    effective_n(sums, sizes, item_variance)             # as many independent questions would tell as much
    t_quantile(degrees_of_freedom(sums, sizes))         # instead of 1.96
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from leaml.errors import DataError

CONFIDENCE = 0.95
MOST_PER_ITEM = 1.5
"""Where every picture has the same mix of easy and hard questions, pictures differ less than chance, and a question
tells more than an independent one would: up to this much is believed."""
FEWEST_DEGREES = 8.0
"""Below it, the estimate of the degrees of freedom is itself too rough to go by."""

Floats = NDArray[np.float64]


def per_cluster(values: Floats, clusters: Sequence[str]) -> tuple[Floats, Floats]:
    """(sums, sizes), each of shape (clusters,), in order of first appearance.

    Raises:
        DataError: no values, or lists of different lengths.
    """
    if len(values) == 0:
        raise DataError("There are no answers to measure.", "Choose a split that holds answered questions.")
    index = numbered(clusters, len(values))
    return np.bincount(index, weights=values), np.bincount(index).astype(float)


def numbered(clusters: Sequence[str], n: int) -> NDArray[np.int64]:
    """(n,) number of each item's cluster, in order of first appearance so that names do not matter.

    Raises:
        DataError: there are not as many as `n`.
    """
    if len(clusters) != n:
        raise DataError(f"{n} answers stand beside {len(clusters)} pictures.", "Give one picture per answer.")
    places: dict[str, int] = {}
    return np.array([places.setdefault(cluster, len(places)) for cluster in clusters])


def effective_n(sums: Floats, sizes: Floats, item_variance: float) -> float:
    """n over the design effect (Kish 1965): how many independent items would carry as much; between 1 and 1.5 n.

    Where nothing varies the design effect cannot be estimated, and the worst is assumed: the items of a cluster are
    copies of one another (n² / Σ size²).

    Args:
        sums: (clusters,) of the items' values.
        sizes: (clusters,) how many items.
        item_variance: of one item's value, as if all were independent.
    """
    count, n = len(sizes), float(sizes.sum())
    if item_variance <= 0 or count == 1:
        return n**2 / float((sizes**2).sum())
    variance = count / (count - 1) * float((_residuals(sums, sizes) ** 2).sum()) / n**2
    return min(item_variance / variance if variance > 0 else math.inf, MOST_PER_ITEM * n)


def degrees_of_freedom(sums: Floats, sizes: Floats) -> float:
    """How much the estimated variance between clusters is worth, by the fourth moment (Satterthwaite 1946).

    A sample variance over C clusters whose values have the kurtosis κ varies as one with 2C / (κ − 1) degrees of
    freedom (cf. Pan and Wall 2002). Where few clusters hold a wrong answer κ is large, and C − 1 would promise too
    much. Between 8 and C − 1.
    """
    count = len(sizes)
    squares = _residuals(sums, sizes) ** 2
    spread = float(squares.mean()) ** 2
    kurtosis = float((squares**2).mean()) / spread if spread > 0 else float(count)
    estimated = 2 * count / (kurtosis - 1) if kurtosis > 1 else math.inf
    return max(1.0, min(max(estimated, FEWEST_DEGREES), count - 1))


def t_quantile(degrees: float) -> float:
    """The two-sided 95 % quantile of Student's t."""
    return float(special.stdtrit(degrees, (1 + CONFIDENCE) / 2))


def _residuals(sums: Floats, sizes: Floats) -> Floats:
    return sums - sizes * (sums.sum() / sizes.sum())
