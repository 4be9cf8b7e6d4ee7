"""The parts of the Compare screen: asking once, answers as text, the views, the table, and the list."""

import pytest

from app.texts import compare as texts
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser


def picker(picture: int = 1, **more) -> dict:
    return {
        "project": "polyps", "words": texts.WORDS, "pool": "test", "pools": [{"key": "test", "name": "test"}],
        "picture": {"id": picture, "place": 3, "of": 9}, "questions": ["Is there a polyp?"],
        "adapters": [{"id": 5, "name": "answers 1"}], "most": 4, "note": "", **more,
    }  # fmt: skip


def test_the_question_is_asked_once_of_base_and_newest_model(part):
    asking = part("asking", picker())
    asking.page.fill("[data-part=question]", "How many polyps?")
    asking.press("Enter", "Enter")
    asking.page.click("[data-part=ask]", force=True)
    assert asking.asked() == [{"picture": 1, "question": "How many polyps?", "adapters": [5]}]
    assert not asking.page.is_disabled("[data-part=stop]")


def test_several_adapted_models_are_asked_side_by_side(part):
    models = [{"id": number, "name": f"answers {number}"} for number in (5, 4, 3)]
    asking = part("asking", picker(adapters=models, most=2))
    for number in (3, 4):
        asking.page.click(f"[data-part=adapter-{number}]")
    asking.page.click("[data-part=ask]")
    assert asking.asked()[0]["adapters"] == [4, 3], "no more than fit side by side"


def test_nothing_is_asked_without_a_question(part):
    asking = part("asking", picker(questions=[]))
    asking.page.click("[data-part=ask]")
    assert asking.asked() == []


def test_the_typed_question_stays_with_the_next_picture_and_after_a_reload(part):
    asking = part("asking", picker())
    asking.page.fill("[data-part=question]", "How many polyps?")
    asking.answer(picker(2))
    assert asking.page.input_value("[data-part=question]") == "How many polyps?"
    asking = part("asking", picker())
    assert asking.page.input_value("[data-part=question]") == "How many polyps?"


def test_arrows_lead_to_the_next_picture_but_not_while_typing(part):
    asking = part("asking", picker())
    asking.press("ArrowRight")
    assert asking.asked() == [{"act": "move", "pool": "test", "picture": 1, "by": 1}]
    asking.answer(picker(2))
    asking.page.focus("[data-part=question]")
    asking.press("ArrowRight")
    assert asking.asked() == []


def test_a_picture_is_chosen_by_number(part):
    asking = part("asking", picker())
    asking.page.fill("[data-part=place]", "7")
    asking.press("Tab")
    assert asking.asked() == [{"act": "move", "pool": "test", "picture": 1, "place": 7}]


def test_answers_grow_and_hostile_ones_stay_text(part):
    words = texts.WORDS | {"help": "", "medical": texts.NOT_MEDICAL}
    side = {"name": HOSTILE, "text": "", "message": "…"}
    answers = part("answers", {"question": HOSTILE, "label": HOSTILE, "sides": [side], "note": "", "words": words})
    assert answers.text(".answer-text") == "…"
    done = side | {"text": HOSTILE, "sure": "93 % sure", "mark": "✓ right", "right": True}
    answers.answer({"question": "?", "label": "", "sides": [done], "note": "", "words": words})
    answers.page.wait_for_timeout(100)
    assert answers.text(".answer-text") == HOSTILE and answers.text(".answer .good") == "✓ right"
    assert answers.page.evaluate("window.hacked") is None


def test_a_whole_answer_can_be_looked_into_once(part):
    words = texts.WORDS | {"help": "", "medical": ""}
    side = {"name": "answers 1", "adapter": 5, "text": "two polyps", "done": True}
    side |= {"parts": [["two", True], ["polyps", False]]}
    side |= {"sure": "60 % sure", "doubt": "Ask a person", "choices": [{"name": HOSTILE, "share": 60, "text": "60 %"}]}
    card = {"question": "How many?", "picture": 3, "label": "", "sides": [side], "note": "", "words": words}
    answers = part("answers", card)
    assert answers.text(".answer-text") == "two polyps" and answers.texts(".answer-text mark") == ["two"]
    assert "Ask a person" in answers.text(".answer-doubt") and answers.texts(".answer-choices li")[0].startswith("<img")
    answers.page.click("[data-part=look]")
    answers.page.click("[data-part=look]")
    assert answers.asked() == [{"picture": 3, "question": "How many?", "answer": "two polyps", "adapter": 5}]
    answers.answer(card | {"sides": [side | {"done": False}]})
    assert answers.page.locator("[data-part=look]").count() == 0


def test_the_map_frames_what_was_hidden_together(part, picture_data):
    value = {
        "words": {"title": HOSTILE, "scale": "darker"}, "source": picture_data(40, 30), "size": [40, 30],
        "cells": [[1, 0], [0, 0.25]], "hidden": [[0, 0]], "sentences": [HOSTILE], "note": "no explanation",
    }  # fmt: skip
    looking = part("looking", value)
    read = "all => all.map(one => [one.className, one.style.cssText])"
    cells = looking.page.eval_on_selector_all(".looking-cells i", read)
    assert [one[0] for one in cells] == ["framed", "", "", ""] and "0.25" in cells[3][1]
    box = looking.page.eval_on_selector(".looking-picture", "one => one.offsetWidth / one.offsetHeight")
    assert abs(box - 40 / 30) < 0.02 and "no explanation" in looking.text("#part")
    looking.answer({"words": value["words"] | {"stop": "Stop"}, "message": "Hiding"})
    assert "Hiding" in looking.text("#part") and looking.page.evaluate("window.hacked") is None


def test_looking_can_be_stopped_while_it_lasts(part):
    looking = part("looking", {"words": {"title": "Where", "stop": "Stop"}, "message": "Hiding"})
    looking.page.click("text=Stop")
    assert looking.asked() == [{}]


def test_the_table_has_a_row_per_model_and_a_bar_where_there_is_a_rate(part):
    rows = [
        {"name": "Base model", "help": "", "right": "12 of 18", "bar": None, "base": "", "blind": ""},
        {"name": HOSTILE, "help": "", "right": "79 % [75, 83]", "bar": [75, 79, 83], "base": "+38 points", "blind": ""},
    ]
    counts = {"name": HOSTILE, "n": "18", "cells": [["3 of 18", "within one: 9 of 18"], ["5 of 18"]]}
    parts = [{"title": "By kind of question", "head": "Kind of question", "rows": [counts]}]
    sets = [{"title": "Test set", "rows": rows, "parts": parts}]
    table = part("comparison", {"words": texts.TABLE, "sets": sets, "intervals": "", "newer": ""})
    assert table.texts("tbody:first-of-type td:nth-child(2)")[:2] == ["12 of 18", "79 % [75, 83]"]
    assert len(table.texts(".interval")) == 1
    table.page.click("summary")
    assert table.texts("details tbody td") == ["3 of 18within one: 9 of 18", "5 of 18"]
    assert table.page.evaluate("window.hacked") is None


ADAPTERS = [{"id": 5, "name": "answers 1"}, {"id": 3, "name": "answers 0"}]


def listed(**more) -> dict:
    answers = [
        {"name": "Base model", "parts": [[HOSTILE, False]], "right": False, "mark": "✕"},
        {"name": "answers 1", "parts": [["two", True], ["polyps", False]], "right": True, "mark": "✓"},
    ]
    row = {"pair": 8, "picture": 3, "thumb": "/thumb/polyps/3", "question": HOSTILE, "label": "yes", "answers": answers}
    kinds = [{"value": "count", "name": "count (3)"}, {"value": "open", "name": "open (1)"}]
    return {
        "words": texts.ITEMS, "project": "polyps", "filter": "differ", "help": "", "counts": {"differ": 14},
        "page": 0, "pages": 2, "adapter": 5, "adapters": ADAPTERS, "rows": [row],
        "choices": {"type": kinds, "question": [], "split": []}, "chosen": {"type": "", "question": "", "split": ""},
        **more,
    }  # fmt: skip


ASKED = {"act": "list", "filter": "differ", "page": 0, "adapter": 5, "type": "", "question": "", "split": ""}


@pytest.fixture
def items(part):
    return part("items", listed())


def test_the_view_that_is_opened_says_which_questions_are_listed(items):
    fixed = {"key": "fixed", "area": "items", "filter": "fixed"}
    items.page.evaluate("view => { leaml.view = view; document.dispatchEvent(new CustomEvent('leaml-view')); }", fixed)
    assert items.asked() == [ASKED | {"filter": "fixed"}]
    items.answer(listed(filter="fixed"))
    assert items.asked() == []


def test_filters_start_at_their_first_page(items):
    items.page.select_option("[data-part=choice-type]", "count")
    assert items.asked() == [ASKED | {"type": "count"}]
    items.answer(listed(page=1, pages=2, chosen={"type": "count", "question": "", "split": ""}))
    items.page.select_option("[data-part=choice-adapter]", "3")
    assert items.asked() == [ASKED | {"type": "count", "adapter": 3}]
    assert items.page.locator("[data-part=choice-split]").count() == 0


def test_words_that_the_base_model_does_not_say_are_marked(items):
    assert items.texts(".item mark") == ["two"]
    assert "answers 1: two polyps" in items.text(".item")


def test_pages_are_turned_and_end(items):
    assert items.page.is_disabled("text=Previous page")
    items.page.click("text=Next page")
    assert items.asked() == [ASKED | {"page": 1}]


def test_a_question_is_opened_beside_its_picture(items):
    items.page.evaluate("document.body.append(leaml.make('div', { id: 'compare-viewer' }))")
    items.page.click(".item")
    assert items.asked() == [ASKED | {"act": "open", "pair": 8}]
    assert items.page.evaluate("window.hacked") is None


def views(part, project: str = "polyps"):
    found = [
        {"key": "overview", "name": "Overview", "area": "overview"},
        {"key": "broken", "name": "Broken", "area": "items", "filter": "broken", "count": "9"},
        {"key": "blind", "name": "Blind A/B", "area": "blind"},
    ]
    return part("views", {"project": project, "views": found})


def test_a_view_is_opened_and_kept_for_its_project_after_a_reload(part):
    shown = views(part)
    assert shown.page.evaluate("document.body.dataset.compare") == "overview"
    shown.page.click("[data-part=view-broken]")
    assert shown.text("[aria-selected=true]").split() == ["Broken", "9"]
    shown = views(part)
    assert shown.page.evaluate("[document.body.dataset.compare, leaml.view.filter]") == ["items", "broken"]
    assert views(part, "another").page.evaluate("document.body.dataset.compare") == "overview"


def test_before_the_first_comparison_there_is_nothing_to_see(part):
    assert part("comparison", {}).text("#part") == ""
    assert part("items", {}).text("#part") == ""
