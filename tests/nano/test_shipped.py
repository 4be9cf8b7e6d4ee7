"""The weights that ship: they load as any model does, and they see."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import nano_card
from leaml.evaluation.scoring import score
from leaml.models.framing import Framing
from leaml.models.load import NANO, load
from leaml.models.writing import Request, write
from leaml.nano import build, texts
from leaml.nano.scene_questions import TYPE_WEIGHTS, ask, true_answer
from leaml.nano.scenes import draw_scene

MEGABYTES = 24
SCENES = 200
FLOOR = 0.92
"""Share of new scenes' questions that the shipped weights must answer right; the benchmark says how many they do."""


@pytest.fixture(scope="module")
def nano():
    return load("nano")


def files() -> list[Path]:
    return [path for path in Path(NANO).rglob("*") if path.is_file()]


def test_everything_together_is_small_and_holds_no_pickle():
    assert sum(path.stat().st_size for path in files()) <= MEGABYTES * 2**20
    assert {path.suffix for path in files()} <= {".safetensors", ".json", ".txt", ".md", ".jinja"}


def test_weights_are_bf16():
    from safetensors import safe_open

    with safe_open(Path(NANO) / "model.safetensors", "pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"BF16"}  # noqa: SIM118


def test_loads_through_the_auto_classes_offline_and_without_torchvision():
    program = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from transformers import AutoModelForImageTextToText, AutoProcessor\n"
        "processor = AutoProcessor.from_pretrained(sys.argv[1])\n"
        "model = AutoModelForImageTextToText.from_pretrained(sys.argv[1])\n"
        "print(type(model).__name__, type(processor).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(NANO)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Idefics3ForConditionalGeneration", "Idefics3Processor"]


def test_shipped_tokenizer_is_the_one_that_the_recipe_builds(nano):
    built = build.build_tokenizer()
    for word in texts.words():
        assert nano.processor.tokenizer(f" {word}")["input_ids"] == built(f" {word}")["input_ids"]
    assert nano.model.config.text_config.vocab_size == build.VOCABULARY_SIZE


def test_answers_new_scenes_above_the_floor(nano):
    """One question on each of 200 scenes whose seeds are used nowhere else."""
    requests, expected = [], []
    kinds = list(TYPE_WEIGHTS)
    for number in range(SCENES):
        rng = random.Random(f"shipped weights {number}")
        scene = draw_scene(rng)
        kind = kinds[number % len(kinds)]
        asked = next((a for a in (ask(scene, rng, kind) for _ in range(30)) if a), None)
        if asked is not None:
            requests.append(Request(scene.picture, asked.question))
            expected.append(asked)
            assert true_answer(asked.question, scene).answer == asked.answer
    written = write(nano.model, Framing(nano.processor), requests)
    right = [
        score(asked.answer, answer.text, asked.type, asked.choices).correct
        for asked, answer in zip(expected, written, strict=True)
    ]
    assert len(right) > 0.9 * SCENES
    assert sum(right) / len(right) >= FLOOR


def test_card_says_what_the_benchmark_printed():
    measured = nano_card.read_measured()
    card = nano_card.CARD.read_text(encoding="utf-8")
    assert card == nano_card.filled(card, measured)
    assert "not for clinical use" in card.lower()
    for name, figure in measured["figures"].items():
        if figure.get("reached") is False:
            assert name in card.split("Missed:")[1]
    assert json.dumps(measured)  # plain data all through
