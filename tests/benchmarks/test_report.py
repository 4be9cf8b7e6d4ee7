"""What a benchmark writes down: the JSON's shape, bars beside figures, and the table."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks import report as written
from benchmarks.report import Figure, Report, command_line, share
from leaml.errors import StorageError
from leaml.evaluation.metrics import rate

HALF = rate([True, False] * 20, [f"scene {place // 4}" for place in range(40)])


def a_report() -> Report:
    report = Report("python -m benchmarks.nano --scenes 4")
    report.add(
        [
            Figure("scenes", "accuracy", HALF, bar=0.5),
            Figure("scenes", "accuracy, colour", HALF, bar=0.9, detail=True),
            Figure("speed", "load", 2.0, "s", bar=1.5, at_most=True, note="two threads"),
            Figure("pairs", "true", None, bar=0.85),
        ]
    )
    return report


def test_the_file_has_the_shape_of_all_benchmarks(tmp_path):
    a_report().write(tmp_path / "results" / "nano.json")
    plain = json.loads((tmp_path / "results" / "nano.json").read_text(encoding="utf-8"))
    assert list(plain) == ["command", "commit", "machine", "date", "figures", "rows"]
    assert plain["command"] == "python -m benchmarks.nano --scenes 4"
    assert {"processor", "cores", "python", "torch"} <= set(plain["machine"])
    assert list(plain["figures"]) == ["scenes: accuracy", "speed: load", "pairs: true"]
    assert [(row["part"], row["name"]) for row in plain["rows"]] == [("scenes", "accuracy, colour")]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["nano.json"]


def test_a_rate_carries_its_interval_and_its_n():
    plain = a_report().plain()
    for figure in (plain["figures"]["scenes: accuracy"], plain["rows"][0]):
        assert figure["low"] < figure["value"] == 0.5 < figure["high"]
        assert (figure["n"], figure["clusters"], figure["clustered_by"]) == (40, 10, "pictures")


def test_a_number_that_was_measured_several_times_carries_its_interval():
    figure = Figure("float32", "step", 1.05, "× frozen", 1.1, True, interval=(1.04, 1.06), n=31)
    assert figure.plain() | {"low": 1.04, "high": 1.06, "n": 31, "reached": True} == figure.plain()
    assert figure.line() == "step  1.05 × frozen [1.04, 1.06] n 31  ≤ 1.1: reached"


@pytest.mark.parametrize(
    ("value", "bar", "at_most", "reached"),
    [
        (HALF, 0.5, False, True),
        (HALF, 0.51, False, False),
        (0.3, 0.3, True, True),
        (0.31, 0.3, True, False),
        (None, 0.1, True, False),
        (0.3, None, False, None),
    ],
)
def test_the_point_estimate_decides_whether_a_bar_is_reached(value, bar, at_most, reached):
    assert Figure("a", "b", value, bar=bar, at_most=at_most).reached is reached


def test_what_could_not_be_measured_is_said_and_misses_its_bar():
    figure = Figure("pairs", "true", share([], []), bar=0.85)
    assert figure.plain() | {"value": None, "n": 0, "reached": False} == figure.plain()
    assert figure.cells()[1:3] == ("nothing to measure", "≥ 0.85: MISSED")


def test_the_table_shows_every_figure_with_its_bar_by_part():
    lines = a_report().text().splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == ["scenes", "speed", "pairs"]
    (load,) = [line for line in lines if line.strip().startswith("load")]
    assert load.split() == ["load", "2", "s", "≤", "1.5:", "MISSED", "two", "threads"]
    assert "0.50 [" in lines[2] and "n 40, 10 pictures" in lines[2] and "≥ 0.5: reached" in lines[2]
    assert "speed" not in a_report().text(["scenes"])


def test_the_table_names_what_the_interval_was_clustered_by():
    assert "10 patients" in Figure("phantom", "ceiling", HALF, clusters="patients").cells()[1]


def test_missed_bars_are_listed():
    assert [figure.name for figure in a_report().missed()] == ["accuracy, colour", "load", "true"]


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(StorageError, match="--out"):
        a_report().write(tmp_path / "taken" / "nano.json")


def test_the_commit_says_when_files_differ_from_it(monkeypatch):
    answers = {"rev-parse": "abc", "status": " M leaml/records.py"}
    monkeypatch.setattr(written, "_git", lambda verb, *rest: answers[verb])
    assert written.commit() == "abc+changes"
    answers["status"] = ""
    assert written.commit() == "abc"
    answers["rev-parse"] = ""
    assert written.commit() == "unknown"


def test_the_command_can_be_typed_again():
    assert command_line("benchmarks.nano", ["--out", "a b.json"]) == "python -m benchmarks.nano --out 'a b.json'"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere ru_maxrss is all there is")
def test_peak_memory_is_not_that_of_the_process_that_started_this_one():
    held = os.urandom(1024) * 1024 * 300
    code = "from benchmarks.report import peak_memory; print(peak_memory())"
    child = subprocess.run([sys.executable, "-c", code], cwd=written.ROOT, capture_output=True, text=True, check=True)
    assert written.peak_memory() > len(held) / 2**20 > float(child.stdout) > 5
