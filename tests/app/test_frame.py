"""Every screen keeps the convention, with a project and without; rail and chip say where the work stands."""

from pathlib import Path

import pytest

from app.context import Context
from app.frame import Frame
from app.main import SCREENS
from app.texts import frame as texts
from leaml.jobs import queue
from leaml.options import AdaptOptions, DistilOptions
from tests.app.small_project import import_label, small_project, suggest


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("home")
    project = small_project(home / "polyps")
    import_label(project, 1, "Is there a polyp?", "yes")
    suggest(project, 2, "Is there a polyp?")
    project.close()
    return home


@pytest.fixture
def frame(home, monkeypatch) -> Frame:
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    return built(Context(home))


def built(context: Context) -> Frame:
    frame = Frame(context, [screen(context) for screen in SCREENS])
    frame.build()
    return frame


def test_every_tab_has_a_screen_and_every_step_and_job_a_tab(frame):
    assert list(frame.screens) == list(texts.TABS)
    assert set(texts.STEPS.values()) | set(texts.JOBS.values()) <= set(texts.TABS)
    assert set(texts.JOBS) == set(texts.DOING) == set(queue.KINDS)


@pytest.mark.parametrize("empty", [True, False])
def test_screens_fill_what_they_have_declared_and_nothing_else(frame, tmp_path, empty):
    shown = built(Context(tmp_path)) if empty else frame
    for key, screen in shown.screens.items():
        assert set(screen.refresh(True)) <= set(screen.outputs), key
        assert set(screen.refresh(False)) <= set(screen.outputs), key
        assert set(screen.tick()) <= set(screen.live) <= set(screen.outputs), key


def test_screens_ids_begin_with_their_own_or_with_a_job(frame):
    for key, screen in frame.screens.items():
        own = (f"{key}-", *(f"{kind}-" for kind, where in texts.JOBS.items() if where == key))
        own += ("model",) if key == "project" else ()  # app/model_choice.py, a part of its own
        ids = [part.elem_id for part in screen.outputs if part.elem_id]
        assert [id for id in ids if not id.startswith(own)] == [], key


def test_loading_fills_header_and_all_screens(frame):
    updates = frame._load()
    assert updates[frame.shown] == "polyps"
    assert updates[frame.standing]["filled"] and "filled" not in frame._standing(), "for whom: only then"
    assert updates[frame.standing]["person"] == frame.context.person
    for screen in frame.screens.values():
        assert set(screen.refresh(True)) <= set(updates)


def test_the_rail_counts_and_names_the_next_step(frame):
    standing = frame._standing()
    assert standing["tabs"]["label"] == "1 Label ✓ 1"
    assert standing["tabs"]["review"] == "3 Review 1"
    assert standing["tabs"]["adapt"] == "4 Adapt"
    assert standing["next"] == texts.STEPS[frame.context.project.overview().next_step]
    assert standing["project"] == "polyps"


def test_without_a_project_the_next_step_is_to_make_one(tmp_path):
    standing = built(Context(tmp_path))._standing()
    assert (standing["project"], standing["next"], standing["chip"]) == ("-", "project", "")


def test_the_chip_shows_the_job_that_runs_and_leads_to_its_screen(frame):
    project = frame.context.project
    first = queue.submit(project, "distil", DistilOptions())
    queue.submit(project, "adapt", AdaptOptions())
    assert "waits" in frame._standing()["chip"]
    running = {"state": "running", "step": 62, "total": 100, "figures": {"seconds per step": 2.0}}
    project.db.update("jobs", first, running)
    standing = frame._standing()
    assert standing["chip"] == "● Distilling 62 % · 1:16 left · 1 waiting"
    assert standing["screen"] == "distil"
    for job in queue.jobs(project):
        project.db.update("jobs", job.id, {"state": "done"})
    assert frame._standing()["chip"] == ""


def test_the_time_that_is_left():
    words = {None: "", 0.4: "0:00 left", 48: "0:48 left", 720: "about 12 min left"}
    assert {seconds: texts.left(seconds) for seconds in words} == words
