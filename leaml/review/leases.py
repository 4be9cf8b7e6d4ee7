"""Who has what in hand, so that two people never work on the same item without being asked to.

    if leases.take(project, "pair", 17, "Dr. A"): …      # also: goes on holding it for another ten minutes
    leases.held(project, "pair", but="Dr. A")            # what others have in hand

A lease names item, person and the time until which it holds. Working on extends it; moving on takes the next and lets
go of the one before; who leaves loses it when its time is over. What a person is shown next can be held as well: then
the oldest lease says what is in hand.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

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
    ahead: Collection[int] = (),
) -> bool:
    """Takes an item in hand, or goes on holding it, and lets go of the person's others; says whether it was free.

    Args:
        overlap: how many people may hold it at the same time.
        at: the time; None: now.
        ahead: of what the person holds, what comes after this and is held on to.
    """
    at = at or datetime.now(UTC)
    with project.db.transaction():
        if not _is_free(project, kind, item, person, overlap, at):
            return False
        own = {row["item_id"]: row for row in _own(project, kind, person, at)}
        release(project, kind, person)
        since = own[item]["acquired"] if item in own else _text(at)
        kept = [item, *(other for other in ahead if other in own and other != item)]
        for place, each in enumerate(kept):
            _hold(project, kind, each, person, _after(since, place), at, minutes)
    return True


def reserve(
    project: Project,
    kind: Kind,
    item: int,
    person: str,
    overlap: int = 1,
    minutes: float = MINUTES,
    at: datetime | None = None,
) -> bool:
    """Holds an item for a person beside what that person has in hand already; says whether it was free."""
    at = at or datetime.now(UTC)
    with project.db.transaction():
        if not _is_free(project, kind, item, person, overlap, at):
            return False
        own = [row["acquired"] for row in _own(project, kind, person, at) if row["item_id"] != item]
        project.db.delete("leases", kind=kind, item_id=item, person=person)
        _hold(project, kind, item, person, _after(max(own), 1) if own else _text(at), at, minutes)
    return True


def _is_free(project: Project, kind: Kind, item: int, person: str, overlap: int, at: datetime) -> bool:
    now = Between(_text(at))
    return project.db.count("leases", kind=kind, item_id=item, person=Other(person), until=now) < overlap


def _own(project: Project, kind: Kind, person: str, at: datetime) -> list[dict[str, Any]]:
    """What the person holds, what is in hand first."""
    return project.db.rows("leases", order="acquired", kind=kind, person=person, until=Between(_text(at)))


def _hold(
    project: Project, kind: Kind, item: int, person: str, since: str, at: datetime, minutes: float
) -> None:
    project.db.delete("leases", kind=kind, item_id=item, until=Between(None, _text(at)))
    project.db.insert("leases", {
        "item_id": item, "kind": kind, "person": person, "acquired": since,
        "until": _text(at + timedelta(minutes=minutes)),
    })  # fmt: skip


def _after(since: str, places: int) -> str:
    """A little later, by milliseconds: what comes after what is in hand never looks older."""
    return _text(datetime.fromisoformat(since) + timedelta(milliseconds=places))


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
    own = _own(project, kind, person, at or datetime.now(UTC))
    return own[0]["item_id"] if own else None


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
