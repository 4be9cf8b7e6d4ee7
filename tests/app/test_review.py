"""What the Review screen shows and keeps, without a browser."""

from itertools import pairwise
from types import SimpleNamespace

import gradio as gr
import pytest

from app.screens.review import Review, queue_of, shown
from app.texts import review as texts
from leaml.errors import DataError
from tests.app.small_project import small_project, suggest

ME, OTHER = "Dr. A", "Dr. B"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    for picture in (1, 2, 3):
        suggest(project, picture, "Is there a polyp?", agreement=0.6)
        suggest(project, picture, "Is it sharp?", agreement=0.95)
    return project


@pytest.fixture(scope="module")
def built():
    screen = Review(SimpleNamespace(project=None, person=ME))
    with gr.Blocks():
        screen.build()
    return screen


def item(project, pair: int | None = None) -> dict:
    return shown(project, ME, pair)[0]["item"]


def asked(screen: Review, act: str, now: dict, **more) -> dict:
    return screen.answer({"act": act, "pair": now["id"], "verdict": now["verdict"], **more})[screen.card]


def test_one_decision_is_kept_and_leads_to_the_next_suggestion(screen, project):
    now = item(project)
    card = asked(screen, "accept", now, seconds=4)
    assert project.pair(now["id"]).status == "accepted"
    assert card["item"]["id"] != now["id"]
    assert card["said"] == "Accepted."
    assert card["standing"] == "1 by you · 1 of 6 done · 5 left · 4 s each"


def test_all_suggestions_of_a_picture_come_before_the_next_picture(screen, project):
    now, pictures = item(project), []
    for _ in range(6):
        pictures.append(project.pair(now["id"]).image_id)
        now = asked(screen, "accept", now).get("item")
    assert now is None
    assert sum(before != after for before, after in pairwise(pictures)) == 2


def test_when_all_are_reviewed_the_way_leads_to_adapt(screen, project):
    now = item(project)
    while now:
        card = asked(screen, "reject", now, reason="duplicate")
        now = card.get("item")
    assert card["empty"]["tab"] == "adapt" and card["first"] == queue_of(project)[0].id


def test_a_correction_accepts_the_corrected_texts(screen, project):
    now = item(project)
    asked(screen, "edit", now, question="Is there one polyp?", answer="no")
    pair = project.pair(now["id"])
    assert (pair.question, pair.answer, pair.status, pair.edited) == ("Is there one polyp?", "no", "accepted", True)
    assert item(project, now["id"])["decided"] == "Accepted by Dr. A, corrected"


def test_an_empty_correction_is_refused(screen, project):
    now = item(project)
    with pytest.raises(DataError, match="empty"):
        asked(screen, "edit", now, question="Is there one polyp?", answer=" ")
    assert project.pair(now["id"]).status == "suggested"


def test_a_rejection_keeps_its_reason(screen, project):
    now = item(project)
    asked(screen, "reject", now, reason=texts.REASONS[-1])
    assert project.db.row("verdicts", pair_id=now["id"])["reason"] == "identity visible"


def test_a_reason_that_is_not_offered_is_refused(screen, project):
    with pytest.raises(DataError, match="no reason"):
        asked(screen, "reject", item(project), reason="<b>")


def test_a_second_window_that_was_slower_is_told_and_changes_nothing(screen, project):
    now = item(project)
    project.judge(OTHER, now["id"], False, reason="duplicate")
    with pytest.raises(DataError, match="in the meantime"):
        asked(screen, "accept", now)
    assert project.pair(now["id"]).status == "rejected"
    assert project.db.count("verdicts", pair_id=now["id"]) == 1


def test_a_decision_can_be_changed_by_going_back_to_it(screen, project):
    first = item(project)
    second = asked(screen, "accept", first)["item"]
    back = asked(screen, "move", second, by=-1)["item"]
    assert (back["id"], back["decided"]) == (first["id"], "Accepted by Dr. A")
    asked(screen, "reject", back, reason="wrong answer")
    assert project.pair(first["id"]).status == "rejected"


def test_undo_leads_back_to_the_suggestion(screen, project):
    first = item(project)
    second = asked(screen, "accept", first)["item"]
    card = asked(screen, "undo", second)
    assert card["item"]["id"] == first["id"] and card["item"]["status"] == "suggested"
    assert "Took back" in card["said"]


def test_undo_leaves_what_others_decided(screen, project):
    now = item(project)
    project.judge(OTHER, now["id"], True)
    with pytest.raises(Exception, match="nothing of yours"):
        asked(screen, "undo", item(project, now["id"]))


def test_skipping_goes_round_all_that_wait(screen, project):
    now, seen = item(project), set()
    for _ in range(6):
        seen.add(now["id"])
        now = asked(screen, "skip", now)["item"]
    assert seen == {pair.id for pair in queue_of(project)}
    assert project.db.count("verdicts") == 0


def test_skipping_the_last_one_stays_at_it(screen, project):
    now = item(project)
    for _ in range(5):
        now = asked(screen, "accept", now)["item"]
    assert asked(screen, "skip", now)["item"]["id"] == now["id"]


def test_accept_many_says_how_many_and_that_nobody_looked(screen, project):
    updates = screen.count(90)
    assert "3 of 6" in updates[screen.many] and "Nobody has looked" in updates[screen.many]
    assert updates[screen.accept]["interactive"]
    assert not screen.count(99)[screen.accept]["interactive"]


def test_accept_many_is_one_step_and_one_undo(screen, project):
    judged = item(project)
    asked(screen, "reject", judged, reason="duplicate")
    said = screen.accept_many(90)
    assert said.sentence.startswith("2 suggestions accepted")
    assert said.updates[screen.card]["standing"].startswith("1 by you · 3 of 6 done")
    assert project.db.counts("pair_states", "status") == {"accepted": 2, "rejected": 1, "suggested": 3}
    screen.answer({"act": "undo"})
    assert project.db.counts("pair_states", "status") == {"rejected": 1, "suggested": 5}


def test_accepting_none_is_refused(screen):
    with pytest.raises(DataError):
        screen.accept_many(99)


def test_trust_is_said_in_words():
    assert texts.why(0.82, 0.3) == [
        "When asked again, it answers the same with 82 %.",
        "Without the picture, it would answer this with 30 %.",
    ]
    assert texts.BLIND_TOO in texts.why(0.82, 0.8)
    assert texts.why(None, None) == [texts.UNKNOWN]


@pytest.mark.parametrize(("share", "words"), [(0.999, "99 %"), (1.0, "100 %"), (0.001, "1 %"), (0.0, "0 %")])
def test_a_share_is_never_rounded_to_certainty(share, words):
    assert texts.percent(share) == words


def test_no_project_and_no_suggestions_lead_to_distil(tmp_path, project):
    assert shown(None, ME, None)[0]["empty"]["tab"] == "distil"
    empty = small_project(tmp_path / "empty")
    assert shown(empty, ME, None)[0]["empty"]["tab"] == "distil"
    empty.close()


def test_the_picture_after_this_one_is_loaded_ahead(project):
    now = queue_of(project)[0]
    other = next(pair for pair in queue_of(project) if pair.image_id != now.image_id)
    viewer = shown(project, ME, now.id)[1]
    assert viewer["src"].endswith(f"/{now.image_id}") and viewer["next"].endswith(f"/{other.image_id}")
