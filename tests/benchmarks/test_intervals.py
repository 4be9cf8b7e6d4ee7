"""The simulation draws what it says, and notices intervals that do not hold."""

import json

import numpy as np
import pytest

from benchmarks import intervals
from benchmarks.intervals import Cell, differences, headlines, main, rates
from leaml.evaluation.metrics import Rate


def test_drawn_answers_have_the_chance_and_the_correlation_of_their_cell():
    random, cell = np.random.default_rng(0), Cell(4000, 0.9, 0.2)
    pictures = intervals._pictures(random, cell)
    right = random.random(len(pictures)) < intervals._chances(random, cell)[pictures]
    assert right.mean() == pytest.approx(0.9, abs=0.01)
    starts = np.flatnonzero(np.diff(pictures, prepend=-1))
    assert np.corrcoef(right[starts], right[starts + 1])[0, 1] == pytest.approx(0.2, abs=0.05)
    before, after = intervals._pair(random, cell, pictures, 0.05)
    assert after.mean() - before.mean() == pytest.approx(0.05, abs=0.01)
    assert (before == after).mean() > 0.8


def test_a_small_run_reaches_about_95_percent(tmp_path, monkeypatch, capsys):
    for name, values in (("PICTURES", (30,)), ("CHANCES", (0.5,)), ("CORRELATIONS", (0.2,))):
        monkeypatch.setattr(intervals, name, values)
    main(["--draws", "60", "--out", str(tmp_path / "intervals.json")])
    written = json.loads((tmp_path / "intervals.json").read_text())
    assert written["figures"]["intervals: rate: covers least"]["value"] > 0.88
    assert written["figures"]["intervals: no difference, called better at most"]["value"] < 0.1
    assert written["figures"]["intervals: narrowest interval"]["reached"]
    parts = {row["part"] for row in written["rows"]}
    assert {"rate covers", "bootstrap covers", "difference of 0 covered", "difference of 0.1 found better"} <= parts
    assert "30 pictures, p 0.5, r 0.2" in capsys.readouterr().out


def test_intervals_that_are_too_narrow_are_found_out(monkeypatch):
    def narrow(right, clusters):
        return Rate(float(np.mean(right)), float(np.mean(right)) - 0.01, float(np.mean(right)) + 0.01, len(right), 30)

    found = rates(Cell(30, 0.9, 0.5), 40)
    monkeypatch.setattr(intervals, "rate", narrow)
    wrong = rates(Cell(30, 0.9, 0.5), 40)
    assert wrong[0].value.value < 0.5 < found[0].value.value
    missed = [figure for figure in headlines([*wrong, *differences(Cell(30, 0.9, 0.5), 0.0, 5)]) if not figure.reached]
    assert "rate: covers least" in {figure.name for figure in missed}
