"""A home of projects for the verbs, a small phantom and model to work on, and a way to type commands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leaml import __main__ as command_line
from leaml.options import ImportOptions
from leaml.records import Pair
from leaml.store.importing import import_folder
from leaml.store.project import Project
from tests import tiny_loop

Type = Callable[..., int]


@pytest.fixture(scope="session")
def phantom(tmp_path_factory) -> Path:
    return tiny_loop.write_phantom(tmp_path_factory.mktemp("data") / "phantom")


@pytest.fixture(scope="session")
def model(phantom, tmp_path_factory) -> Path:
    return tiny_loop.write_model(tmp_path_factory.mktemp("model"), phantom)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Where the verbs find their projects."""
    monkeypatch.setenv("LEAML_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def leaml(home) -> Type:
    """`leaml("review", "list")` types that command, and returns its exit code."""
    return lambda *words: command_line.main([*map(str, words)])


@pytest.fixture
def project(home, phantom) -> Project:
    """A project with the phantom in it."""
    made = Project.create(home / "phantom", "Phantom")
    list(import_folder(made, phantom, ImportOptions(folder=str(phantom))))
    return made


@pytest.fixture
def suggestions(project) -> list[int]:
    """Three suggestions in the project that wait for a verdict, with more and more agreement."""
    unlabelled = project.pictures("train")[-1].id
    texts = ("Is there a snare?", "Is there a polyp?", "Is there stool?")
    pairs = [Pair(None, text, "no", "yes/no", ("yes", "no"), {"agreement": 0.3 * n}) for n, text in enumerate(texts, 1)]
    project.add_pairs(1, [(unlabelled, pair) for pair in pairs])
    return [pair.id for pair in project.pairs(status="suggested")]
