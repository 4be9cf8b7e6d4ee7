"""A plan is run: trials first, shared parts once, nothing twice, resumable, in several processes."""

import json
from dataclasses import replace

import pytest

from leaml.__main__ import main
from leaml.ablation import cells, run
from leaml.ablation.plan import freeze, read_plan
from leaml.errors import TrainingError


@pytest.fixture
def decided(plan):
    for row in ("labels only", "LEAML"):
        freeze(plan, row, 0)
    return plan


def parts(work, kind):
    return sorted(path.parent.name for path in work.glob(f"{kind}/*/done.json"))


def test_trials_decide_on_the_calibration_split_and_stand_in_the_plan(plan, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        cells.Workbench, "run",
        lambda bench, cell, tests, make=True: asked.append(tests)
        or {"right": {"calibration": [cell.trial["adapt.learning_rate"] == 0.01, False]}},
    )  # fmt: skip
    steps = list(run.decide(plan, tmp_path / "work"))
    assert len(steps) == 4 and set(asked) == {("calibration",)}
    assert [read_plan(plan).row(name).chosen for name in ("labels only", "LEAML")] == [1, 1]
    assert list(run.decide(plan, tmp_path / "work")) == []


def test_a_trial_that_failed_decides_nothing(plan, tmp_path, monkeypatch):
    def fails(bench, cell, tests, make=True):
        if cell.row.name == "LEAML":
            raise TrainingError("The loss is no longer a number.", "Start again.")
        return {"right": {"calibration": [True]}}

    monkeypatch.setattr(cells.Workbench, "run", fails)
    steps = list(run.decide(plan, tmp_path / "work"))
    assert [bool(step.fault) for step in steps if step.cell.row.name == "LEAML"] == [True, True]
    assert read_plan(plan).row("LEAML").chosen is None and read_plan(plan).row("labels only").chosen == 0


def test_the_whole_plan_runs_once_and_its_table_is_written(decided, tmp_path, capsys, monkeypatch):
    work, out = tmp_path / "work", tmp_path / "out"
    words = ["ablate", str(decided), "--work", str(work), "--out", str(out)]
    assert main(words) == 0
    report = json.loads((out / "ablation_tiny.json").read_text(encoding="utf-8"))
    rows = {row["row"]: row for row in report["rows"]}
    assert list(rows) == ["blind", "base", "labels only", "LEAML", "teacher"]
    assert rows["LEAML"]["seeds"] == [5, 6] and rows["base"]["seeds"] == [5]
    assert {"difference", "low", "high"} <= set(rows["LEAML"]["against"]["labels only"])
    assert rows["LEAML"]["pairs"]["written"] > 0 and "everyday" in rows["LEAML"]
    assert (out / "ablation_tiny.md").is_file() and (out / "ablation_tiny_rows.svg").is_file()
    assert "LEAML, few, seed 5" in capsys.readouterr().err

    monkeypatch.setattr(cells, "adapt", None)  # nothing is trained again
    monkeypatch.setattr(cells, "distill", None)
    assert main(words) == 0
    assert json.loads((out / "ablation_tiny.json").read_text(encoding="utf-8")) == report


def test_rows_share_what_they_have_in_common(decided, tmp_path):
    given = json.loads(decided.read_text(encoding="utf-8"))
    reviewed = {"name": "reviewed", "labels": ["few"], "pairs": "generator", "like": "LEAML", "review": {"verdicts": 3}}
    decided.write_text(json.dumps(given | {"rows": [*given["rows"], reviewed], "seeds": [5]}), encoding="utf-8")
    work = tmp_path / "work"
    found = {step.cell.row.name: step for step in run.measure(decided, work, ["LEAML", "reviewed"])}
    assert len(found) == 2 and not any(step.fault for step in found.values())
    assert len(parts(work, "generator")) == len(parts(work, "pairs")) == 1
    cell_of = {cell.row.name: told for cell, told in run.collected(decided, work)}
    assert cell_of["reviewed"]["verdicts"] == 3
    kept = [cell_of["reviewed"][name]["kept"] for name in ("pairs", "reviewed")]
    rejected = kept[0] - kept[1]
    assert 0 <= rejected <= 3


def test_what_was_broken_off_goes_on(decided, tmp_path, monkeypatch):
    work, real = tmp_path / "work", cells.adapt
    with monkeypatch.context() as patched:
        patched.setattr(cells, "adapt", lambda *given: _breaks(real(*given)))
        with pytest.raises(KeyboardInterrupt):
            list(run.measure(decided, work, ["labels only"]))
    assert parts(work, "adapted") == [] and list(work.glob("adapted/*/checkpoints/*"))
    steps = list(run.measure(decided, work, ["labels only"]))
    assert len(steps) == 2 and not any(step.fault for step in steps)


def _breaks(events):
    yield next(events)
    yield next(events)
    raise KeyboardInterrupt


def test_a_part_that_somebody_else_makes_is_put_off(decided, tmp_path, monkeypatch):
    work, tried = tmp_path / "work", []
    real = cells.Workbench.run

    def busy_at_first(bench, cell, tests, make=True):
        tried.append(cell.seed)
        if tried.count(5) == 1 and cell.seed == 5:
            raise cells.Busy
        return real(bench, cell, tests, make)

    monkeypatch.setattr(cells.Workbench, "run", busy_at_first)
    steps = list(run.measure(decided, work, ["labels only"]))
    assert [step.cell.seed for step in steps] == [6, 5]


def test_a_locked_part_is_busy(decided, tmp_path):
    bench = run.workbench(decided, tmp_path / "work")
    cell = next(cell for cell in bench.plan.cells() if cell.row.answers == "base")

    def make(folder):
        with pytest.raises(cells.Busy):
            run.workbench(decided, tmp_path / "work")._part("base", {"split": "test"}, lambda folder: {})
        return {"right": []}

    bench._part("base", {"split": "test"}, make)
    assert bench.run(cell, ("test",))["right"] == {"test": []}


def test_a_reviewer_who_never_errs_leaves_what_is_true(decided, tmp_path, monkeypatch):
    bench = run.workbench(decided, tmp_path / "work")
    pairs = bench.data.teacher_pairs(0.3)[:60]
    given = json.loads(decided.read_text(encoding="utf-8"))["rows"][3] | {"review": {"verdicts": 60, "error": 0.0}}
    plan = bench.plan.model_copy(update={"rows": (*bench.plan.rows,)})
    cell = next(cell for cell in plan.cells() if cell.row.name == "LEAML")
    row = type(cell.row)(**given)
    left, verdicts = bench._reviewed(cell.model_copy(update={"row": row}), pairs)
    assert verdicts == 60 and left == [replace(pair, reviewed=True) for pair in pairs if bench.data.is_true(pair)]
    few = row.model_copy(update={"review": row.review.model_copy(update={"verdicts": 5})})
    seen = [pair.reviewed for pair in bench._reviewed(cell.model_copy(update={"row": few}), pairs)[0]]
    assert 0 < sum(seen) <= 5 < len(seen)
    erring = row.model_copy(update={"review": row.review.model_copy(update={"error": 0.3})})
    wrong, _ = bench._reviewed(cell.model_copy(update={"row": erring}), pairs)
    assert wrong != left


def test_two_processes_make_one_table(decided, tmp_path):
    work, out = tmp_path / "work", tmp_path / "out"
    words = ["ablate", str(decided), "--work", str(work), "--out", str(out), "--processes", "2", "--row", "labels only"]
    assert main(words) == 0
    report = json.loads((out / "ablation_tiny.json").read_text(encoding="utf-8"))
    assert [row["row"] for row in report["rows"]] == ["blind", "labels only"]  # the first asks nobody
    assert len(parts(work, "adapted")) == 2
