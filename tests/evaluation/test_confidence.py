"""How sure a model is of what it said, and what it says without the picture."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.evaluation import confidence as module
from leaml.evaluation.confidence import choices_of, confidence_of, entropy, meaning, predict_surely, sampled_entropy
from leaml.evaluation.likelihoods import Candidates, choice_probabilities
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.writing import Request, Written, write
from leaml.options import CompareOptions
from leaml.records import Prediction, Progress, Question, Result
from tests import tiny_models

CHOICES = ("polyp", "ulcer", "none")
OPTIONS = CompareOptions(max_tokens=4, batch_size=2)


@pytest.fixture(scope="module")
def tiny():
    model, processor = tiny_models.idefics3()
    return model, Framing(processor)


@pytest.fixture
def questions(tmp_path) -> list[Question]:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "0.png")
    picture = tmp_path / "0.png"
    return [
        Question(picture, "Is there a polyp?", "yes", "yes/no", "test"),
        Question(picture, "Which is it?", "ulcer", "single choice", "test", choices=CHOICES),
        Question(picture, "How many?", "2", "count", "test"),
        Question(picture, "What is seen?", "a polyp", "open", "test"),
    ]


def said(text: str, log_probability: float | None = -0.5, **fields) -> Prediction:
    return Prediction(Question(Path("1.png"), "?", "yes", "yes/no"), text, True, log_probability, **fields)


def test_answers_are_those_of_predict_with_more_beside(tiny, questions):
    events = list(predict_surely(*tiny, questions, OPTIONS))
    plain = list(predict(*tiny, questions, OPTIONS))
    assert [type(event) for event in events] == [type(event) for event in plain]
    assert [event for event in events if isinstance(event, Progress | Result)] == [
        event for event in plain if isinstance(event, Progress | Result)
    ]
    found, expected = ([event for event in some if isinstance(event, Prediction)] for some in (events, plain))
    assert [(one.text, one.correct) for one in found] == [(one.text, one.correct) for one in expected]
    blind = write(*tiny, [Request(None, question.question) for question in questions], 4)
    assert [one.blind_text for one in found] == [one.text for one in blind]
    weighed = choice_probabilities(*tiny, [Candidates(questions[1].image, "Which is it?", CHOICES)])[0]
    assert found[1].probabilities == pytest.approx(weighed, abs=1e-4)
    assert found[1].entropy == pytest.approx(entropy(weighed.values()), abs=1e-4)
    assert found[3].probabilities is None and found[3].entropy is None
    assert found[3].confidence == pytest.approx(math.exp(found[3].log_probability))
    without = [one for one in predict_surely(*tiny, questions, OPTIONS.model_copy(update={"trust": False}))]
    assert all(one.confidence is None and one.blind_text for one in without if isinstance(one, Prediction))


def test_each_wording_is_asked_once_without_the_picture(tiny, questions, monkeypatch):
    asked = []

    def writes(model, framing, requests, *arguments, **named):
        asked.extend(request.prompt for request in requests if request.image is None)
        return write(model, framing, requests, *arguments, **named)

    monkeypatch.setattr(module, "write", writes)
    list(predict_surely(*tiny, questions * 3, OPTIONS))
    assert Counter(asked) == Counter(question.question for question in questions)


def test_confidence_is_the_probability_of_the_choice_that_was_said():
    chances = {"yes": 0.7, "no": 0.3}
    assert confidence_of(said("No, none.", probabilities=chances)) == 0.3
    assert confidence_of(said("there is a polyp", probabilities=chances)) == pytest.approx(math.exp(-0.5))
    assert confidence_of(said("a polyp")) == pytest.approx(math.exp(-0.5))
    assert confidence_of(said("a polyp", None)) is None


def test_choices_are_weighed_where_they_exclude_each_other():
    def choices(type: str, given: tuple[str, ...] = ()) -> tuple[str, ...]:
        return choices_of(Question(Path("1.png"), "?", None, type, choices=given))

    assert choices("yes/no") == ("yes", "no") and choices("yes/no", ("no", "yes", "?")) == ("no", "yes", "?")
    assert choices("single choice", ("a", "b", "a")) == ("a", "b") and choices("location", ("left", "right"))
    assert not choices("multiple choice", CHOICES) and not choices("open") and not choices("colour")
    assert not choices("single choice", ("a",))


def test_entropy_by_hand():
    assert entropy([1.0, 0.0]) == 0 and entropy([0.5, 0.5]) == pytest.approx(math.log(2))
    assert entropy([0.25] * 4) == pytest.approx(math.log(4))


def test_sampled_answers_that_mean_the_same_count_as_one(questions, monkeypatch):
    texts = iter(["two", "2 polyps", "3", "3.", "a polyp", "The polyp", "polyp!", "polyp"])
    monkeypatch.setattr(module, "write", lambda m, f, requests, *_: [Written(next(texts), -1.0) for _ in requests])
    found = sampled_entropy(None, None, questions[2:], OPTIONS.model_copy(update={"samples": 4}))
    assert found == [pytest.approx(math.log(2)), 0.0]


def test_meaning_is_what_was_understood(questions):
    assert meaning(questions[1], "ULCER.") == meaning(questions[1], "an ulcer") != meaning(questions[1], "polyp")
    assert meaning(questions[2], "many") != meaning(questions[2], "2")


def test_sampling_is_repeatable_and_leaves_the_random_state(tiny, questions):
    options = OPTIONS.model_copy(update={"samples": 6})
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = sampled_entropy(*tiny, questions[3:], options)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first == sampled_entropy(*tiny, questions[3:], options) and 0 <= first[0] <= math.log(6)
