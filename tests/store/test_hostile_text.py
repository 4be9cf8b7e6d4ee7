"""Hostile text in questions, answers, comments and names: kept as it stands, and harmless where it goes out."""

import csv
import json

import pytest
from PIL import Image

from leaml.options import ImportOptions
from leaml.records import Pair
from leaml.review.history import history, replay
from leaml.store.exporting import export_pairs, import_verdicts
from leaml.store.importing import import_folder
from leaml.store.project import Project
from tests.hostile import HOSTILE_TEXTS

texts = pytest.mark.parametrize("number", range(len(HOSTILE_TEXTS)), ids=lambda number: repr(HOSTILE_TEXTS[number]))


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A project into which a folder was imported that asks, answers, names and groups by hostile texts."""
    given = tmp_path_factory.mktemp("given")
    Image.new("RGB", (32, 32), (90, 60, 60)).save(given / "1.png")
    rows = [
        {"image": "1.png", "question": f"{text} {n}?", "answer": text, "type": "open", "origin": text, "group": text}
        for n, text in enumerate(HOSTILE_TEXTS)
    ]
    (given / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    project = Project.create(tmp_path_factory.mktemp("home") / "hostile", HOSTILE_TEXTS[0])
    list(import_folder(project, given, ImportOptions(folder=str(given))))
    image = project.pictures()[0].id
    for n, text in enumerate(HOSTILE_TEXTS):
        signals = {"blind_answer": text, "agreement": 0.5}
        pair = Pair(given / "1.png", f"{text} {n}?", text, "open", (text, "no"), signals)
        project.add_pairs(1, [(image, pair)])
        suggestion = project.db.rows("pairs", order="-id", limit=1)[0]["id"]
        project.judge(f"Dr. {text}", suggestion, True, answer=f"{text}!", said=text)
        project.remark(f"Dr. {text}", image, suggestion, text=text)
    yield project
    project.close()


@pytest.fixture(scope="module")
def tables(imported, tmp_path_factory):
    """What is exported: rows of the CSV as a spreadsheet has them, and of the JSONL."""
    folder = tmp_path_factory.mktemp("out")
    export_pairs(imported, folder / "out.csv", ["accepted"])
    export_pairs(imported, folder / "out.jsonl", ["accepted"])
    with (folder / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.DictReader(file))
    return cells, [json.loads(line) for line in (folder / "out.jsonl").read_text("utf-8").splitlines()], folder


def suggestion(project, number):
    return project.pairs(status="accepted")[number]


@texts
def test_an_imported_text_comes_in_as_it_stands_or_is_refused_by_name(imported, number):
    text = HOSTILE_TEXTS[number]
    found = [label for label in imported.labels(split=None) if label.question == f"{text} {number}?"]
    assert [label.answer for label in found] == [text]
    assert found[0].as_question().origin == text


@texts
def test_a_verdict_keeps_corrections_names_and_comments(imported, number):
    text, pair = HOSTILE_TEXTS[number], suggestion(imported, number)
    assert (pair.answer, pair.reviewer, pair.choices) == (f"{text}!", f"Dr. {text}", (text, "no"))
    assert [remark.text for remark in imported.remarks(pair_id=pair.id)] == [text]
    steps = history(imported, pair.id)
    assert [step.details.get("said") for step in steps if step.what == "corrected"] == [text]
    assert [step.what for step in replay(imported, f"Dr. {text}")] == ["person", "corrected", "comment"]


@texts
def test_no_cell_of_a_spreadsheet_is_a_formula(tables, number):
    row = tables[0][number]
    assert all(not cell or cell[0] not in "=+-@\t\r" for cell in row.values())
    assert row["answer"].lstrip("'") == f"{HOSTILE_TEXTS[number]}!".lstrip("'")


@texts
def test_json_keeps_the_text_and_names_no_file(tables, number):
    row = tables[1][number]
    assert (row["answer"], row["reviewer"]) == (f"{HOSTILE_TEXTS[number]}!", f"Dr. {HOSTILE_TEXTS[number]}")


def test_what_was_exported_comes_in_again_unchanged(imported, tables, tmp_path):
    before = imported.pairs(status="accepted")
    for name in ("out.csv", "out.jsonl"):
        tally = import_verdicts(imported, tables[2] / name, "Dr. B")
        assert (tally.taken, tally.refused) == (0, [])
    assert imported.pairs(status="accepted") == before
    copy = imported.db.rebuild(tmp_path / "copy.db")
    assert copy.rows("pair_states") == imported.db.rows("pair_states")
    copy.close()


def test_nothing_was_written_outside_of_the_project(imported):
    assert {path.name for path in imported.folder.iterdir()} == {"images", "leaml.db", "runs", "thumbs"}
