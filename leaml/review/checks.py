"""Hidden checks of reviewers: suggestions that they judged before, and answers that are known to be wrong.

    check = due(project, "Dr. A", settings)        # now and then a Check, shown like any suggestion
    answered(project, "Dr. A", check, accepted=True)
    reviewer(project, "Dr. A")                     # misses and self-agreement, with intervals

Which one is due follows from the person and from how much that person has decided: a reload shows the same again. What
a reviewer says to a check never touches the suggestion that it was made from.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from leaml.errors import DataError
from leaml.review.plans import interval
from leaml.review.queues import QUEUES
from leaml.review.settings import ReviewSettings
from leaml.store.project import Project
from leaml.store.rows import PairState

FIRST = 20
"""Decisions of a person before the first check."""
BACK = 10
"""A repeat is at least so many decisions old."""
REACH = 500
"""It is one of the newest so many."""
LOOKS = 20
"""Questions that are looked at for one with a known answer and another choice."""


@dataclass(frozen=True, slots=True)
class Check:
    """A suggestion as the check shows it. `right`: whether accepting it is right, or what this person said before."""

    kind: Literal["repeat", "wrong"]
    pair: int
    question: str
    answer: str
    right: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the exact 95 % interval."""

    hits: int
    n: int

    @property
    def bounds(self) -> tuple[float, float]:
        return interval(self.n, self.hits)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """How reliable a reviewer is: wrong answers accepted, repeats judged as before."""

    missed: Share
    agreed: Share


def due(project: Project, person: str, settings: ReviewSettings) -> Check | None:
    """The check that this person is to be shown now instead of the next suggestion, if one is due."""
    decided = sum(row["n"] for row in project.db.rows("efforts", person=person, queue=list(QUEUES)))
    if decided < FIRST or not settings.repeats + settings.known_wrong:
        return None
    turn = decided + project.db.count("checks", person=person)
    chance, draw = _drawn(person, turn)
    if chance < settings.repeats:
        return _repeat(project, person, draw, decided)
    if chance < settings.repeats + settings.known_wrong:
        return _wrong(project, draw)
    return None


def shown(project: Project, person: str, kind: str, pair: int, answer: str) -> Check:
    """The check that a person was shown.

    Raises:
        DataError: it can have been none.
    """
    found = _own_verdict(project, person, pair=pair) if kind == "repeat" else project.db.row("pairs", id=pair)
    if found is None or kind not in ("repeat", "wrong"):
        raise DataError("This cannot be decided here.", "Reload the page.")
    if kind == "repeat":
        return _repeated(project, found)
    known = project.pair(pair)
    return Check("wrong", pair, known.question, answer, answer.casefold() == (known.answer or "").casefold())


def answered(project: Project, person: str, check: Check, accepted: bool, seconds: float | None = None) -> None:
    """Keeps what the person said to a check, as a step that can be taken back."""
    values = {
        "person": person, "kind": check.kind, "pair_id": check.pair, "answer": check.answer,
        "right": int(check.right), "accepted": int(accepted), "seconds": seconds,
    }  # fmt: skip
    project.db.record(person, "check", [("checks", None, None, values)])


def reviewer(project: Project, person: str) -> Reviewer:
    """How a person did in the checks so far."""
    rows = project.db.rows("checks", person=person)
    wrong = [row for row in rows if row["kind"] == "wrong" and not row["right"]]
    repeats = [row for row in rows if row["kind"] == "repeat"]
    return Reviewer(
        Share(sum(row["accepted"] for row in wrong), len(wrong)),
        Share(sum(row["accepted"] == row["right"] for row in repeats), len(repeats)),
    )


def _repeat(project: Project, person: str, draw: int, decided: int) -> Check | None:
    """A suggestion that this person judged a while ago, as it was written."""
    row = _own_verdict(project, person, back=BACK + draw % min(REACH, max(decided - BACK, 1)))
    return row and _repeated(project, row)


def _own_verdict(project: Project, person: str, back: int = 0, pair: int | None = None) -> dict[str, Any] | None:
    mine = {"person": person, "withdrawn": 0, "queue": list(QUEUES)} | ({} if pair is None else {"pair_id": pair})
    return next(iter(project.db.rows("verdicts", order="-id", limit=1, offset=back, **mine)), None)


def _repeated(project: Project, verdict: dict[str, Any]) -> Check:
    pair = project.db.rows("pairs", id=verdict["pair_id"])[0]
    corrected = verdict["question"] is not None or verdict["answer"] is not None
    right = verdict["question_ok"] and verdict["answer_ok"] and not corrected
    return Check("repeat", pair["id"], pair["question"], pair["answer"] or "", bool(right))


def _wrong(project: Project, draw: int) -> Check | None:
    """A question whose answer people know, with another of its choices."""
    known = {"split": "train", "status": ["accepted", "label"]}
    looked = {"looked": 1} if project.db.count("states", most=1, looked=1, **known) else {}
    total = project.db.count("states", most=REACH, **known, **looked)
    if not total:
        return None
    rows = project.db.rows("states", limit=LOOKS, offset=draw % total, **known, **looked)
    for pair in project.pairs(id=[row["pair_id"] for row in rows]):
        others = _other_choices(pair)
        if others:
            return Check("wrong", pair.id, pair.question, others[draw % len(others)], False)
    return None


def _other_choices(pair: PairState) -> Sequence[str]:
    if pair.type not in ("yes/no", "single choice", "colour", "location", "count"):
        return ()
    return [choice for choice in pair.choices if choice.casefold() != (pair.answer or "").casefold()]


def _drawn(person: str, turn: int) -> tuple[float, int]:
    """A number in [0, 1) and another to choose by, always the same for the same turn of a person."""
    digest = hashlib.blake2b(f"{person}:{turn}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8]) / 2**64, int.from_bytes(digest[8:])
