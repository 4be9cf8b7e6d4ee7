"""The Label screen: a picture at a time, its questions answered by digits, saved and on to the next unlabelled one."""

import time
from collections.abc import Sequence
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
from leaml.records import QUESTION_TYPES, REGIONS, SET_SEPARATOR
from leaml.review.queues import neighbour, next_open, random_order
from leaml.store.formats import LONGEST_TEXT, MOST_CHOICES
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Answer, PairState, Picture, Project, Template

MOST_ANSWERS = 100
LONGEST_SECONDS = 3600.0
"""Beyond this somebody went for lunch: no time is kept."""

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


class Asked(BaseModel):
    """What the form asks for."""

    act: Literal["open", "save", "skip", "move", "undo", "pool"]
    pool: str = "train"
    picture: int | None = None
    by: int = 0
    answers: tuple[Given, ...] = Field((), max_length=MOST_ANSWERS)
    seconds: float = 0.0


class Label(Screen):
    """Shows pictures and keeps answers."""

    key = "label"

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
        if project and asked.act == "save":
            save(project, person, asked)
            more = {"saved": asked.picture, "said": texts.saved(len(asked.answers))}
        elif project and asked.act == "undo":
            picture, more = undo(project, person, picture)
        if project and asked.act in ("save", "skip"):
            picture = following(project, asked.pool, asked.picture)
        elif project and asked.act == "move":
            picture = neighbour(order(project, asked.pool), asked.picture, max(-1, min(1, asked.by)))
        form, image = shown(project, person, pool_of(project, picture, asked.pool), picture)
        return {self.form: form | more, self.viewer: image}


# What is asked, and in which order -----------------------------------------------------------------------------


def order(project: Project, pool: str) -> list[int]:
    """Numbers of the pictures of a pool, in the order in which they are shown."""
    return random_order(picture.id for picture in project.pictures(pool))


def labelled(project: Project, pool: str) -> set[int]:
    """Numbers of the pictures of a pool that have at least one answer."""
    return set(project.db.counts("pair_states", "image_id", status="label", split=pool))


def following(project: Project, pool: str, picture: int | None) -> int | None:
    """The next picture without answers; once all have some, the next picture."""
    pictures = order(project, pool)
    return next_open(pictures, picture, labelled(project, pool)) or neighbour(pictures, picture, 1)


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
) -> tuple[dict[str, Any], dict[str, str]]:
    """What form and viewer show: that picture, or the first of the pool that has no answers."""
    if project is None:
        return {"empty": texts.NO_PROJECT}, seen("", None)
    pools = project.db.counts("images", "split")
    form = {"project": project.name, "words": texts.WORDS, "pool": pool, "pools": _pools(pools), "types": _types()}
    pictures, done = order(project, pool), labelled(project, pool)
    if not pictures:
        empty = texts.NONE_OF_THESE if pools else texts.NO_PICTURES
        return form | {"empty": empty, "pools": form["pools"] if pools else None}, seen(project.name, None)
    if picture not in pictures:
        picture = next_open(pictures, None, done) or pictures[0]
    form |= _form(project, person, project.picture(picture), pictures, done)
    ahead = next_open(pictures, picture, done) or neighbour(pictures, picture, 1)
    return form, seen(project.name, project.picture(picture), ahead)


def _form(project: Project, person: str, picture: Picture, pictures: Sequence[int], done: set[int]) -> dict[str, Any]:
    place = texts.place(pictures.index(picture.id) + 1, len(pictures), picture.group)
    everything = len(done) == len(pictures)
    return {
        "picture": {"id": picture.id, "place": place},
        "questions": questions(project, person, picture),
        "blind": texts.BLIND if picture.split != "train" else "",
        "standing": texts.standing(len(done), len(pictures) - len(done), pace(project, person)),
        "said": texts.ALL_DONE if everything else "",
    }


def questions(project: Project, person: str, picture: Picture) -> list[dict[str, Any]]:
    """The rows of the form: what is asked of every picture, and what else was asked of this one."""
    given: dict[str, PairState] = {}
    for pair in project.pairs(image_id=picture.id, status=["question", "label"]):
        if pair.person == person or pair.question not in given:
            given[pair.question] = pair
    asked = {template.question: template for template in known_questions(project)}
    asked |= {question: pair for question, pair in given.items() if question not in asked}
    return [
        {"question": question, "type": row.type, "choices": row.choices, **_given(given.get(question), person)}
        for question, row in asked.items()
    ]


def _given(pair: PairState | None, person: str) -> dict[str, str]:
    """What is answered already. Answers of others to pictures that measure the model stay hidden."""
    if pair is None or pair.answer is None:
        return {}
    if pair.person == person:
        return {"answer": pair.answer}
    if pair.split != "train":
        return {}
    return {"answer": pair.answer, "by": texts.BY.format(name=pair.person or pair.source or texts.SOMEBODY)}


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


def save(project: Project, person: str, asked: Asked) -> None:
    """Keeps the answers to one picture, all or none.

    Raises:
        DataError: there are none, one is not what its question offers, or the picture is gone.
    """
    if asked.picture is None or not asked.answers:
        raise DataError(texts.WORDS["nothing"])
    answers = [checked(given) for given in asked.answers]
    seconds = asked.seconds / len(answers) if 0 < asked.seconds <= LONGEST_SECONDS else None
    project.add_labels(person, asked.picture, answers, seconds)


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
    return Answer(given.question, str(int(text)) if control == "number" else text, given.type, choices)


def _refused(words: tuple[str, str], given: Given) -> DataError:
    filled = {"question": given.question, "answer": given.answer, "choices": ", ".join(given.choices)}
    return DataError(*(sentence.format(**filled) for sentence in words))


def undo(project: Project, person: str, picture: int | None) -> tuple[int | None, dict[str, Any]]:
    """Takes back the person's last step.

    Returns:
        The picture to show, and what the form shows beside: the sentence, and what was answered as a draft again.
    """
    said = project.undo(person)
    event = project.db.rows("events", order="-id", limit=1, person=person)[0]
    undone = project.db.row("events", id=event["undoes"])
    if undone["kind"] not in ("label", "relabel"):
        return picture, {"said": said}
    draft: dict[str, str] = {}
    for table, key, _, after in undone["changes"]:
        pair = project.pairs(id=after["pair_id"] if table == "verdicts" else key)
        picture = pair[0].image_id if pair else after["image_id"]
        draft[pair[0].question if pair else after["question"]] = after["answer"]
    return picture, {"said": said, "draft": {"answers": draft, "own": [], "adding": None}}
