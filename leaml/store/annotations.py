"""Questions and captions on their way into a project: what is new goes in, what stands there stays."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from leaml.options import ImportOptions
from leaml.records import Caption, Question
from leaml.store.events import Change
from leaml.store.findings import Findings
from leaml.store.placing import TRAIN
from leaml.store.project import Project
from leaml.store.tables import RowError, note, shown

ROWS = 500
"""Questions or captions of one event, at most."""


class Annotations:
    """What is said about pictures that are in the project.

    Args:
        numbers: path, as questions and captions name the picture -> its number. A picture without one was refused,
            and is named among the pictures.
    """

    def __init__(self, project: Project, person: str, numbers: Mapping[Path, int], findings: Findings) -> None:
        self._project, self._person, self._numbers, self._findings = project, person, numbers, findings
        self._train = {picture.id for picture in project.pictures(TRAIN)}

    def spare(self, questions: Sequence[Question], options: ImportOptions) -> list[Question]:
        """The questions that are taken: with `options.labels`, only so many train pictures keep theirs."""
        if options.labels is None:
            return list(questions)
        labelled = sorted({q.image for q in questions if q.answer and self._numbers.get(q.image) in self._train})
        taken = min(options.labels, len(labelled))
        chosen = set(random.Random(options.seed).sample(labelled, taken))
        asked = f"; {options.labels} were asked for" if taken < options.labels else ""
        self._findings.notes.append(
            f"The answers of {taken} of {len(labelled)} labelled train pictures are used{asked}."
        )
        return [q for q in questions if self._numbers.get(q.image) not in self._train or q.image in chosen]

    def add_questions(self, questions: Iterable[Question]) -> Iterator[int]:
        """Adds those that are new, and answers to those that waited for one; yields how many, event by event."""
        return self._record(self._question_changes(questions))

    def add_captions(self, captions: Iterable[Caption]) -> Iterator[int]:
        """Adds those that are new, of train pictures: held-out ones are never captioned. Yields as `add_questions`."""
        return self._record(self._caption_changes(captions))

    def _question_changes(self, questions: Iterable[Question]) -> Iterator[Change]:
        tally = self._findings.questions
        known: dict[tuple[int, str], list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._project.db.rows("pairs", origin=["import", "label"]):
            known[row["image_id"], row["question"]].append(row)
        for question in questions:
            if (number := self._numbers.get(question.image)) is None:
                continue
            rows = known[number, question.question]
            try:
                change = _question_change(number, question, rows)
            except RowError as error:
                note(tally.refused, f"{question.image.name}: {error}")
                continue
            tally.taken += change is not None
            tally.there += change is None
            if change is not None:
                rows.append({"id": None, "source": question.origin, "answer": question.answer})
                yield change

    def _caption_changes(self, captions: Iterable[Caption]) -> Iterator[Change]:
        tally, held_out = self._findings.captions, 0
        known = {(row["image_id"], row["teacher"], row["caption"]) for row in self._project.db.rows("captions")}
        for caption in captions:
            if (number := self._numbers.get(caption.image)) is None:
                continue
            row = (number, caption.teacher or "file", caption.caption)
            if number not in self._train:
                held_out += 1
            elif row in known:
                tally.there += 1
            else:
                known.add(row)
                tally.taken += 1
                yield ("captions", None, None, dict(zip(("image_id", "teacher", "caption"), row)))
        if held_out:
            note = f"{held_out:,} captions were not taken: their pictures are kept back from training."
            self._findings.notes.append(note)

    def _record(self, changes: Iterator[Change]) -> Iterator[int]:
        while batch := list(islice(changes, ROWS)):
            self._project.db.record(self._person, "import", batch)
            yield len(batch)


def _question_change(number: int, question: Question, rows: Sequence[Mapping[str, Any]]) -> Change | None:
    """What makes a question part of the project; None where it stands there with the same answer.

    Args:
        rows: the same question on the same picture, as it stands there.

    Raises:
        RowError: the same source gave another answer before.
    """
    values = {
        "answer": question.answer,
        "type": question.type,
        "choices": list(question.choices),
        "source": question.origin,
    }
    same = [row for row in rows if row["source"] == question.origin]
    if any(question.answer in (None, row["answer"]) for row in same):
        return None
    waiting = next((row for row in rows if row["answer"] is None and row["id"] is not None), None)
    if waiting is not None:
        return ("pairs", waiting["id"], {"answer": None}, values)
    if same:
        before, now = shown(same[0]["answer"]), shown(question.answer or "")
        raise RowError(f"{shown(question.question)} was answered {before} before, and is answered {now} here")
    return ("pairs", None, None, values | {"image_id": number, "question": question.question, "origin": "import"})
