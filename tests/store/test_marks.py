"""Marks on a picture: kept with the answer they belong to, taken back with it, and nothing else is taken for one."""

import pytest

from leaml.errors import DataError
from leaml.store.marks import MOST_MARKS, checked, middle
from leaml.store.project import Answer

POINT = {"shape": "point", "points": [[0.5, 0.25]]}
BOX = {"shape": "box", "points": [[0.1, 0.2], [0.4, 0.5]]}
REGION = {"shape": "region", "points": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}


def marked(project, picture, *marks, answer="yes"):
    return project.add_labels("A", picture, [Answer("Is it there?", answer, "yes/no", ("yes", "no"), marks)])[0]


def marks_of(project, pair):
    return project.db.row("pairs", id=pair)["marks"]


def test_every_shape_is_kept_with_its_answer(project, picture):
    assert marks_of(project, marked(project, picture, POINT, BOX, REGION)) == [POINT, BOX, REGION]


def test_a_box_is_its_upper_left_and_lower_right_whichever_way_it_was_drawn():
    assert checked([{"shape": "box", "points": [[0.4, 0.2], [0.1, 0.5]]}]) == [BOX]


def test_marks_change_and_come_back_by_undo_though_the_answer_stays(project, picture):
    pair = marked(project, picture, POINT)
    assert marked(project, picture, POINT, BOX) == pair
    assert marks_of(project, pair) == [POINT, BOX]
    assert "changed answer" in project.undo("A")
    assert marks_of(project, pair) == [POINT]
    project.undo("A")
    assert project.labels() == []


def test_an_answer_without_marks_leaves_those_that_stand(project, picture):
    pair = marked(project, picture, POINT)
    project.add_label("A", picture, "Is it there?", "no", "yes/no", ("yes", "no"))
    assert marks_of(project, pair) == [POINT]


def test_marks_of_an_answer_that_was_judged_can_still_be_changed(project, picture):
    pair = marked(project, picture, POINT)
    project.judge("B", pair, accept=True, answer="no")
    marked(project, picture, BOX, answer="yes")
    assert (project.pair(pair).answer, marks_of(project, pair)) == ("yes", [BOX])
    project.undo("A")
    assert (project.pair(pair).answer, marks_of(project, pair)) == ("no", [POINT])


def test_marks_are_rebuilt_from_events(project, picture, tmp_path):
    pair = marked(project, picture, REGION)
    copy = project.db.rebuild(tmp_path / "copy.db")
    assert copy.row("pairs", id=pair)["marks"] == [REGION]
    copy.close()


def test_the_middle_is_that_of_the_box_around():
    assert middle(BOX) == pytest.approx((0.25, 0.35)) and middle(POINT) == (0.5, 0.25)


@pytest.mark.parametrize(
    "marks",
    [
        "box",
        {"shape": "box"},
        [None],
        ["box"],
        [{"shape": "circle", "points": [[0, 0]]}],
        [{"shape": ["box"], "points": [[0, 0], [1, 1]]}],
        [{"shape": "point", "points": []}],
        [{"shape": "point", "points": [[0, 0], [1, 1]]}],
        [{"shape": "box", "points": [[0, 0]]}],
        [{"shape": "region", "points": [[0, 0], [1, 1]]}],
        [{"shape": "region", "points": [[0, 0]] * 501}],
        [{"shape": "point", "points": "ab"}],
        [{"shape": "point", "points": [[0.5]]}],
        [{"shape": "point", "points": [["0.5", 0.5]]}],
        [{"shape": "point", "points": [[True, 0.5]]}],
        [{"shape": "point", "points": [[float("nan"), 0.5]]}],
        [{"shape": "point", "points": [[1.01, 0.5]]}],
        [{"shape": "point", "points": [[-0.01, 0.5]]}],
        [POINT] * (MOST_MARKS + 1),
    ],
)
def test_nothing_else_is_a_mark(marks):
    with pytest.raises(DataError):
        checked(marks)
