"""Plots are drawn from numbers alone, and say nothing where there is nothing to say."""

import json
import re

import pytest

from app import charts

ROWS = [{"step": step, "loss pair": 4.0 / step, "loss caption": 8.0 / step} for step in range(1, 21)]
SERIES = {"loss pair": "questions", "loss caption": "captions"}


def points(svg: str, kind: str) -> list[list[tuple[float, float]]]:
    found = re.findall(rf'class="{kind}" points="([^"]*)"', svg)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in found]


def test_a_curve_has_a_line_and_a_name_for_each_figure():
    svg = charts.curve(ROWS, SERIES, 40, "how it goes")
    assert len(points(svg, "bold")) == 2
    assert "questions</text>" in svg and "captions</text>" in svg
    assert svg.count("stroke-dasharray") == 1, "the second line is told apart by more than colour"


def test_a_curve_falls_where_its_figures_fall_and_ends_where_the_run_is():
    line = points(charts.curve(ROWS, SERIES, 40, ""), "faint")[0]
    heights = [y for _, y in line]
    assert heights == sorted(heights), "smaller figures stand lower, which is a larger y"
    right = charts.WIDTH - charts.RIGHT
    assert line[-1][0] == pytest.approx(charts.LEFT + (right - charts.LEFT) * 20 / 40)


def test_there_is_no_curve_before_there_are_two_points():
    assert charts.curve([], SERIES, 40, "") == ""
    assert charts.curve(ROWS[:1], SERIES, 40, "") == ""
    assert charts.curve(ROWS, {"accuracy": "never measured"}, 40, "") == ""


def test_figures_that_are_no_numbers_leave_the_rest_of_the_curve():
    rows = [*ROWS, {"step": 21, "loss pair": float("nan")}, {"step": 22, "loss pair": float("inf")}]
    svg = charts.curve(rows, SERIES, 40, "")
    assert "nan" not in svg and "inf" not in svg
    assert len(points(svg, "faint")[0]) == 20


def test_names_and_titles_are_text():
    svg = charts.curve(ROWS, {"loss pair": "<b>"}, 40, '"><script>')
    assert "<b>" not in svg and "<script>" not in svg


def test_names_of_lines_that_end_together_stand_apart():
    rows = [{"step": step, "a": 1.0, "b": 1.0} for step in (1, 2, 3)]
    places = re.findall(r'class="name" x="\d+" y="(\d+)"', charts.curve(rows, {"a": "a", "b": "b"}, 3, ""))
    assert abs(int(places[0]) - int(places[1])) >= 16


@pytest.mark.parametrize(("value", "scale"), [(0.0, 1.0), (0.7, 1.0), (1.2, 2.0), (2.2, 2.5), (3, 5.0), (70, 100.0)])
def test_a_scale_ends_at_a_round_number(value, scale):
    rows = [{"step": 1, "loss": value}, {"step": 2, "loss": value}]
    assert f">{scale:g}</text>" in charts.curve(rows, {"loss": "loss"}, 2, "")


def test_the_map_shows_the_share_of_each_layer(tmp_path):
    path = tmp_path / "selection.json"
    path.write_text(json.dumps({"sizes": {"0": 4, "1": 10}, "neurons": {"0": [1], "1": []}}))
    svg = charts.neuron_map(path, "neurons")
    assert [float(width) for width in re.findall(r'class="share"[^>]* width="([\d.]+)"', svg)][1] == 0
    assert "25 %" in svg and "0 %" in svg and "layer 2" in svg


def test_the_map_is_read_again_when_the_file_has_changed(tmp_path):
    path = tmp_path / "selection.json"
    path.write_text(json.dumps({"sizes": {"0": 4}, "neurons": {"0": [1]}}))
    assert "25 %" in charts.neuron_map(path, "")
    path.write_text(json.dumps({"sizes": {"0": 4}, "neurons": {"0": [1, 2]}}))
    assert "50 %" in charts.neuron_map(path, "")


DAMAGED = ("", "{", "[]", '{"sizes": {"0": 0}, "neurons": {"0": []}}', '{"neurons": {"0": [1]}}')


@pytest.mark.parametrize("content", DAMAGED)
def test_there_is_no_map_where_the_file_is_missing_or_damaged(tmp_path, content):
    path = tmp_path / "selection.json"
    assert charts.neuron_map(path, "") == ""
    path.write_text(content)
    assert charts.neuron_map(path, "") == ""


def test_shares_in_words():
    words = {0.05: "5 %", 0.07: "7 %", 0.003: "0.3 %", 0.128: "13 %", 1: "100 %"}
    assert {share: charts.percent(share) for share in words} == words


def test_a_bar_keeps_within_its_frame():
    assert "width:100.00%" in charts.bar(1.4, "done") and "width:0.00%" in charts.bar(-1, "done")
