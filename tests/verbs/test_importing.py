"""`leaml import`: a folder as a job, or one file; what is refused is named, and nothing goes in twice."""

import json
import shutil

import pytest

from leaml.store.project import Project
from tests import tiny_loop


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    tiny_loop.run_jobs_here(monkeypatch)


@pytest.fixture
def empty(leaml, home, capsys) -> Project:
    leaml("init", "Empty")
    capsys.readouterr()
    return Project.open(home / "empty")


def test_a_folder_goes_in_and_what_was_found_is_said(leaml, empty, phantom, capsys):
    assert leaml("import", phantom, "--labels", 1) == 0
    printed = capsys.readouterr()
    assert f"{tiny_loop.IMAGES} pictures taken." in printed.out
    assert "Next: python launch.py distill --project empty" in printed.err
    assert len({label.image_id for label in empty.labels()}) == 1
    assert len(empty.captions()) == len(empty.pictures("train")) == tiny_loop.TRAIN


def test_a_second_import_adds_nothing_and_says_so(leaml, project, phantom, capsys):
    assert leaml("import", phantom) == 0
    assert capsys.readouterr().out.startswith("Nothing new")
    assert len(project.pictures()) == tiny_loop.IMAGES


def test_what_is_refused_is_named_and_the_rest_goes_in(leaml, empty, phantom, tmp_path, capsys):
    shutil.copytree(phantom, tmp_path / "data")
    with (tmp_path / "data" / "questions.jsonl").open("a", encoding="utf-8") as file:
        file.writelines('{"image": "images/gone.jpg"}\n' for _ in range(25))
    assert leaml("import", tmp_path / "data") == 0
    err = capsys.readouterr().err
    assert err.count("refused: ") == 20 and "and 5 more" in err
    assert len(empty.pictures()) == tiny_loop.IMAGES


def test_the_findings_come_as_json(leaml, empty, phantom, capsys):
    assert leaml("import", phantom, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pictures"]["taken"] == tiny_loop.IMAGES and found["questions"]["refused"] == []


def test_questions_and_captions_come_from_files_of_their_own(leaml, project, tmp_path, capsys):
    name = project.pictures("train")[0].name
    rows = [{"image": name, "question": "Is it sharp?", "answer": "yes", "type": "yes/no"}]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "said.jsonl").write_text(json.dumps({"image": name, "caption": "Fog.", "teacher": "me"}), "utf-8")
    assert leaml("import", tmp_path / "more.jsonl") == 0
    assert leaml("import", tmp_path / "said.jsonl", "--captions") == 0
    assert [pair.answer for pair in project.pairs(question="Is it sharp?")] == ["yes"]
    assert [row.caption for row in project.captions() if row.teacher == "me"] == ["Fog."]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "There is no nowhere."),
        ([".", "--labels", "0"], "labels cannot be '0'"),
        ([".", "--test-share", "2"], "test_share cannot be '2'"),
    ],
)
def test_what_cannot_be_done_is_said(leaml, empty, words, said, capsys):
    assert leaml("import", *words) == 2
    assert said in capsys.readouterr().err
