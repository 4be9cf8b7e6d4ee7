"""The bridges of the stages that learn, and of what they learn from: captions, the generator, the VQA model."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from leaml.errors import OptionError, TrainingError
from leaml.jobs.foretelling import measuring
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.models import teacher
from leaml.models.captions import request
from leaml.models.server import Server, what_leaves
from leaml.options import AdaptOptions, CaptionOptions, DistilOptions
from leaml.records import Caption, Pair, Question, Result
from leaml.store.formats import LONGEST_CAPTION
from leaml.store.project import CaptionRow, PairState, Project
from leaml.training.adapt import adapt as adapt_stage
from leaml.training.distill import distill, trained_by
from leaml.training.stage import data_hash

SCORES = "scores"
"""Folder of the neuron scores, below the project's, that all its runs share."""

Row = TypeVar("Row", PairState, CaptionRow)


def caption(project: Project, job: Job, options: CaptionOptions) -> Work:
    """Captions of the train pictures that have none of this teacher, asked this way."""
    prompt = request(options)
    asked: Server | None = None
    name = Path(options.model).name if Path(options.model).is_dir() else options.model
    if options.server:
        asked = Server(options)
        name = asked.teacher()
        print(what_leaves(options), flush=True)
    known = {row.image_id for row in project.captions("train") if (row.teacher, row.prompt) == (name, prompt)}
    pictures = {picture.path: picture.id for picture in project.pictures("train") if picture.id not in known}

    def write(written: Sequence[Caption]) -> None:
        rows = [(pictures[row.image], row.caption[:LONGEST_CAPTION], row.teacher) for row in written]
        project.add_captions(job.run, rows, prompt)

    if asked is not None:
        return Work(teacher.caption_by_server(asked, list(pictures), options, name), write)
    model, framing = Models(options.model, options.precision, options.picture_size).use(None)
    return Work(teacher.caption(model, framing, list(pictures), options, name), write)


def distil(project: Project, job: Job, options: DistilOptions) -> Work:
    """A generator from labels and captions."""
    labels = _chosen(project, job, "pair", project.labels())
    captions = _chosen(project, job, "caption", project.captions("train") if options.caption_weight else [])
    _use(project, job, labels, captions)
    questions, written = [row.as_question() for row in labels], [row.as_caption() for row in captions]
    _refuse_changed(job, [*questions, *written])
    model, framing = Models(options.model, options.precision, options.picture_size).use(None)
    events = distill(model, framing, questions, written, options, job.folder, project.folder / SCORES)
    events = measuring(project, job.kind, options, events)
    kind = trained_by(options).kind
    return Work(events, finish=lambda result: _keep_adapter(project, job, "generator", kind, result))


def adapt(project: Project, job: Job, options: AdaptOptions) -> Work:
    """A model that answers, from labels and accepted suggestions."""
    accepted = project.accepted() if options.use_suggestions else []
    rows = _chosen(project, job, "pair", [*project.labels(), *accepted])
    _use(project, job, rows, [])
    questions = [row.as_question() for row in rows if row.status == "label"]
    pairs = [row.as_pair() for row in rows if row.status == "accepted"]
    _refuse_changed(job, [*questions, *pairs])
    begins_with = _earlier(project, job, options)
    model, framing = Models(options.model, options.precision, options.picture_size).use(None)
    events = adapt_stage(model, framing, questions, pairs, options, job.folder, project.folder / SCORES, begins_with)
    events = measuring(project, job.kind, options, events)
    return Work(events, finish=lambda result: _keep_adapter(project, job, "answers", options.method, result))


def _earlier(project: Project, job: Job, options: AdaptOptions) -> Path | None:
    """Folder of the adapted model that this round goes on from: its lineage is this one's as well."""
    if options.start_from is None:
        return None
    adapter = project.adapter(options.start_from)
    if adapter.kind != "lora" or options.method != "lora":
        what = f"{adapter.name} ({adapter.kind}) cannot learn on as {options.method}: only a LoRA can, as a LoRA."
        raise OptionError(what, "Choose a LoRA and the method lora, or begin with the base model.")
    if adapter.base != options.model:
        what = f"{adapter.name} was trained on {adapter.base}, not on {options.model}."
        raise OptionError(what, f"Choose {adapter.base} as the model.")
    project.use(job.run, "adapter", [adapter.id])
    return adapter.path


# ---- what a run learns from --------------------------------------------------------------------------------------


def _chosen(project: Project, job: Job, kind: str, rows: list[Row]) -> list[Row]:
    """All of it where the run begins; where it goes on, what it began with: labels that came since wait their turn."""
    if not _has_begun(job):
        return rows
    ids = set(begun_with(project, job, kind))
    return [row for row in rows if row.id in ids]


def _use(project: Project, job: Job, pairs: Sequence[PairState], captions: Sequence[CaptionRow]) -> None:
    """Lineage: what the run rests upon."""
    project.use(job.run, "pair", [pair.id for pair in pairs])
    project.use(job.run, "verdict", [pair.verdict_id for pair in pairs if pair.verdict_id is not None])
    project.use(job.run, "caption", [caption.id for caption in captions])


def _refuse_changed(job: Job, records: Iterable[Question | Pair | Caption]) -> None:
    """Raises TrainingError where a run would go on with other labels than it began with."""
    if _has_begun(job):
        begun = json.loads((job.folder / "run.json").read_text(encoding="utf-8"))
        if begun.get("data") != data_hash(records):
            what = "Labels, suggestions or captions that this run began with were changed or withdrawn since."
            raise TrainingError(what, "Start a new one: it learns from what stands there now.")


def _has_begun(job: Job) -> bool:
    return (job.folder / "run.json").is_file()


# ---- what it leaves ----------------------------------------------------------------------------------------------


def _keep_adapter(project: Project, job: Job, role: str, kind: str, result: Result) -> dict[str, Any]:
    """The row of what was trained, made once for a run, and the figures with its number and name."""
    row = project.db.row("adapters", job_id=job.run)
    if row is None:
        word = "generator" if role == "generator" else "adapted"
        id = project.add_adapter(
            job.run,
            name=f"{word} {project.db.count('adapters', role=role) + 1}",
            role=role,
            kind=kind,
            folder=result.path,
            base=job.options["model"],
            bytes=sum(file.stat().st_size for file in result.path.rglob("*") if file.is_file()),
            trained_weights=int(result.figures["trained weights"]),
        )
        row = project.db.row("adapters", id=id)
    return dict(result.figures) | {"adapter": row["id"], "name": row["name"]}
