"""From cells to the table: means, paired differences, types, suggestions, what was forgotten."""

import json
import random
from pathlib import Path

import pytest

from leaml.ablation.data import Data
from leaml.ablation.plan import Cell, Plan
from leaml.ablation.plots import draw
from leaml.ablation.table import as_markdown, tabulate
from leaml.records import Question

QUESTIONS = tuple(
    Question(Path(f"{number // 4}.png"), wording, "yes", kind, "test", f"patient {number // 8}")
    for number in range(80)
    for wording, kind in [("Is there text?", "yes/no") if number % 4 == 0 else ("How many?", "count")]
)
PLAN = Plan(
    name="small", data="data", labels={"1 %": 4, "all": None}, seeds=(1, 2, 3), against=("labels only", "base", "full"),
    rows=[
        {"name": "base", "answers": "base", "labels": ["1 %"]},
        {"name": "labels only", "labels": ["1 %"]},
        {"name": "LEAML", "labels": ["1 %"], "pairs": "generator", "says": "all of it"},
        {"name": "full", "labels": ["all"]},
        {"name": "never run", "labels": ["1 %"]},
    ],
)  # fmt: skip


def right(share: int, offset: int = 0) -> dict:
    """All but one in `share` of the questions are answered rightly; which ones, chance says."""
    missed = [number % share == 0 for number in range(80)]
    random.Random(f"{share} {offset}").shuffle(missed)
    return {"right": {"test": [not wrong for wrong in missed]}}


def cell(row: str, seed: int) -> Cell:
    labels = PLAN.row(row).labels[0]
    return Cell(row=PLAN.row(row), labels=labels, pictures=4, seed=seed)


@pytest.fixture
def report():
    told = {
        "pairs": {"written": 10, "kept": 6, "true of written": 5, "true of kept": 4},
        "generator": {"share by layer": [0.1, 0.0]},
        "everyday": {
            "before": {"right": [True] * 40, "scenes": [str(n // 10) for n in range(40)]},
            "after": {"right": [True] * 30 + [False] * 10, "scenes": [str(n // 10) for n in range(40)]},
        },
    }
    cells = [(cell("base", 1), right(2))]
    for seed in (1, 2, 3):
        cells += [(cell("labels only", seed), right(4, seed)), (cell("LEAML", seed), right(8, seed) | told)]
    cells.append((cell("full", 2), right(10)))
    return tabulate(PLAN, Data(Path("data"), QUESTIONS, ("Is there text?",)), cells, "test")


def by_name(report, name):
    return next(row for row in report["rows"] if row["row"] == name)


def test_rows_that_were_not_run_are_left_out(report):
    assert [row["row"] for row in report["rows"]] == ["base", "labels only", "LEAML", "full"]


def test_a_row_is_the_mean_over_its_seeds(report):
    row = by_name(report, "LEAML")
    assert row["accuracy"] == pytest.approx(7 / 8) and row["seeds"] == [1, 2, 3] and row["n"] == 80
    assert row["low"] < row["accuracy"] < row["high"] and len(row["by_seed"]) == 3


def test_differences_are_paired_by_seed(report):
    against = by_name(report, "LEAML")["against"]
    assert against["labels only"]["difference"] == pytest.approx(1 / 8) and against["labels only"]["seeds"] == 3
    assert against["base"]["difference"] == pytest.approx(7 / 8 - 1 / 2) and against["base"]["seeds"] == 3
    assert "labels only" not in by_name(report, "labels only")["against"]


def test_a_row_at_another_label_count_is_compared_on_the_seeds_of_both(report):
    found = by_name(report, "LEAML")["against"]["full"]
    assert (found["labels"], found["seeds"]) == ("all", 1)
    assert found["share"] == pytest.approx((7 / 8) / (9 / 10))


def test_types_and_what_captions_never_speak_of_stand_apart(report):
    row = by_name(report, "labels only")
    assert row["by_type"]["yes/no"]["n"] == 20 and row["by_type"]["count"]["n"] == 60
    assert row["by_caption"]["never spoken of"] == row["by_type"]["yes/no"]
    parts = row["by_caption"]
    assert (20 * parts["never spoken of"]["accuracy"] + 60 * parts["spoken of"]["accuracy"]) / 80 == pytest.approx(0.75)


def test_suggestions_and_what_was_forgotten(report):
    row = by_name(report, "LEAML")
    assert row["pairs"] == {"written": 10, "kept": 6, "true of written": 0.5, "true of kept": pytest.approx(4 / 6)}
    assert row["everyday"]["difference"] == pytest.approx(-0.25) and row["everyday"]["n"] == 40
    assert row["share by layer"] == pytest.approx([0.1, 0.0])
    assert "pairs" not in by_name(report, "labels only")


def test_the_table_as_people_read_it_holds_the_json_s_numbers(report):
    json.dumps(report)
    text = as_markdown(report, PLAN.against)
    row = by_name(report, "LEAML")
    line = next(line for line in text.splitlines() if line.startswith("| LEAML | 1 % | 3 |"))
    assert f"{row['accuracy']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in line
    assert f"{row['against']['labels only']['difference']:+.2f}" in line
    assert "everyday" in text and "suggestions" in text


def test_plots_are_drawn_the_same_every_time(report, tmp_path):
    first = draw(report, PLAN.labels, tmp_path / "a", "ablation")
    again = draw(report, PLAN.labels, tmp_path / "b", "ablation")
    assert [path.name for path in first] == ["ablation_rows.svg", "ablation_layers.svg"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert "LEAML" in first[0].read_text(encoding="utf-8")
