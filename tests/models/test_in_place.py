"""Training in the base weights: the gradients of masked dense training, and originals that come back bit for bit."""

import copy
from contextlib import closing, suppress

import pytest
import torch
from safetensors.torch import load_file

from leaml.errors import ModelError
from leaml.models.adapters import add_lora, add_neuron_adapter
from leaml.models.in_place import choose_in_place, in_place
from leaml.models.neurons import Selection
from leaml.models.structure import feed_forwards
from leaml.training.loop import SAVE, FitOptions, fit
from tests import tiny_models


def some_neurons(model, seed=0):
    """A random selection that leaves the last network without any, or the first for seeds from 2."""
    generator = torch.Generator().manual_seed(seed)
    scores = {layer.name: torch.rand(layer.size, generator=generator) for layer in feed_forwards(model)}
    scores[feed_forwards(model)[-1 if seed < 2 else 0].name] -= 2
    return Selection.of(scores, 0.1, method="random", seed=seed)


def loss_of(model, batch):
    return model(**batch, labels=batch["input_ids"]).loss


def logits(model, batch):
    with torch.no_grad():
        return model(**batch).logits


def trained_parameters(model):
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def base_weights(model):
    """Copies of all weights but the adapters', by the names that they have where no adapter wraps them."""
    named = model.state_dict().items()
    return {name.replace(".base_layer", ""): values.clone() for name, values in named if "neuron" not in name}


def is_unchanged(model, before):
    return all(torch.equal(values, before[name]) for name, values in base_weights(model).items())


def take_steps(model, batch, steps=2, rate=1e-2, **options):
    optimiser = torch.optim.AdamW(trained_parameters(model), rate, weight_decay=0.0, **options)
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of(model, batch).backward()
        optimiser.step()


@pytest.fixture
def adapted():
    """(model with a new adapter, batch)"""
    model = tiny_models.gemma3()
    return add_neuron_adapter(model, some_neurons(model)), tiny_models.text_only()


@pytest.mark.parametrize("family", ["idefics3", "gemma3"])
def test_gradients_and_updates_equal_those_of_masked_dense_training(family):
    if family == "idefics3":
        model, processor = tiny_models.idefics3()
        batch = tiny_models.pictures_and_questions(processor)
    else:
        model, batch = tiny_models.gemma3(), tiny_models.text_only()
    selection = some_neurons(model)
    dense = copy.deepcopy(model).requires_grad_(True)
    adapted = add_neuron_adapter(model, selection)
    adapted_optimiser = torch.optim.AdamW(trained_parameters(adapted), 1e-3, weight_decay=0.0)
    dense_optimiser = torch.optim.AdamW(dense.parameters(), 1e-3, weight_decay=0.0)
    masks = {parameter: torch.zeros_like(parameter) for parameter in dense.parameters()}
    blocks = []
    for layer in feed_forwards(dense):
        chosen = selection.neurons[layer.name]
        for name, block in ((layer.gate, (chosen,)), (layer.up, (chosen,)), (layer.down, (slice(None), chosen))):
            masks[dense.get_submodule(name).weight][block] = 1
            blocks += [(name, block)] if len(chosen) else []
    with in_place(adapted):
        for _ in range(3):
            adapted.zero_grad()
            dense.zero_grad()
            loss_of(adapted, batch).backward()
            loss_of(dense, batch).backward()
            for name, block in blocks:
                mine = adapted.get_base_model().get_submodule(name)
                expected = dense.get_submodule(name).weight.grad[block]
                torch.testing.assert_close(mine.neuron_delta["default"].grad, expected, rtol=1e-4, atol=1e-6)
                assert mine.base_layer.weight.grad is None
            for parameter, mask in masks.items():
                parameter.grad = None if parameter.grad is None else parameter.grad * mask
            adapted_optimiser.step()
            dense_optimiser.step()
        torch.testing.assert_close(logits(adapted, batch), logits(dense, batch), rtol=1e-4, atol=1e-4)
        for name, _ in blocks:  # unrounded differences agree with the weights, outside of the blocks as well
            written = adapted.get_base_model().get_submodule(name).base_layer.weight
            torch.testing.assert_close(written, dense.get_submodule(name).weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("fused", [False, True])
def test_originals_come_back_bit_for_bit_and_the_side_path_answers_the_same(dtype, fused):
    model, batch = tiny_models.gemma3().to(dtype), tiny_models.text_only()
    before = logits(model, batch)
    adapted = add_neuron_adapter(model, some_neurons(model))
    originals = base_weights(adapted)
    with in_place(adapted):
        take_steps(adapted, batch, fused=fused)
        trained = logits(adapted, batch)
        assert not is_unchanged(adapted, originals)
        down = adapted.get_base_model().get_submodule(feed_forwards(adapted)[0].down)
        index, delta = down.neuron_index["default"].long(), down.neuron_delta["default"]
        original = originals[f"base_model.model.{feed_forwards(adapted)[0].down}.weight"]
        assert torch.equal(down.base_layer.weight[:, index], (original[:, index] + delta).to(dtype))
    assert is_unchanged(adapted, originals)
    tolerance = 1e-4 if dtype == torch.float32 else 0.2
    torch.testing.assert_close(logits(adapted, batch), trained, rtol=tolerance, atol=tolerance)
    assert not torch.allclose(trained, before, rtol=tolerance, atol=tolerance)
    with adapted.disable_adapter():
        assert torch.equal(logits(adapted, batch), before)


def test_originals_come_back_after_an_error_and_after_a_closed_generator(adapted):
    model, batch = adapted
    originals = base_weights(model)

    def training():
        with in_place(model):
            while True:
                take_steps(model, batch)
                yield

    with closing(training()) as steps:
        next(steps)
        assert not is_unchanged(model, originals)
    assert is_unchanged(model, originals)
    with suppress(ZeroDivisionError), in_place(model):
        take_steps(model, batch)
        raise ZeroDivisionError
    assert is_unchanged(model, originals)
    take_steps(model, batch)  # by the side path: no hook is left behind that would write
    assert is_unchanged(model, originals)


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients(adapted, reentrant):
    model, batch = adapted
    originals = base_weights(model)
    with in_place(model):
        take_steps(model, batch, 1)
        model.train()
        model.zero_grad()
        loss_of(model, batch).backward()
        plain = [parameter.grad.clone() for parameter in trained_parameters(model)]
        base = model.get_base_model()
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": reentrant})
        base.enable_input_require_grads()
        model.zero_grad()
        loss_of(model, batch).backward()
    for parameter, expected in zip(trained_parameters(model), plain, strict=True):
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-4, atol=1e-6)
    assert is_unchanged(model, originals)


def test_autocast_gives_the_gradients_of_the_side_path(adapted):
    model, batch = adapted

    def gradients():
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, batch)
        loss.backward()
        return [parameter.grad for parameter in trained_parameters(model)]

    beside = gradients()
    with in_place(model):
        within = gradients()
    for mine, expected in zip(within, beside, strict=True):
        assert mine.dtype == torch.float32
        assert (mine - expected).norm() < 0.03 * expected.norm()


def test_several_adapters_take_turns_in_one_model(adapted, tmp_path):
    model, batch = adapted
    originals = base_weights(model)
    with in_place(model):
        take_steps(model, batch)
    first = logits(model, batch)
    model = add_neuron_adapter(model, some_neurons(model, 2), "second")
    with in_place(model):
        take_steps(model, batch)
        second = logits(model, batch)
        model.set_adapter("default")
        assert torch.equal(logits(model, batch), first)
        model.set_adapter("second")
        assert torch.equal(logits(model, batch), second)
        model.save_pretrained(tmp_path)
    assert is_unchanged(model, originals)
    torch.testing.assert_close(logits(model, batch), second, rtol=1e-4, atol=1e-4)
    for name, stored in load_file(tmp_path / "second" / "adapter_model.safetensors").items():
        module, kind = name.rsplit(".", 1)
        assert torch.equal(getattr(model.get_submodule(module), kind)["second"], stored)


def test_a_disabled_adapter_leaves_the_base_as_it_was_for_as_long(adapted):
    model, batch = adapted
    with model.disable_adapter():
        before = logits(model, batch)
    with in_place(model):
        take_steps(model, batch)
        trained = logits(model, batch)
        with model.disable_adapter():
            assert torch.equal(logits(model, batch), before)
        assert torch.equal(logits(model, batch), trained)
        model.merge_adapter()
        assert torch.equal(logits(model, batch), trained)
        model.unmerge_adapter()
        assert torch.equal(logits(model, batch), trained)
    with model.disable_adapter():
        assert torch.equal(logits(model, batch), before)


def test_a_weight_written_between_the_passes_is_noticed(adapted):
    model, batch = adapted
    with in_place(model):
        loss = loss_of(model, batch)
        with torch.no_grad():
            for parameter in trained_parameters(model):
                parameter.add_(0.1)
        logits(model, batch)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    base, batch, options = tiny_models.gemma3(), tiny_models.text_only(), FitOptions(4, 1e-2, warmup=1)

    def start():
        model = copy.deepcopy(base)
        return add_neuron_adapter(model, some_neurons(model))

    def run(model, folder, stop_after=None):
        with in_place(model), closing(fit(model, lambda _: dict(batch), fit_loss, options, folder)) as events:
            for event in events:
                if stop_after and getattr(event, "step", 0) == stop_after:
                    events.send(SAVE)
                    return

    def fit_loss(model, batch):
        return loss_of(model, batch), {}

    whole, stopped, resumed = start(), start(), start()
    originals = base_weights(whole)
    run(whole, tmp_path / "whole")
    run(stopped, tmp_path / "parts", stop_after=2)
    run(resumed, tmp_path / "parts")
    assert is_unchanged(resumed, originals)
    for mine, expected in zip(trained_parameters(resumed), trained_parameters(whole), strict=True):
        assert torch.equal(mine, expected)
    assert any(not torch.equal(a, b) for a, b in zip(trained_parameters(stopped), trained_parameters(whole)))


def test_the_choice_comes_with_its_reason(adapted):
    model, batch = adapted
    assert choose_in_place(model)[0] and choose_in_place(model)[1].startswith("in place: ")
    with in_place(model):
        possible, reason = choose_in_place(model)
        assert not possible and "already" in reason
        with pytest.raises(ModelError, match="already"), in_place(model):
            pass
        take_steps(model, batch, 1)  # the refused one took nothing away
    layer = model.get_base_model().get_submodule(feed_forwards(model)[0].gate)
    layer.base_layer.weight.requires_grad_(True)
    assert "base weights are trained" in choose_in_place(model)[1]
    layer.base_layer.weight.requires_grad_(False)
    add_neuron_adapter(model, some_neurons(model, 2), "second")
    model.base_model.set_adapter(["default", "second"])
    assert "several adapters" in choose_in_place(model)[1]
    model.set_adapter("default")
    model.merge_adapter()
    assert not choose_in_place(model)[0]
    for other in (add_lora(tiny_models.gemma3(), 2, 2), tiny_models.gemma3()):
        assert choose_in_place(other) == (False, "not in place: no neuron adapter is active")
