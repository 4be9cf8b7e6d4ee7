"""A reviewer's decision: checked against what was on the screen and against leases, then kept.

    decide(project, "Dr. A", Decision(pair=17, seen=None, accept=True, seconds=4.2))

Reasons are words of the project's language of review; screens offer them by digit.
"""

from dataclasses import dataclass

from leaml.errors import DataError
from leaml.review import audits, checks, leases, queues
from leaml.review.agreement import disputes
from leaml.review.settings import ReviewSettings, review_settings
from leaml.store.project import Project

REASONS = (
    "wrong finding",
    "wrong answer",
    "unanswerable",
    "wrong place",
    "duplicate",
    "poor image",
    "identity visible",
)
"""Why a suggestion is rejected, by digit from 1."""
QUESTION_IS_FINE = ("wrong finding", "wrong answer", "wrong place")
"""Reasons that speak against the answer alone."""
LONGEST_SECONDS = 600.0
"""Beyond this somebody did something else: no time is kept."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer says to a suggestion.

    Attributes:
        seen: the newest verdict that the reviewer could see; another one by now means that somebody was faster.
        accept: question and answer are right, perhaps as corrected.
        question, answer: as corrected; None: as they stand.
        question_ok, answer_ok: the two verdicts of a rejection; None: as the reason says.
        said: what the reviewer answered before the suggestion was shown.
        check: the hidden check that was shown in its place.
        audit: number of the sample that it belongs to.
    """

    pair: int
    seen: int | None
    accept: bool
    question: str | None = None
    answer: str | None = None
    question_ok: bool | None = None
    answer_ok: bool | None = None
    reason: str = ""
    said: str | None = None
    seconds: float | None = None
    queue: queues.Queue = "fix"
    audit: int | None = None
    check: checks.Check | None = None


def decide(project: Project, person: str, decision: Decision) -> None:
    """Keeps a decision.

    Raises:
        DataError: the reason is unknown, somebody was faster or has it in hand, a corrected text says nothing, it is
            one of a sample and was not judged blind, or others disagree with this person about it.
    """
    if not decision.accept and decision.reason not in REASONS:
        raise DataError(f"“{decision.reason}” is no reason that is known here.", "Choose one of the list.")
    seconds = decision.seconds if decision.seconds and 0 < decision.seconds <= LONGEST_SECONDS else None
    settings = review_settings(project)
    with project.db.transaction():
        if decision.check is not None:
            _answer_check(project, person, decision, decision.check, seconds)
            return
        if _is_kept(project, person, decision, seconds):
            return
        disputed = disputes(project, pair_id=decision.pair)
        _may_decide(project, person, decision, settings)
        if any(person in dispute.people for dispute in disputed):
            raise DataError("You and somebody else disagree about this suggestion.", "A third person settles it.")
        # What settles a disagreement is no further opinion beside the others.
        queue = "audit" if decision.audit is not None else "fix" if disputed else decision.queue
        question_ok, answer_ok = ticks(decision)
        project.judge(
            person, decision.pair, decision.accept, decision.question, decision.answer,
            "" if decision.accept else decision.reason, seconds, queue,
            question_ok=question_ok, answer_ok=answer_ok, said=decision.said, audit_id=decision.audit,
        )  # fmt: skip


def _is_kept(project: Project, person: str, decision: Decision, seconds: float | None) -> bool:
    """Whether this very decision stands: who did not hear that it was kept sends it again."""
    pair = project.pair(decision.pair)
    if pair.verdict_id in (None, decision.seen) or pair.reviewer != person:
        return False
    row = project.db.row("verdicts", id=pair.verdict_id)
    reason = "" if decision.accept else decision.reason
    return (row["seconds"], row["reason"], row["audit_id"]) == (seconds, reason, decision.audit)


def ticks(decision: Decision) -> tuple[bool, bool]:
    """The verdicts on question and answer."""
    if decision.accept:
        return True, True
    if decision.question_ok is None and decision.answer_ok is None:
        return decision.reason in QUESTION_IS_FINE, False
    return bool(decision.question_ok), bool(decision.answer_ok)


def _answer_check(
    project: Project, person: str, decision: Decision, check: checks.Check, seconds: float | None
) -> None:
    newest = next(iter(project.db.rows("checks", order="-id", limit=1, person=person)), None)
    if newest and seconds and (newest["pair_id"], newest["seconds"]) == (check.pair, seconds):
        return  # who did not hear that it was kept sends it again
    changed = decision.question not in (None, check.question) or decision.answer not in (None, check.answer)
    checks.answered(project, person, check, decision.accept and not changed, seconds)


def _may_decide(project: Project, person: str, decision: Decision, settings: ReviewSettings) -> None:
    pair = project.pair(decision.pair)
    asked_apart = queues.awaits_opinion(project, person, pair.id, settings.overlap)
    if pair.verdict_id != decision.seen and not asked_apart:
        raise DataError("Somebody has judged this suggestion in the meantime.", "Look at it again, then decide.")
    if pair.id in leases.held(project, "pair", person, settings.overlap if decision.queue == "audit" else 1):
        raise DataError("Somebody else has this suggestion in hand now.", "Take the next one.")
    if decision.said is None and audits.is_sampled(project, pair.id):
        raise DataError("This suggestion belongs to a sample that is judged blind.", "Give your own answer first.")
