"""Long jobs: submit, list, stop, resume, reconcile. No torch.

    job_id = submit(project, "distil", DistilOptions(), person="Dr A")
    job(project, job_id).state            # queued → running → done, failed, stopped or interrupted
    stop(project, job_id, save=True)      # stopping → stopped
    resume(project, job_id)               # a new row that goes on where that one was

The truth about progress is a row of the table `jobs`; the truth about life is the lock that a worker holds in its run
folder. One job of a project runs at a time, in a process of its own. A job and those that resume it are one *run*: they
share a folder, `runs/<id of the first>`, and what they write carries the id of the first.
"""

import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaml.errors import OptionError, StorageError
from leaml.jobs import lines, processes
from leaml.jobs.job import ACTIVE, KINDS, RESUMABLE, Job, job_of
from leaml.jobs.locks import is_held
from leaml.models.hub import pinned
from leaml.options import Options
from leaml.store.database import now
from leaml.store.hub import PREFIX
from leaml.store.project import Project

START_SECONDS = 60.0
"""In which a worker that was started must take its job."""
STOP_SECONDS = {"stop": 30.0, "save": 300.0}
"""In which a worker must heed a stop, or a stop with a checkpoint; then it is ended."""

_spawned: list[tuple[Path, int, subprocess.Popen]] = []
"""Workers that this process started: project folder, job, child."""

NEVER_CAME = "The process for this job did not start."
LOOK_AT_LOG = "Look at its log, then resume it."
WAITED_IN_VAIN = "What it was waiting for did not finish"


# ---- reading -----------------------------------------------------------------------------------------------------


def jobs(project: Project, limit: int | None = None) -> list[Job]:
    """The jobs of a project, newest first."""
    return [job_of(project, row) for row in project.db.rows("jobs", order="-id", limit=limit)]


def job(project: Project, id: int) -> Job:
    """One job.

    Raises:
        OptionError: there is no such job.
    """
    row = project.db.row("jobs", id=id)
    if row is None:
        raise OptionError(f"There is no job {id} in this project.", "Look at the list of jobs.")
    return job_of(project, row)


def progress(project: Project, id: int, most: int = 400) -> list[dict[str, float]]:
    """Step, total, figures and seconds over the whole run, for its curve; at most that many rows, evenly spread.

    What a run did after its last checkpoint and did again when it was resumed stands there once.
    """
    rows: list[dict[str, float]] = []
    for row in lines.read(job(project, id).folder / "progress.jsonl"):
        while rows and rows[-1]["step"] >= row["step"]:
            rows.pop()
        rows.append(row)
    if len(rows) <= most:
        return rows
    return [rows[round(place * (len(rows) - 1) / (most - 1))] for place in range(most)]


def log_tail(project: Project, id: int, most: int = 40) -> str:
    """The end of what the run's workers printed."""
    path = job(project, id).folder / "log.txt"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200 * most))
        return "\n".join(file.read().decode("utf-8", errors="replace").splitlines()[-most:])


# ---- changing ----------------------------------------------------------------------------------------------------


def submit(
    project: Project, kind: str, options: Options, person: str = "", command: str = "", after: int | None = None
) -> int:
    """Puts a job into the queue, starts it if nothing runs, and returns its id.

    Args:
        person: who asked for it.
        command: the command line that does the same.
        after: a job that must be done first. Where that one ends otherwise and is not resumed, this one is stopped.

    Raises:
        OptionError: there is no such kind, or the options are another kind's.
    """
    if kind not in KINDS:
        raise OptionError(f"There is no job of the kind {kind!r}.", f"There are: {', '.join(KINDS)}.")
    if type(options) is not KINDS[kind]:
        raise OptionError(f"{type(options).__name__} are not the options of {kind}.", "Give the ones of this kind.")
    values = {"kind": kind, "options": _settled(kind, options.model_dump(mode="json")), "after": after}
    id = project.db.insert("jobs", _new(person, command) | values)
    start_next(project)
    return id


def resume(project: Project, id: int, person: str = "") -> int:
    """Puts a job into the queue that goes on where this one was; returns its id.

    Raises:
        OptionError: the job is not one that stopped, failed or was interrupted, or it was resumed already.
    """
    with project.db.transaction():
        before = job(project, id)
        if before.state not in RESUMABLE:
            raise OptionError(f"Job {id} is {before.state}.", "Only a job that stopped before its end can be resumed.")
        after = project.db.row("jobs", resume_of=id)
        if after is not None:
            raise OptionError(f"Job {id} was resumed already, as job {after['id']}.", f"Look at job {after['id']}.")
        values = {"kind": before.kind, "options": before.options, "after": before.after, "resume_of": id}
        new = project.db.insert("jobs", _new(person or before.person, before.command) | values)
    start_next(project)
    return new


def stop(project: Project, id: int, save: bool = False) -> None:
    """Asks a job to stop; one that waits is stopped at once, one that has ended stays as it is.

    A worker sees it between two steps. One that does not is ended by `reconcile`, after `STOP_SECONDS`.

    Args:
        save: training writes a checkpoint first. A stop without it overrules this, whichever comes first.
    """
    with project.db.transaction():
        found = job(project, id)
        if found.state == "queued":
            _end(project, found, "stopped", message="Stopped before it began")
        elif found.active and found.stop != "stop":
            (found.folder / "stop").touch()
            project.db.update("jobs", id, {"state": "stopping", "stop": "save" if save else "stop"})
    start_next(project)


def reconcile(project: Project) -> None:
    """Makes the rows agree with what lives: at opening, on a timer, and after every job.

    A run whose worker is gone becomes interrupted (stopped, if that was asked); a worker that does not heed a stop is
    ended; what waits is started. Cheap where nothing is the matter.
    """
    for row in project.db.rows("jobs", state=["running", "stopping"]):
        found = job_of(project, row)
        if not is_held(found.folder / "lock"):
            _bury(project, found)
        elif found.state == "stopping" and _overdue(found):
            processes.end(found.folder, found.id)
    for row in project.db.rows("jobs", state="queued"):
        found = job_of(project, row)
        if _never_came(found):
            _end(project, found, "failed", error=NEVER_CAME, fix=LOOK_AT_LOG)
    start_next(project)


def start_next(project: Project) -> int | None:
    """Starts a worker for the job that has waited longest, unless one runs; returns the job's id.

    Safe from any number of processes at once: who sets the row's `started` first is the one that starts it.
    """
    _ask_after_children(project)
    if not project.db.count("jobs", state="queued"):  # a look that keeps no writer waiting
        return None
    with project.db.transaction():
        if project.db.count("jobs", state=["running", "stopping"]):
            return None
        found = _next(project)
        if found is None or found.started is not None:
            return None
        project.db.update("jobs", found.id, {"started": now()})
    try:
        found.folder.mkdir(parents=True, exist_ok=True)
        words = [str(project.folder), str(found.id)]
        child = processes.start_alone("leaml.jobs.worker", words, found.folder / "log.txt")
    except OSError as error:
        what = f"The process for this job cannot be started: {error.strerror or error}."
        _end(project, found, "failed", error=what, fix="Check the project's folder and the free space.")
        raise StorageError(what, "Check the project's folder and the free space.") from error
    _spawned.append((project.folder, found.id, child))
    return found.id


def _next(project: Project) -> Job | None:
    """The oldest job that may start. Those are stopped that wait for one that will not be done."""
    for row in project.db.rows("jobs", state="queued"):
        found = job_of(project, row)
        state = "done" if found.after is None else _newest_of_run(project, found.after)["state"]
        if state == "done":
            return found
        if state not in ACTIVE:
            _end(project, found, "stopped", message=WAITED_IN_VAIN)
    return None


def _newest_of_run(project: Project, id: int) -> dict[str, Any]:
    """The row of a job, or of the one that went on with it last."""
    row = project.db.row("jobs", id=id)
    while (later := project.db.row("jobs", resume_of=row["id"])) is not None:
        row = later
    return row


def _new(person: str, command: str) -> dict[str, Any]:
    return {"state": "queued", "result": {}, "person": person, "command": command, "created": now()}


def _settled(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with all that might come to mean something else until a worker, today's or a later one, reads them.

    Folders by their whole paths, and a model of the hub by the commit that is here: the lineage of what comes of it.
    """
    options = _with_whole_paths(options)
    if kind == "download" or options.get("server") or "model" not in options:  # a server has names of its own
        return options
    return options | {"model": pinned(options["model"])}


def _with_whole_paths(options: dict[str, Any]) -> dict[str, Any]:
    folders = {
        name: str(Path(value).expanduser().resolve())
        for name in ("model", "folder", "other_pictures")
        if (value := options.get(name)) and (name == "folder" or Path(value).expanduser().is_dir()) and value != "nano"
        and not value.startswith(PREFIX)
    }
    return options | folders


def _end(project: Project, found: Job, state: str, **values: str) -> None:
    """The last change to a row; none, where somebody else has changed its state since."""
    project.db.compare_and_set("jobs", found.id, "state", found.state, {"state": state, "ended": now()} | values)


def _bury(project: Project, found: Job) -> None:
    if found.state == "stopping":
        _end(project, found, "stopped", message="Ended before it could be saved" if found.stop == "save" else "")
        return
    what = "The process of this job is gone: the computer was switched off, ran out of memory, or somebody ended it."
    _end(project, found, "interrupted", error=what, fix="Resume it: nothing that was saved is lost.")


def _overdue(found: Job) -> bool:
    asked = found.folder / "stop"
    return asked.is_file() and time.time() - asked.stat().st_mtime > STOP_SECONDS.get(found.stop, 0.0)


def _never_came(found: Job) -> bool:
    """Whether the process that was started for a job took too long to take it: it died, or never began."""
    if found.started is None or is_held(found.folder / "lock"):
        return False
    return (datetime.now(UTC) - datetime.fromisoformat(found.started)).total_seconds() > START_SECONDS


def _ask_after_children(project: Project) -> None:
    """Takes note of children that have ended, which would else stay zombies; one may not have come to its job."""
    for entry in list(_spawned):
        folder, id, child = entry
        if folder == project.folder and child.poll() is not None:
            with suppress(ValueError):  # another thread was faster
                _spawned.remove(entry)
            found = job(project, id)
            if found.state == "queued":
                _end(project, found, "failed", error=NEVER_CAME, fix=LOOK_AT_LOG)
