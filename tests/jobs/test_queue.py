"""The queue: one job at a time, who waits for whom, stopping, resuming, and rows that agree with what lives."""

import os
import subprocess
import sys
import threading
import time

import pytest
from filelock import FileLock

from leaml.errors import OptionError, StorageError
from leaml.jobs import lines, processes, queue
from leaml.options import AdaptOptions, CaptionOptions, DistilOptions, DownloadOptions, GenerateOptions
from leaml.store.project import Project
from tests.jobs.conftest import until
from tests.local_hub import empty_cache


class Child:
    """Stands in for a worker's process: lives until it is told that it has ended."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def project(tmp_path) -> Project:
    """An empty one: nothing here looks at pictures."""
    return Project.create(tmp_path / "home" / "phantom", "Phantom")


@pytest.fixture(autouse=True)
def children(monkeypatch) -> dict[int, Child]:
    """No real workers: the job of each one that was started, and its process."""
    started: dict[int, Child] = {}

    def start(module, words, log):
        assert module == "leaml.jobs.worker" and log.name == "log.txt"
        return started.setdefault(int(words[1]), Child())

    monkeypatch.setattr(processes, "start_alone", start)
    monkeypatch.setattr(queue, "_spawned", [])
    return started


def submit(project, **more) -> int:
    return queue.submit(project, "caption", CaptionOptions(), "Dr A", **more)


def begin(project, id: int, state: str = "running", **values) -> FileLock:
    """What a worker does first: the run's lock, then the row."""
    lock = FileLock(queue.job(project, id).folder / "lock")
    lock.acquire(timeout=0)
    project.db.update("jobs", id, {"state": state} | values)
    return lock


def end(project, id: int, state: str, lock: FileLock) -> None:
    project.db.update("jobs", id, {"state": state})
    lock.release()
    queue.start_next(project)


def states(project) -> dict[int, str]:
    return {job.id: job.state for job in queue.jobs(project)}


# --- Submitting --------------------------------------------------------------------------------------------


def test_a_job_is_started_and_the_next_one_waits(project, children):
    first, second = submit(project, command="leaml caption"), submit(project)
    assert list(children) == [first]
    job = queue.job(project, first)
    assert (job.kind, job.state, job.person, job.command) == ("caption", "queued", "Dr A", "leaml caption")
    assert job.folder == project.folder / "runs" / str(first) and job.folder.is_dir() and job.active
    assert job.stage_options() == CaptionOptions()
    lock = begin(project, first)
    assert queue.start_next(project) is None
    end(project, first, "done", lock)
    assert list(children) == [first, second]
    assert [job.id for job in queue.jobs(project)] == [second, first]


def test_what_is_no_job_is_refused(project):
    with pytest.raises(OptionError, match="kind 'dream'"):
        queue.submit(project, "dream", CaptionOptions())
    with pytest.raises(OptionError, match="DistilOptions are not the options of adapt"):
        queue.submit(project, "adapt", DistilOptions())
    with pytest.raises(OptionError, match="no job 7"):
        queue.job(project, 7)
    assert queue.jobs(project) == []


def test_a_model_of_the_hub_is_kept_by_the_commit_that_is_here(project, tmp_path, monkeypatch):
    commit = "c0ffee" + 34 * "0"
    cache = empty_cache(monkeypatch, tmp_path) / "models--owner--name"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text(commit)
    (cache / "snapshots" / commit).mkdir(parents=True)
    (cache / "snapshots" / commit / "config.json").write_text("{}")

    def kept(kind, options):
        return queue.job(project, queue.submit(project, kind, options)).options["model"]

    assert kept("adapt", AdaptOptions(model="owner/name")) == f"owner/name@{commit}"
    assert kept("adapt", AdaptOptions(model="owner/other")) == "owner/other"
    by_a_server = CaptionOptions(model="owner/name", server="http://localhost:1")
    assert kept("caption", by_a_server) == "owner/name"  # a server has names of its own
    assert kept("download", DownloadOptions(model="owner/name")) == "owner/name"  # which may bring a newer one


def test_folders_are_kept_by_their_whole_path(project, tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "nano").mkdir()
    monkeypatch.chdir(tmp_path)
    for name, kept in (("model", str(tmp_path / "model")), ("nano", "nano"), ("owner/name", "owner/name")):
        id = queue.submit(project, "adapt", AdaptOptions(model=name))
        assert queue.job(project, id).options["model"] == kept


def test_many_that_start_the_next_job_at_once_start_it_once(project, children, monkeypatch):
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    ids = [submit(project) for _ in range(3)]
    monkeypatch.undo()
    calls: list[list[str]] = []
    monkeypatch.setattr(processes, "start_alone", lambda module, words, log: calls.append(words) or Child())
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        queue.start_next(project)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [[str(project.folder), str(ids[0])]]


def test_a_process_that_cannot_be_started_is_said(project, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(processes, "start_alone", refuse)
    with pytest.raises(StorageError, match="No space left"):
        submit(project)
    assert states(project) == {1: "failed"} and "No space left" in queue.job(project, 1).error


# --- Waiting for another job -------------------------------------------------------------------------------


def test_a_job_waits_until_the_one_before_it_is_done(project, children):
    first = submit(project)
    second = queue.submit(project, "generate", GenerateOptions(), after=first)
    lock = begin(project, first)
    end(project, first, "done", lock)
    assert list(children) == [first, second] and queue.job(project, second).after == first


@pytest.mark.parametrize("state", ["failed", "stopped", "interrupted"])
def test_a_job_is_stopped_when_the_one_before_it_will_not_be_done(project, children, state):
    first = submit(project)
    second = queue.submit(project, "generate", GenerateOptions(), after=first)
    third = submit(project)
    end(project, first, state, begin(project, first))
    job = queue.job(project, second)
    assert (job.state, job.message) == ("stopped", queue.WAITED_IN_VAIN)
    assert list(children) == [first, third]


def test_a_job_waits_for_the_one_that_resumes_what_it_waits_for(project, children, monkeypatch):
    first = submit(project)
    end(project, first, "stopped", begin(project, first))
    resumed = queue.resume(project, first)
    waiting = queue.submit(project, "generate", GenerateOptions(), after=first)
    overtaking = submit(project)
    assert states(project)[waiting] == "queued"
    end(project, resumed, "done", begin(project, resumed))
    assert list(children) == [first, resumed, waiting]
    end(project, waiting, "done", begin(project, waiting))
    assert overtaking in children


# --- Stopping ----------------------------------------------------------------------------------------------


def test_a_job_that_waits_is_stopped_at_once_and_the_next_one_starts(project, children):
    first, second, third = submit(project), submit(project), submit(project)
    lock = begin(project, first)
    queue.stop(project, second)
    assert states(project) == {first: "running", second: "stopped", third: "queued"}
    assert queue.job(project, second).ended and not queue.job(project, second).active
    end(project, first, "done", lock)
    assert list(children) == [first, third]


def test_a_stop_overrules_a_stop_with_saving_and_not_the_other_way_round(project):
    id = submit(project)
    with begin(project, id):
        queue.stop(project, id, save=True)
        assert (queue.job(project, id).state, queue.job(project, id).stop) == ("stopping", "save")
        queue.stop(project, id)
        assert queue.job(project, id).stop == "stop"
        queue.stop(project, id, save=True)
        assert queue.job(project, id).stop == "stop"


def test_a_job_that_has_ended_stays_as_it_is(project):
    id = submit(project)
    end(project, id, "done", begin(project, id))
    queue.stop(project, id)
    assert queue.job(project, id).state == "done"


HANGING = """
import sys, time
from pathlib import Path
from leaml.jobs import processes
from leaml.jobs.locks import run_lock
folder, job = Path(sys.argv[1]), int(sys.argv[2])
lock = run_lock(folder)
lock.acquire()
processes.sign(folder, job)
time.sleep(600)
"""


@pytest.fixture
def hanging(project):
    """A job whose worker, a real process, hears nothing."""
    id = submit(project)
    folder = queue.job(project, id).folder
    child = subprocess.Popen([sys.executable, "-c", HANGING, str(folder), str(id)], cwd=processes.ROOT)
    until(lambda: (folder / "worker.json").is_file() or child.poll() is not None, "the hanging worker")
    project.db.update("jobs", id, {"state": "running"})
    yield id, child
    child.kill()
    child.wait()


def test_a_worker_that_hears_no_stop_is_ended_after_a_while(project, hanging, monkeypatch):
    id, child = hanging
    queue.stop(project, id)
    queue.reconcile(project)
    assert child.poll() is None and queue.job(project, id).state == "stopping"
    monkeypatch.setitem(queue.STOP_SECONDS, "stop", -1.0)
    queue.reconcile(project)
    child.wait(timeout=30)
    queue.reconcile(project)
    assert queue.job(project, id).state == "stopped"


def test_no_process_is_ended_that_did_not_sign_for_this_job_here(project, hanging, monkeypatch):
    id, child = hanging
    folder = queue.job(project, id).folder
    record = next(lines.read(folder / "worker.json"))
    monkeypatch.setitem(queue.STOP_SECONDS, "stop", -1.0)
    queue.stop(project, id)
    for change in ({"job": id + 1}, {"host": "another machine"}, {"pid": "x"}, {"pid": os.getpid()}):
        (folder / "worker.json").unlink()
        lines.append(folder / "worker.json", [record | change])
        queue.reconcile(project)
        assert not processes.end(folder, id)
    assert child.poll() is None and queue.job(project, id).state == "stopping"


# --- Resuming ----------------------------------------------------------------------------------------------


def test_a_resumed_job_goes_on_in_the_folder_of_the_first(project, children):
    first = queue.submit(project, "distil", DistilOptions(steps=7), "Dr A", "leaml distill")
    end(project, first, "stopped", begin(project, first))
    second = queue.resume(project, first, "Dr B")
    end(project, second, "interrupted", begin(project, second))
    third = queue.resume(project, second)
    job = queue.job(project, third)
    assert (job.run, job.folder, job.resume_of) == (first, queue.job(project, first).folder, second)
    assert (job.kind, job.options["steps"], job.command, job.person) == ("distil", 7, "leaml distill", "Dr B")
    assert list(children) == [first, second, third]


def test_what_cannot_be_resumed_is_refused(project):
    first = submit(project)
    with pytest.raises(OptionError, match="Job 1 is queued"):
        queue.resume(project, first)
    end(project, first, "failed", begin(project, first))
    second = queue.resume(project, first)
    with pytest.raises(OptionError, match="resumed already, as job 2"):
        queue.resume(project, first)
    end(project, second, "done", begin(project, second))
    with pytest.raises(OptionError, match="Job 2 is done"):
        queue.resume(project, second)


# --- Reconciling -------------------------------------------------------------------------------------------


def test_a_run_whose_lock_is_free_is_dead(project, children):
    first, second = submit(project), submit(project)
    lock = begin(project, first)
    queue.reconcile(project)
    assert states(project)[first] == "running"
    lock.release()
    queue.reconcile(project)
    job = queue.job(project, first)
    assert job.state == "interrupted" and job.error and job.fix and job.ended
    assert list(children) == [first, second]


def test_a_run_that_dies_while_it_stops_is_stopped(project):
    id = submit(project)
    begin(project, id, "stopping", stop="save").release()
    queue.reconcile(project)
    assert queue.job(project, id).state == "stopped" and "saved" in queue.job(project, id).message


def test_a_worker_that_dies_before_it_takes_its_job_fails_it(project, children):
    first, second = submit(project), submit(project)
    children[first].code = 1
    queue.reconcile(project)
    job = queue.job(project, first)
    assert (job.state, job.error, job.fix) == ("failed", queue.NEVER_CAME, queue.LOOK_AT_LOG)
    assert list(children) == [first, second]


def test_a_worker_of_a_process_that_is_gone_has_a_while_to_come(project, monkeypatch):
    id = submit(project)
    queue._spawned.clear()
    queue.reconcile(project)
    assert queue.job(project, id).state == "queued"
    monkeypatch.setattr(queue, "START_SECONDS", -1.0)
    lock = FileLock(queue.job(project, id).folder / "lock")
    with lock:  # it has come, and is about to say so
        queue.reconcile(project)
        assert queue.job(project, id).state == "queued"
    queue.reconcile(project)
    assert queue.job(project, id).state == "failed"


# --- Reading -----------------------------------------------------------------------------------------------


def test_the_curve_holds_what_was_done_twice_once_and_no_torn_line(project):
    id = submit(project)
    path = queue.job(project, id).folder / "progress.jsonl"
    assert queue.progress(project, id) == []
    lines.append(path, [{"step": step, "loss": 1.0} for step in (1, 2, 3, 4)])
    with path.open("a") as file:
        file.write('\n{"step": 5, "lo')
    lines.append(path, [{"step": step, "loss": 2.0} for step in (3, 4, 5)])
    assert [(row["step"], row["loss"]) for row in queue.progress(project, id)] == [
        (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0), (5, 2.0),
    ]  # fmt: skip


def test_a_long_curve_is_thinned_and_keeps_both_ends(project):
    id = submit(project)
    lines.append(queue.job(project, id).folder / "progress.jsonl", [{"step": step} for step in range(1, 1001)])
    steps = [row["step"] for row in queue.progress(project, id, most=50)]
    assert len(steps) == 50 and steps[0] == 1 and steps[-1] == 1000 and steps == sorted(set(steps))


def test_a_log_is_read_from_its_end(project):
    id = submit(project)
    assert queue.log_tail(project, id) == ""
    (queue.job(project, id).folder / "log.txt").write_text("\n".join(f"line {number}" for number in range(5000)))
    assert queue.log_tail(project, id, most=2) == "line 4998\nline 4999"


def test_share_and_time_left_follow_the_pace(project):
    id = submit(project)
    assert queue.job(project, id).share == 0.0 and queue.job(project, id).seconds == 0.0
    values = {"step": 25, "total": 100, "figures": {"seconds per step": 2.0}}
    with begin(project, id, **values):
        job = queue.job(project, id)
        assert job.share == 0.25 and job.seconds_left == 150.0
        project.db.update("jobs", id, {"figures": {}, "started": "2026-01-01T00:00:00.000Z"})
        job = queue.job(project, id)
        assert job.seconds_left == pytest.approx(job.seconds * 3, rel=1e-3)
        assert time.time() > job.seconds > 0
    project.db.update("jobs", id, {"state": "done", "ended": "2026-01-01T00:01:30.000Z"})
    assert queue.job(project, id).seconds == 90.0 and queue.job(project, id).seconds_left is None
