"""Dropped files go into a folder of their own, and no copy of them stays behind."""

from pathlib import Path

import pytest

from app import arrivals
from leaml.errors import DataError
from leaml.jobs import queue
from leaml.options import ImportOptions
from leaml.store.project import Project


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    return Project.create(tmp_path / "polyps", "Polyps")


def dropped(tmp_path: Path, *names: str) -> list[Path]:
    """Files as Gradio keeps them: each in a folder of its own."""
    files = [tmp_path / "uploads" / str(number) / name for number, name in enumerate(names)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(file.name)
    return files


def test_files_are_moved_together(project, tmp_path):
    files = dropped(tmp_path, "a.png", "questions.jsonl", "B.JPG")
    folder = arrivals.take(project, files)
    assert sorted(path.name for path in folder.iterdir()) == ["B.JPG", "a.png", "questions.jsonl"]
    assert not any(file.exists() for file in files), "what a person dropped may carry names"


def test_each_import_has_a_folder_of_its_own(project, tmp_path):
    first, second = (arrivals.take(project, dropped(tmp_path / name, "a.png")) for name in ("one", "two"))
    assert first != second


@pytest.mark.parametrize("names", [("a.png", "run.exe"), ("a.png", "a.png"), ("noname",)])
def test_files_that_cannot_be_used_are_refused_before_any_is_moved(project, tmp_path, names):
    files = dropped(tmp_path, *names)
    with pytest.raises(DataError):
        arrivals.take(project, files)
    assert all(file.exists() for file in files)


def test_after_the_import_nothing_stays(project, tmp_path):
    folder = arrivals.take(project, dropped(tmp_path, "a.png"))
    job = queue.submit(project, "import", ImportOptions(folder=str(folder)))
    arrivals.sweep(project)
    assert folder.is_dir(), "the import still needs it"
    project.db.update("jobs", job, {"state": "failed"})
    arrivals.sweep(project)
    assert not folder.exists()
