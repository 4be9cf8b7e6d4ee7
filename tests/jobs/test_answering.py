"""The answering process: streams what a model says, can be interrupted, and leaves when the device is wanted."""

import math
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from leaml.jobs import answering as module
from leaml.jobs.answering import Answering
from leaml.jobs.locks import device
from leaml.jobs.serving import BUSY
from leaml.models.adapters import add_lora
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.writing import Request, write
from leaml.store.project import Project
from tests.jobs.conftest import PATIENCE, make_project, until

QUESTION = "Is there a polyp?"
LONG = 200
"""Tokens: the random model does not end by itself."""


@pytest.fixture(scope="module")
def project(tmp_path_factory, model) -> Project:
    """With one adapter, of which every weight was moved."""
    project = make_project(tmp_path_factory.mktemp("home") / "phantom")
    folder = project.folder / "runs" / "1" / "adapter"
    adapted = add_lora(load(model).model, 2, 2, "answers")
    with torch.no_grad():
        for number, parameter in enumerate(p for p in adapted.parameters() if p.requires_grad):
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    adapted.save_pretrained(folder, selected_adapters=["answers"])
    project.add_adapter(
        None, name="adapted 1", role="answers", kind="lora", folder=folder / "answers", base=model, bytes=1,
        trained_weights=1,
    )  # fmt: skip
    return project


@pytest.fixture(scope="module")
def shared(project):
    """One child for the tests that need no child of their own."""
    asks = Answering(project)
    yield asks
    asks.close()


@pytest.fixture
def own(project):
    """A child of the test's own."""
    asks = Answering(project)
    yield asks
    asks.close()


@pytest.fixture
def picture(project) -> Path:
    return project.picture(1).path


def ask(answering: Answering, *words, **more) -> list[dict]:
    """All rows but those that say nothing new while nothing comes."""
    rows: list[dict] = []
    deadline = time.monotonic() + PATIENCE
    for row in answering.ask(*words, **more):
        assert time.monotonic() < deadline, "waited in vain for an answer"
        says_something = row.get("error") or row["text"] or row["done"] or row["message"]
        if says_something and row not in rows[-1:]:
            rows.append(row)
    return rows


def computing(project) -> AbstractContextManager[None]:
    """A job that has the device; whoever holds it is asked to leave."""
    deadline = time.monotonic() + PATIENCE

    def still_waiting() -> None:
        assert time.monotonic() < deadline, "waited in vain for the device"

    return device(project.folder.parent, still_waiting)


def test_base_and_adapter_answer_one_after_the_other_and_grow(project, shared, picture, model):
    rows = ask(shared, picture, QUESTION, [None, 1], max_tokens=6)
    done = [row for row in rows if row["done"]]
    assert [row["adapter"] for row in done] == [None, 1]
    assert any(row["message"] == "Loading the model" for row in rows)
    loaded = load(model)
    (base,) = write(loaded.model, Framing(loaded.processor), [Request(picture, QUESTION)], 6)
    assert done[0]["text"] == base.text != done[1]["text"]
    assert done[0]["probability"] == pytest.approx(math.exp(base.log_probability))
    for adapter in (None, 1):
        growing = [row["text"] for row in rows if row["adapter"] == adapter and not row["done"] and row["text"]]
        assert len(growing) > 2 and growing == sorted(growing, key=len)
        sure = [row["probability"] for row in rows if row["adapter"] == adapter and row["text"]]
        assert all(0 < probability <= 1 for probability in sure) and len(set(sure)) > 2


def test_an_answer_that_nobody_reads_ends_and_the_next_question_is_answered(shared, picture, model):
    ask(shared, picture, QUESTION, model=model, max_tokens=2)
    child = shared._child.pid
    growing = shared.ask(picture, QUESTION, [None], model, max_tokens=LONG)
    until(lambda: next(growing)["text"], "the first word")
    growing.close()
    assert ask(shared, picture, QUESTION, [1], max_tokens=2)[-1]["done"]
    growing = shared.ask(picture, QUESTION, [None], model, max_tokens=LONG)
    until(lambda: next(growing)["text"], "the first word")
    shared.cancel()
    assert len(list(growing)) < LONG
    assert ask(shared, picture, QUESTION, model=model, max_tokens=2)[-1]["done"]
    assert shared._child.pid == child


def test_where_a_model_looks_is_told_bit_by_bit_and_can_be_stopped(shared, picture, model):
    looking = shared.look(picture, QUESTION, "yes", model=model, choices=("yes", "no"))
    until(lambda: ": 16 of " in next(looking)["message"], "the first part")
    shared.cancel()
    assert not any("looked" in row for row in looking)
    *rows, done = shared.look(picture, QUESTION, "yes", model=model, choices=("yes", "no"))
    assert done["looked"]["answer"] == "yes" and any(": 16 of 85" in row["message"] for row in rows)


def test_errors_come_in_words_and_the_child_lives_on(shared, picture, tmp_path, model):
    assert "no adapted model 7" in ask(shared, picture, QUESTION, [7])[-1]["error"]
    row = ask(shared, tmp_path / "none.png", QUESTION, model=model)[-1]
    assert "is not there" in row["error"] and row["fix"]
    assert "no model folder" in ask(shared, picture, QUESTION, model=str(tmp_path / "none"))[-1]["error"]
    assert ask(shared, picture, QUESTION, model=model, max_tokens=2)[-1]["done"]


def test_one_question_at_a_time(shared, picture, model, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_FOR_OTHERS", 0.01)
    growing = shared.ask(picture, QUESTION, [None], model, max_tokens=LONG)
    next(growing)
    assert ask(shared, picture, QUESTION) == [module.OTHERS_ASK]
    growing.close()
    assert "error" not in ask(shared, picture, QUESTION, model=model, max_tokens=2)[-1]


def test_the_child_leaves_when_a_job_wants_the_device_and_comes_back(project, shared, picture, model):
    ask(shared, picture, QUESTION, model=model, max_tokens=2)
    child = shared._child
    with computing(project):
        assert child.wait(PATIENCE) == 0
        assert ask(shared, picture, QUESTION, model=model) == [BUSY]
    assert ask(shared, picture, QUESTION, model=model, max_tokens=2)[-1]["done"]
    assert shared._child.pid != child.pid


def test_a_child_that_was_killed_is_replaced(project, own, picture):
    with computing(project):
        assert ask(own, picture, QUESTION) == [BUSY]
        first = own._child
        first.kill()
        first.wait()
        assert ask(own, picture, QUESTION) == [BUSY]
        assert own._child.pid != first.pid


def test_a_child_that_cannot_live_is_said(own, picture, monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    assert ask(own, picture, QUESTION) == [module.GONE]


def test_the_child_leaves_when_nobody_asks_and_with_its_parent(project, picture):
    with computing(project):
        for seconds, ends in ((0.2, lambda asks: None), (600.0, Answering.close)):
            asks = Answering(project, idle_seconds=seconds)
            assert ask(asks, picture, QUESTION) == [BUSY]
            child = asks._child
            ends(asks)
            assert child.wait(PATIENCE) == 0
            asks.close()
