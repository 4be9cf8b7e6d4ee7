"""Questions and captions on their way into a project: what is new goes in, what stands there stays."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from leaml.options import ImportOptions
from leaml.records import Caption
from leaml.store.annotation import VERDICTS, WRITTEN, Annotation
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

    def spare(self, annotations: Sequence[Annotation], options: ImportOptions) -> list[Annotation]:
        """The questions that are taken: with `options.labels`, only so many train pictures keep theirs."""
        if options.labels is None:
            return list(annotations)
        asked = [one.question for one in annotations]
        labelled = sorted({q.image for q in asked if q.answer and self._numbers.get(q.image) in self._train})
        taken = min(options.labels, len(labelled))
        chosen = set(random.Random(options.seed).sample(labelled, taken))
        wanted = f"; {options.labels} were asked for" if taken < options.labels else ""
        self._findings.notes.append(
            f"The answers of {taken} of {len(labelled)} labelled train pictures are used{wanted}."
        )
        return [
            one for one in annotations
            if self._numbers.get(one.question.image) not in self._train or one.question.image in chosen
        ]  # fmt: skip

    def add_questions(self, annotations: Iterable[Annotation]) -> Iterator[int]:
        """Adds those that are new, and answers to those that waited for one; yields how many, event by event."""
        steps = self._question_changes(annotations)
        while batch := list(islice(steps, ROWS)):
            with self._project.db.transaction():
                rows = self._record([change for _, change in batch])
                verdicts = [_verdict(one, row, self._person) for (one, _), row in zip(batch, rows) if one.verdict]
                if verdicts:
                    self._record(verdicts)
            yield len(batch)

    def add_captions(self, captions: Iterable[Caption]) -> Iterator[int]:
        """Adds those that are new, of train pictures: held-out ones are never captioned. Yields as `add_questions`."""
        changes = self._caption_changes(captions)
        while batch := list(islice(changes, ROWS)):
            self._record(batch)
            yield len(batch)

    def _question_changes(self, annotations: Iterable[Annotation]) -> Iterator[tuple[Annotation, Change]]:
        tally = self._findings.questions
        known: dict[tuple[int, str, bool], list[Mapping[str, Any]]] = defaultdict(list)
        annotations = list(annotations)
        origins = ["import", "label", *([WRITTEN] if any(one.written for one in annotations) else [])]
        for row in self._project.db.rows("pairs", origin=origins):
            known[row["image_id"], row["question"], row["origin"] == WRITTEN].append(row)
        for one in annotations:
            if (number := self._numbers.get(one.question.image)) is None:
                continue
            rows = known[number, _asked(one), one.written]
            try:
                change = _suggestion(number, one, rows) if one.written else _question_change(number, one, rows)
            except RowError as error:
                note(tally.refused, f"{one.question.image.name}: {error}")
                continue
            tally.taken += change is not None
            tally.there += change is None
            if change is not None:
                rows.append({"id": None, **change[3]})
                yield one, change

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

    def _record(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        """Makes the changes one event, and returns what its rows became, number included."""
        event = self._project.db.record(self._person, "import", changes)
        made = self._project.db.row("events", id=event)["changes"]
        return [after | {"id": key} for _, key, _, after in made]


def _question_change(number: int, one: Annotation, rows: Sequence[Mapping[str, Any]]) -> Change | None:
    """What makes a question part of the project; None where it stands there with the same answer.

    Args:
        rows: the same question on the same picture, as it stands there.

    Raises:
        RowError: the same source gave another answer before.
    """
    values = _values(one)
    same = [row for row in rows if _source(row) == _source(values)]
    if any(values["answer"] in (None, row["answer"]) for row in same):
        return None
    waiting = next((row for row in rows if row["answer"] is None and row["id"] is not None), None)
    if waiting is not None:
        return ("pairs", waiting["id"], {"answer": None}, values)
    if same:
        before, now = shown(same[0]["answer"]), shown(values["answer"] or "")
        raise RowError(f"{shown(one.question.question)} was answered {before} before, and is answered {now} here")
    return ("pairs", None, None, values | {"image_id": number, "question": _asked(one), "origin": "import"})


def _suggestion(number: int, one: Annotation, rows: Sequence[Mapping[str, Any]]) -> Change | None:
    """What makes a suggestion part of the project; None where the same run's stands there."""
    values = _values(one) | {"source": "", "signals": dict(one.signals)}
    if any((row["answer"], row["provenance"].get("run")) == (values["answer"], one.run or None) for row in rows):
        return None
    return ("pairs", None, None, values | {"image_id": number, "question": _asked(one), "origin": WRITTEN})


def _asked(one: Annotation) -> str:
    """The question as it was written, before anybody corrected it."""
    return one.suggested.get("question", one.question.question)


def _values(one: Annotation) -> dict[str, Any]:
    return {
        "answer": one.suggested.get("answer", one.question.answer),
        "type": one.question.type,
        "choices": list(one.question.choices),
        "source": one.question.origin,
        "marks": list(one.marks),
        "provenance": {name: value for name, value in (("person", one.person), ("run", one.run)) if value},
    }


def _source(row: Mapping[str, Any]) -> tuple[str, str | None]:
    """Who said it: answers of several people to one question stand beside each other."""
    return row["source"], row["provenance"].get("person")


def _verdict(one: Annotation, row: Mapping[str, Any], person: str) -> Change:
    """What was decided elsewhere, by the pseudonym that the table has."""
    question_ok, answer_ok, queue = VERDICTS[one.verdict]
    now = {"question": one.question.question, "answer": one.question.answer}
    corrected = {name: text for name, text in now.items() if name in one.suggested and text != one.suggested[name]}
    values = {
        "pair_id": row["id"], "person": one.reviewer or person, "question_ok": question_ok, "answer_ok": answer_ok,
        "reason": one.reason, "queue": queue,
    }  # fmt: skip
    return ("verdicts", None, None, values | corrected)
