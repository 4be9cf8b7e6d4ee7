"""What other programs write comes in: as they write it, by the names they use, and with what they leave open."""

import io
import json
import os
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from leaml.errors import DataError
from leaml.options import ImportOptions
from leaml.store import hub
from leaml.store.formats import read_annotations, read_folder
from leaml.store.importing import import_folder
from leaml.store.layouts import rows_of
from leaml.store.layouts.simple import guessed
from leaml.store.tables import RowError


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.png"):
        (folder / "images" / name).write_bytes(b"picture")
    return folder


def put(folder, value, name="data.json"):
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def asked(folder):
    """(picture, question, answer, type, split) of each question; nothing was refused."""
    data = read_folder(folder)
    assert data.problems == [] and data.notes == []
    return [(one.image.name, one.question, one.answer, one.type, one.split) for one in data.questions]


# ---- conversations -----------------------------------------------------------------------------------------------


def test_a_conversation_of_llava_is_a_question_for_each_turn(folder):
    turns = [
        {"from": "human", "value": "<image>\nIs there a polyp?"}, {"from": "gpt", "value": "Yes"},
        {"from": "human", "value": "How many?"}, {"from": "gpt", "value": "2"},
        {"from": "human", "value": "And why?"},
    ]  # fmt: skip
    put(folder, [{"id": "1", "image": "train/a.jpg", "conversations": turns}], "llava_instruct.json")
    assert asked(folder) == [
        ("a.jpg", "Is there a polyp?", "yes", "yes/no", "train"), ("a.jpg", "How many?", "2", "count", "train"),
    ]  # fmt: skip


def test_messages_of_sharegpt_are_read_with_their_parts(folder):
    parts = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    messages = [
        {"role": "system", "content": "You see."}, {"role": "user", "content": parts},
        {"role": "assistant", "content": "A snare."},
    ]  # fmt: skip
    put(folder, [{"messages": messages, "images": ["b.png"]}])
    assert asked(folder) == [("b.png", "What is it?", "A snare.", "open", "train")]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"conversations": []}, "no question that is answered"),
        ({"conversations": [{"from": "human", "value": "?"}], "image": "a.jpg"}, "no question that is answered"),
        ({"conversations": ["?", "!"], "image": "a.jpg"}, "not as this kind of file has it"),
        ({"conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}]}, "without a picture"),
        ({"conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}], "images": ["a", "b"]},
         "several pictures"),
        ({"conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}], "image": "/etc/passwd"},
         "leads out of the folder"),
        ({"conversations": [{"from": "human", "value": ""}, {"from": "gpt", "value": "A"}], "image": "a.jpg"},
         "is missing|cannot"),
        (["no", "object"], "not a JSON object"),
    ],
)  # fmt: skip
def test_an_item_that_cannot_be_used_is_named_and_the_others_go_in(folder, item, reason):
    good = {"image": "a.jpg", "conversations": [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A"}]}
    put(folder, [good, item])
    data = read_folder(folder)
    assert len(data.questions) == 1
    if data.problems:
        assert len(data.problems) == 1 and data.problems[0].startswith("data.json item 2: ")


# ---- Label Studio ------------------------------------------------------------------------------------------------


def result(kind, value, name="answer"):
    return {"from_name": name, "to_name": "image", "type": kind, "value": value, "id": "x", "original_width": 640}


def task(*results, data=None, **more):
    given = {"image": "/data/upload/3/0a1b2c3d-a.jpg"} | (data or {})
    return {"id": 7, "data": given, "annotations": [{"completed_by": 4, "result": list(results), **more}]}


BOX = {"x": 10, "y": 20, "width": 30, "height": 30, "rotation": 0, "rectanglelabels": ["polyp"]}


@pytest.mark.parametrize(
    "address",
    [
        "images/a.jpg", "a.jpg", "/data/upload/3/0a1b2c3d-a.jpg", "/data/local-files/?d=ward/a.jpg",
        "https://example.test/pictures/a.jpg?sign=1", "s3://bucket/deep/a.jpg", "gs://bucket/a%2Ejpg",
    ],
)  # fmt: skip
def test_a_task_finds_its_picture_by_name_wherever_it_was_shown_from(folder, address):
    put(folder, [task(result("choices", {"choices": ["yes"]}), data={"image": address, "question": "Polyp?"})])
    assert asked(folder) == [("a.jpg", "Polyp?", "yes", "yes/no", "train")]


def test_controls_are_questions_where_the_task_asks_none(folder):
    put(folder, [task(
        result("choices", {"choices": ["flat", "pale"]}, "shape"), result("textarea", {"text": ["A note."]}, "note"),
        result("number", {"number": 3}, "count"),
    )])  # fmt: skip
    assert [(one[1], one[2], one[3]) for one in asked(folder)] == [
        ("shape", "flat; pale", "open"), ("note", "A note.", "open"), ("count", "3", "count"),
    ]  # fmt: skip


def test_boxes_points_and_polygons_become_marks(folder):
    polygon = {"points": [[0, 0], [100, 0], [50, 100]], "polygonlabels": ["polyp"]}
    put(folder, [task(
        result("choices", {"choices": ["yes"]}), result("rectanglelabels", BOX),
        result("keypointlabels", {"x": 50, "y": 25, "width": 1, "keypointlabels": ["polyp"]}),
        result("polygonlabels", polygon), data={"question": "Polyp?"},
    )])  # fmt: skip
    (one,) = read_folder(folder).annotations
    assert [mark["shape"] for mark in one.marks] == ["box", "point", "region"]
    assert one.marks[0]["points"] == [[0.1, 0.2], [0.4, 0.5]] and one.marks[1]["points"] == [[0.5, 0.25]]
    assert one.person == "annotator 4"


def test_marks_that_answer_nothing_ask_where_each_label_is(folder):
    put(folder, [task(result("rectanglelabels", BOX), result("rectanglelabels", BOX | {"x": 69}))])
    (one,) = read_folder(folder).annotations
    assert (one.question.question, one.question.answer) == ("Where is the polyp?", "center-left; center-right")
    assert len(one.marks) == 2


def test_predictions_wait_for_a_verdict_and_cancelled_answers_do_not_count(folder):
    item = task(result("choices", {"choices": ["no"]}), data={"question": "Polyp?"}, was_cancelled=True)
    predicted = {"model_version": "v2", "score": 0.8, "result": [result("choices", {"choices": ["yes"]})]}
    put(folder, [item | {"predictions": [predicted]}])
    (one,) = read_folder(folder).annotations
    assert one.written and one.verdict == "" and one.run == "v2" and one.signals == {"score": 0.8}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (result("brushlabels", {"rle": [1, 2], "brushlabels": ["polyp"]}), "brushlabels has no place here"),
        (result("rectanglelabels", BOX | {"rotation": 30}), "a turned box"),
        (result("rectanglelabels", BOX | {"x": 95}), "outside of the picture"),
        (result("rectanglelabels", {"x": 1}), "not as this kind of file has it"),
        (result("rectanglelabels", BOX | {"width": "wide"}), "not as this kind of file has it"),
        (result("polygonlabels", {"points": [[1, 2]], "polygonlabels": ["p"]}), "does not have the points"),
        ("nothing", "not as this kind of file has it"),
    ],
)
def test_what_has_no_place_here_is_named(folder, bad, reason):
    put(folder, [task(result("choices", {"choices": ["yes"]}), bad, data={"question": "Polyp?"})])
    data = read_folder(folder)
    assert data.questions == [] and len(data.problems) == 1 and reason in data.problems[0]


# ---- VQA-RAD, Kvasir-VQA, image folders --------------------------------------------------------------------------


def test_vqa_rad_as_it_is_published(folder):
    (folder / "images").rename(folder / "VQA_RAD Image Folder")
    row = {
        "qid": "0", "phrase_type": "freeform", "qid_linked_id": "03f45", "image_case_url": "https://medpix.test/c",
        "image_name": "a.jpg", "image_organ": "HEAD", "evaluation": "not evaluated", "question": "Are there shifts?",
        "question_rephrase": "NULL", "question_type": "PRES, ABN", "answer": "Yes", "answer_type": "CLOSED",
    }  # fmt: skip
    more = {"phrase_type": "test_para", "question": "How many?", "answer": 4, "image_name": "b.png"}
    put(folder, [row, row | more], "VQA_RAD Dataset Public.json")
    assert asked(folder) == [
        ("a.jpg", "Are there shifts?", "yes", "yes/no", "train"), ("b.png", "How many?", "4", "count", "test"),
    ]  # fmt: skip


def test_kvasir_vqa_as_it_is_published(folder):
    put(folder, "img_id,source,question,answer\na,HyperKvasir,Any polyps?,Yes\nb,HyperKvasir,What colour?,pink\n",
        "metadata.csv")  # fmt: skip
    assert [one[:4] for one in asked(folder)] == [
        ("a.jpg", "Any polyps?", "yes", "yes/no"), ("b.png", "What colour?", "pink", "open"),
    ]  # fmt: skip
    assert read_folder(folder).questions[0].origin == "HyperKvasir"


def test_an_image_folder_of_hugging_face_may_ask_or_describe(folder):
    rows = [{"file_name": "images/a.jpg", "text": "A polyp."}, {"file_name": "b.png", "question": "Q?", "answer": "no"}]
    put(folder, "\n".join(map(json.dumps, rows)), "metadata.jsonl")
    data = read_folder(folder)
    assert [(one.image.name, one.caption) for one in data.captions] == [("a.jpg", "A polyp.")]
    assert [(one.question, one.answer) for one in data.questions] == [("Q?", "no")] and data.problems == []


@pytest.mark.parametrize(
    ("answer", "choices", "type"),
    [("Yes", None, "yes/no"), ("no", ["yes", "no"], "yes/no"), ("12", None, "count"), ("red", ["red"], "single choice"),
     ("red", None, "open"), ("", None, "open"), (None, None, "open")],
)  # fmt: skip
def test_the_type_of_a_question_is_told_by_its_answer(answer, choices, type):
    assert guessed(answer, choices) == type


# ---- tables that hold their pictures -----------------------------------------------------------------------------


def picture(seed):
    buffer = io.BytesIO()
    Image.effect_noise((30 + seed, 20), 80).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def table(rows, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def taken(project, folder):
    list(import_folder(project, folder, ImportOptions(folder="hub")))
    return project.setting("import findings")


def test_parquet_of_the_hub_comes_in_each_picture_once(project, tmp_path):
    shown = [{"bytes": picture(n), "path": None} for n in range(2)]
    rows = [
        {"image": shown[0], "source": "K", "question": "Polyp?", "answer": "yes", "img_id": "c1"},
        {"image": shown[0], "source": "K", "question": "How many?", "answer": "1", "img_id": "c1"},
    ]
    table(rows, tmp_path / "data" / "train-00000-of-00001.parquet")
    table([rows[0] | {"image": shown[1]}], tmp_path / "data" / "test-00000-of-00001.parquet")
    findings = taken(project, tmp_path)
    assert (findings["pictures"]["taken"], findings["questions"]["taken"]) == (2, 3)
    assert sorted((pair.question, pair.split) for pair in project.pairs()) == [
        ("How many?", "train"), ("Polyp?", "test"), ("Polyp?", "train"),
    ]  # fmt: skip
    assert {path.name for path in project.folder.iterdir()} == {"images", "leaml.db", "runs", "thumbs"}


@pytest.mark.parametrize("path", ["../../evil.png", "/etc/passwd", "a\nb.png", "C:\\x.png", "", ".x.png", "a" * 999])
def test_a_name_in_a_table_leads_nowhere(project, tmp_path, path):
    given = tmp_path / "given"
    row = {"image": {"bytes": picture(1), "path": path}, "question": "Q?", "answer": "yes"}
    table([row], given / "train.parquet")
    before = {each for each in tmp_path.rglob("*") if project.folder not in each.parents}
    assert taken(project, given)["questions"]["taken"] == 1
    assert {each for each in tmp_path.rglob("*") if project.folder not in each.parents} == before
    assert "/" not in project.pictures()[0].name and project.pictures()[0].name.isprintable()


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"<script>alert(1)</script>", b"PAR1\xff\xff\xff\x7fPAR1"]
)
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_damaged_table_is_refused_by_name_and_leaves_nothing(project, tmp_path, data, suffix):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / f"bad{suffix}").write_bytes(data)
    with pytest.raises(DataError, match=f"bad{suffix} cannot be read"):
        taken(project, tmp_path / "given")
    assert project.pictures() == [] and list((project.folder / "runs").iterdir()) == []


def test_a_table_without_pictures_is_refused(project, tmp_path):
    table([{"question": "Q?", "answer": "A"}], tmp_path / "given" / "text.parquet")
    with pytest.raises(DataError, match=r"text\.parquet cannot be read"):
        taken(project, tmp_path / "given")


# ---- single files ------------------------------------------------------------------------------------------------


def test_a_single_file_is_read_for_pictures_that_are_there(folder):
    put(folder, [{"image": "a.jpg", "question": "Q?", "answer": "no"}])
    (one,) = read_annotations(folder / "data.json", lambda name: folder / name)
    assert (one.question.question, one.question.type) == ("Q?", "yes/no")
    put(folder, {"settings": 1}, "other.json")
    with pytest.raises(DataError, match="not known here"):
        read_annotations(folder / "other.json", lambda name: folder / name)


@pytest.mark.parametrize(
    "content", ["", "[", "[1, 2]", "nul", "[[[[", "{}", '"text"', "[" * 100_000, "\ud800", '[{"a": NaN}]']
)
def test_json_that_nobody_knows_is_no_layout(folder, content):
    (folder / "x.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    assert rows_of(folder / "x.json") is None


def test_rows_are_refused_one_by_one(folder):
    put(folder, [{"image": "a.jpg", "question": "Q?", "answer": "no"}, 7])
    (_, first), (place, second) = rows_of(folder / "data.json")
    assert first()["answer"] == "no" and place == "item 2"
    with pytest.raises(RowError):
        second()


# ---- the hub -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["hub:", "hub:name", "hub:a/b/c", "hub:../x", "hub:a/..", "hub:-a/b", "hub:a/b c", "hub:a/b;id"]
)
def test_what_names_no_data_set_is_refused_before_anything_is_asked(project, name):
    with pytest.raises(DataError, match="names no data set"):
        taken(project, Path(name))


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
def test_a_data_set_of_the_hub_is_fetched_by_a_process_of_its_own(project, monkeypatch, tmp_path):
    fetched = f"""import pathlib, sys
target = pathlib.Path(sys.argv[-1])
(target / "metadata.csv").write_text("img_id,question,answer\\na,Polyp?,yes\\n")
(target / "a.png").write_bytes({picture(1)!r})
print('["", ""]')"""
    monkeypatch.setattr(hub.sys, "executable", str(script(tmp_path, fetched)))
    assert taken(project, Path("hub:owner/name"))["questions"]["taken"] == 1
    assert {path.name for path in project.folder.iterdir()} == {"images", "leaml.db", "runs", "thumbs"}


@pytest.mark.skipif(os.name == "nt", reason="a script is no program there")
@pytest.mark.parametrize(
    ("said", "reason"),
    [('["There is no network.", "Look."]', "no network"), ("", "could not be fetched"), ("<b>", "fetched")]
)
def test_what_goes_wrong_while_fetching_is_said(project, monkeypatch, tmp_path, said, reason):
    monkeypatch.setattr(hub.sys, "executable", str(script(tmp_path, f"print({said!r})")))
    with pytest.raises(DataError, match=reason):
        taken(project, Path("hub:owner/name"))


def script(folder, source):
    """An executable that runs this source in place of the process that has the network."""
    path = folder / "fetch"
    path.write_text(f"#!{sys.executable}\n{source}\n", encoding="utf-8")
    path.chmod(0o700)
    return path
