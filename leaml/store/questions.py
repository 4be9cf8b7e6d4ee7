"""The questions that are asked on every picture. One with answers is frozen: a change makes a new version of it."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from leaml.errors import DataError
from leaml.records import QUESTION_TYPES
from leaml.store.annotation import LONGEST_TEXT, MOST_CHOICES
from leaml.store.conditions import Other
from leaml.store.database import Database
from leaml.store.events import Change
from leaml.store.rows import Template
from leaml.store.texts import text_of

MOST_TEMPLATES = 100


class Questions:
    """The part of a project that says what is asked; `Decisions` is more of it."""

    db: Database
    _act: Callable[..., list[Any]]

    def templates(self) -> list[Template]:
        """The questions to ask on every picture, in their order."""
        return [Template.of(row) for row in self.db.rows("templates", order="position", retired=0)]

    def answered(self) -> set[str]:
        """The questions that somebody answered, on any picture. Reads all labels: not for every step."""
        return set(self.db.counts("pairs", "question", origin=["label", "import"], answer=Other(None)))

    def set_templates(self, person: str, templates: Iterable[Template]) -> None:
        """Makes these the questions to ask on every picture, as one step to take back.

        One with a number takes the place of that question: it is changed where nobody has answered it, and follows it
        as a new version where somebody has. What is left out goes; where it has answers, it retires with them.

        Raises:
            DataError: a question is empty or too long, of an unknown type, stands there twice, or there are too many.
        """
        wanted = [_checked(template) for template in templates]
        if len({template.question.casefold() for template in wanted}) < len(wanted):
            raise DataError("The same question stands there twice.", "Ask it once.")
        if len(wanted) > MOST_TEMPLATES:
            raise DataError(f"There are {len(wanted)} questions; {MOST_TEMPLATES} are allowed.", "Leave some out.")
        with self.db.transaction():
            self._act(person, "template", list(_changes(self.db.rows("templates"), wanted, self.answered())))


def _changes(
    rows: Sequence[Mapping[str, Any]], wanted: Sequence[Template], answered: Container[str]
) -> Iterator[Change]:
    """What makes the rows the wanted questions."""
    left = {row["id"]: row for row in rows}
    named = {template.id for template in wanted}
    for position, template in enumerate(wanted):
        values = {"question": template.question, "type": template.type, "choices": list(template.choices)}
        row = _row_of(template, left, named)
        if row is None:
            yield "templates", None, None, values | {"position": position}
        elif all(row[name] == value for name, value in values.items()):
            del left[row["id"]]
            place = {"position": position, "retired": 0}
            if any(row[name] != value for name, value in place.items()):
                yield "templates", row["id"], {}, place
        elif row["question"] in answered:
            yield "templates", None, None, values | {"position": position, "version": row["version"] + 1}
        else:
            del left[row["id"]]
            yield "templates", row["id"], {}, values | {"position": position, "retired": 0}
    for row in left.values():
        if row["question"] in answered:
            if not row["retired"]:
                yield "templates", row["id"], {}, {"retired": 1}
        else:
            yield "templates", row["id"], {}, None


def _row_of(template: Template, left: Mapping[int, Mapping[str, Any]], named: set[int | None]) -> Mapping | None:
    """The row that a question stands in: the one of its number, else one that asks the same and that no other names."""
    if template.id in left:
        return left[template.id]
    same = [row for row in left.values() if row["id"] not in named and Template.of(row) == template]
    return min(same, key=lambda row: row["retired"], default=None)


def _checked(template: Template) -> Template:
    if template.type not in QUESTION_TYPES:
        raise DataError(f"Questions of the type {template.type!r} are not known here.", "Choose another type.")
    if len(template.choices) > MOST_CHOICES:
        raise DataError(f"“{template.question}” has more than {MOST_CHOICES} choices.", "Leave some out.")
    choices = tuple(text_of("choice", choice, LONGEST_TEXT) for choice in template.choices)
    if len({choice.casefold() for choice in choices}) < len(choices):
        raise DataError(f"“{template.question}” offers the same choice twice.", "Offer it once.")
    question = text_of("question", template.question, LONGEST_TEXT)
    return Template(question, template.type, choices, template.id, template.version)
