"""Several models on the same questions: rates with intervals, and paired differences to a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaml.errors import DataError
from leaml.evaluation.metrics import Rate, by, difference, rate
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
        return next(row for row in self.rows if row.name == name)

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


def compare(questions: Sequence[Question], correct: Mapping[str, Sequence[bool]], baseline: str, seed: int = 0) -> Comparison:
    """Compares models by which of the same questions each got right. Clusters are pictures' groups.

    Raises:
        DataError: there are no questions, or some were trained on.
    """
    if not questions:
        raise DataError("There are no questions to compare on.", "Import or label a test set.")
    if any(question.split == "train" for question in questions):
        raise DataError("Some of these questions are from the train split.", "Compare on questions held out of training.")
    clusters = [question.group or str(question.image) for question in questions]
    rows = []
    for name, right in correct.items():
        against = None if name == baseline else difference(right, correct[baseline], clusters, seed)
        rows.append(Row(name, rate(right, clusters, seed), against, by(questions, right, "type", seed)))
    return Comparison(baseline, tuple(rows))
