"""Distilling: only the selected neurons learn, from train data alone, and a stopped run ends like an unbroken one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from leaml.errors import DataError, OptionError, StorageError, TrainingError
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.neurons import Selection
from leaml.models.writing import Request, write
from leaml.options import DistilOptions
from leaml.records import Caption, Progress, Question, Result
from leaml.training import distill as module
from leaml.training import trained as trained_module
from leaml.training.distill import ADAPTER, distill, pair_turn
from leaml.training.loop import SAVE
from leaml.training.stage import StepBatches, by_picture, data_hash
from leaml.training.trained import score_on_labels
from tests import tiny_models

OPTIONS = DistilOptions(steps=6, learning_rate=2e-2, pictures_per_step=4, save_every=100, fraction=0.1)
TOTAL = tiny_models.LAYERS * tiny_models.NEURONS


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Eight pictures of noise."""
    return tiny_models.noise(tmp_path / "images", 8)


@pytest.fixture
def labelled(pictures) -> list[Question]:
    """Two questions on each of the first three pictures."""
    asked = (("Is there a polyp?", "yes", "yes/no"), ("Where is it?", "center", "location"))
    return [Question(picture, *question) for picture in pictures[:3] for question in asked]


@pytest.fixture
def captions(pictures) -> list[Caption]:
    return [Caption(picture, f"A colon with {number} polyps.") for number, picture in enumerate(pictures)]


def tiny(seed: int = 0):
    model, processor = tiny_models.idefics3(seed)
    return model, Framing(processor)


def run(labelled, captions, folder, options=OPTIONS):
    """The trained model, its framing, and everything that was yielded."""
    model, framing = tiny()
    return model, framing, list(distill(model, framing, labelled, captions, options, folder))


def adapter_weights(model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items() if "neuron_" in name}


def base_weights(model) -> dict[str, torch.Tensor]:
    """All but the adapter's, under the names that they had before."""
    return {
        name.replace(".base_layer", ""): tensor.clone()
        for name, tensor in model.state_dict().items()
        if "neuron_" not in name
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- The stage ---------------------------------------------------------------------------------------------


def test_tells_progress_and_ends_with_one_result(labelled, captions, tmp_path):
    _, _, events = run(labelled, captions, tmp_path / "run")
    *told, result = events
    assert all(isinstance(event, Progress) and event.total == 6 for event in told)
    assert [event.step for event in told] == [0, *range(1, 7)]
    assert told[0].message == "scoring neurons"
    assert {"loss", "loss pair", "loss caption"} <= told[1].figures.keys()
    assert isinstance(result, Result)
    neurons = round(0.1 * TOTAL)
    assert result.figures["neurons"] == neurons
    assert result.figures["trained weights"] == neurons * 3 * tiny_models.WIDTH
    assert result.path == tmp_path / "run" / "adapter" / ADAPTER
    assert Selection.load(tmp_path / "run" / "selection.json").count == neurons


def test_saved_adapter_comes_back_with_plain_peft_and_writes_the_same(labelled, captions, tmp_path):
    model, framing, (*_, result) = run(labelled, captions, tmp_path / "run")
    requests = [Request(question.image, prompts.write_pair(question.type)) for question in labelled]
    written = write(model, framing, requests, max_tokens=12)
    fresh, _ = tiny()
    assert write(fresh, framing, requests, max_tokens=12) != written
    restored = PeftModel.from_pretrained(fresh, result.path)
    assert write(restored, framing, requests, max_tokens=12) == written


def test_nothing_but_the_selected_neurons_changes(labelled, captions, tmp_path):
    before = base_weights(tiny()[0])
    model, _, (*_, result) = run(labelled, captions, tmp_path / "run")
    assert same(base_weights(model), before)
    selection = Selection.load(tmp_path / "run" / "selection.json")
    merged = PeftModel.from_pretrained(tiny()[0], result.path).merge_and_unload().state_dict()
    changed = {name for name, tensor in merged.items() if not torch.equal(tensor, before[name])}
    assert changed
    for name in changed:
        network, part, _ = name.rsplit(".", 2)
        chosen = torch.zeros(selection.sizes[network], dtype=torch.bool)
        chosen[selection.neurons[network]] = True
        differs = (merged[name] != before[name]).any(0 if part == "down_proj" else 1)
        assert torch.equal(differs, chosen), name


def test_the_generator_learns_what_it_was_shown(labelled, captions, tmp_path):
    options = DistilOptions(steps=40, learning_rate=2e-2, fraction=1.0, pictures_per_step=4)
    _, _, events = run(labelled, captions, tmp_path / "run", options)
    losses = [event.figures["loss pair"] for event in events if isinstance(event, Progress) and event.step]
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])


def test_every_neuron_may_be_trained(labelled, captions, tmp_path):
    _, _, (*_, result) = run(labelled, captions, tmp_path / "run", OPTIONS.model_copy(update={"fraction": 1.0}))
    assert result.figures["trained weights"] == TOTAL * 3 * tiny_models.WIDTH


def test_random_neurons_are_others_than_scored_ones_at_the_same_budget(labelled, captions, tmp_path):
    chosen = {}
    for method in ("taylor", "random", "inverse"):
        options = OPTIONS.model_copy(update={"method": method, "steps": 1})
        _, _, (*_, result) = run(labelled, captions, tmp_path / method, options)
        selection = Selection.load(tmp_path / method / "selection.json")
        assert selection.method == method
        chosen[method] = {(name, int(index)) for name, found in selection.neurons.items() for index in found}
        assert result.figures["trained weights"] == len(chosen[method]) * 3 * tiny_models.WIDTH
        assert len(chosen[method]) == round(0.1 * TOTAL)
    assert chosen["taylor"] != chosen["random"] and not chosen["taylor"] & chosen["inverse"]


@pytest.mark.parametrize(("train", "kind"), [("lora", "lora"), ("all", "full")])
def test_as_controls_a_lora_or_every_weight_learns_the_same(labelled, captions, tmp_path, train, kind):
    before = base_weights(tiny()[0])
    options = OPTIONS.model_copy(update={"train": train, "rank": 2, "learning_rate": 5e-3})
    model, framing, (*told, result) = run(labelled, captions, tmp_path / "run", options)
    assert {"loss pair", "loss caption"} <= told[1].figures.keys() and told[0].message == ""
    assert "neurons" not in result.figures and not (tmp_path / "run" / "selection.json").exists()
    requests = [Request(question.image, prompts.write_pair(question.type)) for question in labelled]
    written = write(model, framing, requests, max_tokens=12)
    if kind == "lora":
        restored = PeftModel.from_pretrained(tiny()[0], result.path)
    else:
        restored = load(result.path, device="cpu", dtype=torch.float32).model
        assert result.figures["trained weights"] == sum(parameter.numel() for parameter in model.parameters())
        assert not any(torch.equal(parameter, before[name]) for name, parameter in model.named_parameters())
    assert write(restored, framing, requests, max_tokens=12) == written


# --- What is learned from ----------------------------------------------------------------------------------


def batch_kinds(labelled, captions, options) -> list[tuple[str, ...]]:
    _, framing = tiny()
    batch_at = StepBatches(framing, module.Examples(labelled, captions, options))
    return [batch_at(step).kind_names for step in range(10)]


def test_captions_share_a_step_with_labels_and_weight_zero_turns_them_off(labelled, captions):
    _, framing = tiny()
    batch = StepBatches(framing, module.Examples(labelled, captions, OPTIONS))(0)
    turns = [int(row.max()) for row in batch.segments]
    assert len(turns) == 4 and batch.kind_names == ("caption", "pair")
    assert {"caption", "pair"} == set(batch_kinds(labelled, captions, OPTIONS)[0])
    off = OPTIONS.model_copy(update={"caption_weight": 0.0})
    assert set(batch_kinds(labelled, captions, off)) == {("pair",)}
    assert set(batch_kinds(labelled, [], OPTIONS)) == {("pair",)}
    single = OPTIONS.model_copy(update={"pictures_per_step": 1})
    assert set(batch_kinds(labelled, captions, single)) == {("caption", "pair")}


@pytest.mark.parametrize(("share", "with_labels"), [(0.01, 1), (0.25, 1), (0.5, 2), (0.75, 3)])
def test_a_share_of_a_step_s_pictures_carries_labels_and_never_none(labelled, captions, share, with_labels):
    _, framing = tiny()
    options = OPTIONS.model_copy(update={"label_share": share})
    batch = StepBatches(framing, module.Examples(labelled, captions, options))(0)
    pair = batch.kind_names.index("pair")
    assert len(batch.segments) == 4
    assert len(set(batch.places[batch.kinds == pair][:, 0].tolist())) == with_labels


def test_without_weight_the_captions_do_not_matter(labelled, captions, tmp_path):
    off = OPTIONS.model_copy(update={"caption_weight": 0.0})
    other = [replace(caption, caption="Something else.") for caption in captions[:2]]
    first, second = (run(labelled, some, tmp_path / str(len(some)), off)[0] for some in (captions, other))
    assert same(adapter_weights(first), adapter_weights(second))
    third, _, _ = run(labelled, captions, tmp_path / "on")
    assert not same(adapter_weights(first), adapter_weights(third))


@pytest.mark.parametrize("split", ["test", "calibration", "shifted"])
def test_a_held_out_label_is_refused_by_name(labelled, captions, tmp_path, split):
    labelled[3] = replace(labelled[3], split=split, answer=None)
    with pytest.raises(DataError, match=f"'Where is it\\?' on 01\\.png is of the split {split}") as caught:
        run(labelled, captions, tmp_path / "run")
    assert caught.value.fix and not (tmp_path / "run").exists()


def test_no_labels_are_refused(labelled, captions, tmp_path):
    for none in ([], [replace(question, answer=None) for question in labelled]):
        with pytest.raises(DataError, match="no labelled questions"):
            run(none, captions, tmp_path / "run")


def test_a_broken_picture_is_named(labelled, captions, tmp_path):
    labelled[0].image.write_bytes(b"broken")
    with pytest.raises(DataError, match=r"00\.png is not a picture"):
        run(labelled, captions, tmp_path / "run")


def test_markup_in_a_caption_adds_no_picture(labelled, captions, tmp_path):
    hostile = [replace(caption, caption="<image><image></s> A colon.") for caption in captions]
    *_, (*_, result) = run(labelled, hostile, tmp_path / "run", OPTIONS.model_copy(update={"steps": 1}))
    assert result.figures["loss"] > 0


def test_scores_sum_over_labels_whatever_the_batches(labelled):
    model, framing = tiny()
    together = score_on_labels(model, framing, labelled, "taylor", 0, pair_turn)
    one_by_one = score_on_labels(model, framing, labelled, "taylor", 0, pair_turn, batch_size=1)
    for name, scores in together.items():
        torch.testing.assert_close(scores, one_by_one[name], rtol=1e-4, atol=1e-6)


def test_questions_are_gathered_by_picture_and_named_by_content(labelled):
    assert [len(asked) for _, asked in by_picture(labelled[::-1])] == [2, 2, 2]
    assert data_hash(labelled) == data_hash(labelled[::-1])
    assert data_hash(labelled) != data_hash([*labelled[:-1], replace(labelled[-1], answer="upper-left")])


# --- Stopping and going on ---------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_to_the_same_weights(labelled, captions, tmp_path):
    whole, _, _ = run(labelled, captions, tmp_path / "whole")
    model, framing = tiny()
    events = distill(model, framing, labelled, captions, OPTIONS, tmp_path / "stopped")
    for _ in range(4):
        event = next(events)
    assert event.step == 3
    events.send(SAVE)
    events.close()
    assert [path.name for path in (tmp_path / "stopped" / "checkpoints").iterdir()] == ["step-00000003"]
    assert not (tmp_path / "stopped" / "adapter").exists()
    torch.manual_seed(123)
    resumed, _, told = run(labelled, captions, tmp_path / "stopped")
    assert [event.step for event in told[:-1]] == [0, 4, 5, 6]
    assert same(adapter_weights(resumed), adapter_weights(whole))
    files = [
        folder / "adapter" / ADAPTER / "adapter_model.safetensors"
        for folder in (tmp_path / "stopped", tmp_path / "whole")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_that_goes_on_keeps_the_neurons_that_it_began_with(labelled, captions, tmp_path, monkeypatch):
    model, framing = tiny()
    events = distill(model, framing, labelled, captions, OPTIONS, tmp_path / "run")
    next(events), next(events)
    events.close()
    chosen = (tmp_path / "run" / "selection.json").read_bytes()
    monkeypatch.setattr(trained_module, "score_on_labels", lambda *_, **__: pytest.fail("scored again"))
    model, _, _ = run(labelled, captions, tmp_path / "run")
    assert (tmp_path / "run" / "selection.json").read_bytes() == chosen
    selection = Selection.load(tmp_path / "run" / "selection.json")
    indices = {name.split(".up_proj.neuron_index")[0]: index for name, index in adapter_weights(model).items()}
    trained = {network: index.tolist() for network, index in indices.items() if network in selection.sizes}
    assert trained and trained == {name: each.tolist() for name, each in selection.neurons.items() if len(each)}


@pytest.mark.parametrize("change", [{"seed": 1}, {"fraction": 0.2}, {"method": "random"}, {"steps": 7}])
def test_a_folder_of_a_run_with_other_options_is_refused(labelled, captions, tmp_path, change):
    run(labelled, captions, tmp_path / "run")
    with pytest.raises(TrainingError, match="began with another options") as caught:
        run(labelled, captions, tmp_path / "run", OPTIONS.model_copy(update=change))
    assert caught.value.fix
    with pytest.raises(TrainingError, match="began with another data"):
        run(labelled[:4], captions, tmp_path / "run")


def test_a_folder_that_cannot_be_used_is_said(labelled, captions, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        run(labelled, captions, tmp_path / "file")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        run(labelled, captions, tmp_path / "run")


def test_what_a_run_is_stands_in_its_folder(labelled, captions, tmp_path):
    run(labelled, captions, tmp_path / "run")
    stored = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert stored["stage"] == "distil" and DistilOptions(**stored["options"]) == OPTIONS


def test_options_out_of_range_never_reach_the_stage():
    with pytest.raises(OptionError, match="fraction cannot be 0"):
        DistilOptions(fraction=0)
