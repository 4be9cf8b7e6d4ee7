"""A second round goes on from the first one's adapter: same answers at its start, other ones when it has learned."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from leaml.errors import ModelError
from leaml.models.adapters import trainable_parameters
from leaml.models.framing import Framing
from leaml.options import AdaptOptions
from leaml.records import Question
from leaml.training.adapt import adapt, trained_by
from tests import tiny_models

OPTIONS = AdaptOptions(steps=3, learning_rate=1e-2, pictures_per_step=2, rank=4, save_every=100)


def learn(labelled, folder, **more):
    model, processor = tiny_models.idefics3()
    return list(adapt(model, Framing(processor), labelled, [], OPTIONS, folder, **more))[-1].path


def test_the_second_round_starts_where_the_first_one_ended(tmp_path):
    pictures = tiny_models.noise(tmp_path / "images", 2)
    labelled = [Question(picture, "Is there a polyp?", "yes", "yes/no") for picture in pictures]
    first = learn(labelled, tmp_path / "1")
    begun = replace(trained_by(OPTIONS), begins_with=first).thawed(tiny_models.idefics3()[0])
    wanted = load_file(first / "adapter_model.safetensors")
    have = {name.replace(".answers.", "."): value for name, value in begun.state_dict().items() if "lora_" in name}
    assert have.keys() == wanted.keys() and all(torch.equal(have[name], wanted[name]) for name in wanted)
    assert trainable_parameters(begun) == sum(value.numel() for value in wanted.values())
    second = load_file(learn(labelled, tmp_path / "2", begins_with=first) / "adapter_model.safetensors")
    assert second.keys() == wanted.keys() and any(not torch.equal(second[name], wanted[name]) for name in wanted)
    assert not all(
        torch.equal(second[name], value)
        for name, value in load_file(learn(labelled, tmp_path / "3") / "adapter_model.safetensors").items()
    ), "it is no first round"


def test_a_round_that_cannot_begin_says_so(tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded"):
        replace(trained_by(OPTIONS), begins_with=tmp_path / "gone").thawed(tiny_models.idefics3()[0])
