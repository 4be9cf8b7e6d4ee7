"""What the tests of the screens share: one Chromium, a project of its own for each test, a screen that shows it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.small_project import copy_of
from tests.conftest import CHROMIUM


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def project(original, tmp_path):
    """A copy of the test file's `original`, for one test to change."""
    project = copy_of(original, tmp_path / "polyps")
    yield project
    project.close()


@pytest.fixture
def screen(built, project):
    """The test file's `built` screen, on that project."""
    built.context.project = project
    return built
