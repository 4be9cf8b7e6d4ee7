"""The benchmark of neuron training on a small stack: same work in all ways, and a report of all figures."""

import json
from contextlib import ExitStack

import pytest
import torch

from benchmarks import neurons
from benchmarks.neuron_ways import DENSE, FROZEN, IN_PLACE, LORA, SHIRA, SIDE_PATH, WAYS, Size, begin, stack
from leaml.models.adapters import trainable_parameters

SMALL = Size(width=64, layers=2, tokens=8)
X = torch.randn(1, SMALL.tokens, SMALL.width, generator=torch.Generator().manual_seed(0))


def test_dense_in_place_and_side_path_do_the_same_work():
    answers = {}
    for name in (FROZEN, DENSE, IN_PLACE, SIDE_PATH):
        with ExitStack() as contexts:
            training = begin(name, SMALL, X, contexts)
            for _ in range(5):
                training.step(X)
            answers[name] = training.way.model(X).detach()
    for name in (IN_PLACE, SIDE_PATH):
        torch.testing.assert_close(answers[name], answers[DENSE], rtol=1e-5, atol=1e-6)
    assert not torch.allclose(answers[DENSE], answers[FROZEN], rtol=1e-5, atol=1e-6)


def test_adapters_of_equal_size_train_equally_many_weights():
    counts = {}
    for name in (IN_PLACE, SIDE_PATH, LORA, SHIRA):
        counts[name] = trainable_parameters(WAYS[name](stack(SMALL, X.dtype, X.device), SMALL).model)
    assert set(counts.values()) == {SMALL.layers * 3 * SMALL.chosen * SMALL.width}
    assert SMALL.chosen / SMALL.neurons == pytest.approx(neurons.Size().chosen / neurons.Size().neurons, rel=0.2)


def test_the_peak_holds_what_each_way_must_hold():
    peaks = {name: neurons.peak_bytes(name, SMALL, X) for name in (FROZEN, IN_PLACE, DENSE)}
    block = 4 * SMALL.layers * 3 * SMALL.chosen * SMALL.width
    everything = 4 * SMALL.layers * 3 * SMALL.neurons * SMALL.width
    assert peaks[FROZEN] + 3 * block <= peaks[IN_PLACE] < peaks[FROZEN] + 8 * block
    assert peaks[DENSE] >= 3 * everything


def test_the_interval_of_a_median_narrows_with_agreement():
    assert neurons.median_interval([1.0] * 31) == (1.0, 1.0)
    low, high = neurons.median_interval([1 + step / 100 for step in range(31)])
    assert 1.0 < low < 1.15 < high < 1.3


def test_a_run_writes_every_figure(tmp_path, capsys):
    words = ["--rounds", "2", "--width", "64", "--tokens", "8", "--out", str(tmp_path / "neurons.json")]
    assert neurons.main(words) == 0
    written = json.loads((tmp_path / "neurons.json").read_text(encoding="utf-8"))
    assert "--width 64" in written["command"]
    for part in ("float32", "bfloat16"):
        figure = written["figures"][f"{part}: step, in place"]
        assert figure["bar"] == 1.1 and figure["n"] == 2 and figure["low"] <= figure["value"] <= figure["high"]
        assert written["figures"][f"{part}: peak memory, in place / dense, masked"]["value"] < 1
    files = {name: written["figures"][f"file: {name}"]["value"] for name in ("neuron adapter", "its export as LoRA")}
    assert files["neuron adapter"] < files["its export as LoRA"]
    assert {row["name"] for row in written["rows"]} == {
        f"{what}, {way}" for what in ("peak memory", "step") for way in WAYS
    }
    assert "step, in place" in capsys.readouterr().out
