"""The bridge of the report: what a comparison found, as report.html, report.json and MODEL_CARD.md in the run's folder.

No torch: it reads rows, and needs no device.
"""

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.facts import facts_of
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work
from leaml.options import ReportOptions
from leaml.records import Progress, Result
from leaml.report.document import document
from leaml.report.page import model_card, page, thumbnail
from leaml.report.printing import print_pdf
from leaml.store.project import Adapter, Project

FOLDER = "report"
PAGE, NUMBERS, CARD, PDF = "report.html", "report.json", "MODEL_CARD.md", "report.pdf"


def report(project: Project, job: Job, options: ReportOptions) -> Work:
    """Writes the report of one comparison."""
    comparison = comparison_of(project, options.comparison)
    adapter = compared_adapter(project, comparison, options.adapter)
    folder = job.folder / FOLDER

    def finish(result: Result) -> dict[str, Any]:
        files = [name for name in (PAGE, NUMBERS, CARD, PDF) if (folder / name).is_file()]
        return {"files": files, "comparison": comparison.id, "adapter": adapter.id, "name": adapter.name}

    return Work(_written(project, comparison, adapter, options, folder), finish=finish)


def comparison_of(project: Project, id: int | None) -> Job:
    """A comparison that was finished: that one, or the newest.

    Raises:
        DataError: there is none yet. OptionError: that one is none.
    """
    if id is not None:
        found = queue.job(project, id)
        if found.kind != "compare" or found.state != "done":
            raise OptionError(f"Job {id} is no finished comparison.", "Give the number of one, or none for the newest.")
        return found
    rows = project.db.rows("jobs", order="-id", limit=1, kind="compare", state="done")
    if not rows:
        raise DataError("Nothing was compared yet.", "Compare base and adapted model first.")
    return queue.job(project, rows[0]["id"])


def compared_adapter(project: Project, comparison: Job, id: int | None) -> Adapter:
    """An adapted model that a comparison asked: that one, or the newest.

    Raises:
        DataError: there is none.
    """
    asked = project.db.counts("predictions", "adapter_id", job_id=comparison.run)
    found = [one for one in project.adapters("answers") if one.id in asked and id in (None, one.id)]
    if not found:
        which = "an adapted model" if id is None else f"the adapted model {id}"
        raise DataError(f"The comparison did not ask {which}.", "Adapt a model, then compare again.")
    return found[0]


def _written(
    project: Project, comparison: Job, adapter: Adapter, options: ReportOptions, folder: Path
) -> Generator[Progress | Result, None, None]:
    steps = 2 + options.pdf
    yield Progress(0, steps, "Reading")
    whole = document(facts_of(project, comparison, adapter, options.examples))
    yield Progress(1, steps, "Drawing")
    folder.mkdir(parents=True, exist_ok=True)
    shown = thumbnails(project, whole) if options.pictures else {}
    (folder / NUMBERS).write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / PAGE).write_text(page(whole, shown), encoding="utf-8")
    (folder / CARD).write_text(model_card(whole), encoding="utf-8")
    if options.pdf:
        yield Progress(2, steps, "Printing")
        print_pdf(folder / PAGE, folder / PDF)
    yield Progress(steps, steps)
    yield Result(path=folder)


def thumbnails(project: Project, whole: Mapping[str, Any]) -> dict[int, bytes]:
    """The pictures of a document's examples, small."""
    numbers = {row["picture"] for kind in whole["examples"].values() for row in kind["rows"]}
    return {number: thumbnail(project.picture(number).thumb) for number in sorted(numbers)}
