"""Several models on the same questions: rates with intervals, and paired differences to a baseline. No torch.

    table = compare(questions, {"base": [...], "adapted": [...]}, "base", trained={"adapted": pictures_learned_from})
    print(table.text())

Closed and open questions are never pooled: a row's accuracy is that of the closed ones, and the exact matches of open
ones stand apart; only where nothing is closed are they the accuracy.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaml.errors import DataError, OptionError
from leaml.evaluation.metrics import Rate, by, cluster_of, difference, mean, rate
from leaml.evaluation.resampling import Measure, figures
from leaml.evaluation.scoring import Score
from leaml.records import Question

OPEN = "open"
MOST_NAMED = 5
"""Items that an error names; all are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model's line of the table.

    Attributes:
        accuracy: of the closed questions; of the open ones where nothing is closed.
        difference: to the baseline, paired by question; None for the baseline itself.
        open: exact matches of the open questions, where there are closed ones as well.
        open_difference: the same to the baseline.
        by_type: accuracy by type of question.
    """

    name: str
    accuracy: Rate
    difference: Rate | None
    open: Rate | None
    open_difference: Rate | None
    by_type: dict[str, Rate]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table over one set of questions."""

    baseline: str
    rows: tuple[Row, ...]

    def row(self, name: str) -> Row:
        """The line of one model. Raises KeyError."""
        return {row.name: row for row in self.rows}[name]

    def text(self) -> str:
        """The table as people read it."""
        lines = []
        for row in self.rows:
            beside = "" if row.difference is None else f"   against {self.baseline} {row.difference.text()}"
            lines.append(f"{row.name:<16}{row.accuracy.text()}{beside}")
        return "\n".join(lines)


def compare(
    questions: Sequence[Question],
    correct: Mapping[str, Sequence[bool]],
    baseline: str,
    trained: Mapping[str, Collection[Path]] | None = None,
) -> Comparison:
    """Compares models by which of the same questions each got right.

    What is counted as independent are groups (patients, videos) where they are known, else pictures.

    Args:
        questions: held out of training.
        correct: per model, by name, whether it answered each question right.
        baseline: the model that the others are compared with.
        trained: per model, the pictures that it learned from.

    Raises:
        DataError: there are no questions, a model learned from some of them, or did not answer each once.
        OptionError: the baseline is not among the models.
    """
    refuse_trained(questions, trained or {})
    if baseline not in correct:
        raise OptionError(f"There are no answers of {baseline}.", f"Choose one of {', '.join(correct)}.")
    for name, right in correct.items():
        if len(right) != len(questions):
            what = f"{len(right)} answers of {name} stand beside {len(questions)} questions."
            raise DataError(what, "Score each once.")
    closed = [place for place, question in enumerate(questions) if question.type != OPEN]
    others = [place for place, question in enumerate(questions) if question.type == OPEN] if closed else []
    return Comparison(
        baseline,
        tuple(
            Row(
                name,
                *_beside(questions, correct, name, baseline, closed or range(len(questions))),
                *_beside(questions, correct, name, baseline, others),
                by(questions, right, "type"),
            )
            for name, right in correct.items()
        ),
    )


def _beside(
    questions: Sequence[Question],
    correct: Mapping[str, Sequence[bool]],
    name: str,
    baseline: str,
    places: Sequence[int],
) -> tuple[Rate | None, Rate | None]:
    """A model's rate on the questions at these places, and its difference to the baseline."""
    if not places:
        return None, None
    clusters = [cluster_of(questions[place]) for place in places]
    right, before = ([correct[who][place] for place in places] for who in (name, baseline))
    return rate(right, clusters), None if name == baseline else difference(right, before, clusters)


def refuse_trained(questions: Sequence[Question], trained: Mapping[str, Collection[Path]]) -> None:
    """Refuses to measure a model on what it learned from, and names the items.

    Args:
        questions: to be measured on.
        trained: per model, by name, the pictures that it learned from.

    Raises:
        DataError: there are no questions, some are of the train split, or a model learned from their pictures.
    """
    if not questions:
        raise DataError("There are no questions to compare on.", "Import or label a test set.")
    if found := [question for question in questions if question.split == "train"]:
        verb = "is" if len(found) == 1 else "are"
        raise DataError(
            f"{_named(found)} {verb} of the train split.", "Compare on questions that are held out of training."
        )
    for name, pictures in trained.items():
        learned = set(pictures)
        if found := [question for question in questions if question.image in learned]:
            raise DataError(
                f"{name} has learned from the pictures of {len(found)} of these questions: {_named(found)}.",
                "Train a new model without these pictures, or compare on others.",
            )


def _named(questions: Sequence[Question]) -> str:
    named = ", ".join(f"{question.question!r} on {question.image.name}" for question in questions[:MOST_NAMED])
    more = len(questions) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


def credit(questions: Sequence[Question], scores: Sequence[Score]) -> dict[str, dict[str, Rate | Measure]]:
    """What exact matches leave out, by type of question: "near" (counts off by one at most), "f1" (sets, open)."""
    found: dict[str, dict[str, Rate | Measure]] = {}
    for type in dict.fromkeys(question.type for question in questions):
        places = [place for place, question in enumerate(questions) if question.type == type]
        clusters = [cluster_of(questions[place]) for place in places]
        if type == "count":
            found[type] = {"near": rate([scores[place].near or scores[place].correct for place in places], clusters)}
        elif type in ("location", "multiple choice", OPEN):
            found[type] = {"f1": mean([scores[place].f1 for place in places], clusters)}
    return found


def as_json(found: Mapping[str, Mapping[str, Rate | Measure]]) -> dict[str, dict[str, Any]]:
    """`credit` as JSON."""
    return {type: {name: figures(value) for name, value in values.items()} for type, values in found.items()}
