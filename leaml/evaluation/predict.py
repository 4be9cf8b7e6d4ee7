"""Answers of a model to questions, scored where the answer is known."""

from collections.abc import Generator, Sequence

from torch import nn

from leaml.evaluation.scoring import score
from leaml.models.framing import Framing
from leaml.models.writing import Request, open_picture, write
from leaml.options import PredictOptions
from leaml.records import Prediction, Progress, Question, Result


def predict(
    model: nn.Module, framing: Framing, questions: Sequence[Question], options: PredictOptions | None = None
) -> Generator[Progress | Prediction | Result, None, None]:
    """Answers every question greedily. An unanswered question gets a `Prediction` that counts as not correct."""
    options = options or PredictOptions()
    right = 0
    for start in range(0, len(questions), options.batch_size):
        part = questions[start : start + options.batch_size]
        pictures = {question.image: None for question in part}
        pictures = {image: open_picture(image) for image in pictures}
        requests = [Request(pictures[question.image], question.question) for question in part]
        for question, written in zip(part, write(model, framing, requests, options.max_tokens), strict=True):
            prediction = _prediction(question, written.text, written.log_probability)
            right += prediction.correct
            yield prediction
        yield Progress(min(start + len(part), len(questions)), len(questions))
    yield Result({"right": float(right), "of": float(len(questions))})


def _prediction(question: Question, text: str, log_probability: float) -> Prediction:
    known = question.answer is not None
    correct = known and score(question.answer, text, question.type, question.choices).correct
    return Prediction(question, text, correct, log_probability)
