"""The worker: one job from its first row to its last, whatever the stage does. The stages here are made up."""

import json
import math
import threading

import pytest
from filelock import FileLock

from leaml.errors import DataError
from leaml.jobs import processes, queue, stages, worker
from leaml.jobs.stages import Work
from leaml.options import CaptionOptions
from leaml.records import Progress, Result
from leaml.store.project import Project
from leaml.training.loop import SAVE


@pytest.fixture
def project(tmp_path) -> Project:
    """An empty one: nothing here looks at pictures."""
    return Project.create(tmp_path / "home" / "phantom", "Phantom")


@pytest.fixture(autouse=True)
def started(monkeypatch) -> list[int]:
    """No further processes: the jobs for which one would have been started."""
    jobs: list[int] = []

    class Child:
        def poll(self) -> None:
            return None

    monkeypatch.setattr(processes, "start_alone", lambda module, words, log: jobs.append(int(words[1])) or Child())
    monkeypatch.setattr(queue, "_spawned", [])
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_LOOKS", 0.0)
    return jobs


@pytest.fixture
def stage(monkeypatch):
    """Sets what the job will do: a generator function, and what becomes of its records."""

    def use(events, write=stages._nothing, finish=stages._figures) -> None:
        monkeypatch.setattr(stages, "work", lambda project, job: Work(events(), write, finish))

    return use


def work_on(project, id: int | None = None) -> queue.Job:
    """Runs a worker for a job in this process; the job after that."""
    id = id or queue.submit(project, "caption", CaptionOptions())
    assert worker.main([str(project.folder), str(id)]) == 0
    return queue.job(project, id)


def test_a_job_runs_from_queued_to_done(project, stage, capsys):
    seen = []

    def events():
        for step in range(1, 4):
            yield f"record {step}"
            yield Progress(step, 3, f"at {step}", {"loss": 1 / step})
            seen.append(queue.job(project, 1).state)
        yield Result({"captions": 3.0, "loss": math.nan})

    written = []
    stage(events, written.extend, lambda result: {"captions": result.figures["captions"]})
    job = work_on(project)
    assert (job.state, job.step, job.total, job.message, job.error) == ("done", 3, 3, "", "")
    assert job.result == {"captions": 3.0} and job.figures == {"loss": 1 / 3} and job.share == 1.0
    assert written == ["record 1", "record 2", "record 3"] and set(seen) == {"running"}
    assert job.started <= job.ended and job.seconds_left is None
    assert [row["step"] for row in queue.progress(project, 1)] == [1, 2, 3]
    assert "job 1: caption" in capsys.readouterr().out
    assert json.loads((job.folder / "worker.json").read_text())["job"] == 1


def test_the_run_is_locked_while_it_runs_and_free_afterwards(project, stage):
    held = []

    def events():
        held.append(queue.is_held(queue.job(project, 1).folder / "lock"))
        held.append(queue.is_held(project.folder.parent / "device.lock"))
        yield Result()

    stage(events)
    job = work_on(project)
    assert held == [True, True]
    assert not queue.is_held(job.folder / "lock") and not queue.is_held(project.folder.parent / "device.lock")


def test_a_worker_leaves_a_job_that_another_one_has(project, stage, monkeypatch):
    stage(lambda: pytest.fail("ran"))
    id = queue.submit(project, "caption", CaptionOptions())
    project.db.update("jobs", id, {"state": "running"})
    assert work_on(project, id).state == "running"
    monkeypatch.setattr(worker, "SECONDS_FOR_THE_LOCK", 0.1)
    project.db.update("jobs", id, {"state": "queued"})
    with FileLock(queue.job(project, id).folder / "lock"):
        assert work_on(project, id).state == "queued"


def test_the_next_job_is_started_at_the_end(project, stage, started):
    def events():
        raise DataError("No.", "Never.")
        yield

    stage(events)
    first = queue.submit(project, "caption", CaptionOptions())
    second = queue.submit(project, "caption", CaptionOptions())
    work_on(project, first)
    assert started == [first, second]


def test_rows_are_written_once_a_second_at_most_and_records_with_their_progress(project, stage, monkeypatch):
    batches, rows = [], []

    def events():
        for step in range(1, 101):
            yield step
            yield Progress(step, 100)
            rows.append((queue.job(project, 1).step, sum(map(len, batches))))
        yield Result()

    stage(events, lambda records: batches.append(list(records)))
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_WRITES", 1000.0)
    job = work_on(project)
    assert batches == [list(range(1, 101))] and job.step == 100
    assert all(step == count for step, count in rows)


def test_records_and_progress_are_written_together_or_not_at_all(project, monkeypatch):
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_WRITES", 0.0)

    def work(project, job):
        def write(records):
            project.db.insert("inputs", {"job_id": 1, "kind": "pair", "item_id": records[0]})
            if records == [2]:
                raise DataError("The second cannot be written.", "Look at it.")

        return Work(iter_of(1, Progress(1, 2), 2, Progress(2, 2)), write)

    monkeypatch.setattr(stages, "work", work)
    job = work_on(project)
    assert (job.state, job.step, job.error) == ("failed", 1, "The second cannot be written.")
    assert project.db.count("inputs") == 1


# --- Stopping ----------------------------------------------------------------------------------------------


class Training:
    """A stage that can save: notes what it was sent, and whether it was closed."""

    def __init__(self, project, save: bool, at: int = 3, steps: int = 10) -> None:
        self.project, self.save, self.at, self.steps = project, save, at, steps
        self.saved_at: list[int] = []
        self.reached, self.closed = 0, False

    def __call__(self):
        try:
            for step in range(1, self.steps + 1):
                self.reached = step
                if step == self.at:
                    queue.stop(self.project, 1, self.save)
                if (yield Progress(step, self.steps)) == SAVE:
                    self.saved_at.append(step)
            yield Result()
        finally:
            self.closed = True


def test_a_stop_ends_the_stage_at_its_next_step(project, stage):
    training = Training(project, save=False)
    stage(training)
    job = work_on(project)
    assert (job.state, job.step, job.error) == ("stopped", 3, "")
    assert training.reached == 3 and training.closed and training.saved_at == []


def test_a_stop_with_saving_has_the_stage_save_first(project, stage):
    training = Training(project, save=True)
    stage(training)
    job = work_on(project)
    assert (job.state, job.step) == ("stopped", 4)
    assert training.saved_at == [3] and training.reached == 4 and training.closed


def test_a_stop_that_comes_too_late_changes_nothing(project, stage):
    training = Training(project, save=True, at=10)
    stage(training)
    assert work_on(project).state == "done" and training.saved_at == [10]


def test_what_was_finished_before_a_stop_is_written(project, stage):
    def events():
        for step in range(1, 4):
            yield step
            if step == 2:
                queue.stop(project, 1)
            yield Progress(step, 3)

    written = []
    stage(events, written.extend)
    assert work_on(project).state == "stopped" and written == [1, 2]


def test_a_worker_waits_for_the_device_of_the_machine(project, stage, monkeypatch):
    monkeypatch.setattr(worker, "SECONDS_BEFORE_WAITING_IS_SAID", 0.0)
    messages = []
    device = FileLock(project.folder.parent / "device.lock", thread_local=False)
    device.acquire()
    wait = worker.Report.wait

    def listen(report) -> None:
        wait(report)
        messages.append(queue.job(project, 1).message)
        device.release()

    monkeypatch.setattr(worker.Report, "wait", listen)
    stage(lambda: iter_of(Result()))
    assert work_on(project).state == "done"
    assert messages == [worker.WAITING]


def test_a_worker_that_waits_for_the_device_can_be_stopped(project, stage, monkeypatch):
    stage(lambda: pytest.fail("ran"))
    wait = worker.Report.wait

    def stopped_meanwhile(report) -> None:
        queue.stop(project, 1, save=True)
        wait(report)

    monkeypatch.setattr(worker.Report, "wait", stopped_meanwhile)
    with FileLock(project.folder.parent / "device.lock"):
        assert work_on(project).state == "stopped"


def test_two_that_wait_for_the_device_get_it_one_after_the_other(tmp_path, stage):
    """Two projects of one home: never two at a time."""
    projects = [Project.create(tmp_path / "home" / name) for name in ("one", "two")]
    inside, most = [], []

    def events():
        inside.append(1)
        for step in range(1, 20):
            most.append(len(inside))
            yield Progress(step, 20)
        inside.pop()
        yield Result()

    stage(events)
    threads = [threading.Thread(target=work_on, args=[project]) for project in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [queue.job(project, 1).state for project in projects] == ["done", "done"]
    assert set(most) == {1} and len(most) == 38


def iter_of(*events):
    yield from events


# --- Errors ------------------------------------------------------------------------------------------------


class OutOfMemoryError(RuntimeError):
    """Named like torch's."""


@pytest.mark.parametrize(
    ("error", "what", "fix"),
    [
        (DataError("Picture 7 is broken.", "Remove it."), "Picture 7 is broken.", "Remove it."),
        (MemoryError(), "not enough memory", "smaller model"),
        (OutOfMemoryError("CUDA out of memory"), "not enough memory", "fewer pictures"),
        (KeyError("oops"), "made a mistake (KeyError: 'oops')", "log"),
    ],
)
def test_an_error_is_said_in_the_row_and_traced_in_the_log(project, stage, capsys, error, what, fix):
    def events():
        yield Progress(1, 2, "on it")
        raise error

    stage(events)
    job = work_on(project)
    assert job.state == "failed" and what in job.error and fix in job.fix and job.message == "" and job.ended
    assert "Traceback" in capsys.readouterr().err


def test_what_is_no_number_stays_out_of_the_row(project, stage):
    stage(lambda: iter_of(Progress(1, 1, figures={"loss": math.inf, "rate": 0.5}), Result()))
    assert work_on(project).figures == {"rate": 0.5}
    assert set(queue.progress(project, 1)[0]) == {"step", "total", "seconds", "rate"}


def test_stored_options_that_are_no_longer_known_are_said(project):
    id = queue.submit(project, "caption", CaptionOptions())
    project.db.update("jobs", id, {"options": {"model": "nano", "beam": 4}})
    job = work_on(project, id)
    assert job.state == "failed" and "no option 'beam'" in job.error


def test_what_a_stop_is_called_is_what_a_stage_is_sent():
    assert SAVE == "save"
