"""How many of a band must be looked at before the rest may be accepted unseen. Pure functions.

    plan = advised(plans(), precision=0.98)      # Plan(size=93, allowed=1, …)
    lower_bound(93, 92)                          # 0.950: the least share right, at 95 % confidence

The size is fixed before the sample is drawn. A band passes if at most `allowed` of the sample are wrong; where its
share of right ones is at or below the target, that happens with probability `error` at most (exact binomial test).
Several tries on the same suggestions share the error between them: their sum never exceeds it (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from scipy.special import bdtr, betaincinv

TARGET = 0.95
"""Share of a band that must be right."""
ERROR = 0.05
"""Probability with which a band that is not right enough may pass, over all tries together."""
MOST_ALLOWED = 4
LIKELY = 0.8
"""Chance to pass from which on a plan is good enough."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A sample of `size`, of which at most `allowed` may be wrong.

    Attributes:
        target: share that must be right.
        error: probability with which a band below the target passes, at most.
    """

    size: int
    allowed: int
    target: float = TARGET
    error: float = ERROR

    def chance(self, precision: float) -> float:
        """Probability to pass where this share of the band is right."""
        return float(bdtr(self.allowed, self.size, 1 - precision))


def plan(allowed: int, target: float = TARGET, error: float = ERROR) -> Plan:
    """The smallest sample that may have so many wrong: 59 with none, 93 with one."""
    size = next(size for size in count(allowed + 1) if bdtr(allowed, size, 1 - target) <= error)
    return Plan(size, allowed, target, error)


def plans(target: float = TARGET, error: float = ERROR) -> list[Plan]:
    """One plan for each number of wrong ones that may be allowed, smallest first."""
    return [plan(allowed, target, error) for allowed in range(MOST_ALLOWED + 1)]


def advised(offered: Sequence[Plan], precision: float) -> Plan:
    """The smallest that is likely to pass where this share is right, else the likeliest."""
    likely = (each for each in offered if each.chance(precision) >= LIKELY)
    return next(likely, max(offered, key=lambda each: each.chance(precision)))


def lower_bound(n: int, right: int, error: float = ERROR) -> float:
    """The exact one-sided lower bound of a share (Clopper and Pearson 1934) of which `right` of `n` were seen right."""
    return float(betaincinv(right, n - right + 1, error)) if right else 0.0


def interval(n: int, right: int, error: float = ERROR) -> tuple[float, float]:
    """The exact two-sided interval (Clopper and Pearson 1934); (0, 1) of nothing."""
    high = float(betaincinv(right + 1, n - right, 1 - error / 2)) if right < n else 1.0
    return lower_bound(n, right, error / 2), high
