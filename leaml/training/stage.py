"""What the training stages share: their data by picture, the claim on a run folder, and the loop within a stage.

    answered = train_labels(labelled)                        # DataError where one is held out
    claim(run_folder, "distil", options, model, answered)     # TrainingError where another run stands there
    done = yield from train(model, StepBatches(framing, examples_at), loss, options, run_folder)
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from leaml.errors import DataError, StorageError, TrainingError
from leaml.files import write_whole
from leaml.models.framing import Framing
from leaml.models.in_place import choose_in_place, in_place
from leaml.models.load import choose_dtype, fingerprint
from leaml.models.structure import base_model
from leaml.options import TrainingOptions
from leaml.records import Caption, Pair, Progress, Question, Result
from leaml.training.batches import Batch, Example, encode
from leaml.training.loop import FitOptions, fit
from leaml.training.thrift import layers_computed

Asked = TypeVar("Asked", Question, Pair)


def train_labels(labelled: Iterable[Question]) -> list[Question]:
    """The answered questions, all of the train split.

    Raises:
        DataError: a question is held out for calibration or a test: learning from it would spoil that set.
    """
    labelled = list(labelled)
    for question in labelled:
        if question.split != "train":
            raise DataError(
                f"{question.question!r} on {question.image.name} is of the split {question.split}, not train.",
                "Learn from the train split alone.",
            )
    return [question for question in labelled if question.answer]


def by_picture(questions: Iterable[Asked]) -> list[tuple[Path, list[Asked]]]:
    """The questions of each picture, in the order of the pictures' paths."""
    ordered = sorted(questions, key=lambda asked: str(asked.image))
    return [(image, list(group)) for image, group in groupby(ordered, key=lambda asked: asked.image)]


def data_hash(records: Iterable[Question | Pair | Caption]) -> str:
    """16 hexadecimal digits that name what is learned from, in any order."""
    rows = sorted(
        (record.image.name, "", record.caption)
        if isinstance(record, Caption)
        else (record.image.name, record.question, record.answer or "")
        for record in records
    )
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def claim(
    run_folder: Path,
    stage: str,
    options: TrainingOptions,
    model: nn.Module,
    data: Iterable[Question | Pair | Caption],
) -> None:
    """Writes into `run_folder` what this run is, or sees that a run that stands there is the same and may go on.

    Raises:
        TrainingError: it is another one. StorageError: the folder cannot be written.
    """
    run = {"stage": stage, "options": options.model_dump(), "data": data_hash(data), "model": fingerprint(model)}
    path = run_folder / "run.json"
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_whole(path, json.dumps(run, indent=1))
            return
        begun = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"The run folder {run_folder} cannot be used: {error.strerror or error}."
        raise StorageError(what, "Check the folder and the free space.") from error
    except ValueError as error:
        raise StorageError(f"{path} is damaged.", "Use another folder.") from error
    differing = [name for name in run if not isinstance(begun, dict) or begun.get(name) != run[name]]
    if differing:
        what = f"{run_folder} holds a run that began with another {', '.join(differing)}."
        raise TrainingError(what, "Use another folder, or remove it to start again.")


@dataclass(frozen=True, slots=True)
class StepBatches:
    """The batch of a step, whole or in parts, from the examples of the step."""

    framing: Framing
    examples_at: Callable[[int], Sequence[Example]]

    def __call__(self, step: int) -> Batch:
        return encode(self.framing, self.examples_at(step))

    def parts(self, step: int, count: int) -> list[Batch]:
        """At most `count` batches whose losses add up to the whole one's; a picture's questions may be parted, too."""
        examples = self.examples_at(step)
        whole = Counter[str]()
        for turn in (turn for example in examples for turn in example.turns):
            whole[turn.kind] += turn.weight
        some = list(map(list, _dealt(examples, count)))
        if count > len(examples):
            some = [[part] for example in examples for part in _halves(example, -(-count // len(examples)))]
        return [replace(encode(self.framing, part), whole=dict(whole)) for part in some]


def _dealt(examples: Sequence[Example], count: int) -> Iterator[Sequence[Example]]:
    """The examples in at most `count` runs of nearly the same length."""
    size = -(-len(examples) // count)
    return (examples[start : start + size] for start in range(0, len(examples), size))


def _halves(example: Example, count: int) -> Iterator[Example]:
    """One picture with at most so many parts of its turns each time."""
    size = -(-len(example.turns) // count)
    return (replace(example, turns=example.turns[k : k + size]) for k in range(0, len(example.turns), size))


def train(
    model: nn.Module,
    batch_at: StepBatches,
    loss: Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Any]]],
    options: TrainingOptions,
    run_folder: Path,
) -> Generator[Progress, str | None, Result]:
    """`fit` within a stage: passes its Progress out and what is sent in, and returns its Result.

    Neurons are trained within the base weights where that is possible, and those are what they were afterwards.
    """
    schedule = FitOptions(options.steps, options.learning_rate, options.warmup, save_every=options.save_every)
    sent = None
    possible, reason = choose_in_place(model)
    inside = in_place(model) if possible else nullcontext()
    if possible:
        print(f"  {reason}", flush=True)  # into the run's log, as device and precision are
    steps = fit(model, batch_at, loss, schedule, run_folder / "checkpoints")
    thrifty = layers_computed(model, twice=options.checkpointing)
    with inside, quick_attention(model), thrifty, closing(steps) as events:
        while not isinstance(event := events.send(sent), Result):
            sent = yield event
    return event


@contextmanager
def quick_attention(model: nn.Module) -> Iterator[None]:
    """The attention that learns fastest here, and afterwards the one that was there before.

    On a CPU that computes in bf16 that is the plain one: with nano, 8 pictures and 246 tokens a row, a step took 650 ms
    instead of 710 (medians of 9 in turns, one core); in fp32 the fused one is faster, 910 against 1,160 ms.
    """
    core = base_model(model)
    text = core.config.get_text_config()
    # The vision tower keeps its own: features that are kept must not depend on when they were computed.
    part = next((name for name in core.config.sub_configs if getattr(core.config, name, None) is text), "")
    before = text._attn_implementation
    slow = before == "sdpa" and core.device.type == "cpu" and choose_dtype(core.device)[0] == torch.bfloat16
    if slow:
        core.set_attn_implementation({part: "eager"})
    try:
        yield
    finally:
        if slow:
            core.set_attn_implementation({part: before})
