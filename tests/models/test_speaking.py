"""Answering aloud: the text grows as it is written, ends where it is told to, and is what `write` would have said."""

import numpy as np
import pytest
from PIL import Image

from leaml.models.framing import Framing
from leaml.models.writing import Request, speak, write
from tests import tiny_models


@pytest.fixture(scope="module")
def tiny():
    model, processor = tiny_models.idefics3()
    return model, Framing(processor)


@pytest.fixture
def request_(request) -> Request:
    pixels = np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8)
    return Request(Image.fromarray(pixels), "Is there a polyp?")


def test_the_answer_is_told_while_it_grows(tiny, request_):
    heard: list[str] = []
    said = speak(*tiny, request_, lambda text, _: heard.append(text) is None, max_tokens=8)
    assert [said] == write(*tiny, [request_], 8)
    assert len(heard) == 8 and [len(text) for text in heard] == sorted(len(text) for text in heard)
    assert said.text.startswith(heard[3]) and heard[-1] == said.text.rstrip("\ufffd")


def test_how_sure_the_model_is_so_far_comes_with_each_token(tiny, request_):
    heard: list[float] = []
    said = speak(*tiny, request_, lambda _, mean: heard.append(mean) is None, max_tokens=8)
    assert all(mean < 0 for mean in heard) and len(set(heard)) > 4
    assert heard[-1] == pytest.approx(said.log_probability, abs=1e-6)
    shorter = write(*tiny, [request_], 3)[0]
    assert heard[2] == pytest.approx(shorter.log_probability, abs=1e-6)


def test_the_answer_ends_where_nobody_listens_any_more(tiny, request_):
    heard: list[str] = []
    said = speak(*tiny, request_, lambda text, _: heard.append(text) is not None or len(heard) < 3, max_tokens=50)
    assert len(heard) == 3 and [said] == write(*tiny, [request_], 3)
