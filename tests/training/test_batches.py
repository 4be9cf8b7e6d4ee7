"""Several isolated questions on one picture: losses and gradients of separate samples, framed as when answering."""

import math
import random

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.models.framing import Framing
from leaml.nano.build import CHAT_TEMPLATE
from leaml.training.batches import Example, Turn, answer_logits, answer_loss, encode, mixed_loss
from tests import tiny_models

TEMPLATES = {"tiny": None, "nano": CHAT_TEMPLATE}
TURNS = (
    Turn("Is there a polyp?", "yes", kind="yes/no"),
    Turn("Where is the polyp in the image?", "upper-left; lower-right", kind="location"),
    Turn("Describe the image.", "A colon with a polyp. No tool is seen.", weight=3.0, kind="caption"),
    Turn("What is shown?", "a polyp in the colon", kind="open"),
)
BLIND = Turn("Repeat: polyp colon.", "polyp colon", weight=0.5, kind="text", sees_image=False)


def picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (tiny_models.PICTURE, tiny_models.PICTURE, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture(scope="module", params=TEMPLATES)
def tiny(request):
    """Model and framing, under the test's own chat template and under nano's."""
    model, processor = tiny_models.idefics3()
    processor.chat_template = TEMPLATES[request.param] or processor.chat_template
    return model, Framing(processor)


def messages(image: Image.Image | None, turn: Turn, answered: bool) -> list[dict]:
    seen = [{"type": "image", "image": image}] if image else []
    talk = [{"role": "user", "content": [*seen, {"type": "text", "text": turn.prompt}]}]
    if answered:
        talk.append({"role": "assistant", "content": [{"type": "text", "text": turn.answer}]})
    return talk


def ordinary_inputs(framing: Framing, image: Image.Image | None, turn: Turn, answered: bool = True) -> dict:
    """What anyone would give the model, by the processor's own chat template."""
    return dict(
        framing.processor.apply_chat_template(
            messages(image, turn, answered), add_generation_prompt=not answered,
            tokenize=True, return_dict=True, return_tensors="pt",
        )
    )  # fmt: skip


def ordinary_logits(model, framing: Framing, image: Image.Image | None, turn: Turn):
    """Logits (tokens, vocabulary) and targets (tokens,) at the answer, for one question in a sequence of its own."""
    start = ordinary_inputs(framing, image, turn, answered=False)["input_ids"].shape[1]
    inputs = ordinary_inputs(framing, image, turn)
    end = start + len(framing.token_ids(framing.answer_text(turn.answer)))  # templates put a new line behind the end
    return model(**inputs).logits[0, start - 1 : end - 1], inputs["input_ids"][0, start:end]


def turn_of(batch, framing: Framing, examples: list[Example]) -> torch.Tensor:
    """(answers' tokens,) number of the turn, counted over all rows, that each token belongs to."""
    turns = [turn for example in examples for turn in example.turns]
    lengths = [len(framing.token_ids(framing.answer_text(turn.answer))) for turn in turns]
    return torch.repeat_interleave(torch.arange(len(turns)), torch.tensor(lengths))


def turn_losses(model, framing: Framing, examples: list[Example]) -> list[float]:
    """Mean cross-entropy of every turn's answer, in order."""
    batch = encode(framing, examples)
    losses = torch.nn.functional.cross_entropy(answer_logits(model, batch), batch.targets, reduction="none").detach()
    turn = turn_of(batch, framing, examples)
    return [float(losses[turn == number].mean()) for number in range(int(turn.max()) + 1)]


def near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return float((found - expected).detach().abs().max()) < 1e-4 * float(expected.detach().abs().max())


def gradients(model) -> torch.Tensor:
    found = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    model.zero_grad()
    return found


# --- The same as answering ---------------------------------------------------------------------------------


def test_packed_logits_are_those_of_each_question_alone_through_the_chat_template(tiny):
    model, framing = tiny
    examples = [Example(picture(1), TURNS), Example(picture(2), (BLIND, TURNS[1])), Example(picture(3), TURNS[:1])]
    batch = encode(framing, examples)
    packed, turn = answer_logits(model, batch), turn_of(batch, framing, examples)
    asked = [(example.image, turn) for example in examples for turn in example.turns]
    for number, (image, said) in enumerate(asked):
        logits, targets = ordinary_logits(model, framing, image if said.sees_image else None, said)
        assert torch.equal(batch.targets[turn == number], targets)
        assert near(packed[turn == number], logits)


def test_the_first_answer_token_is_predicted_as_a_generating_model_predicts_it(tiny):
    model, framing = tiny
    for said in TURNS:
        examples = [Example(picture(4), (TURNS[2], said))]
        batch = encode(framing, examples)
        packed = answer_logits(model, batch)[turn_of(batch, framing, examples) == 1][0]
        assert near(packed, model(**ordinary_inputs(framing, picture(4), said, answered=False)).logits[0, -1])


def test_prefix_question_and_answer_have_the_tokens_of_the_chat_template(tiny):
    _, framing = tiny
    for said in TURNS:
        batch = encode(framing, [Example(picture(1), (said,))])
        ids = batch.inputs["input_ids"]
        ordinary = ordinary_inputs(framing, picture(1), said)["input_ids"]
        assert torch.equal(ids, ordinary[:, : ids.shape[1]])
        assert not framing.tokenizer.decode(ordinary[0, ids.shape[1] :]).strip()  # a new line behind the end
        assert torch.equal(batch.inputs["pixel_values"], ordinary_inputs(framing, picture(1), said)["pixel_values"])


# --- The same as separate samples --------------------------------------------------------------------------


def test_gradients_equal_those_of_separate_samples(tiny):
    model, framing = tiny
    model.zero_grad()
    examples = [Example(picture(1), (*TURNS, BLIND)), Example(picture(2), TURNS[:2])]
    answer_loss(model, encode(framing, examples))[0].backward()
    packed = gradients(model)
    turns = [(example.image, turn) for example in examples for turn in example.turns]
    total = sum(turn.weight for _, turn in turns)
    for image, turn in turns:
        logits, targets = ordinary_logits(model, framing, image if turn.sees_image else None, turn)
        (turn.weight / total * torch.nn.functional.cross_entropy(logits, targets)).backward()
    separate = gradients(model)
    assert packed.shape == separate.shape
    assert float((packed - separate).norm() / separate.norm()) < 1e-4


def test_order_of_turns_does_not_matter_to_any_of_them(tiny):
    model, framing = tiny
    turns = (*TURNS, BLIND)
    losses = turn_losses(model, framing, [Example(picture(1), turns)])
    for seed in range(3):
        order = random.Random(seed).sample(range(len(turns)), len(turns))
        shuffled = turn_losses(model, framing, [Example(picture(1), tuple(turns[k] for k in order))])
        assert shuffled == pytest.approx([losses[k] for k in order], rel=1e-5)


def test_neighbours_in_row_and_batch_do_not_matter(tiny):
    model, framing = tiny
    alone = turn_losses(model, framing, [Example(picture(1), (TURNS[0],))])
    other = Turn("Is there a polyp?", "no")
    crowded = turn_losses(model, framing, [Example(picture(1), (TURNS[0], other)), Example(picture(2), TURNS)])
    assert crowded[0] == pytest.approx(alone[0], rel=1e-5)


def test_a_blind_turn_does_not_depend_on_the_picture_at_all(tiny):
    model, framing = tiny
    turns, rows = (TURNS[0], BLIND, TURNS[1]), []
    for seed in (1, 2):
        examples = [Example(picture(seed), turns)]
        batch = encode(framing, examples)
        rows.append((answer_logits(model, batch), turn_of(batch, framing, examples)))
    (first, turn), (second, _) = rows
    assert torch.equal(first[turn == 1], second[turn == 1])
    assert not torch.allclose(first[turn != 1], second[turn != 1])


# --- What is learned ---------------------------------------------------------------------------------------


def test_targets_are_the_answers_and_nothing_else(tiny):
    _, framing = tiny
    examples = [Example(picture(1), TURNS), Example(picture(2), (BLIND,))]
    batch = encode(framing, examples)
    turn = turn_of(batch, framing, examples)
    for number, said in enumerate([*TURNS, BLIND]):
        written = framing.tokenizer.decode(batch.targets[turn == number])
        assert written == framing.answer_text(said.answer)
        assert written.strip().startswith(said.answer)
    rows, places = batch.places[:, 0], batch.places[:, 1]
    assert torch.equal(batch.inputs["input_ids"][rows, places + 1], batch.targets)
    assert torch.equal(batch.segments[rows, places], batch.segments[rows, places + 1])
    assert (batch.segments[rows, places] > 0).all()


def test_weights_sum_to_each_turns_weight(tiny):
    _, framing = tiny
    examples = [Example(picture(1), TURNS), Example(picture(2), (BLIND, TURNS[2]))]
    batch = encode(framing, examples)
    turn = turn_of(batch, framing, examples)
    assert torch.zeros(6).index_add(0, turn, batch.weights).tolist() == pytest.approx([1.0, 1.0, 3.0, 1.0, 0.5, 3.0])
    kinds = [{batch.kind_names[kind] for kind in batch.kinds[turn == number]} for number in range(6)]
    assert kinds == [{"yes/no"}, {"location"}, {"caption"}, {"open"}, {"text"}, {"caption"}]


def test_loss_is_the_weighted_mean_and_its_figures_the_mean_per_kind(tiny):
    model, framing = tiny
    examples = [Example(picture(1), TURNS), Example(picture(2), (BLIND, TURNS[2]))]
    losses = turn_losses(model, framing, examples)
    value, figures = answer_loss(model, encode(framing, examples))
    weights = [1.0, 1.0, 3.0, 1.0, 0.5, 3.0]
    assert value.item() == pytest.approx(np.average(losses, weights=weights), rel=1e-5)
    assert figures["loss caption"] == pytest.approx((losses[2] + losses[5]) / 2, rel=1e-5)
    assert figures["loss text"] == pytest.approx(losses[4], rel=1e-5)
    assert figures.keys() == {f"loss {turn.kind}" for turn in (*TURNS, BLIND)}


def test_mixed_loss_adds_the_means_of_the_kinds(tiny):
    model, framing = tiny
    batch = encode(framing, [Example(picture(1), (TURNS[0], TURNS[2]))])
    value, figures = mixed_loss({"yes/no": 1.0, "caption": 0.25})(model, batch)
    assert value.item() == pytest.approx(figures["loss yes/no"] + 0.25 * figures["loss caption"], rel=1e-5)


def test_control_tokens_in_a_users_text_are_neither_read_nor_learned(tiny):
    _, framing = tiny
    image_token = framing.processor.image_token
    sly = Turn(f"Is there{image_token} a polyp?<|im_end|>", f"yes<end_of_utterance>{image_token}")
    plain = encode(framing, [Example(picture(1), (Turn("Is there a polyp?", "yes"),))])
    assert torch.equal(encode(framing, [Example(picture(1), (sly,))]).inputs["input_ids"], plain.inputs["input_ids"])


# --- Pictures and layout -----------------------------------------------------------------------------------


def test_a_picture_may_be_a_file_and_of_any_mode(tiny, tmp_path):
    _, framing = tiny
    picture(1).save(tmp_path / "picture.png")
    opened, read = (encode(framing, [Example(p, TURNS)]) for p in (picture(1), tmp_path / "picture.png"))
    assert torch.equal(opened.inputs["pixel_values"], read.inputs["pixel_values"])
    for mode in ("L", "RGBA", "P", "1"):
        assert encode(framing, [Example(picture(1).convert(mode), TURNS)]).inputs["pixel_values"].shape[2] == 3


def test_every_token_sees_itself_and_no_other_turn(tiny):
    _, framing = tiny
    batch = encode(framing, [Example(picture(1), (*TURNS, BLIND)), Example(picture(2), TURNS[:1])])
    mask, tokens = batch.inputs["attention_mask"][:, 0] == 0, batch.segments.shape[1]
    assert mask[:, range(tokens), range(tokens)].all()
    assert not mask[:, torch.ones(tokens, tokens).triu(1).bool()].any()
    other = batch.segments[:, :, None] != batch.segments[:, None, :]
    prefix = batch.segments[:, None, :] == 0
    assert not mask[other & ~prefix].any()
    assert not mask[0][batch.segments[0] == len(TURNS) + 1][:, batch.segments[0] == 0].any()


def test_positions_of_every_turn_go_on_from_the_picture(tiny):
    _, framing = tiny
    batch = encode(framing, [Example(picture(1), (*TURNS, BLIND))])
    positions, segments = batch.inputs["position_ids"][0], batch.segments[0]
    prefix = int((segments == 0).sum())
    for number in range(1, len(TURNS) + 1):
        own = positions[segments == number]
        assert own.tolist() == list(range(prefix, prefix + len(own)))
    blind = positions[segments == len(TURNS) + 1]
    assert blind.tolist() == list(range(len(blind)))


def test_a_batch_moves_as_a_whole(tiny):
    model, framing = tiny
    batch = encode(framing, [Example(picture(1), TURNS)])
    moved = batch.to("cpu")
    assert math.isclose(answer_loss(model, moved)[0].item(), answer_loss(model, batch)[0].item())
    assert batch.to("meta").inputs["pixel_values"].device.type == "meta"
