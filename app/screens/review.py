"""The Review screen: one suggestion at a time beside its picture, decided by one key."""

import time
from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr
from pydantic import BaseModel, Field

from app.drawn import drawn, hear
from app.frame import Frame
from app.listening import Said
from app.screens import Screen, Updates
from app.texts import review as texts
from app.viewer import seen, viewer
from leaml.errors import DataError
from leaml.review.queues import Standing, agreeing, neighbour, next_open, review_order, standing
from leaml.store.formats import LONGEST_TEXT
from leaml.store.project import Project, Suggestion

LONGEST_SECONDS = 600.0
"""Beyond this somebody did something else: no time is kept."""
USUAL_AGREEMENT = 0.9
ENOUGH_FOR_A_PACE = 5
"""Decisions of one person from which on it is said how long the rest takes."""


class Asked(BaseModel):
    """What the card asks for. `verdict`: the newest one that the person could see."""

    act: Literal["open", "accept", "edit", "reject", "skip", "move", "undo"]
    pair: int | None = None
    verdict: int | None = None
    by: int = 0
    question: str = Field("", max_length=LONGEST_TEXT)
    answer: str = Field("", max_length=LONGEST_TEXT)
    reason: str = ""
    seconds: float = 0.0


class Review(Screen):
    """Shows suggestions and keeps verdicts."""

    key = "review"

    def build(self) -> None:
        with gr.Row(equal_height=False, elem_classes="picture-and-form"):
            with gr.Column(scale=3, min_width=480):
                self.viewer = viewer("review-viewer")
            with gr.Column(scale=2, min_width=400):
                self.card = drawn("review", "review-card")
                with gr.Accordion(texts.MANY, open=False, elem_id="review-many"):
                    self.least = gr.Slider(
                        50, 100, USUAL_AGREEMENT * 100, step=1, label=texts.MANY_SLIDER, elem_id="review-least"
                    )
                    self.many = gr.HTML("", elem_id="review-many-words")
                    self.accept = gr.Button(texts.MANY_BUTTON_NONE, interactive=False, elem_id="review-accept-many")
        self.outputs = [self.card, self.viewer, self.many, self.accept]

    def subscribe(self, frame: Frame) -> None:
        decided = hear(frame, self.card.submit, "review", self.answer, [self.card, self.viewer], changes=True)
        for trigger in (decided.then, self.least.change):
            frame.listen(trigger, self.count, [self.least], [self.many, self.accept], quiet=True)
        frame.listen(self.accept.click, self.accept_many, [self.least], self.outputs, changes=True)

    def refresh(self, fresh: bool) -> Updates:
        updates = self.count(USUAL_AGREEMENT * 100) if fresh else {}
        if not fresh:
            return {self.card: {"again": time.time()}}
        card, picture = shown(self.context.project, self.context.person, None)
        return updates | {self.card: card | {"fresh": True}, self.viewer: picture}

    def answer(self, payload: dict[str, Any]) -> Updates:
        """Does what the card asks, and shows what comes after it."""
        project, person, asked = self.context.project, self.context.person, Asked(**payload)
        pair, said = asked.pair, ""
        if project and asked.act in ("accept", "edit", "reject"):
            said = judge(project, person, asked)
        elif project and asked.act == "undo":
            pair, said = undo(project, person, pair)
        if project and asked.act in ("accept", "edit", "reject", "skip"):
            pair = following(queue_of(project), pair)
        elif project and asked.act == "move":
            pair = neighbour([item.id for item in queue_of(project)], pair, max(-1, min(1, asked.by)))
        card, picture = shown(project, person, pair)
        return {self.card: card | {"said": said}, self.viewer: picture}

    def count(self, least: float) -> Updates:
        """How many would be accepted from this agreement on, in percent, and what that means."""
        waiting = self._waiting()
        chosen = len(agreeing(waiting, least / 100))
        words = texts.MANY_SOME.format(n=f"{chosen:,}", of=f"{len(waiting):,}") if chosen else texts.MANY_NONE
        button = texts.MANY_BUTTON.format(n=f"{chosen:,}") if chosen else texts.MANY_BUTTON_NONE
        return {self.many: f"<p>{words}</p>", self.accept: gr.update(value=button, interactive=bool(chosen))}

    def accept_many(self, least: float) -> Said:
        """Accepts all from this agreement on, in one step that can be taken back."""
        chosen = agreeing(self._waiting(), least / 100)
        project, person = self.context.project, self.context.person
        if project is None or not chosen:
            raise DataError(texts.MANY_NONE)
        project.accept_all(person, [pair.id for pair in chosen], f"agreement {least / 100:.2f}")
        card, picture = shown(project, person, None)
        updates = {self.card: card, self.viewer: picture, **self.count(least)}
        return Said(texts.MANY_SAID.format(n=f"{len(chosen):,}"), updates)

    def _waiting(self) -> list[Suggestion]:
        project = self.context.project
        return project.suggestions(status="suggested") if project else []


# The queue -----------------------------------------------------------------------------------------------------


def queue_of(project: Project) -> list[Suggestion]:
    """Every suggestion of the project, judged or not, in the order of the queue."""
    return review_order(project.suggestions())


def following(queue: Sequence[Suggestion], pair: int | None) -> int | None:
    """The next suggestion that waits; None when none does but `pair`, if that still does."""
    done = {item.id for item in queue if item.status != "suggested"}
    found = next_open([item.id for item in queue], pair, done)
    return pair if found is None and pair is not None and pair not in done else found


def standing_of(project: Project, person: str, queue: Sequence[Suggestion]) -> Standing:
    """How far the queue is. What a person accepted without a look is done, but not by that person."""
    verdicts = project.db.rows("verdicts", person=person, withdrawn=0)
    looked = {row["pair_id"]: row["queue"] != "bulk" for row in verdicts}
    reviewers = [
        None if item.status == "suggested" else person if item.reviewer == person and looked[item.id] else ""
        for item in queue
    ]
    return standing(reviewers, person, (row["seconds"] for row in verdicts))


# What is shown -------------------------------------------------------------------------------------------------


def shown(project: Project | None, person: str, pair: int | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What card and viewer show: that suggestion, or the first that waits."""
    queue = queue_of(project) if project else []
    if project is None or not queue:
        return {"empty": texts.NOTHING, "words": texts.WORDS}, seen("", None)
    found = next((item for item in queue if item.id == pair), None)
    if found is None:
        first = following(queue, None)
        found = next((item for item in queue if item.id == first), None)
    figures = _standing(standing_of(project, person, queue))
    card = {"project": project.name, "words": texts.WORDS, "standing": figures, "reasons": texts.REASONS}
    if found is None:
        return card | {"empty": texts.FINISHED, "first": queue[0].id}, seen(project.name, None)
    later = next((item.image_id for item in queue[queue.index(found) :] if item.image_id != found.image_id), None)
    return card | {"item": _item(project, found, queue)}, seen(project.name, project.picture(found.image_id), later)


def _item(project: Project, found: Suggestion, queue: Sequence[Suggestion]) -> dict[str, Any]:
    on_picture = {pair.id: pair for pair in project.pairs(image_id=found.image_id, origin="generator")}
    beside = [on_picture[item.id] for item in queue if item.id in on_picture]
    pair = on_picture[found.id]
    names = ("id", "question", "answer", "type", "choices", "status")
    return {name: getattr(pair, name) for name in names} | {
        "verdict": pair.verdict_id,
        "place": texts.PLACE.format(place=f"{queue.index(found) + 1:,}", of=f"{len(queue):,}"),
        "on_picture": texts.ON_PICTURE.format(place=beside.index(pair) + 1, of=len(beside)),
        "why": texts.why(pair.signals.get("agreement"), pair.signals.get("blind_agreement")),
        "decided": texts.decided(pair.status, pair.reviewer, pair.edited),
        "beside": [
            {"id": item.id, "question": item.question, "answer": item.answer, "state": texts.STATES[item.status]}
            for item in beside
        ],
    }


def _standing(found: Standing) -> str:
    everything = found.everyone + found.left
    figures = {"mine": found.mine, "everyone": found.everyone, "of": everything, "left": found.left}
    words = [texts.STANDING.format(**{name: f"{value:,}" for name, value in figures.items()})]
    if found.seconds is not None:
        words.append(texts.PACE.format(seconds=f"{found.seconds:.0f}"))
        if found.left and found.mine >= ENOUGH_FOR_A_PACE:
            words.append(texts.REST.format(time=texts.time(found.seconds_left)))
    return " · ".join(words)


# What is kept --------------------------------------------------------------------------------------------------


def judge(project: Project, person: str, asked: Asked) -> str:
    """Keeps a verdict, and says what was kept.

    Raises:
        DataError: the reason is unknown, a corrected text is empty, or somebody was faster.
    """
    if asked.act == "reject" and asked.reason not in texts.REASONS:
        raise DataError(*(sentence.format(reason=asked.reason) for sentence in texts.NOT_A_REASON))
    texts_given = {"question": asked.question, "answer": asked.answer} if asked.act == "edit" else {}
    seconds = asked.seconds if 0 < asked.seconds <= LONGEST_SECONDS else None
    with project.db.transaction():
        if asked.pair is None or project.pair(asked.pair).verdict_id != asked.verdict:
            raise DataError(*texts.FASTER)
        accept = asked.act != "reject"
        project.judge(person, asked.pair, accept, reason=asked.reason, seconds=seconds, **texts_given)
    return texts.SAID[asked.act].format(reason=asked.reason)


def undo(project: Project, person: str, pair: int | None) -> tuple[int | None, str]:
    """Takes back the person's last step; returns the suggestion to show and what was taken back."""
    said = project.undo(person)
    event = project.db.rows("events", order="-id", limit=1, person=person)[0]
    table, key, *_ = event["changes"][0]
    if table == "verdicts":
        pair = project.db.row("verdicts", id=key)["pair_id"]
    return pair, said
