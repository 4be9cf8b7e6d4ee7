"""Distil: one press queues both jobs, the stations follow the store, and nothing starts twice."""

import json
import re

import pytest

from app.captioning import warning
from app.context import Context
from app.screens.distil import Distil, plan, stations
from app.texts import distil as texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.options import CaptionOptions, DistilOptions, GenerateOptions
from tests.app.small_project import small_project, suggest


@pytest.fixture
def screen(context, build) -> Distil:
    return build(Distil(context))


def typed(screen: Distil, **changed) -> list:
    names, inputs = screen.learning.names + screen.writing.names, screen.learning.inputs + screen.writing.inputs
    return [changed.get(name, part.value) for name, part in zip(names, inputs, strict=True)]


def jobs(screen: Distil) -> list[queue.Job]:
    return queue.jobs(screen.context.project)


def standing(screen: Distil) -> dict[str, str]:
    project = screen.context.project
    drawn = stations(project.overview(), jobs(screen))
    return dict(zip(texts.STATIONS, re.findall(r'<li class="(\w+)"', drawn), strict=True))


def test_one_press_queues_learning_and_then_writing_with_its_model(screen):
    screen.begin(*typed(screen, steps=20, model="other", temperature=0.5))
    writing, learning = jobs(screen)
    assert learning.stage_options() == DistilOptions(steps=20, model="other")
    assert writing.stage_options() == GenerateOptions(model="other", temperature=0.5)
    assert writing.after == learning.id
    assert (learning.person, learning.command.split()[:3]) == ("Me", ["python", "launch.py", "distill"])


def test_a_second_press_is_refused_while_the_first_runs(screen):
    screen.begin(*typed(screen))
    with pytest.raises(OptionError):
        screen.begin(*typed(screen))
    with pytest.raises(OptionError):
        screen.write(*typed(screen))
    assert len(jobs(screen)) == 2


def test_options_that_cannot_be_used_queue_nothing(screen):
    with pytest.raises(OptionError):
        screen.begin(*typed(screen, temperature=9))
    assert jobs(screen) == []


def test_without_labels_it_says_what_to_do(tmp_path, build):
    small_project(tmp_path / "home" / "empty")
    screen = build(Distil(Context(tmp_path / "home")))
    with pytest.raises(DataError):
        screen.begin(*typed(screen))
    updates = screen.refresh(True)
    assert updates[screen.start]["visible"] is False
    assert updates[screen.label]["visible"] is True
    assert texts.NO_LABELS in screen.describe(*typed(screen))


def test_writing_alone_takes_the_newest_generator(screen):
    screen.write(*typed(screen))
    (job,) = jobs(screen)
    assert (job.kind, job.after, job.stage_options().generator) == ("generate", None, None)


def test_the_plan_names_labels_captions_and_the_share_that_is_typed(screen):
    project = screen.context.project
    project.add_captions(None, [(1, "A polyp.", "file"), (2, "Nothing.", "file")])
    words = plan(project, project.overview(), DistilOptions(fraction=0.07))
    assert texts.plan(1, 2, "changing 7 % of the neurons") in words
    assert "7 %" in screen.describe(*typed(screen, fraction=0.07))
    assert "a LoRA of rank 4" in screen.describe(*typed(screen, train="lora", rank=4))
    assert "every weight" in screen.describe(*typed(screen, train="all"))


def test_the_plan_says_how_long_it_takes_once_that_is_known(screen):
    project = screen.context.project
    ran = {"state": "done", "total": 100, "started": "2026-01-01T00:00:00.000Z", "ended": "2026-01-01T00:05:00.000Z"}
    for kind, options in (("distil", DistilOptions()), ("generate", GenerateOptions())):
        project.db.update("jobs", queue.submit(project, kind, options), ran)
    assert "About 8 min" in plan(project, project.overview(), DistilOptions(steps=150))


def test_stations_follow_the_jobs(screen):
    project = screen.context.project
    assert standing(screen) == {"caption": "todo", "score": "todo", "distil": "todo", "generate": "todo"}
    project.add_captions(None, [(1, "A polyp.", "file")])
    screen.begin(*typed(screen))
    writing, learning = jobs(screen)
    project.db.update("jobs", learning.id, {"state": "running"})
    assert standing(screen) == {"caption": "done", "score": "now", "distil": "todo", "generate": "todo"}
    project.db.update("jobs", learning.id, {"step": 5, "total": 150})
    assert standing(screen) == {"caption": "done", "score": "done", "distil": "now", "generate": "todo"}
    project.db.update("jobs", learning.id, {"state": "done"})
    project.db.update("jobs", writing.id, {"state": "running"})
    assert standing(screen) == {"caption": "done", "score": "done", "distil": "done", "generate": "now"}
    project.db.update("jobs", writing.id, {"state": "done"})
    assert standing(screen)["generate"] == "done"


def test_what_was_written_is_counted_and_leads_to_the_review(screen):
    project = screen.context.project
    job = queue.submit(project, "generate", GenerateOptions())
    assert job == 1, "suggest() writes for the first job"
    suggest(project, 2, "Is there a polyp?")
    suggest(project, 2, "Is there a snare?")
    suggest(project, 3, "Is there a polyp?")
    project.db.update("jobs", job, {"state": "done", "ended": "2026-01-01T00:00:00.000Z"})
    updates = screen.tick()
    assert texts.wrote(2, 3) in updates[screen.panel.part]["result"]
    assert updates[screen.review]["visible"] is True


def test_captions_are_offered_where_there_are_none_and_taken_from_a_file(screen, tmp_path):
    box = screen.refresh(True)[screen.captioning.box]
    assert box["open"] is True and box["label"] == texts.NO_CAPTIONS
    file = tmp_path / "captions.jsonl"
    rows = [{"image": "picture 2.png", "caption": "A polyp."}, {"image": "missing.png", "caption": "Nothing."}]
    file.write_text("\n".join(map(json.dumps, rows)))
    said = screen.take_captions(str(file))
    assert said.sentence == texts.took_captions(1, 1)
    assert screen.context.project.overview().captions == 1
    assert said.updates[screen.captioning.box]["open"] is False
    assert not file.exists(), "no copy of what was dropped stays"


def teacher(screen: Distil, name: str, server: str = "", model: str = "nano") -> list:
    return [name, server, model, *(part.value for part in screen.captioning.form.inputs)]


def test_a_local_model_writes_captions_by_a_job(screen):
    screen.begin_captions(*teacher(screen, "here", server="http://left.over"))
    (job,) = jobs(screen)
    assert job.kind == "caption" and job.stage_options() == CaptionOptions()


def test_a_server_is_asked_only_at_an_address_and_after_saying_what_leaves(screen):
    with pytest.raises(OptionError, match="not the address"):
        screen.begin_captions(*teacher(screen, "server"))
    assert jobs(screen) == []
    teaching = screen.captioning
    shown = teaching.choose("server", "http://10.0.0.5:8000")
    assert shown[teaching.server]["visible"] is True and shown[teaching.start]["visible"]
    assert "leaves this computer" in shown[teaching.leaves]
    assert not shown[teaching.file]["visible"]
    assert "&lt;b&gt;" in warning("http://<b>") and "<b>" not in warning("http://<b>") and warning(" ") == ""
    screen.begin_captions(*teacher(screen, "server", "http://10.0.0.5:8000", "seer"))
    assert jobs(screen)[0].stage_options() == CaptionOptions(server="http://10.0.0.5:8000", model="seer")
    again = screen.refresh(True)
    assert again[screen.captioning.teacher] == "server" and again[screen.captioning.server]["value"] == "http://10.0.0.5:8000"
    assert "10.0.0.5:8000" in again[screen.captioning.leaves] and not again[screen.captioning.file]["visible"]


def test_a_file_needs_nothing_else(screen):
    shown = screen.captioning.choose("file", "")
    assert shown[screen.captioning.file]["visible"]
    teacher = screen.captioning
    assert {shown[part]["visible"] for part in (teacher.server, teacher.model)} == {"hidden"}
    assert not shown[teacher.start]["visible"]
    assert shown[teacher.leaves] == ""


def test_the_form_shows_what_the_last_run_took_and_keeps_what_is_typed(screen):
    screen.begin(*typed(screen, steps=77))
    assert screen.refresh(True)[screen.learning.inputs[screen.learning.names.index("steps")]] == 77
    assert not set(screen.refresh(False)) & {*screen.learning.inputs, *screen.writing.inputs, *screen.captioning.inputs}


def test_the_form_as_commands(screen):
    lines = screen.commands(*typed(screen, steps=20)).splitlines()
    assert [line.split()[2] for line in lines] == ["distill", "generate"]
    assert "--steps 20" in lines[0]
