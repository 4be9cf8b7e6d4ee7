"""How far a review is, in figures and in sentences: queues, people, agreement, samples, checks, and when to stop."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from leaml.review import audits, economics, queues
from leaml.review.agreement import agreement, label_ratings, verdict_ratings
from leaml.review.checks import reviewer
from leaml.review.plans import interval
from leaml.store.conditions import Other
from leaml.store.project import Project

ADVICE = {
    "go on": "The newest round still helped: another batch is worth it.",
    "stop": "The newest round moved nothing beyond chance: another batch is not worth it.",
}


def progress(project: Project) -> dict[str, Any]:
    """All figures, as JSON."""
    names = sorted({row["person"] for row in project.db.rows("efforts", queue=list(queues.QUEUES), n=Other(0))})
    random = [right for right, _ in audits.audited(project)]
    gains = economics.gains(project)
    return {
        "queues": {queue: asdict(queues.standing_of(project, "", queue)) for queue in queues.QUEUES},
        "people": {name: _person(project, name) for name in names},
        "random": {"n": len(random), "right": sum(random), "interval": interval(len(random), sum(random))},
        "agreement": asdict(agreement(verdict_ratings(project))),
        "labels agreement": asdict(agreement(label_ratings(project))),
        "samples": [_sample(state) for state in audits.states(project)],
        "warnings": [asdict(found) for found in audits.watched(project) if found.has_fallen],
        "gains": [asdict(gain) for gain in gains],
        "advice": economics.advice(gains),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same in sentences."""
    fix, random = found["queues"]["fix"], found["random"]
    yield f"{fix['everyone']:,} suggestions decided, {fix['left']:,} wait."
    for name, person in found["people"].items():
        pace = f", {person['seconds']:.0f} s each" if person["seconds"] is not None else ""
        checked = person["missed"][1] + person["agreed"][1]
        yield f"  {name}: {person['decisions']:,} decided, {person['kept']:,} kept{pace}"
        if checked:
            yield f"    missed {_of(person['missed'])} wrong answers; judged {_of(person['agreed'])} repeats as before"
    if random["n"]:
        low, high = random["interval"]
        yield f"At random: {random['right']} of {random['n']} right as written [{low:.2f}, {high:.2f}]."
    for what, name in (("verdicts", "agreement"), ("labels", "labels agreement")):
        if found[name]["items"]:
            yield f"Agreement on {what}: {found[name]['same']} of {found[name]['items']} the same{_alpha(found[name])}."
    for sample in found["samples"]:
        bound = f", at least {sample['bound']:.3f} right" if sample["bound"] is not None else ""
        yield f"Sample {sample['id']}: {sample['outcome']}, {sample['wrong']} of {sample['judged']} wrong{bound}."
    for warning in found["warnings"]:
        wrong = f"{warning['wrong']} of {warning['checked']} checked since are wrong"
        yield f"Warning: of what sample {warning['audit']} let pass, {wrong}."
    if found["advice"] in ADVICE:
        yield ADVICE[found["advice"]]


def _person(project: Project, name: str) -> dict[str, Any]:
    checked = reviewer(project, name)
    shares = {"missed": checked.missed, "agreed": checked.agreed}
    return asdict(economics.spent(project, name)) | {key: (share.hits, share.n) for key, share in shares.items()}


def _sample(state: audits.State) -> dict[str, Any]:
    return {
        "id": state.id, "person": state.person, "band": state.band.plain(), "plan": asdict(state.plan),
        "judged": state.judged, "wrong": state.wrong, "outcome": state.outcome, "bound": state.bound,
        "accepted": state.accepted,
    }  # fmt: skip


def _of(share: tuple[int, int]) -> str:
    return f"{share[0]} of {share[1]}"


def _alpha(found: dict[str, Any]) -> str:
    named = (("κ", found["kappa"]), ("α", found["alpha"]))
    return "".join(f", {sign} {e['value']:.2f} [{e['low']:.2f}, {e['high']:.2f}]" for sign, e in named if e)
