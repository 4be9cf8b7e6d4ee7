"""The Label screen: a picture at a time, its questions answered by digits, saved and on to the next unlabelled one."""

import time
from collections.abc import Sequence
from typing import Any, Literal

import gradio as gr
from pydantic import BaseModel, Field

from app.drawn import drawn
from app.frame import Frame
from app.labelling import AHEAD, CONTROLS, following, known_questions, order, pool_of, shown
from app.screens import Screen, Updates
from app.texts import label as texts
from app.viewer import viewer
from leaml.errors import DataError
from leaml.jobs import queue
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import command_of
from leaml.options import BlankOptions, OrderOptions
from leaml.records import QUESTION_TYPES, SET_SEPARATOR
from leaml.review.ordering import keep_turns
from leaml.review.queues import neighbour
from leaml.store.annotation import LONGEST_TEXT, MOST_CHOICES
from leaml.store.blanking import SCOPES, chosen, folder_of, keep_as_it_is
from leaml.store.marks import MOST_MARKS
from leaml.store.project import Answer, Project, Template
from leaml.store.questions import MOST_TEMPLATES

MOST_ANSWERS = 100
LONGEST_SECONDS = 3600.0
"""Beyond this somebody went for lunch: no time is kept."""


class Given(BaseModel):
    """One answer as the form sends it."""

    question: str = Field(max_length=LONGEST_TEXT)
    type: str
    choices: tuple[str, ...] = Field((), max_length=MOST_CHOICES)
    answer: str = Field(max_length=LONGEST_TEXT)
    marks: list[dict[str, Any]] = Field([], max_length=MOST_MARKS)


class Wanted(BaseModel):
    """A question to ask on every picture, as the form sends it."""

    id: int | None = None
    question: str = Field(max_length=LONGEST_TEXT)
    type: str
    choices: tuple[str, ...] = Field((), max_length=MOST_CHOICES)


class Asked(BaseModel):
    """What the form asks for.

    Attributes:
        line: pictures that come next, as the page was told before; after a save it shows the first of them already.
    """

    act: Literal[
        "open", "pool", "move", "next", "save", "skip", "undo", "flag", "comment", "edit", "questions", "again",
        "typical", "random", "scopes", "blank", "no_names",
    ]  # fmt: skip
    pool: str = "train"
    picture: int | None = None
    line: tuple[int, ...] = Field((), max_length=AHEAD)
    by: int = 0
    answers: tuple[Given, ...] = Field((), max_length=MOST_ANSWERS)
    untold: tuple[str, ...] = Field((), max_length=MOST_ANSWERS)
    nothing: bool = False
    text: str = Field("", max_length=LONGEST_TEXT)
    questions: tuple[Wanted, ...] = Field((), max_length=MOST_TEMPLATES)
    region: list[list[float]] = Field([], max_length=2)
    scope: str = "picture"
    seconds: float = 0.0


class Label(Screen):
    """Shows pictures and keeps answers."""

    key = "label"
    needs = "annotator"

    def build(self) -> None:
        with gr.Row(equal_height=False, elem_classes="picture-and-form"):
            with gr.Column(scale=3, min_width=480):
                self.viewer = viewer("label-viewer")
            with gr.Column(scale=2, min_width=400):
                self.form = drawn("label", "label-form")
        self.outputs = [self.form, self.viewer]

    def subscribe(self, frame: Frame) -> None:
        frame.answers("label", self.answer, self.outputs, changes=True)

    def refresh(self, fresh: bool) -> Updates:
        if not fresh:
            return {self.form: {"again": time.time()}}
        form, picture = shown(self.context.project, self.context.person, "train", None)
        return {self.form: form | {"fresh": True}, self.viewer: picture}

    def answer(self, payload: dict[str, Any]) -> Updates:
        """Does what the form asks, and shows what comes after it."""
        project, person, asked = self.context.project, self.context.person, Asked(**payload)
        picture, more = asked.picture, {}
        if project:
            picture, more = ACTS.get(asked.act, stay)(project, person, asked)
        # Of what the page was handed ahead, the rest is held on to.
        line = asked.line[asked.line.index(picture) + 1 :] if picture in asked.line else asked.line
        form, image = shown(project, person, pool_of(project, picture, asked.pool), picture, line)
        return {self.form: form | more, self.viewer: image}


# What is kept --------------------------------------------------------------------------------------------------


def save(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Keeps the answers to one picture, all or none, and goes on to the next.

    Raises:
        DataError: there are none, one is not what its question offers, or the picture is gone.
    """
    if asked.picture is None or not (asked.answers or asked.untold or asked.nothing):
        raise DataError(texts.WORDS["nothing"])
    answers = [checked(given) for given in asked.answers]
    told = len(answers) + len(asked.untold)
    seconds = asked.seconds / told if told and 0 < asked.seconds <= LONGEST_SECONDS else None
    if told:
        project.add_labels(person, asked.picture, answers, seconds, asked.untold)
    else:
        project.remark(person, asked.picture, kind="nothing")
    return _next(project, person, asked), {"saved": asked.picture, "said": texts.saved(told)}


def checked(given: Given) -> Answer:
    """The answer as it is kept.

    Raises:
        DataError: it is empty, or not what the question offers.
    """
    if given.type not in QUESTION_TYPES:
        raise _refused(texts.UNKNOWN_TYPE, given)
    control, offered = CONTROLS[given.type]
    choices, text = given.choices or offered, " ".join(given.answer.split())
    if control == "number" and not (text.isascii() and text.isdecimal()):
        raise _refused(texts.NOT_A_NUMBER, given)
    if given.type in ("single choice", "multiple choice") and not choices:
        raise _refused(texts.NO_CHOICES, given)
    members = text.split(SET_SEPARATOR) if control == "several" else [text]
    if choices and not set(members) <= set(choices):
        raise _refused(texts.NOT_OFFERED, given)
    kept = str(int(text)) if control == "number" else text
    return Answer(given.question, kept, given.type, choices, tuple(given.marks))


def _refused(words: tuple[str, str], given: Given) -> DataError:
    filled = {"question": given.question, "answer": given.answer, "choices": ", ".join(given.choices)}
    return DataError(*(sentence.format(**filled) for sentence in words))


def skip(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Passes a picture over, with the reason where one is given."""
    if asked.picture is not None:
        project.remark(person, asked.picture, kind="skip", text=asked.text)
    return _next(project, person, asked), {"saved": asked.picture, "said": texts.skipped(asked.text)}


def go_on(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """To the next picture that waits: here, all stands as it was."""
    return _next(project, person, asked), {"saved": asked.picture}


def _next(project: Project, person: str, asked: Asked) -> int | None:
    return following(project, person, asked.pool, asked.picture, asked.line)


def move(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """To the picture before or after."""
    return neighbour(order(project, asked.pool), asked.picture, max(-1, min(1, asked.by))), {}


def stay(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """The same picture, as it is now."""
    return asked.picture, {}


def remark(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Sets or takes away a flag, or keeps a comment."""
    if asked.picture is None:
        return None, {}
    stands = project.db.count("remarks", image_id=asked.picture, pair_id=None, person=person, kind="flag")
    project.remark(person, asked.picture, kind=asked.act, text=asked.text)
    return asked.picture, {"said": texts.SAID["unflag" if asked.act == "flag" and stands else asked.act]}


def edit_questions(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """The questions of every picture, to be changed: with their versions, and whether they are frozen."""
    answered = project.answered()
    rows = [
        {
            "id": template.id, "question": template.question, "type": template.type, "choices": template.choices,
            "note": texts.version(template.version, template.question in answered),
        }
        for template in known_questions(project)
    ]  # fmt: skip
    return asked.picture, {"templates": rows}


def change_questions(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Makes the sent questions those of every picture; "again" adds them to what is asked already."""
    wanted = [Template(row.question, row.type, row.choices, row.id) for row in asked.questions]
    before = known_questions(project) if asked.act == "again" else []
    project.set_templates(person, [*before, *wanted])
    return asked.picture, {"said": texts.SAID[asked.act]}


def find_typical(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Has a job look for the pictures that many others resemble; they come first when it is done."""
    options = with_chosen(project, OrderOptions())
    queue.submit(project, "order", options, person, command_of("order", options, project))
    return asked.picture, {"said": texts.SAID["typical"]}


def go_random(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """The pictures come at random again, all of them."""
    keep_turns(project, [])
    return asked.picture, {"said": texts.SAID["random"]}


def offer_scopes(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """What a region that was drawn can be blacked out on."""
    picture, scopes = project.picture(asked.picture or 0), []
    for scope in SCOPES if picture.device else SCOPES[:-1]:
        pictures, others = chosen(project, picture, scope)
        of = {"folder": folder_of(picture) or texts.TOP_FOLDER, "device": picture.device}.get(scope, "")
        scopes.append({"key": scope, "name": texts.scope(scope, of, len(pictures), others)})
    return asked.picture, {"scopes": scopes, "region": asked.region}


def black_out(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Has a job black out the region: it waits until no other job looks at the pictures."""
    [left, top], [right, bottom] = asked.region
    region = {"left": left, "top": top, "right": right, "bottom": bottom}
    options = BlankOptions(picture=asked.picture or 0, scope=asked.scope, **region)
    queue.submit(project, "blank", options, person, command_of("blank", options, project))
    return asked.picture, {"said": texts.SAID["blank"]}


def say_no_names(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Somebody has looked: what the warning feared is not there."""
    keep_as_it_is(project, chosen(project, project.picture(asked.picture or 0), asked.scope)[0], person)
    return asked.picture, {"said": texts.SAID["no_names"]}


def undo(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Takes back the person's last step.

    Returns:
        The picture to show, and what the form shows beside: the sentence, and what was answered as a draft again.
    """
    said = project.undo(person)
    event = project.db.rows("events", order="-id", limit=1, person=person)[0]
    undone = project.db.row("events", id=event["undoes"])
    if undone["kind"] == "remark":
        _, _, before, after = undone["changes"][0]
        return (after or before)["image_id"], {"said": said}
    if undone["kind"] not in ("label", "relabel"):
        return asked.picture, {"said": said}
    picture, draft = _taken_back(project, undone["changes"])
    return picture, {"said": said, "draft": draft}


def _taken_back(project: Project, changes: Sequence[Any]) -> tuple[int | None, dict[str, Any]]:
    """The picture that a save was about, and what was saved as the form's draft."""
    picture: int | None = None
    draft: dict[str, Any] = {"answers": {}, "marks": {}, "untold": {}, "own": [], "adding": None}
    for table, key, before, after in changes:
        row = after or before
        if table == "remarks":
            picture = row["image_id"]
            draft["untold"] |= {row["text"]: True} if after else {}
            continue
        found = project.pairs(id=row["pair_id"] if table == "verdicts" else key)
        picture = found[0].image_id if found else row["image_id"]
        question = found[0].question if found else row["question"]
        draft["answers"] |= {question: row["answer"]} if row.get("answer") else {}
        draft["marks"] |= {question: row["marks"]} if "marks" in row else {}
    return picture, draft


ACTS = {
    "save": save, "next": go_on, "skip": skip, "move": move, "undo": undo, "flag": remark, "comment": remark,
    "edit": edit_questions, "questions": change_questions, "again": change_questions,
    "typical": find_typical, "random": go_random, "scopes": offer_scopes, "blank": black_out, "no_names": say_no_names,
}  # fmt: skip
"""What the form asks for -> what is done; everything else only shows."""
