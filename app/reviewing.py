"""What the Review screen shows, made of the store: the task in hand, how far everything is, and what may be chosen.

    view = view_of(project, person)
    card, picture = shown(project, person, view, arrive(project, person, view))

Which queue and which suggestions a person looks at is kept with the project: a reload and a second window show the
same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.accepting import offer, sample_words, warnings
from app.texts import review as texts
from app.viewer import seen
from leaml.records import QUESTION_TYPES
from leaml.review import audits, checks, leases, queues
from leaml.review.agreement import to_settle
from leaml.review.bands import Band
from leaml.review.checks import Check
from leaml.review.economics import advice, gains, spent
from leaml.review.settings import review_settings
from leaml.store.conditions import Other
from leaml.store.project import PairState, Picture, Project

SHOWN_BESIDE = 12
AHEAD = 2
"""Suggestions that a page is handed before it asks for them, to show them at once."""
ENOUGH_FOR_A_PACE = 5
"""Decisions of one person from which on it is said how long the rest takes."""


class View(BaseModel):
    """What a person looks at: which queue, which suggestions of it, blind or not, or a sample."""

    queue: Literal["fix", "audit"] = "fix"
    type: Literal[QUESTION_TYPES] | None = None
    job: int | None = None
    trust: Literal["any", "low", "middle", "high", "top"] = "any"
    status: Literal["suggested", "accepted", "rejected", "disputed"] = "suggested"
    reviewer: str | None = Field(None, max_length=200)
    blind: bool = False
    audit: int | None = None

    @property
    def band(self) -> Band:
        """The suggestions that are meant."""
        _, low, high = texts.TRUST[self.trust]
        status = "accepted" if self.is_disputed else self.status
        reviewer = self.reviewer if self.status != "suggested" else None
        return Band(self.job, self.type, low, high, status, reviewer)

    @property
    def is_disputed(self) -> bool:
        """What people disagree on, and somebody must settle."""
        return self.status == "disputed"


@dataclass(frozen=True, slots=True)
class Task:
    """What a person has in hand: a suggestion, or a hidden check that looks like one."""

    pair: int
    check: Check | None = None


def view_of(project: Project, person: str) -> View:
    """What this person looked at last."""
    kept = {"queue": review_settings(project).queue} | project.setting(_name(person), {})
    try:
        return View.model_validate(kept)
    except ValueError:  # of a version that knew other choices
        return View()


def keep_view(project: Project, person: str, view: View) -> None:
    """From now on, in every window of this person."""
    project.set_setting(person, _name(person), view.model_dump(exclude_defaults=True) | {"queue": view.queue})


def _name(person: str) -> str:
    return f"review view of {person}"


# What is in hand ------------------------------------------------------------------------------------------------


def arrive(project: Project, person: str, view: View) -> Task | None:
    """What this person had in hand, else the first that comes."""
    check = _check(project, person, view)
    if check is not None:
        return Task(check.pair, check)
    pair = leases.in_hand(project, "pair", person)
    if pair is not None and view.audit is None and _waits(project, person, pair, view):
        return take(project, person, pair)
    return following(project, person, view, None)


def following(project: Project, person: str, view: View, after: int | None) -> Task | None:
    """Takes what comes next in hand; `after` again where nothing else is left and it waits still."""
    if view.audit is not None:
        pair = audits.next_of(project, person, view.audit, after)
        return Task(pair) if pair is not None else None
    if view.is_disputed:
        return _next_disputed(project, person, after)
    check = _check(project, person, view)
    if check is not None and check.pair != after:
        return Task(check.pair, check)
    pair = queues.next_pair(project, person, view.queue, view.band, after)
    if pair is None and after is not None and _waits(project, person, after, view):
        return take(project, person, after)
    return Task(pair) if pair is not None else None


def _next_disputed(project: Project, person: str, after: int | None) -> Task | None:
    """The next that people disagree on and nobody else has in hand."""
    held = leases.held(project, "pair", person)
    open_ = [pair for pair in to_settle(project, person) if pair not in held]
    later = [pair for pair in open_ if after is not None and pair > after]
    pair = next(iter([*later, *open_]), None)
    return take(project, person, pair) if pair is not None else None


def take(project: Project, person: str, pair: int, line: Sequence[Task] = ()) -> Task:
    """Takes one suggestion in hand if nobody else has it; it can be looked at in any case.

    Args:
        line: what comes after it, and is held on to.
    """
    settings = review_settings(project)
    ahead = [task.pair for task in line if task.check is None]
    leases.take(project, "pair", pair, person, settings.overlap, settings.minutes, ahead=ahead)
    return Task(pair)


def handed(project: Project, person: str, view: View, line: Sequence[Task]) -> Task | None:
    """Takes in hand what a page shows already: the first of what it was handed ahead, where that waits still."""
    if not line:
        return None
    first, *rest = line
    if first.check is None and not _waits(project, person, first.pair, view):
        return None
    return first if first.check else take(project, person, first.pair, rest)


def coming(project: Project, person: str, view: View, task: Task | None, line: Sequence[Task] = ()) -> list[Task]:
    """What comes after the task in hand, held for this person too, so that a page can show it at once.

    In a sample and among what people disagree on nothing is handed ahead: what comes next depends on the verdict. Of a
    sample the next pictures are loaded at least.

    Args:
        line: what the page was handed before, and has not come to yet.
    """
    if task is None or view.audit is not None or view.is_disputed:
        return []
    tasks = [one for one in line if one.check or _waits(project, person, one.pair, view)]
    check = _check(project, person, view)
    if check and len(tasks) < AHEAD and check.pair not in [task.pair, *(one.pair for one in tasks)]:
        tasks.append(Task(check.pair, check))
    last = next((one.pair for one in [*reversed(tasks), task] if one.check is None), task.pair)
    but = [task.pair, *(one.pair for one in tasks)]
    more = AHEAD - len(tasks)
    found = queues.reserve(project, person, view.queue, view.band, last, but, more) if more > 0 else []
    return [*tasks, *(Task(pair) for pair in found)]


def _check(project: Project, person: str, view: View) -> Check | None:
    """Hidden checks come among what waits, not among what somebody looks up, nor in a sample."""
    if view.audit is not None or view.status != "suggested":
        return None
    return checks.due(project, person, review_settings(project))


def _waits(project: Project, person: str, pair: int, view: View) -> bool:
    state = project.db.row("states", pair_id=pair, origin="generator")
    if state is None:
        return False
    if view.is_disputed:
        return pair in to_settle(project, person)
    if view.queue == "audit":
        apart = queues.awaits_opinion(project, person, pair, review_settings(project).overlap)
        return not state["looked"] or apart
    return bool(project.db.count("states", **(view.band.where() | {"pair_id": pair})))


# What is shown --------------------------------------------------------------------------------------------------


def shown(
    project: Project | None,
    person: str,
    view: View,
    task: Task | None,
    said: str | None = None,
    note: str = "",
    line: Sequence[Task] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What card and viewer show.

    Args:
        said: what the person answered before the suggestion was shown.
        note: a sentence on what was done.
        line: what the page was handed ahead and has not come to yet.
    """
    if project is None or not project.db.count("states", most=1, origin="generator"):
        return {"empty": texts.NOTHING, "words": texts.WORDS}, seen("", None)
    card = {
        "project": project.name, "person": person, "words": texts.WORDS, "reasons": list(texts.REASONS), "said": note,
        "standing": _standing(project, person, view), "people": _people(project), "view": view.model_dump(),
        "choices": _choices(project), "warnings": warnings(project), "sample": sample_words(project, view.audit),
    }  # fmt: skip
    if task is None:
        return card | {"empty": _nothing_left(project, person, view, card)}, seen(project.name, None)
    item = item_of(project, person, view, task, said)
    tasks = coming(project, person, view, task, line)
    pictures = [_picture_of(project, one) for one in [task, *tasks]]
    entries = [_ahead(project, person, view, *each, line) for each in zip(tasks, pictures[1:], strict=True)]
    picture = seen(project.name, pictures[0], pictures[1:] or _sample_ahead(project, view, task))
    return card | {"item": item, "picture": picture, "next": entries}, picture


def _ahead(
    project: Project, person: str, view: View, task: Task, picture: Picture, line: Sequence[Task]
) -> dict[str, Any]:
    """What a page needs to show a task later; of one that it has already, the name alone."""
    name = {"pair": task.pair, "check": task.check.kind if task.check else None}
    if task in line:
        return name
    return name | {"item": item_of(project, person, view, task), "picture": seen(project.name, picture)}


def _sample_ahead(project: Project, view: View, task: Task) -> list[Picture]:
    """The pictures that probably come next in a sample."""
    if view.audit is None:
        return []
    drawn = [row["pair_id"] for row in project.db.rows("audit_items", order="id", audit_id=view.audit)]
    open_ = {row["pair_id"] for row in project.db.rows("states", pair_id=drawn, looked=0)}
    waiting = [pair for pair in drawn if pair in open_ and pair != task.pair]
    turned = [*(pair for pair in waiting if pair > task.pair), *waiting]
    return [_picture_of(project, Task(pair)) for pair in list(dict.fromkeys(turned))[:AHEAD]]


def _picture_of(project: Project, task: Task) -> Picture:
    return project.picture(project.db.row("states", pair_id=task.pair)["image_id"])


def item_of(project: Project, person: str, view: View, task: Task, said: str | None = None) -> dict[str, Any]:
    """A suggestion as the card shows it: never what others said of it before this person has decided."""
    pair = project.pair(task.pair)
    apart = task.check is not None or (
        not view.is_disputed
        and queues.awaits_opinion(project, person, pair.id, review_settings(project).overlap)
    )
    written = project.db.rows("pairs", id=pair.id)[0]
    untouched = apart or pair.queue == "bulk" or pair.status == "suggested"
    asked = {name: written[name] if apart else getattr(pair, name) for name in ("question", "answer")}
    if task.check is not None:
        asked |= {"answer": task.check.answer}
    settings = review_settings(project)
    first = view.blind or settings.blind or audits.is_sampled(project, pair.id)
    blind = untouched and said is None and first
    bare = blind or view.audit is not None
    own = asked | {"state": texts.STATES["suggested" if apart else pair.status]}
    return {
        "id": pair.id, "verdict": None if apart else pair.verdict_id, "question": asked["question"],
        "answer": None if blind else asked["answer"], "type": pair.type, "choices": list(pair.choices),
        "status": "suggested" if apart else pair.status, "check": task.check.kind if task.check else None,
        "shown": task.check.answer if task.check else "",
        "blind": blind, "said_before": said, "score": None if bare else _score(pair),
        "why": "" if bare else texts.why(pair.signals, asked["answer"] or ""),
        "decided": "" if apart else _decided(project, pair),
        "was": {name: written[name] for name in ("question", "answer")} if pair.edited and not apart else None,
        "flagged": bool(project.db.count("remarks", pair_id=pair.id, person=person, kind="flag")),
        "comments": _comments(project, person, pair, untouched, view.is_disputed),
        **({"beside": [], "on_picture": ""} if bare else _beside(project, person, view, pair, own)),
    }  # fmt: skip


def _score(pair: PairState) -> str | None:
    signal = pair.signals.get("trust", pair.signals.get("agreement"))
    return None if signal is None else texts.SCORE.format(score=texts.percent(float(signal)))


def _decided(project: Project, pair: PairState) -> str:
    verdict = project.db.row("verdicts", id=pair.verdict_id) if pair.verdict_id is not None else None
    reason, queue = (verdict["reason"], verdict["queue"]) if verdict else ("", "")
    return texts.decided(pair.status, pair.reviewer, pair.edited, reason, queue)


def _comments(project: Project, person: str, pair: PairState, untouched: bool, disputed: bool) -> list[str]:
    """One's own, and those of others once one has decided; where people disagree, what each of them said."""
    own = {"person": person} if untouched else {}
    said = [_opinion(row) for row in project.db.rows("opinions", pair_id=pair.id)] if disputed else []
    return said + [f"{row.person}: {row.text}" for row in project.remarks(pair_id=pair.id, kind="comment", **own)]


def _opinion(row: dict[str, Any]) -> str:
    right = row["question_ok"] and row["answer_ok"]
    what = f"{texts.STATES['accepted']}, “{row['answer']}”" if right else texts.STATES["rejected"]
    return texts.OPINION.format(name=row["person"], what=what)


def _beside(project: Project, person: str, view: View, pair: PairState, own: dict[str, Any]) -> dict[str, Any]:
    """The suggestions on the same picture, in the order of the queue; `own`: what is shown of this one."""
    rows = project.db.rows("states", order="signal,pair_id", image_id=pair.image_id, origin="generator")
    ids = [row["pair_id"] for row in rows]
    place = ids.index(pair.id)
    start = max(0, min(place - SHOWN_BESIDE // 2, len(ids) - SHOWN_BESIDE))
    near = {each.id: each for each in project.pairs(id=ids[start : start + SHOWN_BESIDE])}
    beside = [_neighbour(project, person, view, near[id]) for id in ids[start : start + SHOWN_BESIDE]]
    return {
        "on_picture": texts.ON_PICTURE.format(place=place + 1, of=len(ids)),
        "beside": [each | own if each["id"] == pair.id else each for each in beside],
    }


def _neighbour(project: Project, person: str, view: View, pair: PairState) -> dict[str, Any]:
    """Another suggestion on the picture: nothing of what this person is still to say without having seen it."""
    settings = review_settings(project)
    apart = settings.overlap > 1 and queues.awaits_opinion(project, person, pair.id, settings.overlap)
    waits = apart or pair.queue == "bulk" or pair.status == "suggested"
    hidden = apart or (waits and (view.blind or settings.blind or audits.is_sampled(project, pair.id)))
    question = project.db.rows("pairs", id=pair.id)[0]["question"] if apart else pair.question
    return {
        "id": pair.id, "question": question, "answer": texts.UNSEEN if hidden else pair.answer,
        "state": texts.STATES["suggested" if apart else pair.status],
    }  # fmt: skip


def _standing(project: Project, person: str, view: View) -> str:
    found = queues.standing_of(project, person, view.queue)
    everything = found.everyone + found.left
    figures = {"mine": found.mine, "everyone": found.everyone, "of": everything, "left": found.left}
    words = [texts.STANDING.format(**{name: f"{value:,}" for name, value in figures.items()})]
    if found.seconds is not None:
        words.append(texts.PACE.format(seconds=f"{found.seconds:.0f}"))
        if found.left and found.mine >= ENOUGH_FOR_A_PACE:
            words.append(texts.REST.format(time=texts.time(found.seconds_left)))
            cost = spent(project, person).minutes_per_kept
            words += [texts.COST.format(minutes=texts.time(cost * 60))] if cost is not None else []
    return " · ".join(words)


def _people(project: Project) -> list[str]:
    decided: dict[str, int] = {}
    for row in project.db.rows("efforts", queue=list(queues.QUEUES), n=Other(0)):
        decided[row["person"]] = decided.get(row["person"], 0) + row["n"]
    ranked = sorted(decided, key=lambda name: -decided[name])
    return texts.people([(name, decided[name], queues.pace(project, name)) for name in ranked])


def _choices(project: Project) -> dict[str, list[tuple[str, str]]]:
    """What the line under the card offers: (value, words)."""
    jobs = {row["job_id"] for row in project.db.rows("tallies", status=list(texts.STATES), job_id=Other(0)) if row["n"]}
    people = sorted({row["person"] for row in project.db.rows("efforts", n=Other(0))})
    return {
        "queue": list(texts.QUEUES.items()),
        "type": [("", texts.ANY), *((name, name) for name in QUESTION_TYPES)],
        "job": [("", texts.ANY), *((str(job), texts.RUN.format(job=job)) for job in sorted(jobs))],
        "trust": [(key, words) for key, (words, *_) in texts.TRUST.items()],
        "status": list((texts.STATES | (texts.DISPUTED if review_settings(project).overlap > 1 else {})).items()),
        "reviewer": [("", texts.ANY), *((name, name) for name in people)],
        "help": texts.QUEUE_HELP,
    }


def _nothing_left(project: Project, person: str, view: View, card: dict[str, Any]) -> dict[str, Any]:
    if view.audit is not None:
        return texts.SAMPLE_DONE
    return texts.FINISHED if queues.standing_of(project, person).left == 0 else texts.NONE_LEFT


def advised(project: Project) -> str:
    """Whether another batch is worth its minutes, where two rounds were compared on the calibration split."""
    return texts.ADVICE.get(advice(gains(project)), "")


def offered(project: Project, view: View) -> dict[str, Any]:
    """What "Accept many…" offers for the chosen suggestions."""
    return offer(project, view.band)
