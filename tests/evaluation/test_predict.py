"""Answers to questions, in order, scored where the answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaml.errors import DataError
from leaml.evaluation import predict as module
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.writing import Request, Written, write
from leaml.options import PredictOptions
from leaml.records import Prediction, Progress, Question, Result
from tests import tiny_models


@pytest.fixture
def questions(tmp_path) -> list[Question]:
    """Five questions on two pictures; the last is unanswered."""
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    one, two = tmp_path / "0.png", tmp_path / "1.png"
    return [
        Question(one, "Is there a polyp?", "yes", "yes/no", "test"),
        Question(two, "Is there a polyp?", "no", "yes/no", "test"),
        Question(one, "Where is it?", "upper-left; center", "location", "test"),
        Question(two, "How many are there?", "2", "count", "test"),
        Question(one, "What is seen?", None, "open", "test"),
    ]


def test_answers_are_those_of_writing_in_order_with_progress_and_one_result(questions):
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    *events, result = predict(model, framing, questions, PredictOptions(max_tokens=6, batch_size=2))
    predictions = [event for event in events if isinstance(event, Prediction)]
    expected = write(model, framing, [Request(question.image, question.question) for question in questions], 6)
    assert [prediction.question for prediction in predictions] == questions
    assert [prediction.text for prediction in predictions] == [written.text for written in expected]
    for prediction, written in zip(predictions, expected, strict=True):
        assert prediction.log_probability == pytest.approx(written.log_probability, abs=1e-4)
    assert [event.step for event in events if isinstance(event, Progress)] == [2, 4, 5]
    assert isinstance(result, Result)


def test_what_is_right_is_counted_among_the_answered(questions, monkeypatch):
    said = iter(["Yes.", "there is none", "center and upper-left", "two polyps", "a polyp"])
    monkeypatch.setattr(module, "write", lambda m, f, r, *_, **__: [Written(next(said), -0.1) for _ in r])
    *events, result = predict(None, None, questions)
    correct = [event.correct for event in events if isinstance(event, Prediction)]
    assert correct == [True, True, True, True, False]
    assert result == Result({"right": 4.0, "of": 4.0})


def test_the_batch_size_is_the_one_that_was_asked(questions, monkeypatch):
    sizes = []

    def watched(model, framing, requests, max_tokens, batch_size):
        sizes.append((len(requests), max_tokens, batch_size))
        return [Written("yes", -0.1) for _ in requests]

    monkeypatch.setattr(module, "write", watched)
    list(predict(None, None, questions * 40, PredictOptions(max_tokens=3, batch_size=100)))
    assert sizes == [(100, 3, 100), (100, 3, 100)]


def test_no_questions_give_a_result_alone():
    assert list(predict(None, None, [])) == [Result({"right": 0.0, "of": 0.0})]


def test_a_missing_picture_is_named(questions):
    model, processor = tiny_models.idefics3()
    gone = replace(questions[0], image=Path("/nowhere/gone.png"))
    with pytest.raises(DataError, match=r"gone\.png is not there"):
        list(predict(model, Framing(processor), [*questions, gone]))
