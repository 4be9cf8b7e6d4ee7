"""Blind A/B: two answers without names, one key, then the names. Which model stands where follows from a hash alone.

The browser is told neither: it gets two texts, and says "left" or "right". A vote keeps the sides as they stood.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from app import gallery
from app.asking import adapted
from app.results import newest
from app.texts import blind as texts
from app.texts import compare as compare_texts
from leaml.errors import DataError
from leaml.jobs.ballots import ballots
from leaml.jobs.queue import Job
from leaml.report.votes import OUTCOMES, by_person, tally
from leaml.store.project import Adapter, Project, Vote

LONGEST_SECONDS = 600.0
"""Beyond this somebody did something else: no time is kept."""

Side = Literal["left", "right"]
Sides = tuple[int | None, int | None]
"""Whose answer stands on the left, and whose on the right; None is the base model."""


class Judged(BaseModel):
    """What the card asks for."""

    act: Literal["show", "vote", "undo"] = "show"
    adapter: int | None = None
    pair: int | None = None
    choice: Literal["left", "right", "equal", "neither"] | None = None
    rubric: dict[Side, list[Literal["correct", "complete", "harmful"]]] = Field({}, max_length=2)
    seconds: float = 0.0


def sides(job: Job, pair: int, adapter: int, person: str) -> Sides:
    """The same for the same question and person whenever it is shown, and as good as thrown by a coin."""
    return (adapter, None) if _drawn("side", job, pair, adapter, person)[0] % 2 else (None, adapter)


def _drawn(what: str, job: Job, pair: int, adapter: int, person: str) -> bytes:
    return hashlib.sha256(f"{what} {job.run} {pair} {adapter} {person}".encode()).digest()


def act(project: Project, person: str, judged: Judged) -> str:
    """Keeps a vote, or takes the last step back, and says what was done.

    Raises:
        DataError: there is no such question to judge, or it was judged already. StorageError: nothing to take back.
    """
    if judged.act == "undo":
        return project.undo(person)
    job = newest(project)
    if judged.act == "show" or job is None or judged.pair is None or judged.adapter is None:
        return ""
    if judged.choice is None:
        raise DataError(*texts.NO_CHOICE)
    seconds = judged.seconds if 0 < judged.seconds <= LONGEST_SECONDS else None
    stood = sides(job, judged.pair, judged.adapter, person)
    project.vote(person, job.run, judged.pair, stood, judged.choice, judged.rubric, seconds)
    return ""


# ---- what is shown -----------------------------------------------------------------------------------------------


def card(project: Project | None, person: str, wanted: Judged) -> tuple[dict[str, Any], int | None]:
    """What the card shows, and the picture that belongs beside it."""
    job = newest(project)
    models = gallery.compared(project, job)
    against = adapted(models, wanted.adapter)
    if project is None or job is None or against is None:
        return {"empty": texts.NOTHING}, None
    votes = [vote for vote in project.votes(job.run) if against.id in (vote.left, vote.right)]
    mine = [vote for vote in votes if vote.person == person]
    _, answers = gallery.tested(project, job)
    differing = [pair for pair in answers if gallery.is_kind("differ", answers[pair], against.id)]
    left = _in_order(differing, job, against, person, {vote.pair_id for vote in mine})
    value = {
        "words": texts.WORDS,
        "project": project.name,
        "adapter": against.id,
        "adapters": [{"id": adapter.id, "name": adapter.name} for adapter in models],
        "standing": texts.standing(len(mine), len(left), len(answers) - len(differing)),
        "before": _before(project, mine[-1], answers, against) if mine else None,
    }
    if not left:
        return value | {"finished": texts.FINISHED}, None
    pair = project.pair(left[0])
    texts_of = {model: answers[pair.id][model].text for model in (None, against.id)}
    shown = [texts_of[model] for model in sides(job, pair.id, against.id, person)]
    return value | {"item": {"pair": pair.id, "question": pair.question, "answers": shown}}, pair.image_id


def _in_order(pairs: Sequence[int], job: Job, against: Adapter, person: str, judged: set[int]) -> list[int]:
    """What a person has still to judge, shuffled, for everybody otherwise."""
    waiting = (pair for pair in pairs if pair not in judged)
    return sorted(waiting, key=lambda pair: _drawn("order", job, pair, against.id, person))


def _before(
    project: Project, vote: Vote, answers: dict[int, gallery.Answers], against: Adapter
) -> dict[str, Any] | None:
    """The question that was judged last, now with the names."""
    pair = project.pair(vote.pair_id)
    given = answers.get(pair.id, {})
    if not {vote.left, vote.right} <= given.keys():
        return None
    return {
        "question": pair.question,
        "label": pair.answer,
        "choice": texts.CHOSEN[vote.choice],
        "answers": [
            {
                "side": side,
                "name": against.name if model else compare_texts.BASE,
                "text": given[model].text,
                "right": given[model].correct,
                "mark": compare_texts.RIGHT if given[model].correct else compare_texts.WRONG,
            }
            for side, model in zip(texts.SIDES, (vote.left, vote.right), strict=True)
        ],
    }


# ---- what came of it ---------------------------------------------------------------------------------------------


def votes_table(project: Project | None, adapter: int | None) -> dict[str, Any]:
    """Votes of everyone on the newest comparison, one row for each person; nothing before the first vote."""
    job = newest(project)
    against = adapted(gallery.compared(project, job), adapter)
    if project is None or job is None or against is None:
        return {}
    given = ballots(project, job, against.id)
    if not given:
        return {}
    everyone = tally(given)
    people = {texts.EVERYONE: everyone} | by_person(given)
    return {
        "words": texts.TABLE | {"adapted": texts.BETTER.format(name=against.name)},
        "rows": [_row(name, found) for name, found in people.items()],
        "notes": [texts.WIN_RATE, *texts.ticked(everyone["ticked"], everyone["n"], against.name)],
    }


def _row(name: str, found: dict[str, Any]) -> dict[str, Any]:
    counts = {outcome: found[outcome] for outcome in OUTCOMES}
    return {"name": name, **counts, "rate": compare_texts.rate(found["win_rate"]) if found["win_rate"] else ""}
