"""The benchmark of throughput on a tiny model: the same work on all sides, and a report of all figures."""

import json
import sys

import pytest
import torch

from benchmarks import throughput, throughput_training, throughput_work, throughput_writing
from benchmarks.throughput_timing import Timing, peak_bytes
from leaml.training.batches import answer_logits, answer_loss, encode
from tests import tiny_models


@pytest.fixture
def tiny(monkeypatch) -> None:
    """A tiny model in nano's place."""
    made = lambda device, dtype: throughput_work.work("nano", *tiny_models.idefics3())  # noqa: E731
    monkeypatch.setitem(throughput_work.WORKS, "nano", made)
    monkeypatch.setattr(throughput, "TEXT_TOKENS", 6)
    monkeypatch.setattr(throughput, "choose_dtype", lambda device: (torch.float32, ""))


def work() -> throughput_work.Work:
    return throughput_work.work("tiny", *tiny_models.idefics3())


def test_all_ways_write_the_same_texts_and_a_run_writes_every_figure(tiny, tmp_path, capsys):
    words = ["--parts", "writing", "--models", "nano", "--pictures", "1", "--rounds", "2", "--devices", "cpu"]
    assert throughput.main([*words, "--out", str(tmp_path / "a.json")]) == 0
    figures = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["figures"]
    loop = figures["nano, writing, cpu, float32: texts/s, write / a loop of generate"]
    assert loop["bar"] == 6 and loop["n"] == 2 and loop["low"] <= loop["value"] <= loop["high"]
    for other in (throughput_writing.LOOP, throughput_writing.BATCH):
        same = figures[f"nano, writing, cpu, float32: texts equal to those of {other}"]
        assert same["value"] == 1.0 and same["n"] == 6 and same["reached"]
    assert "tokens/s, write" in capsys.readouterr().out


def test_our_loss_is_the_mean_over_tokens_that_trl_minimises():
    some = work()
    batch = encode(some.framing, some.examples[:1])
    assert len(some.examples[0].turns) == throughput_work.QUESTIONS and batch.weights.unique().tolist() == [1.0]
    logits = answer_logits(some.model, batch)
    mean = torch.nn.functional.cross_entropy(logits, batch.targets)
    assert answer_loss(some.model, batch)[0].item() == pytest.approx(mean.item(), rel=1e-6)


def test_pictures_come_in_turn_and_first_looks_are_counted():
    some = work()
    count = len(some.examples)
    plan = throughput_training.steps(some, count // 2 + 1, 3)
    assert plan[0][0] is some.examples[0] and plan[1][-1] is some.examples[(2 * (count // 2 + 1) - 1) % count]
    assert throughput_training.first_looks(plan) == [count // 2 + 1, count - count // 2 - 1, 0]


def test_without_trl_the_training_part_says_how_to_get_it(tiny, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "trl", None)
    words = ["--parts", "training", "--models", "nano", "--pictures", "1", "--rounds", "1", "--devices", "cpu"]
    assert throughput.main([*words, "--out", str(tmp_path / "a.json")]) == 1
    assert "TRL is not installed here" in capsys.readouterr().err and not (tmp_path / "a.json").exists()


def test_both_sides_learn_the_same_in_turns():
    pytest.importorskip("trl", reason="TRL is no requirement of this project")
    some = work()
    ours, theirs = throughput_training.in_turns(some, throughput_training.steps(some, 2, 5))
    assert ours.losses == pytest.approx(theirs.losses, rel=0.01) and ours.losses[-1] < ours.losses[0]
    assert len(ours.seconds) == len(theirs.seconds) == 5 and ours.peak > 0 and theirs.peak > 0


def test_a_ratio_is_taken_within_each_round():
    ratios = Timing.ratios([2.0, 4.0, 60.0], [1.0, 2.0, 30.0])
    assert ratios.median == 2.0 and ratios.interval == (2.0, 2.0)


def test_the_peak_holds_the_model_and_what_the_work_makes():
    model = torch.nn.Linear(100, 100)
    own = 4 * (100 * 100 + 100)
    assert own + 4_000_000 <= peak_bytes(lambda: torch.ones(1000, 1000).sum(), model) < own + 4_100_000
