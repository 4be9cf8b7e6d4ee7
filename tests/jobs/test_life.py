"""Real workers: killed in the middle, stopped, resumed, queued behind each other, and dead at birth."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from leaml.jobs import queue
from leaml.jobs.processes import ROOT
from leaml.jobs.worker import WAITING
from leaml.options import AdaptOptions, ImportOptions
from leaml.training import checkpoint
from tests.jobs.conftest import finish, make_project, state, until

pytestmark = pytest.mark.slow

STEPS, SAVE_EVERY = 60, 6


def options(model: str, **changes: object) -> AdaptOptions:
    """A training that lasts some seconds, and writes a checkpoint every few steps."""
    plain = {"steps": STEPS, "save_every": SAVE_EVERY, "pictures_per_step": 4, "rank": 2}
    return AdaptOptions(model=model, **plain | changes)


def weights(project, job: queue.Job) -> bytes:
    """The saved adapter, byte for byte."""
    adapter = project.adapter(job.result["adapter"])
    return (adapter.path / "adapter_model.safetensors").read_bytes()


def worker_of(job: queue.Job) -> int:
    """The process that works on a job."""
    record = json.loads((job.folder / "worker.json").read_text())
    assert record["job"] == job.id
    return record["pid"]


def until_checkpoint(project, id: int) -> queue.Job:
    job = queue.job(project, id)
    saved: Path = job.folder / "checkpoints"
    until(lambda: checkpoint.newest(saved) or not queue.job(project, id).active, "a checkpoint")
    return queue.job(project, id)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, model) -> bytes:
    """What the same training ends with when nobody interferes."""
    project = make_project(tmp_path_factory.mktemp("home") / "unbroken")
    job = finish(project, queue.submit(project, "adapt", options(model)))
    assert job.state == "done", job.error
    return weights(project, job)


def test_a_killed_worker_loses_nothing(project, model, unbroken):
    first = queue.submit(project, "adapt", options(model))
    job = until_checkpoint(project, first)
    os.kill(worker_of(job), signal.SIGKILL)
    until(lambda: state(project, first) != "running", "the death to be seen")
    job = queue.job(project, first)
    assert job.state == "interrupted" and "gone" in job.error and "Resume" in job.fix
    done = int(checkpoint.newest(job.folder / "checkpoints").name.removeprefix("step-"))
    assert SAVE_EVERY <= done < STEPS

    second = finish(project, queue.resume(project, first))
    assert second.state == "done" and second.resume_of == first and second.folder == job.folder
    assert weights(project, second) == unbroken
    rows = queue.progress(project, second.id)
    steps = [row["step"] for row in rows]
    assert steps == sorted(set(steps)) and steps[-1] == STEPS
    assert f"---- job {second.id}" in queue.log_tail(project, second.id, most=10_000)
    assert len(project.adapters()) == 1


def test_stop_and_save_then_resume_ends_with_the_same_weights(project, model, unbroken):
    first = queue.submit(project, "adapt", options(model, save_every=1000))
    until(lambda: queue.job(project, first).step > 0 or not queue.job(project, first).active, "a step")
    queue.stop(project, first, save=True)
    stopped = finish(project, first)
    assert stopped.state == "stopped" and stopped.error == ""
    saved = checkpoint.newest(stopped.folder / "checkpoints")
    assert saved is not None and 0 < int(saved.name.removeprefix("step-")) < STEPS
    project.add_label("Dr A", 4, "Is there a polyp?", "no", "yes/no")  # what came since waits for the next run

    resumed = finish(project, queue.resume(project, first))
    assert resumed.state == "done", resumed.error
    assert weights(project, resumed) == unbroken
    assert queue.progress(project, resumed.id)[-1]["step"] == STEPS
    assert len(project.db.rows("inputs", job_id=first, kind="pair")) == 6


def test_jobs_run_one_after_the_other(project, model):
    """The worker of the first starts the second, though nobody looks after them."""
    bad = queue.submit(project, "adapt", options(str(project.folder / "no model")))
    good = queue.submit(project, "adapt", options(model, steps=2))
    assert queue.job(project, good).state == "queued"
    until(lambda: not queue.job(project, good).active, "the second job, without reconcile")
    failed, done = queue.job(project, bad), queue.job(project, good)
    assert failed.state == "failed" and "no model folder" in failed.error and failed.fix and failed.seconds > 0
    assert "Traceback" in queue.log_tail(project, bad)
    assert done.state == "done" and done.started >= failed.ended and done.share == 1.0


def test_a_worker_waits_for_the_device_and_can_be_stopped_meanwhile(project, model):
    device = FileLock(project.folder.parent / "device.lock")
    with device:
        id = queue.submit(project, "adapt", options(model))
        until(lambda: queue.job(project, id).message == WAITING or not queue.job(project, id).active, "waiting")
        assert queue.job(project, id).state == "running"
        queue.stop(project, id)
        job = finish(project, id)
    assert job.state == "stopped" and not (job.folder / "run.json").exists()


START = """
import sys
from pathlib import Path
from leaml.jobs import queue
from leaml.store.project import Project
project = Project.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(queue.start_next(project), flush=True)
"""


def test_processes_that_start_the_next_job_at_once_start_one_worker(project, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(queue, "start_next", lambda project: None)
        id = queue.submit(project, "import", ImportOptions(folder=str(project.folder / "nowhere")))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    starters = [
        subprocess.Popen([sys.executable, "-c", START, str(project.folder)], cwd=ROOT, **pipes) for _ in range(4)
    ]
    assert [starter.stdout.readline() for starter in starters] == ["ready\n"] * 4
    for starter in starters:
        starter.stdin.write("go\n")
        starter.stdin.flush()
    said = [starter.communicate()[0].strip() for starter in starters]
    assert sorted(said) == [str(id), "None", "None", "None"]
    assert finish(project, id).state == "failed"
    assert queue.log_tail(project, id, most=1000).count(f"---- job {id}") == 1


def test_two_workers_of_one_job_do_its_work_once(project, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(queue, "start_next", lambda project: None)
        id = queue.submit(project, "import", ImportOptions(folder=str(project.folder / "nowhere")))
    words = [sys.executable, "-m", "leaml.jobs.worker", str(project.folder), str(id)]
    workers = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = "".join(worker.communicate()[0] for worker in workers)
    assert said.count(f"---- job {id}") == 1 and [worker.returncode for worker in workers] == [0, 0, 0]
    job = queue.job(project, id)
    assert job.state == "failed" and "nowhere" in job.error and job.fix
