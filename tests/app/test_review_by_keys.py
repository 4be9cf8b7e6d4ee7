"""Ten suggestions reviewed in the real app by the keyboard alone: the mouse is never touched."""

import pytest

from leaml.review.settings import set_review_settings
from leaml.store.project import Project
from tests.app.small_project import HOSTILE, small_project, suggest
from tests.app.test_journey import Visit, serving

pytestmark = pytest.mark.browser


@pytest.fixture
def home(tmp_path):
    """A home with twelve suggestions on four pictures; one of them is hostile."""
    project = small_project(tmp_path / "home" / "polyps")
    for number in range(12):
        question = HOSTILE if number == 3 else f"Is there a polyp in sector {number}?"
        suggest(project, 1 + number % 4, question, agreement=0.5 + number / 100)
    set_review_settings(project, "", repeats=0, known_wrong=0)
    project.close()
    return tmp_path / "home"


def test_ten_suggestions_by_keys_alone(chromium, home):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    with serving(home) as address:
        visit = Visit(context.new_page(), address)
        visit.page.set_default_timeout(30_000)
        visit.page.goto(address)
        try:
            review(visit)
        finally:
            visit.keep("review-by-keys")
            context.close()
    assert visit.errors == [] and visit.elsewhere == []
    project = Project.open(home / "polyps")
    rows = project.db.rows("verdicts", withdrawn=0)
    assert len(rows) == 10 and all(row["seconds"] for row in rows)
    assert [(row["reason"], row["question_ok"], row["answer_ok"]) for row in rows if row["reason"]] == [
        ("wrong answer", 1, 0), ("unanswerable", 0, 1)
    ]  # fmt: skip
    assert [row["answer"] for row in rows if row["answer"]] == ["no"]
    assert project.db.count("verdicts", withdrawn=1) == 1
    assert [remark.text for remark in project.remarks(kind="comment")] == ["ask Dr. B"]
    assert project.db.count("leases", kind="pair") == 2, "what is in hand, and what comes next"
    project.close()


def review(visit: Visit) -> None:
    visit.settle()
    while visit.page.evaluate("document.activeElement.id") != "tab-review-button":
        visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.see("#review-card .review-answer")
    for keys in (["a"], ["a"], ["x", "2"], ["e", "no", "Control+Enter"], ["u"], ["a"], ["q", "x", "3"]):
        type_in(visit, keys)
    type_in(visit, ["c", "ask Dr. B", "Control+Enter"], moves=False)
    for keys in (["a"], ["s"], ["a"], ["e", "no", "Control+Enter"], ["a"], ["a"]):
        type_in(visit, keys)
    assert visit.page.evaluate("window.hacked") is None


def type_in(visit: Visit, keys: list[str], moves: bool = True) -> None:
    """Presses keys, types words, and waits until the next suggestion stands there."""
    asked = "document.querySelector('#review-card .review-question')?.innerText"
    before = visit.page.evaluate(asked)
    for key in keys:
        if len(key) == 1 or key.startswith("Control"):
            visit.press(key)
        else:
            visit.page.keyboard.press("Control+a")
            visit.page.keyboard.type(key)
    if moves:
        visit.page.wait_for_function(f"before => ![undefined, before].includes({asked})", arg=before)
    visit.settle()
