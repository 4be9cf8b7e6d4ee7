"""The bridge of the stage that writes suggestions: all that a generator wrote is kept, and a filter says what is shown.

Every pair stays with its signals in the run's folder, drafts.jsonl, whether it became a suggestion or not: another
filter can be tried on the same texts (`GenerateOptions.refilter`) without writing anything anew.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from leaml.errors import DataError
from leaml.evaluation.scoring import normalise
from leaml.jobs import lines, queue
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.options import GenerateOptions
from leaml.records import Pair, Result
from leaml.store.project import Adapter, PairState, Project
from leaml.training.generate import generate as generate_stage
from leaml.training.signals import Filter

DRAFTS = "drafts.jsonl"
TEXTS = ("question", "answer", "type", "choices", "signals")


def generate(project: Project, job: Job, options: GenerateOptions) -> Work:
    """Suggestions for the train pictures without a label. Those that the run has written about are left out."""
    if options.refilter is not None:
        return _filter_anew(project, job, options)
    generator = _chosen_generator(project, next(iter(begun_with(project, job, "adapter")), options.generator))
    labels = project.labels()
    project.use(job.run, "adapter", [generator.id])
    project.use(job.run, "pair", [label.id for label in labels])
    drafts = Drafts(project, job, options)
    passed = {label.image_id for label in labels} | {number for number, _ in drafts.pairs}
    pictures = [picture.path for picture in project.pictures("train") if picture.id not in passed]
    model, framing = Models(options.model, options.precision, options.picture_size).use(generator)
    events = generate_stage(model, framing, pictures, [label.as_question() for label in labels], options)
    return Work(events, drafts.write, lambda result: drafts.finish(result, generator.id))


def _filter_anew(project: Project, job: Job, options: GenerateOptions) -> Work:
    """Suggestions out of what an earlier run wrote; no model is loaded."""
    earlier = next((each for each in queue.jobs(project) if each.id == options.refilter), None)
    drafts = Drafts(project, job, options, earlier)
    if not drafts.pairs:
        what = f"Job {options.refilter} has left no texts that could be filtered."
        raise DataError(what, "Give the number of a job that has written suggestions.")
    for kind in ("adapter", "pair"):
        project.use(job.run, kind, begun_with(project, earlier, kind))
    generator = next(iter(begun_with(project, earlier, "adapter")), None)
    return Work(_at_once(len(drafts.pairs)), finish=lambda result: drafts.finish(result, generator))


def _at_once(pairs: int) -> Generator[Result, None, None]:
    yield Result({"texts": float(pairs), "parsed": float(pairs), "pairs": float(pairs)})


class Drafts:
    """What a run wrote, and which of it becomes a suggestion.

    Args:
        source: the job whose texts these are; by default the job's own run, which may go on.
    """

    def __init__(self, project: Project, job: Job, options: GenerateOptions, source: Job | None = None) -> None:
        self.project, self.job, self.filter = project, job, Filter.of(options)
        self.path = (source or job).folder / DRAFTS
        paths = {picture.id: picture.path for picture in project.pictures("train")}
        self.numbers = {path: number for number, path in paths.items()}
        rows = [row for row in lines.read(self.path) if row["image_id"] in paths]
        self.pairs = [(row["image_id"], _pair(row, paths[row["image_id"]])) for row in rows]
        self.there = {identity(pair.image_id, pair) for pair in project.pairs()}

    def write(self, pairs: Sequence[Pair]) -> None:
        """Keeps pairs, and shows those that pass, unless that depends on pairs to come."""
        fresh = [(self.numbers[pair.image], pair) for pair in pairs]
        if self.filter.takes_each_alone:
            self._show(fresh)
        lines.append(self.path, [_row(number, pair) for number, pair in fresh])
        self.pairs += fresh

    def finish(self, result: Result, generator: int | None) -> dict[str, Any]:
        """Shows what passes of all that was written; the job's figures, with how many suggestions it has `kept`."""
        self._show(self.pairs)
        kept = self.project.db.count("pairs", job_id=self.job.run)
        return dict(result.figures) | {"kept": kept, "generator": generator}

    def _show(self, pairs: Iterable[tuple[int, Pair]]) -> None:
        kept = self.filter.keep(pair for _, pair in pairs)
        fresh = {identity(self.numbers[pair.image], pair): pair for pair in kept}
        self.project.add_pairs(self.job.run, [(key[0], pair) for key, pair in fresh.items() if key not in self.there])
        self.there |= fresh.keys()


def identity(image_id: int, pair: Pair | PairState) -> tuple[int, str, str]:
    """Equal for two pairs that ask and answer the same of the same picture."""
    question, answer = pair.question, pair.answer or ""
    return image_id, normalise(question) or question, normalise(answer) or answer


def _row(image_id: int, pair: Pair) -> dict[str, Any]:
    values = asdict(pair)
    return {"image_id": image_id} | {name: values[name] for name in TEXTS}


def _pair(row: dict[str, Any], image: Any) -> Pair:
    return Pair(image, row["question"], row["answer"], row["type"], tuple(row["choices"]), row["signals"])


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
