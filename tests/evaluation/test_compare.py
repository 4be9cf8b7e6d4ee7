"""The table: rates and paired differences on the same held-out questions, and nothing on trained ones."""

from dataclasses import replace
from pathlib import Path

import pytest

from leaml.errors import DataError, OptionError
from leaml.evaluation.compare import compare, credit
from leaml.evaluation.metrics import difference, rate, scores
from leaml.records import Question


def questions(count: int = 60, group: str = "") -> list[Question]:
    """Three questions on each picture, of two types."""
    return [
        Question(
            Path(f"{number // 3}.png"),
            f"Question {number % 3}?",
            "yes",
            "yes/no" if number % 3 else "count",
            "test",
            group and f"{group} {number // 6}",
        )
        for number in range(count)
    ]


BASE = [number % 3 == 0 for number in range(60)]
BETTER = [number % 5 != 0 for number in range(60)]


def test_rates_and_paired_differences_are_those_of_the_metrics():
    asked = questions()
    table = compare(asked, {"base": BASE, "adapted": BETTER}, "base")
    clusters = [str(question.image) for question in asked]
    assert [row.name for row in table.rows] == ["base", "adapted"]
    assert table.row("base").difference is None
    assert table.row("adapted").accuracy == rate(BETTER, clusters)
    assert table.row("adapted").difference == difference(BETTER, BASE, clusters)
    assert table.row("adapted").difference.value == pytest.approx((sum(BETTER) - sum(BASE)) / 60)
    assert table.row("base").by_type.keys() == {"count", "yes/no"}
    assert table.row("base").by_type["count"].value == 1.0


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


def test_the_table_reads_as_people_read_it():
    table = compare(questions(), {"base": BASE, "adapted": BETTER}, "base")
    lines = table.text().splitlines()
    assert lines[0].startswith("base            0.33 [") and "against" not in lines[0]
    assert lines[1].startswith("adapted         0.80 [") and "against base +0.47 [" in lines[1]
    assert table.row("adapted").by_type["count"].n == 20
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


def test_open_questions_are_never_pooled_with_closed_ones():
    asked = [replace(asks, type="open") if place % 3 == 0 else asks for place, asks in enumerate(questions())]
    row = compare(asked, {"base": BASE, "adapted": BETTER}, "base").row("adapted")
    closed = [place for place in range(60) if place % 3]
    clusters = [str(asked[place].image) for place in closed]
    assert row.accuracy == rate([BETTER[place] for place in closed], clusters)
    assert row.difference == difference([BETTER[i] for i in closed], [BASE[i] for i in closed], clusters)
    assert row.open.n == 20 and row.open.value == 0.8 and row.open_difference.value == pytest.approx(-0.2)
    only_open = compare([replace(question, type="open") for question in asked], {"a": BASE}, "a").row("a")
    assert only_open.accuracy.n == 60 and only_open.open is None


def test_what_a_model_has_learned_from_is_refused_with_the_items_named():
    asked = questions()
    learned = {Path("4.png"), Path("5.png"), Path("elsewhere.png")}
    with pytest.raises(DataError, match="adapted has learned from the pictures of 6 of these questions") as caught:
        compare(asked, {"base": BASE, "adapted": BETTER}, "base", trained={"base": (), "adapted": learned})
    assert "'Question 0?' on 4.png" in caught.value.what and "1 more" in caught.value.what
    assert compare(asked, {"base": BASE}, "base", trained={"base": {Path("elsewhere.png")}})


def test_near_counts_and_shares_of_sets_stand_apart_from_what_is_right():
    kinds = [
        ("count", "2", "three", 1.0), ("count", "2", "2", 1.0), ("count", "2", "5", 0.0), ("count", "2", "many", 0.0),
        ("location", "upper-left; center", "center", 2 / 3), ("location", "center", "nowhere", 0.0),
        ("open", "a flat polyp", "flat polyp in view", 2 * 2 / (2 + 4)), ("yes/no", "yes", "yes", 1.0),
    ]  # fmt: skip
    asked = [Question(Path(f"{place}.png"), "?", truth, type, "test") for place, (type, truth, *_) in enumerate(kinds)]
    found = credit(asked, scores(asked, [said for _, _, said, _ in kinds]))
    assert found.keys() == {"count", "location", "open"}
    assert found["count"]["near"].value == 0.5
    for type, name in (("location", "f1"), ("open", "f1")):
        values = [value for kind, _, _, value in kinds if kind == type]
        assert found[type][name].value == pytest.approx(sum(values) / len(values))
        assert found[type][name].low < found[type][name].value < found[type][name].high
