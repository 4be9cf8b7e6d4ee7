"""The Trust view: each figure in a sentence with its n, the verdicts that follow, and what was not measured."""

import re

import pytest

from app import trust
from app.texts import trust as texts
from leaml.evaluation.trust import Answers
from leaml.evaluation.trust import trust as measure
from leaml.report import verdicts
from tests.app.small_project import HOSTILE, small_project


def answers(certainty: float, n: int = 400) -> Answers:
    """Answers that are right as often as `certainty` says of how sure the model is: 1 is an honest model."""
    sure = [0.5 + 0.49 * (k % 83) / 82 for k in range(n)]
    right = [(k * 61) % 100 < 100 * one * certainty for k, one in enumerate(sure)]
    return Answers([(one, 1 - one) for one in sure], right, [f"picture {k // 4}" for k in range(n)])


def part(certainty: float, n: int = 400, calibrated: bool = True) -> dict:
    given = answers(certainty, n)
    return measure(given, given if calibrated else None).as_json()


def figures(value: float) -> dict:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 400, "pictures": 90, "text": ""}


@pytest.fixture
def project(tmp_path):
    project = small_project(tmp_path / "polyps")
    yield project
    project.close()


def compared(project, **result) -> None:
    project.db.insert("jobs", {"kind": "compare", "state": "done", "result": result})


def row(name: str, adapter: int | None, closed: dict | None, open_: dict | None = None) -> dict:
    looks = {"same": figures(0.4), "right": figures(0.3)}
    return {"name": name, "adapter": adapter, "trust": {"closed": closed, "open": open_}, "without_picture": looks}


def test_each_figure_is_said_with_its_n_and_its_range(project):
    score = {"auroc": figures(0.8)}
    other = {"name": HOSTILE, "inside": "test", "pictures": 55, "inside_pictures": 90}
    other |= {"model": "base", "scores": {"knn": score}}
    rows = [row("base", None, part(0.7)), row(HOSTILE, 3, part(0.7), part(1, 12))]
    compared(project, sets={"test": {"questions": 400, "rows": rows}}, elsewhere=[other])
    shown = trust.view(project)
    assert HOSTILE not in shown and shown.count("<svg") == 4
    plain = " ".join(re.sub(r"<[^>]+>", " ", shown).split())
    for sentence in (
        r"apart on average \(400 answers, 100 pictures or patients\)", "too sure of itself",
        r"Adjusted on 400 answers of the calibration set alone \(temperature [0-9.]+\)", r"% \[\d+, \d+\] of the cases",
        r"With at most 5 % wrong, it could answer", "12 answers of this kind: too few",
        r"Asked without the picture, it says the same in 40 % \[35, 45\]", r"\(55 pictures\) against test \(90\)",
        r"80 % \[75, 85\]",
    ):  # fmt: skip
        assert re.search(sentence, plain), sentence
    assert shown.index("&lt;img") < shown.index("Base model"), "the adapted model comes first, and is open"
    assert len(re.findall(r"<details[^>]* open>", shown)) == 1


@pytest.mark.parametrize(("certainty", "said"), [(1.0, verdicts.HONEST), (0.6, verdicts.TOO_SURE)])
def test_the_verdict_holds_the_error_against_chance(certainty, said):
    assert texts.VERDICTS[said] in texts.calibration(part(certainty))[0]


def test_a_model_that_is_right_more_often_than_it_sounds_is_too_modest():
    given = answers(1.0)
    low = Answers([(one / 2, 1 - one / 2) for one, _ in given.chances], given.correct, given.clusters)
    assert texts.VERDICTS[verdicts.TOO_MODEST] in texts.calibration(measure(low).as_json())[0]


def test_without_calibration_answers_nothing_is_adjusted_and_a_person_is_always_asked():
    alone = part(0.7, calibrated=False)
    assert texts.NOT_ADJUSTED.format(fewest=30) in texts.calibration(alone)
    assert texts.ASK_ALWAYS.format(risk="5 %") in texts.selective(alone)


def test_an_adjustment_that_went_to_its_limit_says_not_to_go_by_it():
    assert "went as far" not in " ".join(texts.calibration(part(0.7)))
    for limit, said in (("upper", "says nothing of whether it is right"), ("lower", "right nearly always")):
        assert said in texts.calibration(part(0.7) | {"temperature_limit": limit})[-1]


def test_every_figure_stands_in_the_table():
    rows = {name: cells for name, *cells in texts.figures(part(0.7))}
    found = part(0.7)
    assert rows["Brier score"][0] == texts.decimals(found["before"]["brier"])
    assert rows["Brier score"][1] == texts.decimals(found["after"]["brier"]) != rows["Brier score"][0]
    assert all(cells[0] for cells in rows.values()) and len(rows) == 9
    assert texts.figures(part(0.7, calibrated=False))[0][2] == ""


def test_the_threshold_is_said_with_what_it_does():
    found = part(1.0)
    found["selective"] |= {"threshold": 0.86, "answered": figures(0.45), "wrong_among_answered": figures(0.04)}
    said = texts.selective(found)[-1]
    assert "less than 86 % sure" in said and "45 % [40, 50]" in said and "4 % [-1, 9] of these wrong" in said


def test_what_was_not_measured_is_said(project):
    assert texts.NOTHING in trust.view(project) and texts.NOTHING in trust.view(None)
    compared(project, sets={"test": {"rows": [{"name": "base", "adapter": None, "trust": None}]}})
    assert texts.NOT_MEASURED in trust.view(project)
