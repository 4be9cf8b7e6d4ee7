"""What the training stages share: attention that learns fast, and features of pictures only where they hold."""

import pytest
import torch

from leaml.models import features
from leaml.models.framing import Framing
from leaml.options import AdaptOptions
from leaml.records import Question
from leaml.training import stage as module
from leaml.training.adapt import adapt
from leaml.training.stage import quick_attention
from tests import tiny_models


@pytest.mark.parametrize(
    ("dtype", "before", "during"),
    [(torch.bfloat16, "sdpa", "eager"), (torch.float32, "sdpa", "sdpa"), (torch.bfloat16, "eager", "eager")],
)
def test_attention_is_plain_where_that_is_faster_and_as_before_afterwards(monkeypatch, dtype, before, during):
    model, _ = tiny_models.idefics3()
    model.set_attn_implementation(before)
    monkeypatch.setattr(module, "choose_dtype", lambda device: (dtype, ""))
    with pytest.raises(RuntimeError), quick_attention(model):
        assert model.model.text_model.layers[0].self_attn.config._attn_implementation == during
        assert model.config.vision_config._attn_implementation == before
        raise RuntimeError
    assert model.config.text_config._attn_implementation == before


@pytest.mark.parametrize(("method", "looks"), [("lora", 3), ("neurons", 3), ("full", 0)])
def test_a_frozen_tower_sees_each_picture_once_and_one_that_learns_at_every_step(tmp_path, monkeypatch, method, looks):
    model, processor = tiny_models.idefics3()
    labels = [Question(picture, "Is it?", "yes", "yes/no") for picture in tiny_models.noise(tmp_path / "images", 3)]
    counted, plain = [], features._through_the_tower
    monkeypatch.setattr(features, "_through_the_tower", lambda m, some: counted.append(len(some)) or plain(m, some))
    tower = model.model.vision_model.post_layernorm
    before, seen = tower.weight.clone(), []
    handle = tower.register_forward_hook(lambda *_: seen.append(1))
    options = AdaptOptions(method=method, steps=6, pictures_per_step=4, rank=2, learning_rate=1e-3)
    list(adapt(model, Framing(processor), labels, [], options, tmp_path / "run"))
    handle.remove()
    assert sum(counted) == looks and len(seen) == (looks or 6)
    assert torch.equal(tower.weight, before) == (method != "full")
