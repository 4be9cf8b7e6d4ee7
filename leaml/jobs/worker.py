"""The process of one job: `python -m leaml.jobs.worker PROJECT_FOLDER JOB`. The one bridge from rows to a stage.

It takes the run's lock, marks the job as running, waits for the device, runs the stage of the job's kind, and writes
progress and records as they come. It ends with the job's last state in its row, and starts the next job.
"""

import math
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from leaml.errors import LeamlError
from leaml.jobs import lines, processes, queue, stages
from leaml.jobs.locks import device, run_lock, take
from leaml.records import Progress, Result
from leaml.store.database import now
from leaml.store.project import Project

SECONDS_BETWEEN_WRITES = 1.0
SECONDS_BETWEEN_LOOKS = 0.25
"""At which a stop is looked for, and a point of the curve kept."""
POINTS_OF_THE_CURVE = 400
"""After that many, points come further apart the longer a run takes: the file grows with the logarithm of time."""

SECONDS_FOR_THE_LOCK = 5.0
"""Whoever looks whether a run lives holds its lock for a moment."""

WAITING = "Waiting for another project's job"
SECONDS_BEFORE_WAITING_IS_SAID = 2.0
"""The answering process leaves within that time."""
NEEDS_NO_DEVICE = ("download", "import", "report")


class _Stopped(Exception):
    """The job was asked to stop, and nothing is left to do."""


def main(words: list[str]) -> int:
    """Runs the job that the words name; returns 0, also where another worker was faster."""
    project, id = Project.open(Path(words[0])), int(words[1])
    job = queue.job(project, id)
    lock = run_lock(job.folder)
    if not take(lock, SECONDS_FOR_THE_LOCK):
        return 0
    try:
        if project.db.compare_and_set("jobs", id, "state", "queued", {"state": "running", "started": now()}):
            processes.sign(job.folder, id)
            print(f"---- job {id}: {job.kind}, {now()}", flush=True)
            project.db.update("jobs", id, _outcome(project, job) | {"ended": now()})
    finally:
        lock.release()
    queue.start_next(project)
    return 0


def _outcome(project: Project, job: queue.Job) -> dict[str, Any]:
    """Runs the job to its end, whatever that is: the values of its row then."""
    report = Report(project, job)
    try:
        with _device(project, job, report):
            report.say("Starting" if job.kind in NEEDS_NO_DEVICE else "Loading the model")
            result = run(stages.work(project, job), report)
    except _Stopped:
        return {"state": "stopped", "message": ""}
    except LeamlError as error:
        traceback.print_exc()
        return {"state": "failed", "message": "", "error": error.what, "fix": error.fix}
    except Exception as error:
        traceback.print_exc()
        what, fix = _explained(error)
        return {"state": "failed", "message": "", "error": what, "fix": fix}
    return {"state": "done", "message": "", "result": result}


def _device(project: Project, job: queue.Job, report: "Report") -> AbstractContextManager[None]:
    return nullcontext() if job.kind in NEEDS_NO_DEVICE else device(project.folder.parent, report.wait)


def _explained(error: Exception) -> tuple[str, str]:
    """What is wrong and what to do, for an error that no stage has put into words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, without torch
        return "There is not enough memory for this.", "Take fewer pictures at once, or a smaller model."
    line = next(iter(str(error).splitlines()), "")
    what = f"The program made a mistake ({type(error).__name__}: {line[:200]})."
    return what, "Its log says more; send that to the people who make LEAML Studio."


def run(work: stages.Work, report: "Report") -> dict[str, Any]:
    """Drives a stage to its end; returns what the job's row keeps of it.

    Records are written with the progress that follows them, in one transaction: of what a batch yields all stands
    there, or nothing.

    Raises:
        _Stopped: the stop that was asked for is done. LeamlError: as the stage has it.
    """
    records: list[Any] = []
    answer, saved = None, False
    last = Progress(0, 0)
    try:
        with closing(work.events) as events:
            while not isinstance(event := events.send(answer), Result):
                answer = None
                if not isinstance(event, Progress):
                    records.append(event)
                    continue
                last, stop = event, report.stop_asked()
                ends = saved or stop == "stop"
                if report.tell(event, work, records, now=ends):
                    records = []
                if ends:
                    raise _Stopped
                if stop == "save":  # the stage writes its checkpoint before it goes on to the next event
                    answer, saved = stop, True
    except LeamlError:  # what was finished before is kept: a server would have to be asked for it again
        report.tell(last, work, records, now=True)
        raise
    report.tell(last, work, records, now=True)
    return work.finish(event)


class Report:
    """What a job's row and the files of its run are told, and whether somebody wants it to stop."""

    def __init__(self, project: Project, job: queue.Job) -> None:
        self.project, self.job = project, job
        self.curve = job.folder / "progress.jsonl"
        self.began = self.written = self.looked = self.drawn = time.monotonic()
        self.stop = "no"
        self.message = ""

    def say(self, message: str) -> None:
        """One short sentence into the row, where it is a new one."""
        if message != self.message:
            self.project.db.update("jobs", self.job.id, {"message": message})
            self.message = message

    def wait(self) -> None:
        """Called while the device is not free. Raises _Stopped, where that was asked."""
        if time.monotonic() - self.began > SECONDS_BEFORE_WAITING_IS_SAID:
            self.say(WAITING)
        if self.stop_asked() != "no":
            raise _Stopped

    def stop_asked(self) -> str:
        """`no`, `stop` or `save`; looked up a few times a second at most."""
        if time.monotonic() - self.looked >= SECONDS_BETWEEN_LOOKS:
            self.stop = self.project.db.row("jobs", id=self.job.id)["stop"]
            self.looked = time.monotonic()
        return self.stop

    def tell(self, event: Progress, work: stages.Work, records: list[Any], now: bool = False) -> bool:
        """Writes records and progress, if it is time to or `now`; says whether it did."""
        self._draw(event, now)
        if not now and time.monotonic() - self.written < SECONDS_BETWEEN_WRITES:
            return False
        self.message = event.message
        values = {"step": event.step, "total": event.total, "message": event.message, "figures": finite(event.figures)}
        with self.project.db.transaction():
            if records:
                work.write(records)
            self.project.db.update("jobs", self.job.id, values)
        self.written = time.monotonic()
        return True

    def _draw(self, event: Progress, now: bool) -> None:
        """A point of the curve."""
        seconds = time.monotonic() - self.began
        apart = max(SECONDS_BETWEEN_LOOKS, seconds / POINTS_OF_THE_CURVE)
        if not event.figures or (time.monotonic() - self.drawn < apart and event.step > 1 and not now):
            return
        row = {"step": event.step, "total": event.total, "seconds": round(seconds, 3)} | finite(event.figures)
        lines.append(self.curve, [row])
        self.drawn = time.monotonic()


def finite(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures that are numbers: JSON knows no others."""
    return {name: value for name, value in figures.items() if math.isfinite(value)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
