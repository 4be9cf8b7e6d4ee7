"""Trains nano from scratch.

    python -m leaml.nano.pretrain --work runs/nano --out assets/nano               # the shipped recipe, resumable
    python -m leaml.nano.pretrain --work runs/tiny --dense-steps 3 --steps 3 --rows 2   # a minute, to see it run

Two stages through the one training loop: the vision tower on dense targets, then the whole model on isolated
questions, captions, self-written pairs and text-only examples, with the dense targets going on beside. Every batch is
a function of seed and step, so a run that was stopped goes on where its newest whole checkpoint stands and ends with
the same weights. Uses a GPU where there is one.
"""

import argparse
import functools
import json
import logging
import random
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from transformers import Idefics3ForConditionalGeneration, Idefics3Processor

from leaml.errors import LeamlError, TrainingError
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.nano import scene_prose, texts
from leaml.nano.build import build_model, build_processor, build_tokenizer
from leaml.nano.dense import (
    DenseBatch,
    DenseModel,
    TaughtBatch,
    dense_loss,
    encode_dense,
    stacked_targets,
    taught_loss,
)
from leaml.nano.scene_phrases import points_surely
from leaml.nano.scene_questions import TYPE_WEIGHTS, ask, ask_several, caption
from leaml.nano.scenes import ALIGNED_LARGE, ALIGNED_SMALL, CROWDED, TRAINING, Scene, Style, draw_scene
from leaml.records import QUESTION_TYPES, Progress
from leaml.training import checkpoint
from leaml.training.batches import Example, Turn, encode
from leaml.training.loop import FitOptions, fit

CAPTION_WORDINGS = (
    prompts.CAPTION, "Describe the image.", "What does the picture show?", "Write a caption for the picture.",
)  # fmt: skip
CAPTION_SHARE, CAPTION_WEIGHT = 0.5, 4.0
PROSE_SHARE, PROSE_WEIGHT = 0.6, 3.0
MOST_PAIRS, PAIR_WEIGHT, PAIR_TRIES = 3, 4.0, 24
UNTYPED_SHARE = {"single choice": 0.6, "multiple choice": 0.4}
"""Share of a type's self-written pairs that are asked for no type, where it is not 0.3: the types seldom chosen."""
TEXT_WEIGHT = 0.5
TAUGHT = TYPE_WEIGHTS | {"multiple choice": 2.4, "count": 1.8}
"""How often each question type is taught: the hardest more often than they are asked."""
CROWDED_SHARE = 0.75
ON_GRID, IN_PLACE = (0.45, 0.8), (0.2, 0.55)
"""Shares of the first stage's steps: on a grid, and in the middle of its cells, are all until the first, none from the
second of each pair on."""
LARGE_SHARE, MOST_JITTER = 0.25, 0.05
VISION_SCALE = 0.5
"""The vision tower's share of the learning rate in the second stage."""
GO_ON = "The same command goes on from the newest whole checkpoint."


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of.

    `rows` are pictures per step, `questions` the most asked of one picture, `texts` the text-only examples beside it.
    """

    seed: int = 0
    dense_steps: int = 1700
    dense_rows: int = 20
    dense_rate: float = 1.5e-3
    steps: int = 2600
    rows: int = 8
    questions: int = 12
    texts: int = 3
    rate: float = 1.2e-3
    save_every: int = 100
    loader_processes: int = 1


@functools.cache
def processor() -> Idefics3Processor:
    """Tokenizer and image processor, built once per process."""
    return build_processor(build_tokenizer())


def _falling(done: float, start: float, end: float) -> float:
    """1 until `start`, 0 from `end` on, straight between them."""
    return min(1.0, max(0.0, (end - done) / (end - start)))


def dense_style(rng: random.Random, done: float) -> Style:
    """The style of a scene when the share `done` of the steps is done: on a grid, then off it, then anywhere."""
    if rng.random() < _falling(done, *ON_GRID):
        aligned = ALIGNED_LARGE if rng.random() < LARGE_SHARE else ALIGNED_SMALL
        return replace(aligned, jitter=MOST_JITTER * (1 - _falling(done, *IN_PLACE)))
    return CROWDED if rng.random() < CROWDED_SHARE else TRAINING


def dense_batch(recipe: Recipe, step: int) -> DenseBatch:
    scenes = []
    for row in range(recipe.dense_rows):
        rng = random.Random(f"dense {recipe.seed} {step} {row}")
        scenes.append(draw_scene(rng, dense_style(rng, step / recipe.dense_steps)))
    return encode_dense(processor(), scenes)


def turns_of(rng: random.Random, scene: Scene, questions: int) -> list[Turn]:
    """What is said about one scene: questions, at times a caption, a few sentences of prose, self-written pairs."""
    turns = [Turn(a.question, a.answer, kind=a.type) for a in ask_several(scene, rng, questions, TAUGHT)]
    if rng.random() < CAPTION_SHARE:
        turns.append(Turn(rng.choice(CAPTION_WORDINGS), caption(scene, rng), CAPTION_WEIGHT, "caption"))
    if rng.random() < PROSE_SHARE:
        turns.append(Turn(rng.choice(scene_prose.WORDINGS), scene_prose.prose(scene, rng), PROSE_WEIGHT, "prose"))
    for kind in rng.sample(QUESTION_TYPES, rng.randint(0, MOST_PAIRS)):
        tries = (ask(scene, rng, kind) for _ in range(PAIR_TRIES))
        asked = next((a for a in tries if a and points_surely(a.question)), None)
        if asked:
            prompt = prompts.write_pair(None if rng.random() < UNTYPED_SHARE.get(kind, 0.3) else kind)
            turns.append(Turn(prompt, prompts.pair_text(asked.question, asked.answer), PAIR_WEIGHT, "pair"))
    return turns


def question_batch(recipe: Recipe, framing: Framing, step: int) -> TaughtBatch:
    examples, scenes = [], []
    for row in range(recipe.rows):
        rng = random.Random(f"questions {recipe.seed} {step} {row}")
        scene = draw_scene(rng)
        turns = turns_of(rng, scene, rng.randint(recipe.questions // 2, recipe.questions))
        for number in range(recipe.texts):
            written = texts.example_at(recipe.seed, (step * recipe.rows + row) * recipe.texts + number)
            turns.append(Turn(written.prompt, written.answer, TEXT_WEIGHT / recipe.texts, "text", sees_image=False))
        examples.append(Example(scene.picture, tuple(turns)))
        scenes.append(scene)
    questions = encode(framing, examples)
    return TaughtBatch(questions, DenseBatch(questions.inputs["pixel_values"], *stacked_targets(scenes)))


class _Log:
    """Progress to a JSONL file and, at times, as a line to the terminal."""

    def __init__(self, path: Path, stage: str, every: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.stage, self.every, self.began = path, stage, every, time.monotonic()
        self.sums: dict[str, list[float]] = {}

    def __call__(self, progress: Progress) -> None:
        for name, value in progress.figures.items():
            self.sums.setdefault(name, []).append(value)
        if progress.step % self.every and progress.step != progress.total:
            return
        means = {name: round(sum(values) / len(values), 4) for name, values in self.sums.items()}
        self.sums.clear()
        seconds = round(time.monotonic() - self.began)
        row = {"stage": self.stage, "step": progress.step, "of": progress.total, "seconds": seconds}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row | means) + "\n")
        print(row | means, flush=True)


def _run(events, log: _Log) -> None:
    for event in events:
        if isinstance(event, Progress):
            log(event)


def take_weights(module: torch.nn.Module, folder: Path) -> None:
    """Starts from the newest whole checkpoint of an earlier run: every weight whose name and shape it has.

    Raises:
        TrainingError: there is no whole checkpoint in the folder.
    """
    path = checkpoint.newest(folder)
    if path is None:
        raise TrainingError(f"There is no whole checkpoint in {folder}.", "Name the folder of an earlier run's stage.")
    own = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in checkpoint.load(path).tensors["weights"].items():
            if name in own and own[name].shape == value.shape:
                own[name].copy_(value)


def optimizer_groups(dense: DenseModel, vision_scale: float = 1.0) -> list[dict]:
    """What is trained, by learning rate and optimiser: the layers' matrices by Muon, embeddings, norms, heads by AdamW.

    Args:
        vision_scale: the vision tower's share of the learning rate.
    """
    vision = {id(parameter) for parameter in dense.nano.model.vision_model.parameters()}
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in dense.named_parameters():
        if parameter.requires_grad:
            matrix = parameter.ndim == 2 and name.startswith("nano.") and "embed" not in name
            groups.setdefault((id(parameter) in vision, matrix), []).append(parameter)
    return [
        {"params": parameters, "scale": vision_scale if seeing else 1.0, "orthogonal": matrix}
        for (seeing, matrix), parameters in groups.items()
    ]


def pretrain(
    recipe: Recipe, work: Path, device: str, start: Path | None = None
) -> Idefics3ForConditionalGeneration:
    """Both stages, resumed from `work` where they were stopped. Returns the trained model.

    `start` is the folder of an earlier run's stage, `dense` or `whole`, whose weights this one begins with.
    """
    torch.manual_seed(recipe.seed)
    model = build_model(processor().tokenizer).to(device)
    if device == "cpu":
        model.set_attn_implementation("eager")  # 1.2 times as fast there as the fused kernel
    dense = DenseModel(model, processor().tokenizer).to(device)
    if start is not None:
        take_weights(dense, start)
    options = FitOptions(
        recipe.dense_steps, recipe.dense_rate, warmup=60, weight_decay=0.02,
        save_every=recipe.save_every, loader_processes=recipe.loader_processes,
    )  # fmt: skip
    batch_at = functools.partial(dense_batch, recipe)
    events = fit(dense, batch_at, dense_loss, options, work / "dense", optimizer_groups(dense))
    _run(events, _Log(work / "log.jsonl", "dense", 25))

    model.requires_grad_(True)
    options = FitOptions(
        recipe.steps, recipe.rate, warmup=100, weight_decay=0.03,
        save_every=recipe.save_every, loader_processes=recipe.loader_processes,
    )  # fmt: skip
    batch_at = functools.partial(question_batch, recipe, Framing(processor()))
    events = fit(dense, batch_at, taught_loss, options, work / "whole", optimizer_groups(dense, VISION_SCALE))
    _run(events, _Log(work / "log.jsonl", "whole", 50))
    return model


def ship(model: Idefics3ForConditionalGeneration, folder: Path) -> None:
    """Writes bf16 weights, tokenizer, processor and generation config, as the Auto classes load them."""
    model.to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)
    processor().save_pretrained(folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m leaml.nano.pretrain", description="Trains nano from scratch.")
    parser.add_argument("--work", type=Path, required=True, help="folder of checkpoints and log; resumes a run in it")
    parser.add_argument("--out", type=Path, help="folder for the finished model")
    parser.add_argument("--start", type=Path, help="a stage's checkpoints whose weights to begin with")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for field in fields(Recipe):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, default=field.default)
    chosen = vars(parser.parse_args(arguments))
    work, out, start, device = (chosen.pop(name) for name in ("work", "out", "start", "device"))
    logging.basicConfig(level=logging.WARNING)
    try:
        model = pretrain(Recipe(**chosen), work, device, start)
        if out:
            ship(model, out)
    except LeamlError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # the log or the finished model; checkpoints have their own error
        print(f"{error.filename or work} cannot be written: {error.strerror or error}. {GO_ON}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped. {GO_ON}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
