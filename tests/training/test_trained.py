"""What is trained and how it is saved: scores that are found again, and whole models in their own precision."""

import pytest
import torch

from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.neurons import Selection
from leaml.models.scores import Scores
from leaml.options import AdaptOptions
from leaml.records import Question
from leaml.training import trained as module
from leaml.training.adapt import adapt, answer_turn
from leaml.training.distill import pair_turn
from leaml.training.trained import Trained
from tests import tiny_models


@pytest.fixture
def labels(tmp_path) -> list[Question]:
    return [Question(picture, "Is it?", "yes", "yes/no") for picture in tiny_models.noise(tmp_path / "images", 2)]


def select(labels, folder, scores, turn=pair_turn, **how) -> Selection:
    model, processor = tiny_models.idefics3()
    folder.mkdir()
    Trained("some", "neurons", **how).of(model, Framing(processor), labels, turn, folder, scores)
    return Selection.load(folder / "selection.json")


def test_scores_are_computed_once_for_all_shares_and_scopes(labels, tmp_path, monkeypatch):
    scores, counted, plain = tmp_path / "scores", [], module.score_on_labels
    monkeypatch.setattr(module, "score_on_labels", lambda *given: counted.append(given[3]) or plain(*given))
    first = select(labels, tmp_path / "1", scores, fraction=0.1)
    wider = select(labels, tmp_path / "2", scores, fraction=0.4, scope="layer", seed=3)
    least = select(labels, tmp_path / "3", scores, fraction=0.1, method="inverse")
    assert counted == ["taylor"] and wider.count > first.count and first.overlap(least) == 0
    assert select(labels, tmp_path / "4", scores, answer_turn, fraction=0.1).prompt == "Is it?"
    assert select(labels[:1], tmp_path / "5", scores, fraction=0.1).data_hash != first.data_hash
    assert counted == ["taylor"] * 3
    assert all(Scores.load(file).provenance.method == "taylor" for file in scores.iterdir())


def test_a_whole_model_learns_in_full_precision_and_is_saved_in_its_own(labels, tmp_path):
    model, processor = tiny_models.idefics3()
    model.to(torch.bfloat16).save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    loaded = load(tmp_path / "model", device="cpu", dtype=torch.bfloat16)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    options = AdaptOptions(method="full", steps=4, learning_rate=1e-4, pictures_per_step=1)
    *_, result = adapt(loaded.model, Framing(loaded.processor), labels, [], options, tmp_path / "run")
    checkpoint = next((tmp_path / "run" / "checkpoints").rglob("weights.safetensors"))
    saved = load(result.path, device="cpu", dtype=torch.bfloat16).model.state_dict()
    assert checkpoint.stat().st_size > 1.9 * (result.path / "model.safetensors").stat().st_size
    # steps far smaller than a bf16 weight's last bit add up
    assert sum(not torch.equal(saved[name], before[name]) for name in before) > len(before) / 2
    assert all(torch.equal(tensor, saved[name]) for name, tensor in loaded.model.state_dict().items())
