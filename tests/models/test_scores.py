"""Neuron scores on disk: reused where they fit, computed where they do not."""

import logging
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from leaml.errors import StorageError
from leaml.models.neurons import Selection
from leaml.models.scores import Provenance, Scores, scored

VALUES = {"second": torch.tensor([7.0, 0, 0, 0]), "first": torch.tensor([1.0, 9, 2, 8])}
TAYLOR = Provenance("taylor", "data", "Write a question.", "model", seed=3)


class Computing:
    """Stands for the scoring of a model, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, method):
        self.asked.append(method)
        return {name: values + len(self.asked) for name, values in VALUES.items()}


def equal(one, other):
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_scores_survive_their_file_with_order_and_provenance(tmp_path):
    path = tmp_path / "scores" / "one.safetensors"
    Scores(VALUES, TAYLOR).save(path)
    loaded = Scores.load(path)
    assert equal(loaded.values, VALUES) and loaded.provenance == TAYLOR
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_selection_carries_the_provenance_of_its_scores(tmp_path):
    selection = Scores(VALUES, TAYLOR).select(0.25, "layer")
    selection.save(tmp_path / "selection.json")
    loaded = Selection.load(tmp_path / "selection.json")
    assert loaded.provenance() == {
        "method": "taylor", "fraction": 0.25, "scope": "layer", "seed": 3, "data_hash": "data",
        "prompt": "Write a question.", "model_hash": "model",
    }  # fmt: skip
    assert [chosen.tolist() for chosen in loaded.neurons.values()] == [[0], [1]]


def test_scores_are_computed_once_for_all_seeds_and_for_inverse_too(tmp_path):
    compute = Computing()
    first = scored(tmp_path, TAYLOR, compute)
    again = scored(tmp_path, replace(TAYLOR, seed=4), compute)
    inverse = scored(tmp_path, replace(TAYLOR, method="inverse"), compute)
    assert compute.asked == ["taylor"]
    assert equal(first.values, again.values) and again.provenance.seed == 4
    assert equal(inverse.values, {name: -values for name, values in first.values.items()})
    assert inverse.provenance.method == "inverse"
    other = scored(tmp_path / "elsewhere", replace(TAYLOR, method="inverse"), compute)
    assert compute.asked == ["taylor", "taylor"] and (other.values["first"] < 0).all()


@pytest.mark.parametrize("change", [{"method": "gradient"}, {"data_hash": "x"}, {"prompt": "x"}, {"model_hash": "x"}])
def test_other_provenance_is_scored_anew(tmp_path, change):
    compute = Computing()
    for provenance in (TAYLOR, replace(TAYLOR, **change), TAYLOR):
        scored(tmp_path, provenance, compute)
    assert len(compute.asked) == 2


def test_random_is_drawn_every_time_and_not_kept(tmp_path):
    compute = Computing()
    for _ in range(2):
        scored(tmp_path, replace(TAYLOR, method="random"), compute)
    assert compute.asked == ["random", "random"]
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "foreign", "not finite"])
def test_a_damaged_file_is_not_used_but_written_anew(tmp_path, damage, caplog):
    compute = Computing()
    expected = scored(tmp_path, TAYLOR, compute)
    (path,) = tmp_path.iterdir()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif damage == "foreign":
        save_file(VALUES, path)
    else:
        Scores({"first": torch.tensor([float("nan")])}, TAYLOR.computed).save(path)
    with caplog.at_level(logging.WARNING):
        again = scored(tmp_path, TAYLOR, compute)
    assert len(compute.asked) == 2 and "computed again" in caplog.text
    assert list(again.values) == list(expected.values)
    assert equal(scored(tmp_path, TAYLOR, compute).values, again.values)
    assert len(compute.asked) == 2


def test_files_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(StorageError, match="cannot be read"):
        Scores.load(tmp_path / "missing.safetensors")
    save_file(VALUES, tmp_path / "foreign.safetensors")
    with pytest.raises(StorageError, match="no neuron scores"):
        Scores.load(tmp_path / "foreign.safetensors")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Scores(VALUES, TAYLOR).save(tmp_path / "file" / "scores.safetensors")


def test_what_chosen_neurons_hold_and_share():
    scores = Scores(VALUES, TAYLOR)
    most = scores.select(0.25)
    inverse = Scores({name: -values for name, values in VALUES.items()}, replace(TAYLOR, method="inverse"))
    assert scores.share_held(most.neurons) == pytest.approx(17 / 27)
    assert inverse.share_held(most.neurons) == pytest.approx(17 / 27)
    assert scores.share_held(inverse.select(0.25).neurons) == 0
    assert most.overlap(most) == 1
    assert most.overlap(inverse.select(0.25)) == 0
    assert most.overlap(scores.select(0.125)) == 0.5
