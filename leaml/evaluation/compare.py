"""Several models on the same questions: rates with intervals, and paired differences to a baseline. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaml.errors import DataError, OptionError
from leaml.evaluation.metrics import Rate, by, cluster_of, difference, rate
from leaml.records import Question


@dataclass(frozen=True, slots=True)
class Row:
    """One model's line of the table."""

    name: str
    accuracy: Rate
    difference: Rate | None
    """To the baseline, paired by question; None for the baseline itself."""
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

    def figures(self) -> dict[str, dict]:
        """The table as programs read it."""
        return {
            row.name: {
                **_figures(row.accuracy),
                "difference": None if row.difference is None else _figures(row.difference),
                "by_type": {name: _figures(value) for name, value in row.by_type.items()},
            }
            for row in self.rows
        }


def _figures(value: Rate) -> dict[str, float]:
    return {"value": value.value, "low": value.low, "high": value.high, "n": value.n, "pictures": value.clusters}


def compare(
    questions: Sequence[Question], correct: Mapping[str, Sequence[bool]], baseline: str, seed: int = 0
) -> Comparison:
    """Compares models by which of the same questions each got right.

    What is resampled are groups (patients, videos) where they are known, else pictures.

    Args:
        questions: held out of training.
        correct: per model, by name, whether it answered each question right.
        baseline: the model that the others are compared with.
        seed: of the bootstrap.

    Raises:
        DataError: there are no questions, some are of the train split, or a model did not answer each once.
        OptionError: the baseline is not among the models.
    """
    if not questions:
        raise DataError("There are no questions to compare on.", "Import or label a test set.")
    for question in questions:
        if question.split == "train":
            what = f"{question.question!r} on {question.image.name} is of the train split."
            raise DataError(what, "Compare on questions that are held out of training.")
    if baseline not in correct:
        raise OptionError(f"There are no answers of {baseline}.", f"Choose one of {', '.join(correct)}.")
    clusters = [cluster_of(question) for question in questions]
    rows = []
    for name, right in correct.items():
        against = None if name == baseline else difference(right, correct[baseline], clusters, seed)
        rows.append(Row(name, rate(right, clusters, seed), against, by(questions, right, "type", seed)))
    return Comparison(baseline, tuple(rows))
