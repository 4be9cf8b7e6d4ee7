""" "People and progress": folded until somebody asks, one view at a time, and nothing of a project becomes HTML."""

import pytest

from app.texts import people as texts
from tests.app.drawn.test_review import value
from tests.app.small_project import HOSTILE

pytestmark = pytest.mark.browser

FOLDED = {"words": texts.WORDS, "views": [list(view) for view in texts.TABS.items()], "view": None}
PROGRESS = {
    "people": {"head": texts.HEAD, "rows": [[HOSTILE, "1", "2", "2", "4 s", "4 s"]], "none": ""},
    "lines": ["2 suggestions wait."], "samples": {"title": "", "lines": []}, "checks": None,
}  # fmt: skip
STEP = {
    "time": "2026-01-31T12:00:00.000Z", "what": "rejected", "more": HOSTILE, "asked": HOSTILE, "pair": 7,
    "thumb": None, "withdrawn": True,
}  # fmt: skip
WORK = {"person": "Dr. A", "people": ["Dr. A", HOSTILE], "none": "", "steps": [STEP], "earlier": 30, "later": None}
HISTORY = {
    "pair": 7, "question": HOSTILE, "thumb": "", "none": "",
    "steps": [{
        "time": STEP["time"], "person": HOSTILE, "what": "corrected", "more": "", "withdrawn": False,
        "before": "Is it? yes", "after": "Is it? no",
    }],
}  # fmt: skip


@pytest.fixture
def people(part):
    return part("people", FOLDED)


def unfold(people) -> None:
    """Browsers tell of it a moment after the click."""
    people.page.click("summary")
    people.page.wait_for_function("window.asked.length")


def unfolded(people, view: str, value: dict):
    """The part with one of its views open."""
    unfold(people)
    people.asked()
    people.answer(FOLDED | {"view": view, view: value})
    return people


def test_nothing_is_asked_before_it_is_unfolded(people):
    assert people.asked() == [] and people.texts("[role=tab]") == []
    unfold(people)
    assert people.asked() == [{"act": "show", "view": "progress"}]
    people.answer(FOLDED | {"view": "progress", "progress": PROGRESS})
    assert people.texts("[role=tab]") == list(texts.TABS.values())
    assert people.texts("tbody th") == [HOSTILE] and people.page.evaluate("window.hacked") is None


def test_a_view_is_asked_for_when_it_is_chosen(people):
    unfolded(people, "progress", PROGRESS)
    people.page.click("[data-part=people-work]")
    assert people.asked() == [{"act": "show", "view": "work"}]
    people.answer(FOLDED | {"view": "work", "work": WORK})
    assert people.text("[aria-selected=true]") == texts.TABS["work"]


def test_work_is_paged_and_of_whom_is_chosen(people):
    unfolded(people, "work", WORK)
    assert people.page.is_disabled("[data-part=work-after]")
    people.page.click("[data-part=work-before]")
    assert people.asked() == [{"act": "show", "view": "work", "person": "Dr. A", "before": 30}]
    people.answer(FOLDED | {"view": "work", "work": WORK})
    people.page.select_option("[data-part=work-person]", HOSTILE)
    assert people.asked() == [{"act": "show", "view": "work", "person": HOSTILE}]


def test_a_history_opens_above_everything_and_closes_again(people):
    unfolded(people, "work", WORK)
    people.page.click("[data-part=history]")
    assert people.asked() == [{"act": "history", "pair": 7}]
    people.answer(FOLDED | {"history": HISTORY})
    assert people.texts("dialog del") == ["yes"] and people.texts("dialog ins") == ["no"]
    assert people.texts("[role=tab]"), "the view below stays"
    people.press("Escape")
    people.page.wait_for_selector("dialog", state="detached")
    assert people.page.evaluate("window.hacked") is None


def test_settings_are_sent_as_typed_and_locked_where_they_may_not_be_changed(people):
    fields = [
        {"name": "blind", "label": "Answer first", "help": "", "kind": "tick", "value": False},
        {"name": "overlap", "label": "People", "help": "", "kind": "number", "value": 1, "least": 1, "most": 9,
         "step": 1},
        {"name": "queue", "label": "First", "help": "", "kind": "choice", "value": "fix",
         "choices": [["fix", "Doubtful first"], ["audit", "At random"]]},
    ]  # fmt: skip
    unfolded(people, "settings", {"help": texts.SETTINGS_HELP, "may": True, "fields": fields})
    people.page.check("[data-part=setting-blind]")
    people.page.fill("[data-part=setting-overlap]", "2")
    people.page.select_option("[data-part=setting-queue]", "audit")
    people.page.click("[data-part=save-settings]")
    values = {"blind": True, "overlap": "2", "queue": "audit"}
    assert people.asked() == [{"act": "save", "view": "settings", "values": values}]
    people.answer({"wrong": {"what": "overlap cannot be '2'.", "fix": ""}})
    assert people.page.input_value("[data-part=setting-overlap]") == "2", "what was typed stays"
    people.page.click("[data-part=people-settings]")
    people.answer(FOLDED | {"view": "settings", "settings": {"help": "", "may": False, "fields": fields}})
    assert people.page.is_disabled("[data-part=setting-blind]")
    assert people.page.locator("[data-part=save-settings]").count() == 0


def test_nobody_is_taken_off_with_one_click(people):
    rows = [{"name": HOSTILE, "role": "reviewer"}]
    roles = [list(role) for role in texts.ROLES.items()]
    told = {"help": "", "how": "", "rows": rows, "roles": roles, "own": "You are logged in."}
    unfolded(people, "accounts", told)
    people.page.get_by_role("button", name=texts.WORDS["remove"]).click()
    assert people.asked() == []
    people.page.get_by_role("button", name=texts.WORDS["sure"]).click()
    assert people.asked() == [{"act": "remove", "view": "accounts", "name": HOSTILE}]
    people.answer(FOLDED | {"view": "accounts", "accounts": told})
    for name, typed in (("account-name", "Dr. B"), ("account-password", "a long sentence")):
        people.page.fill(f"[data-part={name}]", typed)
    people.page.click("[data-part=account-add]")
    assert people.asked() == [
        {"act": "add", "view": "accounts", "name": "Dr. B", "role": "annotator", "password": "a long sentence"}
    ]


def test_ones_own_password_is_changed_with_the_present_one(people):
    unfolded(people, "accounts", {"help": "", "how": "", "rows": None, "own": f"You are {HOSTILE}."})
    people.page.fill("[data-part=own-current]", "a long sentence")
    people.page.fill("[data-part=own-new]", "another sentence")
    people.page.click("[data-part=own-change]")
    assert people.asked() == [
        {"act": "own", "view": "accounts", "current": "a long sentence", "password": "another sentence"}
    ]


def test_where_people_disagree_somebody_else_decides(people):
    said = [{"name": "Dr. A", "what": "accepted", "more": ""}, {"name": "Dr. B", "what": "rejected", "more": HOSTILE}]
    row = {"pair": 4, "question": HOSTILE, "answer": "yes", "thumb": "", "said": said, "own": ""}
    told = {
        "parts": [], "none": "", "scale": "",
        "disputes": {"title": "", "help": "", "rows": [row, row | {"pair": 5, "own": texts.OWN}]},
        "labels": {"title": "", "help": "", "rows": []},
    }  # fmt: skip
    people.page.evaluate("document.body.append(Object.assign(document.createElement('div'), { id: 'review-card' }))")
    unfolded(people, "agreement", told)
    assert people.page.locator("[data-part=settle]").count() == 1
    people.page.click("[data-part=settle]")
    assert people.asked() == [{"act": "settle", "pair": 4}]


def test_the_card_leads_to_the_history_of_what_is_decided_and_of_nothing_else(part):
    card = part("review", value(item={"decided": "Accepted by Dr. A", "status": "accepted"}))
    card.page.evaluate("() => { leaml.history = (pair) => window.asked.push({ history: pair }); }")
    card.press("l")
    assert card.asked() == [{"history": 1}]
    card.answer(value(2))
    card.press("l")
    assert card.asked() == [] and card.page.locator("[data-part=history]").count() == 0
