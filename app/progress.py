"""How far everybody is: who did how much, what is left, what the random queue and the last round say, and whom the
hidden checks caught.

    progress(project, "Dr. A", checks=True)      # plain data for the view of that name of "People and progress"
"""

from statistics import median
from typing import Any

from app.texts import people as texts
from app.texts import review as review_texts
from leaml.evaluation.metrics import rate
from leaml.evaluation.resampling import FEWEST
from leaml.review import audits, economics, queues
from leaml.review.checks import reviewer
from leaml.review.economics import Gain, Spent
from leaml.store.conditions import Other
from leaml.store.project import Project

SAMPLES = 5
"""Newest samples that are told of."""


def progress(project: Project, person: str, checks: bool) -> dict[str, Any]:
    """What the view shows.

    Args:
        checks: whether the reader may know what the hidden checks found.
    """
    names = people(project)
    return {
        "people": _people(project, names),
        "lines": [line for line in (_left(project, person), _random(project), *_stop(project)) if line],
        "samples": {"title": texts.SAMPLES, "lines": _samples(project)},
        "checks": _checks(project, names) if checks else None,
    }


def people(project: Project) -> list[str]:
    """Everybody who ever did something here, by name."""
    decided = {row["person"] for row in project.db.rows("efforts", n=Other(0))}
    return sorted(name for name in decided | set(project.db.counts("people", "name")) if name)


def _people(project: Project, names: list[str]) -> dict[str, Any]:
    known = {name: (economics.labelling(project, name), economics.spent(project, name)) for name in names}
    rows = [_row(name, labels.decisions, spent) for name, (labels, spent) in known.items()]
    if len(rows) > 1:
        answered = sum(labels.decisions for labels, _ in known.values())
        rows.append(_row(texts.EVERYBODY, answered, economics.spent(project)))
    return {"head": texts.HEAD, "rows": rows, "none": texts.NOBODY}


def _row(name: str, labels: int, spent: Spent) -> list[str]:
    minutes = spent.minutes_per_kept
    per_correct = texts.cost(None if minutes is None else 60 * minutes)
    return [name, f"{labels:,}", f"{spent.decisions:,}", f"{spent.kept:,}", texts.cost(spent.seconds), per_correct]


def _left(project: Project, person: str) -> str:
    found = queues.standing_of(project, person)
    if not found.left:
        return texts.LEFT_NONE
    paces = [pace for name in people(project) if (pace := queues.pace(project, name)) is not None]
    words = [texts.left(found.left)]
    seconds = found.seconds or (median(paces) if paces else None)
    if seconds is not None:
        told = texts.AT_PACE if found.seconds is None else texts.AT_YOUR_PACE
        words.append(told.format(seconds=f"{seconds:.0f}", time=review_texts.time(seconds * found.left)))
    return " ".join(words)


def _random(project: Project) -> str:
    """What the random queue says of all suggestions: below 30, counts alone."""
    found = audits.audited(project)
    if not found:
        return texts.RANDOM_NONE.format(queue=review_texts.QUEUES["audit"])
    right = [is_right for is_right, _ in found]
    if len(found) < FEWEST:
        return texts.RANDOM_FEW.format(right=sum(right), n=len(found), fewest=FEWEST)
    share = rate(right, [cluster for _, cluster in found])
    shown = {name: review_texts.percent(getattr(share, name)) for name in ("low", "high")}
    return texts.RANDOM.format(share=review_texts.percent(share.value), n=share.n, pictures=share.clusters, **shown)


def _stop(project: Project) -> list[str]:
    """Whether another batch is worth its minutes, and what that rests on."""
    gains = economics.gains(project)
    words = [_gain(gains[-1])] if gains else []
    return [*words, texts.ADVICE[economics.advice(gains)]]


def _gain(gain: Gain) -> str:
    figures = {name: texts.points(getattr(gain, name)) for name in ("difference", "low", "high")}
    return texts.GAIN.format(**figures, n=gain.questions, pictures=gain.pictures)


def _samples(project: Project) -> list[str]:
    rows = project.db.rows("audits", order="-id", limit=SAMPLES)
    since = {found.audit: found for found in audits.watched(project)} if rows else {}
    return [_sample(audits.state(project, row["id"]), since.get(row["id"])) for row in rows]


def _sample(state: audits.State, since: audits.Watch | None) -> str:
    figures = {"judged": state.judged, "size": state.plan.size, "wrong": state.wrong}
    words = [texts.SAMPLE.format(id=state.id, person=state.person, **figures)]
    words.append(texts.SAMPLE_ENDS[state.outcome].format(bound=review_texts.bound(state.bound or 0.0)))
    if state.accepted:
        words.append(texts.SAMPLE_ACCEPTED.format(n=f"{state.accepted:,}"))
    if since:
        words.append(texts.SAMPLE_SINCE.format(checked=since.checked, wrong=since.wrong))
    return " · ".join(words)


def _checks(project: Project, names: list[str]) -> dict[str, Any]:
    found = {name: reviewer(project, name) for name in names}
    rows = [
        [name, texts.share(each.missed), texts.share(each.agreed)]
        for name, each in found.items()
        if each.missed.n or each.agreed.n
    ]
    return {
        "title": texts.CHECKS, "help": texts.CHECKS_HELP, "head": texts.CHECKS_HEAD, "rows": rows,
        "none": texts.CHECKS_NONE,
    }  # fmt: skip
