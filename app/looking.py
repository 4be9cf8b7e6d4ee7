"""Where does it look? What hiding parts of the picture does to an answer, over the picture, with chance beside it."""

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from pydantic import BaseModel, Field

from app.asking import choices_of, label_of
from app.pictures import picture_address
from app.texts import looking as texts
from leaml.errors import LeamlError
from leaml.jobs.answering import Answering
from leaml.jobs.choosing import NANO, chosen
from leaml.store.annotation import LONGEST_TEXT
from leaml.store.project import Project


class Looked(BaseModel):
    """Whose answer to which question is looked into."""

    picture: int
    question: str = Field(max_length=LONGEST_TEXT)
    answer: str = Field(min_length=1, max_length=LONGEST_TEXT)
    adapter: int | None = None


def look(project: Project, answering: Answering, asked: Looked) -> Iterator[dict[str, Any]]:
    """What the part shows while the answer is looked into, and what came of it; nothing where it was stopped.

    Raises:
        DataError: there is no such picture or adapted model. LeamlError: what the answering process could not do.
    """
    picture = project.picture(asked.picture)
    adapter = project.adapter(asked.adapter) if asked.adapter else None
    choices = choices_of(project, asked.question, label_of(project, asked.picture, asked.question))
    among = choices if asked.answer in choices else ()
    base = adapter.base if adapter else chosen(project) or NANO
    yield {"words": texts.WORDS, "message": texts.STARTS}
    for row in answering.look(picture.path, asked.question, asked.answer, asked.adapter, choices=among, model=base):
        if "error" in row:
            yield {}
            raise LeamlError(row["error"], row["fix"])
        if row.get("looked"):
            source = picture_address(project.name, picture.id)
            yield card(row["looked"], source, picture.width, picture.height)
            return
        yield {"words": texts.WORDS, "message": row["message"] or texts.STARTS}
    yield {}


def card(looked: Mapping[str, Any], source: str, width: int, height: int) -> dict[str, Any]:
    """A map of the drops, and what they mean in words.

    Args:
        looked: see `leaml.evaluation.occlusion.Occlusion.as_json`.
        source: address of the picture, of that many pixels.
    """
    drops = looked["drops"]
    most = max(max(row) for row in drops)
    chance = looked["random"]
    sentences = [
        texts.TOGETHER.format(
            n=len(looked["hidden"]), before=texts.percent(looked["probability"]), answer=looked["answer"],
            after=texts.percent(looked["probability"] - looked["together"]),
        ),
        texts.CHANCE.format(
            draws=len(chance), mean=texts.points(fmean(chance)), most=texts.points(max(chance)),
            together=texts.points(looked["together"]),
        ),
        texts.BEATS if looked["beats_chance"] else texts.NO_BETTER,
    ]  # fmt: skip
    return {
        "words": texts.WORDS,
        "source": source,
        "size": [width, height],
        "cells": [[round(max(0.0, drop) / most, 3) if most > 0 else 0 for drop in row] for row in drops],
        "hidden": [list(patch) for patch in looked["hidden"]],
        "sentences": sentences,
        "note": texts.NOTE,
    }
