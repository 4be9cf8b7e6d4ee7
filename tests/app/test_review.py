"""What the Review screen shows and keeps, without a browser."""

from types import SimpleNamespace

import gradio as gr
import pytest

from app.reviewing import View, keep_view, view_of
from app.screens.review import Review
from app.texts import review as texts
from leaml.errors import DataError
from leaml.review import checks, leases
from leaml.review.settings import set_review_settings
from tests.app.small_project import HOSTILE, small_project, suggest

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
    screen = Review(SimpleNamespace(project=None, person=ME, may=lambda role: True))
    with gr.Blocks():
        screen.build()
    return screen


@pytest.fixture(autouse=True)
def as_me(built):
    built.context.person = ME


def opened(screen) -> dict:
    """The card of a page that was just loaded."""
    return screen.refresh(True)[screen.card]


def asked(screen, act: str, now: dict | None = None, **more) -> dict:
    """The card after what the browser asks, `now` being the item that it shows."""
    here = {name: now[name] for name in ("verdict", "check", "shown")} | {"pair": now["id"]} if now else {}
    return screen.answer({"act": act, **here, **more})[screen.card]


def view(screen, **values) -> dict:
    return asked(screen, "view", view=values)


# One by one


def test_one_decision_is_kept_and_leads_to_the_next_suggestion(screen, project):
    now = opened(screen)["item"]
    card = asked(screen, "accept", now, seconds=4)
    assert project.pair(now["id"]).status == "accepted"
    assert card["item"]["id"] != now["id"]
    assert card["said"] == "Accepted."
    assert card["standing"] == "1 by you · 1 of 6 done · 5 left · 4 s each"


def test_all_are_shown_once_and_then_the_way_leads_to_adapt(screen, project):
    now, seen = opened(screen)["item"], []
    while now:
        seen.append(now["id"])
        card = asked(screen, "reject", now, reason="duplicate")
        now = card.get("item")
    assert len(seen) == len(set(seen)) == 6
    assert card["empty"]["tab"] == "adapt"


def test_a_reload_shows_what_was_in_hand(screen, project):
    now = opened(screen)["item"]
    after = asked(screen, "skip", now)["item"]
    assert opened(screen)["item"]["id"] == after["id"] != now["id"]


def test_two_people_see_different_suggestions_and_the_slower_one_is_told(screen, project):
    mine = opened(screen)["item"]
    screen.context.person = OTHER
    assert opened(screen)["item"]["id"] != mine["id"]
    with pytest.raises(DataError, match="in hand"):
        asked(screen, "accept", mine)
    leases.release(project, "pair", ME)
    asked(screen, "reject", mine, reason="duplicate")
    screen.context.person = ME
    with pytest.raises(DataError, match="in the meantime"):
        asked(screen, "accept", mine)
    assert project.db.count("verdicts", pair_id=mine["id"]) == 1


def test_a_correction_accepts_the_corrected_texts_and_shows_what_was_changed(screen, project):
    now = opened(screen)["item"]
    asked(screen, "edit", now, question="Is there one polyp?", answer="no")
    pair = project.pair(now["id"])
    assert (pair.question, pair.answer, pair.status, pair.edited) == ("Is there one polyp?", "no", "accepted", True)
    again = asked(screen, "open", {**now, "verdict": pair.verdict_id})["item"]
    assert again["decided"] == "Accepted by Dr. A, corrected"
    assert again["was"] == {"question": now["question"], "answer": now["answer"]}


def test_an_empty_correction_is_refused(screen, project):
    now = opened(screen)["item"]
    with pytest.raises(DataError, match="empty"):
        asked(screen, "edit", now, question="Is there one polyp?", answer=" ")
    assert project.pair(now["id"]).status == "suggested"


def test_a_rejection_keeps_its_reason_and_both_ticks(screen, project):
    first = opened(screen)["item"]
    second = asked(screen, "reject", first, reason="identity visible", question_ok=True, answer_ok=False)["item"]
    asked(screen, "reject", second, reason="wrong answer")
    rows = project.db.rows("verdicts")
    assert [(row["reason"], row["question_ok"], row["answer_ok"]) for row in rows] == [
        ("identity visible", 1, 0), ("wrong answer", 1, 0)
    ]  # fmt: skip
    again = asked(screen, "open", first)["item"]
    assert again["decided"] == "Rejected by Dr. A: identity visible"


def test_a_reason_that_is_not_offered_is_refused(screen, project):
    with pytest.raises(DataError, match="no reason"):
        asked(screen, "reject", opened(screen)["item"], reason="<b>")


def test_a_decision_can_be_changed_by_going_back_to_it(screen, project):
    first = opened(screen)["item"]
    second = asked(screen, "accept", first)["item"]
    back = asked(screen, "move", second, by=-1)["item"]
    assert (back["id"], back["decided"]) == (first["id"], "Accepted by Dr. A")
    assert asked(screen, "move", back, by=1)["item"]["id"] != first["id"]
    asked(screen, "reject", back, reason="wrong answer")
    assert project.pair(first["id"]).status == "rejected"


def test_undo_leads_back_to_the_suggestion(screen, project):
    first = opened(screen)["item"]
    second = asked(screen, "accept", first)["item"]
    card = asked(screen, "undo", second)
    assert card["item"]["id"] == first["id"] and card["item"]["status"] == "suggested"
    assert "Took back" in card["said"]


def test_undo_leaves_what_others_decided(screen, project):
    now = opened(screen)["item"]
    project.judge(OTHER, now["id"], True)
    with pytest.raises(Exception, match="nothing of yours"):
        asked(screen, "undo", now)


def test_skipping_the_last_one_stays_at_it(screen, project):
    now = opened(screen)["item"]
    for _ in range(5):
        now = asked(screen, "accept", now)["item"]
    assert asked(screen, "skip", now)["item"]["id"] == now["id"]


def test_comments_and_flags_stand_on_the_card_and_can_be_taken_back(screen, project):
    now = opened(screen)["item"]
    card = asked(screen, "comment", now, text="ask Dr. C")
    assert card["item"]["comments"] == ["Dr. A: ask Dr. C"] and card["item"]["id"] == now["id"]
    assert asked(screen, "flag", now)["item"]["flagged"]
    assert not asked(screen, "flag", now)["item"]["flagged"]
    assert asked(screen, "undo", now)["item"]["flagged"]
    screen.context.person = OTHER
    assert asked(screen, "open", now)["item"]["comments"] == [], "not before one has decided oneself"


def test_the_other_suggestions_on_the_picture_stand_below(screen, project):
    item = opened(screen)["item"]
    assert [other["question"] for other in item["beside"]] == ["Is there a polyp?", "Is it sharp?"]
    assert item["on_picture"] == "1 of 2 on this picture"


def test_the_picture_after_this_one_is_loaded_ahead(screen, project):
    updates = screen.refresh(True)
    now = project.pair(updates[screen.card]["item"]["id"])
    shown = updates[screen.viewer]
    here, ahead = (address.split("?")[0] for address in (shown["src"], shown["next"][-1]["src"]))
    assert here.endswith(f"/{now.image_id}") and ahead != here


# Queues, filters, blind


def test_queue_and_filters_are_kept_with_the_project(screen, project):
    card = view(screen, queue="fix", trust="top")
    assert card["item"]["question"] == "Is it sharp?"
    assert view_of(project, ME) == View(trust="top")
    assert opened(screen)["view"]["trust"] == "top"
    assert "item" not in view(screen, trust="low") and "left here" in view(screen, trust="low")["empty"]["title"]
    project.set_setting(ME, f"review view of {ME}", {"queue": "gone"})
    assert view_of(project, ME) == View()


def test_the_random_queue_keeps_its_verdicts_apart(screen, project):
    card = view(screen, queue="audit")
    asked(screen, "accept", card["item"])
    assert project.db.counts("verdicts", "queue") == {"audit": 1}


def test_blind_hides_the_answer_until_one_has_answered(screen, project):
    item = view(screen, blind=True)["item"]
    assert item["blind"] and item["answer"] is None and item["why"] == "" and item["score"] is None
    other = asked(screen, "say", item, said="no")
    assert (other["item"]["answer"], other["item"]["said_before"]) == ("yes", "no") and "You answered" in other["said"]
    asked(screen, "reject", other["item"], reason="wrong answer", said="no")
    row = project.db.rows("verdicts")[0]
    assert (row["blind"], row["said"], row["answer_ok"]) == (1, "no", 0)


def test_where_everybody_answers_first_nobody_sees_the_suggestion_before(screen, project):
    set_review_settings(project, "", blind=True)
    assert opened(screen)["item"]["blind"] and opened(screen)["advice"] == ""


def test_the_same_answer_in_other_words_accepts_at_once(screen, project):
    item = view(screen, blind=True)["item"]
    card = asked(screen, "say", item, said=" Yes. ")
    assert card["said"] == texts.SAID["same"] and card["item"]["id"] != item["id"]
    assert project.pair(item["id"]).status == "accepted"
    assert project.db.rows("verdicts")[0]["said"] == "Yes."


def test_a_second_reviewer_sees_nothing_of_the_first(screen, project):
    set_review_settings(project, "", overlap=2)
    project.judge(OTHER, 1, True, answer="no", queue="audit")
    project.remark(OTHER, 1, 1, "comment", "it is a fold")
    item = view(screen, queue="audit")["item"]
    assert (item["id"], item["status"], item["answer"], item["decided"]) == (1, "suggested", "yes", "")
    assert item["comments"] == [] and item["verdict"] is None and item["was"] is None
    assert all(other["state"] != "accepted" for other in item["beside"])
    asked(screen, "reject", item, reason="wrong answer")
    assert project.db.counts("opinions", "person") == {ME: 1, OTHER: 1}


def test_where_people_disagree_a_third_one_sees_what_each_said_and_settles_it(screen, project):
    set_review_settings(project, "", overlap=2)
    project.judge(ME, 1, True, queue="audit")
    project.judge(OTHER, 1, False, queue="audit", reason="wrong answer")
    screen.context.person = "Dr. C"
    card = view(screen, status="disputed")
    assert card["item"]["comments"] == ["Dr. A: accepted, “yes”", "Dr. B: rejected"]
    card = asked(screen, "reject", card["item"], reason="wrong answer")
    assert "item" not in card and project.pair(1).status == "rejected"


# Hidden checks


def test_a_hidden_check_looks_like_any_suggestion_and_changes_none(screen, project):
    for number in range(7, 40):
        suggest(project, 1 + number % 3, f"Question {number}?")
    for pair in range(1, 31):
        project.judge(ME, pair, True)
    set_review_settings(project, "", repeats=0.5, known_wrong=0.5)
    before = project.pairs()
    item = opened(screen)["item"]
    assert item["check"] and item["status"] == "suggested" and item["decided"] == "" and item["was"] is None
    assert opened(screen)["item"] == item, "a reload shows the same"
    asked(screen, "accept", item)
    assert project.db.count("checks", person=ME) == 1 and project.pairs() == before


# Many at once


@pytest.fixture
def many(project):
    """Ninety more suggestions, each on a picture of its own."""
    rows = [dict(project.db.row("images", id=1)) for _ in range(90)]
    changes = []
    for number, row in enumerate(rows, start=100):
        names = {name: f"{name} {number}" for name in ("file", "stored_hash", "source_hash", "name")}
        changes.append(("images", number, None, {k: v for k, v in row.items() if k != "id"} | names))
    project.db.record("", "import", changes)
    for number in range(100, 190):
        pair = {
            "image_id": number, "question": "Is there a tool?", "answer": "yes", "type": "yes/no",
            "choices": ["yes", "no"], "origin": "generator", "job_id": 2, "signals": {"agreement": 0.999},
        }  # fmt: skip
        changes.append(("pairs", None, None, pair))
    project.db.record("", "suggestions", changes[90:])


def test_accept_many_leads_from_the_plan_over_the_sample_to_the_rest(screen, project, many):
    offer = asked(screen, "offer", opened(screen)["item"], view={"trust": "top"})["many"]
    assert offer["count"] == "93 suggestions wait that are so"
    assert offer["plans"][0]["words"] == "59 pictures, none may be wrong"
    assert "72 pictures" in " ".join(plan["words"] for plan in offer["plans"])
    card = asked(screen, "begin", view={"trust": "top"}, allowed=0, tries=1)
    assert card["sample"]["text"] == "0 of 59 judged · 0 wrong, none may be wrong"
    while card.get("item"):
        assert card["item"]["blind"] and card["item"]["beside"] == []
        card = asked(screen, "say", card["item"], said="yes")
    assert card["sample"]["outcome"] == "passed" and "at least 95.0 %" in card["sample"]["text"]
    assert card["sample"]["rest"] == "Accept the 34 others"
    card = asked(screen, "rest", audit=card["sample"]["audit"])
    assert card["said"].startswith("34 suggestions accepted") and card["sample"] is None
    assert project.db.counts("verdicts", "queue") == {"audit": 59, "bulk": 34}
    asked(screen, "undo")
    assert project.db.count("pair_states", status="suggested") == 96 - 59


def test_a_sample_with_a_mistake_too_many_accepts_nothing(screen, project, many):
    card = asked(screen, "begin", view={"job": 2}, allowed=0, tries=1)
    card = asked(screen, "say", card["item"], said="no")
    card = asked(screen, "reject", card["item"], reason="wrong answer", said="no")
    assert card["sample"]["outcome"] == "failed" and "rest" not in card["sample"]
    with pytest.raises(DataError, match="1 of them wrong"):
        asked(screen, "rest", audit=card["sample"]["audit"])
    assert asked(screen, "close")["sample"] is None
    offer = asked(screen, "offer", view={"job": 2})["many"]
    assert offer["plans"] == [] and "used up" in offer["count"]


def test_a_sample_survives_a_reload_and_can_be_given_up_or_gone_on_with(screen, project, many):
    card = asked(screen, "begin", view={"job": 2}, allowed=0, tries=2)
    audit = card["sample"]["audit"]
    assert opened(screen)["sample"]["audit"] == audit
    assert asked(screen, "close")["sample"] is None
    assert asked(screen, "offer")["many"]["open"][0]["audit"] == audit
    assert asked(screen, "resume", audit=audit)["item"]["blind"]
    assert asked(screen, "end", audit=audit)["sample"] is None
    assert asked(screen, "offer")["many"]["open"] == []


def test_too_few_are_said_before_anything_is_drawn(screen, project):
    offer = asked(screen, "offer")["many"]
    assert offer["plans"] == [] and "The smallest sample has 59" in offer["count"]
    with pytest.raises(DataError, match="lie on 3 independent pictures; 59 are needed"):
        asked(screen, "begin", allowed=0, tries=1)


def test_what_was_accepted_and_turns_out_wrong_is_warned_of_and_can_be_taken_back(screen, project, many):
    card = asked(screen, "begin", view={"job": 2}, allowed=0, tries=1)
    while card.get("item"):
        card = asked(screen, "say", card["item"], said="yes")
    audit = card["sample"]["audit"]
    asked(screen, "rest", audit=audit)
    bulk = project.db.row("verdicts", queue="bulk")["pair_id"]
    project.judge(OTHER, bulk, False, reason="wrong answer", queue="audit")
    (warning,) = opened(screen)["warnings"]
    assert "1 of 1 checked since were wrong" in warning["text"] and "not 95 %" in warning["text"]
    card = asked(screen, "back", audit=audit)
    assert card["said"] == "31 suggestions wait again." and card["warnings"] == []
    assert asked(screen, "undo")["said"] == "31 suggestions are accepted again."


# Words


def test_trust_is_said_in_words():
    assert texts.why({"reanswers": 5.0, "agreeing": 4.0, "blind_answer": "pink"}, "red") == (
        "4 of 5 re-answers agree; without the picture it would say “pink”."
    )
    assert texts.why({"agreement": 0.82, "blind_agreement": 0.3}, "red") == (
        "When asked again, it answers the same with 82 %; without the picture, it would answer this with 30 %."
    )
    assert texts.BLIND_TOO in texts.why({"agreement": 0.82, "blind_agreement": 0.8}, "red")
    assert texts.BLIND_SAME in texts.why({"agreement": 0.82, "blind_answer": "Red"}, "red")
    assert texts.why({"well_formed": 0.0, "similarity": 0.9}, "red") == (
        f"{texts.UNKNOWN}. {texts.ODD}. {texts.TWICE}."
    )


@pytest.mark.parametrize(("share", "words"), [(0.999, "99 %"), (1.0, "100 %"), (0.001, "1 %"), (0.0, "0 %")])
def test_a_share_is_never_rounded_to_certainty(share, words):
    assert texts.percent(share) == words


def test_a_bound_is_rounded_down():
    assert texts.bound(0.95049) == "95.0 %" and texts.bound(0.9499) == "94.9 %" and texts.bound(0.96) == "96.0 %"


def test_no_project_and_no_suggestions_lead_to_distil(screen, tmp_path):
    empty = small_project(tmp_path / "empty")
    for project in (None, empty):
        screen.context.project = project
        assert opened(screen)["empty"]["tab"] == "distil"
        assert asked(screen, "open")["empty"]["tab"] == "distil"
    empty.close()


@pytest.mark.parametrize(
    "payload",
    [
        {"act": "drop"}, {"act": "accept", "pair": "x"}, {"act": "begin", "allowed": 99},
        {"act": "view", "view": {"queue": 1}}, {"act": "edit", "answer": "x" * 5000}, {"act": "accept", "check": "no"},
    ],
)  # fmt: skip
def test_what_the_card_cannot_ask_is_refused(screen, project, payload):
    with pytest.raises(ValueError):
        screen.answer(payload)
    assert project.db.count("verdicts") == 0


@pytest.mark.parametrize("act", ["accept", "edit", "reject", "flag", "comment", "end", "rest", "back", "resume"])
def test_numbers_that_do_not_exist_are_refused_in_words(screen, project, act):
    with pytest.raises(DataError):
        screen.answer({"act": act, "pair": 999, "audit": 999, "reason": "duplicate", "text": "x", "answer": "x"})


def test_hostile_text_is_passed_on_as_text(screen, project):
    suggest(project, 1, HOSTILE, HOSTILE, agreement=0.0)
    keep_view(project, ME, View())
    item = opened(screen)["item"]
    assert item["question"] == item["answer"] == HOSTILE


# What is handed over ahead


def handed(card) -> list[int]:
    return [entry["pair"] for entry in card["next"]]


def line(card) -> list[dict]:
    return [{"pair": entry["pair"], "check": entry["check"], "shown": entry["item"]["shown"]} for entry in card["next"]]


def test_the_next_two_are_handed_over_with_their_pictures_and_held(screen, project):
    card = opened(screen)
    assert len(handed(card)) == 2 and card["item"]["id"] not in handed(card)
    for entry in card["next"]:
        assert entry["picture"]["id"] == project.pair(entry["pair"]).image_id
        assert entry["item"]["question"] == project.pair(entry["pair"]).question
    assert leases.held(project, "pair", OTHER) == {card["item"]["id"], *handed(card)}
    screen.context.person = OTHER
    assert opened(screen)["item"]["id"] not in [card["item"]["id"], *handed(card)]


def test_a_decision_leads_to_what_the_page_shows_already_and_hands_over_one_more(screen, project):
    first = opened(screen)
    card = asked(screen, "accept", first["item"], line=line(first))
    assert card["item"]["id"] == handed(first)[0]
    assert handed(card)[0] == handed(first)[1] and "item" not in card["next"][0], "the page has it already"
    assert "item" in card["next"][1] and len({card["item"]["id"], *handed(card)}) == 3
    assert opened(screen)["item"]["id"] == card["item"]["id"], "a reload shows the same"


def test_what_somebody_judged_meanwhile_is_not_handed_on(screen, project):
    first = opened(screen)
    project.judge(OTHER, handed(first)[0], True)
    card = asked(screen, "accept", first["item"], line=line(first))
    assert card["item"]["id"] not in handed(first)[:1] and card["item"]["status"] == "suggested"


def test_a_comment_holds_what_was_handed_over(screen, project):
    first = opened(screen)
    card = asked(screen, "comment", first["item"], text="look", line=line(first))
    assert card["item"]["id"] == first["item"]["id"] and handed(card) == handed(first)


def test_a_blind_suggestion_is_handed_over_without_its_answer(screen, project):
    card = view(screen, blind=True)
    assert [entry["item"]["answer"] for entry in card["next"]] == [None, None]
    assert all(entry["item"]["beside"] == [] and entry["item"]["why"] == "" for entry in card["next"])


def test_a_hidden_check_that_is_due_comes_after_what_is_here_already(screen, project, monkeypatch):
    first = opened(screen)
    due = checks.Check("wrong", handed(first)[1] + 1, "Is it sharp?", "no", False)
    monkeypatch.setattr(checks, "due", lambda *_: due)
    card = asked(screen, "accept", first["item"], line=line(first))
    assert [entry["check"] for entry in card["next"]] == [None, "wrong"]
    assert card["next"][1]["item"]["answer"] == "no"


def test_where_people_disagree_nothing_is_handed_over(screen, project):
    set_review_settings(project, "", overlap=2)
    project.judge(OTHER, 1, True, queue="audit")
    project.judge("Dr. C", 1, False, queue="audit", reason="wrong answer")
    card = view(screen, status="disputed")
    assert card["item"]["id"] == 1 and card["next"] == []


def test_of_a_sample_only_the_next_picture_is_here_ahead(screen, project, many):
    card = asked(screen, "begin", view={"job": 2}, allowed=0, tries=1)
    assert card["next"] == []
    ahead = card["picture"]["next"][0]["src"]
    assert asked(screen, "say", card["item"], said="yes")["picture"]["src"] == ahead
