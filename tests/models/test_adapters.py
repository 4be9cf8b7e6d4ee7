"""The neuron adapter and LoRA on small random models: identity, gradients, saving, merging, export."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_PREFIX_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.utils.peft_types import PeftType
from safetensors.torch import load_file, save_file

from leaml.errors import ModelError, OptionError
from leaml.models.adapters import add_lora, add_neuron_adapter, export_lora, trainable_parameters
from leaml.models.neuron_tuner import NeuronConfig, NeuronLinear, NeuronModel
from leaml.models.neurons import Selection
from leaml.models.structure import feed_forwards
from tests import tiny_models

ROOT = Path(__file__).resolve().parents[2]
WIDTH, LAYERS, NEURONS = tiny_models.WIDTH, tiny_models.LAYERS, tiny_models.NEURONS

ANSWER = """
import sys
{first}
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText
torch.set_num_threads(1)

def answer(adapter):
    for folder in sys.argv[1:]:
        base = AutoModelForImageTextToText.from_pretrained(folder + "/base")
        model = PeftModel.from_pretrained(base, f"{{folder}}/{{adapter}}").eval()
        with torch.no_grad():
            logits = model(**load_file(folder + "/batch.safetensors")).logits
        save_file({{"logits": logits}}, f"{{folder}}/{{adapter}}.safetensors")

{then}
"""
"""A program of somebody else, who has plain PEFT."""


@pytest.fixture
def idefics3():
    return of_family("idefics3")


FAMILIES = ("idefics3", "llava_pixtral", "gemma3")


def of_family(family):
    """(model, batch)"""
    if family == "idefics3":
        model, processor = tiny_models.idefics3()
        return model, tiny_models.pictures_and_questions(processor)
    return getattr(tiny_models, family)(), tiny_models.text_only()


def some_neurons(model, seed=0, fraction=0.1):
    """A random selection that leaves one network without any: the last, or the first for seeds from 2."""
    generator = torch.Generator().manual_seed(seed)
    scores = {layer.name: torch.rand(layer.size, generator=generator) for layer in feed_forwards(model)}
    scores[feed_forwards(model)[-1 if seed < 2 else 0].name] -= 2
    return Selection.of(scores, fraction, method="random", seed=seed)


def disturb(adapted, seed=0):
    """Give every trainable weight a random value, as if trained."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)


def logits(model, batch):
    with torch.no_grad():
        return model(**batch).logits


def test_peft_knows_the_method():
    assert PeftType("NEURON") is PeftType.NEURON and PeftType.NEURON in list(PeftType)
    assert PEFT_TYPE_TO_CONFIG_MAPPING["NEURON"] is NeuronConfig
    assert PEFT_TYPE_TO_TUNER_MAPPING["NEURON"] is NeuronModel
    assert PEFT_TYPE_TO_PREFIX_MAPPING["NEURON"] == "neuron_"
    assert list(PeftType).count("NEURON") == 1 and PeftType("LORA") is PeftType.LORA


def test_a_new_adapter_changes_nothing_and_trains_rows_and_columns_alone(idefics3):
    model, batch = idefics3
    selection = some_neurons(model)
    before = logits(model, batch)
    adapted = add_neuron_adapter(model, selection)
    assert torch.equal(logits(adapted, batch), before)
    assert trainable_parameters(adapted) == 3 * selection.count * WIDTH
    assert all("neuron_delta" in name for name, parameter in adapted.named_parameters() if parameter.requires_grad)
    assert not isinstance(adapted.get_submodule(f"base_model.model.{feed_forwards(model)[-1].up}"), NeuronLinear)


@pytest.mark.parametrize("family", ["idefics3", "gemma3"])
def test_gradients_and_updates_equal_those_of_masked_dense_training(family):
    model, batch = of_family(family)
    selection = some_neurons(model)
    dense = copy.deepcopy(model)
    adapted = add_neuron_adapter(model, selection)
    optimiser = torch.optim.SGD([parameter for parameter in adapted.parameters() if parameter.requires_grad], lr=1e-3)
    for _ in range(2):
        adapted.zero_grad()
        adapted(**batch, labels=batch["input_ids"]).loss.backward()
        dense.zero_grad()
        dense(**batch, labels=batch["input_ids"]).loss.backward()
        for layer in feed_forwards(dense):
            chosen = selection.neurons[layer.name]
            for name, is_row in ((layer.gate, True), (layer.up, True), (layer.down, False)):
                weight = dense.get_submodule(name).weight
                side = adapted.get_base_model().get_submodule(name)
                mine = weight.grad[chosen] if is_row else weight.grad[:, chosen]
                if len(chosen):
                    torch.testing.assert_close(side.neuron_delta["default"].grad, mine, rtol=1e-4, atol=1e-5)
                    assert side.base_layer.weight.grad is None
                with torch.no_grad():
                    weight.index_add_(0 if is_row else 1, chosen, mine, alpha=-1e-3)
        optimiser.step()
    torch.testing.assert_close(logits(adapted, batch), logits(dense, batch), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["neurons", "lora"])
def test_a_saved_adapter_comes_back_with_equal_logits(idefics3, tmp_path, kind):
    model, batch = idefics3
    base = copy.deepcopy(model)
    adapted = add_neuron_adapter(model, some_neurons(model)) if kind == "neurons" else add_lora(model, 4, 8)
    disturb(adapted)
    adapted.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(base, tmp_path).eval()
    assert torch.equal(logits(again, batch), logits(adapted, batch))
    assert trainable_parameters(again) == 0
    if kind == "neurons":
        config = json.loads((tmp_path / "adapter_config.json").read_text())
        assert config["provenance"]["method"] == "random"
        names = set(load_file(tmp_path / "adapter_model.safetensors"))
        assert {name.rsplit(".", 1)[-1] for name in names} == {"neuron_delta", "neuron_index"}


def test_a_saved_adapter_trains_on(idefics3, tmp_path):
    model, batch = idefics3
    base = copy.deepcopy(model)
    adapted = add_neuron_adapter(model, some_neurons(model))
    disturb(adapted)
    adapted.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(base, tmp_path, is_trainable=True)
    assert trainable_parameters(again) == trainable_parameters(adapted)
    again(**batch, labels=batch["input_ids"]).loss.backward()
    assert all(parameter.grad is not None for parameter in again.parameters() if parameter.requires_grad)


@pytest.mark.parametrize("merge_first", [False, True])
def test_a_disabled_adapter_leaves_the_base_bit_for_bit(idefics3, merge_first):
    model, batch = idefics3
    before = logits(model, batch)
    weights = {name: values.clone() for name, values in model.state_dict().items()}
    adapted = add_neuron_adapter(model, some_neurons(model))
    disturb(adapted)
    changed = logits(adapted, batch)
    assert not torch.allclose(changed, before, atol=1e-3)
    if merge_first:
        adapted.merge_adapter()
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted, batch), before)
    torch.testing.assert_close(logits(adapted, batch), changed, rtol=1e-5, atol=1e-5)
    stripped = adapted.unload()
    assert all(torch.equal(values, weights[name]) for name, values in stripped.state_dict().items())


def test_merging_keeps_the_outputs_and_leaves_a_plain_model(idefics3):
    model, batch = idefics3
    adapted = add_neuron_adapter(model, some_neurons(model))
    disturb(adapted)
    expected = logits(adapted, batch)
    merged = adapted.merge_and_unload()
    torch.testing.assert_close(logits(merged, batch), expected, rtol=1e-5, atol=1e-5)
    assert type(merged) is type(model) and not any("neuron" in name for name in merged.state_dict())


def test_weights_that_are_not_finite_are_not_merged_at_all(idefics3):
    model, batch = idefics3
    before = logits(model, batch)
    adapted = add_neuron_adapter(model, some_neurons(model))
    disturb(adapted)
    down = adapted.get_base_model().get_submodule(feed_forwards(model)[1].down)
    with torch.no_grad():
        down.neuron_delta["default"][0, 0] = float("inf")
    with pytest.raises(ModelError, match="not finite"):
        adapted.merge_and_unload()
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted, batch), before)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """For each family a folder with base model, batch, adapter and its export, and the logits that they must give."""
    expected = {}
    for family in FAMILIES:
        folder = tmp_path_factory.mktemp(family)
        model, batch = of_family(family)
        model.save_pretrained(folder / "base")
        adapted = add_neuron_adapter(model, some_neurons(model))
        disturb(adapted)
        adapted.save_pretrained(folder / "neurons")
        export_lora(adapted, "default", folder / "lora")
        save_file({name: values.contiguous() for name, values in batch.items()}, folder / "batch.safetensors")
        expected[folder] = logits(adapted, batch)
    return expected


def run_elsewhere(written, **lines):
    """Runs `ANSWER` on all folders, in a process of its own, whose number of threads, and so last digits, differ."""
    command = [sys.executable, "-c", ANSWER.format(**lines), *map(str, written)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    folder = next(iter(written))
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_plain_peft_loads_the_export_without_leaml_and_the_adapter_once_leaml_is_imported(written):
    then = "answer('lora'); assert 'leaml' not in sys.modules; import leaml; answer('neurons')"
    run_elsewhere(written, first="", then=then)
    for folder, expected in written.items():
        exported = load_file(folder / "lora.safetensors")["logits"]
        torch.testing.assert_close(exported, expected, rtol=1e-5, atol=1e-5)
        adapted = load_file(folder / "neurons.safetensors")["logits"]
        torch.testing.assert_close(adapted, expected, rtol=1e-5, atol=1e-5)


def test_plain_peft_loads_a_neuron_adapter_after_an_import_of_leaml_that_loads_no_torch(written):
    run_elsewhere(
        written, first="import leaml; assert not {'torch', 'peft'} & sys.modules.keys()", then="answer('neurons')"
    )
    for folder, expected in written.items():
        adapted = load_file(folder / "neurons.safetensors")["logits"]
        torch.testing.assert_close(adapted, expected, rtol=1e-5, atol=1e-5)


def test_only_a_neuron_adapter_is_exported(idefics3, tmp_path):
    adapted = add_lora(idefics3[0], 2, 2)
    for name in ("default", "missing"):
        with pytest.raises(ModelError, match="not a neuron adapter"):
            export_lora(adapted, name, tmp_path)


@pytest.mark.parametrize("kind", ["neurons", "lora"])
def test_two_adapters_on_one_model_take_turns(idefics3, tmp_path, kind):
    model, batch = idefics3

    def add(to, name, seed):
        return add_neuron_adapter(to, some_neurons(to, seed), name) if kind == "neurons" else add_lora(to, 2, 4, name)

    adapted = add(model, "first", 1)
    disturb(adapted, 1)
    first = logits(adapted, batch)
    adapted = add(adapted, "second", 2)
    assert adapted.active_adapter == "second"
    assert all(".second" in name for name, parameter in adapted.named_parameters() if parameter.requires_grad)
    disturb(adapted, 2)
    second = logits(adapted, batch)
    assert not torch.allclose(first, second, atol=1e-3)
    adapted.set_adapter("first")
    assert torch.equal(logits(adapted, batch), first)
    adapted.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(tiny_models.idefics3()[0], tmp_path / "first", adapter_name="first")
    again.load_adapter(tmp_path / "second", adapter_name="second")
    again.eval()
    assert torch.equal(logits(again, batch), first)
    again.set_adapter("second")
    assert torch.equal(logits(again, batch), second)
    again.delete_adapter("second")
    again.set_adapter("first")
    assert torch.equal(logits(again, batch), first)


def test_lora_adapts_the_language_model_alone():
    adapted = add_lora(tiny_models.llava_pixtral(), 2, 4)
    trained = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    assert len(trained) == LAYERS * 7 * 2 and all("language_model.layers" in name for name in trained)


def test_adapters_that_cannot_be_added_are_refused(idefics3):
    model, _ = idefics3
    other = Selection.of({"model.nowhere.mlp": torch.rand(NEURONS)}, 0.5)
    with pytest.raises(ModelError, match=r"another model: model\.nowhere\.mlp"):
        add_neuron_adapter(model, other)
    selection = some_neurons(model)
    with pytest.raises(OptionError, match="name"):
        add_neuron_adapter(model, selection, "a.b")
    with pytest.raises(OptionError, match="rank"):
        add_lora(model, 0, 1)
    adapted = add_neuron_adapter(model, selection)
    with pytest.raises(OptionError, match="already"):
        add_neuron_adapter(adapted, selection)
    with pytest.raises(ModelError, match="LORA adapter cannot be added beside a NEURON"):
        add_lora(adapted, 2, 2, "other")


def test_generation_and_gradient_checkpointing_work_with_an_adapter(idefics3):
    model, batch = idefics3
    adapted = add_neuron_adapter(model, some_neurons(model))
    disturb(adapted)
    answer = adapted.generate(**batch, max_new_tokens=3, do_sample=False)
    assert answer.shape == (3, batch["input_ids"].shape[1] + 3)

    def gradients():
        adapted.zero_grad()
        adapted(**batch, labels=batch["input_ids"]).loss.backward()
        return [parameter.grad.clone() for parameter in adapted.parameters() if parameter.requires_grad]

    adapted.train()
    plain = gradients()
    adapted.get_base_model().gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for saved, computed in zip(plain, gradients(), strict=True):
        torch.testing.assert_close(computed, saved, rtol=1e-4, atol=1e-6)


def test_a_half_precision_base_trains_its_adapter_in_float32(idefics3):
    model, batch = idefics3
    adapted = add_neuron_adapter(model.to(torch.bfloat16), some_neurons(model))
    batch["pixel_values"] = batch["pixel_values"].to(torch.bfloat16)
    assert {parameter.dtype for parameter in adapted.parameters() if parameter.requires_grad} == {torch.float32}
    disturb(adapted)
    output = adapted(**batch, labels=batch["input_ids"])
    assert output.logits.dtype == torch.bfloat16
    output.loss.backward()
    merged = logits(adapted.merge_and_unload(), batch)
    assert merged.isfinite().all()
