"""What goes out comes in again unchanged, in every layout; names stay here, and suggestions never become labels."""

import json

import pytest
from PIL import Image

from leaml.options import ImportOptions
from leaml.records import Pair
from leaml.store.dataset import export_dataset
from leaml.store.importing import import_folder
from leaml.store.layouts import LAYOUTS
from leaml.store.project import Answer, Project

MARKS = [
    {"shape": "point", "points": [[0.5, 0.25]]},
    {"shape": "box", "points": [[0.1, 0.2], [0.4, 0.5]]},
    {"shape": "region", "points": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]},
]
TRICKY = "=HYPERLINK(1), “a|b; c”\u00a0<image> <b>ä</b>"


def scene(number):
    return Image.effect_noise((40 + number, 30), 80).convert("RGB")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A project with every kind of row, and with a reviewer whose name must not leave it."""
    given, home = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("home")
    (given / "images").mkdir()
    for number in range(5):
        scene(number).save(given / "images" / f"scan {number}.{'png' if number else 'jpg'}")
    rows = [
        {"image": "scan 0.jpg", "question": "How many?", "answer": "2", "type": "count", "split": "test",
         "group": "p1"},
        {"image": "scan 1.png", "question": "Which?", "answer": "flat; pale", "type": "multiple choice",
         "choices": ["flat", "pale", "red"], "origin": "Dr. B", "split": "calibration"},
        {"image": "scan 2.png", "question": "Is there one?", "type": "yes/no", "choices": ["yes", "no"]},
        {"image": "scan 3.png", "question": TRICKY, "answer": TRICKY, "type": "open", "split": "Shifted set"},
    ]  # fmt: skip
    (given / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    caption = {"image": "scan 2.png", "caption": "A polyp.", "teacher": "t"}
    (given / "captions.jsonl").write_text(json.dumps(caption), encoding="utf-8")
    project = Project.create(home / "source")
    list(import_folder(project, given, ImportOptions(folder="given")))
    numbers = {picture.name: picture.id for picture in project.pictures()}
    first, second = numbers["scan 2.png"], numbers["scan 4.png"]
    project.add_labels("Jane Doe", first, [Answer("Where?", "center", "location", (), MARKS)])
    project.add_labels("Max Roe", first, [Answer("Where?", "upper-left", "location")])
    texts = ("Fine?", "In bulk?", "Corrected?", "Rejected?", "Bad question?", "Waiting?")
    signals = {"agreement": 0.75, "blind_answer": "no"}
    pairs = [Pair(given, text, "yes", "yes/no", ("yes", "no"), signals) for text in texts]
    project.add_pairs(7, [(second, pair) for pair in pairs])
    fine, bulk, corrected, rejected, bad, _ = (pair.id for pair in project.pairs(status="suggested"))
    project.judge("Jane Doe", fine, True, queue="audit")
    project.accept_all("Jane Doe", [bulk])
    project.judge("Jane Doe", corrected, True, question="Better?", answer="no")
    project.judge("Jane Doe", rejected, False, reason="not seen", question_ok=True)
    project.judge("Jane Doe", bad, False)
    yield project
    project.close()


def again(folder, home):
    """A new project into which an exported folder was imported."""
    project = Project.create(home)
    list(import_folder(project, folder, ImportOptions(folder=str(folder))))
    findings = project.setting("import findings")
    assert [findings[kind]["refused"] for kind in ("pictures", "questions", "captions")] == [[], [], []]
    assert findings["notes"] == []
    return project


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_goes_out_comes_in_again_unchanged(source, layout, tmp_path):
    export_dataset(source, tmp_path / "out", layout, undecided=True)
    copy = again(tmp_path / "out", tmp_path / "home" / "copy")
    export_dataset(copy, tmp_path / "again", layout, undecided=True)
    before, after = contents(tmp_path / "out"), contents(tmp_path / "again")
    assert before.keys() == after.keys()
    differing = [name for name in before if before[name] != after[name]]
    assert differing == [], [(before[name][-3000:], after[name][-3000:]) for name in differing]
    copy.close()


@pytest.mark.parametrize("layout", ["jsonl", "csv", "parquet", "datasets", "label-studio"])
def test_every_row_keeps_its_standing(source, layout, tmp_path):
    export_dataset(source, tmp_path / "out", layout, undecided=True)
    copy = again(tmp_path / "out", tmp_path / "home" / "copy")

    def standing(project):
        return sorted(
            (pair.image_name, pair.question, pair.answer or "", pair.type, pair.choices, pair.split, pair.group,
             pair.status, pair.edited, tuple(sorted(pair.signals.items())), str(marks_of(project, pair)))
            for pair in project.pairs()
        )  # fmt: skip

    assert standing(copy) == standing(source)
    assert copy.db.counts("pair_states", "status") == source.db.counts("pair_states", "status")
    assert [caption.caption for caption in copy.captions()] == ["A polyp."]
    copy.close()


def marks_of(project, pair):
    return project.db.row("pairs", id=pair.id)["marks"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_name_of_a_person_goes_out(source, layout, tmp_path):
    export_dataset(source, tmp_path / "out", layout, undecided=True)
    for name, data in contents(tmp_path / "out").items():
        assert b"Jane Doe" not in data and b"Max Roe" not in data, name


def test_rows_say_origin_verdict_run_and_whose_they_are(source, tmp_path):
    export_dataset(source, tmp_path / "out", undecided=True)
    rows = {row["question"]: row for row in map(json.loads, (tmp_path / "out" / "questions.jsonl").open("rb"))}
    better = rows["Better?"]
    assert (better["origin"], better["run"], better["verdict"]) == ("generator", "run 7", "accepted")
    assert better["suggested"] == {"question": "Corrected?", "answer": "yes"}
    assert better["reviewer"].startswith("person ") and better["reviewer"] == rows["Rejected?"]["reviewer"]
    assert (rows["Rejected?"]["verdict"], rows["Rejected?"]["reason"]) == ("answer rejected", "not seen")
    assert rows["In bulk?"]["verdict"] == "accepted in bulk" and "verdict" not in rows["Waiting?"]
    assert (rows["Which?"]["origin"], rows["Where?"]["origin"]) == ("Dr. B", "expert")
    assert rows["Where?"]["person"].startswith("person ")


def test_undecided_suggestions_stay_unless_they_are_asked_for(source, tmp_path):
    assert export_dataset(source, tmp_path / "all", undecided=True) == export_dataset(source, tmp_path / "some") + 3


def test_what_trains_others_holds_answers_that_somebody_stands_for(source, tmp_path):
    export_dataset(source, tmp_path / "out", "llava", undecided=True)
    items = json.loads((tmp_path / "out" / "llava.json").read_text("utf-8"))
    assert all(item.get("verdict", "accepted").startswith("accepted") for item in items)
    assert {item["conversations"][1]["value"] for item in items if item["type"] == "count"} == {"2"}


def test_a_second_import_of_an_export_adds_nothing(source, tmp_path):
    export_dataset(source, tmp_path / "out", undecided=True)
    copy = again(tmp_path / "out", tmp_path / "home" / "copy")
    before = copy.db.rows("pairs"), copy.db.rows("verdicts")
    list(import_folder(copy, tmp_path / "out", ImportOptions(folder="out")))
    assert (copy.db.rows("pairs"), copy.db.rows("verdicts")) == before
    rebuilt = copy.db.rebuild(tmp_path / "rebuilt.db")
    assert rebuilt.rows("pairs") == before[0]
    rebuilt.close()
    copy.close()
