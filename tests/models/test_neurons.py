"""Finding, scoring and selecting feed-forward neurons, against weight gradients computed the plain way."""

import json

import bitsandbytes
import pytest
import torch
import transformers

from leaml.errors import ModelError, OptionError, StorageError
from leaml.models.adapters import add_neuron_adapter
from leaml.models.in_place import choose_in_place
from leaml.models.neurons import METHODS, Selection, one_sample_per_row, score_neurons, select
from leaml.models.quantised import keep_differentiable
from leaml.models.structure import feed_forwards, language_linears
from tests import tiny_models

LAYERS, NEURONS = tiny_models.LAYERS, tiny_models.NEURONS


def sample_losses(model, batch):
    """Cross-entropy of every sample, summed over its tokens; nothing is predicted from padding: (rows,)."""
    log_probabilities = model(**batch).logits[:, :-1].log_softmax(-1)
    of_tokens = -log_probabilities.gather(-1, batch["input_ids"][:, 1:, None])[..., 0]
    return (of_tokens * batch["attention_mask"][:, :-1]).sum(1)


def weight_gradients(model, loss):
    """For each feed-forward network: gradients of gate (neurons, width), up (neurons, width), down (width, neurons)."""
    model.requires_grad_(True).zero_grad()
    loss.backward()
    layers = feed_forwards(model)
    return {n.name: [model.get_submodule(part).weight.grad.clone() for part in (n.gate, n.up, n.down)] for n in layers}


@pytest.fixture
def idefics3():
    model, processor = tiny_models.idefics3()
    return model, tiny_models.pictures_and_questions(processor)


@pytest.mark.parametrize("family", ["idefics3", "qwen2_5_vl", "llava_pixtral", "gemma3"])
def test_feed_forwards_are_found_by_structure_and_never_in_the_vision_tower(family):
    model = getattr(tiny_models, family)()
    model = model[0] if isinstance(model, tuple) else model
    found = feed_forwards(model)
    assert [layer.layer for layer in found] == list(range(LAYERS))
    assert {layer.size for layer in found} == {NEURONS}
    language_model = model.get_decoder()
    for layer in found:
        network = model.get_submodule(layer.name)
        assert any(network is module for module in language_model.modules())
        assert model.get_submodule(layer.gate) is network.gate_proj
        assert model.get_submodule(layer.up) is network.up_proj
        assert model.get_submodule(layer.down) is network.down_proj
    assert len(language_linears(model)) == LAYERS * 7  # q, k, v, o, gate, up, down


@pytest.mark.parametrize("family", ["Qwen3", "Mistral", "Cohere", "Lfm2"])
def test_language_models_of_many_families_are_scored_and_adapted(family):
    config = language_model(family)
    model, batch = tiny_models.llava_pixtral(text=config), tiny_models.text_only()
    found = feed_forwards(model)
    assert [layer.size for layer in found] == [NEURONS] * LAYERS
    assert all(layer.name.startswith("model.language_model.") for layer in found)
    before = model(**batch).logits
    adapted = add_neuron_adapter(model, Selection.of(score_neurons(model, [batch], sample_losses), 0.1, "layer"))
    assert torch.equal(adapted(**batch).logits, before)


def test_an_adapted_model_has_the_same_feed_forwards_and_linears(idefics3):
    model, _ = idefics3
    before = feed_forwards(model), language_linears(model)
    selection = Selection.of({layer.name: torch.rand(layer.size) for layer in before[0]}, 0.2)
    adapted = add_neuron_adapter(model, selection)
    assert (feed_forwards(adapted), language_linears(adapted)) == before


def language_model(family, **sizes):
    """A small config of a family of language models."""
    shared = {name: size for name, size in tiny_models.TEXT.items() if name != "head_dim"}  # not all families know it
    if family == "Lfm2":
        sizes |= {"layer_types": ["conv", "full_attention", "full_attention"], "block_auto_adjust_ff_dim": False}
    return getattr(transformers, f"{family}Config")(**shared | sizes)


@pytest.mark.parametrize(("family", "why"), [("fused", "one matrix for gate and up"), ("experts", "experts")])
def test_fused_and_expert_neurons_are_refused_by_name(family, why):
    with pytest.raises(ModelError, match=f"LlavaForConditionalGeneration keeps its feed-forward neurons in .*{why}"):
        feed_forwards(getattr(tiny_models, family)())


def test_a_model_without_gated_networks_is_refused_by_name():
    config = transformers.GPT2Config(n_embd=8, n_layer=1, n_head=1, vocab_size=8)
    with pytest.raises(ModelError, match="GPT2LMHeadModel has no gated feed-forward network"):
        feed_forwards(transformers.GPT2LMHeadModel(config))


def test_taylor_equals_weight_times_weight_gradient_over_the_down_column_of_each_sample(idefics3):
    model, batch = idefics3
    expected = {layer.name: torch.zeros(NEURONS) for layer in feed_forwards(model)}
    for row in range(3):
        for name, (_, _, down) in weight_gradients(model, sample_losses(model, batch)[row]).items():
            weight = model.get_submodule(f"{name}.down_proj").weight
            expected[name] += (weight * down).sum(0).abs().detach()
    scores = score_neurons(model, [batch], sample_losses)
    for name in expected:
        torch.testing.assert_close(scores[name], expected[name], rtol=1e-4, atol=1e-4)
    inverse = score_neurons(model, [batch], sample_losses, "inverse")
    assert all(torch.equal(inverse[name], -scores[name]) for name in scores)


def test_gradient_equals_the_norm_of_rows_and_column_of_each_sample(idefics3):
    model, batch = idefics3
    expected = {layer.name: torch.zeros(NEURONS) for layer in feed_forwards(model)}
    for row in range(3):
        for name, (gate, up, down) in weight_gradients(model, sample_losses(model, batch)[row]).items():
            expected[name] += torch.cat([gate, up, down.T], dim=1).norm(dim=1)
    scores = score_neurons(model, [batch], sample_losses, "gradient")
    for name in expected:
        torch.testing.assert_close(scores[name], expected[name], rtol=1e-3, atol=1e-3)


def test_activation_is_the_mean_over_tokens_without_padding(idefics3):
    model, batch = idefics3
    seen = {}
    name = feed_forwards(model)[1].name
    down = model.get_submodule(f"{name}.down_proj")
    handle = down.register_forward_pre_hook(lambda module, inputs: seen.update(hidden=inputs[0].detach()))
    sample_losses(model, batch)
    handle.remove()
    assert (batch["attention_mask"] == 0).any()
    expected = seen["hidden"][batch["attention_mask"] == 1].abs().mean(0)
    scores = score_neurons(model, [batch], sample_losses, "activation")
    torch.testing.assert_close(scores[name], expected)


@pytest.mark.parametrize("method", ["taylor", "gradient"])
def test_scores_add_over_samples_however_they_are_batched(idefics3, method):
    model, batch = idefics3
    whole = score_neurons(model, [batch], sample_losses, method)
    rows = [{name: values[row : row + 1] for name, values in batch.items()} for row in range(3)]
    apart = score_neurons(model, rows, sample_losses, method)
    for name in whole:
        torch.testing.assert_close(apart[name], whole[name], rtol=1e-4, atol=1e-4)


def test_samples_within_a_row_are_kept_apart_and_unnamed_tokens_left_out():
    model = tiny_models.gemma3()
    batch = tiny_models.text_only(rows=1, tokens=10)
    numbers = torch.tensor([[-1, 0, 0, 0, 0, 1, 1, 1, 1, 1]])

    def gradients_of(part):
        hidden = {}
        down = feed_forwards(model)[0].down

        def keep(module, inputs):
            inputs[0].retain_grad()
            hidden["values"] = inputs[0]

        handle = model.get_submodule(down).register_forward_pre_hook(keep)
        sample_losses(model, batch).sum().backward()
        handle.remove()
        products = hidden["values"] * hidden["values"].grad
        return products[0, numbers[0] == part].sum(0).abs().detach()

    expected = gradients_of(0) + gradients_of(1)
    scores = score_neurons(model, [batch], sample_losses, samples=lambda batch: numbers)
    torch.testing.assert_close(scores[feed_forwards(model)[0].name], expected, rtol=1e-4, atol=1e-5)


def test_random_depends_on_the_seed_alone_and_reads_no_batch(idefics3):
    model, _ = idefics3
    first, again, other = (score_neurons(model, [], sample_losses, "random", seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) and not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("method", METHODS)
def test_scoring_leaves_the_model_as_it_was_and_gives_no_weight_a_gradient(idefics3, method):
    model, batch = idefics3
    model.train()
    model.lm_head.weight.requires_grad_(False)
    wanted = [parameter.requires_grad for parameter in model.parameters()]
    score_neurons(model, [batch], sample_losses, method)
    assert all(module.training for module in model.modules())
    assert [parameter.requires_grad for parameter in model.parameters()] == wanted
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def in_four_bits(model, folder):
    """`model`, written and loaded again as a user would, with the linear layers of its language model in NF4."""
    model.save_pretrained(folder)
    four_bits = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.float32,
        llm_int8_skip_modules=["vision_tower", "multi_modal_projector", "lm_head"],
    )  # fmt: skip
    return transformers.AutoModelForImageTextToText.from_pretrained(
        folder, quantization_config=four_bits, device_map={"": "cpu"}
    )


WIDE = {"hidden_size": 64, "intermediate_size": 128}
"""bitsandbytes wants rows of at least 64."""


@pytest.mark.parametrize("family", ["Llama", "Lfm2"])
def test_a_four_bit_base_is_scored_as_its_dequantised_self(family, tmp_path):
    dense = tiny_models.llava_pixtral(text=language_model(family, **WIDE))
    batch = tiny_models.text_only()
    model = in_four_bits(dense, tmp_path)
    layers = [name for name, module in model.named_modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    assert {layer.down for layer in feed_forwards(model)} <= set(layers)
    for name in layers:
        weight = model.get_submodule(name).weight
        values = bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state)
        dense.get_submodule(name).weight.data.copy_(values)
    for method in ("taylor", "gradient", "activation"):
        scores = score_neurons(model, [batch], sample_losses, method)
        for name, expected in score_neurons(dense, [batch], sample_losses, method).items():
            torch.testing.assert_close(scores[name], expected, rtol=1e-3, atol=1e-4)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_four_bit_base_that_answers_goes_on_learning(tmp_path):
    batch = tiny_models.text_only()
    model = in_four_bits(tiny_models.llava_pixtral(text=language_model("Llama", **WIDE)), tmp_path).eval()
    adapted = add_neuron_adapter(model, Selection.of({n.name: torch.rand(n.size) for n in feed_forwards(model)}, 0.1))
    with torch.no_grad():
        adapted(**batch)
    sample_losses(adapted, batch).sum().backward()
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    assert trained and all(parameter.grad.abs().sum() > 0 for parameter in trained)
    assert "quantised" in choose_in_place(adapted)[1]


def test_a_four_bit_base_that_was_packed_is_refused():
    layer = bitsandbytes.nn.Linear4bit(64, 64, quant_type="nf4").to("cpu")
    keep_differentiable(layer)
    assert not layer.support_avx512bf16_for_cpu
    layer.weight.quant_state.packing_format_for_cpu = True
    with pytest.raises(ModelError, match="Load it again"):
        keep_differentiable(layer)


def test_scoring_an_adapted_model_scores_its_active_adapter(idefics3):
    model, batch = idefics3
    plain = score_neurons(model, [batch], sample_losses)
    adapted = add_neuron_adapter(model, Selection.of(plain, 0.2))
    untrained = score_neurons(adapted, [batch], sample_losses)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "neuron_delta" in name:
                parameter.normal_(std=0.3)
    trained = score_neurons(adapted, [batch], sample_losses)
    for name in plain:
        torch.testing.assert_close(untrained[name], plain[name], rtol=1e-4, atol=1e-4)
        assert not torch.allclose(trained[name], plain[name], rtol=1e-2)


def test_scoring_refuses_what_it_cannot_score(idefics3):
    model, batch = idefics3
    with pytest.raises(OptionError, match="not a way to score"):
        score_neurons(model, [batch], sample_losses, "magic")
    with pytest.raises(OptionError, match="nothing to score"):
        score_neurons(model, [], sample_losses)
    with pytest.raises(OptionError, match="no input_ids"):
        one_sample_per_row([1, 2])
    with pytest.raises(ModelError, match="rows, tokens"):
        score_neurons(model, [batch], sample_losses, samples=lambda batch: torch.zeros(1, 1, dtype=torch.int64))
    with torch.no_grad():
        model.model.text_model.layers[1].mlp.up_proj.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="not finite"):
        score_neurons(model, [batch], sample_losses, "activation")


SCORES = {"first": torch.tensor([1.0, 9, 2, 8]), "second": torch.tensor([7.0, 0, 0, 0]), "third": torch.zeros(4)}


def test_global_selection_lets_layers_compete():
    chosen = select(SCORES, 0.25)
    assert {name: indices.tolist() for name, indices in chosen.items()} == {"first": [1, 3], "second": [0], "third": []}


def test_selection_by_layer_takes_the_same_share_of_each():
    chosen = select(SCORES, 0.5, "layer")
    expected = {"first": [1, 3], "second": [0, 1], "third": [0, 1]}
    assert {name: indices.tolist() for name, indices in chosen.items()} == expected


def test_at_least_one_neuron_is_selected():
    assert [len(indices) for indices in select(SCORES, 1e-6).values()] == [1, 0, 0]
    assert [len(indices) for indices in select(SCORES, 1e-6, "layer").values()] == [1, 1, 1]


@pytest.mark.parametrize(("fraction", "scope"), [(0, "global"), (1.5, "global"), (float("nan"), "layer"), (0.1, "row")])
def test_a_selection_that_makes_no_sense_is_refused(fraction, scope):
    with pytest.raises(OptionError):
        select(SCORES, fraction, scope)


def test_a_selection_survives_its_file_with_its_provenance(tmp_path):
    selection = Selection.of(SCORES, 0.25, method="taylor", seed=3, data_hash="d", model_hash="m")
    assert selection.count == 3
    assert selection.share_by_layer() == [0.5, 0.25, 0]
    selection.save(tmp_path / "selection.json")
    loaded = Selection.load(tmp_path / "selection.json")
    assert loaded.provenance() == selection.provenance()
    assert loaded.sizes == selection.sizes
    assert all(torch.equal(loaded.neurons[name], selection.neurons[name]) for name in SCORES)
    assert [file.name for file in tmp_path.iterdir()] == ["selection.json"]


@pytest.mark.parametrize(
    "damage", ["not json", "{}", "[]", {"neurons": {"first": [9]}}, {"neurons": {"first": [2, 1]}}]
)
def test_a_damaged_selection_is_refused(tmp_path, damage):
    path = tmp_path / "selection.json"
    Selection.of({"first": SCORES["first"]}, 0.5).save(path)
    stored = json.loads(path.read_text())
    path.write_text(damage if isinstance(damage, str) else json.dumps(stored | damage))
    with pytest.raises(StorageError, match="not a selection"):
        Selection.load(path)
    with pytest.raises(StorageError, match="cannot be read"):
        Selection.load(tmp_path / "missing.json")
