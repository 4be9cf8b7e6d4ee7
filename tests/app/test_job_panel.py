"""The panel shows the job that matters, as the store has it, and its buttons do what they say, once."""

import json
from pathlib import Path

import pytest

from app.context import Context
from app.job_panel import JobPanel, chosen_before
from app.texts import jobs as texts
from leaml.jobs import queue
from leaml.options import DistilOptions, GenerateOptions
from leaml.store.project import Project

KINDS = ("distil", "generate")


@pytest.fixture
def context(tmp_path, monkeypatch) -> Context:
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    context = Context(tmp_path)
    context.create("Polyps")
    return context


@pytest.fixture
def panel(context) -> JobPanel:
    made = JobPanel(context, "distil", KINDS, came_of_it, {"distil": {"loss": "answers"}})
    made.part = "part"
    return made


def came_of_it(project: Project, job: queue.Job) -> str:
    return f"<p>{job.kind} came to its end</p>"


def shown(panel: JobPanel) -> dict:
    return panel.show()["part"]


def acts(panel: JobPanel) -> list[str]:
    return [act for act, _, _ in shown(panel)["acts"]]


def become(project: Project, id: int, state: str, **values) -> None:
    """What a worker would have written."""
    project.db.update("jobs", id, {"state": state} | values)


def learn(context: Context) -> int:
    return queue.submit(context.project, "distil", DistilOptions(steps=10))


def test_before_anything_has_run_it_says_so(panel):
    assert texts.IDLE in shown(panel)["state"]
    assert acts(panel) == [] and shown(panel)["log"] is None


def test_without_a_project_it_is_empty(tmp_path):
    panel = JobPanel(Context(tmp_path), "distil", KINDS, lambda project, job: "")
    panel.part = "part"
    assert shown(panel)["state"] == ""


def test_jobs_of_other_screens_are_not_shown(context, panel):
    queue.submit(context.project, "adapt", queue.KINDS["adapt"]())
    assert panel.shown() is None


@pytest.mark.parametrize(
    ("state", "values", "expected"),
    [
        ("queued", {}, ["stop"]),
        ("running", {"step": 0, "total": 10}, ["stop"]),
        ("running", {"step": 3, "total": 10}, ["save", "stop"]),
        ("stopping", {"step": 3, "total": 10}, []),
        ("stopped", {}, ["resume"]),
        ("failed", {"error": "There is no memory left.", "fix": "Take a smaller model."}, ["resume"]),
        ("interrupted", {"error": "It is gone.", "fix": "Resume it."}, ["resume"]),
        ("done", {}, []),
    ],
)
def test_what_may_be_pressed_follows_from_the_state(context, panel, state, values, expected):
    become(context.project, learn(context), state, **values)
    assert acts(panel) == expected
    assert texts.STATES[state].lower() in shown(panel)["state"]


def test_how_far_it_is_and_how_long_it_takes(context, panel):
    figures = {"seconds per step": 12.0}
    become(context.project, learn(context), "running", step=4, total=10, message="<b>", figures=figures)
    state = shown(panel)["state"]
    assert 'aria-valuenow="40"' in state and "4 of 10" in state and "1:12 left" in state
    assert "<b>" not in state


def test_the_pace_and_what_is_taken_of_the_computer_are_shown(context, panel):
    figures = {"seconds per step": 0.5, "memory": 3.5 * 2**30}
    id = learn(context)
    become(context.project, id, "running", step=4, total=10, figures=figures)
    assert "16 pictures a second · 3.5 GB" in shown(panel)["state"]
    become(context.project, id, "running", figures=figures | {"gpu use": 87.0})
    assert "3.5 GB · GPU 87 %" in shown(panel)["state"]


def test_a_failure_says_what_and_what_to_do_as_text(context, panel):
    become(context.project, learn(context), "failed", error="<script>", fix="Do <i>this</i>.")
    state = shown(panel)["state"]
    assert "&lt;script&gt;" in state and "Do &lt;i&gt;this" in state and "<script>" not in state


def test_what_came_of_it_stands_there_once_it_is_done(context, panel):
    id = learn(context)
    assert shown(panel)["result"] == ""
    become(context.project, id, "done")
    assert shown(panel)["result"] == "<p>distil came to its end</p>"


def test_the_curve_and_the_log_come_from_the_run_folder(context, panel):
    folder: Path = queue.job(context.project, learn(context)).folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"step": step, "total": 10, "loss": 1.0 / step, "seconds": step} for step in (1, 2, 3)]
    (folder / "progress.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "log.txt").write_text("first\n<b>last</b>\n")
    assert "<svg" in shown(panel)["curve"] and "answers" in shown(panel)["curve"]
    assert shown(panel)["log"].endswith("<b>last</b>"), "the page shows it as text"


def test_the_job_that_runs_comes_before_those_that_wait_and_those_that_ended(context, panel):
    first = learn(context)
    become(context.project, first, "done", ended="2026-01-01T00:00:00.000Z")
    second = learn(context)
    third = queue.submit(context.project, "generate", GenerateOptions(), after=second)
    assert panel.shown().id == second
    become(context.project, second, "running")
    assert panel.shown().id == second
    become(context.project, second, "done", ended="2026-01-01T00:01:00.000Z")
    assert panel.shown().id == third


def test_what_failed_is_shown_and_not_what_waited_for_it(context, panel):
    failed = learn(context)
    waited = queue.submit(context.project, "generate", GenerateOptions(), after=failed)
    become(context.project, failed, "failed", ended="2026-01-01T00:00:00.000Z")
    become(context.project, waited, "stopped", ended="2026-01-01T00:00:01.000Z")
    assert panel.shown().id == failed


def test_resuming_brings_back_what_waited(context, panel):
    failed = learn(context)
    waited = queue.submit(context.project, "generate", GenerateOptions(), after=failed)
    become(context.project, failed, "failed", ended="2026-01-01T00:00:00.000Z")
    become(context.project, waited, "stopped", ended="2026-01-01T00:00:01.000Z")
    panel.act("resume")
    resumed = [job for job in panel.jobs() if job.active]
    assert sorted(job.resume_of for job in resumed) == [failed, waited]
    assert acts(panel) == ["stop"], "it is not offered twice"


def test_stopping_asks_the_worker_to_stop(context, panel):
    id = learn(context)
    become(context.project, id, "running", step=3, total=10, started="2026-01-01T00:00:00.000Z")
    queue.job(context.project, id).folder.mkdir(parents=True)
    panel.act("save")
    assert (panel.shown().state, panel.shown().stop) == ("stopping", "save")


@pytest.mark.parametrize("asked", ["resume", "save", "delete everything", "", None])
def test_what_is_not_offered_is_not_done(context, panel, asked):
    id = learn(context)
    panel.act(asked)
    assert queue.job(context.project, id).state == "queued"
    assert len(panel.jobs()) == 1


def test_the_options_of_the_newest_job_come_back(context, panel):
    assert chosen_before(panel.jobs(), "distil") is None
    learn(context)
    queue.submit(context.project, "distil", DistilOptions(steps=77))
    assert chosen_before(panel.jobs(), "distil") == DistilOptions(steps=77)


def test_options_that_are_no_longer_known_are_forgotten(context, panel):
    context.project.db.update("jobs", learn(context), {"options": {"gone": 1}})
    assert chosen_before(panel.jobs(), "distil") is None
