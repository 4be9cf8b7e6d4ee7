"""The choice of a model on the Project screen: what is known here, what is looked up, and the yes before a download."""

import gradio as gr
import pytest

from app.context import Context
from app.model_choice import ModelChoice
from leaml.errors import ModelError, OptionError
from leaml.jobs import processes, queue, stages
from leaml.jobs.choosing import chosen, with_chosen
from leaml.models import hub
from leaml.options import AdaptOptions, CaptionOptions, DownloadOptions, ImportOptions
from tests.local_hub import LocalHub, ask_here, empty_cache

ABOUT = {"config": {"model_type": "idefics3"}, "cardData": {"license": "<i>free"}}


@pytest.fixture
def choice(tmp_path, monkeypatch):
    """The built part, on a project of its own; no worker is started, and the hub's cache is empty."""
    empty_cache(monkeypatch, tmp_path / "cache")
    monkeypatch.setattr(processes, "start_alone", lambda *words: None)
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    context = Context(tmp_path / "home")
    context.home.mkdir()
    context.create("Polyps")
    choice = ModelChoice(context)
    with gr.Blocks():
        choice.build()
    return choice


@pytest.fixture
def server(tmp_path, monkeypatch):
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(2_000_000))
    with LocalHub({"clinic/tiny": folder}, **ABOUT) as server:
        ask_here(monkeypatch, server.address)
        yield server


def test_nano_is_here_and_others_say_what_looking_up_sends(choice):
    shown = choice.refresh(True)
    assert shown[choice.name]["value"] == "nano" and shown[choice.use]["visible"]
    assert shown[choice.box]["label"] == "Model: nano, which came with the program"
    other = choice.choose("Qwen/Qwen3-VL-4B-Instruct")
    assert "8.3 GB of memory, or 3.2 GB in 4 bits" in other[choice.facts] and "Apache 2.0" in other[choice.facts]
    assert "its name goes to huggingface.co" in other[choice.facts]
    assert other[choice.look_up]["visible"]
    assert not other[choice.use]["visible"] and not other[choice.download]["visible"]


def test_what_is_no_model_can_neither_be_looked_up_nor_used(choice):
    for name in ("", "no such folder", "/nowhere/at/all", "<script>", "~nobody-of-this-name", "a\0b"):
        shown = choice.choose(name)
        assert not shown[choice.look_up]["visible"] and not shown[choice.use]["visible"]
        assert "<script>" not in shown[choice.facts]
        with pytest.raises(ModelError, match="is not on this computer"):
            choice.take(name)


def test_size_and_licence_are_shown_and_only_then_the_download_is_offered(choice, server):
    shown = choice.look("clinic/tiny")
    assert "Licence: &lt;i&gt;free." in shown[choice.facts] and "2 MB to download" in shown[choice.facts]
    assert shown[choice.download]["visible"] and shown[choice.download]["value"] == "Download 2 MB"
    assert not any("resolve" in path for path in server.asked)
    with pytest.raises(OptionError, match="Nothing was looked up"):
        choice.begin("")
    choice.begin(shown[choice.offered])
    [job] = queue.jobs(choice.context.project)
    assert job.stage_options() == DownloadOptions(model="clinic/tiny", commit=server.commit)
    meanwhile = choice.choose("clinic/tiny")
    assert "being downloaded" in meanwhile[choice.facts] and not meanwhile[choice.look_up]["visible"]
    with pytest.raises(OptionError, match="being downloaded already"):
        choice.begin(shown[choice.offered])


def test_what_was_downloaded_can_be_used_without_another_word_from_the_hub(choice, server):
    before = choice.tick()[choice.again]
    choice.begin(choice.look("clinic/tiny")[choice.offered])
    project = choice.context.project
    [job] = queue.jobs(project)
    result = [*stages.work(project, job).events][-1]
    assert result.path == hub.cached(f"clinic/tiny@{server.commit}").folder and hub.is_fetched("clinic/tiny")
    project.db.update("jobs", job.id, {"state": "done"})
    assert choice.tick()[choice.again] != before  # has the page ask again what can be done
    asked = len(server.asked)
    assert choice.choose("clinic/tiny")[choice.use]["visible"]
    choice.take("clinic/tiny")
    assert chosen(project) == f"clinic/tiny@{server.commit}" and len(server.asked) == asked


def test_a_gated_model_is_explained_and_no_download_is_offered(choice, server):
    server.let_in, server.about = False, ABOUT | {"gated": "manual"}
    shown = choice.look("clinic/tiny")
    assert "is gated" in shown[choice.facts] and "log in here with" in shown[choice.facts]
    assert not shown[choice.download]["visible"]


def test_a_wrong_name_is_said_where_it_was_typed(choice, server):
    shown = choice.look("clinic/other")
    assert "There is no model clinic/other" in shown[choice.facts] and not shown[choice.download]["visible"]


def test_the_chosen_model_stands_in_every_form_but_the_teachers(choice, tmp_path):
    project = choice.context.project
    assert with_chosen(project, AdaptOptions()) == AdaptOptions() and chosen(project) is None
    (tmp_path / "model").mkdir()
    said = choice.take(f" {tmp_path / 'model'} ")
    assert said.updates[choice.box]["label"] == f"Model: {tmp_path / 'model'}"
    assert with_chosen(project, AdaptOptions()).model == chosen(project) == str(tmp_path / "model")
    assert with_chosen(project, CaptionOptions()).model == "nano"
    assert with_chosen(project, ImportOptions(folder="x")) == ImportOptions(folder="x")
    assert choice.refresh(True)[choice.name]["value"] == str(tmp_path / "model")
