"""The bridge of the stage that answers a folder of new pictures into a table: `answers.csv` in the run folder.

    picture,question,answer,probability

The probability is the model's own, per token of its answer (geometric mean): how sure it sounds, not how often it is
right.
"""

import csv
import math
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.evaluation.predict import predict
from leaml.jobs import lines
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.models.pictures import open_picture
from leaml.options import AnswerOptions
from leaml.records import Prediction, Progress, Question, Result
from leaml.store.formats import PICTURE_SUFFIXES
from leaml.store.project import Adapter, Project

COLUMNS = ("picture", "question", "answer", "probability")
MOST_NAMED = 100
"""Pictures left out that are named; all are counted."""

Row = dict[str, Any]


def answer(project: Project, job: Job, options: AnswerOptions) -> Work:
    """Every question on every picture of a folder. Pictures that cannot be read are left out, and named."""
    answering = _Answering(project, job, options)
    return Work(answering.events(), answering.write, answering.finish)


class _Answering:
    """One table on its way: rows go into `answers.jsonl`, and at the end, however it comes, into `answers.csv`."""

    def __init__(self, project: Project, job: Job, options: AnswerOptions) -> None:
        self.options, self.job = options, job
        self.root = Path(options.folder).expanduser()
        self.questions = list(options.questions) or questions_of(project)
        if not self.questions:
            raise DataError("There is nothing to ask.", "Give a question, or label some pictures first.")
        self.adapter = _chosen(project, next(iter(begun_with(project, job, "adapter")), options.adapter))
        if self.adapter is not None:
            project.use(job.run, "adapter", [self.adapter.id])
        self.rows = list(lines.read(job.folder / "answers.jsonl"))
        self.left_out: list[str] = []
        self.pictures = pictures_in(self.root)

    def events(self) -> Generator[Progress | Row | Result, None, None]:
        answered = {(row["picture"], row["question"]) for row in self.rows}
        todo = [name for name in self.pictures if any((name, text) not in answered for text in self.questions)]
        done, at_once = len(self.pictures) - len(todo), max(1, self.options.batch_size // len(self.questions))
        model, framing = Models(self.options.model, self.options.precision, self.options.picture_size).use(self.adapter)
        try:
            for start in range(0, len(todo), at_once):
                part = todo[start : start + at_once]
                asked = [Question(self.root / name, text, None, "open") for name, text in self._askable(part, answered)]
                for event in predict(model, framing, asked, self.options):
                    if isinstance(event, Prediction):
                        yield self._row(event)
                yield Progress(done + start + len(part), len(self.pictures), "Asking")
            yield Result({"pictures": float(len(self.pictures))})
        finally:
            self._write_table()

    def _askable(self, names: Sequence[str], answered: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        """(picture, question) of what is still to be asked; pictures that cannot be read are noted."""
        for name in names:
            try:
                open_picture(self.root / name)
            except DataError as error:
                self.left_out.append(error.what)
            else:
                yield from ((name, text) for text in self.questions if (name, text) not in answered)

    def _row(self, said: Prediction) -> Row:
        name = said.question.image.relative_to(self.root).as_posix()
        probability = round(math.exp(said.log_probability or 0.0), 4)
        return dict(zip(COLUMNS, (name, said.question.question, said.text, probability), strict=True))

    def write(self, rows: Sequence[Row]) -> None:
        lines.append(self.job.folder / "answers.jsonl", rows)
        self.rows += rows

    def finish(self, result: Result) -> dict[str, Any]:
        self._write_table()
        return dict(result.figures) | {
            "answers": len(self.rows),
            "left out": len(self.left_out),
            "findings": self.left_out[:MOST_NAMED],
            "file": f"runs/{self.job.run}/answers.csv",
            "adapter": self.adapter.id if self.adapter else None,
        }

    def _write_table(self) -> None:
        # With a mark of the encoding: without it Excel would read UTF-8 as something else.
        with (self.job.folder / "answers.csv").open("w", encoding="utf-8-sig", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows({name: plain_cell(value) for name, value in row.items()} for row in self.rows)


def questions_of(project: Project) -> list[str]:
    """What the project asks of a picture: its templates, else the wordings of its labels, the most frequent first."""
    if templates := project.templates():
        return [template.question for template in templates]
    counts: dict[str, int] = {}
    for label in project.labels():
        counts[label.question] = counts.get(label.question, 0) + 1
    return sorted(counts, key=lambda text: (-counts[text], text))


def plain_cell(value: Any) -> Any:
    """A value that a spreadsheet takes as one line of text: what a model wrote, or a file is called, is no formula."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    text = "".join(character for character in line if unicodedata.category(character) != "Cc")
    if text[:1] in ("=", "+", "-", "@"):
        with suppress(ValueError):
            float(text)
            return text
        return f"'{text}"
    return text


def _chosen(project: Project, id: int | None) -> Adapter | None:
    """0: the base; none: the newest, or the base where nothing is adapted yet."""
    if id is None:
        return next(iter(project.adapters("answers")), None)
    return project.adapter(id) if id else None


def pictures_in(root: Path) -> list[str]:
    """Names of the pictures in a folder and below it, relative to it, in order."""
    if not root.is_dir():
        raise DataError(f"There is no folder {root}.", "Give the folder that holds the pictures.")
    found = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.suffix.lower() in PICTURE_SUFFIXES)
    names = [path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts)]
    if not names:
        raise DataError(f"There is no picture in {root}.", f"Give a folder with {', '.join(PICTURE_SUFFIXES)}.")
    return names
