"""What a column may be asked to hold, beside one value, a list of values, or nothing (None).

    project.db.rows("states", signal=Between(0.9), reviewer=Other("Dr. A"))
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Between:
    """A number from `low` to `high`, both included; None: no bound on that side."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Below:
    """A value that comes before `bound`."""

    bound: Any


@dataclass(frozen=True, slots=True)
class Other:
    """Any value but this one."""

    value: Any
