"""What the tests of the screens share: a small project, and a screen built without a page around it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.context import Context
from leaml.jobs import queue
from tests.app.small_project import import_label, small_project


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A project with one label open; no job is started."""
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    project = small_project(tmp_path / "polyps")
    import_label(project, 1, "Is there a polyp?", "yes")
    project.close()
    return Context(tmp_path)


@pytest.fixture
def build() -> Callable[[Any], Any]:
    """Builds a screen."""

    def built(screen: Any) -> Any:
        with gr.Blocks(analytics_enabled=False):
            screen.build()
        return screen

    return built
