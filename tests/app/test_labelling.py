"""Labelling in Chromium by keys alone: five pictures, marks, what cannot be told, drafts that survive, undo."""

import socket

import pytest

from app import main
from app.frame import Frame
from app.screens.label import Label
from leaml.store.project import Template
from tests.app.small_project import HOSTILE, YES_NO, small_project

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    small_project(home / "polyps", ("train",) * 12).close()
    context = main.open_home(home)
    page = Frame(context, [Label(context)]).build()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield main.serve(page, context, port), context
    page.close(verbose=False)


@pytest.fixture(scope="module")
def desk(chromium, address):
    """Somebody at the Label screen, on a picture that nobody has seen yet: tests leave it at one."""
    where, context = address
    project = context.project
    project.set_templates("Me", [Template("Is there a polyp?", "yes/no", YES_NO), Template("How many?", "count")])
    browser = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = browser.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{where}#label")
    page.wait_for_selector("body.begun", state="attached")
    page.wait_for_selector("#label-form .label-question")
    yield Desk(page, project)
    browser.close()


class Desk:
    def __init__(self, page, project) -> None:
        self.page, self.project = page, project

    def settle(self) -> None:
        self.page.wait_for_function("() => Object.keys(leaml.pending).length === 0")

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.settle()
            self.page.keyboard.press(key)

    def text(self, part: str) -> str:
        self.settle()
        return self.page.text_content(f"#label-form {part}")

    def place(self) -> str:
        return self.text(".label-place")

    def go_on(self, *keys: str) -> None:
        """Presses keys and waits for another picture."""
        before = self.place()
        self.keys(*keys)
        self.page.wait_for_function(
            "before => document.querySelector('.label-place')?.textContent !== before", arg=before
        )


def test_five_pictures_by_keys_alone(desk):
    for answers in (("1", "2"), ("2", "0"), ("1", "3"), ("3", "t"), ("2", "1")):
        desk.go_on(*answers, "Control+Enter")
    given = [(pair.question, pair.answer) for pair in desk.project.labels()]
    assert given.count(("Is there a polyp?", "yes")) == 2 and given.count(("How many?", "0")) == 1
    assert len(given) == 8
    assert sorted(remark.text for remark in desk.project.remarks()) == ["How many?", "Is there a polyp?"]
    desk.go_on("u")
    assert len(desk.project.labels()) == 6, "one undo takes back one picture"
    desk.go_on("Control+Enter")
    assert len(desk.project.labels()) == 8, "whose answers wait there as they were"


def test_saving_with_answers_left_open_is_confirmed_and_an_empty_picture_too(desk):
    before = desk.project.db.count("pairs")
    desk.keys("Control+Enter")
    assert "Nothing is answered" in desk.text(".card-alert")
    desk.keys("1", "Control+Enter")
    assert "One question has no answer" in desk.text(".card-alert")
    assert desk.project.db.count("pairs") == before
    desk.go_on("Control+Enter")
    assert desk.project.db.count("pairs") == before + 1
    desk.go_on("Control+Enter", "Control+Enter")
    assert desk.project.remarks(order="-id", limit=1)[0].kind == "nothing"
    desk.go_on("s", "1")
    assert desk.project.remarks(order="-id", limit=1)[0].text == "poor picture"


def test_what_was_begun_is_there_after_a_reload_marks_and_own_questions_included(desk):
    page = desk.page
    desk.keys("1", "b")
    page.wait_for_selector(".viewer-stage.marking")
    box = page.locator("#label-viewer .viewer-picture").bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 140, steps=3)
    page.mouse.up()
    page.click("#label-form [data-part=own]")
    page.keyboard.type(HOSTILE)
    page.reload()
    page.wait_for_selector("#label-form [data-part=own-question]")
    assert page.input_value("#label-form [data-part=own-question]") == HOSTILE
    assert "Remove mark" in desk.text(".label-open")
    assert page.locator("#label-viewer .viewer-marks polygon").count() == 2, "drawn light on dark"
    page.focus("[data-part=own-question]")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    desk.keys("1", "ArrowUp", "2")  # the own question, yes or no, and the number before it
    desk.go_on("Control+Enter")
    newest = desk.project.pairs(order="-id", limit=3)
    assert {pair.question for pair in newest} >= {HOSTILE, "How many?"}
    assert page.evaluate("() => window.hacked") is None
    marks = [row["marks"] for row in desk.project.db.rows("pairs", order="-id", limit=3) if row["marks"]]
    assert len(marks) == 1 and marks[0][0]["shape"] == "box"
