"""What the Review card holds back: others' answers before one's own, and the answers of what is judged blind."""

from types import SimpleNamespace

import gradio as gr
import pytest

from app.reviewing import Task, View, item_of, keep_view, view_of
from app.screens.review import Review
from app.texts import review as texts
from leaml.review import leases
from leaml.review.audits import begin
from leaml.review.bands import Band
from leaml.review.checks import Check
from leaml.review.plans import Plan
from leaml.review.settings import set_review_settings
from tests.app.small_project import small_project, suggest

ME, OTHER = "Dr. A", "Dr. B"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    for question in ("Is there a polyp?", "Is it sharp?", "Is there a tool?"):
        suggest(project, 1, question)
    return project


def beside(project, pair, check=None) -> dict[int, tuple[str, str, str]]:
    """Suggestion -> question, answer and state as they stand below the card of `pair`."""
    item = item_of(project, ME, View(), Task(pair, check))
    return {each["id"]: (each["question"], each["answer"], each["state"]) for each in item["beside"]}


def test_the_list_below_shows_no_correction_of_what_one_is_to_judge_apart(project):
    set_review_settings(project, "", overlap=2)
    project.judge(OTHER, 1, True, question="Is there one polyp?", answer="no", queue="audit")
    project.judge(OTHER, 2, True, answer="no", queue="fix")
    waits, accepted = texts.STATES["suggested"], texts.STATES["accepted"]
    assert beside(project, 1) == {
        1: ("Is there a polyp?", "yes", waits), 2: ("Is it sharp?", "no", accepted),
        3: ("Is there a tool?", "yes", waits),
    }  # fmt: skip
    assert beside(project, 3)[1] == ("Is there a polyp?", texts.UNSEEN, waits)


def test_where_everybody_answers_first_the_list_below_gives_nothing_away(project):
    set_review_settings(project, "", blind=True)
    project.judge(ME, 1, True)
    assert [answer for _, answer, _ in beside(project, 1).values()] == ["yes", texts.UNSEEN, texts.UNSEEN]


def test_one_of_a_sample_hides_its_answer_in_every_queue(project):
    begin(project, ME, Band(), Plan(1, 0, 0.04, 0.05))
    sampled = project.db.rows("audit_items")[0]["pair_id"]
    item = item_of(project, ME, View(), Task(sampled))
    assert item["blind"] and item["answer"] is None and item["beside"] == []
    other = next(pair for pair in (1, 2, 3) if pair != sampled)
    assert beside(project, other)[sampled][1] == texts.UNSEEN
    assert not item_of(project, ME, View(), Task(other))["blind"]


def test_a_hidden_check_stands_below_as_one_that_waits(project):
    project.judge(ME, 1, True)
    check = Check("wrong", 1, "Is there a polyp?", "no", False)
    assert beside(project, 1, check=check)[1] == ("Is there a polyp?", "no", texts.STATES["suggested"])


def test_others_remarks_on_what_was_accepted_unseen_come_after_ones_own_verdict(project):
    project.accept_all(OTHER, [1])
    project.remark(OTHER, 1, 1, text="it is a fold")
    assert item_of(project, ME, View(queue="audit"), Task(1))["comments"] == []
    project.judge(ME, 1, True, queue="audit")
    assert item_of(project, ME, View(queue="audit"), Task(1))["comments"] == ["Dr. B: it is a fold"]


def test_everybody_begins_in_the_queue_that_the_project_names_and_may_choose_another(project):
    set_review_settings(project, "", queue="audit")
    assert view_of(project, ME).queue == "audit"
    keep_view(project, ME, View(queue="fix"))
    assert view_of(project, ME).queue == "fix" and view_of(project, OTHER).queue == "audit"


def test_who_only_labels_takes_nothing_in_hand_by_looking(project):
    screen = Review(SimpleNamespace(project=project, person=ME, may=lambda role: role == "annotator"))
    with gr.Blocks():
        screen.build()
    assert screen.refresh(True)[screen.card]["empty"] == texts.NOT_YOURS and screen.refresh(False) == {}
    assert leases.in_hand(project, "pair", ME) is None
