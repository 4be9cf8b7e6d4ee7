"""The teacher: one caption for each picture, in the words of the prompt, clean, and none where nothing is said."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaml.errors import DataError
from leaml.models import prompts, teacher
from leaml.models.framing import Framing
from leaml.models.writing import Request, Written, write
from leaml.options import CaptionOptions
from leaml.records import Caption, Progress, Result
from tests import tiny_models


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)).save(path)
    return paths


@pytest.fixture(scope="module")
def tiny():
    model, processor = tiny_models.idefics3()
    return model, Framing(processor)


def test_every_picture_is_described_in_order(tiny, pictures):
    options = CaptionOptions(max_tokens=5, batch_size=2)
    events = list(teacher.caption(*tiny, pictures, options, "tiny"))
    said = write(*tiny, [Request(picture, prompts.CAPTION) for picture in pictures], 5)
    captions = [event for event in events if isinstance(event, Caption)]
    expected = [(picture, " ".join(text.text.split())) for picture, text in zip(pictures, said, strict=True)]
    plain = [(picture, "".join(c for c in text if c.isprintable())) for picture, text in expected]
    assert [(row.image, row.caption) for row in captions] == [row for row in plain if row[1]]
    assert {row.teacher for row in captions} == {"tiny"}
    assert [(event.step, event.total) for event in events if isinstance(event, Progress)] == [(2, 5), (4, 5), (5, 5)]
    assert events[-1] == Result({"captions": float(len(captions)), "empty": float(5 - len(captions))})


@pytest.mark.parametrize(("prompt", "asked"), [("What is seen?", "What is seen?"), ("  ", prompts.CAPTION)])
def test_the_teacher_is_asked_what_the_options_say(tiny, pictures, monkeypatch, prompt, asked):
    heard = []

    def answer(model, framing, requests, max_tokens, batch_size):
        heard.extend(request.prompt for request in requests)
        return [Written("A colon.", -1.0)] * len(requests)

    monkeypatch.setattr(teacher, "write", answer)
    list(teacher.caption(*tiny, pictures, CaptionOptions(prompt=prompt)))
    assert heard == [asked] * 5


def test_what_cannot_be_seen_is_dropped_and_an_empty_caption_left_out(tiny, pictures, monkeypatch):
    texts = ["One\nline.\x00", "\u202eleft\u202c", "", " \x1b ", "Two."]
    monkeypatch.setattr(teacher, "write", lambda *_, **__: [Written(text, -1.0) for text in texts])
    events = list(teacher.caption(*tiny, pictures, CaptionOptions()))
    said = [(event.image, event.caption) for event in events if isinstance(event, Caption)]
    assert said == [(pictures[0], "One line."), (pictures[1], "left"), (pictures[4], "Two.")]
    assert events[-1].figures == {"captions": 3.0, "empty": 2.0}


def test_no_pictures_are_no_work(tiny):
    assert list(teacher.caption(*tiny, [], CaptionOptions())) == [Result({"captions": 0.0, "empty": 0.0})]


def test_a_broken_picture_is_named(tiny, pictures):
    pictures[1].write_bytes(b"broken")
    with pytest.raises(DataError, match=r"1\.png is not a picture"):
        list(teacher.caption(*tiny, pictures, CaptionOptions(max_tokens=2)))
