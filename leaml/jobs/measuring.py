"""The bridge of the stage that compares: base and adapted models on every test set, with intervals.

With `trust` the calibration set is asked as well, for temperature and threshold come from there; its answers stand
among the predictions, and in no table.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from typing import Any

from torch import nn

from leaml.errors import DataError
from leaml.evaluation.compare import refuse_trained
from leaml.evaluation.confidence import predict_surely
from leaml.jobs.elsewhere import CALIBRATION, Elsewhere
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.jobs.tables import Model, rows
from leaml.models.framing import Framing
from leaml.options import CompareOptions
from leaml.records import Prediction, Progress, Result
from leaml.report.names import BASE
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Adapter, PairState, Project, Said

NO_TESTS = ("train", CALIBRATION, LEFT_OUT, ARRIVING)
"""Splits that are no test sets; every other one is."""

Answered = tuple[int | None, PairState, Prediction]
"""Who answered (an adapter's number, or None for the base), what was asked, and the answer."""


def compare(project: Project, job: Job, options: CompareOptions) -> Work:
    """Base and adapted models on every test set. What the run has answered before is not asked again."""
    ids = options.adapters or begun_with(project, job, "adapter")
    adapters = [project.adapter(id) for id in ids] or project.adapters("answers")[:1]
    comparing = _Comparing(project, job, options, adapters)
    project.use(job.run, "adapter", [adapter.id for adapter in adapters])
    return Work(comparing.events(), comparing.write, comparing.finish)


class _Comparing:
    """One comparison: who is asked what, and which answers there are."""

    def __init__(self, project: Project, job: Job, options: CompareOptions, adapters: Sequence[Adapter]) -> None:
        self.project, self.job, self.options = project, job, options
        self.tested = _tested(project, options.on)
        if not self.tested:
            what = f"There are no answered questions to compare on in the {options.on} set."
            raise DataError(what, f"Import a {options.on} set, or label its pictures.")
        beside = project.labels(CALIBRATION) if options.trust and options.on != CALIBRATION else []
        self.asked = [*self.tested, *beside]
        self.who: dict[int | None, Adapter | None] = {None: None} | {adapter.id: adapter for adapter in adapters}
        questions = [pair.as_question() for pair in self.asked]
        paths = {picture.id: picture.path for picture in project.pictures()}
        learned = {
            adapter.name: {paths[id] for id in project.learned_from(adapter.id) if id in paths} for adapter in adapters
        }
        refuse_trained(questions, learned)
        self.elsewhere = Elsewhere(project, job, options, self.asked) if options.trust else None

    def events(self) -> Generator[Progress | Answered | Result, None, None]:
        models = Models(self.options.model, self.options.precision, self.options.picture_size)
        known = {(row.adapter_id, row.pair_id) for row in self.project.predictions(self.job.run)}
        done, total = 0, len(self.who) * len(self.asked)
        for id, adapter in self.who.items():
            todo = [pair for pair in self.asked if (id, pair.id) not in known]
            done += len(self.asked) - len(todo)
            if not self.options.trust:  # short answers together: a batch writes until its longest one ends
                todo.sort(key=lambda pair: (pair.type, pair.question))
            message = f"Asking {adapter.name if adapter else 'the base model'}"
            yield Progress(done, total, message)
            if todo:
                for event in self._ask(*models.use(adapter), id, todo):
                    yield Progress(done + event.step, total, message) if isinstance(event, Progress) else event
            done += len(todo)
            if self.elsewhere:
                for _ in self.elsewhere.look(*models.use(adapter), id):
                    yield Progress(done, total, "Looking at pictures from elsewhere")
        yield Result({"questions": float(len(self.tested)), "models": float(len(self.who))})

    def _ask(
        self, model: nn.Module, framing: Framing, id: int | None, todo: list[PairState]
    ) -> Iterator[Progress | Answered]:
        waiting = iter(todo)
        for event in predict_surely(model, framing, [pair.as_question() for pair in todo], self.options):
            if isinstance(event, Prediction):
                yield id, next(waiting), event
            elif isinstance(event, Progress):
                yield event

    def write(self, answered: Sequence[Answered]) -> None:
        for id, group in groupby(answered, key=lambda one: one[0]):
            self.project.add_predictions(self.job.run, id, [_said(pair, answer) for _, pair, answer in group])

    def finish(self, result: Result) -> dict[str, Any]:
        """`sets`: by split its number of questions and one row for each model, base and blind majority first."""
        said = {(row.adapter_id, row.pair_id): row for row in self.project.predictions(self.job.run)}
        calibration = [pair for pair in self.asked if pair.split == CALIBRATION]
        train = [pair.as_question() for pair in self.project.labels()]
        sets = {}
        for split in dict.fromkeys(pair.split for pair in self.tested):
            pairs = [pair for pair in self.tested if pair.split == split]
            models = [
                Model(
                    adapter.name if adapter else BASE,
                    id,
                    [said[id, pair.id] for pair in pairs],
                    [] if split == CALIBRATION else [(pair, said[id, pair.id]) for pair in calibration],
                )
                for id, adapter in self.who.items()
            ]
            table = rows([pair.as_question() for pair in pairs], models, train, self.options.trust)
            sets[split] = {"questions": len(pairs), "rows": table}
        names = {id: adapter.name if adapter else BASE for id, adapter in self.who.items()}
        found = self.elsewhere.finish(said, names) if self.elsewhere else []
        return dict(result.figures) | {"sets": sets, "trust": self.options.trust, "elsewhere": found}


def _tested(project: Project, on: str) -> list[PairState]:
    if on == CALIBRATION:
        return project.labels(CALIBRATION)
    return [pair for pair in project.labels(split=None) if pair.split not in NO_TESTS]


def _said(pair: PairState, answer: Prediction) -> Said:
    return Said(
        pair.id,
        answer.text,
        answer.correct,
        answer.log_probability,
        answer.confidence,
        answer.probabilities,
        answer.blind_text,
        answer.entropy,
    )
