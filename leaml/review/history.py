"""What happened to a question, and what a person did, step by step: to read, never to change.

    for step in history(project, 17): print(step.time, step.person, step.what)
    replay(project, "Dr. A", after=0, limit=100)        # the person's events in order; go on after the last one
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leaml.store.conditions import Between
from leaml.store.project import Project


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody did.

    Attributes:
        event: number of the event, in a replay; 0 in a history.
        what: "written", "labelled", "accepted", "corrected", "rejected", "accepted unseen", "comment", "flag", … or
            "undo", in a replay the event's kind where it is none of these.
        pair: the question that it was about; image: the picture. None where it was about neither, or several.
        details: what was said: question, answer, reason, seconds, text, queue, said (blind), count.
        withdrawn: it was taken back since.
    """

    time: str
    person: str
    what: str
    pair: int | None
    image: int | None
    details: Mapping[str, Any]
    withdrawn: bool = False
    event: int = 0


def history(project: Project, pair: int) -> list[Step]:
    """All that was said of a question since it was written, oldest first, taken back or not.

    Raises:
        DataError: there is no such question.
    """
    image = project.pair(pair).image_id
    written = project.db.rows("pairs", id=pair)[0]
    what = "written" if written["origin"] == "generator" else "labelled"
    texts = {name: written[name] for name in ("question", "answer", "signals", "job_id")}
    found = [Step(written["created"], written["person"] or written["source"], what, pair, image, _given(texts))]
    found += [_verdict(row, image) for row in project.db.rows("verdicts", order="id", pair_id=pair)]
    for remark in project.remarks(pair_id=pair):
        found.append(Step(remark.created, remark.person, remark.kind, pair, image, _given({"text": remark.text})))
    return sorted(found, key=lambda step: step.time)


def replay(project: Project, person: str, after: int = 0, limit: int = 100) -> list[Step]:
    """What a person did, in order; `after`: number of the last event that was read."""
    events = project.db.rows("events", order="id", limit=limit, person=person, id=Between(after + 1))
    return [_step(project, event) for event in events]


def _step(project: Project, event: Mapping[str, Any]) -> Step:
    changes = event["changes"]
    rows = [after or before or {} for _, _, before, after in changes]
    pairs = {row["pair_id"] for row in rows if row.get("pair_id")}
    images = {row["image_id"] for row in rows if row.get("image_id")}
    details: dict[str, Any] = {"count": len(changes)}
    what = event["kind"]
    if len(changes) == 1:
        table, key, before, after = changes[0]
        details |= _given({name: value for name, value in (after or before or {}).items() if name in DETAILS})
        if table == "pairs":
            pairs = {key}
        if table == "verdicts" and before is None:
            what = _said(after)
        elif table == "remarks" and before is None:
            what = after["kind"]
    if event["undoes"]:
        details["undoes"] = event["undoes"]
    taken_back = bool(project.db.count("events", undoes=event["id"]))
    pair, image = (next(iter(found)) if len(found) == 1 else None for found in (pairs, images))
    return Step(event["time"], event["person"], what, pair, image, details, taken_back, event["id"])


DETAILS = ("question", "answer", "reason", "seconds", "text", "queue", "said", "accepted", "kind", "type")


def _verdict(row: Mapping[str, Any], image: int) -> Step:
    details = _given({name: row[name] for name in ("question", "answer", "reason", "seconds", "queue", "said")})
    return Step(row["created"], row["person"], _said(row), row["pair_id"], image, details, bool(row["withdrawn"]))


def _said(verdict: Mapping[str, Any]) -> str:
    if not (verdict["question_ok"] and verdict["answer_ok"]):
        return "rejected"
    if verdict["queue"] == "bulk":
        return "accepted unseen"
    return "accepted" if verdict["question"] is None and verdict["answer"] is None else "corrected"


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", {})}
