"""Adapting: LoRA, neurons or everything, from labels and pairs of the train split, stopped and gone on with."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from leaml.errors import DataError, TrainingError
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.neurons import Selection
from leaml.models.writing import Request, write
from leaml.options import AdaptOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training import adapt as module
from leaml.training.adapt import ADAPTER, adapt
from leaml.training.loop import SAVE
from tests import tiny_models

OPTIONS = AdaptOptions(steps=6, learning_rate=1e-2, pictures_per_step=4, rank=4, save_every=100, fraction=0.1)
METHODS = ("lora", "neurons", "full")


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Six pictures of noise."""
    return tiny_models.noise(tmp_path / "images", 6)


@pytest.fixture
def labelled(pictures) -> list[Question]:
    """Two questions on each of the first three pictures; the second has another answer on each."""
    places = ("center", "upper-left", "lower-right")
    first = [Question(picture, "Is there a polyp?", "yes", "yes/no") for picture in pictures[:3]]
    return first + [Question(p, "Where is it?", a, "location") for p, a in zip(pictures, places, strict=False)]


@pytest.fixture
def pairs(pictures) -> list[Pair]:
    return [Pair(picture, "Is there a snare?", "no", "yes/no") for picture in pictures[3:]]


def tiny():
    model, processor = tiny_models.idefics3()
    return model, Framing(processor)


def run(labelled, pairs, folder, **changes):
    """The trained model, its framing, and everything that was yielded."""
    model, framing = tiny()
    options = OPTIONS.model_copy(update=changes)
    return model, framing, list(adapt(model, framing, labelled, pairs, options, folder))


def weights(model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- The stage ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_tells_progress_and_ends_with_one_result(labelled, pairs, tmp_path, method):
    _, _, events = run(labelled, pairs, tmp_path / "run", method=method)
    *told, result = events
    assert [event.step for event in told] == list(range(1, 7)) and all(isinstance(one, Progress) for one in told)
    assert isinstance(result, Result) and result.path.is_dir()
    assert result.figures["trained weights"] > 0 and result.figures["loss"] == told[-1].figures["loss"]


@pytest.mark.parametrize("method", METHODS)
def test_what_was_saved_comes_back_and_answers_the_same(labelled, pairs, tmp_path, method):
    model, framing, (*_, result) = run(labelled, pairs, tmp_path / "run", method=method)
    requests = [Request(question.image, question.question) for question in labelled]
    answers = write(model, framing, requests, max_tokens=8)
    fresh, _ = tiny()
    assert write(fresh, framing, requests, max_tokens=8) != answers
    if method == "full":
        loaded = load(result.path, device="cpu", dtype=torch.float32)
        restored, framing = loaded.model, Framing(loaded.processor)
    else:
        assert result.path == tmp_path / "run" / "adapter" / ADAPTER
        restored = PeftModel.from_pretrained(fresh, result.path)
    assert write(restored, framing, requests, max_tokens=8) == answers


@pytest.mark.parametrize("method", ["lora", "neurons"])
def test_the_base_stays_as_it_was(labelled, pairs, tmp_path, method):
    before = weights(tiny()[0])
    model, _, _ = run(labelled, pairs, tmp_path / "run", method=method)
    marks = ("lora_", "neuron_")
    after = {n.replace(".base_layer", ""): t for n, t in model.state_dict().items() if not any(m in n for m in marks)}
    assert same(after, before)


def test_labels_are_learned(labelled, tmp_path):
    model, framing, _ = run(labelled, [], tmp_path / "run", steps=60, rank=16, learning_rate=2e-2)
    written = write(model, framing, [Request(question.image, question.question) for question in labelled], 16)
    assert [one.text for one in written] == [question.answer for question in labelled]


def test_neurons_are_scored_on_answering_and_selected_once(labelled, pairs, tmp_path):
    _, _, (*_, result) = run(labelled, pairs, tmp_path / "run", method="neurons")
    selection = Selection.load(tmp_path / "run" / "selection.json")
    assert selection.count == round(0.1 * tiny_models.LAYERS * tiny_models.NEURONS)
    assert result.figures["trained weights"] == selection.count * 3 * tiny_models.WIDTH
    _, _, (*_, every) = run(labelled, pairs, tmp_path / "every", method="neurons", fraction=1.0)
    assert every.figures["trained weights"] == 3 * tiny_models.LAYERS * tiny_models.NEURONS * tiny_models.WIDTH


def test_the_same_seed_ends_with_the_same_weights_and_another_with_others(labelled, pairs, tmp_path):
    found = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        found.append(weights(run(labelled, pairs, tmp_path / str(number), seed=seed)[0]))
    assert same(found[0], found[1]) and not same(found[0], found[2])


# --- What is learned from ----------------------------------------------------------------------------------


def pseudo_share(labelled, pairs, share: float) -> float:
    """Of 200 pictures in 50 steps, the part that carries pairs."""
    examples_at = module.Examples(labelled, pairs, OPTIONS.model_copy(update={"label_share": share}))
    examples = [example for step in range(50) for example in examples_at(step)]
    pseudo = {pair.image for pair in pairs}
    return sum(example.image in pseudo for example in examples) / len(examples)


def test_labels_and_pairs_share_a_step_as_asked(labelled, pairs):
    assert pseudo_share(labelled, pairs, 0.3) == pytest.approx(0.7, abs=0.1)
    assert pseudo_share(labelled, pairs, 0.0) == 1.0
    assert pseudo_share(labelled, pairs, 1.0) == 0.0
    assert pseudo_share([], pairs, 0.9) == 1.0
    assert pseudo_share(labelled, [], 0.1) == 0.0


def test_pairs_weigh_what_their_signals_or_verdicts_say_and_labels_one(labelled, pairs):
    unsure = replace(pairs[0], signals={"agreement": 0.25})
    sure, seen = replace(unsure, signals={"agreement": 1.0}), replace(unsure, reviewed=True)

    def weights_of(by: str) -> set[tuple[str, float]]:
        options = OPTIONS.model_copy(update={"weights": by, "label_share": 0.5})
        examples_at = module.Examples(labelled, [sure, unsure, seen], options)
        turns = [turn for step in range(5) for example in examples_at(step) for turn in example.turns]
        return {(turn.prompt, turn.weight) for turn in turns}

    label = {("Is there a polyp?", 1.0), ("Where is it?", 1.0)}
    assert weights_of("equal") == label | {("Is there a snare?", 1.0)}
    assert weights_of("signals") == label | {("Is there a snare?", 1.0), ("Is there a snare?", 0.25)}
    assert weights_of("verdicts") == label | {("Is there a snare?", 1.0), ("Is there a snare?", 0.5)}


def test_pairs_that_weigh_nothing_are_nothing_to_learn_from(pairs, tmp_path):
    worthless = [replace(pair, signals={"agreement": 0.0}) for pair in pairs]
    with pytest.raises(DataError, match="no labels and no accepted"):
        run([], worthless, tmp_path / "run", weights="signals")


@pytest.mark.parametrize("method", METHODS)
def test_pairs_alone_suffice(pairs, tmp_path, method):
    *_, (*_, result) = run([], pairs, tmp_path / "run", method=method, steps=1)
    assert result.figures["loss"] > 0


def test_nothing_to_learn_from_is_refused(labelled, tmp_path):
    for none in ([], [replace(question, answer=None) for question in labelled]):
        with pytest.raises(DataError, match="no labels and no accepted suggestions"):
            run(none, [], tmp_path / "run")


@pytest.mark.parametrize("split", ["test", "calibration", "shifted"])
def test_a_held_out_label_is_refused_by_name(labelled, pairs, tmp_path, split):
    labelled[4] = replace(labelled[4], split=split)
    with pytest.raises(DataError, match=f"'Where is it\\?' on 01\\.png is of the split {split}"):
        run(labelled, pairs, tmp_path / "run")


# --- Stopping and going on ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_goes_on_to_the_same_weights(labelled, pairs, tmp_path, method):
    whole, _, (*_, ended) = run(labelled, pairs, tmp_path / "whole", method=method)
    model, framing = tiny()
    options = OPTIONS.model_copy(update={"method": method})
    events = adapt(model, framing, labelled, pairs, options, tmp_path / "stopped")
    assert next(events).step == 1
    events.send(SAVE)
    events.close()
    torch.manual_seed(123)
    resumed, _, told = run(labelled, pairs, tmp_path / "stopped", method=method)
    assert [event.step for event in told[:-1]] == [2, 3, 4, 5, 6]
    assert same(weights(resumed), weights(whole))
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    assert (told[-1].path / name).read_bytes() == (ended.path / name).read_bytes()


def test_a_folder_of_another_run_is_refused(labelled, pairs, tmp_path):
    run(labelled, pairs, tmp_path / "run")
    with pytest.raises(TrainingError, match="another options"):
        run(labelled, pairs, tmp_path / "run", seed=1)
    with pytest.raises(TrainingError, match="another data"):
        run(labelled, pairs[:1], tmp_path / "run")
