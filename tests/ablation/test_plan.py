"""Plans: what they refuse, what they run, and how the trials' choices are kept."""

import json

import pytest

from leaml.ablation.plan import Plan, freeze, read_plan
from leaml.ablation.run import some
from leaml.errors import OptionError, StorageError

TRIALS = [{"adapt.learning_rate": 0.001}, {"adapt.learning_rate": 0.002}]


def written(tmp_path, **changed):
    plan = {
        "name": "small",
        "data": "data",
        "labels": {"1 %": 4, "all": None},
        "seeds": [10, 11],
        "development_seeds": [0, 1],
        "against": ["labels only"],
        "rows": [
            {"name": "blind", "answers": "blind", "labels": ["1 %"]},
            {"name": "base", "answers": "base", "labels": ["1 %"]},
            {"name": "labels only", "labels": ["1 %", "all"], "trials": TRIALS},
            {"name": "LEAML", "labels": ["1 %"], "pairs": "generator", "trials": TRIALS},
            {"name": "half wrong", "labels": ["1 %"], "pairs": "generator", "like": "LEAML", "wrong": 0.5},
        ],
    }
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plan | changed), encoding="utf-8")
    return path


def names(cells):
    return [(cell.row.name, cell.labels, cell.seed) for cell in cells]


def test_nothing_is_measured_before_its_trials_are_decided(tmp_path):
    plan = read_plan(written(tmp_path))
    assert names(plan.cells()) == [("blind", "1 %", 10), ("base", "1 %", 10), ("blind", "1 %", 11)]
    assert len(list(plan.trial_cells())) == 2 * 2 * 2  # rows × trials × development seeds
    assert {cell.labels for _, cell in plan.trial_cells()} == {"1 %"}
    assert {cell.seed for _, cell in plan.trial_cells()} == {0, 1}


def test_a_choice_is_kept_in_the_plan_and_taken_over_by_rows_that_follow_it(tmp_path):
    path = written(tmp_path)
    freeze(path, "LEAML", 1)
    plan = read_plan(path)
    chosen = [cell for cell in plan.cells() if cell.row.name in ("LEAML", "half wrong")]
    assert names(chosen) == [
        ("LEAML", "1 %", 10), ("half wrong", "1 %", 10),
        ("LEAML", "1 %", 11), ("half wrong", "1 %", 11),
    ]  # fmt: skip
    assert {cell.trial["adapt.learning_rate"] for cell in chosen} == {0.002}
    assert {cell.row.name for _, cell in plan.trial_cells()} == {"labels only"}


def test_options_are_the_plan_s_then_the_row_s_then_the_trial_s(tmp_path):
    path = written(tmp_path, settings={"adapt.steps": 7, "adapt.rank": 4, "adapt.learning_rate": 0.5})
    plan = read_plan(path)
    _, cell = next(plan.trial_cells())
    options = cell.options("adapt", plan.settings, "nano")
    assert (options.steps, options.rank, options.learning_rate, options.seed) == (7, 4, 0.001, 0)


def test_some_rows_bring_those_that_they_follow(tmp_path):
    plan = read_plan(written(tmp_path))
    assert [row.name for row in some(plan, ["half wrong"]).rows] == ["LEAML", "half wrong"]
    with pytest.raises(OptionError, match="no row"):
        some(plan, ["LEAM"])


ROW = {"name": "one", "labels": ["1 %"]}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rows": [ROW, ROW]}, "same name"),
        ({"rows": [ROW | {"labels": ["2 %"]}]}, "no label count"),
        ({"rows": [ROW | {"like": "two"}]}, "no row two"),
        ({"rows": [ROW | {"settings": {"adapt.speed": 1}}]}, "adapt.speed"),
        ({"rows": [ROW | {"answers": "blind", "pairs": "teacher"}]}, "nothing is trained"),
        ({"rows": [ROW | {"review": {"verdicts": 5}}]}, "no suggestions"),
        ({"rows": [ROW | {"trials": TRIALS}, ROW | {"name": "two"}]}, "number of trials"),
        ({"rows": [ROW], "against": ["two"]}, "no row two"),
        ({"rows": [ROW | {"trials": TRIALS, "chosen": 2}]}, "no trial 2"),
        ({"rows": [ROW], "against": [], "development_seeds": [10]}, "test seed"),
        ({"rows": [ROW], "against": [], "colour": "red"}, "colour"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, changed, says):
    changed.setdefault("against", [])
    with pytest.raises(OptionError) as refused:
        read_plan(written(tmp_path, **changed))
    assert says in f"{refused.value.what} {refused.value.fix}"


def test_files_that_are_no_plan_are_refused(tmp_path):
    for text in ("{", "[]"):
        (tmp_path / "plan.json").write_text(text, encoding="utf-8")
        with pytest.raises(OptionError):
            read_plan(tmp_path / "plan.json")
    with pytest.raises(StorageError):
        read_plan(tmp_path / "other.json")


def test_a_plan_goes_through_json_unchanged(tmp_path):
    plan = read_plan(written(tmp_path))
    assert Plan(**json.loads(plan.model_dump_json())) == plan
