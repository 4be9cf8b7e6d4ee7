"""Which project a verb works on: the last used one, or one by name or folder; and how one is made."""

import json
import os

import pytest

from leaml.store.project import Project


def test_a_project_is_made_by_its_title(leaml, home, capsys):
    assert leaml("init", "Dr. A's Polyps", "--json") == 0
    printed = capsys.readouterr()
    made = json.loads(printed.out)
    assert made == {"name": "dr-a-s-polyps", "title": "Dr. A's Polyps", "folder": str(home / "dr-a-s-polyps")}
    assert Project.open(home / "dr-a-s-polyps").title == "Dr. A's Polyps"
    assert "python launch.py import FOLDER --project dr-a-s-polyps" in printed.err


def test_another_home_may_be_given(leaml, tmp_path):
    assert leaml("init", "One", "--home", tmp_path / "other") == 0
    assert leaml("jobs", "list", "--home", tmp_path / "other") == 0
    assert leaml("jobs", "list") == 2


def test_a_project_is_not_made_twice(leaml, capsys):
    assert [leaml("init", "One"), leaml("init", "one")] == [0, 2]
    assert "There is a project in" in capsys.readouterr().err


def test_without_a_project_the_next_step_is_said(leaml, capsys):
    assert leaml("distill") == 2
    err = capsys.readouterr().err
    assert err.startswith("There is no project in ") and "python launch.py init 'My pictures'" in err


def test_the_last_used_project_is_taken_and_said(leaml, home, capsys):
    for age, title in enumerate(("Old", "New", "Older")):
        project = Project.create(home / title.lower(), title)
        os.utime(project.folder / "leaml.db", (0, [2000, 3000, 1000][age]))
    assert leaml("jobs", "list") == 0
    assert capsys.readouterr().err == "Project: New\n"


@pytest.mark.parametrize("by", ["name", "folder"])
def test_a_project_is_found_by_name_and_by_folder(leaml, home, capsys, by):
    for title in ("One", "Two"):
        leaml("init", title)
    capsys.readouterr()
    assert leaml("jobs", "list", "--project", "one" if by == "name" else home / "one") == 0
    assert capsys.readouterr().err == "Project: One\n"


def test_an_unknown_project_is_said_with_those_there_are(leaml, capsys):
    leaml("init", "One")
    assert leaml("jobs", "list", "--project", "tow") == 2
    err = capsys.readouterr().err
    assert "There is no project tow in" in err and "There are: one." in err
