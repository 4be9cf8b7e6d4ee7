"""What a person is shown next, and how far the work is.

    pair = next_pair(project, "Dr. A", "fix", Band(type="yes/no"))       # its number; in hand for ten minutes

Two queues. *audit* is uniform random over everything that nobody has looked at yet, accepted in bulk or not: estimates
rest on it alone. *fix* has the most doubtful first, picture by picture, and feeds no estimate.
"""

import hashlib
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Any, Literal

from leaml.review import leases
from leaml.review.bands import BY_PLACE, Band, ordered, page
from leaml.review.settings import ReviewSettings, review_settings
from leaml.store.conditions import Below, Between, Other
from leaml.store.project import Project

Queue = Literal["fix", "audit"]
QUEUES: tuple[Queue, ...] = ("fix", "audit")

PACE_OVER = 101
"""Newest decisions of a person over which the pace is the median."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a queue is.

    Attributes:
        mine: decisions of this person, in both queues.
        everyone: items that somebody has decided.
        left: items that nobody has decided.
        seconds: median seconds that this person took for one, lately; None before the first.
    """

    mine: int
    everyone: int
    left: int
    seconds: float | None

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at this pace."""
        return None if self.seconds is None else self.left * self.seconds


# What comes next --------------------------------------------------------------------------------------------------


def next_pair(
    project: Project,
    person: str,
    queue: Queue = "fix",
    band: Band | None = None,
    after: int | None = None,
    settings: ReviewSettings | None = None,
) -> int | None:
    """Takes the next suggestion of a queue in hand, going round once; None where nothing is left for this person.

    Args:
        band: which suggestions, in the fix queue; None: all that wait.
        after: the one that the person leaves; None: from the start.
        settings: None: the project's.
    """
    settings = settings or review_settings(project)
    with project.db.transaction():
        for pair, overlap in _upcoming(project, person, queue, band or Band(), after, settings):
            if pair != after and leases.take(project, "pair", pair, person, overlap, settings.minutes):
                return pair
        leases.release(project, "pair", person)
    return None


def reserve(
    project: Project,
    person: str,
    queue: Queue,
    band: Band,
    after: int,
    but: Sequence[int],
    count: int,
    settings: ReviewSettings | None = None,
) -> list[int]:
    """Holds the next `count` suggestions after one for a person, beside what that person has in hand; their numbers.

    What is shown next may be handed over ahead then: nobody else gets it meanwhile.

    Args:
        but: those that are not meant.
        settings: None: the project's.
    """
    settings = settings or review_settings(project)
    found: list[int] = []
    with project.db.transaction():
        for pair, overlap in _upcoming(project, person, queue, band, after, settings, len(but) + count):
            if len(found) == count:
                break
            if pair in but or pair in found:
                continue
            if leases.reserve(project, "pair", pair, person, overlap, settings.minutes):
                found.append(pair)
    return found


def _upcoming(
    project: Project, person: str, queue: Queue, band: Band, after: int | None, settings: ReviewSettings, more: int = 2
) -> Iterator[tuple[int, int]]:
    """Suggestions in the order of a queue, and how many people may still have each in hand."""
    # One page is enough to find free ones, unless people hold more than a page.
    size = len(leases.held(project, "pair", person)) + more
    if queue == "fix":
        for start in _rounds(after):
            yield from ((pair, 1) for pair in page(project, band, start, size))
        return
    if settings.overlap > 1:
        yield from _second_opinions(project, person, settings.overlap)
    fresh = {"origin": "generator", "looked": 0}
    for start in _rounds(after):
        yield from ((pair, settings.overlap) for pair in ordered(project, fresh, BY_PLACE, start, size))


def _rounds(after: int | None) -> tuple[int | None, ...]:
    return (None,) if after is None else (after, None)


def _second_opinions(project: Project, person: str, overlap: int) -> Iterator[tuple[int, int]]:
    """What some have judged, but not enough, and not this person."""
    open_ = {"opinions": Between(1, overlap - 1)}
    rows = project.db.rows("states", order="place", **open_)
    own = {row["pair_id"] for row in _opinions_of(project, person, [row["pair_id"] for row in rows])}
    return ((row["pair_id"], overlap - row["opinions"]) for row in rows if row["pair_id"] not in own)


def _opinions_of(project: Project, person: str, pairs: Sequence[int]) -> list[dict[str, Any]]:
    return project.db.rows("verdicts", pair_id=pairs, person=person, withdrawn=0, queue="audit", audit_id=None)


def awaits_opinion(project: Project, person: str, pair: int, overlap: int) -> bool:
    """Whether others judged it in the audit queue, and this person is asked as well without seeing what they said."""
    found = project.db.row("states", pair_id=pair, opinions=Between(1, overlap - 1))
    return found is not None and not _opinions_of(project, person, [pair])


def decided_before(project: Project, person: str, pair: int | None) -> int | None:
    """The suggestion that the person decided last before this one; before the present where it is not decided."""
    return _decided(project, person, pair, back=True)


def decided_after(project: Project, person: str, pair: int) -> int | None:
    """The one that the person decided next after this one; None where it is the last, or not decided."""
    return _decided(project, person, pair, back=False)


def _decided(project: Project, person: str, pair: int | None, back: bool) -> int | None:
    mine = {"person": person, "withdrawn": 0, "queue": list(QUEUES)}
    here = [row["id"] for row in project.db.rows("verdicts", pair_id=pair, **mine)] if pair is not None else []
    if not here and not back:
        return None
    bound = {"id": Below(min(here)) if back else Between(max(here) + 1)} if here else {}
    rows = project.db.rows("verdicts", order="-id" if back else "id", limit=1, **mine, **bound)
    return rows[0]["pair_id"] if rows else None


# How far it is ----------------------------------------------------------------------------------------------------


def standing_of(project: Project, person: str, queue: Queue = "fix") -> Standing:
    """How far a queue is, from figures that are kept: as fast with a million suggestions as with ten."""
    rows = project.db.rows("tallies", status=["suggested", "accepted", "rejected"], job_id=Other(0))
    left = [row["n"] for row in rows if (row["status"] == "suggested" if queue == "fix" else not row["looked"])]
    efforts = project.db.rows("efforts", person=person, queue=list(QUEUES))
    mine = sum(row["n"] for row in efforts)
    return Standing(mine, sum(row["n"] for row in rows) - sum(left), sum(left), pace(project, person))


def pace(project: Project, person: str) -> float | None:
    """Median seconds of the person's newest decisions; None where no time was kept."""
    newest = project.db.rows(
        "verdicts", order="-id", limit=PACE_OVER, person=person, withdrawn=0, queue=list(QUEUES)
    )
    known = [row["seconds"] for row in newest if row["seconds"] is not None]
    return median(known) if known else None


# Orders of pictures -----------------------------------------------------------------------------------------------


def random_order(ids: Iterable[int], seed: int = 0) -> list[int]:
    """The numbers in a random order that later numbers do not disturb.

    A number's place follows from the seed and the number alone, so a reload, a second window or newly arrived pictures
    never shuffle what a person has in front of them.
    """
    return sorted(ids, key=lambda number: (_digest(seed, number), number))


def neighbour(order: Sequence[int], current: int | None, by: int) -> int | None:
    """What stands `by` places after `current`; the ends hold. Without a current one, the first; None of nothing."""
    if not order:
        return None
    if current not in order:
        return order[0]
    return order[min(max(order.index(current) + by, 0), len(order) - 1)]


def next_open(order: Sequence[int], current: int | None, done: Container[int]) -> int | None:
    """The first after `current` that is not done, going round once; None when all but `current` are done."""
    start = order.index(current) + 1 if current in order else 0
    return next((item for item in chain(order[start:], order[:start]) if item not in done and item != current), None)


def _digest(seed: int, number: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
