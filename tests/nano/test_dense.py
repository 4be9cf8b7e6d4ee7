"""Dense targets: every image token is told what lies under it, and names it in the language model's own words."""

import random

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.models.framing import Framing
from leaml.nano import pretrain
from leaml.nano.build import TOKENS_PER_SIDE, build_model
from leaml.nano.dense import (
    COVERED,
    DENSE_SHARE,
    GROUPS,
    NO_TARGET,
    OUTLINE_SIDE,
    DenseModel,
    TaughtBatch,
    dense_loss,
    dense_targets,
    encode_dense,
    taught_loss,
    token_items,
)
from leaml.nano.scenes import COLOURS, MASK_SIDE, SHAPES, Item, Scene, draw_scene
from leaml.training.batches import Example, Turn, answer_loss, encode

CELL = MASK_SIDE // TOKENS_PER_SIDE


def mask_of(*patches: tuple[int, int, int, int, int]) -> np.ndarray:
    """A mask with rectangles (number, top, left, bottom, right), in points of the mask."""
    mask = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    for number, top, left, bottom, right in patches:
        mask[top:bottom, left:right] = number
    return mask


TWO = Scene(
    Image.new("RGB", (64, 64)),
    mask_of((1, 0, 0, 16, 16), (2, 40, 48, 56, 64)),
    (Item("star", "red", 0.125, 0.125, 0.07), Item("ring", "cyan", 0.875, 0.75, 0.15)),
    "white", "plain",
)  # fmt: skip


SCENES = [draw_scene(random.Random(f"dense test {number}")) for number in range(4)]


def by_token(scene: Scene, name: str) -> np.ndarray:
    return dense_targets(scene)[name].reshape(TOKENS_PER_SIDE, TOKENS_PER_SIDE)


@pytest.fixture(scope="module")
def dense():
    torch.manual_seed(0)
    return DenseModel(build_model(pretrain.processor().tokenizer), pretrain.processor().tokenizer)


@pytest.fixture(scope="module")
def batch():
    return encode_dense(pretrain.processor(), SCENES)


# --- Targets -----------------------------------------------------------------------------------------------


def test_a_token_lies_on_the_item_that_covers_enough_of_it():
    enough = int(np.ceil(COVERED * CELL * CELL))
    thin, thick = mask_of(), mask_of()
    thin[0, : enough - 1], thick[0, :CELL], thick[1, : enough - CELL] = 1, 1, 1
    assert token_items(thin).sum() == 0
    assert token_items(thick)[0, 0] == 1
    assert token_items(thick).sum() == 1


def test_of_two_items_under_one_token_the_larger_part_counts():
    both = mask_of((1, 0, 0, 3, CELL), (2, 3, 0, CELL, CELL))
    assert token_items(both)[0, 0] == 2
    assert token_items(mask_of()).tolist() == np.zeros((TOKENS_PER_SIDE, TOKENS_PER_SIDE)).tolist()


def test_tokens_on_an_item_name_it_and_others_name_nothing():
    under = token_items(TWO.mask)
    assert (under[:2, :2] == 1).all()
    assert (under[5:7, 6:] == 2).all()
    assert (under > 0).sum() == 8
    expected = {"shape": (SHAPES.index("star"), SHAPES.index("ring")), "size": (0, 1),
                "colour": (list(COLOURS).index("red"), list(COLOURS).index("cyan"))}  # fmt: skip
    for name, (first, second) in expected.items():
        target = by_token(TWO, name)
        assert (target[under == 1] == first).all()
        assert (target[under == 2] == second).all()
        assert (target[under == 0] == NO_TARGET).all()


def test_tokens_name_the_place_of_their_item_or_else_their_own():
    row, column, under = by_token(TWO, "row"), by_token(TWO, "column"), token_items(TWO.mask)
    assert (row[under == 1] == 0).all()
    assert (column[under == 1] == 0).all()
    assert (row[under == 2] == 2).all()  # the centre lies in the lower third, some of the tokens do not
    assert (column[under == 2] == 2).all()
    assert row[:, 4].tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert column[3].tolist() == [0, 0, 0, 1, 1, 2, 2, 2]


def test_presence_and_middles():
    assert (by_token(TWO, "present") == (token_items(TWO.mask) > 0)).all()
    middles = np.argwhere(by_token(TWO, "middle"))
    assert middles.tolist() == [[1, 1], [6, 7]]


def test_figure_centre_and_outline_are_those_of_the_item():
    quarter = mask_of((1, 24, 8, 32, 16))  # the upper left quarter of an item around (0.25, 0.5)
    scene = Scene(Image.new("RGB", (64, 64)), quarter, (Item("square", "red", 0.25, 0.5, 0.125),), "white", "plain")
    targets = dense_targets(scene)
    on = token_items(quarter).reshape(-1) > 0
    assert targets["figure"].sum() == 64  # the eight by eight points of the mask, all under one token
    assert targets["figure"][on].all()
    assert targets["centre"][on].tolist() == [[0.5, 0.5, 1.0]]  # half a token down and right, one token large
    outline = targets["outline"][on].reshape(OUTLINE_SIDE, OUTLINE_SIDE)
    assert outline[: OUTLINE_SIDE // 2, : OUTLINE_SIDE // 2].all()
    assert outline.sum() == OUTLINE_SIDE**2 / 4
    assert not targets["figure"][~on].any()


def test_targets_of_drawn_scenes_agree_with_their_items():
    for seed in range(60):
        scene = draw_scene(random.Random(f"targets {seed}"))
        targets, under = dense_targets(scene), token_items(scene.mask).reshape(-1)
        assert set(under[under > 0]) == set(range(1, len(scene.items) + 1))  # the smallest item covers a token, too
        assert targets["middle"].sum() == len({(int(8 * i.y), int(8 * i.x)) for i in scene.items})
        for number, item in enumerate(scene.items, start=1):
            assert {SHAPES[k] for k in targets["shape"][under == number]} == {item.shape}
            assert {GROUPS["colour"][k] for k in targets["colour"][under == number]} == {item.colour}


def test_an_empty_scene_has_targets():
    empty = Scene(Image.new("RGB", (64, 64)), mask_of(), (), "blue", "plain")
    targets = dense_targets(empty)
    assert targets["present"].sum() == targets["middle"].sum() == 0
    assert (targets["shape"] == NO_TARGET).all()


# --- Batches and model -------------------------------------------------------------------------------------


def test_a_batch_holds_pictures_and_targets_of_every_token(batch):
    assert batch.pixel_values.shape == (4, 1, 3, 128, 128)
    for name in (*GROUPS, "present", "middle"):
        assert batch.targets[name].shape == (4, TOKENS_PER_SIDE**2)
    assert batch.ground.shape == (4,)
    assert batch.to("cpu").targets.keys() == batch.targets.keys()


def test_only_vision_connector_embeddings_and_heads_are_trained(dense, batch):
    trained = {name for name, parameter in dense.named_parameters() if parameter.requires_grad}
    inside = {name for name in trained if name.startswith("nano.")}
    assert all(
        name.startswith(("nano.model.vision_model.", "nano.model.connector.", "nano.model.text_model.embed_tokens."))
        for name in inside
    )
    assert not any(".text_model.layers." in name for name in trained)
    value, _ = dense_loss(dense, batch)
    value.backward()
    without = [n for n, p in dense.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.abs().sum())]
    dense.zero_grad()
    assert without == []


def test_image_tokens_are_what_the_language_model_is_given(dense, batch):
    tokens, caught = dense.image_tokens(batch.pixel_values), []
    prefix = Framing(pretrain.processor()).prefix_inputs([scene.picture for scene in SCENES])
    hook = dense.nano.model.text_model.register_forward_pre_hook(
        lambda module, given, named: caught.append(named["inputs_embeds"]), with_kwargs=True
    )
    dense.nano(**prefix)
    hook.remove()
    given = caught[0][prefix["input_ids"] == pretrain.processor().image_token_id]
    assert torch.allclose(given, tokens.flatten(0, 1), atol=1e-5)


def test_taught_loss_is_that_of_the_answers_and_a_share_of_the_dense_one(dense, batch):
    framing = Framing(pretrain.processor())
    examples = [Example(scene.picture, (Turn("Is there a star?", "no"),)) for scene in SCENES]
    questions = encode(framing, examples)
    value, figures = taught_loss(dense, TaughtBatch(questions, batch))
    answers, _ = answer_loss(dense.nano, questions)
    expected = answers + DENSE_SHARE * dense_loss(dense, batch)[0]
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    assert figures["answers"] == pytest.approx(answers.item(), rel=1e-5)


def test_loss_is_finite_and_falls_on_one_batch(dense, batch):
    optimizer = torch.optim.AdamW([p for p in dense.parameters() if p.requires_grad], lr=1e-3)
    values = []
    for _ in range(6):
        value, figures = dense_loss(dense, batch)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        values.append(value.item())
    assert values[-1] < 0.8 * values[0]
    assert set(GROUPS) <= figures.keys()
    assert all(0 <= figures[name] <= 1 for name in (*GROUPS, "ground"))


def test_a_batch_without_any_object_has_a_finite_loss_and_figures(dense):
    empty = Scene(Image.new("RGB", (64, 64)), mask_of(), (), "black", "plain")
    value, figures = dense_loss(dense, encode_dense(pretrain.processor(), [empty, empty]))
    assert torch.isfinite(value)
    assert all(0 <= figure <= 1 for figure in figures.values())
