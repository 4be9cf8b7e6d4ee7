"""Adapt: one press queues the job, and what is there is said."""

import pytest

from app.context import Context
from app.screens.adapt import Adapt, models
from app.texts import adapt as texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.options import AdaptOptions
from tests.app.small_project import small_project, suggest


@pytest.fixture
def screen(context, build) -> Adapt:
    return build(Adapt(context))


def typed(screen: Adapt, **changed) -> list:
    return [changed.get(name, part.value) for name, part in zip(screen.form.names, screen.form.inputs, strict=True)]


def test_one_press_queues_the_job_once(screen):
    screen.begin(*typed(screen, steps=20))
    (job,) = queue.jobs(screen.context.project)
    assert (job.kind, job.stage_options()) == ("adapt", AdaptOptions(steps=20))
    with pytest.raises(OptionError):
        screen.begin(*typed(screen))


def test_accepted_suggestions_count_where_they_are_used(screen):
    project = screen.context.project
    pair = suggest(project, 2, "Is there a polyp?")
    assert texts.WAITING.format(1) in screen.refresh(True)[screen.waiting]
    project.judge("Dr. A", pair, True)
    assert texts.plan(1, 1) in screen.describe(*typed(screen))
    assert texts.plan(1, 0) in screen.describe(*typed(screen, use_suggestions=False))


def test_with_nothing_to_learn_from_it_says_what_to_do(tmp_path, build):
    small_project(tmp_path / "home" / "empty")
    screen = build(Adapt(Context(tmp_path / "home")))
    with pytest.raises(DataError):
        screen.begin(*typed(screen))
    assert texts.NOTHING in screen.describe(*typed(screen))
    assert screen.refresh(True)[screen.label]["visible"] is True


def test_suggestions_that_are_not_used_are_nothing_to_learn_from(tmp_path, build):
    project = small_project(tmp_path / "home" / "empty")
    project.judge("Dr. A", suggest(project, 2, "Is there a polyp?"), True)
    screen = build(Adapt(Context(tmp_path / "home")))
    with pytest.raises(DataError):
        screen.begin(*typed(screen, use_suggestions=False))


def test_while_something_is_typed_that_cannot_be_used_the_plan_stays(screen):
    assert screen.describe(*typed(screen, rank=-1)).get("__type__") == "update"


def test_when_it_is_done_it_leads_to_the_comparison(screen):
    project = screen.context.project
    job = queue.submit(project, "adapt", AdaptOptions())
    project.db.update("jobs", job, {"state": "done", "result": {"name": "<adapted>", "trained weights": 1234.0}})
    updates = screen.tick()
    assert updates[screen.compare]["visible"] is True
    assert texts.learned("&lt;adapted&gt;", 1234) in updates[screen.panel.part]["result"]


def test_models_are_listed_as_text(screen):
    project = screen.context.project
    assert models(project) == ""
    folder = project.folder / "runs" / "1" / "adapter"
    project.add_adapter(1, "<b>adapted</b>", "answers", "lora", folder, "nano", 2_500_000, 1234)
    table = models(project)
    assert "&lt;b&gt;adapted" in table and "2.5 MB" in table and "1,234" in table
