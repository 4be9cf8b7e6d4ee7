"""Long verbs: submit a job and follow it to its end. A bar on a terminal, plain lines elsewhere, both on stderr.

Ctrl-C stops the job and saves; the job goes on living where it is only left (`--detach`), since it is a process of its
own.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from leaml.errors import LeamlError
from leaml.jobs import queue
from leaml.jobs.commands import command_of, shell_line
from leaml.jobs.queue import Job
from leaml.options import Options
from leaml.store.project import Project

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_BETWEEN_CHECKS = 2.0
"""How often the rows are held against what lives."""
LINES = 10
"""Lines of progress that a whole job prints where there is no terminal."""


class JobError(LeamlError):
    """A job ended before its work was done."""


class JobStopped(KeyboardInterrupt):
    """A job was stopped, by Ctrl-C or from elsewhere; its text says how to go on. The verb ends as at any Ctrl-C."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of every verb that submits a job."""
    parser.add_argument("--detach", action="store_true", help="leave the job running, and print its number")
    parser.add_argument("--json", action="store_true", help="print what came of it as JSON")


def submit(
    project: Project, kind: str, options: Options, arguments: argparse.Namespace, paths: Sequence[str | Path] = ()
) -> Job | None:
    """Submits a job and follows it, unless it is to be left alone; returns it when it is done.

    Raises:
        JobError: it failed, or its process died. JobStopped: it was stopped.
    """
    command = command_of(kind, options, project, paths)
    id = queue.submit(project, kind, options, arguments.person, command)
    return followed(project, id, arguments)


def followed(project: Project, id: int, arguments: argparse.Namespace) -> Job | None:
    """Follows a job that was submitted, or leaves it alone where that was asked; arguments as in `submit`."""
    if not arguments.detach:
        return follow(project, id)
    tell(f"Job {id} runs by itself. To see how far it is: {_verb('show', project, id)}")
    print(json.dumps({"job": id}) if arguments.json else id)
    return None


def follow(project: Project, id: int) -> Job:
    """Shows a job's progress until it is done, and returns it; errors as of `submit`."""
    try:
        job = _watch(project, id)
    except KeyboardInterrupt:
        job = _stop(project, id)
    if job.state == "done":
        return job
    if job.state == "stopped":
        raise JobStopped(f"Job {id} is stopped. Go on with it: {_verb('resume', project, id)}")
    fix = job.fix or f"See what it printed: {_verb('show', project, id)}"
    raise JobError(job.error or f"Job {id} is {job.state}.", fix)


def _verb(word: str, project: Project, id: int) -> str:
    return shell_line(["jobs", word, str(id)], project)


def tell(text: str) -> None:
    """What happens, beside the result: to stderr, at once."""
    print(text, file=sys.stderr, flush=True)


def as_row(job: Job) -> dict[str, Any]:
    """A job as programs read it."""
    row = {name: getattr(job, name) for name in ("id", "kind", "state", "step", "total", "message", "options")}
    row |= {"figures": job.figures, "result": job.result, "error": job.error, "fix": job.fix}
    row |= {"resume_of": job.resume_of, "person": job.person, "command": job.command}
    return row | {"created": job.created, "started": job.started, "ended": job.ended, "seconds": job.seconds}


def _watch(project: Project, id: int) -> Job:
    """Looks at the row until the job has ended."""
    shown = _Bar() if sys.stderr.isatty() else _Lines()
    checked = time.monotonic()
    with shown:
        while (job := queue.job(project, id)).active:
            shown.show(job)
            if time.monotonic() - checked > SECONDS_BETWEEN_CHECKS:
                queue.reconcile(project)
                checked = time.monotonic()
            time.sleep(SECONDS_BETWEEN_LOOKS)
        shown.show(job)
    return job


def _stop(project: Project, id: int) -> Job:
    """Stops the job at once where Ctrl-C comes again while it saves."""
    tell(f"\nStopping job {id} and saving what it has. Ctrl-C again: stop without saving.")
    try:
        queue.stop(project, id, save=True)
        return _watch(project, id)
    except KeyboardInterrupt:
        queue.stop(project, id)
        return _watch(project, id)


def _said(job: Job) -> str:
    loss = f"loss {job.figures['loss']:.3f}" if "loss" in job.figures else ""
    waiting = "waiting for its turn" if job.state == "queued" else ""
    return ", ".join(filter(None, (waiting, job.message, loss)))


class _Bar:
    """A bar on a terminal."""

    def __enter__(self) -> "_Bar":
        self.bar = tqdm(leave=False, file=sys.stderr)
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.close()

    def show(self, job: Job) -> None:
        self.bar.set_description(job.kind, refresh=False)
        self.bar.total, self.bar.n = job.total or None, job.step
        self.bar.set_postfix_str(_said(job), refresh=True)


class _Lines:
    """A line where the job says something new, and at every tenth of its way."""

    def __init__(self) -> None:
        self.last = (-1, "")

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, job: Job) -> None:
        now = (int(job.share * LINES), job.state)
        if now != self.last:
            self.last = now
            tell(f"job {job.id}: {job.kind} {job.state} {job.share:4.0%} {_said(job)}".rstrip())
