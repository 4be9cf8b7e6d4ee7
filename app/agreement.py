"""How far people agree who did not see each other's answers, and what somebody else must settle.

    agreement_view(project, "Dr. C")      # plain data for the view of that name of "People and progress"
"""

from typing import Any

from app.pictures import thumb_address
from app.texts import people as texts
from app.texts import review as review_texts
from leaml.evaluation.resampling import FEWEST
from leaml.review.agreement import (
    Agreement,
    Dispute,
    Estimate,
    agreement,
    differing_labels,
    disputes,
    label_ratings,
    verdict_ratings,
)
from leaml.store.project import PairState, Project

MOST_SHOWN = 50


def agreement_view(project: Project, person: str) -> dict[str, Any]:
    """What the view shows; what is still to be judged by somebody apart is no dispute yet."""
    verdicts, labels = agreement(verdict_ratings(project)), agreement(label_ratings(project))
    found = disputes(project)[:MOST_SHOWN]
    kinds = ((texts.OF_VERDICTS, verdicts), (texts.OF_LABELS, labels))
    return {
        "parts": [{"title": title, "text": words(each)} for title, each in kinds if each.items],
        "none": "" if verdicts.items else how(),
        "scale": texts.SCALE if any(each.alpha for _, each in kinds) else "",
        "disputes": {
            "title": texts.DISPUTES, "help": texts.SETTLE_HELP if found else texts.NO_DISPUTES,
            "rows": [_row(project, dispute, person) for dispute in found],
        },
        "labels": {
            "title": texts.DIFFERING, "help": texts.DIFFERING_HELP,
            "rows": [_answers(project, pairs, person) for pairs in differing_labels(project)[:MOST_SHOWN]],
        },
    }  # fmt: skip


def how() -> str:
    """Why there is nothing to compare, and how there would be."""
    names = {"settings": texts.TABS["settings"], "queue": review_texts.QUEUES["audit"]}
    return f"{texts.NONE_SHARED} {texts.HOW.format(**names)}"


def words(found: Agreement) -> str:
    """ "71 of 80 the same, by Dr. A and Dr. B. κ 0.71 (0.55 to 0.84), α …"; below 30 items, counts alone."""
    same = texts.SAME.format(same=found.same, n=found.items, people=", ".join(found.people))
    if found.items < FEWEST:
        return f"{same}; {texts.FEW.format(fewest=FEWEST)}."
    named = (("κ", found.kappa), ("α", found.alpha))
    return ". ".join([same, *(_coefficient(sign, each) for sign, each in named if each)]) + "."


def _coefficient(sign: str, found: Estimate) -> str:
    figures = {name: f"{getattr(found, name):.2f}" for name in ("value", "low", "high")}
    return texts.COEFFICIENT.format(sign=sign, **figures)


def _row(project: Project, dispute: Dispute, person: str) -> dict[str, Any]:
    """What each of them said, beside the suggestion as it was written."""
    written = project.db.rows("pairs", id=dispute.pair)[0]
    said = project.db.rows("verdicts", order="id", id=dispute.verdicts)
    own = person in dispute.people
    return {
        "pair": dispute.pair, "question": written["question"], "answer": written["answer"] or "",
        "thumb": thumb_address(project.name, dispute.image), "said": [_opinion(row) for row in said],
        "own": texts.OWN if own else "",
    }  # fmt: skip


def _answers(project: Project, pairs: list[PairState], person: str) -> dict[str, Any]:
    """The answers of several people to one question."""
    return {
        "question": pairs[0].question, "thumb": thumb_address(project.name, pairs[0].image_id),
        "said": [{"name": pair.person, "answer": pair.answer, "pair": pair.id} for pair in pairs],
        "own": texts.OWN if person in [pair.person for pair in pairs] else "",
    }  # fmt: skip


def _opinion(verdict: dict[str, Any]) -> dict[str, str]:
    right = verdict["question_ok"] and verdict["answer_ok"]
    corrected = verdict["question"] or verdict["answer"]
    what = texts.WHATS["rejected" if not right else "corrected" if corrected else "accepted"]
    more = verdict["reason"] or " ".join(filter(None, (verdict["question"], verdict["answer"])))
    return {"name": verdict["person"], "what": what, "more": more}
