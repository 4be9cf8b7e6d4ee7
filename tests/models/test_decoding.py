"""Several texts written at once behind one picture: each as if it were written alone, and the picture is read once."""

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.models import decoding
from leaml.models.decoding import Row, Sampling, Ways, decode
from leaml.models.features import seeing
from leaml.models.framing import Framing
from tests import tiny_models

QUESTIONS = ("Is there a polyp?", "Where?", "What is shown in the image?", "Why?", "Is it in the colon?")


@pytest.fixture(scope="module")
def tiny():
    model, processor = tiny_models.idefics3()
    return model, seeing(model, Framing(processor))


def rows(framing, counts=(3, 1, 5)) -> list[Row]:
    """One picture for each of `counts`, with so many questions."""
    pixels = [np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8) for seed in range(len(counts))]
    looks = framing.look([Image.fromarray(each) for each in pixels])
    heads = [framing.token_ids(framing.question_text(question)) for question in QUESTIONS]
    return [Row(look, heads[:count]) for look, count in zip(looks, counts, strict=True)]


def alone(some: list[Row]) -> list[Row]:
    return [Row(row.look, [head]) for row in some for head in row.heads]


def test_texts_that_share_a_row_are_those_of_rows_of_their_own(tiny):
    model, framing = tiny
    ways = Ways(8, ())
    together, apart = (decode(model, some, ways) for some in (rows(framing), alone(rows(framing))))
    assert [text.tokens for text in together] == [text.tokens for text in apart]
    for one, other in zip(together, apart, strict=True):
        assert one.log_probabilities == pytest.approx(other.log_probabilities, abs=1e-4)
    assert len({tuple(text.tokens) for text in together}) > 5


def test_texts_that_end_leave_the_others_as_they_are(tiny):
    model, framing = tiny
    whole = [text.tokens for text in decode(model, rows(framing), Ways(12, ()))]
    ends = (whole[0][2], whole[3][4], whole[5][6])
    cut = [text.tokens for text in decode(model, rows(framing), Ways(12, ends))]
    for before, after in zip(whole, cut, strict=True):
        last = min((before.index(end) for end in ends if end in before), default=11)
        assert after == before[: last + 1]
    assert len(set(map(len, cut))) > 2


def test_picture_and_questions_are_read_once_and_then_one_token_of_each_text(tiny):
    model, framing = tiny
    read: list[torch.Size] = []
    handle = model.get_input_embeddings().register_forward_pre_hook(lambda _, args: read.append(args[0].shape))
    some = rows(framing)
    decode(model, some, Ways(4, ()))
    handle.remove()
    longest = max(len(row.look.ids) + sum(map(len, row.heads)) for row in some)
    assert read == [(3, longest), (3, 5), (3, 5), (3, 5)]


def test_a_picture_whose_texts_have_ended_takes_no_further_part(tiny):
    model, framing = tiny
    *before, mine = (text.tokens for text in decode(model, rows(framing, (3, 5, 1)), Ways(12, ())))
    others = {token for tokens in before for token in tokens}
    last = next(k for k, token in enumerate(mine[:-1]) if token not in others.union(mine[:k]))
    read: list[torch.Size] = []
    handle = model.get_input_embeddings().register_forward_pre_hook(lambda _, args: read.append(args[0].shape))
    decode(model, rows(framing, (3, 5, 1)), Ways(12, (mine[last],)))
    handle.remove()
    assert [shape[0] for shape in read] == [3] * (last + 1) + [2] * (11 - last)


def test_writing_ends_where_nobody_listens(tiny):
    model, framing = tiny
    heard: list[list[int]] = []
    ways = Ways(9, (), heard=lambda so_far, _: heard.append(list(so_far)) or len(heard) < 3)
    (text,) = decode(model, rows(framing, (1,)), ways)
    assert heard == [text.tokens[:1], text.tokens[:2], text.tokens]


# --- Sampling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("likeliest", [2, 64], ids=["all sorted", "likeliest first"])
def test_samples_are_drawn_from_the_nucleus_by_their_shares(monkeypatch, likeliest):
    monkeypatch.setattr(decoding, "LIKELIEST", likeliest)
    shares = torch.tensor([0.05, 0.5, 0.15, 0.3])
    torch.manual_seed(0)
    drawn = decoding._sample((shares.log() * 2).expand(20, 1000, 4).clone(), Sampling(2.0, 0.9))
    assert drawn.shape == (20, 1000)
    found = drawn.flatten().bincount(minlength=4) / drawn.numel()
    assert found.tolist() == pytest.approx([0.0, 0.5 / 0.95, 0.15 / 0.95, 0.3 / 0.95], abs=0.02)


def test_the_log_probability_is_that_of_the_model_not_of_the_nucleus(tiny):
    model, framing = tiny
    torch.manual_seed(0)
    (sampled,) = decode(model, rows(framing, (1,)), Ways(1, (), Sampling(0.1, 0.1)))
    (greedy,) = decode(model, rows(framing, (1,)), Ways(1, ()))
    assert sampled == greedy and sampled.log_probabilities[0] < -0.01
