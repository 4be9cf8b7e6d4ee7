"""Which suggestions are meant: by run, type, how far they can be trusted, standing, and who judged them.

    band = Band(type="yes/no", low=0.9)
    count(project, band)                             # those that wait
    page(project, band, after=None, size=50)         # the first fifty numbers, doubtful pictures first
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from leaml.errors import DataError
from leaml.store.conditions import Between
from leaml.store.project import Project

STATUSES = ("suggested", "accepted", "rejected")
BY_RANK = ("rank", "image_id", "signal", "pair_id")
"""Pictures by their most doubtful suggestion, so that each picture is looked at once; the most doubtful one first."""
BY_SIGNAL = ("signal", "pair_id")
BY_PLACE = ("place",)
"""Uniform random, fixed when a suggestion came: what audits and estimates are drawn from."""


@dataclass(frozen=True, slots=True)
class Band:
    """Suggestions with these properties; None leaves a property open.

    Attributes:
        job: number of the run that wrote them.
        type: of the question.
        low: least signal, 0 to 1; high: largest. A suggestion whose signal was never measured is in neither.
        status: "suggested" (waits), "accepted" or "rejected".
        reviewer: who gave the newest verdict.
        through: largest number, so that what comes later is not meant.
    """

    job: int | None = None
    type: str | None = None
    low: float | None = None
    high: float | None = None
    status: str = "suggested"
    reviewer: str | None = None
    through: int | None = None

    def where(self) -> dict[str, Any]:
        """As conditions on `states`.

        Raises:
            DataError: the status is none.
        """
        if self.status not in STATUSES:
            raise DataError(f"“{self.status}” is no state of a suggestion.", f"There are: {', '.join(STATUSES)}.")
        equal: dict[str, Any] = {"status": self.status}
        if self.job is not None:
            equal["job_id"] = self.job
        if self.type is not None:
            equal["type"] = self.type
        if self.low is not None or self.high is not None:
            equal["signal"] = Between(max(self.low or 0.0, 0.0), self.high)
        if self.reviewer is not None:
            equal["reviewer"] = self.reviewer
        if self.through is not None:
            equal["pair_id"] = Between(None, self.through)
        if self.status == "rejected":  # which labels can be as well
            equal["origin"] = "generator"
        return equal

    @property
    def order(self) -> tuple[str, ...]:
        """By signal where that is what was asked for, else by rank."""
        return BY_RANK if self.low is None and self.high is None else BY_SIGNAL

    def within(self, other: "Band") -> "Band | None":
        """What is in both, with the status and the reviewer of this one; None where nothing can be."""
        if any(None not in both and both[0] != both[1] for both in ((self.job, other.job), (self.type, other.type))):
            return None
        return replace(
            self,
            job=_tighter(max, self.job, other.job),
            type=_tighter(max, self.type, other.type),
            low=_tighter(max, self.low, other.low),
            high=_tighter(min, self.high, other.high),
            through=_tighter(min, self.through, other.through),
        )

    def plain(self) -> dict[str, Any]:
        """As JSON, without what is open."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _tighter(choose: Callable[..., Any], *bounds: Any) -> Any:
    """Of two bounds the one that is given, or that leaves less."""
    given = [bound for bound in bounds if bound is not None]
    return choose(given) if given else None


def count(project: Project, band: Band, most: int | None = None) -> int:
    """How many there are; with `most`, no more than so many are counted."""
    return project.db.count("states", most=most, **band.where())


def page(project: Project, band: Band, after: int | None = None, size: int = 50) -> list[int]:
    """Numbers of those that come after the suggestion `after` in the band's order, from the start where None."""
    return ordered(project, band.where(), band.order, after, size)


def ordered(
    project: Project, where: dict[str, Any], order: tuple[str, ...], after: int | None, size: int
) -> list[int]:
    """Numbers of suggestions for which `where` holds, after the suggestion `after`, in this order."""
    beyond: tuple[Any, ...] = ()
    if after is not None:
        row = project.db.row("states", pair_id=after)
        beyond = tuple(row[name] for name in order) if row else ()
    rows = project.db.rows("states", order=",".join(order), limit=size, beyond=beyond, **where)
    return [row["pair_id"] for row in rows]
