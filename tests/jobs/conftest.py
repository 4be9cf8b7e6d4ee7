"""A small project on disk: twelve pictures of noise, a few labels, captions, a test set, and a tiny random model."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from leaml.jobs import processes, queue, worker
from leaml.store.project import Project
from tests import tiny_models

SPLITS = ("train",) * 8 + ("test",) * 3 + ("calibration",)
ASKED = (("Is there a polyp?", "yes", "yes/no"), ("Where is it?", "center", "location"))
PATIENCE = 120.0
"""Seconds that a test waits for a worker: it imports torch, on a machine that may be busy."""


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    """Folder of a tiny random model."""
    folder = tmp_path_factory.mktemp("model")
    small, processor = tiny_models.idefics3()
    small.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def project(tmp_path) -> Project:
    return make_project(tmp_path / "home" / "phantom")


def make_project(folder: Path) -> Project:
    """Labels on three train pictures and on the test pictures, captions on every train picture."""
    project = Project.create(folder, "Phantom")
    for number, split in enumerate(SPLITS):
        add_picture(project, number, split)
    for picture in project.pictures():
        if picture.id <= 3 or picture.split == "test":
            for question, answer, type in ASKED:
                project.add_label("Dr A", picture.id, question, answer, type)
    captions = [(picture.id, f"A colon with {picture.id} polyps.", "file") for picture in project.pictures("train")]
    project.add_captions(None, captions)
    return project


def add_picture(project: Project, number: int, split: str) -> None:
    file = f"images/{number}.png"
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(project.folder / file)
    values = {
        "file": file, "thumb": file, "stored_hash": str(number), "source_hash": str(number), "name": f"{number}.png",
        "split": split, "width": 32, "height": 32, "dhash": "0" * 16,
    }  # fmt: skip
    project.db.record("", "import", [("images", None, None, values)])


def until(condition: Callable[[], object], what: str) -> None:
    """Waits until something holds; fails, saying what did not come, after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited in vain: {what}")
        time.sleep(0.05)


def state(project: Project, id: int) -> str:
    """Of a job, as it is after looking who lives."""
    queue.reconcile(project)
    return queue.job(project, id).state


def finish(project: Project, id: int) -> queue.Job:
    """Waits for a job's end; the job then."""
    until(lambda: not queue.job(project, id).active or state(project, id) not in queue.ACTIVE, f"the end of job {id}")
    return queue.job(project, id)


@pytest.fixture
def no_processes(monkeypatch):
    """Workers run when a test says so."""

    class Child:
        def poll(self) -> None:
            return None

    monkeypatch.setattr(processes, "start_alone", lambda *_: Child())
    monkeypatch.setattr(queue, "_spawned", [])
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_LOOKS", 0.0)
