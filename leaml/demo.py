"""`leaml demo`: the whole loop without a screen, on the sample project or on any folder in the import format.

    captions from a file → neuron scores → selective distillation → pseudo pairs → filter → adapt → compare

Nothing is precomputed but the teacher's captions, and a filter stands in for the expert who would vet the pairs.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

import leaml
from leaml.errors import DataError, OptionError, StorageError
from leaml.evaluation.compare import Comparison, compare
from leaml.evaluation.metrics import Rate, blind_majority
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.options import AdaptOptions, DistilOptions, GenerateOptions, PredictOptions
from leaml.records import Caption, Pair, Progress, Question, Result
from leaml.store.formats import Dataset, read_folder, write_jsonl
from leaml.training.adapt import adapt
from leaml.training.distill import distill
from leaml.training.generate import generate, keep

SAMPLE = Path(leaml.__file__).resolve().parents[1] / "sample_data" / "colonoscopy-phantom"
MOST_PROBLEMS_SHOWN = 20

BLIND, BASE, LABELS_ONLY, ADAPTED = "blind majority", "base", "labels only", "adapted"
JSON_NAMES = {BLIND: "blind", BASE: "base", LABELS_ONLY: "labels_only", ADAPTED: "adapted"}

RightAnswers = dict[str, list[bool]]
"""Per test set, by name, which of its questions were answered right."""


# ---- what is given -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """What may be used for learning, and what is asked at the end."""

    labelled: list[Question]
    unlabelled: list[Path]
    captions: list[Caption]
    tests: dict[str, list[Question]]
    notes: tuple[str, ...] = ()
    """Sentences on what was left out, or taken otherwise than asked."""


def make_task(data: Dataset, labels: int | None, seed: int) -> Task:
    """Picks the pictures whose answers may be used. Everything else of the train split counts as unlabelled.

    Pictures of other splits are never learned from. Neither are train pictures of a group (patient, video) that is
    held out as well: they are left out, with a note.

    Args:
        labels: how many pictures; None takes all that have answers.
        seed: of the choice.

    Raises:
        OptionError: less than one picture is asked for. DataError: nothing is labelled for training, or there is no
            test set.
    """
    if labels is not None and labels < 1:
        raise OptionError(f"{labels} labelled pictures are too few to learn from.", "Give 1 or more with --labels.")
    held_out, leaking = _held_out(data.questions), _leaking(data.questions)
    tests = _tests(data)
    answered = [q for q in data.questions if q.answer and q.split == "train" and q.image not in held_out | leaking]
    pictures = sorted({question.image for question in answered})
    if not pictures:
        what = f"No picture of the train split in {data.folder.name} has an answer that may be used."
        raise DataError(what, "Label some pictures first.")
    chosen = set(pictures if labels is None else random.Random(seed).sample(pictures, min(labels, len(pictures))))
    return Task(
        [question for question in answered if question.image in chosen],
        [image for image in data.images if image not in held_out | leaking | chosen],
        [caption for caption in data.captions if caption.image not in held_out | leaking],
        tests,
        tuple(_notes(len(leaking), labels, len(pictures))),
    )


def _held_out(questions: Iterable[Question]) -> set[Path]:
    """Pictures of which something is asked in another split than train."""
    return {question.image for question in questions if question.split != "train"}


def _leaking(questions: Sequence[Question]) -> set[Path]:
    """Train pictures that are held out too, or share their group with one that is."""
    held_out = _held_out(questions)
    groups = {question.group for question in questions if question.split != "train" and question.group}
    train = (question for question in questions if question.split == "train")
    return {question.image for question in train if question.image in held_out or question.group in groups}


def _tests(data: Dataset) -> dict[str, list[Question]]:
    """The answered questions of each test set: every split but train and calibration."""
    tests: dict[str, list[Question]] = {}
    for question in data.questions:
        if question.split not in ("train", "calibration") and question.answer:
            tests.setdefault(question.split, []).append(question)
    if "test" not in tests:
        what = f"{data.folder.name} has no answered questions in a test split."
        raise DataError(what, 'Hold some pictures out with "split": "test" in questions.jsonl.')
    return tests


def _notes(leaking: int, labels: int | None, pictures: int) -> Iterator[str]:
    if leaking:
        yield f"{leaking} train pictures are left out: they, or others of their group, are held out for testing."
    if labels is not None and labels > pictures:
        yield f"{labels} labelled pictures were asked for; {pictures} have answers, and all of them are used."


# ---- the loop ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of every stage."""

    distil: DistilOptions = field(default_factory=DistilOptions)
    generate: GenerateOptions = field(default_factory=GenerateOptions)
    adapt: AdaptOptions = field(default_factory=AdaptOptions)
    predict: PredictOptions = field(default_factory=PredictOptions)

    @classmethod
    def with_seed(cls, seed: int) -> "Settings":
        return cls(DistilOptions(seed=seed), GenerateOptions(seed=seed), AdaptOptions(seed=seed))


@dataclass(slots=True)
class Clock:
    """Seconds by stage, in the order in which they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, stage: str, events: Iterator[Any]) -> tuple[list[Any], Result]:
        """Drains a stage: its records and its result. Shows a bar on a terminal, one line elsewhere."""
        began, records, result = time.monotonic(), [], Result()
        with tqdm(desc=stage, disable=not sys.stderr.isatty(), leave=False) as bar:
            for event in events:
                if isinstance(event, Progress):
                    bar.total, bar.n = event.total, event.step
                    bar.set_postfix({"loss": f"{event.figures['loss']:.3f}"} if "loss" in event.figures else {})
                elif isinstance(event, Result):
                    result = event
                else:
                    records.append(event)
        took = time.monotonic() - began
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        _tell(f"{stage:<24}{took:7.1f} s")
        return records, result


class Loop:
    """The stages in order, each on a freshly loaded base model."""

    def __init__(self, task: Task, model: str, settings: Settings, folder: Path) -> None:
        self.task, self.model, self.settings, self.folder = task, model, settings, folder
        self.clock = Clock()

    def run(self) -> dict[str, RightAnswers]:
        """What each model got right, by name, the rule that never looks among them."""
        model, framing = self.fresh()
        right = {
            BLIND: {name: blind_majority(self.task.labelled, asked) for name, asked in self.task.tests.items()},
            BASE: self.answers(BASE, model, framing),
        }
        right[LABELS_ONLY] = self.tuned(LABELS_ONLY, [])
        right[ADAPTED] = self.tuned(ADAPTED, self.pairs())
        return right

    def fresh(self) -> tuple[nn.Module, Framing]:
        loaded = load(self.model)
        return loaded.model, Framing(loaded.processor)

    def pairs(self) -> list[Pair]:
        """Distils a generator, has it write pairs, and keeps those that pass the filter."""
        model, framing = self.fresh()
        task, settings = self.task, self.settings
        events = distill(model, framing, task.labelled, task.captions, settings.distil, self.folder / "distil")
        self.clock.run("distil", events)
        events = generate(model, framing, task.unlabelled, task.labelled, settings.generate)
        written, result = self.clock.run("write suggestions", events)
        write_jsonl(self.folder / "pairs.jsonl", map(_row, written))
        kept = keep(written, settings.generate)
        parsed, texts = (int(result.figures[name]) for name in ("parsed", "texts"))
        _tell(f"{len(kept)} of {len(written)} suggestions pass the filter ({parsed} of {texts} texts could be read)")
        return kept

    def tuned(self, name: str, pairs: list[Pair]) -> RightAnswers:
        """Adapts a fresh model to labels and pairs, and has it answer."""
        model, framing = self.fresh()
        folder = self.folder / name.replace(" ", "-")
        self.clock.run(f"tune: {name}", adapt(model, framing, self.task.labelled, pairs, self.settings.adapt, folder))
        return self.answers(name, model, framing)

    def answers(self, name: str, model: nn.Module, framing: Framing) -> RightAnswers:
        """Which questions of each test set the model gets right."""
        right = {}
        for test, questions in self.task.tests.items():
            events = predict(model, framing, questions, self.settings.predict)
            predictions, _ = self.clock.run(f"answer: {name}", events)
            right[test] = [prediction.correct for prediction in predictions]
        return right


def _row(pair: Pair) -> dict[str, Any]:
    plain = {"image": pair.image.name, "question": pair.question, "answer": pair.answer, "type": pair.type}
    return plain | pair.signals


# ---- the table ---------------------------------------------------------------------------------------------------


def tables(task: Task, right: Mapping[str, RightAnswers]) -> dict[str, Comparison]:
    """Per test set, all models against the base model."""
    return {
        name: compare(questions, {model: answers[name] for model, answers in right.items()}, BASE)
        for name, questions in task.tests.items()
    }


def further_differences(task: Task, right: Mapping[str, RightAnswers], test: str) -> Iterator[str]:
    """Lines on the adapted model against what else it must beat."""
    for baseline in (BLIND, LABELS_ONLY):
        correct = {name: right[name][test] for name in (baseline, ADAPTED)}
        difference = compare(task.tests[test], correct, baseline).row(ADAPTED).difference
        yield f"{ADAPTED} against {baseline}: {difference.text()}"


def report(table: Comparison) -> dict[str, dict[str, float]]:
    """One table as the demo's JSON has it."""
    against = table.row(ADAPTED).difference
    rows = {JSON_NAMES[row.name]: _accuracy(row.accuracy) for row in table.rows}
    return rows | {"difference": {"mean": against.value, "low": against.low, "high": against.high}}


def _accuracy(value: Rate) -> dict[str, float]:
    return {"accuracy": value.value, "n": value.n, "low": value.low, "high": value.high}


def _write_report(path: Path, found: Mapping[str, Comparison], seconds: Mapping[str, float]) -> None:
    """The test set's table and the times; other test sets, where there are any, under their own key."""
    others = {name: report(table) for name, table in found.items() if name != "test"}
    whole = report(found["test"]) | {"seconds": seconds} | ({"other_sets": others} if others else {})
    try:
        path.write_text(json.dumps(whole, indent=1), encoding="utf-8")
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Give another file with --json.") from error


# ---- the command -------------------------------------------------------------------------------------------------


def main(arguments: argparse.Namespace, settings: Settings | None = None) -> int:
    """Runs the loop and prints its tables; returns 0.

    Args:
        arguments: `data`, `labels`, `seed`, `model`, `keep`, `json`, as `leaml.__main__` reads them.
        settings: of the stages; by default their defaults, with the seed.

    Raises:
        LeamlError: the data, the model, an option or a folder cannot be used.
    """
    began = time.monotonic()
    settings = settings or Settings.with_seed(arguments.seed)
    if arguments.json and not arguments.json.resolve().parent.is_dir():
        raise StorageError(f"There is no folder for {arguments.json}.", "Make it, or give another file with --json.")
    task = _read_task(arguments)
    with tempfile.TemporaryDirectory(prefix="leaml-demo-", ignore_cleanup_errors=True) as folder:
        loop = Loop(task, arguments.model, settings, arguments.keep or Path(folder))
        right = loop.run()
    found = tables(task, right)
    for name, table in found.items():
        print("", name, table.text(), *further_differences(task, right, name), sep="\n")
    seconds = {stage: round(value, 1) for stage, value in loop.clock.seconds.items()}
    seconds["total"] = round(time.monotonic() - began, 1)
    print("\nseconds: " + ", ".join(f"{stage} {value:.0f}" for stage, value in seconds.items()))
    print("Suggestions were accepted by a filter, not by an expert; the teacher's captions were read from a file.")
    if arguments.json:
        _write_report(arguments.json, found, seconds)
    return 0


def _read_task(arguments: argparse.Namespace) -> Task:
    """The task in the folder that was asked for, told in a few lines."""
    data = read_folder(arguments.data or SAMPLE)
    for problem in data.problems[:MOST_PROBLEMS_SHOWN]:
        _tell(f"left out: {problem}")
    if len(data.problems) > MOST_PROBLEMS_SHOWN:
        _tell(f"and {len(data.problems) - MOST_PROBLEMS_SHOWN} more")
    task = make_task(data, arguments.labels, arguments.seed)
    for note in task.notes:
        _tell(note)
    pictures = len({question.image for question in task.labelled})
    print(
        f"{data.folder.name}: {len(task.labelled)} labelled questions on {pictures} pictures, "
        f"{len(task.unlabelled)} unlabelled pictures, {len(task.captions)} captions of a teacher"
    )
    return task


def _tell(text: str) -> None:
    """What happens, beside the result: to stderr, at once."""
    print(text, file=sys.stderr, flush=True)
