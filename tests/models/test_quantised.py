"""Bases in 4 and 8 bits: known by their full weights, learned on, never merged into; how many bits, and why."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from peft import PeftModel
from PIL import Image
from torch import nn

from leaml.errors import ModelError
from leaml.evaluation.likelihoods import Candidates, log_probabilities
from leaml.models import load as loading
from leaml.models.adapters import add_lora, add_neuron_adapter, merge
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.models.load import fingerprint, load
from leaml.models.neurons import Selection
from leaml.models.quantised import choose_weights, is_quantised
from leaml.models.structure import language_linears
from leaml.records import Question
from leaml.training.batches import Example, Turn, answer_loss, encode
from leaml.training.trained import Trained, score_on_labels
from tests import tiny_families

GPU = torch.device("cuda")
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 70, 3), np.uint8))


@pytest.fixture(scope="module", params=["qwen3_vl", "gemma3"])
def folder(request, tmp_path_factory):
    return tiny_families.save(request.param, tmp_path_factory.mktemp(request.param))


def loaded(folder, precision):
    one = load(folder, "cpu", torch.float32, precision)
    return SimpleNamespace(model=one.model, framing=kept(one.model, Framing(one.processor)), reason=one.weights_reason)


def said(model, framing) -> list[float]:
    asked = [Candidates(PICTURE, "Is there a polyp?", ("yes", "no"))]
    return [one.total for one in log_probabilities(model, framing, asked)[0]]


def learn(model, framing) -> list[float]:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-2)
    losses = []
    for _ in range(3):
        loss, _ = answer_loss(model, encode(framing, [Example(PICTURE, (Turn("Is there a polyp?", "yes"),))]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("precision", ["4bit", "8bit"])
def test_only_the_language_models_linears_are_in_fewer_bits_and_the_full_weights_are_known(folder, precision):
    full, small = loaded(folder, "full"), loaded(folder, precision)
    held = {name for name, p in small.model.named_parameters() if not p.dtype.is_floating_point}
    assert held == {f"{name}.weight" for name in language_linears(full.model)}
    assert is_quantised(small.model) and not is_quantised(full.model)
    assert fingerprint(small.model) == fingerprint(full.model)
    assert said(small.model, small.framing) == pytest.approx(said(full.model, full.framing), rel=0.2)
    assert "as asked for" in small.reason


@pytest.mark.parametrize("kind", ["neurons", "lora"])
@pytest.mark.parametrize("precision", ["4bit", "8bit"])
def test_an_adapter_learned_in_fewer_bits_is_merged_into_full_weights_alone(folder, precision, kind, tmp_path):
    small = loaded(folder, precision)
    if kind == "neurons":
        PICTURE.save(tmp_path / "picture.png")
        labels = [Question(tmp_path / "picture.png", "Is there a polyp?", "yes", "yes/no")]
        turn = Turn("Is there a polyp?", "yes")
        scores = score_on_labels(small.model, small.framing, labels, "taylor", 0, lambda label: turn)
        adapted = add_neuron_adapter(small.model, Selection.of(scores, 0.2))
    else:
        adapted = add_lora(small.model, 2, 4)
    losses = learn(adapted, small.framing)
    assert losses[-1] < losses[0]
    with pytest.raises(ModelError, match="round its weights again"):
        merge(adapted)
    adapted.save_pretrained(tmp_path / "adapter")
    full = loaded(folder, "full")
    again = PeftModel.from_pretrained(full.model, tmp_path / "adapter")
    expected = said(again, full.framing)
    assert expected == pytest.approx(said(adapted, small.framing), rel=0.3)
    assert said(merge(again), full.framing) == pytest.approx(expected, abs=1e-3)


def test_a_model_of_other_weights_has_another_fingerprint_in_fewer_bits_too(folder, tmp_path):
    one = load(folder, "cpu", torch.float32, "full")
    with torch.no_grad():
        one.model.get_submodule(language_linears(one.model)[0]).weight.mul_(1.01)
    one.model.save_pretrained(tmp_path)
    one.processor.save_pretrained(tmp_path)
    assert fingerprint(loaded(tmp_path, "4bit").model) == fingerprint(one.model)
    assert fingerprint(loaded(tmp_path, "4bit").model) != fingerprint(loaded(folder, "4bit").model)


def test_how_many_bits_are_chosen_by_what_is_free_on_the_card(monkeypatch):
    gigabyte = 2**30
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8 * gigabyte, 12 * gigabyte))
    assert choose_weights("auto", GPU, 4 * gigabyte) == ("full", "weights in full: 4.0 GB of 8.0 GB that are free")
    weights, reason = choose_weights("auto", GPU, 16 * gigabyte)
    assert weights == "4bit" and "in full they are 16.0 GB, and 8.0 GB are free" in reason
    assert choose_weights("auto", torch.device("cpu"), 16 * gigabyte)[0] == "full"
    assert choose_weights("8bit", GPU, 1)[0] == "8bit"


def test_weights_that_are_stored_in_fewer_bits_load_as_they_are_and_never_in_full(folder, tmp_path):
    small = load(folder, "cpu", torch.float32, "4bit")
    small.model.save_pretrained(tmp_path)
    small.processor.save_pretrained(tmp_path)
    again = loaded(tmp_path, "auto")
    assert is_quantised(again.model)
    with pytest.raises(ModelError, match="stored in fewer bits already"):
        load(tmp_path, "cpu", precision="full")


def test_without_bitsandbytes_it_says_which_package_is_missing(folder, monkeypatch):
    def missing(*_, **__):
        raise ImportError("Using `bitsandbytes` needs it installed.")

    monkeypatch.setattr(loading, "quantisation", missing)
    with pytest.raises(ModelError, match="needs a package that is missing"):
        load(folder, "cpu", precision="4bit")


def test_not_every_weight_can_be_trained_in_fewer_bits(folder, tmp_path):
    small = loaded(folder, "4bit")
    everything = Trained("adapter", "full", 2, "taylor", 0.1, "global", 0)
    with pytest.raises(ModelError, match="cannot all be trained") as caught:
        everything.of(small.model, small.framing, [], None, tmp_path)
    assert "in full" in caught.value.fix


def test_full_models_of_any_kind_pass_through_merging(folder):
    model = loaded(folder, "full").model
    assert merge(model) is model and isinstance(model, nn.Module)
