"""The questions of a comparison, a page at a time: what every model answered, where they differ, and filters."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.asking import adapted
from app.differences import parts
from app.pictures import thumb_address
from app.results import newest
from app.texts import compare as texts
from leaml.jobs.queue import Job
from leaml.store.annotation import LONGEST_TEXT
from leaml.store.project import Adapter, PairState, PredictionRow, Project

PER_PAGE = 12
MOST_WORDINGS = 200
"""Questions that the filter offers; the most frequent ones."""

Answers = dict[int | None, PredictionRow]
"""Number of a model (None: the base) -> what it answered."""


class Listed(BaseModel):
    """Which questions are wanted: of this kind, on this page, or that one to be looked at."""

    act: Literal["list", "open"] = "list"
    filter: Literal["all", "differ", "fixed", "broken"] = "differ"
    page: int = 0
    adapter: int | None = None
    pair: int | None = None
    type: str = ""
    question: str = Field("", max_length=LONGEST_TEXT)
    split: str = ""


def items(project: Project | None, wanted: Listed) -> dict[str, Any]:
    """A page of the questions that base and adapted models answered; nothing where they were not compared."""
    job = newest(project)
    models = compared(project, job)
    against = adapted(models, wanted.adapter)
    if project is None or job is None or against is None:
        return {}
    asked, answers = tested(project, job)
    fitting = [id for id in answers if _fits(asked[id], wanted)]
    kinds = {kind: [id for id in fitting if is_kind(kind, answers[id], against.id)] for kind in texts.FILTERS}
    chosen = kinds[wanted.filter]
    pages = max(1, math.ceil(len(chosen) / PER_PAGE))
    page = min(max(wanted.page, 0), pages - 1)
    shown = [asked[id] for id in chosen[page * PER_PAGE : (page + 1) * PER_PAGE]]
    return {
        "words": texts.ITEMS,
        "project": project.name,
        "filter": wanted.filter,
        "help": texts.FILTER_HELP[wanted.filter],
        "counts": {kind: len(ids) for kind, ids in kinds.items()},
        "page": page,
        "pages": pages,
        "adapter": against.id,
        "adapters": [{"id": adapter.id, "name": adapter.name} for adapter in models],
        "choices": _choices(list(asked.values())),
        "chosen": {"type": wanted.type, "question": wanted.question, "split": wanted.split},
        "rows": [_row(project, pair, answers[pair.id], [None, *models]) for pair in shown],
    }


def views(project: Project | None, items: Mapping[str, Any]) -> dict[str, Any]:
    """The views of a comparison with what there is to see in them; nothing but the first before there is one."""
    keys = list(texts.VIEWS) if items else ["overview"]
    counts = items.get("counts", {})
    return {
        "project": project.name if project else "",
        "views": [
            {"key": key, "name": texts.VIEWS[key]}
            | ({"area": "items", "filter": key, "count": f"{counts[key]:,}"} if key in counts else {"area": key})
            for key in keys
        ],
    }


def compared(project: Project | None, job: Job | None) -> list[Adapter]:
    """The adapted models that a comparison asked beside the base and that are still there, newest first."""
    if project is None or job is None:
        return []
    asked = project.db.counts("predictions", "adapter_id", job_id=job.run)
    return [adapter for adapter in project.adapters("answers") if adapter.id in asked] if None in asked else []


def tested(project: Project, job: Job) -> tuple[dict[int, PairState], dict[int, Answers]]:
    """By number, the test questions that the base answered, and what each model answered.

    Calibration pictures are answered as well, to fit what is said of trust; they are no test.
    """
    found: dict[int, Answers] = {}
    for row in project.predictions(job.run, order="pair_id"):
        found.setdefault(row.pair_id, {})[row.adapter_id] = row
    answered = [pair for pair in found if None in found[pair]]
    pairs = project.pairs(id=answered, split=list(job.result.get("sets", {})))
    return {pair.id: pair for pair in pairs}, {pair.id: found[pair.id] for pair in pairs}


def is_kind(kind: str, answers: Answers, adapter: int) -> bool:
    """Whether a question is `fixed`, `broken`, one where the answers `differ`, or any of `all`."""
    if adapter not in answers:
        return False
    base, after = answers[None], answers[adapter]
    if kind == "fixed":
        return after.correct and not base.correct
    if kind == "broken":
        return base.correct and not after.correct
    return kind == "all" or base.text.casefold() != after.text.casefold()


def _fits(pair: PairState, wanted: Listed) -> bool:
    filters = {"type": wanted.type, "question": wanted.question, "split": wanted.split}
    return all(not value or getattr(pair, name) == value for name, value in filters.items())


def _choices(asked: Sequence[PairState]) -> dict[str, list[dict[str, str]]]:
    """What each filter offers, the most frequent first; a filter with one value offers nothing."""
    found = {}
    for name in ("type", "question", "split"):
        counts: dict[str, int] = {}
        for pair in asked:
            counts[getattr(pair, name)] = counts.get(getattr(pair, name), 0) + 1
        values = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_WORDINGS]
        shown = texts.POOLS if name == "split" else {}
        options = [{"value": value, "name": f"{shown.get(value, value)} ({counts[value]:,})"} for value in values]
        found[name] = options if len(options) > 1 else []
    return found


def _row(
    project: Project, pair: PairState, answers: Mapping[int | None, PredictionRow], models: Sequence[Adapter | None]
) -> dict[str, Any]:
    base = answers[None]
    return {
        "pair": pair.id,
        "picture": pair.image_id,
        "thumb": thumb_address(project.name, pair.image_id),
        "question": pair.question,
        "label": pair.answer,
        "answers": [
            _answer(base, answers[model.id if model else None], model)
            for model in models
            if (model.id if model else None) in answers
        ],
    }


def _answer(base: PredictionRow, row: PredictionRow, model: Adapter | None) -> dict[str, Any]:
    return {
        "name": model.name if model else texts.BASE,
        "parts": parts(base.text, row.text),
        "right": row.correct,
        "mark": texts.RIGHT if row.correct else texts.WRONG,
    }


def written(project: Project, pair: int) -> dict[int | None, dict[str, Any]]:
    """The answers that were given to one question, by model, as `asking.card` takes them."""
    job = newest(project)
    rows = project.predictions(job.run, pair_id=pair) if job else []
    return {
        row.adapter_id: {
            "text": row.text, "done": True, "choices": row.probabilities,
            "probability": None if row.log_probability is None else math.exp(row.log_probability),
        }
        for row in rows
    }  # fmt: skip
