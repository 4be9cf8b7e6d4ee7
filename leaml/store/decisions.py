"""What people say about pictures: answers, verdicts, questions to ask, and taking any of it back."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.store.annotation import LONGEST_TEXT
from leaml.store.database import Database
from leaml.store.events import Change
from leaml.store.marks import checked
from leaml.store.questions import Questions
from leaml.store.rows import Answer, PairState, Remark
from leaml.store.texts import text_of

REMARKS = {"comment": "comment", "flag": "flag", "skip": "skip", "nothing": "note", "cannot tell": "note"}
"""Kind of a remark -> what a sentence calls it."""


class Decisions(Questions):
    """The part of a project that its people write; `Project` is the whole.

    Args:
        folder: resolved.
        database: of the project in that folder.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.db = database

    def pairs(self, **equal: Any) -> list[PairState]:
        """Questions as they stand now; `equal` (with order, limit, offset) as in `Database.rows`."""
        return [PairState.of(row, self.folder) for row in self.db.rows("pair_states", **equal)]

    def pair(self, id: int) -> PairState:
        """One question as it stands now.

        Raises:
            DataError: there is none of this number.
        """
        found = self.pairs(id=id)
        if not found:
            raise DataError(f"There is no question {id} in this project.", "Reload: it may have been taken back.")
        return found[0]

    def add_label(
        self,
        person: str,
        image_id: int,
        question: str,
        answer: str,
        type: str,
        choices: Sequence[str] = (),
        seconds: float | None = None,
    ) -> int:
        """Adds an answered question and returns its number.

        A question that the same person answered already changes its answer. A question that waits on this picture for
        an answer gets this one.

        Raises:
            DataError: question or answer is empty or too long, or there is no such picture.
        """
        return self.add_labels(person, image_id, [Answer(question, answer, type, tuple(choices))], seconds)[0]

    def add_labels(
        self,
        person: str,
        image_id: int,
        answers: Iterable[Answer],
        seconds: float | None = None,
        cannot_tell: Iterable[str] = (),
    ) -> list[int]:
        """Several `add_label` on one picture, as one step to take back. Returns the numbers in order.

        Args:
            seconds: spent on each.
            cannot_tell: questions that this person cannot answer on this picture. That is kept apart, as a remark: it
                is no label, nothing learns from it, and an earlier answer of this person no longer stands.

        Raises:
            DataError: as `add_label`, or a question stands there twice.
        """
        given = [_label(answer, seconds) for answer in answers]
        apart = [text_of("question", question, LONGEST_TEXT) for question in cannot_tell]
        asked = [*(label["question"] for label in given), *apart]
        if len({question.casefold() for question in asked}) < len(asked):
            raise DataError("The same question stands there twice.", "Answer it once.")
        with self.db.transaction():
            if not self.db.count("images", id=image_id):
                raise DataError(f"There is no picture {image_id} in this project.", "Reload: it may be gone.")
            present = [self._present(person, image_id, label["question"]) for label in given]
            steps = [self._labelled(person, image_id, label, pair) for label, pair in zip(given, present)]
            untold = self._untold(person, image_id, [label["question"] for label in given], apart)
            changed_only = not apart and all(pair and pair.answer for pair, step in zip(present, steps) if step)
            kind = "relabel" if changed_only else "label"
            keys = iter(self._act(person, kind, [*(change for step in steps for change in step), *untold]))
            made = [[next(keys) for _ in step] for step in steps]
            return [pair.id if pair else new[0] for pair, new in zip(present, made)]

    def _present(self, person: str, image_id: int, question: str) -> PairState | None:
        """The person's own answer to this question, else the question if it waits for an answer."""
        asked = self.pairs(image_id=image_id, status=["label", "question"])
        same = [pair for pair in asked if pair.question.casefold() == question.casefold()]
        own = [pair for pair in same if pair.status == "label" and pair.person == person]
        waiting = [pair for pair in same if pair.status == "question"]
        return next(iter(own + waiting), None)

    def _labelled(
        self, person: str, image_id: int, label: dict[str, Any], present: PairState | None
    ) -> list[Change]:
        """The changes that a label is; none where it stands there already."""
        if present is None:
            return [("pairs", None, None, label | {"image_id": image_id, "origin": "label", "person": person})]
        before = self.db.row("pairs", id=present.id)["marks"]
        marked = label.get("marks", before) != before
        same = (present.answer, present.type, list(present.choices)) == (
            label["answer"], label["type"], label["choices"]
        )  # fmt: skip
        if same:
            return [("pairs", present.id, {}, {"marks": label["marks"]})] if marked else []
        if present.verdict_id is None:
            return [("pairs", present.id, {}, label | {"person": person})]
        # Somebody judged it, perhaps with a correction, which only a newer verdict can overrule.
        verdict = {"pair_id": present.id, "person": person, "question_ok": 1, "answer_ok": 1}
        corrections = self._corrections(present, {"question": None, "answer": label["answer"]})
        change = "verdicts", None, None, verdict | corrections | {"seconds": label["seconds"]}
        return [change, ("pairs", present.id, {}, {"marks": label["marks"]})] if marked else [change]

    def _untold(self, person: str, image_id: int, told: Sequence[str], untold: Sequence[str]) -> list[Change]:
        """What keeps that some questions cannot be answered, and that others now can."""
        place = {"image_id": image_id, "person": person, "kind": "cannot tell"}
        before = {row["text"].casefold(): row for row in self.db.rows("remarks", **place)}
        changes: list[Change] = [
            ("remarks", before[text.casefold()]["id"], {}, None) for text in told if text.casefold() in before
        ]
        for question in untold:
            if question.casefold() not in before:
                changes.append(("remarks", None, None, place | {"text": question}))
            pair = self._present(person, image_id, question)
            if pair is not None and pair.status == "label":
                verdict = {"pair_id": pair.id, "person": person, "question_ok": 1, "answer_ok": 0}
                changes.append(("verdicts", None, None, verdict | {"reason": "cannot tell"}))
        return changes

    def judge(
        self,
        person: str,
        pair_id: int,
        accept: bool,
        question: str | None = None,
        answer: str | None = None,
        reason: str = "",
        seconds: float | None = None,
        queue: str = "fix",
        *,
        question_ok: bool | None = None,
        answer_ok: bool | None = None,
        said: str | None = None,
        audit_id: int | None = None,
    ) -> int:
        """Accepts or rejects a pair as the reviewer saw it, and returns the verdict's number.

        Args:
            question: the corrected question; only with `accept`. None: as it stands, earlier corrections included.
            answer: the corrected answer; likewise.
            queue: "fix", "audit" or "bulk".
            question_ok: whether the question is right; None: as `accept`. A rejection has at least one that is not.
            answer_ok: whether the answer is; likewise.
            said: what the reviewer answered before the suggestion was shown; None: it was shown at once.
            audit_id: the audit whose sample this is one of.

        Raises:
            DataError: a corrected text is empty or too long, a rejection corrects or finds all right, or there is no
                such pair.
        """
        corrected = {"question": question, "answer": answer}
        if not accept and any(text is not None for text in corrected.values()):
            raise DataError("A rejected suggestion cannot be corrected.", "Accept it with the correction.")
        ticks = [accept if tick is None else tick for tick in (question_ok, answer_ok)]
        if all(ticks) != accept:
            raise DataError("Question and answer say other than the verdict.", "Reject where one of them is wrong.")
        verdict = {
            "pair_id": pair_id, "person": person, "question_ok": int(ticks[0]), "answer_ok": int(ticks[1]),
            "reason": reason, "seconds": seconds, "queue": queue, "audit_id": audit_id, "blind": int(said is not None),
            "said": None if said is None else text_of("answer", said, LONGEST_TEXT),
        }  # fmt: skip
        with self.db.transaction():
            pair = self.pair(pair_id)
            if accept:
                verdict |= self._corrections(pair, corrected)
            return self._act(person, "verdict", [("verdicts", None, None, verdict)])[0]

    def _corrections(self, pair: PairState, corrected: dict[str, str | None]) -> dict[str, str | None]:
        """What differs from the pair as it was written."""
        written = self.db.row("pairs", id=pair.id)
        texts = {
            name: getattr(pair, name) if text is None else text_of(name, text, LONGEST_TEXT)
            for name, text in corrected.items()
        }
        return {name: None if text == written[name] else text for name, text in texts.items()}

    def accept_all(self, person: str, pair_ids: Iterable[int], batch: str = "", audit_id: int | None = None) -> int:
        """Accepts those of these suggestions that still wait for a verdict, as one event, and returns its number.

        Args:
            audit_id: the audit that allows it; None: nobody looked at a sample.

        Raises:
            DataError: none of them waits.
        """
        verdict = {
            "person": person, "question_ok": 1, "answer_ok": 1, "queue": "bulk", "batch": batch, "audit_id": audit_id
        }  # fmt: skip
        with self.db.transaction():
            waiting = self.db.rows("suggestion_states", id=list(pair_ids), status="suggested")
            if not waiting:
                raise DataError("None of these suggestions waits for a verdict.", "Reload: somebody was faster.")
            self._join(person)
            changes = [("verdicts", None, None, verdict | {"pair_id": pair["id"]}) for pair in waiting]
            return self.db.record(person, "bulk accept", changes)

    def remark(
        self, person: str, image_id: int, pair_id: int | None = None, kind: str = "comment", text: str = ""
    ) -> None:
        """Keeps what somebody remarks about a picture, or about one question on it.

        A flag that this person set already is taken away by setting it again.

        Args:
            kind: "comment", "flag" (somebody should look at it), "skip", "nothing" (there is nothing to answer) or
                "cannot tell" (of the question in `text`).

        Raises:
            DataError: a comment is empty or too long, or there is no such picture.
        """
        if not self.db.count("images", id=image_id):
            raise DataError(f"There is no picture {image_id} in this project.", "Reload: it may be gone.")
        said = text_of(kind, text, LONGEST_TEXT) if text.strip() or kind == "comment" else ""
        place = {"image_id": image_id, "pair_id": pair_id, "person": person, "kind": kind}
        with self.db.transaction():
            standing = self.db.row("remarks", **place) if kind == "flag" else None
            if standing is not None:
                self._act(person, "remark", [("remarks", standing["id"], {}, None)])
            else:
                self._act(person, "remark", [("remarks", None, None, place | {"text": said})])

    def remarks(self, **equal: Any) -> list[Remark]:
        """What people remarked, oldest first; `equal` as in `Database.rows`."""
        return [Remark(**row) for row in self.db.rows("remarks", **equal)]

    def undo(self, person: str) -> str:
        """Takes back the person's own newest step that was not yet, and says in a sentence what that was.

        Raises:
            StorageError: there is none, or somebody built upon it since.
        """
        with self.db.transaction():
            event = self.db.undo(person)
            changes = event["changes"]
            if event["kind"] in ("verdict", "bulk accept"):
                return self._withdrawn([after for _, _, _, after in changes])
            if event["kind"] == "bulk take back":
                return f"{len(changes):,} suggestions are accepted again."
            if event["kind"] == "check":
                done = "acceptance" if changes[0][3]["accepted"] else "rejection"  # as of any other suggestion
                return f"Took back the {done} of “{self.pair(changes[0][3]['pair_id']).question}”."
            if event["kind"] == "remark":
                return _unremarked(*changes[0][2:])
            if event["kind"] == "template":
                return "Took back the change of the questions to ask."
            if event["kind"] == "vote":
                return f"Took back the vote on “{self.pair(changes[0][3]['pair_id']).question}”."
            return self._unlabelled(event["kind"], changes)

    def _unlabelled(self, kind: str, changes: Sequence[Change]) -> str:
        """What taking back a saved picture means."""
        answers = [change for change in changes if change[0] != "remarks"] or list(changes)
        if len(answers) > 1:
            return f"Took back {len(answers)} answers."
        table, key, before, after = answers[0]
        if table == "remarks":
            return f"Took back that “{(before or after)['text']}” cannot be answered."
        if kind == "label" and after.get("answer"):
            return f"Took back the answer “{after['answer']}” to “{after.get('question') or 'the question'}”."
        return f"Took back the changed answer to “{self.pair(after.get('pair_id', key)).question}”."

    def _withdrawn(self, verdicts: list[dict[str, Any]]) -> str:
        """What taking these verdicts back means; a later verdict on the same pair stands."""
        states = self.db.rows("states", pair_id=[verdict["pair_id"] for verdict in verdicts])
        newest = {pair["pair_id"]: pair["verdict_id"] for pair in states}
        later = sum((newest[verdict["pair_id"]] or 0) > verdict["id"] for verdict in verdicts)
        if len(verdicts) > 1:
            what = f"Took back the acceptance of {len(verdicts):,} suggestions."
            return f"{what} {later:,} of them were judged again since: that stands." if later else what
        done = "acceptance" if verdicts[0]["answer_ok"] and verdicts[0]["question_ok"] else "rejection"
        what = f"Took back the {done} of “{self.pair(verdicts[0]['pair_id']).question}”."
        return f"{what} It was judged again since: that stands." if later else what

    def _act(self, person: str, kind: str, changes: list[Change]) -> list[Any]:
        """Records changes, if any, and returns the keys of the rows."""
        if not changes:
            return []
        with self.db.transaction():
            self._join(person)
            event = self.db.record(person, kind, changes)
            return [key for _, key, _, _ in self.db.row("events", id=event)["changes"]]

    def _join(self, person: str) -> None:
        """Somebody who does something for the first time is one of the people from then on."""
        if person and not self.db.count("people", name=person):
            self.db.record(person, "person", [("people", person, None, {})])


def _label(answer: Answer, seconds: float | None) -> dict[str, Any]:
    label = {
        "question": text_of("question", answer.question, LONGEST_TEXT),
        "answer": text_of("answer", answer.answer, LONGEST_TEXT),
        "type": answer.type,
        "choices": list(answer.choices),
        "seconds": seconds,
    }
    return label if answer.marks is None else label | {"marks": checked(answer.marks)}


def _unremarked(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    if after is None:
        return "The flag stands again."
    text = f" “{after['text']}”" if after["text"] else ""
    return f"Took back the {REMARKS[after['kind']]}{text}."
