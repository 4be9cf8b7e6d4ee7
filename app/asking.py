"""Asking anything about any picture: what the picker shows, and how answers grow while they are written."""

import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.differences import parts
from app.results import threshold
from app.texts import compare as texts
from app.viewer import seen
from leaml.errors import DataError, LeamlError
from leaml.evaluation.scoring import normalise, score
from leaml.jobs.answering import Answering
from leaml.jobs.choosing import NANO, chosen
from leaml.records import REGIONS
from leaml.review.queues import neighbour
from leaml.store.annotation import LONGEST_TEXT
from leaml.store.placing import ARRIVING
from leaml.store.project import Adapter, PairState, Project, Template

MOST_KNOWN = 50
"""Wordings that are offered beside what may be typed."""
MOST_ASKED = 4
"""Adapted models that answer beside the base model; more do not fit side by side."""
MOST_CHOICES = 20
"""Answers that are weighed against each other; a question with more of them is open in all but name."""
MOST_SHOWN = 4
CHOICES_OF_A_TYPE = {"yes/no": ("yes", "no"), "location": REGIONS}


class Asked(BaseModel):
    """Which picture is wanted."""

    act: Literal["open", "move", "any", "pool"]
    pool: str = "test"
    picture: int | None = None
    place: int | None = None
    by: int = 0


class Question(BaseModel):
    """What is asked, and of whom beside the base model."""

    picture: int
    question: str = Field(max_length=LONGEST_TEXT)
    adapters: list[int] = Field([], max_length=MOST_ASKED)


# ---- the picture -------------------------------------------------------------------------------------------------


def picture_of(project: Project, asked: Asked) -> int | None:
    """Number of the picture that is wanted, or None where the pool is empty."""
    pool = [picture.id for picture in project.pictures(asked.pool)]
    if asked.act == "any" and pool:
        return random.choice([id for id in pool if id != asked.picture] or pool)
    if asked.place is not None and pool:
        return pool[min(max(asked.place, 1), len(pool)) - 1]
    return neighbour(pool, asked.picture, asked.by if asked.act == "move" else 0)


def picker(project: Project | None, pool: str, picture: int | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What picker and viewer show: that picture, or the first of the pool; of another pool where this one is empty."""
    if project is None:
        return {"empty": texts.NO_PROJECT}, seen("", None)
    pools = [*dict.fromkeys([*texts.POOLS, *project.db.counts("images", "split")])]
    filled = [split for split in pools if split != ARRIVING and project.db.count("images", split=split)]
    if not filled:
        return {"empty": texts.NO_PICTURES}, seen(project.name, None)
    pool = pool if pool in filled else filled[0]
    order = [one.id for one in project.pictures(pool)]
    picture = picture if picture in order else order[0]
    shown = project.picture(picture)
    value = {
        "project": project.name,
        "words": texts.WORDS,
        "pool": pool,
        "pools": [{"key": split, "name": texts.POOLS.get(split, split)} for split in filled],
        "picture": {"id": picture, "place": order.index(picture) + 1, "of": len(order)},
        "questions": _wordings(project, picture),
        "adapters": [{"id": adapter.id, "name": adapter.name} for adapter in project.adapters("answers")],
        "most": MOST_ASKED,
        "note": "" if project.adapters("answers") else texts.NOT_ADAPTED,
    }
    return value, seen(project.name, shown, [project.picture(neighbour(order, picture, 1))])


def _wordings(project: Project, picture: int) -> list[str]:
    """Questions that are offered: those of this picture, then those that the project asks."""
    own = [label.question for label in project.pairs(image_id=picture, status="label")]
    known = [template.question for template in project.templates()]
    frequent = project.db.counts("pair_states", "question", status="label")
    return list(dict.fromkeys([*own, *known, *sorted(frequent, key=lambda text: -frequent[text])]))[:MOST_KNOWN]


# ---- the answers -------------------------------------------------------------------------------------------------


def ask(project: Project, answering: Answering, asked: Question) -> Iterator[dict[str, Any]]:
    """What the two answers look like while they are written; the last one is whole.

    Raises:
        DataError: there is no question, picture or adapted model of this kind.
        LeamlError: what the answering process could not do.
    """
    question = " ".join(asked.question.split())
    if not question:
        raise DataError(*texts.NO_QUESTION)
    picture = project.picture(asked.picture)
    adapters = [project.adapter(id) for id in dict.fromkeys(asked.adapters)]
    models: list[Adapter | None] = [None, *adapters]
    label = label_of(project, asked.picture, question)
    written: dict[int | None, dict[str, Any]] = {}
    learned = {adapter.id for adapter in adapters if asked.picture in project.learned_from(adapter.id)}
    beside = {"picture": asked.picture, "doubts": doubts_of(project, models, question, label), "learned": learned}
    yield card(question, models, written, label)
    base = adapters[0].base if adapters else chosen(project) or NANO
    more = {"choices": choices_of(project, question, label), "model": base}
    for row in answering.ask(picture.path, question, [one.id if one else None for one in models], **more):
        if "error" in row:
            yield card(question, models, written, label, texts.NO_ANSWER)
            raise LeamlError(row["error"], row["fix"])
        written[row["adapter"]] = row
        yield card(question, models, written, label, **beside)


def label_of(project: Project, picture: int, question: str) -> PairState | None:
    """What a person answered to this question on this picture, or None."""
    labels = project.pairs(image_id=picture, status="label")
    return next((label for label in labels if label.question.casefold() == question.casefold()), None)


def choices_of(project: Project, question: str, label: PairState | None) -> tuple[str, ...]:
    """The answers that a question allows, where that is known from its label or from the project's questions."""
    found = label or _template(project, question)
    if found is None:
        return ()
    choices = tuple(found.choices) or CHOICES_OF_A_TYPE.get(found.type, ())
    return choices if len(choices) <= MOST_CHOICES and found.type != "multiple choice" else ()


def doubts_of(
    project: Project, models: Iterable[Adapter | None], question: str, label: PairState | None
) -> dict[int | None, float]:
    """By adapter (None: the base) how sure it must be, or a person is to be asked; where that is known."""
    asked = label or _template(project, question)
    if asked is None:
        return {}
    kind = "open" if asked.type == "open" else "closed"
    found = {(one.id if one else None): threshold(project, one.id if one else None, kind) for one in models}
    return {model: least for model, least in found.items() if least is not None}


def _template(project: Project, question: str) -> Template | None:
    return next((one for one in project.templates() if one.question.casefold() == question.casefold()), None)


def card(
    question: str,
    models: Iterable[Adapter | None],
    written: Mapping[int | None, Mapping[str, Any]],
    label: PairState | None,
    note: str = "",
    picture: int | None = None,
    doubts: Mapping[int | None, float] | None = None,
    learned: Collection[int] = (),
) -> dict[str, Any]:
    """What the answers show.

    Args:
        learned: adapters that have learned from this picture.
        doubts: by adapter how sure it must be; below that the answer says that a person is to be asked.
        picture: what was asked about; with it, whole answers can be looked into.
        note: what is to be said beside; then no answer is waited for.
        written: by adapter (None: the base) "text", "done", "probability", "message" and perhaps "choices", as
            `Answering.ask` has them.
        label: the labelled answer, where there is one: every whole answer is scored by it.
    """
    numbered = [(model, model.id if model else None) for model in models]
    sides = [_side(model, written.get(id), label, not note, (doubts or {}).get(id)) for model, id in numbered]
    for side in sides:
        side["learned"] = texts.LEARNED if side["adapter"] in learned else ""
    if all(side.get("done") for side in sides):
        for side in sides:
            side["parts"] = parts(sides[0]["text"], side["text"])
    return {
        "question": question,
        "picture": picture,
        "label": label.answer if label else "",
        "sides": sides,
        "note": note,
        "words": texts.WORDS | {"help": texts.PROBABILITY_HELP, "medical": texts.NOT_MEDICAL},
    }


def _side(
    model: Adapter | None, row: Mapping[str, Any] | None, label: PairState | None, waits: bool, least: float | None
) -> dict[str, Any]:
    side = {"name": model.name if model else texts.BASE, "adapter": model.id if model else None, "text": ""}
    if row is None:
        return side | {"message": texts.WAITS if waits else texts.NONE}
    side |= {"text": row["text"], "message": row.get("message", "") if not row["text"] else "", "done": row["done"]}
    sure = confidence(row)
    if sure is not None:
        side["sure"] = texts.sure(sure)
        if row["done"] and least is not None and sure < least:
            side["doubt"] = texts.DOUBT.format(least=texts.share(least))
    if row.get("choices"):
        side["choices"] = _ranked(row["choices"])
    if row["done"] and label:
        right = score(label.answer, row["text"], label.type, label.choices).correct
        side |= {"right": right, "mark": texts.RIGHT if right else texts.WRONG}
    return side


def confidence(row: Mapping[str, Any]) -> float | None:
    """How sure of the said answer: its share among the choices where it is one of them, else its probability."""
    said = normalise(row["text"])
    among = (share for choice, share in (row.get("choices") or {}).items() if normalise(choice) == said)
    return next(among, row["probability"])


def _ranked(choices: Mapping[str, float]) -> list[dict[str, Any]]:
    """The most probable choices, with their share of all."""
    ranked = sorted(choices.items(), key=lambda one: -one[1])[:MOST_SHOWN]
    return [{"name": name, "share": round(100 * share, 1), "text": texts.share(share)} for name, share in ranked]


def adapted(adapters: Sequence[Adapter], wanted: int | None) -> Adapter | None:
    """The adapted model of that number, else the newest, else None."""
    return next((adapter for adapter in adapters if adapter.id == wanted), adapters[0] if adapters else None)
