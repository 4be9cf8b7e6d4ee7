"""The card of the Review screen: one key decides, nothing decides by accident."""

import pytest

from app.texts import review as texts
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser


def value(pair: int = 1, **more) -> dict:
    item = {
        "id": pair, "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "choices": ["yes", "no"],
        "status": "suggested", "verdict": None, "place": f"{pair} of 9", "on_picture": "1 of 2 on this picture",
        "why": ["When asked again, it answers the same with 82 %."], "decided": "",
        "beside": [
            {"id": pair, "question": "Is there a polyp?", "answer": "yes", "state": "waits"},
            {"id": 50, "question": "Is it sharp?", "answer": "no", "state": "waits"},
        ],
    }  # fmt: skip
    item |= more.pop("item", {})
    card = {"project": "polyps", "words": texts.WORDS, "reasons": texts.REASONS, "standing": "9 left", "said": ""}
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
        (["ArrowLeft"], {"act": "move", "by": -1}),
        (["ArrowRight"], {"act": "move", "by": 1}),
        (["x", "1"], {"act": "reject", "reason": "wrong finding"}),
        (["x", "7"], {"act": "reject", "reason": "identity visible"}),
    ],
)
def test_one_key_decides(card, keys, sent):
    card.press(*keys)
    assert asked(card) == [{"pair": 1, "verdict": None, **sent}]


@pytest.mark.parametrize("keys", [["1"], ["x", "8"], ["x", "Escape", "1"], ["Backspace", "Space", "Delete", "Enter"]])
def test_other_keys_decide_nothing(card, keys):
    card.press(*keys)
    assert asked(card) == []


def test_keys_pressed_while_a_decision_is_under_way_decide_nothing(card):
    card.press("a", "a", "s", "x", "1")
    assert [sent["act"] for sent in asked(card)] == ["accept"]
    card.answer(value(2))
    card.press("a")
    assert asked(card) == [{"act": "accept", "pair": 2, "verdict": None}]


def test_a_correction_is_written_and_saved_without_deciding_by_letters(card):
    card.press("e", "Control+a")
    card.page.keyboard.type("axes")
    assert asked(card) == []
    card.press("Control+Enter")
    assert asked(card) == [
        {"act": "edit", "pair": 1, "verdict": None, "question": "Is there a polyp?", "answer": "axes"}
    ]


def test_a_choice_fills_the_answer(card):
    card.press("e")
    card.page.click(".review-edit .label-choices button:nth-child(2)")
    card.press("Control+Enter")
    assert asked(card)[0]["answer"] == "no"


def test_escape_leaves_a_correction(card):
    card.press("e", "Escape", "a")
    assert asked(card)[0]["act"] == "accept"


def test_letters_beside_the_fields_decide_nothing_during_a_correction(card):
    card.press("e")
    card.page.evaluate("document.activeElement.blur()")
    card.press("a", "s")
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
    assert asked(card) == [{"act": "open", "pair": 4, "verdict": None}]


def test_what_was_decided_is_said_in_words(part):
    card = part("review", value(item={"status": "accepted", "verdict": 8, "decided": "Accepted by Dr. A"}))
    assert card.text(".review-decided") == "Accepted by Dr. A"
    card.press("x", "2")
    assert asked(card)[0]["verdict"] == 8


def test_other_suggestions_on_the_picture_can_be_opened(card):
    card.page.click(".review-beside li:nth-child(2) button")
    assert asked(card) == [{"act": "open", "pair": 50, "verdict": None}]


def test_hostile_text_stays_text(part):
    item = {"question": HOSTILE, "answer": HOSTILE, "choices": [HOSTILE], "decided": HOSTILE, "why": [HOSTILE]}
    card = part("review", value(item=item, said=HOSTILE, standing=HOSTILE))
    card.press("e")
    card.page.wait_for_timeout(100)
    assert card.page.evaluate("window.hacked") is None
    assert card.page.input_value("[data-part=question]") == HOSTILE


def test_the_end_of_the_queue_leads_on_and_can_be_undone(part):
    card = part("review", {**value(), "item": None, "empty": texts.FINISHED, "first": 1})
    assert card.text("h2") == texts.FINISHED["title"]
    card.press("a", "x", "1", "s")
    assert asked(card) == []
    card.press("u")
    assert asked(card) == [{"act": "undo", "pair": None, "verdict": None}]
