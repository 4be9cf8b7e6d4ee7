"""What the whole loop runs on in seconds: a small phantom, a random model that writes one pair, and jobs that run here.

    write_phantom(folder)             a folder in the import format, two pictures labelled
    write_model(folder, phantom)      a model folder
    run_jobs_here(monkeypatch)        a job is done when `submit` returns, in this process
"""

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import torch

from leaml.jobs import queue, worker
from leaml.models.framing import Framing
from leaml.nano import phantom
from leaml.records import QUESTION_TYPES, Question
from leaml.store.formats import read_folder
from leaml.training.batches import Example, answer_loss, encode
from leaml.training.distill import pair_turn
from leaml.training.loop import FitOptions, fit
from tests import tiny_models

IMAGES, SEED, LABELLED = 21, 3, 2
SPLITS = [phantom.split_of(index) for index in range(IMAGES)]
TRAIN = SPLITS.count("train")


def write_phantom(folder: Path) -> Path:
    phantom.write(folder, images=IMAGES, seed=SEED, labelled=LABELLED)
    return folder


def write_model(folder: Path, phantom_folder: Path) -> Path:
    """A random model that has learned to write one pair to every request, so that there is something to filter."""
    torch.manual_seed(0)
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    pair = Question(read_folder(phantom_folder).images[0], "Is it?", "no", "")
    turns = tuple(pair_turn(replace(pair, type=kind)) for kind in QUESTION_TYPES)
    batch = encode(framing, [Example(pair.image, turns)])
    list(fit(model, lambda _: batch, answer_loss, FitOptions(30, 1e-2, warmup=5)))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def run_jobs_here(monkeypatch) -> None:
    """Workers are calls, not processes: what they do is the same, and torch is loaded once."""

    def start_here(module: str, words: list[str], log: Path) -> SimpleNamespace:
        with log.open("a", encoding="utf-8") as output, redirect_stdout(output), redirect_stderr(output):
            code = worker.main(words)
        return SimpleNamespace(poll=lambda: code, pid=0)

    monkeypatch.setattr(queue.processes, "start_alone", start_here)
