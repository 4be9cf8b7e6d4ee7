"""The ways of scoring that are timed against each other come to the same likelihoods."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.scoring import batched, candidates_on_one_picture, largest_difference, separate, shared, whole_test_set
from leaml.evaluation.likelihoods import Candidates
from leaml.models.framing import Framing
from leaml.records import Question
from tests import tiny_models

CHOICES = ("yes", "no", "a polyp in the colon")


@pytest.fixture(scope="module")
def tiny():
    model, processor = tiny_models.idefics3()
    return model, Framing(processor)


@pytest.fixture
def questions(tmp_path) -> list[Question]:
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    kinds = (("Is it?", "yes/no", CHOICES[:2]), ("Which?", "single choice", CHOICES), ("How many?", "count", ()))
    return [
        Question(tmp_path / f"{number}.png", text, "yes", type, "test", choices=choices)
        for number in range(2)
        for text, type, choices in kinds
    ]


def test_the_ways_that_are_compared_come_to_the_same(tiny, questions):
    model, framing = tiny
    picture = Image.open(questions[0].image)
    inputs = framing.prefix_inputs([picture])
    asked = Candidates(picture, "Where is it?", CHOICES)
    expected = separate(model, framing, asked, inputs)
    assert batched(model, framing, asked, inputs) == pytest.approx(expected, abs=1e-4)
    assert shared(model, framing, [asked]) == pytest.approx(expected, abs=1e-4)
    assert largest_difference(model, framing, questions) < 1e-4


def test_every_way_is_timed_on_the_same_work(tiny, questions):
    figures = candidates_on_one_picture(*tiny, questions[:3], rounds=1)
    names = [figure.name for figure in figures]
    assert "9 candidates: times faster than separate passes" in names and "2 questions, 5 candidates: ours" in names
    barred = [figure.name for figure in figures if figure.bar is not None]
    assert barred == ["9 candidates: times faster than separate passes"]
    assert all(figure.number > 0 for figure in figures)
    answered, sure = whole_test_set(*tiny, questions)
    assert answered.name == "6 questions answered" and answered.reached and sure.number > 0
