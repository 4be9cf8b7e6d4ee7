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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tqdm import tqdm

import leaml
from leaml.errors import DataError
from leaml.evaluation.compare import Comparison, compare
from leaml.evaluation.metrics import Rate, blind_majority
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.load import Loaded, load
from leaml.options import AdaptOptions, DistilOptions, GenerateOptions
from leaml.records import Caption, Pair, Prediction, Progress, Question, Result
from leaml.store.formats import Dataset, read_folder, write_jsonl
from leaml.training.adapt import adapt
from leaml.training.distill import distill
from leaml.training.generate import generate, keep

SAMPLE = Path(leaml.__file__).resolve().parents[1] / "sample_data" / "colonoscopy-phantom"
BLIND, BASE, LABELS_ONLY, ADAPTED = "blind majority", "base", "labels only", "adapted"
JSON_NAMES = {BLIND: "blind", BASE: "base", LABELS_ONLY: "labels_only", ADAPTED: "adapted"}


@dataclass(frozen=True, slots=True)
class Task:
    """What may be used for learning, and what is asked at the end."""

    labelled: list[Question]
    unlabelled: list[Path]
    captions: list[Caption]
    tests: dict[str, list[Question]]


@dataclass(slots=True)
class Clock:
    """Seconds by stage, in the order in which they ran."""

    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, stage: str, events: Iterator) -> tuple[list, Result]:
        """Drains a stage: its records and its result. Shows a bar on a terminal, one line elsewhere."""
        began, records, result = time.monotonic(), [], Result()
        with tqdm(desc=stage, disable=not sys.stderr.isatty(), leave=False) as bar:
            for event in events:
                if isinstance(event, Progress):
                    bar.total = event.total
                    bar.n = event.step
                    bar.set_postfix({"loss": f"{event.figures['loss']:.3f}"} if "loss" in event.figures else {})
                elif isinstance(event, Result):
                    result = event
                else:
                    records.append(event)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - began
        print(f"{stage:<24}{self.seconds[stage]:7.1f} s", file=sys.stderr, flush=True)
        return records, result


def make_task(data: Dataset, labels: int | None, seed: int) -> Task:
    """Picks the pictures whose answers may be used. Everything else of the train split counts as unlabelled.

    Raises:
        DataError: nothing is labelled for training, or there is no test set.
    """
    answered = [question for question in data.questions if question.split == "train" and question.answer]
    pictures = sorted({question.image for question in answered})
    if not pictures:
        raise DataError(f"No picture of the train split in {data.folder.name} has an answer.", "Label some pictures first.")
    chosen = set(pictures if labels is None else random.Random(seed).sample(pictures, min(labels, len(pictures))))
    held_out = {question.image for question in data.questions if question.split != "train"}
    captions = [caption for caption in data.captions if caption.image not in held_out]
    tests: dict[str, list[Question]] = {}
    for question in data.questions:
        if question.split not in ("train", "calibration") and question.answer:
            tests.setdefault(question.split, []).append(question)
    if "test" not in tests:
        raise DataError(f"{data.folder.name} has no answered questions in a test split.", "Add a test split.")
    return Task(
        [question for question in answered if question.image in chosen],
        [image for image in data.images if image not in held_out and image not in chosen],
        captions,
        tests,
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of every stage."""

    distil: DistilOptions
    generate: GenerateOptions
    adapt: AdaptOptions

    @classmethod
    def with_seed(cls, seed: int) -> "Settings":
        return cls(DistilOptions(seed=seed), GenerateOptions(seed=seed), AdaptOptions(seed=seed))


class Loop:
    """The stages in order, each on a freshly loaded base model."""

    def __init__(self, task: Task, model: str, settings: Settings, folder: Path) -> None:
        self.task, self.model, self.settings, self.folder = task, model, settings, folder
        self.clock = Clock()

    def fresh(self) -> tuple[Loaded, Framing]:
        loaded = load(self.model)
        torch.manual_seed(self.settings.adapt.seed)
        return loaded, Framing(loaded.processor)

    def answers(self, stage: str, model, framing: Framing) -> dict[str, list[bool]]:
        """Which test questions of each set the model gets right."""
        right = {}
        for name, questions in self.task.tests.items():
            predictions, _ = self.clock.run(stage, predict(model, framing, questions))
            right[name] = [prediction.correct for prediction in predictions if isinstance(prediction, Prediction)]
        return right

    def pairs(self) -> list[Pair]:
        """Distils a generator, has it write pairs, and keeps those that pass the filter."""
        loaded, framing = self.fresh()
        task, settings = self.task, self.settings
        events = distill(loaded.model, framing, task.labelled, task.captions, settings.distil, self.folder / "distil")
        self.clock.run("distil", events)
        events = generate(loaded.model, framing, task.unlabelled, task.labelled, settings.generate)
        written, result = self.clock.run("write suggestions", events)
        kept = keep(written, settings.generate)
        rows = ({"image": p.image.name, "question": p.question, "answer": p.answer, "type": p.type, **p.signals} for p in written)
        write_jsonl(self.folder / "pairs.jsonl", rows)
        print(f"{len(kept)} of {len(written)} suggestions pass the filter ({result.figures['parsed']:.0f} of "
              f"{result.figures['texts']:.0f} texts could be read)", file=sys.stderr)  # fmt: skip
        return kept

    def tuned(self, stage: str, pairs: list[Pair]) -> dict[str, list[bool]]:
        loaded, framing = self.fresh()
        folder = self.folder / stage.replace(" ", "-")
        events = adapt(loaded.model, framing, self.task.labelled, pairs, self.settings.adapt, folder)
        self.clock.run(f"tune: {stage}", events)
        return self.answers("answer", loaded.model, framing)

    def run(self) -> dict[str, Comparison]:
        """A table for every test set."""
        loaded, framing = self.fresh()
        right = {BASE: self.answers("answer", loaded.model, framing)}
        right[LABELS_ONLY] = self.tuned(LABELS_ONLY, [])
        right[ADAPTED] = self.tuned(ADAPTED, self.pairs())
        tables = {}
        for name, questions in self.task.tests.items():
            correct = {BLIND: blind_majority(self.task.labelled, questions)} | {m: r[name] for m, r in right.items()}
            tables[name] = compare(questions, correct, BASE)
        return tables


def _json(table: Comparison) -> dict:
    def plain(value: Rate) -> dict:
        return {"accuracy": value.value, "n": value.n, "low": value.low, "high": value.high}

    against = table.row(ADAPTED).difference
    rows = {JSON_NAMES[row.name]: plain(row.accuracy) for row in table.rows}
    return rows | {"difference": {"mean": against.value, "low": against.low, "high": against.high}}


def main(arguments: argparse.Namespace) -> int:
    """Runs the loop and prints its tables; returns 0."""
    began = time.monotonic()
    data = read_folder(arguments.data or SAMPLE)
    for problem in data.problems[:20]:
        print(f"left out: {problem}", file=sys.stderr)
    task = make_task(data, arguments.labels, arguments.seed)
    print(f"{data.folder.name}: {len(task.labelled)} labelled questions on {len({q.image for q in task.labelled})} pictures, "
          f"{len(task.unlabelled)} unlabelled pictures, {len(task.captions)} captions of a teacher")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="leaml-demo-") as folder:
        settings = Settings.with_seed(arguments.seed)
        loop = Loop(task, arguments.model, settings, arguments.keep or Path(folder))
        tables = loop.run()
    for name, table in tables.items():
        print(f"\n{name}\n{table.text()}")
    seconds = {stage: round(value, 1) for stage, value in loop.clock.seconds.items()}
    seconds["total"] = round(time.monotonic() - began, 1)
    print("\nseconds: " + ", ".join(f"{stage} {value:.0f}" for stage, value in seconds.items()))
    print("Suggestions were accepted by a filter, not by an expert; the teacher's captions were read from a file.")
    if arguments.json:
        report = _json(tables["test"]) | {"seconds": seconds}
        others = {name: _json(table) for name, table in tables.items() if name != "test"}
        arguments.json.write_text(json.dumps(report | ({"other_sets": others} if others else {}), indent=1), encoding="utf-8")
    return 0
