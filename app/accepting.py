"""The words and figures of "Accept many…": which plans a band allows, where a sample stands, what was found since."""

from typing import Any

from app.texts import review as texts
from leaml.review import audits, plans
from leaml.review.bands import Band, count
from leaml.store.conditions import Other
from leaml.store.project import Project

TRIES = (1, 2)


def offer(project: Project, band: Band) -> dict[str, Any]:
    """How many wait in a band, and the samples that may be drawn of it, the advised one first."""
    waiting = count(project, band)
    words = texts.MANY["band"].format(n=f"{waiting:,}") if waiting else texts.MANY["none"]
    found = {"words": texts.MANY, "count": words, "plans": [], "open": open_samples(project)}
    if not waiting:
        return found
    expected = audits.expected(project, band)
    allowed = [(plan, tries) for tries in TRIES for plan in audits.offered(project, band, tries)]
    if not allowed:
        return found | {"count": f"{words}. {texts.MANY['going'] + '.' if found['open'] else texts.MANY['used']}"}
    offered = [(plan, tries) for plan, tries in allowed if plan.size <= waiting]
    if not offered:
        return found | {"count": f"{words}. {texts.MANY['few'].format(n=allowed[0][0].size)}"}
    advised = plans.advised([plan for plan, tries in offered if tries == offered[0][1]], expected)
    choices = [(plan, tries) for plan, tries in offered if plan.size <= advised.size or plan.allowed <= 1]
    choices.sort(key=lambda each: (each[0] != advised, each[1], each[0].size))
    hopeless = advised.chance(expected) < texts.HOPELESS
    return found | {
        "count": f"{words}. {texts.MANY['hopeless']}." if hopeless else words,
        "plans": [_choice(plan, tries, expected, plan == advised and not hopeless) for plan, tries in choices],
    }


def _choice(plan: plans.Plan, tries: int, expected: float, advised: bool) -> dict[str, Any]:
    chance = texts.CHANCE.format(
        chance=texts.percent(plan.chance(expected)), precision=texts.percent(expected)
    )
    words = texts.plan(plan.size, plan.allowed, tries)
    return {
        "allowed": plan.allowed, "tries": tries, "words": words, "advised": advised,
        "more": f"{texts.ADVISED}; {chance}" if advised else chance,
    }  # fmt: skip


def open_samples(project: Project) -> list[dict[str, Any]]:
    """Samples that were begun and not finished, and such whose rest was not accepted yet."""
    found = []
    for row in project.db.rows("audits", order="-id", limit=10, ended=0):
        state = audits.state(project, row["id"])
        if state.outcome == "open" or (state.outcome == "passed" and state.rest and not state.accepted):
            found.append({"audit": state.id, "words": _progress(state)})
    return found


def sample_words(project: Project, audit: int | None) -> dict[str, Any] | None:
    """Where the sample that is being judged stands, and what may be done now."""
    if audit is None:
        return None
    state = audits.state(project, audit)
    words = {"audit": audit, "outcome": state.outcome, "close": texts.CLOSE_BUTTON, "mark": texts.SAMPLE_MARK}
    if state.outcome == "open":
        return words | {"text": _progress(state), "end": texts.END_BUTTON, "share": state.judged / state.plan.size}
    if state.outcome != "passed":
        told = texts.FAILED if state.outcome == "failed" else texts.ENDED
        return words | {"text": told.format(wrong=state.wrong, n=state.judged, size=state.plan.size)}
    told = texts.PASSED if state.rest else texts.PASSED_DONE
    right = state.judged - state.wrong
    figures = {"right": right, "n": state.judged, "bound": texts.bound(state.bound or 0.0)}
    text = told.format(**figures, rest=f"{state.rest:,}", accepted=f"{state.accepted:,}")
    return words | {"text": text, "rest": texts.REST_BUTTON.format(n=f"{state.rest:,}") if state.rest else ""}


def warnings(project: Project) -> list[dict[str, Any]]:
    """What was accepted together and can no longer be said to be right."""
    if not project.db.count("verdicts", most=1, queue="bulk", audit_id=Other(None)):
        return []
    return [
        {
            "audit": found.audit, "back": texts.TAKE_BACK,
            "text": texts.WARNING.format(
                audit=found.audit, wrong=found.wrong, checked=found.checked, bound=texts.bound(found.bound),
                target=texts.percent(found.target),
            ),
        }
        for found in audits.watched(project)
        if found.has_fallen
    ]  # fmt: skip


def _progress(state: audits.State) -> str:
    allowed = texts.ALLOWED[state.plan.allowed]
    return texts.SAMPLE.format(judged=state.judged, size=state.plan.size, wrong=state.wrong, allowed=allowed)
