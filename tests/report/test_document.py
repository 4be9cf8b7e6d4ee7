"""The document behind a report: verdicts that follow from intervals, limits that follow from figures, nobody named."""

import json
from dataclasses import replace

import pytest

from leaml.report.document import document, verdict
from tests.report.conftest import figures


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (figures(0.38), "better"),
        (figures(-0.38), "worse"),
        (figures(0.03, low=-0.01, high=0.07), "undetermined"),
        (figures(0.04, low=0.0, high=0.08), "undetermined"),
        (figures(0.38, n=29), "few"),
        (None, "few"),
    ],
)
def test_a_verdict_needs_an_interval_beyond_zero(difference, said):
    assert verdict(difference) == said


def test_it_is_json_and_names_neither_people_nor_groups_nor_places(facts):
    text = json.dumps(document(facts), allow_nan=False)
    for hidden in ("Dr. ", "Miller", "/home", "by_group"):
        assert hidden not in text
    assert [one["name"] for one in document(facts)["votes"]["people"]] == ["Person 1", "Person 2"]
    [elsewhere] = document(facts)["elsewhere"]
    assert elsewhere["name"] == "other clinic"


def test_kinds_and_wordings_stand_side_by_side_for_all_models(facts):
    [one] = document(facts)["sets"]
    kinds = {"count": 200, "multiple choice": 120, "open": 12}
    assert {entry["name"]: entry["n"] for entry in one["by_type"]} == kinds
    assert [cell["value"] for cell in one["by_type"][0]["cells"]] == [0.38, 0.41, 0.79]
    assert (one["against_base"], one["against_blind"]) == ("better", "better")
    assert one["adapted"]["adapter"] == 3 and one["base"]["name"] == "base"


def test_limits_say_what_the_figures_call_for(facts):
    said = " ".join(document(facts)["limits"])
    assert "holds 90 independent" in said and "One person, or one source" in said
    assert "Of 1,068 of the 1,468 labels" in said and "844 of the 844 suggestions" in said
    assert "not settled" not in said and "medical device" in said
    assert "in 3 comparisons, of 2 adapted" in said and "One training run" in said
    once = document(replace(facts, looks={"comparisons": 3, "models": 1}))
    assert "comparisons" not in " ".join(once["limits"])
    rows = facts.comparison["sets"]["test"]["rows"]
    same = rows[2] | {"without_picture": {"right": figures(0.7), "same": figures(0.97)}, "against_base": figures(0.01)}
    doubtful = same | {"against_base": figures(0.01), "against_blind": figures(-0.1)}
    sets = {"test": {"questions": 412, "rows": [*rows[:2], doubtful]}}
    said = " ".join(document(replace(facts, comparison={"sets": sets}))["limits"])
    assert "not settled" in said and "does worse than guessing" in said and "nearly always the same" in said


def test_without_a_comparison_it_says_that_nothing_was_measured(facts):
    whole = document(replace(facts, comparison={}, ballots=(), changes={}))
    assert whole["sets"] == [] and whole["votes"] is None and "Nothing was measured" in whole["limits"][0]
