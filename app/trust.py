"""The Trust view: how far a model's own certainty can be relied on, and when a person is to be asked. As HTML."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from app import trust_charts
from app.results import newest, shown_name
from app.texts import compare as compare_texts
from app.texts import trust as texts
from leaml.report.names import BLIND
from leaml.store.project import Project

RANKED = ("auroc", "aupr_out", "aupr_in", "fpr95")


def view(project: Project | None) -> str:
    """What the newest comparison says of trust: the adapted models first, the base model folded away."""
    job = newest(project)
    if job is None:
        return _card(f"<p>{texts.NOTHING}</p>")
    sets = job.result.get("sets", {})
    parts = [part for name, found in sets.items() for part in _of_set(name, found)]
    if not parts:
        return _card(f"<p>{texts.NOT_MEASURED}</p>")
    return "".join([*parts, _elsewhere(job.result.get("elsewhere") or [])])


def _of_set(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    measured = [row for row in found["rows"] if row.get("trust") and row["name"] != BLIND]
    for row in sorted(measured, key=lambda row: -(row["adapter"] or 0)):
        words = texts.ON.format(model=shown_name(row["name"]), set=compare_texts.SET_NAMES.get(name, name))
        inside = "".join([*(_kind(kind, row["trust"].get(kind)) for kind in texts.KINDS), _looks(row)])
        is_open = " open" if row is max(measured, key=lambda row: row["adapter"] or 0) else ""
        yield f'<details class="card drawn"{is_open}><summary>{escape(words)}</summary>{inside}</details>'


def _kind(kind: str, part: Mapping[str, Any] | None) -> str:
    if not part:
        return ""
    heading = f"<h3>{texts.KINDS[kind]}</h3>"
    if part["before"] is None:
        return f"{heading}<p>{texts.TOO_FEW.format(n=part['n'])}</p>"
    charts = (trust_charts.reliability(part["before"], part["after"]), trust_charts.risk_coverage(part["selective"]))
    said = (texts.calibration(part), texts.selective(part))
    columns = (
        f"<div><h4>{title}</h4>{chart}{''.join(f'<p>{escape(one)}</p>' for one in sentences)}</div>"
        for title, chart, sentences in zip(texts.CHARTS, charts, said, strict=True)
    )
    figures = _table(texts.FIGURES_HEADS, texts.figures(part))
    folded = f"<details><summary>{texts.FIGURES}</summary>{figures}</details>"
    return f'{heading}<div class="trust-charts">{"".join(columns)}</div>{folded}'


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose rows begin with what they are about."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _looks(row: Mapping[str, Any]) -> str:
    found = row.get("without_picture")
    if not found:
        return ""
    same, right = (compare_texts.rate(found[name]) for name in ("same", "right"))
    return f"<p>{escape(texts.LOOKS.format(same=same, right=right))}</p>"


def _elsewhere(found: list[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    rows = [
        (_pictures(one), texts.SCORES.get(name, name), *_told_apart(score))
        for one in found
        for name, score in one["scores"].items()
        if score and score["auroc"]
    ]
    table = _table(texts.ELSEWHERE_HEADS, rows)
    return _card(f"<h3>{texts.ELSEWHERE}</h3><p>{texts.ELSEWHERE_HELP}</p>{table}")


def _told_apart(score: Mapping[str, Any]) -> tuple[str, ...]:
    """In words first, then each figure by its name."""
    return texts.measured(score["auroc"]), *(texts.decimals(score.get(name)) for name in RANKED)


def _pictures(one: Mapping[str, Any]) -> str:
    counts = {"n": f"{one['pictures']:,}", "inside_n": f"{one['inside_pictures']:,}"}
    return texts.ELSEWHERE_ROW.format(name=one["name"], inside=one["inside"], model=shown_name(one["model"]), **counts)


def _card(inside: str) -> str:
    return f'<section class="card drawn">{inside}</section>'
