"""Selective neuron distillation: the generator learns to write questions and answers about a new kind of picture.

LEAML (arXiv 2510.03232): score the feed-forward neurons by the question-answering loss on the few labels, then train
the selected ones on that loss plus λ times the loss on the teacher's captions, of labelled and unlabelled pictures
alike.

    events = distill(model, framing, labelled, captions, DistilOptions(), folder)
    for event in events: ...                                    # Progress, last a Result; the model carries the adapter
"""

import hashlib
import json
import random
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from leaml.errors import DataError, StorageError, TrainingError
from leaml.models import prompts
from leaml.models.adapters import add_neuron_adapter, trainable_parameters
from leaml.models.framing import Framing
from leaml.models.load import fingerprint
from leaml.models.neurons import Selection, score_neurons
from leaml.options import DistilOptions, TrainingOptions
from leaml.records import Caption, Pair, Progress, Question, Result
from leaml.training.batches import Batch, Example, Turn, encode, kind_losses, mixed_loss
from leaml.training.loop import FitOptions, fit

ADAPTER = "generator"
PAIRS_PER_PICTURE = 6
"""Most question/answer pairs of one picture in one step."""
ASKED_WITHOUT_TYPE = 0.15
"""Share of the pairs that are written when any question is asked for."""

Asked = TypeVar("Asked", Question, Pair)


def distill(
    model: nn.Module,
    framing: Framing,
    labelled: Sequence[Question],
    captions: Sequence[Caption],
    options: DistilOptions,
    run_folder: Path,
) -> Generator[Progress | Result, str | None, None]:
    """Adds a neuron adapter to `model` and trains it; the Result names the folder of the saved adapter.

    Closed, and called again with a fresh model and the same arguments, it goes on from the last checkpoint in
    `run_folder`. `events.send(SAVE)` has it write one.

    Args:
        labelled: questions of the train split; those without an answer are passed over.
        captions: of pictures of the train split; the caller sees to it, since a caption carries no split.

    Raises:
        DataError: there are no labels, or one is not of the train split. TrainingError: `run_folder` holds a run with
            other options or data. StorageError: `run_folder` cannot be written.
    """
    answered = train_labels(labelled)
    if not answered:
        raise DataError("There are no labelled questions to learn from.", "Label a few pictures first.")
    claim(run_folder, "distil", options, model, [*answered, *captions])
    torch.manual_seed(options.seed)
    yield Progress(0, options.steps, "scoring neurons")
    selection = _selection(model, framing, answered, options, run_folder / "selection.json")
    adapted = add_neuron_adapter(model, selection, ADAPTER)
    figures = {"trained weights": float(trainable_parameters(adapted)), "neurons": float(selection.count)}
    loss = mixed_loss({"pair": 1.0, "caption": options.caption_weight})
    batch_at = _Batches(framing, answered, captions, options)
    trained = yield from train(adapted, batch_at, loss, options, run_folder)
    adapted.save_pretrained(run_folder / "adapter", selected_adapters=[ADAPTER])
    yield Result(figures | trained.figures, run_folder / "adapter" / ADAPTER)


def _selection(
    model: nn.Module, framing: Framing, answered: Sequence[Question], options: DistilOptions, path: Path
) -> Selection:
    """Scores and selects neurons. A run that goes on takes those that it began with: its checkpoints are theirs."""
    if path.is_file():
        return Selection.load(path)
    scores = score_on_labels(model, framing, answered, options.method, options.seed)
    selection = Selection.of(
        scores, options.fraction, options.scope, method=options.method, seed=options.seed,
        data_hash=data_hash(answered), model_hash=fingerprint(model),
    )  # fmt: skip
    selection.save(path)
    return selection


class _Batches:
    """The batch of a step: half of its pictures carry labels, half captions (all labels where captions are off)."""

    def __init__(
        self, framing: Framing, answered: Sequence[Question], captions: Sequence[Caption], options: DistilOptions
    ) -> None:
        self.framing, self.options = framing, options
        self.labelled = by_picture(answered)
        self.captions = list(captions) if options.caption_weight > 0 else []

    def __call__(self, step: int) -> Batch:
        rng = random.Random(f"distil {self.options.seed} {step}")
        pictures = self.options.pictures_per_step
        captioned = min(max(1, pictures // 2), len(self.captions))
        examples = []
        for _ in range(max(1, pictures - captioned)):
            image, questions = rng.choice(self.labelled)
            asked = rng.sample(questions, min(len(questions), PAIRS_PER_PICTURE))
            examples.append(Example(image, tuple(pair_turn(question, rng) for question in asked)))
        for caption in rng.sample(self.captions, captioned):
            examples.append(Example(caption.image, (Turn(prompts.CAPTION, caption.caption, kind="caption"),)))
        return encode(self.framing, examples)


# ---- what distilling and adapting share --------------------------------------------------------------------------


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


def pair_turn(question: Question | Pair, rng: random.Random | None = None) -> Turn:
    """The generator's task on one label: write this question and its answer, mostly when asked for its type."""
    any_type = rng is not None and rng.random() < ASKED_WITHOUT_TYPE
    prompt = prompts.write_pair(None if any_type else question.type)
    return Turn(prompt, prompts.pair_text(question.question, question.answer or ""), kind="pair")


def score_on_labels(
    model: nn.Module,
    framing: Framing,
    labelled: Sequence[Question | Pair],
    method: str,
    seed: int,
    batch_size: int = 16,
    turn: Callable[[Question | Pair], Turn] = pair_turn,
) -> dict[str, Tensor]:
    """Neuron scores by the loss on the labels, as `score_neurons` gives them. Each label is a sample: a row of its own.

    Args:
        turn: how a label is put to the model: as the generator's task, or as a question to answer.
    """
    device = next(model.parameters()).device
    examples = [Example(question.image, (turn(question),)) for question in labelled]
    batches = (encode(framing, examples[k : k + batch_size]).to(device) for k in range(0, len(examples), batch_size))

    def loss(scored: nn.Module, batch: Batch) -> Tensor:
        return sum(total for total, _ in kind_losses(scored, batch).values())

    return score_neurons(model, batches, loss, method, seed, samples=_rows_before_padding)


def _rows_before_padding(batch: Batch) -> Tensor:
    """(rows, tokens): each row is one sample; padding belongs to none."""
    rows = torch.arange(len(batch.segments), device=batch.segments.device)[:, None].expand(batch.segments.shape)
    return rows.masked_fill(batch.segments < 0, -1)


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
            unfinished = path.with_name("run.json.unfinished")
            unfinished.write_text(json.dumps(run, indent=1), encoding="utf-8")
            unfinished.replace(path)
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


def train(
    model: nn.Module,
    batch_at: Callable[[int], Batch],
    loss: Callable[[nn.Module, Batch], tuple[Tensor, dict[str, Any]]],
    options: TrainingOptions,
    run_folder: Path,
) -> Generator[Progress, str | None, Result]:
    """`fit` within a stage: passes its Progress out and what is sent in, and returns its Result."""
    schedule = FitOptions(options.steps, options.learning_rate, options.warmup, save_every=options.save_every)
    sent = None
    with closing(fit(model, batch_at, loss, schedule, run_folder / "checkpoints")) as events:
        while not isinstance(event := events.send(sent), Result):
            sent = yield event
    return event
