"""The blind comparison in Chromium: keys decide once, ticks go with the vote, names come after."""

import pytest

from app.texts import blind as texts
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser

BEFORE = {
    "question": HOSTILE, "label": HOSTILE, "choice": "you found A better",
    "answers": [{"side": "A", "name": HOSTILE, "text": HOSTILE, "right": True, "mark": "✓ right"}],
}  # fmt: skip


def value(pair: int = 8, **more) -> dict:
    return {
        "words": texts.WORDS, "project": "polyps", "adapter": 5, "adapters": [{"id": 5, "name": "answers 1"}],
        "standing": "3 judged by you", "before": None,
        "item": {"pair": pair, "question": HOSTILE, "answers": [HOSTILE, "no"]}, **more,
    }  # fmt: skip


@pytest.fixture
def card(part):
    shown = part("blind", value())
    shown.page.evaluate("leaml.view = { area: 'blind' }")
    return shown


def test_a_key_decides_once_with_what_was_ticked(card):
    card.page.click("[data-part=left-correct]")
    card.page.click("[data-part=right-harmful]")
    card.press("b", "b", "e")
    [asked] = card.asked()
    assert (asked["act"], asked["pair"], asked["choice"], asked["adapter"]) == ("vote", 8, "right", 5)
    assert asked["rubric"] == {"left": ["correct"], "right": ["harmful"]} and asked["seconds"] > 0


@pytest.mark.parametrize(("key", "choice"), [("a", "left"), ("b", "right"), ("e", "equal"), ("n", "neither")])
def test_each_key_is_a_button_too(card, key, choice):
    card.press(key)
    card.page.evaluate("leaml.settled('blind')")
    card.page.click(f"[data-part={choice}]")
    assert [one["choice"] for one in card.asked()] == [choice, choice]


def test_keys_do_nothing_in_another_view_or_without_a_question(card):
    card.page.evaluate("leaml.view = { area: 'overview' }")
    card.press("a")
    card.page.evaluate("leaml.view = { area: 'blind' }")
    card.answer(value(item=None, finished=texts.FINISHED))
    card.press("a")
    assert card.asked() == [] and texts.FINISHED in card.text("#part")


def test_names_come_after_and_ticks_start_anew(card):
    card.page.click("[data-part=left-correct]")
    card.answer(value(9, before=BEFORE, said="Took back the vote."))
    assert card.page.get_attribute("[data-part=left-correct]", "aria-pressed") == "false"
    assert "you found A better" in card.text(".blind-before") and "Took back" in card.text(".card-said")
    card.press("u")
    assert card.asked() == [{"adapter": 5, "act": "undo"}]
    assert card.page.evaluate("window.hacked") is None


def test_opening_the_view_asks_for_the_first_question(card):
    card.page.evaluate("document.dispatchEvent(new CustomEvent('leaml-view'))")
    assert card.asked() == [{"act": "show", "adapter": 5}]


def test_what_everybody_found_is_folded_away(part):
    rows = [{"name": HOSTILE, "adapted": 3, "base": 1, "equal": 2, "neither": 0, "rate": "3 of 4"}]
    table = part("votes", {"words": texts.TABLE | {"adapted": "x"}, "rows": rows, "notes": []})
    assert not table.page.is_visible("tbody")
    table.page.click("summary")
    assert table.texts("tbody td") == ["3", "1", "2", "0", "3 of 4"]
    assert part("votes", {}).text("#part") == ""
