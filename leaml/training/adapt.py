"""Fine-tunes the VQA model on labels and accepted pseudo pairs: LoRA, selected neurons, or all weights.

    events = adapt(model, framing, labelled, pairs, AdaptOptions(weights="signals"), folder)
    for event in events: ...                                    # Progress, last a Result; the model has learned
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.options import AdaptOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.batches import Example, Turn, answer_loss
from leaml.training.signals import weight
from leaml.training.stage import StepBatches, by_picture, claim, train, train_labels
from leaml.training.trained import Trained

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
    scores_folder: Path | None = None,
    begins_with: Path | None = None,
) -> Generator[Progress | Result, str | None, None]:
    """Trains `model` to answer; the Result names the folder of the saved adapter (of the whole model where `full`).

    Stops, saves and goes on as `distill` does.

    Args:
        labelled: questions of the train split; those without an answer are passed over.
        pairs: accepted ones, on pictures of the train split; what each weighs, `options.weights` says. Pairs that weigh
            nothing are passed over.
        scores_folder: as in `distill`.
        begins_with: folder of the LoRA that learns on: a second round; None: it begins with the base model.

    Raises:
        DataError: there are neither labels nor pairs, or a label is not of the train split. TrainingError: `run_folder`
            holds a run with other options or data. StorageError: `run_folder` cannot be written.
    """
    answered = train_labels(labelled)
    pairs = [pair for pair in pairs if weight(pair, options.weights) > 0]
    if not answered and not pairs:
        raise DataError("There are no labels and no accepted suggestions to learn from.", "Label or accept some first.")
    claim(run_folder, "adapt", options, model, [*answered, *pairs])
    torch.manual_seed(options.seed)
    framing = kept(model, framing)
    chosen = replace(trained_by(options), begins_with=begins_with)
    trained = chosen.of(model, framing, answered or pairs, answer_turn, run_folder, scores_folder)
    figures = chosen.figures(trained, run_folder)
    batch_at = StepBatches(framing, Examples(answered, pairs, options))
    done = yield from train(trained, batch_at, answer_loss, options, run_folder)
    yield Result(figures | done.figures, chosen.save(trained, framing, run_folder))


def trained_by(options: AdaptOptions) -> Trained:
    """What the options have trained."""
    return Trained(ADAPTER, options.method, options.rank, fraction=options.fraction, seed=options.seed)


def answer_turn(question: Question | Pair, weight: float = 1.0) -> Turn:
    """The VQA model's task on one label: answer it."""
    return Turn(question.question, question.answer or "", weight)


class Examples:
    """The examples of a step: some pictures with labels, some with pairs, each with several questions."""

    def __init__(
        self, answered: Sequence[Question], pairs: Sequence[Pair], options: AdaptOptions
    ) -> None:
        self.options = options
        self.labelled, self.pseudo = by_picture(answered), by_picture(pairs)
        share = options.label_share if self.pseudo else 1.0
        self.label_share = share if self.labelled else 0.0

    def __call__(self, step: int) -> list[Example]:
        rng = random.Random(f"adapt {self.options.seed} {step}")
        examples = []
        for _ in range(self.options.pictures_per_step):
            source = self.labelled if rng.random() < self.label_share else self.pseudo
            image, questions = rng.choice(source)
            asked = rng.sample(questions, min(len(questions), QUESTIONS_PER_PICTURE))
            examples.append(Example(image, tuple(map(self._turn, asked))))
        return examples

    def _turn(self, asked: Question | Pair) -> Turn:
        return answer_turn(asked, weight(asked, self.options.weights) if isinstance(asked, Pair) else 1.0)
