"""Who works here and which project is open: the same in every window, and after a restart."""

import pytest

from app.context import FIRST_PERSON, SAMPLE_TITLE, Context
from leaml.errors import OptionError
from leaml.jobs import queue


def test_without_a_project_none_is_open(tmp_path):
    assert Context(tmp_path).project is None


def test_a_new_project_is_open_here_and_in_the_next_start(tmp_path):
    context = Context(tmp_path)
    context.create("First")
    made = context.create("Dr. A's Polyps")
    assert context.project is made
    assert Context(tmp_path).project.title == "Dr. A's Polyps"
    assert Context(tmp_path).names() == ["dr-a-s-polyps", "first"]


@pytest.mark.parametrize("title", ["", "   ", "x" * 61, "two\x07bells", "First"])
def test_a_title_that_cannot_be_used_is_refused(tmp_path, title):
    context = Context(tmp_path)
    context.create("First")
    with pytest.raises(OptionError):
        context.create(title)
    assert context.names() == ["first"]


def test_a_project_is_opened_by_name_alone(tmp_path):
    context = Context(tmp_path / "home")
    (tmp_path / "home").mkdir()
    context.create("First")
    for name in ("../elsewhere", "missing", ""):
        with pytest.raises(OptionError):
            context.open(name)
    assert context.project.name == "first"


def test_where_the_open_project_is_gone_another_one_is_open(tmp_path):
    context = Context(tmp_path)
    context.create("First")
    context.create("Second")
    context.delete("second", "Second")
    assert context.project.name == "first"
    assert not (tmp_path / "second").exists()


def test_a_project_is_deleted_only_by_its_own_title(tmp_path):
    context = Context(tmp_path)
    context.create("First")
    with pytest.raises(OptionError):
        context.delete("first", "Second")
    assert context.project.title == "First"


def test_people_are_remembered(tmp_path):
    context = Context(tmp_path)
    assert context.person == FIRST_PERSON
    context.become("  Dr.  A ")
    assert Context(tmp_path).person == "Dr. A"
    assert Context(tmp_path).people() == ["Dr. A", FIRST_PERSON]
    with pytest.raises(OptionError):
        context.become(" ")


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"project": 7, "people": null}'])
def test_damaged_settings_are_as_none(tmp_path, content):
    Context(tmp_path).create("First")
    (tmp_path / "studio.json").write_text(content)
    context = Context(tmp_path)
    assert context.project.name == "first"
    assert context.person == FIRST_PERSON
    context.become("Dr. A")
    assert context.person == "Dr. A"


def test_the_sample_project_comes_in_by_a_job(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(queue, "start_next", started.append)
    context = Context(tmp_path)
    context.add_sample()
    job = queue.jobs(context.project)[0]
    assert (context.project.title, job.kind, job.state) == (SAMPLE_TITLE, "import", "queued")
    assert started == [context.project]
    assert context.project.overview().pictures == 0
