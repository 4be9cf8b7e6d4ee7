"""Features that are kept: the same logits and gradients as pixels, never out of date, never beyond the budget."""

import copy
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.errors import DataError
from leaml.models import features as module
from leaml.models.adapters import add_lora
from leaml.models.features import SeenFraming, kept, seeing
from leaml.models.framing import Framing
from leaml.models.writing import Request, write
from leaml.training.batches import Example, Turn, answer_logits, answer_loss, encode
from tests import tiny_models


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    return tiny_models.noise(tmp_path / "images", 4)


@pytest.fixture
def looks(monkeypatch) -> list[int]:
    """How many pictures went through the vision tower, each time."""
    counted, plain = [], module._through_the_tower
    monkeypatch.setattr(module, "_through_the_tower", lambda m, some: counted.append(len(some)) or plain(m, some))
    return counted


def tiny(budget: int = 10**6):
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    model.requires_grad_(False)
    return model, framing, SeenFraming(model, framing, budget)


def examples(pictures) -> list[Example]:
    turns = (Turn("Is there a polyp?", "yes"), Turn("Where?", "center", sees_image=False))
    return [Example(picture, turns) for picture in pictures]


def test_logits_of_kept_features_are_those_of_pixels(pictures, looks):
    model, framing, seen = tiny()
    adapted = add_lora(model, 2, 2)
    shown = examples([*pictures, pictures[0]])
    for _ in range(2):
        batch = encode(seen, shown)
        assert "pixel_values" not in batch.inputs
        assert torch.equal(answer_logits(adapted, batch), answer_logits(adapted, encode(framing, shown)))
    assert looks == [1] * 4


def test_gradients_are_those_of_pixels(pictures):
    model, framing, seen = tiny()
    adapted = add_lora(model, 2, 2)
    found = []
    with torch.inference_mode():
        seen.look(pictures)  # what was seen while writing serves training, too
    for by in (framing, seen):
        adapted.zero_grad()
        answer_loss(adapted, encode(by, examples(pictures)).to("cpu"))[0].backward()
        found.append([parameter.grad.clone() for parameter in adapted.parameters() if parameter.requires_grad])
    assert any(gradient.any() for gradient in found[0])
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-7)


def test_writing_looks_at_each_picture_once_and_says_the_same(pictures, looks):
    model, framing, seen = tiny()
    requests = [Request(picture, question) for picture in pictures for question in ("Is it?", "Where is it?")]
    said = write(model, framing, requests, 6, batch_size=2)
    assert looks == [1] * 4
    looks.clear()
    assert [write(model, seen, requests, 6, batch_size=2) for _ in range(2)] == [said, said]
    assert looks == [1] * 4


def test_a_tower_that_learns_gets_pixels(pictures):
    model, _, seen = tiny()
    model.requires_grad_(True)
    assert seen.look(pictures)[0].features is None
    model.requires_grad_(False)
    assert seen.look(pictures)[0].features is not None
    model.model.connector.requires_grad_(True)
    assert seen.look(pictures)[0].features is None
    with torch.no_grad():
        assert seen.look(pictures)[0].features is not None


def test_a_tower_that_has_changed_is_asked_again_and_a_language_model_that_has_is_not(pictures, looks):
    model, _, seen = tiny()
    before = seen.look(pictures[:1])[0].features
    with torch.no_grad():
        model.model.text_model.layers[0].mlp.up_proj.weight.mul_(2)
        model.lm_head.weight.mul_(2)
        assert seen.look(pictures[:1])[0].features is before
        model.model.vision_model.post_layernorm.weight.mul_(2)
    assert not torch.equal(seen.look(pictures[:1])[0].features, before) and looks == [1, 1]


def test_a_copy_of_the_model_shares_what_is_kept_until_its_own_tower_changes(pictures, looks):
    model, _, seen = tiny()
    seen.look(pictures)
    copied = copy.deepcopy(model)
    of_copy = seen.of_copy(copied)
    add_lora(copied, 2, 2)
    of_copy.look(pictures)
    assert looks == [1] * 4
    with torch.no_grad():
        next(copied.model.vision_model.parameters()).add_(1)
    of_copy.look(pictures)
    assert looks == [1] * 8
    seen.look(pictures)
    assert looks == [1] * 8


def test_another_picture_of_the_same_name_is_another(pictures, looks):
    _, _, seen = tiny()
    before = seen.look(pictures[:1])[0].features
    pictures[0].write_bytes(pictures[1].read_bytes())
    os.utime(pictures[0], ns=(1, 1))
    assert not torch.equal(seen.look(pictures[:1])[0].features, before)
    pictures[0].unlink()
    with pytest.raises(DataError, match=r"00\.png is not there"):
        seen.look(pictures[:1])


def test_the_least_used_go_where_the_budget_ends(pictures, looks):
    _, _, seen = tiny()
    size = seen.look(pictures[:1])[0].features.nbytes
    _, _, seen = tiny(budget=2 * size)
    for picture in (0, 1, 0, 2, 0, 1):
        seen.look([pictures[picture]])
    assert looks == [1] * 5 and seen.bytes == 2 * size and len(seen.kept) == 2
    _, _, none = tiny(budget=0)
    none.look(pictures)
    assert not none.kept and none.bytes == 0


def test_open_pictures_are_seen_but_not_kept(pictures, looks):
    _, _, seen = tiny()
    opened = Image.fromarray(np.zeros((32, 32, 3), np.uint8))
    first, second, third = seen.look([opened, pictures[0], opened])
    assert first is third and first is not second and looks == [1, 1] and len(seen.kept) == 1


def test_a_framing_of_another_model_is_not_used(pictures):
    model, framing, seen = tiny()
    other = tiny_models.idefics3(seed=1)[0]
    assert seeing(model, seen) is seen is kept(add_lora(model, 2, 2), seen)
    for make in (seeing, kept):
        assert make(other, seen).model is other and make(other, framing).model is other
    assert kept(other, seeing(other, framing)).budget > 0
