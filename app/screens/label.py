"""The Label screen: a picture at a time, its questions answered by digits, saved and on to the next unlabelled one."""

import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Literal

import gradio as gr
from pydantic import BaseModel, Field

from app.drawn import drawn, hear
from app.frame import Frame
from app.screens import Screen, Updates
from app.texts import label as texts
from app.viewer import seen, viewer
from leaml.errors import DataError
from leaml.jobs import queue
from leaml.jobs.commands import command_of
from leaml.options import BlankOptions, OrderOptions
from leaml.records import QUESTION_TYPES, REGIONS, SET_SEPARATOR
from leaml.review import leases
from leaml.review.ordering import keep_turns, turns
from leaml.review.queues import neighbour, next_open, random_order
from leaml.store.blanking import SCOPES, chosen, folder_of, keep_as_it_is
from leaml.store.formats import LONGEST_TEXT, MOST_CHOICES
from leaml.store.marks import MOST_MARKS
from leaml.store.placing import ARRIVING, LEFT_OUT, TRAIN
from leaml.store.project import Answer, PairState, Picture, Project, Template
from leaml.store.questions import MOST_TEMPLATES

MOST_ANSWERS = 100
LONGEST_SECONDS = 3600.0
"""Beyond this somebody went for lunch: no time is kept."""
DONE_WITH = ("skip", "nothing", "cannot tell")
"""Remarks after which a picture is not served again to who made them."""

CONTROLS = {
    "yes/no": ("one", ("yes", "no")),
    "single choice": ("one", ()),
    "multiple choice": ("several", ()),
    "colour": ("one", ()),
    "location": ("one", REGIONS),
    "count": ("number", ()),
    "open": ("text", ()),
}
"""Type of a question -> how it is answered, and what is offered where the question itself offers nothing."""


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
    """What the form asks for."""

    act: Literal[
        "open", "pool", "move", "next", "save", "skip", "undo", "flag", "comment", "edit", "questions", "again",
        "typical", "random", "scopes", "blank", "no_names",
    ]  # fmt: skip
    pool: str = "train"
    picture: int | None = None
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
        hear(frame, self.form.submit, "label", self.answer, self.outputs, changes=True)

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
        form, image = shown(project, person, pool_of(project, picture, asked.pool), picture)
        return {self.form: form | more, self.viewer: image}


# What is asked, and in which order -----------------------------------------------------------------------------


def order(project: Project, pool: str) -> list[int]:
    """Numbers of the pictures of a pool, in the order in which they are shown."""
    shuffled = random_order(project.db.counts("images", "id", split=pool))
    if pool != TRAIN:
        return shuffled
    there = set(shuffled)
    first = [turn.image_id for turn in turns(project) if turn.image_id in there]
    return first + [picture for picture in shuffled if picture not in set(first)] if first else shuffled


def why(project: Project, picture: Picture) -> dict[str, str]:
    """Why a train picture comes when it does, in words, and what else the order could be."""
    if picture.split != TRAIN:
        return {}
    chosen = {turn.image_id: turn for turn in turns(project)}
    turn = chosen.get(picture.id)
    typical = turn is not None and turn.why == "typical"
    return {
        "why": texts.TYPICAL.format(n=turn.alike) if turn and typical else texts.RANDOM,
        "other": "random" if chosen else "typical",
        "change": texts.TO_RANDOM if chosen else texts.TO_TYPICAL,
    }


def labelled(project: Project, pool: str) -> set[int]:
    """Numbers of the pictures of a pool that have at least one answer."""
    return set(project.db.counts("states", "image_id", status="label", split=pool))


def done(project: Project, person: str, pool: str) -> set[int]:
    """Numbers of the pictures that are not served to this person: answered, passed over, or in somebody's hand."""
    remarks = project.db.rows("remarks", person=person, kind=list(DONE_WITH))
    return labelled(project, pool) | {row["image_id"] for row in remarks} | leases.held(project, "image", person)


def following(project: Project, person: str, pool: str, picture: int | None) -> int | None:
    """The next picture that waits; once none does, the next picture."""
    pictures = order(project, pool)
    return next_open(pictures, picture, done(project, person, pool)) or neighbour(pictures, picture, 1)


def pool_of(project: Project | None, picture: int | None, pool: str) -> str:
    """The pool that the picture belongs to: an undo may lead into another one."""
    return project.picture(picture).split if project and picture else pool


def known_questions(project: Project) -> list[Template]:
    """What is asked of every picture: the project's own list, else what was asked so far, the most frequent first."""
    templates = project.templates()
    if templates:
        return templates
    counts: dict[Template, int] = {}
    for pair in project.labels() or project.labels(split=None):
        template = Template(pair.question, pair.type, pair.choices)
        counts[template] = counts.get(template, 0) + 1
    wordings = {template.question: template for template in sorted(counts, key=lambda known: counts[known])}
    return sorted(wordings.values(), key=lambda known: -counts[known])


# What is shown -------------------------------------------------------------------------------------------------


def shown(
    project: Project | None, person: str, pool: str, picture: int | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What form and viewer show: that picture, or the first of the pool that waits."""
    if project is None:
        return {"empty": texts.NO_PROJECT}, seen("", None)
    pools = project.db.counts("images", "split")
    form = {
        "project": project.name, "person": person, "words": texts.WORDS, "pool": pool, "pools": _pools(pools),
        "types": _types(), "reasons": texts.REASONS, "presets": texts.PRESETS, "viewer": "label-viewer",
    }  # fmt: skip
    pictures, passed = order(project, pool), done(project, person, pool)
    if not pictures:
        empty = texts.NONE_OF_THESE if pools else texts.NO_PICTURES
        return form | {"empty": empty, "pools": form["pools"] if pools else None}, seen(project.name, None)
    if picture not in pictures:
        picture = next_open(pictures, None, passed) or pictures[0]
    leases.take(project, "image", picture, person)
    form |= _form(project, person, project.picture(picture), pictures, passed)
    ahead = next_open(pictures, picture, passed) or neighbour(pictures, picture, 1)
    return form, seen(project.name, project.picture(picture), project.picture(ahead))


def _form(project: Project, person: str, picture: Picture, pictures: Sequence[int], passed: set[int]) -> dict[str, Any]:
    place = texts.place(pictures.index(picture.id) + 1, len(pictures), picture.group)
    answered = len(labelled(project, picture.split))
    remarks = {row["kind"]: row["text"] for row in project.db.rows("remarks", image_id=picture.id, person=person)}
    return {
        "picture": {"id": picture.id, "place": place, "version": picture.path.stem, **why(project, picture)},
        "questions": questions(project, person, picture),
        "burned_in": picture.burned_in,
        "flagged": "flag" in remarks,
        "comment": remarks.get("comment", ""),
        "skipped": remarks.get("skip"),
        "blind": texts.BLIND if picture.split != "train" else "",
        "standing": texts.standing(answered, len(pictures) - answered, pace(project, person)),
        "said": texts.ALL_DONE if set(pictures) <= passed else "",
    }


def questions(project: Project, person: str, picture: Picture) -> list[dict[str, Any]]:
    """The rows of the form: what is asked of every picture, and what else was asked of this one."""
    given: dict[str, PairState] = {}
    for pair in project.pairs(image_id=picture.id, status=["question", "label"]):
        if pair.person == person or pair.question not in given:
            given[pair.question] = pair
    marks = {row["id"]: row["marks"] for row in project.db.rows("pairs", id=[pair.id for pair in given.values()])}
    remarks = project.db.rows("remarks", image_id=picture.id, person=person, kind="cannot tell")
    untold = {row["text"] for row in remarks}
    usual = {template.question for template in project.templates()}
    known = {template.question: template for template in known_questions(project)}
    asked = known | {question: pair for question, pair in given.items() if question not in known}
    return [
        {
            "question": question, "type": row.type, "choices": row.choices, "usual": question in usual,
            "untold": question in untold, **_given(given.get(question), person, marks),
        }
        for question, row in asked.items()
    ]  # fmt: skip


def _given(pair: PairState | None, person: str, marks: Mapping[int, list[Any]]) -> dict[str, Any]:
    """What is answered already. What others answer here is not shown to who has not decided yet."""
    if pair is None or pair.answer is None:
        return {}
    answer = {"answer": pair.answer, "marks": marks[pair.id]}
    if pair.person == person:
        return answer
    if pair.person or pair.split != "train":
        return {}
    return answer | {"by": texts.BY.format(name=pair.source or texts.SOMEBODY)}


def pace(project: Project, person: str) -> float | None:
    """Median seconds that this person takes for a picture, or None."""
    pictures: dict[int, float] = {}
    for row in project.db.rows("pairs", person=person):
        if row["seconds"] is not None:
            pictures[row["image_id"]] = pictures.get(row["image_id"], 0.0) + row["seconds"]
    return median(pictures.values()) if pictures else None


def _pools(pools: dict[str, int]) -> list[dict[str, str]]:
    others = (split for split in pools if split not in (*texts.POOLS, LEFT_OUT, ARRIVING))
    names = [*(split for split in texts.POOLS if split in pools), *others]
    return [{"key": split, "name": texts.POOLS.get(split, split)} for split in names]


def _types() -> list[dict[str, Any]]:
    return [
        {"key": type, "name": texts.TYPES[type], "control": control, "choices": choices, "offers": type in OFFERING}
        for type, (control, choices) in CONTROLS.items()
    ]


OFFERING = ("single choice", "multiple choice", "colour")
"""Types whose own questions say what can be answered."""


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
    return following(project, person, asked.pool, asked.picture), {"saved": asked.picture, "said": texts.saved(told)}


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
    more = {"saved": asked.picture, "said": texts.skipped(asked.text)}
    return following(project, person, asked.pool, asked.picture), more


def go_on(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """To the next picture that waits: here, all stands as it was."""
    return following(project, person, asked.pool, asked.picture), {"saved": asked.picture}


def move(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """To the picture before or after."""
    return neighbour(order(project, asked.pool), asked.picture, max(-1, min(1, asked.by))), {}


def stay(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """The same picture, as it is now."""
    return asked.picture, {}


def remark(project: Project, person: str, asked: Asked) -> tuple[int | None, dict[str, Any]]:
    """Sets or takes away a flag, or keeps a comment."""
    if asked.picture is not None:
        project.remark(person, asked.picture, kind=asked.act, text=asked.text)
    return asked.picture, {"said": texts.SAID[asked.act]}


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
    options = OrderOptions()
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
