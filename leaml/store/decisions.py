"""What people say about pictures: answers, verdicts, questions to ask, and taking any of it back."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.store.database import Database
from leaml.store.events import Change
from leaml.store.formats import LONGEST_TEXT
from leaml.store.rows import Answer, PairState, Template
from leaml.store.tables import visible


class Decisions:
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
        self, person: str, image_id: int, answers: Iterable[Answer], seconds: float | None = None
    ) -> list[int]:
        """Several `add_label` on one picture, as one step to take back. Returns the numbers in order.

        Args:
            seconds: spent on each.

        Raises:
            DataError: as `add_label`, or a question stands there twice.
        """
        given = [_label(answer, seconds) for answer in answers]
        if len({label["question"].casefold() for label in given}) < len(given):
            raise DataError("The same question stands there twice.", "Answer it once.")
        with self.db.transaction():
            if not self.db.count("images", id=image_id):
                raise DataError(f"There is no picture {image_id} in this project.", "Reload: it may be gone.")
            present = [self._present(person, image_id, label["question"]) for label in given]
            changes = [self._labelled(person, image_id, label, pair) for label, pair in zip(given, present)]
            changed_only = all(pair and pair.answer for pair, change in zip(present, changes) if change)
            kind = "relabel" if changed_only else "label"
            keys = iter(self._act(person, kind, [change for change in changes if change]))
            made = [next(keys) if change else None for change in changes]
            return [pair.id if pair else key for pair, key in zip(present, made)]

    def _present(self, person: str, image_id: int, question: str) -> PairState | None:
        """The person's own answer to this question, else the question if it waits for an answer."""
        asked = self.pairs(image_id=image_id, status=["label", "question"])
        same = [pair for pair in asked if pair.question.casefold() == question.casefold()]
        own = [pair for pair in same if pair.status == "label" and pair.person == person]
        waiting = [pair for pair in same if pair.status == "question"]
        return next(iter(own + waiting), None)

    def _labelled(
        self, person: str, image_id: int, label: dict[str, Any], present: PairState | None
    ) -> Change | None:
        """The change that a label is, or None where it stands there already."""
        if present is None:
            return "pairs", None, None, label | {"image_id": image_id, "origin": "label", "person": person}
        if (present.answer, present.type, list(present.choices)) == (label["answer"], label["type"], label["choices"]):
            return None
        if present.verdict_id is None:
            return "pairs", present.id, {}, label | {"person": person}
        # Somebody judged it, perhaps with a correction, which only a newer verdict can overrule.
        verdict = {"pair_id": present.id, "person": person, "question_ok": 1, "answer_ok": 1}
        corrections = self._corrections(present, {"question": None, "answer": label["answer"]})
        return "verdicts", None, None, verdict | corrections | {"seconds": label["seconds"]}

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
    ) -> int:
        """Accepts or rejects a pair as the reviewer saw it, and returns the verdict's number.

        Args:
            question: the corrected question; only with `accept`. None: as it stands, earlier corrections included.
            answer: the corrected answer; likewise.
            queue: "fix", "audit" or "bulk".

        Raises:
            DataError: a corrected text is empty or too long, a rejection corrects, or there is no such pair.
        """
        corrected = {"question": question, "answer": answer}
        if not accept and any(text is not None for text in corrected.values()):
            raise DataError("A rejected suggestion cannot be corrected.", "Accept it with the correction.")
        verdict = {
            "pair_id": pair_id, "person": person, "question_ok": int(accept), "answer_ok": int(accept),
            "reason": reason, "seconds": seconds, "queue": queue,
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

    def accept_all(self, person: str, pair_ids: Iterable[int], batch: str = "") -> int:
        """Accepts those of these suggestions that still wait for a verdict, as one event, and returns its number.

        Raises:
            DataError: none of them waits.
        """
        verdict = {"person": person, "question_ok": 1, "answer_ok": 1, "queue": "bulk", "batch": batch}
        with self.db.transaction():
            waiting = self.db.rows("pair_states", id=list(pair_ids), status="suggested")
            if not waiting:
                raise DataError("None of these suggestions waits for a verdict.", "Reload: somebody was faster.")
            self._join(person)
            changes = [("verdicts", None, None, verdict | {"pair_id": pair["id"]}) for pair in waiting]
            return self.db.record(person, "bulk accept", changes)

    def templates(self) -> list[Template]:
        """The questions to ask on every picture, in their order."""
        return [Template.of(row) for row in self.db.rows("templates", order="position")]

    def set_templates(self, person: str, templates: Iterable[Template]) -> None:
        """Replaces the questions to ask on every picture.

        Raises:
            DataError: a question is empty or too long.
        """
        wanted = [
            Template(text_of("question", template.question, LONGEST_TEXT), template.type, tuple(template.choices))
            for template in templates
        ]
        with self.db.transaction():
            if wanted == self.templates():
                return
            gone = [("templates", row["id"], {}, None) for row in self.db.rows("templates")]
            new = [("templates", None, None, template.row(position)) for position, template in enumerate(wanted)]
            self._act(person, "template", gone + new)

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
            if event["kind"] == "template":
                return "Took back the change of the questions to ask."
            if event["kind"] == "vote":
                return f"Took back the vote on “{self.pair(changes[0][3]['pair_id']).question}”."
            if len(changes) > 1:
                return f"Took back {len(changes)} answers."
            _, key, _, after = changes[0]
            if event["kind"] == "label":
                return f"Took back the answer “{after['answer']}” to “{after.get('question') or 'the question'}”."
            return f"Took back the changed answer to “{self.pair(after.get('pair_id', key)).question}”."

    def _withdrawn(self, verdicts: list[dict[str, Any]]) -> str:
        """What taking these verdicts back means; a later verdict on the same pair stands."""
        states = self.db.rows("pair_states", id=[verdict["pair_id"] for verdict in verdicts])
        newest = {pair["id"]: pair["verdict_id"] for pair in states}
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
    return {
        "question": text_of("question", answer.question, LONGEST_TEXT),
        "answer": text_of("answer", answer.answer, LONGEST_TEXT),
        "type": answer.type,
        "choices": list(answer.choices),
        "seconds": seconds,
    }


def text_of(what: str, text: str, longest: int) -> str:
    """One line of visible text, without blanks around it.

    Raises:
        DataError: it is empty, or longer than `longest` characters.
    """
    line = visible(text)
    if not line:
        raise DataError(f"The {what} is empty.", f"Write the {what}.")
    if len(line) > longest:
        raise DataError(f"The {what} has {len(line):,} characters; {longest:,} are allowed.", "Shorten it.")
    return line
