"""Who has what in hand, so that two people never work on the same item without being asked to.

    if leases.take(project, "pair", 17, "Dr. A"): …      # also: goes on holding it for another ten minutes
    leases.held(project, "pair", but="Dr. A")            # what others have in hand

A lease names item, person and the time until which it holds. Working on extends it; moving on takes the next and lets
go of the one before; who leaves loses it when its time is over.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

from leaml.store.conditions import Between, Other
from leaml.store.project import Project

Kind = Literal["pair", "image"]

MINUTES = 10.0
"""How long a lease holds that nobody extends."""


def take(
    project: Project,
    kind: Kind,
    item: int,
    person: str,
    overlap: int = 1,
    minutes: float = MINUTES,
    at: datetime | None = None,
) -> bool:
    """Takes an item in hand, or goes on holding it, and lets go of the person's others; says whether it was free.

    Args:
        overlap: how many people may hold it at the same time.
        at: the time; None: now.
    """
    at = at or datetime.now(UTC)
    with project.db.transaction():
        others = project.db.count("leases", kind=kind, item_id=item, person=Other(person), until=Between(_text(at)))
        if others >= overlap:
            return False
        own = project.db.row("leases", kind=kind, item_id=item, person=person, until=Between(_text(at)))
        release(project, kind, person)
        project.db.delete("leases", kind=kind, item_id=item, until=Between(None, _text(at)))
        project.db.insert("leases", {
            "item_id": item, "kind": kind, "person": person, "acquired": own["acquired"] if own else _text(at),
            "until": _text(at + timedelta(minutes=minutes)),
        })  # fmt: skip
    return True


def release(project: Project, kind: Kind, person: str) -> None:
    """Lets go of whatever of this kind the person has in hand."""
    project.db.delete("leases", kind=kind, person=person)


def held(project: Project, kind: Kind, but: str, overlap: int = 1, at: datetime | None = None) -> set[int]:
    """Items that at least `overlap` others than `but` have in hand: there is no room for one more."""
    since = Between(_text(at or datetime.now(UTC)))
    counts = project.db.counts("leases", "item_id", kind=kind, person=Other(but), until=since)
    return {item for item, people in counts.items() if people >= overlap}


def in_hand(project: Project, kind: Kind, person: str, at: datetime | None = None) -> int | None:
    """What the person has in hand, or None."""
    since = Between(_text(at or datetime.now(UTC)))
    row = project.db.row("leases", kind=kind, person=person, until=since)
    return row["item_id"] if row else None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
