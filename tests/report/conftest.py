"""Facts of a comparison with everything in it, and with hostile texts wherever a text of a project can stand."""

import pytest

from leaml.evaluation.trust import Answers, trust
from leaml.report.document import Facts
from leaml.report.votes import Ballot
from tests.app.small_project import HOSTILE


def figures(value: float, n: int = 400, low: float | None = None, high: float | None = None) -> dict:
    low, high = value - 0.04 if low is None else low, value + 0.04 if high is None else high
    return {"value": value, "low": low, "high": high, "n": n, "pictures": 90, "text": ""}


def row(name: str, adapter: int | None, value: float, base: dict | None, blind: dict | None, **more) -> dict:
    count = figures(value, 200) | {"near": figures(value + 0.1, 200)}
    several = figures(value, 120) | {"f1": figures(value + 0.05, 120)}
    return {
        "name": name, "adapter": adapter, **figures(value), "kind": "closed", "open": None,
        "by_type": {"count": count, "multiple choice": several, "open": figures(value, 12)},
        "by_question": {HOSTILE: figures(value, 40), "How many?": figures(value, 12)},
        "by_group": {"Patient Miller": figures(value)}, "against_base": base, "against_blind": blind,
        "without_picture": None, "trust": None, **more,
    }  # fmt: skip


def trusted() -> dict:
    sure = [0.3 + 0.6 * (n % 97) / 96 for n in range(400)]
    right = [(n * 37) % 100 < 100 * one for n, one in enumerate(sure)]
    pictures = [f"picture {n // 4}" for n in range(400)]
    chances = [(one, 1 - one) for one in sure]
    answers = Answers(chances, right, pictures)
    few = Answers(chances[:12], right[:12], pictures[:12])
    return {"closed": trust(answers, answers).as_json(), "open": trust(few).as_json()}


@pytest.fixture(scope="session")
def facts() -> Facts:
    looks = {"right": figures(0.3), "same": figures(0.4)}
    rows = [
        row("blind majority", None, 0.38, figures(-0.03), None),
        row("base", None, 0.41, None, figures(0.03, low=-0.01, high=0.07), without_picture=looks),
        row(HOSTILE, 3, 0.79, figures(0.38), figures(0.41), without_picture=looks, trust=trusted()),
    ]
    score = dict.fromkeys(("auroc", "aupr_out", "aupr_in", "fpr95"), figures(0.8))
    scores = {"knn": score, "combined": score}
    elsewhere = {"name": "/home/miller/other clinic", "inside": "test", "pictures": 55, "inside_pictures": 90,
                 "trained_pictures": 60, "model": HOSTILE, "scores": scores}  # fmt: skip
    answer = {"text": HOSTILE, "right": True}
    shown = [{"picture": 7, "question": HOSTILE, "label": HOSTILE, "type": "open", "base": answer, "adapted": answer}]
    return Facts(
        title=HOSTILE,
        made="2026-01-31",
        version="0.1.0",
        model={"adapter": 3, "name": HOSTILE, "base": "nano", "kind": "lora", "trained_weights": 327680, "bytes": 1},
        comparison={
            "sets": {"test": {"questions": 412, "rows": rows}},
            "elsewhere": [elsewhere, elsewhere | {"model": "base"}],
        },
        changes={"test": dict(n=412, fixed=48, broken=9, both_right=200, both_wrong=155, differ=61)},
        splits=[{"split": "test", "pictures": 90, "independent": 60, "labelled": 90, "labels": 412, "used": True}],
        types=[{"type": "count", "labels": 200}],
        effort={
            "labels": {"n": 1468, "people": 1, "timed": 400, "minutes": 93.2},
            "verdicts": {"n": 0, "people": 0, "timed": 0, "minutes": 0}, "bulk": 844,
            "captions": {"n": 400, "teachers": [HOSTILE]},
        },
        stages=[{"kind": "adapt", "options": [{"name": "learning_rate", "value": 0.002}], "seconds": 188.4,
                 "resumed": False}],
        behind={"labels": 268, "suggestions": 844, "captions": 400, "unseen": 844, "looked_at": 0, "corrected": 0,
                "generators": 1},
        looks={"comparisons": 3, "models": 2},
        ballots=[Ballot(f"Dr. {n % 2}", ("adapted", "base", "equal")[n % 3], str(n)) for n in range(90)],
        examples={kind: {"of": 48, "shown": 1, "rows": shown} for kind in ("typical", "fixed", "broken")},
    )  # fmt: skip
