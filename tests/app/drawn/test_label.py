"""The form of the Label screen: answering with keys, drafts that stay, and nothing sent by accident."""

import pytest

from app.labelling import types
from app.texts import frame
from app.texts import label as texts
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser

ROWS = [
    {"question": "Is there a polyp?", "type": "yes/no", "choices": ["yes", "no"]},
    {"question": "How many?", "type": "count", "choices": []},
    {"question": "Which?", "type": "multiple choice", "choices": ["forceps", "snare", "none"]},
    {"question": "What else?", "type": "open", "choices": []},
]


def value(picture: int = 1, **more) -> dict:
    return {
        "project": "polyps", "person": "Me", "viewer": "label-viewer", "reasons": texts.REASONS, "comment": "",
        "flagged": False, "presets": texts.PRESETS, "words": texts.WORDS,
        "pool": "train", "types": types(), "blind": "", "said": "",
        "pools": [{"key": "train", "name": "to learn from"}, {"key": "test", "name": "test"}],
        "picture": {"id": picture, "place": f"Picture {picture} of 9"}, "questions": ROWS,
        "standing": "0 labelled", **more,
    }  # fmt: skip


@pytest.fixture
def form(part):
    return part("label", value())


def given(form) -> list[str]:
    """What stands behind each row but the open one."""
    return form.texts(".label-given")


def test_digits_answer_the_open_question_and_lead_to_the_next(form):
    form.press("1", "3", "2")
    assert form.text(".label-question") == "Which?"
    assert given(form) == ["yes", "3", "–"]
    assert form.texts("[aria-pressed=true] span") == ["snare"]


def test_save_sends_what_was_answered_and_how_long_it_took(form):
    form.press("2", "0", "Control+Enter")
    [sent] = form.asked()
    assert (sent["act"], sent["picture"], sent["pool"]) == ("save", 1, "train")
    assert [row["answer"] for row in sent["answers"]] == ["no", "0"]
    assert sent["answers"][0]["choices"] == ["yes", "no"]
    assert 0 < sent["seconds"] < 60


def test_several_choices_are_kept_in_their_order_and_none_stands_alone(form):
    form.press("ArrowDown", "ArrowDown", "2", "1")
    assert form.texts("[aria-pressed=true] span") == ["forceps", "snare"]
    form.press("3")
    assert given(form)[2] == "none"
    form.press("ArrowUp", "1", "Control+Enter")
    assert form.asked()[0]["answers"][0]["answer"] == "forceps"


def test_an_empty_save_sends_nothing_and_says_why(form):
    form.press("Control+Enter")
    assert form.asked() == []
    assert form.text(".card-alert") == texts.WORDS["nothing"]


def test_keys_do_nothing_while_an_answer_is_written(form):
    form.press("ArrowDown", "ArrowDown", "ArrowDown")
    form.page.keyboard.type("such as 1 snare")
    assert form.asked() == []
    form.press("Control+Enter")
    assert form.asked()[0]["answers"] == [
        {"question": "What else?", "type": "open", "choices": [], "answer": "such as 1 snare", "marks": []}
    ]


def test_a_second_press_while_the_first_is_under_way_sends_nothing(form):
    form.press("1", "Control+Enter", "Control+Enter", "s", "ArrowRight")
    assert [sent["act"] for sent in form.asked()] == ["save"]
    form.answer(value(2, saved=1))
    form.press("ArrowRight")
    assert form.asked() == [{"act": "move", "by": 1, "pool": "train", "picture": 2}]


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("f", {"act": "flag"}),
        ("u", {"act": "undo"}),
        ("Control+z", {"act": "undo"}),
        ("ArrowLeft", {"act": "move", "by": -1}),
        ("ArrowRight", {"act": "move", "by": 1}),
    ],
)
def test_each_key_asks_for_one_thing(form, key, asked):
    form.press(key)
    assert form.asked() == [{"pool": "train", "picture": 1, **asked}]


def test_a_picture_is_passed_over_with_a_reason_by_digit_or_without(form):
    form.press("s", "ArrowRight", "u", "Escape", "s", "2")
    assert form.asked() == [{"act": "skip", "text": texts.REASONS[1], "pool": "train", "picture": 1}]
    form.answer(value(2))
    form.press("s", "s")
    assert form.asked() == [{"act": "skip", "text": "", "pool": "train", "picture": 2}]


def test_what_cannot_be_told_is_sent_apart_by_t_or_the_digit_after_the_choices(form):
    form.press("3", "t", "1", "Control+Enter")
    [sent] = form.asked()
    assert sent["untold"] == ["Is there a polyp?", "How many?"]
    assert [row["answer"] for row in sent["answers"]] == ["forceps"]


def test_an_empty_picture_and_usual_questions_left_open_are_sent_only_when_it_is_said_twice(part):
    form = part("label", value(questions=[row | {"usual": True} for row in ROWS]))
    form.press("Control+Enter")
    assert form.asked() == []
    form.press("1", "Control+Enter")
    assert form.asked() == [] and "3 questions" in form.text(".card-alert")
    form.press("Control+Enter")
    assert len(form.asked()[0]["answers"]) == 1


def test_a_comment_is_written_and_sent(form):
    form.press("c")
    form.page.keyboard.type("look again")
    form.press("Enter")
    assert form.asked() == [{"act": "comment", "text": "look again", "pool": "train", "picture": 1}]


def test_usual_questions_are_added_from_kinds_moved_and_sent(form):
    form.answer(value(1, templates=[{"id": 4, "note": "has answers", **ROWS[0]}]))
    form.page.click("[data-preset='count']")
    form.page.keyboard.type("How many polyps?")
    form.page.get_by_label("Up (2)").click()
    form.page.click("[data-part=keep]")
    [sent] = form.asked()
    assert [(row["id"], row["question"]) for row in sent["questions"]] == [
        (None, "How many polyps?"), (4, "Is there a polyp?")
    ]  # fmt: skip


def test_a_reload_loses_nothing_that_was_typed(part):
    form = part("label", value())
    form.press("1", "ArrowDown", "ArrowDown")
    form.page.keyboard.type("half a sent")
    form = part("label", value())
    assert given(form)[0] == "yes" and "half a sent" in given(form)


def test_after_a_reload_the_picture_with_the_draft_is_opened_again(part):
    form = part("label", value(7))
    form.press("1")
    form = part("label", value(1, fresh=True))
    assert form.asked() == [{"act": "open", "pool": "train", "picture": 7}]
    form.answer(value(7))
    assert given(form)[0] == "yes"


def test_a_saved_draft_is_gone(part):
    form = part("label", value())
    form.press("1", "Control+Enter")
    form.answer(value(2, saved=1))
    form = part("label", value(1, fresh=True))
    assert form.asked() == [] and given(form) == ["–", "–", "–"]


def test_what_was_taken_back_stands_there_again(form):
    form.answer(value(3, draft={"answers": {"How many?": "4"}, "own": [], "adding": None}))
    assert "4" in given(form)
    form.press("Control+Enter")
    assert form.asked()[0]["answers"][0]["answer"] == "4"


def test_an_own_question_is_added_answered_and_sent(form):
    form.page.click("[data-part=own]")
    form.page.keyboard.type("Is it sharp?")
    form.press("Enter", "1", "Control+Enter")
    assert form.asked()[0]["answers"] == [
        {"question": "Is it sharp?", "type": "yes/no", "choices": ["yes", "no"], "answer": "yes", "marks": []}
    ]


def test_an_own_question_with_choices(form):
    form.page.click("[data-part=own]")
    form.page.keyboard.type("Which side?")
    form.page.select_option("[data-part=own-type]", "single choice")
    form.page.fill("[data-part=own-choices]", "left; right; left")
    form.press("Enter", "2", "Control+Enter")
    assert form.asked()[0]["answers"][0] == {
        "question": "Which side?", "type": "single choice", "choices": ["left", "right"], "answer": "right",
        "marks": [],
    }  # fmt: skip


def test_an_own_question_that_was_not_added_is_not_lost_by_a_save(form):
    form.press("1")
    form.page.click("[data-part=own]")
    form.page.keyboard.type("Is it sharp?")
    form.press("Control+Enter")
    assert form.asked() == []
    assert form.text(".card-alert") == texts.WORDS["not_added"]


def test_the_same_question_twice_is_refused(form):
    form.page.click("[data-part=own]")
    form.page.keyboard.type("how MANY?")
    form.press("Enter")
    assert form.text(".card-alert") == texts.WORDS["asked_already"]


def test_hostile_text_stays_text(part):
    row = {"question": HOSTILE, "type": "single choice", "choices": [HOSTILE, "b"], "by": HOSTILE, "answer": HOSTILE}
    form = part("label", value(questions=[row], standing=HOSTILE, said=HOSTILE, project=HOSTILE))
    form.page.wait_for_timeout(100)
    assert form.page.evaluate("window.hacked") is None
    assert form.text(".label-question") == HOSTILE


def test_an_empty_state_says_what_to_do(part):
    form = part("label", {"empty": texts.NO_PICTURES})
    assert form.text("h2") == texts.NO_PICTURES["title"]
    assert form.text("button") == texts.NO_PICTURES["button"]
    form.press("s", "1", "Control+Enter", "ArrowRight")
    assert form.asked() == []


def test_pools_are_changed_by_the_selector(form):
    form.page.select_option("[data-part=pool]", "test")
    assert form.asked() == [{"act": "pool", "pool": "test", "picture": 1}]


def test_a_tab_that_is_opened_again_asks_for_what_stands_there(form):
    form.page.evaluate("leaml.project = () => 'polyps'")
    form.answer({"again": 1})
    assert form.asked() == [{"act": "open", "pool": "train", "picture": 1}]


# What comes next is here before it is asked for


def entry(picture: int) -> dict:
    names = ("picture", "questions", "blind", "flagged", "comment")
    form = {name: part for name, part in value(picture).items() if name in names}
    return {"id": picture, "form": form, "image": {"src": f"/{picture}.png"}}


@pytest.fixture
def handed(part):
    """A form that was handed the two pictures after its own."""
    return part("label", value(1, next=[entry(2), entry(3)]))


def test_the_next_picture_is_shown_before_the_answers_are_saved_and_its_answers_wait_behind(handed):
    handed.press("1", "Control+Enter")
    assert handed.text(".label-place") == "Picture 2 of 9" and handed.text(".card-said") == frame.ALONE["saving"]
    [sent] = handed.asked()
    assert (sent["act"], sent["picture"], sent["line"]) == ("save", 1, [2, 3])
    handed.press("2")
    handed.answer(value(2, saved=1, said="Saved.", next=[{"id": 3}]))
    assert given(handed)[0] == "no" and handed.text(".card-said") == "Saved."
    handed.press("Control+Enter")
    [sent] = handed.asked()
    assert (sent["picture"], sent["answers"][0]["answer"], sent["line"]) == (2, "no", [3])
    assert handed.text(".label-place") == "Picture 3 of 9"


def test_what_was_typed_is_kept_until_it_is_saved(handed):
    handed.press("1", "Control+Enter")
    assert "label.polyps.Me.1" in str(handed.page.evaluate("Object.keys(localStorage)"))
    handed.answer({"wrong": {"what": "The picture is gone.", "fix": "Reload."}})
    assert "was not saved. The picture is gone." in handed.text(".saving")
    handed.page.click("[data-part=look-again]")
    handed.answer(value(1))
    assert given(handed)[0] == "yes"


def test_a_save_that_was_not_sent_yet_is_taken_back_at_once(handed):
    handed.press("1", "Control+Enter", "2", "Control+Enter", "u")
    assert handed.text(".label-place") == "Picture 2 of 9" and given(handed)[0] == "no"
    handed.answer(value(2, saved=1, next=[{"id": 3}]))
    assert [(sent["act"], sent["picture"]) for sent in handed.asked()] == [("save", 1)]


def test_a_question_that_an_answer_brings_leaves_the_open_one_open(handed):
    handed.press("1", "Control+Enter", "ArrowDown")
    assert handed.text(".label-question") == "How many?"
    new = {"question": "Is it sharp?", "type": "yes/no", "choices": ["yes", "no"]}
    handed.answer(value(2, saved=1, questions=[new, *ROWS]))
    assert handed.text(".label-question") == "How many?"
