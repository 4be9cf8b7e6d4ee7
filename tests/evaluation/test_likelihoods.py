"""Many answers in one pass: the likelihoods are those of separate passes through the chat template."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.evaluation.likelihoods import Candidates, choice_probabilities, log_probabilities
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.nano.build import CHAT_TEMPLATE
from tests import tiny_families, tiny_models

CHOICES = ("yes", "no", "a polyp in the colon", "not seen")


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8))


@pytest.fixture(scope="module", params=[None, CHAT_TEMPLATE], ids=["tiny", "nano"])
def tiny(request):
    model, processor = tiny_models.idefics3()
    processor.chat_template = request.param or processor.chat_template
    return model, Framing(processor)


def alone(model, framing: Framing, image, question: str, answer: str) -> tuple[float, int]:
    """Log-probability and number of tokens of one answer in a sequence of its own, by the processor's template."""
    seen = [{"type": "image", "image": image}] if image else []
    asks = {"role": "user", "content": [*seen, {"type": "text", "text": question}]}
    says = {"role": "assistant", "content": [{"type": "text", "text": answer}]}
    form = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    start = framing.processor.apply_chat_template([asks], add_generation_prompt=True, **form)["input_ids"].shape[1]
    inputs = framing.processor.apply_chat_template([asks, says], **form)
    ids = inputs["input_ids"][0]
    with torch.inference_mode():
        logits = model(**inputs).logits[0].float().log_softmax(-1)
    end = start + len(framing.token_ids(framing.answer_text(answer)))  # what the template puts behind is never written
    return float(logits[range(start - 1, end - 1), ids[start:end]].sum()), end - start


def test_likelihoods_equal_those_of_separate_passes(tiny):
    model, framing = tiny
    one, two = picture(1), picture(2)
    asked = [
        Candidates(one, "Is there a polyp?", CHOICES),
        Candidates(two, "Is there a polyp?", CHOICES[:2]),
        Candidates(None, "Is there a polyp?", CHOICES),
        Candidates(one, "What is shown in the image, in one word?", CHOICES[1:]),
        Candidates(one, "Where?", ("upper-left",)),
    ]
    found = log_probabilities(model, framing, asked, pictures_at_once=2)
    for candidates, likelihoods in zip(asked, found, strict=True):
        for answer, likelihood in zip(candidates.answers, likelihoods, strict=True):
            total, tokens = alone(model, framing, candidates.image, candidates.question, answer)
            assert likelihood.total == pytest.approx(total, rel=1e-4, abs=1e-4) and likelihood.tokens == tokens
            assert likelihood.mean == pytest.approx(total / tokens, rel=1e-4, abs=1e-4)


def test_choices_share_one_whole_by_the_likelihood_of_the_whole_answer(tiny):
    model, framing = tiny
    asked = [Candidates(picture(3), "Which?", CHOICES)]
    totals = [alone(model, framing, asked[0].image, "Which?", answer)[0] for answer in CHOICES]
    (found,) = choice_probabilities(model, framing, asked)
    assert list(found) == list(CHOICES) and sum(found.values()) == pytest.approx(1)
    assert math.log(found["yes"] / found["no"]) == pytest.approx(totals[0] - totals[1], abs=1e-3)


def test_what_else_is_asked_changes_nothing(tiny):
    model, framing = tiny
    candidates = Candidates(picture(4), "Is there a polyp?", CHOICES)
    others = [Candidates(candidates.image, f"Question {n}?", ("maybe", "red")) for n in range(3)]
    alone_found = log_probabilities(model, framing, [candidates])[0]
    among = log_probabilities(model, framing, [*others, candidates])[3]
    for found, expected in zip(among, alone_found, strict=True):
        assert found.total == pytest.approx(expected.total, abs=1e-4)


def test_pictures_whose_features_are_kept_give_the_same(tiny, tmp_path):
    model, framing = tiny
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for number, path in enumerate(paths):
        picture(number).save(path)
    asked = [Candidates(path, "Is there a polyp?", CHOICES) for path in paths]
    seen = kept(model, framing)
    expected = log_probabilities(model, framing, asked)
    for _ in range(2):
        found = log_probabilities(model, seen, asked)
        for ours, theirs in zip(found, expected, strict=True):
            assert [one.total for one in ours] == pytest.approx([one.total for one in theirs], abs=1e-4)
    assert len(seen.kept) == 2


def test_the_precision_of_the_model_is_kept(tiny):
    model, framing = tiny
    small = type(model)(model.config).to(torch.bfloat16).eval()
    small.load_state_dict(model.state_dict())
    asked = [Candidates(picture(5), "Is there a polyp?", ("yes", "no"))]
    found, expected = (log_probabilities(which, framing, asked)[0] for which in (small, model))
    assert [one.total for one in found] == pytest.approx([one.total for one in expected], rel=0.05)


@pytest.mark.parametrize("family", tiny_families.FAMILIES)
def test_every_family_gives_what_it_gives_to_each_answer_alone(family):
    """Alone, a row has the family's own masks and positions."""
    torch.manual_seed(0)
    model, processor = tiny_families.FAMILIES[family]()
    tiny_models.fill(model)
    together, alone_each = Framing(processor), Framing(processor)
    alone_each.packs = False
    pictures = [picture(1), picture(2).resize((48, 24))]
    asked = [Candidates(one, text, CHOICES[:3]) for one in pictures for text in ("Is there a polyp?", "Where?")]
    asked.append(Candidates(None, "Where?", CHOICES[:2]))
    found, expected = (log_probabilities(model, framing, asked) for framing in (together, alone_each))
    for ours, theirs in zip(found, expected, strict=True):
        assert [one.total for one in ours] == pytest.approx([one.total for one in theirs], rel=1e-4, abs=2e-3)
