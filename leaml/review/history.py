"""What happened to a question, and what a person did, step by step: to read, never to change.

    for step in history(project, 17): print(step.time, step.person, step.what)
    replay(project, "Dr. A", after=0, limit=100)        # the person's events in order; go on after the last one

With `viewer` both hold back what that person must not know yet: what others said of a suggestion that the viewer is
still to judge, and which of the viewer's own decisions were hidden checks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from leaml.review.queues import awaits_opinion
from leaml.review.settings import review_settings
from leaml.store.conditions import Below, Between
from leaml.store.project import Project

DETAILS = ("question", "answer", "reason", "seconds", "text", "queue", "said", "accepted", "right", "kind", "type")
ABOUT_A_CHECK = ("accepted", "right", "kind")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that somebody did.

    Attributes:
        event: number of the event, in a replay; 0 in a history.
        what: "written", "labelled", "relabelled", "accepted", "corrected", "rejected", "accepted unseen", "comment",
            "flag", … or "undo", in a replay the event's kind where it is none of these.
        pair: the question that it was about; image: the picture. None where it was about neither, or several.
        details: what was said: question, answer, was (the answer before), reason, seconds, text, queue, said (blind),
            count.
        withdrawn: it was taken back since.
        withheld: the reader is still to judge this, and is not told what was said.
    """

    time: str
    person: str
    what: str
    pair: int | None
    image: int | None
    details: Mapping[str, Any]
    withdrawn: bool = False
    event: int = 0
    withheld: bool = False


def may_see(project: Project, viewer: str, pair: int) -> bool:
    """Whether a person may know what others said of a question: it was judged or answered, and not to be judged again
    by this very person."""
    state = project.db.row("states", pair_id=pair)
    if state is None or (state["origin"] == "generator" and not state["looked"]):
        return False
    return not awaits_opinion(project, viewer, pair, review_settings(project).overlap)


# One question -----------------------------------------------------------------------------------------------------


def history(project: Project, pair: int, viewer: str | None = None) -> list[Step]:
    """All that was said of a question since it was written, oldest first, taken back or not.

    Args:
        viewer: who reads it; before this person may see what others said, only the own steps come. None: everything.

    Raises:
        DataError: there is no such question.
    """
    image = project.pair(pair).image_id
    found = _beginnings(project, pair, image)
    found += [_verdict(row, image) for row in project.db.rows("verdicts", order="id", pair_id=pair)]
    for remark in project.remarks(pair_id=pair):
        found.append(Step(remark.created, remark.person, remark.kind, pair, image, _given({"text": remark.text})))
    if viewer is not None and not may_see(project, viewer, pair):
        found = [step for step in found if step.person == viewer]
    return sorted(found, key=lambda step: step.time)


def _beginnings(project: Project, pair: int, image: int) -> list[Step]:
    """How a question came, and the answers that its labeller gave one after the other."""
    written = project.db.rows("pairs", id=pair)[0]
    changed = _relabelled(project, pair, image, written["person"]) if written["person"] else []
    first = changed[0].details["was"] if changed else written["answer"]
    texts = {name: written[name] for name in ("question", "signals", "job_id")} | {"answer": first}
    what = "written" if written["origin"] == "generator" else "labelled"
    who = written["person"] or written["source"]
    return [Step(written["created"], who, what, pair, image, _given(texts)), *changed]


def _relabelled(project: Project, pair: int, image: int, person: str) -> list[Step]:
    found = []
    for event in project.db.rows("events", order="id", person=person, kind="relabel"):
        for table, key, before, after in event["changes"]:
            if (table, key) == ("pairs", pair) and "answer" in after and before["answer"] is not None:
                details = {"answer": after["answer"], "was": before["answer"]}
                found.append(
                    Step(event["time"], person, "relabelled", pair, image, details, _is_undone(project, event))
                )
    return found


def _verdict(row: Mapping[str, Any], image: int) -> Step:
    details = _given({name: row[name] for name in ("question", "answer", "reason", "seconds", "queue", "said")})
    return Step(row["created"], row["person"], _said(row), row["pair_id"], image, details, bool(row["withdrawn"]))


# One person -------------------------------------------------------------------------------------------------------


def replay(
    project: Project,
    person: str,
    after: int = 0,
    limit: int = 100,
    before: int | None = None,
    viewer: str | None = None,
) -> list[Step]:
    """What a person did, in order.

    Args:
        after: number of the last event that was read; before: instead, the last steps before this event.
        viewer: who reads it; None: everything is told.
    """
    chosen = {"person": person, "limit": limit}
    if before is None:
        events = project.db.rows("events", order="id", id=Between(after + 1), **chosen)
    else:
        events = project.db.rows("events", order="-id", id=Below(before), **chosen)[::-1]
    steps = [_step(project, event) for event in events]
    return steps if viewer is None else [_told(project, step, viewer) for step in steps]


def _told(project: Project, step: Step, viewer: str) -> Step:
    """As this reader may know it."""
    if step.person == viewer:  # nobody is to know which suggestions were checks
        details = {name: value for name, value in step.details.items() if name not in ABOUT_A_CHECK}
        what = step.what if step.what != "check" else "accepted" if step.details.get("accepted") else "rejected"
        return replace(step, what=what, details=details)
    if step.pair is None or may_see(project, viewer, step.pair):
        return step
    return replace(step, what="withheld", details={}, withheld=True)


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
    elif what in ("label", "relabel"):
        details["text"] = "; ".join(f"{row['question']} {row['answer']}" for row in rows if "question" in row)
    if event["undoes"]:
        details["undoes"] = event["undoes"]
    pair, image = (next(iter(found)) if len(found) == 1 else None for found in (pairs, images))
    undone = _is_undone(project, event)
    return Step(event["time"], event["person"], what, pair, image, details, undone, event["id"])


def _is_undone(project: Project, event: Mapping[str, Any]) -> bool:
    return bool(project.db.count("events", undoes=event["id"]))


def _said(verdict: Mapping[str, Any]) -> str:
    if not (verdict["question_ok"] and verdict["answer_ok"]):
        return "rejected"
    if verdict["queue"] == "bulk":
        return "accepted unseen"
    return "accepted" if verdict["question"] is None and verdict["answer"] is None else "corrected"


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", {})}
