"""What a table says about one picture: a question, its answer, and who or what stands behind them. No file is opened.

    {"image": "1.jpg", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "choices": ["yes", "no"],
     "split": "test", "group": "patient 7", "origin": "Dr. A", "person": "person 0f3a9c1b2e",
     "marks": [{"shape": "box", "points": [[0.1, 0.2], [0.4, 0.5]]}]}
    {"image": "2.jpg", "question": "How many polyps?", "answer": "2", "type": "count", "origin": "generator",
     "run": "run 7", "signals": {"agreement": 0.8}, "verdict": "accepted", "reviewer": "person 77b1c0ffee",
     "suggested": {"answer": "1"}}

Origin "generator" is what a model wrote: without a verdict it is a suggestion that waits for one, never a label.
`suggested` is how it was written before the reviewer corrected it.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.records import QUESTION_TYPES, SET_SEPARATOR, Question
from leaml.store.marks import Mark, checked
from leaml.store.tables import Row, RowError, plain, shown, text

LONGEST_TEXT = 2_000
"""Characters of a question, an answer or a choice."""
LONGEST_NAME = 300
"""Characters of a split, group, origin, person, run or reason."""
MOST_CHOICES = 100
MOST_SIGNALS = 50
WRITTEN = "generator"
"""Origin of what a model wrote."""

VERDICTS = {
    "accepted": (1, 1, "fix"), "accepted in bulk": (1, 1, "bulk"), "rejected": (0, 0, "fix"),
    "question rejected": (0, 1, "fix"), "answer rejected": (1, 0, "fix"),
}  # fmt: skip
"""How a verdict is called -> whether the question is right, whether the answer is, and the queue it is kept under.

What comes in was judged elsewhere: it never counts as this project's random sample (queue "audit")."""
_SPOKEN = {"accept": "accepted", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Annotation:
    """A question on a picture, with all that a table says of it.

    Attributes:
        question: its `origin` names who said it, as the table has it.
        marks: as in `leaml.store.marks`.
        person: pseudonym of who answered; run: of the generator that wrote it.
        verdict: a key of `VERDICTS`, or ""; reviewer and reason belong to it.
        signals: of the generator.
        suggested: "question" and "answer" as they were before the verdict corrected them, where it did.
    """

    question: Question
    marks: tuple[Mark, ...] = ()
    person: str = ""
    run: str = ""
    verdict: str = ""
    reviewer: str = ""
    reason: str = ""
    signals: Mapping[str, float | str] = field(default_factory=dict)
    suggested: Mapping[str, str] = field(default_factory=dict)

    @property
    def written(self) -> bool:
        """Whether a model wrote it."""
        return self.question.origin == WRITTEN

    @property
    def identity(self) -> Hashable:
        """What no two rows of a table may share."""
        return self.question.image, self.question.question, self.question.origin, self.person, self.run


def annotation(find: Callable[[str], Path], row: Row) -> Annotation:
    """What a row of questions says; its split is "" where the row names none.

    Args:
        find: the picture of a name; raises `RowError` where there is none.

    Raises:
        RowError: a field is missing, too long, or not what it should be.
    """
    image = find(named(row))
    asked = text(row, "question", LONGEST_TEXT, required=True)
    type, choices = _type(row), _choices(row)
    names = {name: text(row, name, LONGEST_NAME) for name in ("group", "origin", "person", "run", "reviewer", "reason")}
    question = Question(
        image, asked, answer(row, type, choices), type, split(row), names.pop("group"), choices, names.pop("origin")
    )
    found = Annotation(
        question, _marks(row), verdict=_verdict(row), signals=_signals(row), suggested=_suggested(row), **names
    )
    if question.answer is None and (found.written or found.verdict):
        raise RowError("a suggestion without an answer")
    return found


def named(row: Row) -> str:
    """The picture that a row is about, as the row has it; raises `RowError` where it names none."""
    name = row.get("image")
    if not isinstance(name, str) or not name.strip():
        raise RowError('the field "image" is missing')
    return name


def split(row: Row) -> str:
    """The split of a row; "Test" is the test set, not one more."""
    name = text(row, "split", LONGEST_NAME)
    return name.casefold() if name.casefold() in ("train", "calibration", "test") else name


def answer(row: Row, type: str, choices: tuple[str, ...]) -> str | None:
    """The answer of a row, spelled as its choices are; None where there is none.

    Raises:
        RowError: it is too long, or not among its choices.
    """
    given = text(row, "answer", LONGEST_TEXT)
    if not given:
        return None
    offered = {_key(choice): choice for choice in choices or (("yes", "no") if type == "yes/no" else ())}
    if not offered or _key(given) in offered:
        return offered.get(_key(given), given)
    several = type in ("multiple choice", "location", "colour")
    members = [member.strip() for member in given.split(";") if member.strip()] if several else [given]
    for member in members:
        if _key(member) not in offered:
            raise RowError(f"the answer {shown(member)} is not among its choices: {shown(', '.join(offered.values()))}")
    return SET_SEPARATOR.join(offered[_key(member)] for member in members)


def _type(row: Row) -> str:
    name = text(row, "type", LONGEST_NAME, required=True)
    type = name.casefold().replace("color", "colour")
    if type not in QUESTION_TYPES:
        raise RowError(f"the type {shown(name)} is unknown; known are: {', '.join(QUESTION_TYPES)}")
    return type


def _choices(row: Row) -> tuple[str, ...]:
    values = row.get("choices")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MOST_CHOICES:
        raise RowError(f"the choices are not a list of at most {MOST_CHOICES}")
    choices = tuple(plain(value, "choices", LONGEST_TEXT) for value in values)
    if not all(choices):
        raise RowError("one of the choices is empty")
    if len({_key(choice) for choice in choices}) < len(choices):
        raise RowError("one of the choices stands there twice")
    return choices


def _marks(row: Row) -> tuple[Mark, ...]:
    try:
        return tuple(checked(row.get("marks") or []))
    except DataError as error:
        raise RowError(f"{error.what[:1].lower()}{error.what[1:].rstrip('.')}") from error


def _verdict(row: Row) -> str:
    said = text(row, "verdict", LONGEST_NAME).casefold()
    verdict = _SPOKEN.get(said, said)
    if verdict and verdict not in VERDICTS:
        raise RowError(f"the verdict {shown(said)} is unknown; known are: {', '.join(VERDICTS)}")
    return verdict


def _signals(row: Row) -> dict[str, float | str]:
    signals = _object(row, "signals")
    if len(signals) > MOST_SIGNALS:
        raise RowError(f"there are more than {MOST_SIGNALS} signals")
    return {plain(name, "signals", LONGEST_NAME): _signal(value) for name, value in signals.items()}


def _signal(value: Any) -> float | str:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return plain(value, "signals", LONGEST_TEXT)


def _suggested(row: Row) -> dict[str, str]:
    before = _object(row, "suggested")
    return {name: text(before, name, LONGEST_TEXT, required=True) for name in ("question", "answer") if name in before}


def _object(row: Row, name: str) -> dict[str, Any]:
    value = row.get(name) or {}
    if not isinstance(value, dict):
        raise RowError(f'the field "{name}" is not an object')
    return value


def _key(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").split()) or text
