"""What a person did, to look through and never to change, and the history of one question.

    work(project, reader="Dr. A", person="Dr. B", admin=True, before=None, after=None)
    history_of(project, "Dr. A", 17)             # who said what when, with what each changed

Both hold back what the reader must not know yet: see leaml.review.history.
"""

from collections.abc import Sequence
from typing import Any

from app.pictures import thumb_address
from app.progress import people
from app.texts import people as texts
from leaml.errors import OptionError
from leaml.review.history import Step, history, replay
from leaml.store.project import Project

PAGE = 25
NEWEST = 2**62
UNTOLD = ("setting", "person")
"""Events that say nothing about pictures."""
TEXTS = ("question", "answer")
BRINGS = ("written", "labelled", "relabelled", "corrected")
"""Steps that bring a text."""


def work(
    project: Project, reader: str, person: str, admin: bool, before: int | None = None, after: int | None = None
) -> dict[str, Any]:
    """A page of what a person did, the newest unless another one is asked for.

    Args:
        admin: whether the reader may look at others' work.
        before, after: number of the event before or after which the page lies.

    Raises:
        OptionError: it is somebody else's work, and the reader may not look at that.
    """
    if person != reader and not admin:
        raise OptionError("This is somebody else's work.", "Admins may look at it; you may look at your own.")
    if after is not None:
        steps = replay(project, person, after, PAGE, viewer=reader)
    else:
        steps = replay(project, person, limit=PAGE, before=NEWEST if before is None else before, viewer=reader)
    first, last = (steps[0].event, steps[-1].event) if steps else (0, 0)
    names = sorted({*people(project), reader}) if admin else [reader]
    return {
        "person": person, "people": names, "none": texts.WORK_NONE,
        "steps": _rows(project, [step for step in steps if step.what not in UNTOLD]),
        "earlier": first if replay(project, person, limit=1, before=first, viewer=reader) else None,
        "later": last if replay(project, person, last, 1, viewer=reader) else None,
    }  # fmt: skip


def _rows(project: Project, steps: Sequence[Step]) -> list[dict[str, Any]]:
    numbers = [step.pair for step in steps if step.pair is not None]
    pairs = {row["id"]: row for row in project.db.rows("pairs", id=numbers)}
    return [_row(project, step, pairs.get(step.pair or 0)) for step in steps]


def _row(project: Project, step: Step, pair: dict[str, Any] | None) -> dict[str, Any]:
    image = step.image or (pair and pair["image_id"])
    asked = step.details.get("question") or (pair["question"] if pair else "")
    answer = step.details.get("answer") or (pair["answer"] if pair else "")
    told = not step.withheld
    return {
        "time": step.time, "what": texts.what(step.what, step.details), "more": _more(step),
        "asked": texts.pair(asked, answer) if told else "", "pair": pair["id"] if told and pair else None,
        "thumb": thumb_address(project.name, image) if image else None, "withdrawn": step.withdrawn,
    }  # fmt: skip


def _more(step: Step) -> str:
    """What else is known of a step: the reason, what was written, the seconds."""
    if step.withheld:
        return texts.WITHHELD
    details = step.details
    said = texts.BLIND.format(said=details["said"]) if details.get("said") else ""
    many = texts.MANY.format(n=f"{details['count']:,}") if details.get("count", 1) > 1 else ""
    seconds = f"{details['seconds']:.0f} s" if details.get("seconds") else ""
    told = (details.get("reason"), details.get("text"), said, many, seconds)
    return " · ".join(filter(None, told))


# One question ---------------------------------------------------------------------------------------------------


def history_of(project: Project, reader: str, pair: int) -> dict[str, Any]:
    """Who said what of a question when; each text stands beside the one before it.

    Raises:
        DataError: there is no such question.
    """
    written = project.db.rows("pairs", id=pair)[0]
    rows, standing = [], ""
    for step in history(project, pair, reader):
        after = _text(step, written) if step.what in BRINGS else ""
        rows.append(_told(step) | {"before": standing or after, "after": after})
        if not step.withdrawn:
            standing = after or standing
    return {
        "pair": pair, "question": written["question"], "thumb": thumb_address(project.name, written["image_id"]),
        "steps": rows, "none": texts.UNSEEN,
    }  # fmt: skip


def _told(step: Step) -> dict[str, Any]:
    return {
        "time": step.time, "person": step.person, "what": texts.what(step.what, step.details), "more": _more(step),
        "withdrawn": step.withdrawn,
    }  # fmt: skip


def _text(step: Step, written: dict[str, Any]) -> str:
    """Question and answer as they stood after a step."""
    return " ".join(step.details.get(name) or written[name] or "" for name in TEXTS)
