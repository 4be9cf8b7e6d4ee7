"""What a comparison found, in a table: how often each model is right, with intervals."""

import math
from typing import Any

from app.texts import compare as texts
from leaml.jobs import queue
from leaml.jobs.queue import Job
from leaml.report.names import BASE, BLIND
from leaml.store.project import Project

PRECISION = 0.1
"""Half a range that is narrow enough to go by."""


def newest(project: Project | None) -> Job | None:
    """The comparison that was finished last, or None."""
    rows = project.db.rows("jobs", order="-id", limit=1, kind="compare", state="done") if project else []
    return queue.job(project, rows[0]["id"]) if rows else None


def mark(project: Project | None) -> str:
    """Changes when there is something new to show."""
    job = newest(project)
    return f"{project.name} {job.id}" if project and job else ""


def threshold(project: Project | None, adapter: int | None, kind: str) -> float | None:
    """How sure a model must be, or a person is to be asked; None where the newest comparison found no such bound.

    Args:
        adapter: None for the base model.
        kind: of question, "closed" or "open".
    """
    job = newest(project)
    sets = job.result.get("sets", {}) if job else {}
    found = sets.get("test") or next(iter(sets.values()), {"rows": []})
    rows = [row for row in found["rows"] if row["adapter"] == adapter and row["name"] != BLIND]
    part = (rows[0].get("trust") or {}).get(kind) if rows else None
    return part["selective"]["threshold"] if part and part["selective"] else None


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
    more = max(more_needed(row) for row in rows if row["name"] != BLIND)
    title = texts.SET.format(
        name=texts.SET_NAMES.get(name, name), questions=f"{first['n']:,}", pictures=f"{first['pictures']:,}"
    )
    return {
        "title": title,
        "note": texts.MORE.format(n=f"{more:,}") if more else "",
        "rows": [_row(row) for row in rows],
        "parts": [part for by, words in texts.PARTS.items() if (part := _part(rows, by, words))],
    }


def more_needed(row: dict[str, Any]) -> int:
    """About how many more questions would narrow the range to 10 points either way, in tens; 0 where it is that narrow.

    A range narrows with the square root of the questions, where these stand on new pictures as the first ones did.
    """
    wide = (row["high"] - row["low"]) / 2 / PRECISION
    return math.ceil(row["n"] * (wide**2 - 1) / 10) * 10 if wide > 1 else 0


def _part(rows: list[dict[str, Any]], by: str, words: dict[str, str]) -> dict[str, Any] | None:
    """The rates of all models side by side, by kind of question, wording or group; None where there is one at most."""
    names = rows[0].get(by) or {}
    if len(names) < 2 and by != "by_type":
        return None
    found = [
        {"name": name, "n": f"{figures['n']:,}", "cells": [texts.cell(row[by][name]) for row in rows]}
        for name, figures in names.items()
    ]
    return words | {"rows": found}


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
