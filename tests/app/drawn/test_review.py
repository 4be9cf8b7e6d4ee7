"""The card of the Review screen: one key decides, nothing decides by accident."""

import pytest

from app.texts import frame
from app.texts import review as texts
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser

CHOICES = {
    "queue": list(texts.QUEUES.items()), "type": [("", "any"), ("count", "count")],
    "job": [("", "any"), ("2", "run 2"), ("5", "run 5")],
    "trust": [(key, words) for key, (words, *_) in texts.TRUST.items()], "status": list(texts.STATES.items()),
    "reviewer": [("", "any"), ("Dr. A", "Dr. A")], "help": texts.QUEUE_HELP,
}  # fmt: skip
VIEW = {
    "queue": "fix", "type": None, "job": None, "trust": "any", "status": "suggested", "reviewer": None, "blind": False,
    "audit": None,
}  # fmt: skip
SENT = {"verdict": None, "check": None, "shown": "", "said": None}


def value(pair: int = 1, **more) -> dict:
    item = {
        "id": pair, "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "choices": ["yes", "no"],
        "status": "suggested", "verdict": None, "check": None, "shown": "", "blind": False, "said_before": None,
        "score": "82 %", "on_picture": "1 of 2 on this picture", "was": None, "flagged": False, "comments": [],
        "why": "When asked again, it answers the same with 82 %.", "decided": "",
        "beside": [
            {"id": pair, "question": "Is there a polyp?", "answer": "yes", "state": "waits"},
            {"id": 50, "question": "Is it sharp?", "answer": "no", "state": "waits"},
        ],
    }  # fmt: skip
    item |= more.pop("item", {})
    card = {
        "project": "polyps", "words": texts.WORDS, "reasons": list(texts.REASONS), "standing": "9 left", "said": "",
        "people": [], "view": VIEW | more.pop("view", {}), "choices": CHOICES, "warnings": [], "sample": None,
    }  # fmt: skip
    return {**card, "item": item, **more}


@pytest.fixture
def card(part):
    return part("review", value())


def asked(card) -> list[dict]:
    """What was asked, without the seconds."""
    return [{name: one for name, one in sent.items() if name != "seconds"} for sent in card.asked()]


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        (["a"], {"act": "accept"}),
        (["s"], {"act": "skip"}),
        (["u"], {"act": "undo"}),
        (["Control+z"], {"act": "undo"}),
        (["f"], {"act": "flag"}),
        (["b"], {"act": "offer"}),
        (["ArrowLeft"], {"act": "move", "by": -1}),
        (["ArrowRight"], {"act": "move", "by": 1}),
        (["x", "1"], {"act": "reject", "reason": "wrong finding"}),
        (["x", "7"], {"act": "reject", "reason": "identity visible"}),
        (["t", "x", "2"], {"act": "reject", "reason": "wrong answer", "question_ok": True, "answer_ok": False}),
        (["q", "a", "3"], {"act": "reject", "reason": "unanswerable", "question_ok": False, "answer_ok": True}),
        (["q", "q", "a"], {"act": "accept"}),
    ],
)
def test_one_key_decides(card, keys, sent):
    card.press(*keys)
    assert asked(card) == [{"pair": 1, **SENT, **sent}]


@pytest.mark.parametrize(
    "keys", [["1"], ["x", "8"], ["x", "Escape", "1"], ["t", "a", "Escape"], ["Backspace", "Space", "Delete", "Enter"]]
)
def test_other_keys_decide_nothing(card, keys):
    card.press(*keys)
    assert asked(card) == []


def test_keys_pressed_while_a_decision_is_under_way_decide_nothing(card):
    card.press("a", "a", "s", "x", "1")
    assert [sent["act"] for sent in asked(card)] == ["accept"]
    card.answer(value(2))
    card.press("a")
    assert asked(card) == [{"act": "accept", "pair": 2, **SENT}]


def test_ticks_stand_for_themselves_and_for_one_suggestion(card):
    card.press("t")
    assert card.texts(".review-tick span") == ["right", "wrong"]
    card.answer(value(2))
    assert card.texts(".review-tick span") == ["right", "right"]


def test_a_correction_shows_what_it_changes_and_is_saved_without_deciding_by_letters(card):
    card.press("e", "Control+a")
    card.page.keyboard.type("axes")
    assert asked(card) == []
    assert (card.texts(".review-change del"), card.texts(".review-change ins")) == (["yes"], ["axes"])
    card.press("Control+Enter")
    sent = {"act": "edit", "pair": 1, **SENT, "question": "Is there a polyp?", "answer": "axes"}
    assert asked(card) == [sent]


def test_a_choice_fills_the_answer(card):
    card.press("e")
    card.page.click(".review-edit .label-choices button:nth-child(2)")
    card.press("Control+Enter")
    assert asked(card)[0]["answer"] == "no"


def test_escape_leaves_a_correction_and_a_comment(card):
    card.press("e", "Escape", "c", "Escape", "a")
    assert asked(card)[0]["act"] == "accept"


def test_a_comment_is_written_by_keys_alone(card):
    card.press("c")
    card.page.keyboard.type("ask Dr. B: axial?")
    card.press("Control+Enter")
    assert asked(card) == [{"act": "comment", "pair": 1, **SENT, "text": "ask Dr. B: axial?"}]


def test_letters_beside_the_fields_decide_nothing_during_a_correction(card):
    card.press("e")
    card.page.evaluate("document.activeElement.blur()")
    card.press("a", "s", "u", "b")
    assert asked(card) == []


def test_a_reload_keeps_a_correction_that_was_begun(part):
    card = part("review", value())
    card.press("e", "Control+a")
    card.page.keyboard.type("no, but")
    card = part("review", value(fresh=True))
    assert card.page.input_value("[data-part=answer]") == "no, but"


def test_a_correction_of_another_suggestion_is_opened_again_after_a_reload(part):
    card = part("review", value(4))
    card.press("e", "End")
    card.page.keyboard.type("!")
    card = part("review", value(1, fresh=True))
    assert asked(card) == [{"act": "open", "pair": 4, **SENT}]


def test_what_was_decided_and_changed_is_said_in_words(part):
    was = {"question": "Is there a polyp?", "answer": "no"}
    item = {"status": "accepted", "verdict": 8, "decided": "Accepted by Dr. A, corrected", "was": was}
    card = part("review", value(item=item))
    assert card.text(".review-decided") == "Accepted by Dr. A, corrected"
    assert (card.texts(".review-change del"), card.texts(".review-change ins")) == (["no"], ["yes"])
    card.press("x", "2")
    assert asked(card)[0]["verdict"] == 8


def test_other_suggestions_on_the_picture_can_be_opened(card):
    card.page.click(".review-beside li:nth-child(2) button")
    assert asked(card) == [{"act": "open", **SENT, "pair": 50}]


# Blind


BLIND = {"blind": True, "answer": None, "score": None, "why": "", "beside": [], "on_picture": ""}


def test_blind_a_digit_answers_and_letters_decide_nothing(part):
    card = part("review", value(item=BLIND))
    assert "yes" not in card.text(".review-asked")
    card.press("a", "e", "x", "q", "t")
    assert asked(card) == []
    card.press("2")
    assert asked(card) == [{"act": "say", "pair": 1, **SENT, "said": "no"}]
    revealed = {"blind": False, "said_before": "no"}
    card.answer(value(item=revealed, said="You answered “no”."))
    card.press("x", "2")
    assert asked(card) == [{"act": "reject", "pair": 1, **SENT, "said": "no", "reason": "wrong answer"}]


def test_blind_an_open_question_is_answered_by_writing(part):
    card = part("review", value(item=BLIND | {"choices": []}))
    card.page.keyboard.type("a small axe")
    card.press("Enter")
    assert asked(card) == [{"act": "say", "pair": 1, **SENT, "said": "a small axe"}]


# The line, samples, many


@pytest.mark.parametrize(
    ("name", "chosen", "sent"),
    [("queue", "audit", "audit"), ("trust", "top", "top"), ("job", "2", 2), ("type", "count", "count")],
)
def test_a_filter_is_asked_for_with_the_others(part, name, chosen, sent):
    card = part("review", value())
    card.page.select_option(f"[data-part=choose-{name}]", chosen)
    assert asked(card)[0]["view"] == {**VIEW, name: sent}


def test_answering_first_is_switched_on_in_the_line(card):
    card.page.check("[data-part=blind]")
    assert asked(card)[0]["view"] == {**VIEW, "blind": True}


def test_many_offers_plans_and_draws_the_chosen_one(part):
    offer = {
        "words": texts.MANY, "count": "93 suggestions wait", "view": VIEW | {"trust": "top"}, "open": [],
        "plans": [
            {"allowed": 0, "tries": 1, "words": "59 pictures", "more": "advised", "advised": True},
            {"allowed": 1, "tries": 1, "words": "93 pictures", "more": "", "advised": False},
        ],
    }  # fmt: skip
    card = part("review", value())
    card.press("b")
    card.asked()
    card.answer(value(many=offer))
    card.press("a")
    assert asked(card) == [], "nothing is decided while the plan is chosen"
    card.page.click("[data-part=plan] >> nth=1")
    sent = {"act": "begin", "pair": 1, **SENT, "view": VIEW | {"trust": "top"}, "allowed": 1, "tries": 1}
    assert asked(card) == [sent]
    card.answer(value(many=offer))
    card.press("Escape", "a")
    assert asked(card)[0]["act"] == "accept"


@pytest.mark.parametrize(
    ("sample", "part_", "sent"),
    [
        ({"outcome": "passed", "rest": "Accept the 34 others"}, "rest", {"act": "rest", "audit": 3}),
        ({"outcome": "failed"}, "close", {"act": "close"}),
    ],
)
def test_a_judged_sample_says_what_may_be_done(part, sample, part_, sent):
    sample = {"audit": 3, "close": "Back", "mark": "Sample", "text": "59 of 59 were right"} | sample
    card = part("review", {**value(), "item": None, "empty": texts.SAMPLE_DONE, "sample": sample})
    assert card.text(".review-sample p") == "59 of 59 were right"
    card.page.click(f"[data-part={part_}]")
    assert sent.items() <= asked(card)[0].items()


def test_a_warning_stands_above_and_takes_back(part):
    warning = {"audit": 3, "text": "4 of 80 are wrong", "back": "Take them all back"}
    card = part("review", value(warnings=[warning]))
    assert card.text("[role=alert] p") == "4 of 80 are wrong"
    card.page.click("[role=alert] button")
    assert asked(card)[0]["act"] == "back"


def test_the_advice_stands_until_the_page_is_loaded_again(part):
    card = part("review", value(advice="You may stop here."))
    card.press("a")
    card.answer(value(2))
    assert card.text("[data-part=advice]") == "You may stop here."


def test_hostile_text_stays_text(part):
    item = {
        "question": HOSTILE, "answer": HOSTILE, "choices": [HOSTILE], "decided": HOSTILE, "why": HOSTILE,
        "comments": [HOSTILE], "on_picture": HOSTILE, "score": HOSTILE, "was": {"question": HOSTILE, "answer": "x"},
    }  # fmt: skip
    sample = {"audit": 1, "outcome": "open", "text": HOSTILE, "close": HOSTILE, "end": HOSTILE, "mark": HOSTILE}
    warning = {"audit": 3, "text": HOSTILE, "back": HOSTILE}
    hostile = {"said": HOSTILE, "standing": HOSTILE, "people": [HOSTILE] * 2, "sample": sample, "warnings": [warning]}
    card = part("review", value(item=item, **hostile))
    card.press("e")
    card.page.wait_for_timeout(100)
    assert card.page.evaluate("window.hacked") is None
    assert card.page.input_value("[data-part=question]") == HOSTILE


def test_the_end_of_the_queue_leads_on_and_can_be_undone(part):
    card = part("review", {**value(), "item": None, "empty": texts.FINISHED})
    assert card.text("h2") == texts.FINISHED["title"]
    card.press("a", "x", "1", "s", "u")
    assert [sent["act"] for sent in asked(card)] == ["skip"]
    card.answer({**value(), "item": None, "empty": texts.FINISHED})
    card.press("u")
    assert [(sent["act"], sent["pair"]) for sent in asked(card)] == [("undo", None)]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("a b c", "a c", "a [-b-] c"), ("a c", "a b c", "a [+b+] c"), ("a", "a", "a"), ("", "x", "[+x+]"),
        ("is it pink", "is it red now", "is it [-pink-] [+red+] [+now+]"),
    ],
)  # fmt: skip
def test_differences_are_by_word(card, before, after, words):
    script = """([before, after]) => leaml.reviewParts.difference(before, after).map((part) =>
      typeof part === "string" ? part : part.tagName === "DEL" ? `[-${part.textContent}-]` : `[+${part.textContent}+]`
    ).join("").trim()"""
    assert card.page.evaluate(script, [before, after]) == words


# What comes next is here before it is asked for


def entry(pair: int) -> dict:
    return {"pair": pair, "check": None, "item": value(pair)["item"], "picture": {"src": f"/{pair}.png"}}


def line(*pairs: int) -> list[dict]:
    return [{"pair": pair, "check": None, "shown": ""} for pair in pairs]


@pytest.fixture
def handed(part):
    """A card that was handed the two suggestions after its own."""
    questions = {number: {"question": f"Question {number}?"} for number in (1, 2, 3)}
    ahead = [entry(number) | {"item": value(number, item=questions[number])["item"]} for number in (2, 3)]
    return part("review", {**value(1, item=questions[1]), "person": "Me", "next": ahead})


def test_the_next_suggestion_is_shown_before_the_decision_is_saved(handed):
    handed.press("a")
    assert handed.text(".review-question") == "Question 2?" and handed.text(".card-said") == frame.ALONE["saving"]
    assert asked(handed) == [{"act": "accept", "pair": 1, **SENT, "line": line(2, 3)}]
    again = value(2, item={"question": "Question 2?"})
    handed.answer({**again, "said": "Accepted.", "next": [{"pair": 3, "check": None}]})
    assert handed.text(".card-said") == "Accepted."
    handed.press("x", "2")
    assert handed.text(".review-question") == "Question 3?", "the page had it already, the server named it"
    assert asked(handed) == [{"act": "reject", "reason": "wrong answer", "pair": 2, **SENT, "line": line(3)}]


def test_decisions_are_sent_in_their_order_and_nothing_goes_on_without_what_comes_next(handed):
    handed.press("a", "a", "a", "a", "s")
    assert [(sent["act"], sent["pair"]) for sent in asked(handed)] == [("accept", 1)]
    handed.answer({**value(2), "next": [{"pair": 3, "check": None}, entry(4)]})
    handed.answer({**value(3), "next": [entry(4)]})
    assert [(sent["act"], sent["pair"]) for sent in asked(handed)] == [("accept", 2), ("accept", 3)]
    handed.answer(value(4))
    handed.press("a")
    assert [sent["pair"] for sent in asked(handed)] == [4]


def test_undo_of_what_was_not_sent_yet_takes_it_back_at_once_and_of_what_was_asks_for_it(handed):
    handed.press("a", "a", "u")
    assert handed.text(".review-question") == "Question 2?"
    handed.press("u")
    handed.answer({**value(2), "next": []})
    assert [sent["act"] for sent in asked(handed)] == ["accept", "undo"]


def test_a_refused_decision_is_said_and_can_be_looked_at_again_with_what_was_written(handed):
    handed.press("e", "Control+a")
    handed.page.keyboard.type("axes")
    handed.press("Control+Enter", "u")
    asked(handed)
    handed.answer({"wrong": {"what": "Somebody else has it in hand.", "fix": "Take the next one."}})
    assert handed.text(".saving").startswith("“Question 1?” was not saved. Somebody else has it in hand.")
    assert asked(handed) == [], "there is nothing to take back"
    assert handed.text(".review-question") == "Question 2?"
    handed.page.click("[data-part=look-again]")
    assert asked(handed) == [{"act": "open", **SENT, "pair": 1}]
    handed.answer(value(1))
    assert handed.page.input_value("[data-part=answer]") == "axes"


def test_what_the_server_does_not_answer_is_kept_and_sent_again(handed):
    handed.press("a")
    asked(handed)
    handed.fail()
    assert "One decision is not saved yet" in handed.text(".saving")
    handed.page.click("[data-part=again]")
    assert [sent["pair"] for sent in asked(handed)] == [1]
    handed.answer(value(2))
    assert handed.page.locator(".saving").count() == 0


def test_a_window_that_closes_before_it_is_saved_loses_nothing(part, handed):
    handed.press("a", "a")
    card = part("review", {**value(1), "person": "Me", "fresh": True})
    assert [(sent["act"], sent["pair"]) for sent in asked(card)] == [("accept", 1)]
    card.press("a")
    card.answer(value(2))
    assert [(sent["act"], sent["pair"]) for sent in asked(card)] == [("accept", 2)], "nothing else meanwhile"
    card.answer(value(3))
    assert card.page.evaluate("Object.keys(localStorage)") == []


def test_an_answer_moves_nothing_under_the_hands_of_who_writes(handed):
    handed.press("a", "e", "Control+a")
    handed.page.keyboard.type("axial")
    handed.press("ArrowLeft", "ArrowLeft")
    handed.answer({**value(2), "standing": "8 left", "next": [{"pair": 3, "check": None}]})
    handed.page.keyboard.type("-")
    assert handed.page.input_value("[data-part=answer]") == "axi-al" and handed.text(".card-standing") == "8 left"
