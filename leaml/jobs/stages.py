"""From a job to a stage: for each kind of job, what is read from the project, called, and written back.

A bridge is a function `(project, job, options) -> Work`. Its module is imported only when its kind is due: an import
of pictures need not wait for torch.
"""

import importlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from leaml.jobs.queue import Job
from leaml.records import Result
from leaml.store.project import Project


def _nothing(records: list[Any]) -> None:
    """The stage yields no records."""


def _figures(result: Result) -> dict[str, Any]:
    return dict(result.figures)


@dataclass(frozen=True, slots=True)
class Work:
    """A stage at its start, and what becomes of what it yields.

    events: the stage. write: takes finished records, within a transaction. finish: takes the Result, and returns what
    the job's row keeps of it, as JSON.
    """

    events: Generator[Any, str | None, None]
    write: Callable[[list[Any]], None] = _nothing
    finish: Callable[[Result], dict[str, Any]] = _figures


BRIDGES = {
    "download": ("leaml.jobs.fetching", "download"),
    "import": ("leaml.jobs.taking_in", "take_in"),
    "blank": ("leaml.jobs.taking_in", "black_out"),
    "order": ("leaml.jobs.ordering", "order"),
    "caption": ("leaml.jobs.learning", "caption"),
    "distil": ("leaml.jobs.learning", "distil"),
    "generate": ("leaml.jobs.suggesting", "generate"),
    "adapt": ("leaml.jobs.learning", "adapt"),
    "compare": ("leaml.jobs.measuring", "compare"),
    "answer": ("leaml.jobs.tabulating", "answer"),
    "report": ("leaml.jobs.reporting", "report"),
    "export": ("leaml.jobs.packing", "export"),
}
"""Kind of a job -> module and name of its bridge."""


def work(project: Project, job: Job) -> Work:
    """What a job has to do; models are loaded here.

    Raises:
        LeamlError: what is needed is not there, or cannot be loaded.
    """
    options = job.stage_options()
    module, name = BRIDGES[job.kind]
    return getattr(importlib.import_module(module), name)(project, job, options)


def begun_with(project: Project, job: Job, kind: str) -> list[int]:
    """Numbers of what the job's run worked with since it began (see `Project.use`); none where it begins now."""
    return [row["item_id"] for row in project.db.rows("inputs", job_id=job.run, kind=kind)]
