"""Pairs out and verdicts back: what a spreadsheet did in between counts, and nothing else."""

import csv
import json

import pytest

from leaml.errors import DataError, OptionError
from leaml.records import Pair
from leaml.store.exporting import export_pairs, import_verdicts
from leaml.store.formats import read_question_table


@pytest.fixture
def suggestions(project, picture):
    """Numbers of three suggestions."""
    path = project.picture(picture).path
    project.add_pairs(1, [
        (picture, Pair(path, "Is there a polyp?", "yes", "yes/no", ("yes", "no"), {"agreement": 0.9})),
        (picture, Pair(path, "Which, of all?", "flat; pale", "multiple choice", ("flat", "pale", "large"))),
        (picture, Pair(path, "=HYPERLINK(1)", "-1", "open")),
    ])  # fmt: skip
    return [pair.id for pair in project.pairs(status="suggested")]


def rows_of(file):
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def judged(file, rows, **changes):
    """Writes the exported rows back, changed as somebody would in a spreadsheet: number -> columns."""
    by_id = {int(number.removeprefix("n")): columns for number, columns in changes.items()}
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(row | by_id.get(int(row["id"]), {}) for row in rows)


def test_suggestions_are_written_as_questions_with_their_status(project, suggestions, tmp_path):
    file = tmp_path / "out.csv"
    assert export_pairs(project, file) == 3
    first = rows_of(file)[0]
    assert first == {
        "id": "1", "image": "picture 1.png", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no",
        "choices": "yes|no", "split": "train", "group": "", "origin": "generator", "status": "suggested",
        "reviewer": "", "verdict": "", "reason": "",
    }  # fmt: skip
    questions = read_question_table(file, lambda name: project.folder / name)
    assert [(q.question, q.answer, q.choices) for q in questions] == [
        ("Is there a polyp?", "yes", ("yes", "no")),
        ("Which, of all?", "flat; pale", ("flat", "pale", "large")),
        ("=HYPERLINK(1)", "-1", ()),
    ]


def test_jsonl_holds_the_same_rows(project, suggestions, tmp_path):
    file = tmp_path / "out.jsonl"
    export_pairs(project, file)
    rows = [json.loads(line) for line in file.open(encoding="utf-8")]
    assert [row["id"] for row in rows] == suggestions and rows[1]["choices"] == ["flat", "pale", "large"]


def test_only_the_statuses_that_were_asked_for_are_written(project, picture, suggestions, tmp_path):
    project.judge("Dr. A", suggestions[0], True)
    project.add_label("Dr. A", picture, "Own?", "yes", "yes/no")
    file = tmp_path / "out.csv"
    assert export_pairs(project, file, ["accepted", "label"]) == 2
    assert {(row["status"], row["reviewer"], row["origin"]) for row in rows_of(file)} == {
        ("accepted", "Dr. A", "generator"), ("label", "", "Dr. A"),
    }  # fmt: skip


def test_verdicts_come_back(project, suggestions, tmp_path):
    file = tmp_path / "out.csv"
    export_pairs(project, file)
    first, second, third = suggestions
    judged(
        file,
        rows_of(file),
        **{
            f"n{first}": {"verdict": "Accept", "question": "Is a polyp seen?", "answer": "No"},
            f"n{second}": {"verdict": "reject", "reason": "not seen", "answer": "large"},
        },
    )
    tally = import_verdicts(project, file, "Dr. B")
    assert (tally.taken, tally.there, tally.refused) == (2, 0, [])
    accepted, rejected, waiting = (project.pair(number) for number in (first, second, third))
    assert (accepted.status, accepted.question, accepted.answer) == ("accepted", "Is a polyp seen?", "no")
    assert (accepted.reviewer, accepted.edited) == ("Dr. B", True)
    assert (rejected.status, rejected.answer, rejected.edited) == ("rejected", "flat; pale", False)
    assert waiting.status == "suggested"
    assert project.db.row("verdicts", pair_id=second)["reason"] == "not seen"


def test_what_was_not_changed_is_no_correction(project, suggestions, tmp_path):
    file = tmp_path / "out.csv"
    export_pairs(project, file)
    judged(file, rows_of(file), **{f"n{number}": {"verdict": "accept"} for number in suggestions})
    assert import_verdicts(project, file, "Dr. B").taken == 3
    assert not any(pair.edited for pair in project.accepted()) and len(project.accepted()) == 3


def test_the_same_verdict_is_given_once_and_another_counts(project, suggestions, tmp_path):
    file = tmp_path / "out.csv"
    export_pairs(project, file)
    rows = rows_of(file)
    judged(file, rows, **{f"n{suggestions[0]}": {"verdict": "accept", "answer": "no"}})
    import_verdicts(project, file, "Dr. B")
    again = import_verdicts(project, file, "Dr. B")
    assert (again.taken, again.there) == (0, 1) and project.db.count("verdicts") == 1
    assert import_verdicts(project, file, "Dr. C").taken == 1
    judged(file, rows, **{f"n{suggestions[0]}": {"verdict": "reject"}})
    assert import_verdicts(project, file, "Dr. C").taken == 1
    assert project.pair(suggestions[0]).status == "rejected"


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": "99"}, "there is no question '99'"),
        ({"id": "one"}, "there is no question 'one'"),
        ({"id": "²"}, "there is no question"),
        ({"id": ""}, '"id" is missing'),
        ({"verdict": "perhaps"}, "the verdict 'perhaps' is unknown"),
        ({"verdict": "accept", "answer": "maybe"}, "'maybe' is not among its choices"),
        ({"verdict": "accept", "question": "q" * 2001}, "2,000 are allowed"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_the_rest_counts(project, suggestions, tmp_path, columns, reason):
    file = tmp_path / "out.csv"
    export_pairs(project, file)
    judged(file, rows_of(file), **{f"n{suggestions[0]}": columns, f"n{suggestions[1]}": {"verdict": "accept"}})
    tally = import_verdicts(project, file, "Dr. B")
    assert tally.taken == 1 and len(tally.refused) == 1
    assert tally.refused[0].startswith("out.csv line 2: ") and reason in tally.refused[0]


def test_verdicts_of_nobody_and_files_of_another_kind_are_refused(project, suggestions, tmp_path):
    with pytest.raises(OptionError, match="somebody's"):
        import_verdicts(project, tmp_path / "out.csv", " ")
    with pytest.raises(DataError, match="There is no file"):
        import_verdicts(project, tmp_path / "out.csv", "Dr. A")
    with pytest.raises(OptionError, match="cannot be written"):
        export_pairs(project, tmp_path / "out.xlsx")
    with pytest.raises(OptionError, match="no status good"):
        export_pairs(project, tmp_path / "out.csv", ["good"])
