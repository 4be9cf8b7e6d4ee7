"""Selective neuron distillation: the generator learns to write questions and answers about a new kind of picture.

LEAML (arXiv 2510.03232): score the feed-forward neurons by the question-answering loss on the few labels, then train the
selected ones on that loss plus λ times the loss on the teacher's captions, of labelled and unlabelled pictures alike.

    events = distill(model, framing, labelled, captions, DistilOptions(), folder)
    for event in events: ...                                    # Progress, last a Result; the model carries the adapter
"""

import hashlib
import random
from collections.abc import Generator, Sequence
from itertools import groupby
from pathlib import Path

from torch import Tensor, nn

from leaml.errors import DataError
from leaml.models import prompts
from leaml.models.adapters import add_neuron_adapter, trainable_parameters
from leaml.models.framing import Framing
from leaml.models.load import fingerprint
from leaml.models.neurons import Selection, score_neurons
from leaml.options import DistilOptions
from leaml.records import Caption, Progress, Question, Result
from leaml.training.batches import Batch, Example, Turn, encode, kind_losses, mixed_loss
from leaml.training.loop import FitOptions, fit

ADAPTER = "generator"
PAIRS_PER_PICTURE = 6
"""Most question/answer pairs of one picture in one step."""


def pair_turn(question: Question, rng: random.Random | None = None) -> Turn:
    """The generator's task on one label: write this question and its answer, mostly when asked for its type."""
    asked_type = None if rng is not None and rng.random() < 0.15 else question.type
    return Turn(prompts.write_pair(asked_type), prompts.pair_text(question.question, question.answer or ""), kind="pair")


def by_picture(questions: Sequence[Question]) -> list[tuple[Path, list[Question]]]:
    """The questions of each picture, in the order of the pictures' paths."""
    ordered = sorted(questions, key=lambda q: str(q.image))
    return [(image, list(group)) for image, group in groupby(ordered, key=lambda q: q.image)]


def data_hash(labelled: Sequence[Question]) -> str:
    """Names the labels that scores came from."""
    digest = hashlib.sha256()
    for question in sorted(labelled, key=lambda q: (q.image.name, q.question)):
        digest.update(f"{question.image.name}\0{question.question}\0{question.answer}\n".encode())
    return digest.hexdigest()[:16]


def score_on_labels(
    model: nn.Module, framing: Framing, labelled: Sequence[Question], method: str, seed: int, batch_size: int = 16
) -> dict[str, Tensor]:
    """Neuron scores by the QA loss on the labels, in the generator's prompt; one label per row, so that each is a sample."""
    device = next(model.parameters()).device
    examples = [Example(question.image, (pair_turn(question),)) for question in labelled]
    batches = (encode(framing, examples[k : k + batch_size]).to(device) for k in range(0, len(examples), batch_size))

    def loss(scored: nn.Module, batch: Batch) -> Tensor:
        return sum(total for total, _ in kind_losses(scored, batch).values())

    return score_neurons(model, batches, loss, method, seed, samples=_rows_before_padding)


def _rows_before_padding(batch: Batch) -> Tensor:
    """Each row is one sample; padding belongs to none."""
    rows = batch.segments.new_tensor(range(len(batch.segments)))[:, None].expand(batch.segments.shape)
    return rows.masked_fill(batch.segments < 0, -1)


def distill(
    model: nn.Module,
    framing: Framing,
    labelled: Sequence[Question],
    captions: Sequence[Caption],
    options: DistilOptions,
    run_folder: Path,
) -> Generator[Progress | Result, str | None, None]:
    """Adds a neuron adapter to `model` and trains it; the Result names the folder of the saved adapter.

    Only labels and captions of the train split may come in; the caller sees to it.

    Raises:
        DataError: there are no labels.
    """
    answered = [question for question in labelled if question.answer]
    if not answered:
        raise DataError("There are no labelled questions to learn from.", "Label a few pictures first.")
    yield Progress(0, options.steps, "scoring neurons")
    scores = score_on_labels(model, framing, answered, options.method, options.seed)
    selection = Selection.of(
        scores, options.fraction, options.scope, method=options.method, seed=options.seed,
        data_hash=data_hash(answered), model_hash=fingerprint(model),
    )  # fmt: skip
    run_folder.mkdir(parents=True, exist_ok=True)
    selection.save(run_folder / "selection.json")
    adapted = add_neuron_adapter(model, selection, ADAPTER)
    batch_at = _Batches(framing, by_picture(answered), list(captions), options)
    loss = mixed_loss({"pair": 1.0, "caption": options.caption_weight})
    schedule = FitOptions(options.steps, options.learning_rate, warmup=min(30, options.steps // 5), save_every=options.save_every)
    figures = {"trained weights": float(trainable_parameters(adapted)), "neurons": float(selection.count)}
    for event in fit(adapted, batch_at, loss, schedule, run_folder / "checkpoints"):
        if isinstance(event, Progress):
            yield event
        else:
            figures |= event.figures
    adapted.save_pretrained(run_folder / "adapter", selected_adapters=[ADAPTER])
    yield Result(figures, run_folder / "adapter" / ADAPTER)


class _Batches:
    """The batch of a step: half of its pictures carry labels, half captions (all labels where captions are off)."""

    def __init__(self, framing: Framing, labelled, captions: list[Caption], options: DistilOptions) -> None:
        self.framing, self.labelled, self.options = framing, labelled, options
        self.captions = captions if options.caption_weight > 0 else []

    def __call__(self, step: int) -> Batch:
        rng = random.Random(f"distil {self.options.seed} {step}")
        captioned = self.options.pictures_per_step // 2 if self.captions else 0
        examples = []
        for _ in range(max(1, self.options.pictures_per_step - captioned)):
            image, questions = rng.choice(self.labelled)
            asked = rng.sample(questions, min(len(questions), PAIRS_PER_PICTURE))
            examples.append(Example(image, tuple(pair_turn(question, rng) for question in asked)))
        for caption in rng.sample(self.captions, min(captioned, len(self.captions))):
            examples.append(Example(caption.image, (Turn(prompts.CAPTION, caption.caption, kind="caption"),)))
        return encode(self.framing, examples)
