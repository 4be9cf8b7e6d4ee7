"""The bridges of the stages that write, and that learn: captions, the generator, suggestions, the VQA model."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from leaml.errors import DataError, TrainingError
from leaml.evaluation.scoring import normalise
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.models import teacher
from leaml.options import AdaptOptions, CaptionOptions, DistilOptions, GenerateOptions
from leaml.records import Caption, Pair, Question, Result
from leaml.store.formats import LONGEST_CAPTION
from leaml.store.project import Adapter, CaptionRow, PairState, Project
from leaml.training.adapt import adapt as adapt_stage
from leaml.training.distill import data_hash, distill
from leaml.training.generate import generate as generate_stage
from leaml.training.generate import keep

Row = TypeVar("Row", PairState, CaptionRow)


def caption(project: Project, job: Job, options: CaptionOptions) -> Work:
    """Captions of the train pictures that have none of this teacher."""
    name = Path(options.model).name if Path(options.model).is_dir() else options.model
    known = {row.image_id for row in project.captions("train") if row.teacher == name}
    pictures = {picture.path: picture.id for picture in project.pictures("train") if picture.id not in known}
    model, framing = Models(options.model).use(None)

    def write(captions: Sequence[Caption]) -> None:
        rows = [(pictures[row.image], row.caption[:LONGEST_CAPTION], row.teacher) for row in captions]
        project.add_captions(job.run, rows)

    return Work(teacher.caption(model, framing, list(pictures), options, name), write)


def distil(project: Project, job: Job, options: DistilOptions) -> Work:
    """A generator from labels and captions."""
    labels = _chosen(project, job, "pair", project.labels())
    captions = _chosen(project, job, "caption", project.captions("train") if options.caption_weight else [])
    _use(project, job, labels, captions)
    questions, written = [row.as_question() for row in labels], [row.as_caption() for row in captions]
    _refuse_changed(job, [*questions, *written])
    model, framing = Models(options.model).use(None)
    events = distill(model, framing, questions, written, options, job.folder)
    return Work(events, finish=lambda result: _keep_adapter(project, job, "generator", "neurons", result))


def generate(project: Project, job: Job, options: GenerateOptions) -> Work:
    """Suggestions for the train pictures without a label; those that the run has written some for are left out."""
    generator = _chosen_generator(project, next(iter(begun_with(project, job, "adapter")), options.generator))
    labels = project.labels()
    passed = {label.image_id for label in labels} | {pair.image_id for pair in project.pairs(job_id=job.run)}
    pictures = {picture.path: picture.id for picture in project.pictures("train") if picture.id not in passed}
    project.use(job.run, "adapter", [generator.id])
    project.use(job.run, "pair", [label.id for label in labels])
    model, framing = Models(options.model).use(generator)
    there = {_identity(pair.image_id, pair) for pair in project.pairs()}

    def write(pairs: Sequence[Pair]) -> None:
        fitting = ((pictures[pair.image], pair) for pair in keep(pairs, options))
        project.add_pairs(job.run, [(id, pair) for id, pair in fitting if _identity(id, pair) not in there])

    def finish(result: Result) -> dict[str, Any]:
        return dict(result.figures) | {"kept": project.db.count("pairs", job_id=job.run), "generator": generator.id}

    known = [label.as_question() for label in labels]
    return Work(generate_stage(model, framing, list(pictures), known, options), write, finish)


def adapt(project: Project, job: Job, options: AdaptOptions) -> Work:
    """A model that answers, from labels and accepted suggestions."""
    accepted = project.accepted() if options.use_suggestions else []
    rows = _chosen(project, job, "pair", [*project.labels(), *accepted])
    _use(project, job, rows, [])
    questions = [row.as_question() for row in rows if row.status == "label"]
    pairs = [row.as_pair() for row in rows if row.status == "accepted"]
    _refuse_changed(job, [*questions, *pairs])
    model, framing = Models(options.model).use(None)
    events = adapt_stage(model, framing, questions, pairs, options, job.folder)
    return Work(events, finish=lambda result: _keep_adapter(project, job, "answers", options.method, result))


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


def _chosen_generator(project: Project, id: int | None) -> Adapter:
    if id is not None:
        found = project.adapter(id)
        if found.role != "generator":
            raise DataError(f"{found.name} answers questions; it does not write them.", "Choose a generator.")
        return found
    newest = project.adapters("generator")[:1]
    if not newest:
        raise DataError("There is no generator yet.", "Distil one first.")
    return newest[0]


def _identity(image_id: int, pair: Pair | PairState) -> tuple[int, str, str]:
    """Equal for two pairs that ask and answer the same of the same picture."""
    question, answer = pair.question, pair.answer or ""
    return image_id, normalise(question) or question, normalise(answer) or answer
