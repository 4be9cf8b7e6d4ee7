"""The app as its user meets it, in Chromium: label, distil with a reload, review by keys, undo, adapt, compare, ask.

Jobs are real, with nano, on a phantom of a few pictures and with a few steps each. Screenshots lie in .ci/output.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from leaml.options import ImportOptions
from leaml.store.importing import import_folder
from leaml.store.project import Project
from tests.tiny_loop import write_phantom

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / ".ci" / "output"
PATIENCE = 240_000
"""Milliseconds in which a job of a few steps ends on a busy machine."""
HOSTILE = "<img src=x onerror=document.title='hacked'> Is there a snare?"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """The app in a process of its own; its address."""
    command = [sys.executable, "-m", "app.main", "--home", str(home), "--no-browser"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.PIPE, text=True) as app:
        try:
            said = app.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert address, said
            yield address.group()
        finally:
            app.terminate()


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with one project: a small phantom, two of its pictures labelled."""
    folder = write_phantom(tmp_path_factory.mktemp("given") / "phantom")
    home = tmp_path_factory.mktemp("home")
    project = Project.create(home / "phantom", "Phantom")
    list(import_folder(project, folder, ImportOptions(folder=str(folder))))
    project.close()
    return home


class Visit:
    """Somebody at the app: a page, and what went wrong on it."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("request", self._note_address)

    def _note_address(self, request: Any) -> None:
        if not request.url.startswith((self.address, self.address.replace("http", "ws"), "data:", "blob:")):
            self.elsewhere.append(request.url)

    def open(self, key: str) -> None:
        self.settle()
        self.page.click(f"#tab-{key}-button")
        self.page.wait_for_selector(f"#tab-{key}-button[aria-selected=true]")

    def see(self, selector: str, text: str = "", patience: int = 30_000) -> str:
        """Waits until a part shows a text; returns all of what it shows."""
        found = self.page.locator(selector).filter(has_text=re.compile(text, re.IGNORECASE)).first
        found.wait_for(state="visible", timeout=patience)
        return found.inner_text()

    def settle(self) -> None:
        """Waits until the page is filled and every request answered: a key pressed earlier rightly does nothing."""
        self.page.wait_for_selector("body.begun", state="attached")
        self.page.wait_for_function("() => Object.keys(leaml.pending).length === 0")

    def press(self, key: str) -> None:
        self.settle()
        self.page.keyboard.press(key)

    def keep(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def set(self, option: str, value: str) -> None:
        field = self.page.locator(f"#{option} input")
        field.fill(value)
        field.press("Tab")


@pytest.fixture
def visit(chromium: Any, home: Path) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    with serving(home) as address:
        visit = Visit(context.new_page(), address)
        visit.page.set_default_timeout(30_000)
        visit.page.goto(address)
        try:
            yield visit
        finally:
            visit.keep("last")
            context.close()


def test_from_the_first_label_to_the_comparison(visit, home):
    label_one(visit)
    distil(visit)
    review(visit)
    adapt(visit)
    compare(visit)
    ask(visit)
    assert "hacked" not in visit.page.title()
    assert visit.errors == []
    assert visit.elsewhere == []
    project = Project.open(home / "phantom")
    verdicts = project.db.rows("verdicts", withdrawn=0)
    assert len(verdicts) == 2, "three were judged, one was taken back"
    assert [label.question for label in project.pairs(origin="label")][-1] == HOSTILE


def label_one(visit: Visit) -> None:
    visit.open("label")
    visit.see("#label-form .label-question", "Is there")
    visit.keep("label")
    visit.press("2")
    visit.page.click("#label-form [data-part=own]")
    visit.page.fill("#label-form [data-part=own-question]", HOSTILE)
    visit.page.keyboard.press("Enter")
    visit.see("#label-form .label-question", "Is there a snare")
    visit.page.locator("#label-form .label-open").get_by_role("button", name="yes").click()
    visit.page.reload()  # nothing typed is lost
    visit.see("#label-form .label-rows", "Is there a snare")
    before = visit.see("#label-form .label-place")
    visit.press("Control+Enter")
    visit.page.wait_for_function(
        "before => document.querySelector('#label-form .label-place')?.textContent !== before", arg=before
    )
    visit.see("#tab-label-button", r"Label ✓")


def distil(visit: Visit) -> None:
    visit.open("distil")
    visit.see("#distil-plan", "Learn to write questions")
    visit.page.click("#distil-options button.label-wrap")
    visit.set("distil-steps", "6")
    visit.set("generate-least_agreement", "0")
    visit.page.click("#distil-start")
    visit.see("#job-chip", "Learning|Distil", patience=PATIENCE)
    visit.keep("distil-running")
    visit.page.reload()
    visit.see("#job-chip", patience=60_000)
    visit.see("#distil-job", "suggestions", patience=PATIENCE)
    visit.see("#distil-map", "neurons")
    visit.keep("distil-done")


def review(visit: Visit) -> None:
    visit.open("review")
    for keys in ("a", "a", "x1"):
        before = visit.see("#review-card .card-standing")
        for key in keys:
            visit.press(key)
        visit.page.wait_for_function(
            "before => ![null, undefined, before].includes("
            "document.querySelector('#review-card .card-standing')?.innerText)",
            arg=before,
        )
    visit.keep("review")
    visit.press("u")
    visit.see("#review-card .card-said", "took back")


def adapt(visit: Visit) -> None:
    visit.open("adapt")
    visit.page.click("#adapt-options button.label-wrap")
    visit.set("adapt-steps", "4")
    visit.page.click("#adapt-start")
    visit.see("#adapt-job", "done", patience=PATIENCE)
    visit.keep("adapt-done")


def compare(visit: Visit) -> None:
    visit.open("compare")
    visit.page.click("#compare-start")
    visit.see("#compare-table", "guessing", patience=PATIENCE)
    visit.keep("compare")


def ask(visit: Visit) -> None:
    visit.settle()
    visit.page.fill("[data-part=question]", "Is there a polyp in the image?")
    visit.page.click("[data-part=ask]")
    visit.see("#compare-answers", "% sure", patience=PATIENCE)
    visit.keep("asked")
