"""What triggers keep is what a look at everything would find."""

from collections import Counter

import pytest

from leaml.errors import DataError
from leaml.store.conditions import Below, Between, Other
from tests.store.test_events import random_steps, state, suggest


def kept(project):
    """States, tallies and efforts as they are kept, without the random place."""
    states = {
        row["pair_id"]: (row["status"], row["verdict_id"], row["reviewer"], row["looked"], row["opinions"])
        for row in project.db.rows("states")
    }
    rows = project.db.rows("tallies")
    tallies = {(row["status"], row["split"], row["job_id"], row["looked"]): row["n"] for row in rows}
    efforts = {(row["person"], row["queue"]): tuple(row.values())[2:] for row in project.db.rows("efforts")}
    return states, {key: n for key, n in tallies.items() if n}, {key: row for key, row in efforts.items() if row[0]}


def found(project):
    """The same, from the rows that they follow from."""
    db = project.db
    newest = {row["pair_id"]: row for row in db.rows("newest_verdicts")}
    standing = db.rows("verdicts", withdrawn=0)
    states, tallies, efforts = {}, Counter(), {}
    splits = {row["id"]: row["split"] for row in db.rows("images")}
    for pair in db.rows("pairs"):
        row = newest[pair["id"]]
        opinions = {v["person"] for v in standing if v["pair_id"] == pair["id"] and v["queue"] == "audit"}
        states[pair["id"]] = (row["status"], row["verdict_id"], row["reviewer"], row["looked"], len(opinions))
        tallies[row["status"], splits[pair["image_id"]], pair["job_id"] or 0, row["looked"]] += 1
    for verdict in standing:
        effort = efforts.setdefault((verdict["person"], verdict["queue"]), [0, 0, 0, 0.0])
        timed = verdict["seconds"] is not None
        gained = (1, verdict["question_ok"] & verdict["answer_ok"], int(timed), verdict["seconds"] or 0.0)
        effort[:] = [before + more for before, more in zip(effort, gained)]
    return states, dict(tallies), {key: tuple(row) for key, row in efforts.items()}


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_kept_follows_every_step(project, add_pictures, tmp_path, seed):
    random_steps(project, add_pictures(4), 100, seed)
    assert kept(project) == found(project)
    project.db.record("", "import", [("images", 1, {}, {"split": "left out"})])
    assert kept(project) == found(project)
    copy = project.db.rebuild(tmp_path / "copy.db")
    assert state(copy) == state(project.db)
    for table in ("tallies", "efforts"):
        assert [row for row in copy.rows(table) if row["n"]] == [row for row in project.db.rows(table) if row["n"]]
    copy.close()


def test_pairs_that_are_taken_back_leave_no_state(project, picture):
    project.add_label("A", picture, "Q?", "yes", "open")
    project.undo("A")
    assert project.db.rows("states") == [] and kept(project)[1] == {}


def test_signals_come_from_trust_before_agreement_and_may_be_missing(project, picture):
    for signals in ({"agreement": 0.4}, {"agreement": 0.4, "trust": 1}, {}):
        row = {"image_id": picture, "question": f"{signals}?", "answer": "yes", "type": "open", "origin": "generator"}
        project.db.record("", "suggestions", [("pairs", None, None, row | {"job_id": 1, "signals": signals})])
    assert [row["signal"] for row in project.db.rows("states")] == [0.4, 1.0, -1.0]
    assert {row["rank"] for row in project.db.rows("states")} == {-1.0}
    assert [pair.signal for pair in project.suggestions()] == [0.4, 1.0, None]


# Conditions


def test_conditions_say_what_they_mean(project, picture):
    suggest(project, picture, *"12345")
    ids = lambda **equal: [row["pair_id"] for row in project.db.rows("states", **equal)]  # noqa: E731
    assert ids(pair_id=Between(2, 4)) == [2, 3, 4]
    assert ids(pair_id=Between(None, 2)) == [1, 2] and ids(pair_id=Between(4)) == [4, 5]
    assert ids(pair_id=Between()) == [1, 2, 3, 4, 5]
    assert ids(pair_id=Below(3)) == [1, 2]
    assert ids(pair_id=Other(3)) == [1, 2, 4, 5]
    assert ids(verdict_id=Other(None)) == [] and ids(verdict_id=Other(7)) == [1, 2, 3, 4, 5]
    assert ids(order="image_id,pair_id", beyond=(picture, 3)) == [4, 5]
    assert project.db.count("states", most=3) == 3 and project.db.count("states", most=9) == 5


def test_rows_of_machine_tables_can_go_and_others_cannot(project, picture):
    project.db.insert("jobs", {"kind": "adapt"})
    assert project.db.delete("jobs", kind="adapt") == 1 and project.db.delete("jobs", kind="adapt") == 0
    with pytest.raises(ValueError, match="record"):
        project.db.delete("images", id=picture)


# Remarks


def test_comments_and_flags_are_kept_and_taken_back(project, picture):
    (pair,) = suggest(project, picture, "Q?")
    project.remark("A", picture, pair, "comment", "look  again")
    project.remark("B", picture, kind="flag")
    assert [(remark.person, remark.pair_id, remark.kind, remark.text) for remark in project.remarks()] == [
        ("A", pair, "comment", "look again"), ("B", None, "flag", "")
    ]  # fmt: skip
    assert project.undo("A") == "Took back the comment “look again”."
    assert [remark.kind for remark in project.remarks(image_id=picture)] == ["flag"]


def test_a_flag_set_again_goes_and_comes_back_by_undo(project, picture):
    project.remark("A", picture, kind="flag")
    project.remark("A", picture, kind="flag")
    assert project.remarks() == []
    assert project.undo("A") == "The flag stands again."
    assert len(project.remarks()) == 1


def test_a_remark_needs_a_picture_and_a_comment_needs_words(project, picture):
    with pytest.raises(DataError, match="no picture 77"):
        project.remark("A", 77, kind="flag")
    with pytest.raises(DataError, match="comment is empty"):
        project.remark("A", picture, text="  ")
