"""The list of models to choose from: its figures, and that every family on it is one that goes the whole way."""

import math

import pytest
import torch
from safetensors import safe_open
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from leaml.models import families, hub, quantised
from leaml.models.families import KNOWN
from leaml.models.load import NANO
from leaml.models.structure import language_linears
from tests import tiny_models
from tests.tiny_families import FAMILIES


def of(name):
    return next(known for known in KNOWN if known.model == name)


def test_every_family_goes_the_whole_way_in_the_tests_and_every_such_family_is_listed():
    tested = {"smolvlm" if name == "smolvlm2" else name for name in FAMILIES}
    assert {known.family for known in KNOWN} == tested <= set(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)


def test_models_can_be_named_to_the_hub_and_stand_there_once():
    assert len({known.model for known in KNOWN}) == len(KNOWN)
    assert all(hub.named(known.model) for known in KNOWN if known.model != "nano")


def test_the_count_of_nano_is_that_of_its_file():
    with safe_open(NANO / "model.safetensors", "pt") as tensors:
        shapes = {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 - no mapping
    assert of("nano").weights == sum(map(math.prod, shapes.values()))
    linears = (shape for name, shape in shapes.items() if "text_model.layers" in name and "proj" in name)
    assert of("nano").linears == sum(map(math.prod, linears))


@pytest.mark.parametrize(
    ("model", "bf16", "four_bits"),
    [
        ("Qwen/Qwen3-VL-4B-Instruct", 8.3, 3.2), ("google/medgemma-4b-it", 8.0, 3.6),
        ("HuggingFaceTB/SmolVLM-Instruct", 4.2, 2.0),
    ],
)  # fmt: skip
def test_memory_is_that_of_the_weights_with_fewer_bits_in_the_linear_layers_alone(model, bf16, four_bits):
    assert of(model).gib() == str(bf16) and of(model).gib("4bit") == str(four_bits)
    assert of(model).bytes("4bit") < of(model).bytes("8bit") < of(model).bytes()


def test_the_card_is_the_smallest_that_full_weights_or_fewer_bits_are_chosen_for():
    assert families.FITS == quantised.FITS
    assert [of("Qwen/Qwen3-VL-4B-Instruct").card(precision) for precision in ("full", "4bit")] == [12, 6]
    assert [of("Qwen/Qwen3-VL-8B-Instruct").card(precision) for precision in ("full", "4bit")] == [24, 12]
    assert all(known.card() is not None for known in KNOWN)


def test_bytes_are_those_that_a_model_in_bf16_has():
    model = tiny_models.gemma3().to(torch.bfloat16)
    held = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    linears = sum(model.get_submodule(name).weight.numel() for name in language_linears(model))
    known = type(of("nano"))("tiny", "gemma3", "", sum(weight.numel() for weight in model.parameters()), linears)
    assert known.bytes() == held
    assert known.bytes("4bit") == pytest.approx(held - linears * (2 - 4.127 / 8), abs=1)
