"""Pseudo pairs: the same under a seed, none twice, and signals that mean what they say."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from leaml.errors import DataError
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.writing import Request, Written
from leaml.options import GenerateOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training import generate as module
from leaml.training.batches import Example, answer_loss, encode
from leaml.training.distill import pair_turn
from leaml.training.generate import generate
from leaml.training.loop import FitOptions, fit
from tests import tiny_models

OPTIONS = GenerateOptions(texts_per_type=3)
MEASURED = {"log_probability", "agreement", "blind_agreement", "consistency", "similarity", "well_formed"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[Path]:
    """Fourteen pictures of noise: more than are written about at once."""
    return tiny_models.noise(tmp_path_factory.mktemp("images"), 14)


@pytest.fixture(scope="module")
def known(pictures) -> list[Question]:
    return [
        Question(pictures[0], "Is it red?", "yes", "yes/no", choices=("yes", "no")),
        Question(pictures[0], "Is it a or b?", "a", "single choice", choices=("a", "b", "neither")),
    ]


@pytest.fixture(scope="module")
def writer(pictures, known):
    """A small model that has learned to write the known pairs, and so writes what can be read."""
    torch.manual_seed(0)
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    turns = tuple(map(pair_turn, known))
    examples = [Example(picture, turns) for picture in pictures[:2]]
    batch = encode(framing, examples)
    list(fit(model, lambda _: batch, answer_loss, FitOptions(60, 1e-2, warmup=5)))
    return model, framing


class Scripted:
    """Stands in for `write`: gives texts in turn, and remembers what it was asked."""

    def __init__(self, *rounds: list[str | tuple[str, float]]) -> None:
        self.rounds, self.asked = list(rounds), []

    def __call__(self, model, framing, requests, max_tokens, sampling, *how) -> list[Written]:
        self.asked.append(requests)
        texts = self.rounds.pop(0)
        assert len(texts) == len(requests)
        return [Written(*text) if isinstance(text, tuple) else Written(text, -1.0) for text in texts]


def scripted(monkeypatch, pictures, known, options, *rounds) -> tuple[list[Pair], Result, Scripted]:
    script = Scripted(*rounds)
    monkeypatch.setattr(module, "write", script)
    monkeypatch.setattr(module, "kept", lambda model, framing: framing)
    monkeypatch.setattr(module._Writer, "measure", lambda writer, drafts: None)
    *events, result = generate(None, None, pictures, known, options)
    return [event for event in events if isinstance(event, Pair)], result, script


# --- With a model ------------------------------------------------------------------------------------------


def test_pairs_progress_and_one_result_last(writer, pictures, known):
    *events, result = generate(*writer, pictures, known, OPTIONS)
    pairs = [event for event in events if isinstance(event, Pair)]
    told = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in told] == [10, 14] and {event.total for event in told} == {14}
    assert isinstance(result, Result)
    assert result.figures["texts"] == 14 * 2 * 3
    assert 14 <= result.figures["pairs"] == len(pairs) <= result.figures["parsed"] <= result.figures["texts"]
    assert {pair.image for pair in pairs} <= set(pictures)
    for pair in pairs:
        assert pair.question and pair.answer
        assert pair.signals.keys() - {"blind_answer"} == MEASURED
        assert pair.signals["log_probability"] <= 0
        assert 0 <= pair.signals["agreement"] <= 1 and 0 <= pair.signals["blind_agreement"] <= 1


def test_no_picture_gets_the_same_question_twice(writer, pictures, known):
    options = GenerateOptions(texts_per_type=6)
    pairs = [event for event in generate(*writer, pictures[:4], known, options) if isinstance(event, Pair)]
    identities = [(pair.image, pair.question.casefold()) for pair in pairs]
    assert len(set(identities)) == len(identities)


def test_the_same_seed_writes_the_same_pairs_and_leaves_the_random_state_alone(writer, pictures, known):
    def run(seed: int) -> list[Pair]:
        options = GenerateOptions(texts_per_type=2, temperature=1.5, seed=seed)
        return [event for event in generate(*writer, pictures[:6], known, options) if isinstance(event, Pair)]

    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = run(1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    assert run(1) == first
    assert run(2) != first


def test_between_two_pairs_the_random_state_is_the_callers(writer, pictures, known):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    events = generate(*writer, pictures[:1], known, OPTIONS)
    next(events)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(7)
    moved = torch.get_rng_state()
    list(events)
    assert torch.equal(torch.get_rng_state(), moved)


# --- What becomes of a text --------------------------------------------------------------------------------


def test_every_type_that_was_labelled_is_asked_for(monkeypatch, pictures, known):
    nothing = GenerateOptions(texts_per_type=2)
    _, _, script = scripted(monkeypatch, pictures[:1], known, nothing, ["?"] * 4)
    assert [request.prompt for request in script.asked[0]] == [
        prompts.write_pair("single choice"), prompts.write_pair("single choice"),
        prompts.write_pair("yes/no"), prompts.write_pair("yes/no"),
    ]  # fmt: skip


def test_the_likelier_of_two_answers_to_one_question_stays(monkeypatch, pictures, known):
    texts = [
        ("Question: Is it blue? Answer: yes", -0.5),
        ("Question: is it  blue? Answer: no", -0.2),
        ("Question: Is it blue? Answer: yes", -0.9),
        "no pair at all",
        "Question: Is it green? Answer: no",
        "",
    ]
    pairs, result, _ = scripted(
        monkeypatch, pictures[:1], known, GenerateOptions(texts_per_type=3), texts
    )
    assert [(pair.question, pair.answer) for pair in pairs] == [("is it blue?", "no"), ("Is it green?", "no")]
    assert pairs[0].signals == {"log_probability": -0.2}
    assert result.figures == {"texts": 6.0, "parsed": 4.0, "pairs": 2.0}


def test_a_known_question_keeps_its_type_and_choices_and_another_is_read(monkeypatch, pictures, known):
    texts = ["Question: is it a or b? Answer: b", "Question: Where is it? Answer: center"]
    options = GenerateOptions(texts_per_type=1)
    pairs, _, _ = scripted(monkeypatch, pictures[:1], known, options, texts)
    assert [(pair.type, pair.choices) for pair in pairs] == [
        ("single choice", ("a", "b", "neither")),
        ("location", ()),
    ]


def test_agreement_is_the_probability_of_the_answer_given_picture_and_question(writer, pictures, known):
    """Checked against a plain pass over each text alone, without packing."""
    model, framing = writer
    pairs = [event for event in generate(*writer, pictures[:3], known, OPTIONS) if isinstance(event, Pair)]
    assert len({round(pair.signals["agreement"], 6) for pair in pairs}) > 1
    for pair in pairs[:6]:
        for signal, image in (("agreement", pair.image), ("blind_agreement", None)):
            found = []
            for kind in ("single choice", "yes/no"):
                request = Request(image, prompts.write_pair(kind), prompts.pair_lead(pair.question))
                found.append(probability_of(model, framing, request, pair.answer))
            assert any(value == pytest.approx(pair.signals[signal], abs=1e-4) for value in found)


def probability_of(model, framing: Framing, request: Request, answer: str) -> float:
    """The probability that the model goes on with this answer and its end, token by token."""
    inputs = {"input_ids": torch.tensor([framing.blind_prefix_ids])}
    if request.image is not None:
        with Image.open(request.image) as opened:
            inputs = framing.prefix_inputs([opened.convert("RGB")])
    asked = framing.token_ids(framing.question_text(request.prompt) + framing.answer_lead + request.lead)
    wanted = framing.token_ids(framing.answer_text(answer))
    ids = torch.cat([inputs.pop("input_ids"), torch.tensor([asked + wanted])], 1)
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs).logits[0]
    steps = logits[-len(wanted) - 1 : -1].log_softmax(-1)
    return float(steps.gather(1, torch.tensor(wanted)[:, None]).sum().exp())


def test_where_memory_runs_short_fewer_pictures_are_measured_at_once_and_it_is_said(
    monkeypatch, writer, pictures, known
):
    expected, *_ = generate(*writer, pictures[:4], known, OPTIONS)
    plain, sizes = module.answer_log_probabilities, []

    def short(model, batch):
        sizes.append(len(batch.segments))
        if len(batch.segments) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return plain(model, batch)

    monkeypatch.setattr(module, "answer_log_probabilities", short)
    events = list(generate(*writer, pictures[:4], known, OPTIONS))
    pair = next(event for event in events if isinstance(event, Pair))
    assert pair.signals.keys() == expected.signals.keys()
    for signal in MEASURED:
        assert pair.signals[signal] == pytest.approx(expected.signals[signal], rel=1e-4)
    assert max(sizes) > 1 and any("memory ran short" in e.message for e in events if isinstance(e, Progress))


def test_nothing_to_read_gives_no_pairs(monkeypatch, pictures, known):
    pairs, result, script = scripted(monkeypatch, pictures[:2], known, GenerateOptions(texts_per_type=1), ["?"] * 4)
    assert pairs == [] and result.figures == {"texts": 4.0, "parsed": 0.0, "pairs": 0.0} and len(script.asked) == 1


def test_no_pictures_give_a_result_at_once(writer, known):
    assert list(generate(*writer, [], known, OPTIONS)) == [Result({"texts": 0.0, "parsed": 0.0, "pairs": 0.0})]


def test_the_types_come_from_labels_of_the_train_split(pictures, known):
    with pytest.raises(DataError, match="no labelled questions"):
        next(generate(None, None, pictures, [], OPTIONS))
    with pytest.raises(DataError, match=r"'Is it red\?' on 00\.png is of the split test"):
        next(generate(None, None, pictures, [replace(known[0], split="test")], OPTIONS))
