"""`leaml review`: suggestions listed, accepted by number or by filter, and judged in a table outside."""

import csv
import json

import pytest


def test_the_list_shows_what_waits(leaml, suggestions, capsys):
    assert leaml("review", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and all("suggested" in line for line in lines) and "0.30" in lines[0]


def test_the_list_as_json_has_a_row_each(leaml, suggestions, capsys):
    assert leaml("review", "list", "--json", "--least-agreement", 0.5) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == suggestions[1:]
    assert rows[0]["question"] == "Is there a polyp?" and rows[0]["status"] == "suggested" and rows[0]["job"] == 1


def test_suggestions_are_accepted_by_number(leaml, project, suggestions, capsys):
    assert leaml("review", "accept", suggestions[0], suggestions[2], "--person", "Dr A") == 0
    accepted = project.accepted()
    assert [pair.id for pair in accepted] == [suggestions[0], suggestions[2]]
    assert {pair.reviewer for pair in accepted} == {"Dr A"}
    assert "Accepted 2 suggestions." in capsys.readouterr().err


@pytest.mark.parametrize(("words", "count"), [(["--least-agreement", "0.5"], 2), (["--all"], 3), (["--job", "1"], 3)])
def test_suggestions_are_accepted_by_a_filter_in_one_step(leaml, project, suggestions, words, count):
    assert leaml("review", "accept", *words) == 0
    assert len(project.accepted()) == count
    assert len(project.db.rows("events", kind="bulk accept")) == 1
    project.undo(project.accepted()[0].reviewer)
    assert project.accepted() == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Either numbers of suggestions or a filter"),
        (["1", "--all"], "Either numbers of suggestions or a filter"),
        (["123456"], "No suggestion that waits for a verdict has the number 123456."),
        (["--least-agreement", "0.99"], "None of these suggestions waits for a verdict."),
        (["--job", "7"], "None of these suggestions waits for a verdict."),
    ],
)
def test_where_nothing_is_accepted_the_reason_is_said(leaml, project, suggestions, words, said, capsys):
    assert leaml("review", "accept", *words) == 2
    assert said in capsys.readouterr().err
    assert project.accepted() == []


def test_verdicts_go_out_and_come_back_in_a_table(leaml, project, suggestions, tmp_path, capsys):
    table = tmp_path / "suggestions.csv"
    assert leaml("review", "export", table) == 0
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == suggestions
    judged = [{"id": row["id"], "verdict": verdict} for row, verdict in zip(rows, ("accept", "reject", "perhaps"))]
    (tmp_path / "verdicts.jsonl").write_text("\n".join(map(json.dumps, judged)), encoding="utf-8")
    assert leaml("review", "import", tmp_path / "verdicts.jsonl") == 0
    assert [pair.status for pair in project.pairs(id=suggestions)] == ["accepted", "rejected", "suggested"]
    err = capsys.readouterr().err
    assert "Took 2 verdicts" in err and "refused: " in err


def test_a_missing_file_is_said(leaml, project, capsys):
    assert leaml("review", "import", "nowhere.csv") == 2
    assert "nowhere.csv" in capsys.readouterr().err


def test_settings_are_shown_and_changed(leaml, project, capsys):
    assert leaml("review", "settings", "--overlap", 2, "--blind") == 0
    assert leaml("review", "settings") == 0
    shown = dict(line.split()[:2] for line in capsys.readouterr().out.splitlines())
    assert (shown["overlap"], shown["blind"], shown["queue"]) == ("2", "1", "fix")
    assert leaml("review", "settings", "--repeats", 0.9) == 2


def test_progress_says_who_did_what_and_what_was_found(leaml, project, suggestions, capsys):
    for person, pair, accept in (("A", 0, True), ("B", 0, False), ("A", 1, True), ("B", 1, True)):
        project.judge(person, suggestions[pair], accept, queue="audit", seconds=4.0, reason="wrong answer")
    assert leaml("review", "progress") == 0
    out = capsys.readouterr().out
    assert "2 suggestions decided, 1 wait." in out and "A: 2 decided, 2 kept, 4 s each" in out
    assert "At random: 1 of 2 right" in out and "Agreement on verdicts: 1 of 2 the same" in out
    assert leaml("review", "progress", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["people"]["B"]["kept"] == 1 and found["advice"] == "unknown" and found["samples"] == []


def test_the_history_of_a_question_is_told(leaml, project, suggestions, capsys):
    project.judge("A", suggestions[0], False, reason="wrong answer")
    project.undo("A")
    assert leaml("review", "history", suggestions[0]) == 0
    out = capsys.readouterr().out.splitlines()
    assert "-: written: " in out[0] and out[1].endswith("A: rejected (taken back): wrong answer")
    assert leaml("review", "history", 999) == 2
