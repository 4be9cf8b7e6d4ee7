"""Fine-tunes the VQA model on labels and accepted pseudo pairs: LoRA, selected neurons, or all weights."""

import random
from collections.abc import Generator, Sequence
from pathlib import Path

from torch import nn

from leaml.errors import DataError
from leaml.models.adapters import add_lora, add_neuron_adapter, trainable_parameters
from leaml.models.framing import Framing
from leaml.models.load import fingerprint
from leaml.models.neurons import Selection
from leaml.options import AdaptOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.batches import Batch, Example, Turn, answer_loss, encode
from leaml.training.distill import by_picture, data_hash, score_on_labels
from leaml.training.loop import FitOptions, fit

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

    Raises:
        DataError: there are neither labels nor pairs.
    """
    answered = [question for question in labelled if question.answer]
    if not answered and not pairs:
        raise DataError("There are no labels and no accepted suggestions to learn from.", "Label or accept some first.")
    trained = _trainable(model, framing, answered, options)
    batch_at = _Batches(framing, answered, pairs, options)
    schedule = FitOptions(options.steps, options.learning_rate, warmup=min(30, options.steps // 5), save_every=options.save_every)
    figures = {"trained weights": float(trainable_parameters(trained))}
    for event in fit(trained, batch_at, answer_loss, schedule, run_folder / "checkpoints"):
        if isinstance(event, Progress):
            yield event
        else:
            figures |= event.figures
    folder = run_folder / ("model" if options.method == "full" else "adapter")
    trained.save_pretrained(folder)
    yield Result(figures, folder if options.method == "full" else folder / ADAPTER)


def _trainable(model: nn.Module, framing: Framing, answered: list[Question], options: AdaptOptions) -> nn.Module:
    if options.method == "lora":
        return add_lora(model, options.rank, options.rank, ADAPTER)
    if options.method == "full":
        return model.requires_grad_(True)
    scores = score_on_labels(model, framing, answered, "taylor", options.seed)
    selection = Selection.of(
        scores, options.fraction, method="taylor", seed=options.seed,
        data_hash=data_hash(answered), model_hash=fingerprint(model),
    )  # fmt: skip
    return add_neuron_adapter(model, selection, ADAPTER)


class _Batches:
    """The batch of a step: some pictures with labels, some with pairs, each with several questions."""

    def __init__(self, framing: Framing, answered: list[Question], pairs: Sequence[Pair], options: AdaptOptions) -> None:
        self.framing, self.options = framing, options
        self.labelled, self.pseudo = by_picture(answered), by_picture(pairs)

    def __call__(self, step: int) -> Batch:
        rng = random.Random(f"adapt {self.options.seed} {step}")
        share = self.options.label_share if self.pseudo else 1.0
        examples = []
        for _ in range(self.options.pictures_per_step):
            source = self.labelled if self.labelled and (rng.random() < share or not self.pseudo) else self.pseudo
            image, questions = rng.choice(source)
            asked = rng.sample(questions, min(len(questions), QUESTIONS_PER_PICTURE))
            examples.append(Example(image, tuple(Turn(q.question, q.answer) for q in asked)))
        return encode(self.framing, examples)
