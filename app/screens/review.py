"""The Review screen: one suggestion at a time beside its picture, decided by one key; and many at once, safely."""

import time
from collections.abc import Callable
from typing import Any, Literal

import gradio as gr
from pydantic import BaseModel, Field

from app.drawn import drawn
from app.frame import Frame
from app.people import People
from app.reviewing import (
    AHEAD,
    Task,
    View,
    advised,
    arrive,
    following,
    handed,
    item_of,
    keep_view,
    offered,
    shown,
    take,
    view_of,
)
from app.screens import Screen, Updates
from app.texts import review as texts
from app.viewer import seen, viewer
from leaml.errors import DataError
from leaml.evaluation.scoring import score
from leaml.review import audits, checks, queues
from leaml.review.deciding import Decision, decide
from leaml.review.plans import ERROR, plan
from leaml.store.annotation import LONGEST_TEXT
from leaml.store.project import Project


class Handed(BaseModel):
    """A suggestion, or a hidden check, that the page was handed ahead."""

    pair: int
    check: Literal["repeat", "wrong"] | None = None
    shown: str = Field("", max_length=LONGEST_TEXT)


class Asked(BaseModel):
    """What the card asks for; a stranger may have written it.

    Attributes:
        line: what comes next, as the page was told before; after a decision it shows the first of them already.
        verdict: the newest one that the person could see.
        check: kind of the hidden check that was shown.
        shown: the answer that stood there.
        said: what the person answered before the suggestion was shown.
    """

    act: Literal[
        "open", "first", "accept", "edit", "reject", "skip", "move", "undo", "say", "comment", "flag", "view", "offer",
        "begin", "resume", "end", "close", "rest", "back",
    ]  # fmt: skip
    pair: int | None = None
    verdict: int | None = None
    check: Literal["repeat", "wrong"] | None = None
    shown: str = Field("", max_length=LONGEST_TEXT)
    said: str | None = Field(None, max_length=LONGEST_TEXT)
    line: tuple[Handed, ...] = Field((), max_length=AHEAD)
    by: int = 0
    question: str | None = Field(None, max_length=LONGEST_TEXT)
    answer: str | None = Field(None, max_length=LONGEST_TEXT)
    question_ok: bool | None = None
    answer_ok: bool | None = None
    reason: str = ""
    text: str = Field("", max_length=LONGEST_TEXT)
    seconds: float = 0.0
    view: View | None = None
    allowed: int = Field(0, ge=0, lt=len(texts.ALLOWED))
    tries: int = Field(1, ge=1, le=2)
    audit: int | None = None


class Review(Screen):
    """Shows suggestions and keeps verdicts."""

    key = "review"
    needs = "reviewer"

    def build(self) -> None:
        with gr.Row(equal_height=False, elem_classes="picture-and-form"):
            with gr.Column(scale=3, min_width=480):
                self.viewer = viewer("review-viewer")
            with gr.Column(scale=2, min_width=400):
                self.card = drawn("review", "review-card")
        self.people = People(self.context)
        self.people.build()
        self.decided = [self.card, self.viewer]
        self.outputs = [*self.decided, self.people.part]

    def subscribe(self, frame: Frame) -> None:
        frame.answers("review", self.answer, self.decided, changes=True)
        self.people.subscribe(frame, *self.decided)

    def refresh(self, fresh: bool) -> Updates:
        if not self.context.may(self.needs):
            return self._not_yours() if fresh else {}
        if not fresh:
            return {self.card: {"again": time.time()}}
        project, person = self.context.project, self.context.person
        view = view_of(project, person) if project else View()
        card, picture = shown(project, person, view, arrive(project, person, view) if project else None)
        advice = advised(project) if project else ""
        card |= {"fresh": True, "advice": advice}
        return {self.card: card, self.viewer: picture, self.people.part: self.people.folded()}

    def _not_yours(self) -> Updates:
        """What those see who only label: looking takes nothing in hand that reviewers wait for."""
        card = {"empty": texts.NOT_YOURS, "words": texts.WORDS}
        return {self.card: card, self.viewer: seen("", None), self.people.part: self.people.folded()}

    def answer(self, payload: dict[str, Any]) -> Updates:
        """Does what the card asks, and shows what comes after it."""
        project, person, asked = self.context.project, self.context.person, Asked(**payload)
        if project is None:
            card, picture = shown(None, person, View(), None)
            return {self.card: card, self.viewer: picture}
        step = Step(project, person, asked)
        task = step.taken()
        card, picture = shown(project, person, step.view, task, step.said, step.note, step.line)
        return {self.card: card | step.more, self.viewer: picture}


class Step:
    """One thing that a person asked for: what was done, and what is shown then.

    Attributes:
        view: what the person looks at from now on.
        note: a sentence on what was done.
        said: the blind answer, where the suggestion is shown beside it now.
        line: what the page was handed ahead, and has not come to yet.
        more: further parts of the card.
    """

    def __init__(self, project: Project, person: str, asked: Asked) -> None:
        self.project, self.person, self.asked = project, person, asked
        self.view = view_of(project, person)
        self.note, self.said = "", None
        self.line = [self._task(one.pair, one.check, one.shown) for one in asked.line]
        self.more: dict[str, Any] = {}

    def taken(self) -> Task | None:
        """Does it, and returns what is in hand then."""
        acts: dict[str, Callable[[], Task | None]] = {
            "accept": self._decide, "edit": self._decide, "reject": self._decide, "say": self._say, "undo": self._undo,
            "skip": self._next, "move": self._move, "open": self._open, "first": self._arrive, "comment": self._remark,
            "flag": self._remark, "view": self._look, "offer": self._offer, "begin": self._begin,
            "resume": self._resume, "end": self._end, "close": self._close, "rest": self._rest, "back": self._back,
        }  # fmt: skip
        return acts[self.asked.act]()

    # One suggestion ---------------------------------------------------------------------------------------------

    def _decide(self) -> Task | None:
        asked = self.asked
        self._keep(asked.act != "reject")
        self.note = texts.SAID[asked.act].format(reason=asked.reason)
        return self._next()

    def _keep(self, accept: bool, said: str | None = None) -> None:
        asked, edits = self.asked, self.asked.act == "edit"
        if asked.pair is None:
            raise DataError("There is nothing to decide.", "Reload the page.")
        check = self._task(asked.pair, asked.check, asked.shown).check
        decide(self.project, self.person, Decision(
            pair=asked.pair, seen=asked.verdict, accept=accept, reason=asked.reason, seconds=asked.seconds,
            question=asked.question if edits else None, answer=asked.answer if edits else None,
            question_ok=asked.question_ok, answer_ok=asked.answer_ok, said=said or asked.said,
            queue=self.view.queue, audit=self.view.audit, check=check,
        ))  # fmt: skip

    def _say(self) -> Task | None:
        """The person answers before the suggestion is shown; one that is the same is accepted at once."""
        asked = self.asked
        said = (asked.said or "").strip()
        if asked.pair is None or not said:
            return self._open()
        item = item_of(self.project, self.person, self.view, self._task(asked.pair, asked.check, asked.shown), said)
        if score(item["answer"], said, item["type"], item["choices"]).correct:
            self._keep(True, said)
            self.note = texts.SAID["same"]
            return self._next()
        self.said, self.note = said, texts.DIFFERS.format(said=said)
        return self._open()

    def _undo(self) -> Task | None:
        self.note = self.project.undo(self.person)
        event = self.project.db.rows("events", order="-id", limit=1, person=self.person)[0]
        table, key, *_ = event["changes"][0]
        if table == "verdicts" and len(event["changes"]) == 1:
            return take(self.project, self.person, self.project.db.row("verdicts", id=key)["pair_id"])
        if table == "checks":
            return arrive(self.project, self.person, self.view)
        return self._open()

    def _next(self) -> Task | None:
        """What the page shows already where it was handed something ahead, else what comes."""
        task = handed(self.project, self.person, self.view, self.line)
        self.line = self.line[1:] if task else []
        return task or following(self.project, self.person, self.view, self.asked.pair)

    def _move(self) -> Task | None:
        back = self.asked.by < 0
        find = queues.decided_before if back else queues.decided_after
        pair = find(self.project, self.person, self.asked.pair) if self.asked.pair is not None or back else None
        if pair is not None:
            return take(self.project, self.person, pair)
        return self._open() if back else self._next()

    def _open(self) -> Task | None:
        asked = self.asked
        if asked.pair is None:
            return arrive(self.project, self.person, self.view)
        task = self._task(asked.pair, asked.check, asked.shown)
        take(self.project, self.person, self.project.pair(asked.pair).id, self.line)
        return task

    def _task(self, pair: int, kind: str | None, answer: str) -> Task:
        check = checks.shown(self.project, self.person, kind, pair, answer) if kind else None
        return Task(pair, check)

    def _arrive(self) -> Task | None:
        return arrive(self.project, self.person, self.view)

    def _remark(self) -> Task | None:
        pair = self.project.pair(self.asked.pair or 0)
        kind = self.asked.act
        before = self.project.db.count("remarks", pair_id=pair.id, person=self.person, kind="flag")
        self.project.remark(self.person, pair.image_id, pair.id, kind, self.asked.text if kind == "comment" else "")
        self.note = texts.SAID["unflag" if kind == "flag" and before else kind]
        return self._open()

    def _look(self) -> Task | None:
        """Another queue, other suggestions of it, or blind."""
        before, self.view = self.view, (self.asked.view or View()).model_copy(update={"audit": None})
        keep_view(self.project, self.person, self.view)
        if before.model_copy(update={"blind": self.view.blind}) == self.view:
            return self._open()
        return following(self.project, self.person, self.view, None)

    # Many at once -----------------------------------------------------------------------------------------------

    def _offer(self) -> Task | None:
        """Which samples may be drawn of the chosen suggestions; the view is not kept until one is."""
        chosen = (self.asked.view or self.view).model_copy(update={"status": "suggested", "reviewer": None})
        self.more["many"] = offered(self.project, chosen) | {"view": chosen.model_dump()}
        return self._open()

    def _begin(self) -> Task | None:
        chosen = (self.asked.view or self.view).model_copy(update={"status": "suggested", "reviewer": None})
        drawn_by = plan(self.asked.allowed, error=ERROR / self.asked.tries)
        audit = audits.begin(self.project, self.person, chosen.band, drawn_by)
        self.note = texts.SAID["begin"]
        return self._to_sample(audit)

    def _resume(self) -> Task | None:
        return self._to_sample(audits.state(self.project, self.asked.audit or 0).id)

    def _to_sample(self, audit: int | None) -> Task | None:
        self.view = self.view.model_copy(update={"audit": audit})
        keep_view(self.project, self.person, self.view)
        return following(self.project, self.person, self.view, None)

    def _end(self) -> Task | None:
        audits.end(self.project, self.person, self.asked.audit or 0)
        self.note = texts.SAID["end"]
        return self._to_sample(None)

    def _close(self) -> Task | None:
        return self._to_sample(None)

    def _rest(self) -> Task | None:
        accepted = audits.accept_rest(self.project, self.person, self.asked.audit or 0)
        self.note = texts.SAID["rest"].format(n=f"{accepted:,}")
        return self._to_sample(None)

    def _back(self) -> Task | None:
        count = audits.take_back(self.project, self.person, self.asked.audit or 0)
        self.note = texts.SAID["back"].format(n=f"{count:,}")
        return self._open()
