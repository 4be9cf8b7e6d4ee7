"""The table: rates and paired differences on the same held-out questions, and nothing on trained ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from leaml.errors import DataError, OptionError
from leaml.evaluation.compare import compare
from leaml.evaluation.metrics import difference, rate
from leaml.records import Question


def questions(count: int = 60, group: str = "") -> list[Question]:
    """Three questions on each picture, of two types."""
    return [
        Question(
            Path(f"{number // 3}.png"),
            f"Question {number % 3}?",
            "yes",
            "yes/no" if number % 3 else "open",
            "test",
            group and f"{group} {number // 6}",
        )
        for number in range(count)
    ]


BASE = [number % 3 == 0 for number in range(60)]
BETTER = [number % 5 != 0 for number in range(60)]


def test_rates_and_paired_differences_are_those_of_the_metrics():
    asked = questions()
    table = compare(asked, {"base": BASE, "adapted": BETTER}, "base", seed=3)
    clusters = [str(question.image) for question in asked]
    assert [row.name for row in table.rows] == ["base", "adapted"]
    assert table.row("base").difference is None
    assert table.row("adapted").accuracy == rate(BETTER, clusters, 3)
    assert table.row("adapted").difference == difference(BETTER, BASE, clusters, 3)
    assert table.row("adapted").difference.value == pytest.approx((sum(BETTER) - sum(BASE)) / 60)
    assert table.row("base").by_type.keys() == {"open", "yes/no"}
    assert table.row("base").by_type["open"].value == 1.0


def test_the_difference_is_paired_by_question():
    """The same two rates: once right on the same questions, once on others."""
    asked = questions()
    flipped = [not right for right in BASE]
    same = compare(asked, {"a": BASE, "b": list(BASE)}, "a").row("b").difference
    other = compare(asked, {"a": BASE[:30] + flipped[30:], "b": flipped[:30] + BASE[30:]}, "a").row("b").difference
    assert same.value == 0 and other.value == pytest.approx(0)
    assert same.high - same.low < other.high - other.low


def test_what_is_resampled_are_groups_where_they_are_known():
    assert compare(questions(), {"a": BASE}, "a").row("a").accuracy.clusters == 20
    assert compare(questions(group="patient"), {"a": BASE}, "a").row("a").accuracy.clusters == 10


def test_text_and_figures_say_the_same():
    table = compare(questions(), {"base": BASE, "adapted": BETTER}, "base")
    lines = table.text().splitlines()
    assert lines[0].startswith("base            0.33 [") and "against" not in lines[0]
    assert lines[1].startswith("adapted         0.80 [") and "against base +0.47 [" in lines[1]
    figures = table.figures()
    assert figures["base"]["difference"] is None and figures["base"]["n"] == 60 and figures["base"]["pictures"] == 20
    assert figures["adapted"]["difference"]["value"] == pytest.approx(28 / 60)
    assert figures["adapted"]["by_type"]["open"]["n"] == 20
    with pytest.raises(KeyError):
        table.row("other")


def test_trained_items_are_refused_by_name():
    asked = questions()
    asked[7] = replace(asked[7], split="train")
    with pytest.raises(DataError, match=r"'Question 1\?' on 2\.png is of the train split") as caught:
        compare(asked, {"a": BASE}, "a")
    assert caught.value.fix


def test_no_questions_other_lengths_and_an_unknown_baseline_are_refused():
    with pytest.raises(DataError, match="no questions"):
        compare([], {"a": []}, "a")
    with pytest.raises(DataError):
        compare(questions(), {"a": BASE, "b": BASE[1:]}, "a")
    with pytest.raises(OptionError, match="no answers of c"):
        compare(questions(), {"a": BASE}, "c")
