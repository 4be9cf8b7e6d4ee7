"""Jobs that a verb follows: done, failed, stopped by Ctrl-C, left alone, and taken up again."""

import json

import pytest

from leaml.jobs import queue
from leaml.options import CaptionOptions, DistilOptions
from leaml.verbs import following
from tests import tiny_loop


@pytest.fixture
def waiting(monkeypatch):
    """Workers that never come: a submitted job waits."""
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    monkeypatch.setattr(queue, "reconcile", lambda project: None)


def test_a_failed_job_is_said_with_its_fix(leaml, project, monkeypatch, capsys, tmp_path):
    tiny_loop.run_jobs_here(monkeypatch)
    assert leaml("distill", "--model", tmp_path / "no-model") == 2
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "Project: Phantom"
    assert "There is no model folder" in err[-2] and "Give a folder" in err[-1]
    assert [job.state for job in queue.jobs(project)] == ["failed"]


def test_without_labels_it_is_said_what_to_do(leaml, home, monkeypatch, capsys, model):
    tiny_loop.run_jobs_here(monkeypatch)
    leaml("init", "Empty")
    assert leaml("distill", "--model", model) == 2
    assert "There are no labelled questions to learn from." in capsys.readouterr().err


def test_a_bad_option_is_said_with_its_help_and_no_job_is_made(leaml, project, capsys):
    assert leaml("adapt", "--steps", 0) == 2
    err = capsys.readouterr().err
    assert "steps cannot be '0'" in err and "Training steps. Default: 150." in err
    assert queue.jobs(project) == []


def test_a_job_that_is_left_alone_gives_its_number(leaml, project, waiting, capsys):
    assert leaml("distill", "--steps", 5, "--detach") == 0
    printed = capsys.readouterr()
    assert printed.out == "1\n" and "python launch.py jobs show 1 --project phantom" in printed.err
    job = queue.job(project, 1)
    assert (job.state, job.options["steps"]) == ("queued", 5)
    assert job.command == "python launch.py distill --steps 5 --project phantom"


def test_ctrl_c_stops_and_saves_and_says_how_to_go_on(leaml, project, waiting, monkeypatch, capsys):
    asked, stop = [], queue.stop

    def ctrl_c(seconds):
        raise KeyboardInterrupt

    def stopping(project, id, save=False):
        asked.append(save)
        stop(project, id, save)

    monkeypatch.setattr(following.time, "sleep", ctrl_c)
    monkeypatch.setattr(queue, "stop", stopping)
    assert leaml("distill") == 130
    err = capsys.readouterr().err
    assert asked == [True] and "saving what it has" in err
    assert err.splitlines()[-1] == (
        "Job 1 is stopped. Go on with it: python launch.py jobs resume 1 --project phantom"
    )


def test_a_second_ctrl_c_does_not_wait_for_saving(project, waiting, monkeypatch):
    id = queue.submit(project, "distil", DistilOptions())
    project.db.update("jobs", id, {"state": "running"})
    asked = []

    def ctrl_c(seconds):
        if len(asked) == 2:
            project.db.update("jobs", id, {"state": "stopped"})
            return
        raise KeyboardInterrupt

    monkeypatch.setattr(following.time, "sleep", ctrl_c)
    monkeypatch.setattr(queue, "stop", lambda project, id, save=False: asked.append(save))
    with pytest.raises(following.JobStopped):
        following.follow(project, id)
    assert asked == [True, False]


def test_without_a_terminal_there_is_a_line_for_every_tenth(project, waiting, monkeypatch, capsys):
    id = queue.submit(project, "caption", CaptionOptions())
    states = iter([*({"state": "running", "step": step, "total": 200} for step in range(0, 200, 4)), {"state": "done"}])
    monkeypatch.setattr(following.time, "sleep", lambda seconds: project.db.update("jobs", id, next(states)))
    following.follow(project, id)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 12
    assert lines[0] == "job 1: caption queued   0% waiting for its turn"
    assert lines[-1] == "job 1: caption done 100%"


def test_on_a_terminal_there_is_a_bar(project, waiting, monkeypatch, capsys):
    id = queue.submit(project, "caption", CaptionOptions())
    states = iter([{"state": "running", "step": 50, "total": 200, "figures": {"loss": 0.5}}, {"state": "done"}])
    monkeypatch.setattr(following.time, "sleep", lambda seconds: project.db.update("jobs", id, next(states)))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert following.follow(project, id).state == "done"
    err = capsys.readouterr().err
    assert "50/200" in err and "loss 0.500" in err and "\r" in err


def test_an_import_that_was_stopped_is_resumed_and_says_what_was_found(leaml, home, phantom, monkeypatch, capsys):
    tiny_loop.run_jobs_here(monkeypatch)
    leaml("init", "Empty")
    with monkeypatch.context() as patch:
        patch.setattr(queue, "start_next", lambda project: None)
        leaml("import", phantom, "--detach")
    assert leaml("jobs", "stop", 1) == 0
    capsys.readouterr()
    assert leaml("jobs", "resume", 1) == 0
    assert f"{tiny_loop.IMAGES} pictures taken." in capsys.readouterr().out


def test_jobs_are_listed_and_shown(leaml, project, waiting, capsys):
    leaml("distill", "--steps", 5, "--detach")
    project.db.update("jobs", 1, {"state": "failed", "error": "No room.", "fix": "Make some."})
    capsys.readouterr()
    assert leaml("jobs", "list") == 0
    assert "distil   failed" in capsys.readouterr().out
    assert leaml("jobs", "show", 1) == 0
    shown = capsys.readouterr().out
    assert "No room.\nMake some." in shown and "steps 5" in shown and "python launch.py distill --steps 5" in shown
    assert leaml("jobs", "list", "--json") == leaml("jobs", "show", 1, "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == rows[1] and rows[0]["state"] == "failed" and rows[0]["options"]["steps"] == 5


def test_a_waiting_job_is_stopped_and_resumed(leaml, project, waiting, capsys):
    leaml("distill", "--detach")
    assert leaml("jobs", "stop", 1, "--save") == 0
    assert queue.job(project, 1).state == "stopped"
    capsys.readouterr()
    assert leaml("jobs", "resume", 1, "--detach", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"job": 2}
    assert queue.job(project, 2).resume_of == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [(["show", "9"], "There is no job 9"), (["stop", "9"], "There is no job 9"), (["resume", "1"], "Job 1 is queued.")],
)
def test_what_cannot_be_done_with_a_job_is_said(leaml, project, waiting, words, said, capsys):
    leaml("distill", "--detach")
    assert leaml("jobs", *words) == 2
    assert said in capsys.readouterr().err
