"""Answers of a model to questions, scored where the answer is known."""

from collections.abc import Generator, Sequence

from torch import nn

from leaml.evaluation.scoring import score
from leaml.models.framing import Framing
from leaml.models.writing import Request, Written, write
from leaml.options import PredictOptions
from leaml.records import Prediction, Progress, Question, Result


def predict(
    model: nn.Module, framing: Framing, questions: Sequence[Question], options: PredictOptions | None = None
) -> Generator[Progress | Prediction | Result, None, None]:
    """Answers every question greedily, in order.

    The Result counts what is `right`, `of` those whose answer is known. The prediction to a question without a known
    answer says `correct=False`.

    Raises:
        DataError: a picture cannot be read.
    """
    options = options or PredictOptions()
    right = 0
    for start in range(0, len(questions), options.batch_size):
        part = questions[start : start + options.batch_size]
        requests = [Request(question.image, question.question) for question in part]
        answers = write(model, framing, requests, options.max_tokens, batch_size=options.batch_size)
        for question, written in zip(part, answers, strict=True):
            prediction = _prediction(question, written)
            right += prediction.correct
            yield prediction
        yield Progress(start + len(part), len(questions))
    known = sum(question.answer is not None for question in questions)
    yield Result({"right": float(right), "of": float(known)})


def _prediction(question: Question, written: Written) -> Prediction:
    known = question.answer is not None
    correct = known and score(question.answer, written.text, question.type, question.choices).correct
    return Prediction(question, written.text, correct, written.log_probability)
