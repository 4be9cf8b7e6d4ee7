"""A job: one row of the table `jobs`, and what follows from it. No torch."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaml.options import (
    AdaptOptions,
    AnswerOptions,
    BlankOptions,
    CaptionOptions,
    CompareOptions,
    DistilOptions,
    DownloadOptions,
    ExportOptions,
    GenerateOptions,
    ImportOptions,
    Options,
    OrderOptions,
    ReportOptions,
)
from leaml.store.project import Project

KINDS: dict[str, type[Options]] = {
    "download": DownloadOptions,
    "import": ImportOptions,
    "blank": BlankOptions,
    "order": OrderOptions,
    "caption": CaptionOptions,
    "distil": DistilOptions,
    "generate": GenerateOptions,
    "adapt": AdaptOptions,
    "compare": CompareOptions,
    "answer": AnswerOptions,
    "report": ReportOptions,
    "export": ExportOptions,
}
"""The kinds of jobs, and the options of each."""

ACTIVE = ("queued", "running", "stopping")
RESUMABLE = ("stopped", "failed", "interrupted")


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table `jobs`. Times are ISO texts in UTC, None where it has not come to that."""

    id: int
    kind: str
    options: dict[str, Any]
    state: str
    step: int
    total: int
    message: str
    figures: dict[str, float]
    result: dict[str, Any]
    error: str
    fix: str
    resume_of: int | None
    """The job that this one goes on with."""
    after: int | None
    """The job that must be done before this one starts."""
    stop: str
    person: str
    command: str
    created: str
    started: str | None
    ended: str | None
    run: int
    """The first job of the chain that this one goes on with: what is written carries this number."""
    folder: Path
    """Of the run."""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def share(self) -> float:
        """How much is done, in [0, 1]."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.step / self.total) if self.total else 0.0

    @property
    def seconds(self) -> float:
        """How long it ran, or has been running."""
        if self.started is None or self.state == "queued":
            return 0.0
        end = datetime.fromisoformat(self.ended) if self.ended else datetime.now(UTC)
        return max(0.0, (end - datetime.fromisoformat(self.started)).total_seconds())

    @property
    def seconds_left(self) -> float | None:
        """Until it is done, at the present pace; None where that cannot be said."""
        if self.state not in ("running", "stopping") or not self.step:
            return None
        pace = self.figures.get("seconds per step") or self.seconds / self.step
        return pace * max(0, self.total - self.step)

    def stage_options(self) -> Options:
        """The options as the stage takes them. Raises OptionError where a stored one is no longer known."""
        return KINDS[self.kind](**self.options)


def job_of(project: Project, row: dict[str, Any]) -> Job:
    """The job that a row of the project's table holds."""
    first = row
    while first["resume_of"] is not None:
        first = project.db.row("jobs", id=first["resume_of"])
    values = {field.name: row[field.name] for field in fields(Job) if field.name in row}
    values["result"] = row["result"] or {}
    return Job(**values, run=first["id"], folder=project.folder / "runs" / str(first["id"]))
