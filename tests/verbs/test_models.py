"""`leaml models`, `download` and `use`: from nano to a real model, which is a small random one on a local hub here."""

import io
import json
import sys
from pathlib import Path

import pytest

from leaml.jobs import queue
from leaml.models import hub
from leaml.models.families import KNOWN
from leaml.store.project import Project
from tests.local_hub import LocalHub, ask_here, empty_cache

ROOT = Path(__file__).parents[2]
NAME = "clinic/tiny"
ABOUT = {"config": {"model_type": "idefics3"}, "cardData": {"license": "apache-2.0"}}


@pytest.fixture
def server(model, monkeypatch, tmp_path):
    empty_cache(monkeypatch, tmp_path / "cache")
    with LocalHub({NAME: model}, **ABOUT) as server:
        ask_here(monkeypatch, server.address)
        yield server


def test_models_are_listed_with_licence_memory_and_what_is_here(leaml, capsys, monkeypatch, tmp_path):
    empty_cache(monkeypatch, tmp_path)
    assert leaml("models") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(KNOWN) and lines[1].startswith("nano") and lines[1].endswith("yes")
    assert leaml("models", "--json") == 0
    rows = {row["model"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["google/medgemma-4b-it"]["licence"] == "Health AI Developer Foundations, gated"
    assert (rows["Qwen/Qwen3-VL-4B-Instruct"]["bf16"], rows["Qwen/Qwen3-VL-4B-Instruct"]["4bit"]) == ("8.3", "3.2")
    assert [name for name, row in rows.items() if row["here"]] == ["nano"]


def test_the_table_of_the_readme_is_printed(leaml, capsys):
    assert leaml("models", "--table") == 0
    printed = capsys.readouterr().out
    assert printed in (ROOT / "README.md").read_text(encoding="utf-8")
    head, rule, *rows = printed.splitlines()
    assert len(rows) == len(KNOWN) and {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    assert "[Qwen/Qwen3-VL-4B-Instruct](https://huggingface.co/Qwen/Qwen3-VL-4B-Instruct)" in rows[7]


def test_nothing_is_fetched_without_a_yes(leaml, server, capsys, monkeypatch):
    assert leaml("download", NAME) == 2  # nobody is there to ask
    said = capsys.readouterr().err
    assert "Licence: apache-2.0." in said and "to download" in said and "Add --yes." in said
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert leaml("download", NAME) == 2
    assert "was not fetched" in capsys.readouterr().err
    assert hub.cached(NAME) is None and not any("resolve" in path for path in server.asked)


def test_a_yes_that_is_typed_fetches_it(leaml, server, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert leaml("download", NAME, "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == f"{NAME}@{server.commit}"
    assert hub.cached(NAME).commit == server.commit


def test_from_nano_to_a_real_model_in_three_lines(leaml, home, server, capsys, monkeypatch):
    leaml("init", "Polyps")
    project = Project.open(home / "polyps")
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    assert leaml("use", NAME) == 2
    assert f"{NAME} is not on this computer." in capsys.readouterr().err

    assert leaml("download", NAME, "--yes") == 0
    assert leaml("use", NAME) == 0
    assert leaml("distill", "--detach") == 0

    [job] = queue.jobs(project)
    assert job.options["model"] == f"{NAME}@{server.commit}"  # the lineage of what comes of it
    assert "--model" in job.command
    assert leaml("adapt", "--model", "nano", "--detach") == 0
    assert queue.jobs(project)[0].options["model"] == "nano" and "--model nano" in queue.jobs(project)[0].command
