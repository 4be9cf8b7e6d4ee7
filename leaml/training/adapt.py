"""Fine-tunes the VQA model on labels and accepted pseudo pairs: LoRA, selected neurons, or all weights."""

import random
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError
from leaml.models.adapters import add_lora, add_neuron_adapter, trainable_parameters
from leaml.models.framing import Framing
from leaml.models.load import fingerprint
from leaml.models.neurons import Selection
from leaml.options import AdaptOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.batches import Batch, Example, Turn, answer_loss, encode
from leaml.training.distill import by_picture, claim, data_hash, score_on_labels, train, train_labels

ADAPTER = "answers"
QUESTIONS_PER_PICTURE = 12
"""Most questions of one picture in one step."""


def adapt(
    model: nn.Module,
    framing: Framing,
    labelled: Sequence[Question],
    pairs: Sequence[Pair],
    options: AdaptOptions,
    run_folder: Path,
) -> Generator[Progress | Result, str | None, None]:
    """Trains `model` to answer; the Result names the folder of the saved adapter (of the whole model where `full`).

    Stops, saves and goes on as `distill` does.

    Args:
        labelled: questions of the train split; those without an answer are passed over.
        pairs: accepted ones, on pictures of the train split.

    Raises:
        DataError: there are neither labels nor pairs, or a label is not of the train split. TrainingError: `run_folder`
            holds a run with other options or data. StorageError: `run_folder` cannot be written.
    """
    answered = train_labels(labelled)
    if not answered and not pairs:
        raise DataError("There are no labels and no accepted suggestions to learn from.", "Label or accept some first.")
    claim(run_folder, "adapt", options, model, [*answered, *pairs])
    torch.manual_seed(options.seed)
    trained = _trainable(model, framing, answered or pairs, options, run_folder)
    figures = {"trained weights": float(trainable_parameters(trained))}
    batch_at = _Batches(framing, answered, pairs, options)
    done = yield from train(trained, batch_at, answer_loss, options, run_folder)
    yield Result(figures | done.figures, _save(trained, framing, options, run_folder))


def answer_turn(question: Question | Pair) -> Turn:
    """The VQA model's task on one label: answer it."""
    return Turn(question.question, question.answer or "")


def _trainable(
    model: nn.Module,
    framing: Framing,
    known: Sequence[Question | Pair],
    options: AdaptOptions,
    run_folder: Path,
) -> nn.Module:
    """The model with that much thawed; `known` are the labels that neurons are scored on."""
    if options.method == "lora":
        return add_lora(model, options.rank, options.rank, ADAPTER)
    if options.method == "full":
        return model.requires_grad_(True)
    path = run_folder / "selection.json"
    if not path.is_file():
        scores = score_on_labels(model, framing, known, "taylor", options.seed, turn=answer_turn)
        provenance = {"data_hash": data_hash(known), "model_hash": fingerprint(model)}
        Selection.of(scores, options.fraction, method="taylor", seed=options.seed, **provenance).save(path)
    return add_neuron_adapter(model, Selection.load(path), ADAPTER)


def _save(trained: nn.Module, framing: Framing, options: AdaptOptions, run_folder: Path) -> Path:
    """Writes what was trained; a whole model with its processor, so that it loads like any other."""
    if options.method == "full":
        trained.save_pretrained(run_folder / "model")
        framing.processor.save_pretrained(run_folder / "model")
        return run_folder / "model"
    trained.save_pretrained(run_folder / "adapter", selected_adapters=[ADAPTER])
    return run_folder / "adapter" / ADAPTER


class _Batches:
    """The batch of a step: some pictures with labels, some with pairs, each with several questions."""

    def __init__(
        self, framing: Framing, answered: Sequence[Question], pairs: Sequence[Pair], options: AdaptOptions
    ) -> None:
        self.framing, self.options = framing, options
        self.labelled, self.pseudo = by_picture(answered), by_picture(pairs)
        share = options.label_share if self.pseudo else 1.0
        self.label_share = share if self.labelled else 0.0

    def __call__(self, step: int) -> Batch:
        rng = random.Random(f"adapt {self.options.seed} {step}")
        examples = []
        for _ in range(self.options.pictures_per_step):
            source = self.labelled if rng.random() < self.label_share else self.pseudo
            image, questions = rng.choice(source)
            asked = rng.sample(questions, min(len(questions), QUESTIONS_PER_PICTURE))
            examples.append(Example(image, tuple(map(answer_turn, asked))))
        return encode(self.framing, examples)
