"""Blind votes: kept with the sides as they stood, once for each person, and taken back."""

import pytest

from leaml.errors import DataError, StorageError

SIDES = (None, 1)


@pytest.fixture
def compared(project, picture) -> tuple[int, int]:
    """A comparison in which base and adapted model answered one question: number of the run, of the question."""
    pair = project.add_label("B", picture, "How many?", "2", "count")
    folder = project.folder / "runs" / "1"
    folder.mkdir()
    project.add_adapter(1, "adapted 1", "answers", "lora", folder, "nano", 1, 1)
    job = project.db.insert("jobs", {"kind": "compare"})
    for adapter in SIDES:
        project.add_predictions(job, adapter, [(pair, "two", True, -0.1)])
    return job, pair


def test_a_vote_keeps_which_model_stood_where_and_what_was_ticked(project, compared):
    job, pair = compared
    project.vote("A", job, pair, (1, None), "left", {"left": ["correct"], "right": ["harmful"]}, 4.5)
    [vote] = project.votes(job)
    assert (vote.left, vote.right, vote.choice, vote.seconds) == (1, None, "left", 4.5)
    assert vote.rubric == {"left": ["correct"], "right": ["harmful"]}


def test_two_answers_are_judged_once_by_each_person_whichever_side_they_stood_on(project, compared):
    job, pair = compared
    project.vote("A", job, pair, (1, None), "left")
    with pytest.raises(DataError, match="judged these two answers already"):
        project.vote("A", job, pair, (None, 1), "right")
    project.vote("B", job, pair, (None, 1), "equal")
    assert [vote.person for vote in project.votes(job)] == ["A", "B"]
    with pytest.raises(StorageError):  # the database holds it, too
        row = project.db.row("votes", id=1)
        row |= {"id": None, "left_adapter": None, "right_adapter": 1}
        project.db.record("A", "vote", [("votes", None, None, row)])


def test_a_vote_on_answers_that_were_never_given_is_refused(project, compared):
    job, pair = compared
    for sides, number in (((None, 2), pair), ((None, 1), 99)):
        with pytest.raises(DataError, match="not there"):
            project.vote("A", job, number, sides, "left")
    assert project.votes(job) == []


def test_a_vote_is_taken_back_and_may_be_given_anew(project, compared):
    job, pair = compared
    project.vote("A", job, pair, SIDES, "left")
    assert project.undo("A") == "Took back the vote on “How many?”."
    assert project.votes(job) == []
    project.vote("A", job, pair, SIDES, "neither")
    assert project.votes(job)[0].choice == "neither"


def test_votes_are_rebuilt_from_events(project, compared, tmp_path):
    job, pair = compared
    project.vote("A", job, pair, SIDES, "left", {"left": ["complete"]})
    project.vote("B", job, pair, SIDES, "right")
    project.undo("B")
    copy = project.db.rebuild(tmp_path / "copy.db")
    assert copy.rows("votes") == project.db.rows("votes") != []
    copy.close()


def test_a_question_with_a_vote_stays(project, compared):
    job, pair = compared
    project.vote("A", job, pair, SIDES, "left")
    with pytest.raises(StorageError, match="cannot be taken back"):
        project.undo("B")
