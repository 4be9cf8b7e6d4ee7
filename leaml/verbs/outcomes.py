"""What came of a job: a sentence or a table on stdout, or the job as JSON where a program reads it."""

import json
from collections.abc import Iterator
from typing import Any

from leaml.jobs.commands import shell_line
from leaml.jobs.queue import Job
from leaml.store.findings import Findings
from leaml.store.importing import SETTING
from leaml.store.project import Project
from leaml.verbs.following import as_row, tell

NEXT = {
    "import": ["import", "FOLDER"],
    "caption": ["distill"],
    "distil": ["distill"],
    "generate": ["generate"],
    "review": ["review", "accept", "--least-agreement", "0.9"],
    "adapt": ["adapt"],
    "compare": ["compare"],
}
"""Next step of a project, as `Project.overview` names it -> the words of its verb. Labels are given on the screen."""


def show(project: Project, job: Job, as_json: bool) -> None:
    """Prints what a finished job has made, and on stderr what is next."""
    if as_json:
        print(json.dumps(as_row(job), ensure_ascii=False))
        return
    for line in SAID[job.kind](project, job):
        print(line)
    next_step(project)


def next_step(project: Project) -> None:
    """Says on stderr what is to be done next."""
    step = project.overview().next_step
    if step == "label":
        tell("Next, label some pictures: start the app (python launch.py), or import questions with answers.")
    elif step in NEXT:
        tell(f"Next: {shell_line(NEXT[step], project)}")


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The rows of a comparison, as a job keeps them, one line for each model."""
    width = max(len(row["name"]) for row in rows) + 2
    for row in rows:
        against = row["against_base"]
        beside = f"   against base {against['text']}" if against else ""
        yield f"{row['name']:<{width}}{row['text']}{beside}"


def _findings(project: Project, job: Job) -> Iterator[str]:
    yield from Findings.from_json(project.setting(SETTING)).sentences()


def _caption(project: Project, job: Job) -> Iterator[str]:
    yield f"{project.db.count('captions', job_id=job.run)} captions written."


def _blanked(project: Project, job: Job) -> Iterator[str]:
    n, others = int(job.result["pictures"]), int(job.result["of another size"])
    yield f"A region of {n} pictures is black, for good."
    if others:
        yield f"{others} pictures of another size are as they were: draw the region on one of them."


def _order(project: Project, job: Job) -> Iterator[str]:
    n, drawn = int(job.result["pictures"]), int(job.result["random"])
    yield f"{n} pictures come first on the Label screen: {n - drawn} typical ones, {drawn} at random."


def _adapter(project: Project, job: Job) -> Iterator[str]:
    made = project.adapter(job.result["adapter"])
    kind = "a whole model" if made.kind == "full" else f"{made.trained_weights:,} trained weights"
    yield f"Made {made.name} (number {made.id}): {kind}, {made.bytes / 1e6:.1f} MB on disk."


def _suggestions(project: Project, job: Job) -> Iterator[str]:
    texts, parsed, kept = (int(job.result[name]) for name in ("texts", "parsed", "kept"))
    yield f"{kept} suggestions pass the filter ({parsed} of {texts} texts could be read)."


def _comparison(project: Project, job: Job) -> Iterator[str]:
    for name, found in job.result["sets"].items():
        yield from (f"{name}:", *table(found["rows"]))


def _answers(project: Project, job: Job) -> Iterator[str]:
    yield str(job.folder / "answers.csv")


def _report(project: Project, job: Job) -> Iterator[str]:
    for name in job.result["files"]:
        yield str(job.folder / "report" / name)


def _export(project: Project, job: Job) -> Iterator[str]:
    yield from job.result["left out"]
    yield job.options["folder"]


SAID = {
    "import": _findings,
    "blank": _blanked,
    "order": _order,
    "caption": _caption,
    "distil": _adapter,
    "generate": _suggestions,
    "adapt": _adapter,
    "compare": _comparison,
    "answer": _answers,
    "report": _report,
    "export": _export,
}
