"""Backups, copies and the way back: whole, of one moment, and taken apart as if a stranger had packed them."""

import json
import zipfile

import pytest
from PIL import Image

from leaml.errors import DataError, LeamlError, OptionError, StorageError
from leaml.options import ImportOptions
from leaml.store import copies
from leaml.store.importing import import_folder
from leaml.store.project import Project, projects


@pytest.fixture
def full(tmp_path):
    """A project with a picture, an answer, a run and a job that seems to go on."""
    given = tmp_path / "given"
    given.mkdir()
    Image.effect_noise((40, 30), 80).convert("RGB").save(given / "1.png")
    row = {"image": "1.png", "question": "Polyp?", "answer": "yes", "type": "yes/no"}
    (given / "questions.jsonl").write_text(json.dumps(row), encoding="utf-8")
    project = Project.create(tmp_path / "home" / "polyps", "Pölyps")
    list(import_folder(project, given, ImportOptions(folder="given")))
    (project.folder / "runs" / "1" / "adapter").mkdir(parents=True)
    (project.folder / "runs" / "1" / "adapter" / "weights").write_bytes(b"w" * 1000)
    (project.folder / "runs" / "1" / "lock").touch()
    project.db.insert("jobs", {"kind": "adapt", "state": "running"})
    yield project
    project.close()


def same(project, folder, title):
    with_same = Project.open(folder)
    assert with_same.title == title and with_same.name == folder.name
    for table in ("images", "pairs"):
        assert with_same.db.rows(table) == project.db.rows(table)
    pictures = [[one.path.read_bytes() for one in each.pictures()] for each in (project, with_same)]
    assert pictures[0] == pictures[1]
    assert all(one.thumb.is_file() for one in with_same.pictures())
    assert (folder / "runs" / "1" / "adapter" / "weights").read_bytes() == b"w" * 1000
    assert not (folder / "runs" / "1" / "lock").exists()
    assert with_same.db.row("jobs", id=1)["state"] == "interrupted" and with_same.db.problems() == []
    with_same.close()


def test_a_backup_comes_back_whole_beside_the_original(full, tmp_path):
    file = copies.back_up(full, tmp_path / "backups")
    home = full.folder.parent
    folder = copies.restore(file, home)
    assert folder != full.folder and folder.name == "polyps-2"
    same(full, folder, "Pölyps (2)")
    same(full, copies.restore(file, home, "Other"), "Other")
    assert [path.name for path in projects(home)] == ["other", "polyps", "polyps-2"]
    assert [path.name for path in (tmp_path / "backups").iterdir()] == [file.name]
    assert full.db.row("jobs", id=1)["state"] == "running", "the original goes on"


def test_two_backups_of_one_minute_stand_beside_each_other(full, tmp_path):
    first, second = (copies.back_up(full, tmp_path / "backups") for _ in range(2))
    assert first != second and first.is_file() and second.is_file()


def test_what_is_done_in_a_copy_leaves_the_original_as_it_is(full):
    folder = copies.duplicate(full, "Second reader")
    same(full, folder, "Second reader")
    copy = Project.open(folder)
    copy.add_label("B", 1, "New?", "no", "yes/no")
    assert len(copy.pairs()) == 2 and len(full.pairs()) == 1
    copy.close()


def test_room_is_told_by_kind(full):
    used = copies.disk_use(full)
    assert used["models and jobs"] == 1000 and used["pictures"] > 1000 and used["answers"] > 50_000
    assert copies.free_space(full.folder) > 0


def test_where_there_is_no_room_nothing_is_begun(full, tmp_path, monkeypatch):
    file = copies.back_up(full, tmp_path / "backups")
    monkeypatch.setattr(copies, "free_space", lambda folder: 10)
    for act in (lambda: copies.restore(file, full.folder.parent), lambda: copies.duplicate(full, "Copy")):
        with pytest.raises(StorageError, match="are free"):
            act()
    assert [path.name for path in full.folder.parent.iterdir() if path.is_dir()] == ["polyps"]


def test_a_project_is_deleted_by_its_title_alone(full):
    with pytest.raises(OptionError, match="another one"):
        copies.delete(full, "polyps")
    assert full.folder.is_dir()
    copies.delete(full, " Pölyps ")
    assert not full.folder.exists()


HOSTILE = {
    "leads out": {"leaml.db": None, "../evil.txt": b"x"},
    "leads out below": {"leaml.db": None, "images/../../evil.txt": b"x"},
    "leads to the root": {"leaml.db": None, "/tmp/evil.txt": b"x"},
    "leads to a drive": {"leaml.db": None, "C:\\evil.txt": b"x"},
    "leads out by backslash": {"leaml.db": None, "images\\..\\..\\evil.txt": b"x"},
    "names a stream": {"leaml.db": None, "images/a:b": b"x"},
    "holds more": {"leaml.db": None, "run.sh": b"x"},
    "holds no project": {"images/1.png": b"x"},
    "holds another file as database": {"leaml.db": b"SQLite format 3\0" + b"\0" * 500},
    "holds text as database": {"leaml.db": b"DROP TABLE images"},
    "holds nothing": {},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_no_backup_leaves_nothing(case, full, tmp_path):
    whole = copies.back_up(full, tmp_path / "backups")
    with zipfile.ZipFile(whole) as packed:
        database = packed.read("leaml.db")
    file = tmp_path / "hostile.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in HOSTILE[case].items():
            packed.writestr(name, database if data is None else data)
    before = {path for path in tmp_path.rglob("*")}
    with pytest.raises(LeamlError):
        copies.restore(file, full.folder.parent)
    assert {path for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("cut", [0, 10, 500, -30])
def test_a_backup_that_was_cut_short_or_changed_is_refused(cut, full, tmp_path):
    data = copies.back_up(full, tmp_path / "backups").read_bytes()
    file = tmp_path / "cut.zip"
    file.write_bytes(data[:cut] if cut >= 0 else data[:200] + bytes([data[200] ^ 255]) + data[201:cut])
    with pytest.raises(DataError, match=r"cut\.zip is not a whole backup"):
        copies.restore(file, full.folder.parent)


def test_a_link_in_a_backup_is_refused(full, tmp_path):
    file = copies.back_up(full, tmp_path / "backups")
    link = zipfile.ZipInfo("images/link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="more than a project"):
        copies.restore(file, full.folder.parent)
