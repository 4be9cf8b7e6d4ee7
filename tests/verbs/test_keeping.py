"""`leaml project …`: projects listed, backed up, brought back, copied, deleted by their title."""

import json

import pytest

from leaml.store.project import Project, projects


@pytest.fixture
def made(leaml, home, capsys) -> Project:
    leaml("init", "Polyps")
    capsys.readouterr()
    return Project.open(home / "polyps")


def test_a_backup_is_written_and_brought_back(leaml, made, home, tmp_path, capsys):
    assert leaml("project", "backup", tmp_path / "kept") == 0
    file = capsys.readouterr().out.strip()
    assert leaml("project", "restore", file, "--title", "Polyps again") == 0
    assert capsys.readouterr().out.strip() == str(home / "polyps-again")
    assert Project.open(home / "polyps-again").title == "Polyps again"


def test_a_copy_is_made_listed_and_deleted_by_its_title(leaml, made, home, capsys):
    assert leaml("project", "copy", "Second reader", "--project", "polyps") == 0
    capsys.readouterr()
    assert leaml("project", "list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["name"], row["title"]) for row in rows] == [("polyps", "Polyps"), ("second-reader", "Second reader")]
    assert leaml("project", "delete", "Polyps", "--project", "second-reader") == 2
    assert leaml("project", "delete", "Second reader", "--project", "second-reader") == 0
    assert [folder.name for folder in projects(home)] == ["polyps"]


def test_room_is_told(leaml, made, capsys):
    assert leaml("project", "room") == 0
    assert [line.split("MB")[1].strip() for line in capsys.readouterr().out.splitlines()] == [
        "pictures", "models and jobs", "answers",
    ]  # fmt: skip


def test_nothing_is_kept_deleted_or_copied_while_a_job_runs(leaml, made, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("leaml.verbs.keeping.queue.reconcile", lambda project: None)
    made.db.insert("jobs", {"kind": "adapt", "state": "running"})
    for words in (("backup", tmp_path / "kept"), ("copy", "Other"), ("delete", "Polyps")):
        assert leaml("project", *words) == 2
        assert "still runs" in capsys.readouterr().err
    assert leaml("project", "restore", tmp_path / "no.zip") == 2
