"""Selective neuron distillation: the generator learns to write questions and answers about a new kind of picture.

LEAML (arXiv 2510.03232): score the feed-forward neurons by the question-answering loss on the few labels, then train
the selected ones on that loss plus λ times the loss on the teacher's captions, of labelled and unlabelled pictures
alike. As controls, a LoRA or every weight of the model learns the same.

    events = distill(model, framing, labelled, captions, DistilOptions(), folder)
    for event in events: ...                                    # Progress, last a Result; the model has learned
"""

import random
from collections.abc import Generator, Sequence
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError
from leaml.models import prompts
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.options import DistilOptions
from leaml.records import Caption, Pair, Progress, Question, Result
from leaml.training.batches import Example, Turn, mixed_loss
from leaml.training.stage import StepBatches, by_picture, claim, train, train_labels
from leaml.training.trained import Trained

ADAPTER = "generator"
PAIRS_PER_PICTURE = 6
"""Most question/answer pairs of one picture in one step."""
ASKED_WITHOUT_TYPE = 0.15
"""Share of the pairs that are written when any question is asked for."""


def distill(
    model: nn.Module,
    framing: Framing,
    labelled: Sequence[Question],
    captions: Sequence[Caption],
    options: DistilOptions,
    run_folder: Path,
    scores_folder: Path | None = None,
) -> Generator[Progress | Result, str | None, None]:
    """Trains what `options.train` names of `model`; the Result names the folder of what was saved.

    Closed, and called again with a fresh model and the same arguments, it goes on from the last checkpoint in
    `run_folder`. `events.send(SAVE)` has it write one.

    Args:
        labelled: questions of the train split; those without an answer are passed over.
        captions: of pictures of the train split; the caller sees to it, since a caption carries no split.
        scores_folder: where neuron scores are kept for other runs on the same labels and model.

    Raises:
        DataError: there are no labels, or one is not of the train split. TrainingError: `run_folder` holds a run with
            other options or data. StorageError: `run_folder` cannot be written.
    """
    answered = train_labels(labelled)
    if not answered:
        raise DataError("There are no labelled questions to learn from.", "Label a few pictures first.")
    claim(run_folder, "distil", options, model, [*answered, *captions])
    torch.manual_seed(options.seed)
    framing = kept(model, framing)
    yield Progress(0, options.steps, "scoring neurons" if options.train == "neurons" else "")
    chosen = trained_by(options)
    trained = chosen.of(model, framing, answered, pair_turn, run_folder, scores_folder)
    figures = chosen.figures(trained, run_folder)
    loss = mixed_loss({"pair": 1.0, "caption": options.caption_weight})
    batch_at = StepBatches(framing, Examples(answered, captions, options))
    done = yield from train(trained, batch_at, loss, options, run_folder)
    yield Result(figures | done.figures, chosen.save(trained, framing, run_folder))


def trained_by(options: DistilOptions) -> Trained:
    """What the options have trained."""
    kind = "full" if options.train == "all" else options.train
    return Trained(ADAPTER, kind, options.rank, options.method, options.fraction, options.scope, options.seed)


def pair_turn(question: Question | Pair, rng: random.Random | None = None) -> Turn:
    """The generator's task on one label: write this question and its answer, mostly when asked for its type."""
    any_type = rng is not None and rng.random() < ASKED_WITHOUT_TYPE
    prompt = prompts.write_pair(None if any_type else question.type)
    return Turn(prompt, prompts.pair_text(question.question, question.answer or ""), kind="pair")


class Examples:
    """The examples of a step: at least one picture with labels, others with captions, unless these are off."""

    def __init__(
        self, answered: Sequence[Question], captions: Sequence[Caption], options: DistilOptions
    ) -> None:
        self.options = options
        self.labelled = by_picture(answered)
        self.captions = list(captions) if options.caption_weight > 0 else []

    def __call__(self, step: int) -> list[Example]:
        rng = random.Random(f"distil {self.options.seed} {step}")
        pictures = self.options.pictures_per_step
        labelled = max(1, round(self.options.label_share * pictures)) if self.captions else pictures
        captioned = min(max(1, pictures - labelled), len(self.captions))
        examples = []
        for _ in range(labelled):
            image, questions = rng.choice(self.labelled)
            asked = rng.sample(questions, min(len(questions), PAIRS_PER_PICTURE))
            examples.append(Example(image, tuple(pair_turn(question, rng) for question in asked)))
        for caption in rng.sample(self.captions, captioned):
            examples.append(Example(caption.image, (Turn(prompts.CAPTION, caption.caption, kind="caption"),)))
        return examples
