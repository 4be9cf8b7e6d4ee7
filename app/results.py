"""What a comparison found: the table with intervals, and the questions where the models differ."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel

from app.asking import adapted
from app.pictures import thumb_address
from app.texts import compare as texts
from leaml.jobs import queue
from leaml.jobs.queue import Job
from leaml.store.project import PredictionRow, Project

PER_PAGE = 12
BASE, BLIND = "base", "blind majority"
"""Names of the rows that are no adapted models, as the job writes them."""


class Listed(BaseModel):
    """Which questions are wanted: of this kind, on this page, or that one to be looked at."""

    act: Literal["list", "open"] = "list"
    filter: Literal["all", "differ", "fixed", "broken"] = "differ"
    page: int = 0
    adapter: int | None = None
    pair: int | None = None


def newest(project: Project | None) -> Job | None:
    """The comparison that was finished last, or None."""
    rows = project.db.rows("jobs", order="-id", limit=1, kind="compare", state="done") if project else []
    return queue.job(project, rows[0]["id"]) if rows else None


def mark(project: Project | None) -> str:
    """Changes when there is something new to show."""
    job = newest(project)
    return f"{project.name} {job.id}" if project and job else ""


# ---- the table ---------------------------------------------------------------------------------------------------


def table(project: Project | None) -> dict[str, Any]:
    """What the table shows: one part per test set, or nothing before the first comparison."""
    job = newest(project)
    if project is None or job is None:
        return {}
    adapters = project.adapters("answers")
    newer = bool(adapters and (adapters[0].job_id or 0) > job.id)
    return {
        "words": texts.TABLE,
        "sets": [_set(name, found) for name, found in job.result.get("sets", {}).items()],
        "intervals": texts.INTERVALS.format(fewest=texts.FEWEST_FOR_A_RATE),
        "newer": texts.NEWER if newer else "",
    }


def _set(name: str, found: dict[str, Any]) -> dict[str, Any]:
    rows = found["rows"]
    first = rows[0]
    title = texts.SET.format(
        name=texts.SET_NAMES.get(name, name), questions=f"{first['n']:,}", pictures=f"{first['pictures']:,}"
    )
    return {
        "title": title,
        "rows": [_row(row) for row in rows],
        "types": [
            {"name": type, "n": figures["n"], "cells": [texts.rate(row["by_type"][type]) for row in rows]}
            for type, figures in first["by_type"].items()
        ],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    enough = row["n"] >= texts.FEWEST_FOR_A_RATE
    return {
        "name": shown_name(row["name"]),
        "help": texts.BLIND_HELP if row["name"] == BLIND else "",
        "right": texts.rate(row),
        "bar": [round(100 * row[end], 1) for end in ("low", "value", "high")] if enough else None,
        "base": texts.difference(row["against_base"]) if row["name"] != BLIND else "",
        "blind": texts.difference(row["against_blind"]),
    }


def shown_name(name: str) -> str:
    """What a row is called on the screen."""
    return {BASE: texts.BASE, BLIND: texts.BLIND}.get(name, name)


# ---- the questions -----------------------------------------------------------------------------------------------


def items(project: Project | None, wanted: Listed) -> dict[str, Any]:
    """A page of the questions that base and adapted model answered, with both answers."""
    job = newest(project)
    if project is None or job is None:
        return {}
    asked = project.db.counts("predictions", "adapter_id", job_id=job.run)
    compared = [adapter for adapter in project.adapters("answers") if adapter.id in asked]
    against = adapted(compared, wanted.adapter)
    if against is None or None not in asked:
        return {}
    both = _both(project, job, against.id)
    kinds = {kind: [pair for pair in both if _is(kind, *both[pair])] for kind in texts.FILTERS}
    chosen = kinds[wanted.filter]
    pages = max(1, math.ceil(len(chosen) / PER_PAGE))
    page = min(max(wanted.page, 0), pages - 1)
    return {
        "words": texts.ITEMS,
        "project": project.name,
        "filter": wanted.filter,
        "help": texts.FILTER_HELP[wanted.filter],
        "filters": [{"key": key, "name": f"{texts.FILTERS[key]} {len(pairs):,}"} for key, pairs in kinds.items()],
        "page": page,
        "pages": pages,
        "adapter": against.id,
        "adapters": [{"id": adapter.id, "name": adapter.name} for adapter in compared],
        "sides": [texts.BASE, against.name],
        "rows": _rows(project, both, chosen[page * PER_PAGE : (page + 1) * PER_PAGE]),
    }


Both = dict[int, tuple[PredictionRow, PredictionRow]]
"""Number of a question -> what base and adapted model answered."""


def _both(project: Project, job: Job, adapter: int) -> Both:
    base = {row.pair_id: row for row in project.predictions(job.run, adapter_id=None)}
    after = {row.pair_id: row for row in project.predictions(job.run, adapter_id=adapter)}
    return {pair: (base[pair], after[pair]) for pair in base if pair in after}


def _is(kind: str, base: PredictionRow, after: PredictionRow) -> bool:
    if kind == "fixed":
        return after.correct and not base.correct
    if kind == "broken":
        return base.correct and not after.correct
    return kind == "all" or base.text.casefold() != after.text.casefold()


def _rows(project: Project, both: Both, chosen: Sequence[int]) -> list[dict[str, Any]]:
    pairs = {pair.id: pair for pair in project.pairs(id=list(chosen))}
    return [
        {
            "pair": id,
            "picture": pairs[id].image_id,
            "thumb": thumb_address(project.name, pairs[id].image_id),
            "question": pairs[id].question,
            "label": pairs[id].answer,
            "answers": [
                {"text": row.text, "right": row.correct, "mark": texts.RIGHT if row.correct else texts.WRONG}
                for row in both[id]
            ],
        }
        for id in chosen
        if id in pairs
    ]


def written(project: Project, wanted: Listed) -> dict[int | None, dict[str, Any]]:
    """The answers that base and adapted model gave to one question, as `asking.card` takes them."""
    job = newest(project)
    rows = project.predictions(job.run, pair_id=wanted.pair, adapter_id=[wanted.adapter]) if job else []
    rows += project.predictions(job.run, pair_id=wanted.pair, adapter_id=None) if job else []
    return {
        row.adapter_id: {
            "text": row.text, "done": True,
            "probability": None if row.log_probability is None else math.exp(row.log_probability),
        }
        for row in rows
    }  # fmt: skip
