"""Project: what to do next, importing by folder or by dropped files, findings, privacy, deletion."""

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from app.context import Context
from app.screens.project import ProjectScreen
from app.texts import project as texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.options import ImportOptions
from leaml.store.importing import import_folder


@pytest.fixture
def screen(context, build) -> ProjectScreen:
    return build(ProjectScreen(context))


def typed(screen: ProjectScreen) -> list:
    return [part.value for part in screen.form.inputs]


def leads(updates: dict, screen: ProjectScreen) -> list[str]:
    return [key for key, button in screen.leads.items() if updates[button]["visible"]]


def test_the_next_step_is_one_sentence_and_one_button(screen):
    updates = screen.tick()
    assert leads(updates, screen) == ["distil"]
    assert texts.STEPS[screen.context.project.overview().next_step][0] in updates[screen.next]


def test_without_a_project_it_offers_to_make_one(tmp_path, build):
    screen = build(ProjectScreen(Context(tmp_path)))
    updates = screen.refresh(True)
    assert texts.NO_PROJECTS in updates[screen.next] and leads(updates, screen) == []
    assert updates[screen.importing]["visible"] is False
    screen.create("Polyps")
    assert screen.refresh(True)[screen.importing]["open"] is True


def test_while_pictures_come_in_it_says_so(screen, tmp_path):
    queue.submit(screen.context.project, "import", ImportOptions(folder=str(tmp_path)))
    updates = screen.tick()
    assert texts.ARRIVING in updates[screen.next] and leads(updates, screen) == []


def test_a_folder_is_imported_by_a_job(screen, tmp_path):
    screen.import_folder(f" {tmp_path} ", *typed(screen))
    (job,) = queue.jobs(screen.context.project)
    assert (job.kind, job.stage_options()) == ("import", ImportOptions(folder=str(tmp_path.resolve())))
    assert str(tmp_path.resolve()) in job.command


@pytest.mark.parametrize("folder", ["", "  ", "/no/such/folder"])
def test_a_folder_that_is_not_there_queues_nothing(screen, folder):
    with pytest.raises(DataError):
        screen.import_folder(folder, *typed(screen))
    assert queue.jobs(screen.context.project) == []


def test_dropped_files_are_imported_and_the_field_is_emptied(screen, tmp_path):
    file = tmp_path / "uploads" / "new.png"
    file.parent.mkdir()
    Image.new("RGB", (20, 20)).save(file)
    updates = screen.import_files([str(file)], *typed(screen))
    (job,) = queue.jobs(screen.context.project)
    assert [path.name for path in Path(job.options["folder"]).iterdir()] == ["new.png"]
    assert updates[screen.files] is None
    project = screen.context.project
    project.db.update("jobs", job.id, {"state": "done"})
    screen.tick()
    assert not Path(job.options["folder"]).exists()


def test_options_that_cannot_be_used_leave_dropped_files_where_they_are(screen, tmp_path):
    file = tmp_path / "new.png"
    file.touch()
    values = typed(screen)
    values[screen.form.names.index("test_share")] = 5
    with pytest.raises(OptionError):
        screen.import_files([str(file)], *values)
    assert file.exists()


def test_findings_are_shown_with_what_was_refused_as_text(screen, tmp_path):
    folder = tmp_path / "given"
    (folder / "images").mkdir(parents=True)
    Image.effect_noise((64, 64), 90).convert("RGB").save(folder / "images" / "good.png")
    (folder / "images" / "<b>bad.png").write_text("no picture")
    list(import_folder(screen.context.project, folder, ImportOptions(folder=str(folder))))
    shown = screen.tick()[screen.findings]
    assert "1 picture taken" in shown and texts.REFUSED in shown
    assert "&lt;b&gt;bad.png" in shown and "<b>bad" not in shown


def test_titles_are_text(screen):
    screen.context.create("<script>alert(1)</script>")
    cards = screen.tick()[screen.cards]
    assert "&lt;script&gt;" in cards and "<script>" not in cards
    assert 'data-project="polyps"' in cards, "the other one can be opened"


def test_privacy_says_who_reaches_it_and_where_the_files_are(screen):
    screen.context.address = "http://127.0.0.1:7860/"
    shown = screen.tick()[screen.privacy]
    assert "http://127.0.0.1:7860/" in shown and str(screen.context.project.folder) in shown


def test_a_project_is_deleted_by_its_name_and_not_while_a_job_runs(screen, tmp_path):
    with pytest.raises(OptionError):
        screen.remove("Another")
    job = queue.submit(screen.context.project, "import", ImportOptions(folder=str(tmp_path)))
    with pytest.raises(OptionError):
        screen.remove("Polyps")
    screen.context.project.db.update("jobs", job, {"state": "done"})
    assert screen.remove("Polyps").sentence == texts.DELETED
    assert screen.context.project is None


def test_the_import_as_a_command(screen):
    line = screen.command("/pictures", *typed(screen))
    assert line.startswith("python launch.py import /pictures --project")


def test_the_screen_shows_no_more_than_one_button_to_press_first(screen):
    filled = [part for part in vars(screen).values() if isinstance(part, gr.Button) and part.variant == "primary"]
    assert filled == [screen.take_folder], "beside the one that leads to the next step"


def test_a_data_set_of_the_hub_is_imported_by_its_name(screen):
    screen.import_folder("hub:owner/name", *typed(screen))
    (job,) = queue.jobs(screen.context.project)
    assert job.options["folder"] == "hub:owner/name"
    with pytest.raises(DataError, match="names no data set"):
        screen.import_folder("hub:name", *typed(screen))


def test_a_backup_is_kept_and_comes_back_as_a_project_of_its_own(screen):
    keeping, context = screen.keeping, screen.context
    said = keeping.keep()
    (name,) = said.updates[keeping.file]["choices"]
    assert (context.home / "backups" / name).is_file() and name in said.sentence
    assert "pictures" in said.updates[keeping.room]
    assert "Polyps" in keeping.bring_back(name).sentence
    assert context.names() == ["polyps", "polyps-2"] and context.project.name == "polyps-2"
    assert len(context.project.labels(split=None)) == len(context.get("polyps").labels(split=None)) > 0


def test_a_copy_is_opened_and_may_not_be_made_while_a_job_runs(screen, tmp_path):
    screen.keeping.duplicate(" Second reader ")
    assert screen.context.project.title == "Second reader" and screen.context.names() == ["polyps", "second-reader"]
    with pytest.raises(DataError, match="no name"):
        screen.keeping.duplicate("  ")
    queue.submit(screen.context.project, "import", ImportOptions(folder=str(tmp_path)))
    for act in (screen.keeping.keep, lambda: screen.keeping.duplicate("Third")):
        with pytest.raises(DataError, match="still runs"):
            act()


@pytest.mark.parametrize("file", ["", None, "nowhere.zip", "../no/such.zip", "/no/such.zip"])
def test_a_backup_that_is_not_there_is_named(screen, file):
    with pytest.raises(DataError, match="No such backup"):
        screen.keeping.bring_back(file)
    assert screen.context.names() == ["polyps"]


def test_a_new_project_says_what_it_needs_until_work_has_begun(screen, tmp_path, build):
    fresh = build(ProjectScreen(Context(tmp_path / "new")))
    (tmp_path / "new").mkdir()
    fresh.create("Polyps")
    shown = fresh.tick()[fresh.next]
    assert shown.count("<li") == 5 and "import a folder" in shown and "The model is nano" in shown
    project = screen.context.project
    project.add_captions(None, [(1, "A polyp.", "file")])
    assert "<li" not in screen.tick()[screen.next]
