"""The bridge of the stage that compares: base and adapted models on every test set, with intervals."""

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from typing import Any

from leaml.errors import DataError
from leaml.evaluation.compare import Comparison
from leaml.evaluation.compare import compare as table_of
from leaml.evaluation.metrics import Rate, blind_majority
from leaml.evaluation.predict import predict
from leaml.jobs.loading import Models
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work, begun_with
from leaml.options import CompareOptions
from leaml.records import Prediction, Progress, Question, Result
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Adapter, PairState, Project

BLIND, BASE = "blind majority", "base"
NO_TESTS = ("train", "calibration", LEFT_OUT, ARRIVING)
"""Splits that are no test sets; every other one is."""

Answered = tuple[int | None, PairState, Prediction]
"""Who answered (an adapter's number, or None for the base), what was asked, and the answer."""


# ---- base against adapted ----------------------------------------------------------------------------------------


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
        self.asked = _asked(project, options.on)
        if not self.asked:
            what = f"There are no answered questions to compare on in the {options.on} set."
            raise DataError(what, f"Import a {options.on} set, or label its pictures.")
        self.who: dict[int | None, Adapter | None] = {None: None} | {adapter.id: adapter for adapter in adapters}
        self.correct = {(row.adapter_id, row.pair_id): row.correct for row in project.predictions(job.run)}

    def events(self) -> Generator[Progress | Answered | Result, None, None]:
        models = Models(self.options.model)
        done, total = 0, len(self.who) * len(self.asked)
        for id, adapter in self.who.items():
            todo = [pair for pair in self.asked if (id, pair.id) not in self.correct]
            done += len(self.asked) - len(todo)
            message = f"Asking {adapter.name if adapter else 'the base model'}"
            yield Progress(done, total, message)
            if todo:
                for event in self._ask(models, id, adapter, todo):
                    yield Progress(done + event.step, total, message) if isinstance(event, Progress) else event
            done += len(todo)
        yield Result({"questions": float(len(self.asked)), "models": float(len(self.who))})

    def _ask(
        self, models: Models, id: int | None, adapter: Adapter | None, todo: list[PairState]
    ) -> Iterator[Progress | Answered]:
        model, framing = models.use(adapter)
        waiting = iter(todo)
        for event in predict(model, framing, [pair.as_question() for pair in todo], self.options):
            if isinstance(event, Prediction):
                pair = next(waiting)
                self.correct[id, pair.id] = event.correct
                yield id, pair, event
            elif isinstance(event, Progress):
                yield event

    def write(self, answered: Sequence[Answered]) -> None:
        for id, group in groupby(answered, key=lambda one: one[0]):
            rows = [(pair.id, said.text, said.correct, said.log_probability) for _, pair, said in group]
            self.project.add_predictions(self.job.run, id, rows)

    def finish(self, result: Result) -> dict[str, Any]:
        """`sets`: by split its number of questions and one row for each model, base and blind majority first."""
        names = {id: adapter.name if adapter else BASE for id, adapter in self.who.items()}
        train = [pair.as_question() for pair in self.project.labels()]
        sets = {}
        for split in dict.fromkeys(pair.split for pair in self.asked):
            pairs = [pair for pair in self.asked if pair.split == split]
            questions = [pair.as_question() for pair in pairs]
            right = {names[id]: [self.correct[id, pair.id] for pair in pairs] for id in self.who}
            blind = {BLIND: blind_majority(train, questions)} if train else {}
            sets[split] = {"questions": len(pairs), "rows": _rows(questions, blind | right, names)}
        return dict(result.figures) | {"sets": sets}


def _asked(project: Project, on: str) -> list[PairState]:
    if on == "calibration":
        return project.labels("calibration")
    return [pair for pair in project.labels(split=None) if pair.split not in NO_TESTS]


def _rows(questions: list[Question], right: dict[str, list[bool]], names: dict[int | None, str]) -> list[dict]:
    """One row for each model: its rate, its rate by type of question, and what it has over base and blind majority."""
    numbers = {name: id for id, name in names.items()}
    tables = {name: table_of(questions, right, name) for name in (BASE, BLIND) if name in right}
    return [
        {
            "name": row.name,
            "adapter": numbers.get(row.name),
            **figures(row.accuracy),
            "by_type": {type: figures(value) for type, value in row.by_type.items()},
            "against_base": _against(tables, BASE, row.name),
            "against_blind": _against(tables, BLIND, row.name),
        }
        for row in tables[BASE].rows
    ]


def _against(tables: dict[str, Comparison], baseline: str, name: str) -> dict[str, Any] | None:
    found = tables[baseline].row(name).difference if baseline in tables else None
    return None if found is None else figures(found)


def figures(value: Rate) -> dict[str, Any]:
    """A rate as JSON: value, interval, n, pictures, and how people read it."""
    numbers = {"value": value.value, "low": value.low, "high": value.high, "n": value.n, "pictures": value.clusters}
    return numbers | {"text": value.text()}
