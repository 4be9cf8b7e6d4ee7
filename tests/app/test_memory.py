"""The line before Start says what is needed of what is free; where it is too much, one button each helps."""

import gradio as gr
import pytest

from app.context import Context
from app.forms import Form
from app.memory import MemoryLine, line
from app.texts import jobs as texts
from leaml.jobs import foretelling, queue
from leaml.jobs.foretelling import Advice, Foretold
from leaml.options import AdaptOptions
from tests.app.small_project import import_label, small_project

GIB = 2**30
FITS = Foretold({"weights": 2 * GIB, "image_tokens": GIB // 2}, free=20 * GIB)
ADVICE = (Advice("pictures_per_step", 2, 4 * GIB), Advice("checkpointing", True, 3 * GIB))
TOO_MUCH = Foretold({"weights": 15 * GIB}, free=8 * GIB, advice=ADVICE)


@pytest.fixture
def asked(monkeypatch) -> list:
    asked = []
    monkeypatch.setattr(foretelling, "ask", lambda project, kind, options: asked.append((kind, options)))
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    return asked


@pytest.fixture
def memory(tmp_path, asked) -> MemoryLine:
    project = small_project(tmp_path / "polyps")
    import_label(project, 1, "Is there a polyp?", "yes")
    form = Form("adapt", AdaptOptions)
    with gr.Blocks(analytics_enabled=False):
        form.build()
        made = MemoryLine(Context(tmp_path), "adapt", form)
        made.build()
    return made


def typed(memory: MemoryLine, **changed) -> list:
    return [changed.get(name, part.value) for name, part in zip(memory.form.names, memory.form.inputs, strict=True)]


def visible(memory: MemoryLine, updates: dict) -> list[str]:
    return [option for option, button in memory.buttons.items() if updates[button]["visible"]]


def test_what_nobody_knows_is_asked_for_and_then_said(memory, asked):
    updates = memory.describe(*typed(memory, rank=8))
    assert texts.FINDING_OUT in updates[memory.said] and asked == [("adapt", AdaptOptions(rank=8))]
    before = memory.turn()
    foretelling.tell(memory.context.project, "adapt", AdaptOptions(rank=8), FITS)
    assert memory.turn() != before, "the screen looks again"
    updates = memory.describe(*typed(memory, rank=8))
    assert texts.needs(FITS.total, FITS.free, False) in updates[memory.said]
    assert visible(memory, updates) == [] and len(asked) == 1


def test_while_a_job_runs_nobody_is_asked(memory, asked):
    project = memory.context.project
    project.db.update("jobs", queue.submit(project, "adapt", AdaptOptions()), {"state": "running"})
    assert memory.describe(*typed(memory))[memory.said] == "" and asked == []


def test_what_cannot_be_used_leaves_the_line(memory, asked):
    assert memory.describe(*typed(memory, rank=-1)) == {} and asked == []


def test_a_button_does_what_it_says(memory, asked):
    foretelling.tell(memory.context.project, "adapt", AdaptOptions(), TOO_MUCH)
    updates = memory.describe(*typed(memory))
    assert visible(memory, updates) == ["pictures_per_step", "checkpointing"]
    assert texts.TOO_MUCH in updates[memory.said]
    assert updates[memory.buttons["checkpointing"]]["value"] == "Compute layers twice: 3.0 GB"
    updates = memory.take("pictures_per_step", *typed(memory))
    place = memory.form.names.index("pictures_per_step")
    assert updates[memory.form.inputs[place]] == 2 and asked == [("adapt", AdaptOptions(pictures_per_step=2))]
    assert memory.take("precision", *typed(memory)) == {}, "nobody advised that"


def test_parts_are_folded_and_errors_are_text():
    said = line(FITS)
    assert said.startswith("<details") and texts.PARTS["image_tokens"] in said and "0.50 GB" in said
    assert "&lt;b&gt;" in line(Foretold(error="There is no <b>.", fix="Choose another."))
    assert line(Foretold()) == ""


def test_every_part_and_every_advice_has_its_words():
    from leaml.jobs.rehearsing import _ways
    from leaml.models.memory import Needed

    assert texts.PARTS.keys() == set(Needed.__dataclass_fields__)
    assert texts.ADVICE.keys() == {option for option, _ in _ways(AdaptOptions(), on_card=True)}
