"""What training will need is foretold without weights, and is what the profiler then sees, in every family."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from leaml.models.features import SeenFraming
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.writing import Request, Sampling, write
from leaml.options import AdaptOptions
from leaml.records import Question
from leaml.training import adapt as stage
from leaml.training.batches import Example, Turn
from leaml.training.rehearsal import Base, rehearse, rehearse_writing
from leaml.training.trained import Trained
from tests import tiny_families, tiny_models

WITHIN = 0.15
QUESTIONS = ("Is there a polyp in this picture, and where would you say that it is?", "What colour is it, and why?")
METHODS = dict(zip(tiny_families.FAMILIES, ("lora", "neurons", "full", "lora", "neurons") * 3, strict=False))
QUICK = ("idefics3", "smolvlm2", "llava_onevision", "gemma3", "paligemma")
"""Between them all methods, towers that are looked through once and at every step, and packed and single rows."""
OTHERS = [name for name in tiny_families.FAMILIES if name not in QUICK]


@pytest.fixture(autouse=True)
def middling(monkeypatch) -> None:
    """Wide enough that weights, optimiser and what the tokens leave behind all matter."""
    wider = {"hidden_size": 64, "intermediate_size": 192, "num_attention_heads": 8, "num_key_value_heads": 4}
    monkeypatch.setattr(tiny_families, "WIDTH", 64)
    monkeypatch.setattr(tiny_families, "LANGUAGE", tiny_families.LANGUAGE | wider)


@pytest.fixture
def labels(tmp_path) -> list[Question]:
    pictures = tiny_models.noise(tmp_path / "images", 4)
    return [Question(picture, asked, "yes, in the center", "open") for picture in pictures for asked in QUESTIONS]


def foretold(folder: Path, labels: list[Question], options: AdaptOptions) -> int:
    trained = Trained("answers", options.method, options.rank, fraction=options.fraction)
    examples = stage.Examples(labels, [], options)(0)
    base = Base.of(str(folder), options.precision)
    return rehearse(base, trained, examples, options.checkpointing, len({label.image for label in labels})).total


def measured(folder: Path, labels: list[Question], options: AdaptOptions, run: Path) -> int:
    loaded = load(folder, precision=options.precision)
    events = stage.adapt(loaded.model, Framing(loaded.processor), labels, [], options, run)
    return most_held(loaded.model, lambda: list(events))


def most_held(model, work: Callable[[], object]) -> int:
    """The most bytes that PyTorch held at once while something was done, by its own profiler."""
    held = most = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        work()
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


@pytest.mark.parametrize("family", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_what_is_foretold_is_what_is_measured(tmp_path, labels, family):
    options = AdaptOptions(method=METHODS[family], steps=2, pictures_per_step=4, rank=8, fraction=0.2, precision="full")
    folder = tiny_families.save(family, tmp_path / "model")
    expected, found = foretold(folder, labels, options), measured(folder, labels, options, tmp_path / "run")
    print(f"{family} {options.method}: {expected} / {found} = {expected / found:.3f}")
    assert abs(expected / found - 1) < WITHIN


@pytest.mark.parametrize("bits", ["4bit", pytest.param("8bit", marks=pytest.mark.slow)])
def test_weights_in_fewer_bits_are_foretold(tmp_path, labels, bits):
    options = AdaptOptions(method="lora", steps=2, pictures_per_step=6, rank=8, precision=bits)
    folder = tiny_families.save("qwen3_vl", tmp_path / "model")
    expected, found = foretold(folder, labels, options), measured(folder, labels, options, tmp_path / "run")
    print(f"{bits}: {expected} / {found} = {expected / found:.3f}")
    assert abs(expected / found - 1) < WITHIN


def test_parts_add_up_and_follow_the_options(tmp_path, labels):
    folder = tiny_families.save("qwen3_vl", tmp_path / "model")
    base = Base.of(str(folder), "full")
    few, many = (stage.Examples(labels, [], AdaptOptions(pictures_per_step=n))(0) for n in (2, 8))
    lora = rehearse(base, Trained("answers", "lora", 8), many)
    assert lora.total == sum(lora.parts().values()) and lora.image_tokens > lora.weights > 0
    fewer = rehearse(base, Trained("answers", "lora", 8), few)
    assert fewer.weights == lora.weights and 3 < lora.image_tokens / fewer.image_tokens < 5
    assert rehearse(base, Trained("answers", "lora", 16), few).optimiser == pytest.approx(2 * fewer.optimiser, rel=0.01)
    twice = rehearse(base, Trained("answers", "lora", 8), many, checkpointing=True)
    assert twice.activations + twice.image_tokens < 0.8 * (lora.activations + lora.image_tokens)
    whole = rehearse(base, Trained("answers", "full"), few)
    assert whole.adapter == 0 and whole.optimiser >= 2 * whole.weights


def test_features_that_are_kept_share_a_cpu_s_memory(tmp_path, labels):
    folder = tiny_families.save("gemma3", tmp_path / "model")
    base = Base.of(str(folder), "full", device="cpu")
    example = stage.Examples(labels, [], AdaptOptions(pictures_per_step=1))(0)
    kept = rehearse(base, Trained("answers", "lora", 8), example, pictures=1)
    thousands = rehearse(base, Trained("answers", "lora", 8), example, pictures=5000)
    assert thousands.image_tokens - kept.image_tokens == 4999 * 4 * 64 * base.dtype.itemsize


@pytest.mark.parametrize(("family", "turns", "tokens"), [("qwen3_vl", 6, 24), ("gemma3", 8, 8)])
def test_what_writing_takes_is_foretold(tmp_path, labels, family, turns, tokens):
    folder = tiny_families.save(family, tmp_path / "model")
    pictures = sorted({label.image for label in labels})
    trained = Trained("generator", "lora", 8)
    asked = [Example(picture, (Turn(QUESTIONS[0], ""),) * turns) for picture in pictures]
    expected = rehearse_writing(Base.of(str(folder), "full"), trained, asked, tokens)
    loaded = load(folder, precision="full")
    model = trained.thawed(loaded.model)
    requests = [Request(picture, QUESTIONS[0]) for picture in pictures for _ in range(turns)]
    framing = SeenFraming(model, Framing(loaded.processor))
    found = most_held(model, lambda: write(model, framing, requests, tokens, Sampling(1.0, 1.0)))
    print(f"{family} writing: {expected.total} / {found} = {expected.total / found:.3f}, {expected.parts()}")
    assert abs(expected.total / found - 1) < WITHIN
    longer = rehearse_writing(Base.of(str(folder), "full"), trained, asked, 10_000)
    assert longer.kv_cache > expected.kv_cache
