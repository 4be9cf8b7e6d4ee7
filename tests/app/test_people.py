"""What "People and progress" tells to whom, and what may be done there, without a browser."""

from types import SimpleNamespace

import pytest

from app import accounts, work
from app.people import NEEDS, Asked, People
from app.review_settings import settings_view
from app.texts import people as texts
from leaml.errors import LeamlError, OptionError
from leaml.review.audits import begin
from leaml.review.bands import Band
from leaml.review.checks import Check, Share, answered
from leaml.review.people import ROLES, Accounts
from leaml.review.plans import Plan
from leaml.review.settings import review_settings, set_review_settings
from tests.app.small_project import HOSTILE, small_project, suggest

A, B, C = "Dr. A", "Dr. B", "Dr. C"
SENTENCE = "colons are longer than one thinks"
PART, CARD, VIEWER = "part", "card", "viewer"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    for picture in (1, 2, 3, 4):
        suggest(project, picture, "Is there a polyp?")
    set_review_settings(project, "", overlap=2)
    return project


@pytest.fixture
def people(project, tmp_path):
    """The part as an admin named Dr. A asks it; `people.context.role` changes what that person may."""
    context = SimpleNamespace(project=project, person=A, role="admin", asks_who=False, home=tmp_path)
    context.may = lambda role: ROLES.index(context.role) >= ROLES.index(role)
    made = People(context)
    made.part, made.card, made.viewer = PART, CARD, VIEWER
    return made


@pytest.fixture(autouse=True)
def roles_hold(monkeypatch):
    """Roles are refused as the app does where people log in."""

    def refuse(context, needs):
        if not context.may(needs):
            raise LeamlError("You may not do this.", "Ask.")

    monkeypatch.setattr("app.people.refuse_unfit", refuse)


def asked(people, act="show", **more):
    return people.answer({"act": act, **more})[PART]


def judged_apart(project):
    """Two people judge the first two suggestions apart, and differ on the second."""
    for person, accepts in ((B, (True, True)), (C, (True, False))):
        for pair, accept in enumerate(accepts, start=1):
            project.judge(person, pair, accept, reason="" if accept else "wrong answer", queue="audit", seconds=4.0)


# Progress


def test_progress_says_who_did_how_much_and_what_is_left(people, project):
    judged_apart(project)
    project.judge(A, 3, True, seconds=6.0)
    project.add_label(A, 4, "Is it sharp?", "yes", "yes/no", seconds=9.0)
    told = asked(people)["progress"]
    assert told["people"]["rows"] == [
        [A, "1", "1", "1", "6 s", "6 s"], [B, "0", "2", "2", "4 s", "4 s"], [C, "0", "2", "1", "4 s", "8 s"],
        [texts.EVERYBODY, "1", "5", "4", "4 s", "6 s"],
    ]  # fmt: skip
    assert told["lines"][0] == "1 suggestion waits. At your 6 s each that takes about 6 s."
    assert told["lines"][1].startswith("1 of 2 drawn at random were right as written")
    assert told["lines"][-1] == texts.ADVICE["unknown"]


def test_before_anything_is_done_it_says_so(people):
    told = asked(people)["progress"]
    assert told["people"]["rows"] == [] and told["samples"]["lines"] == []
    assert told["lines"][0] == "4 suggestions wait."


def test_a_sample_is_told_of_with_what_came_of_it(people, project):
    audit = begin(project, A, Band(), Plan(1, 0, 0.04, 0.05))
    pair = project.db.rows("audit_items")[0]["pair_id"]
    project.judge(A, pair, True, said="yes", queue="audit", audit_id=audit)
    (line,) = asked(people)["progress"]["samples"]["lines"]
    assert line == "Sample 1, Dr. A: 1 of 1 judged, 0 wrong · at least 5.0 % right"


def test_what_the_hidden_checks_found_is_for_admins_alone(people, project):
    project.judge(B, 1, True)
    answered(project, B, Check("wrong", 1, "?", "no", False), True)
    answered(project, B, Check("repeat", 1, "?", "yes", True), True)
    assert asked(people)["progress"]["checks"]["rows"] == [[B, "1 of 1 (2 % to 100 %)", "1 of 1 (2 % to 100 %)"]]
    people.context.role = "reviewer"
    assert asked(people)["progress"]["checks"] is None


def test_a_share_of_nothing_is_a_dash():
    assert texts.share(Share(0, 0)) == "–" and texts.share(Share(1, 14)) == "1 of 14 (1 % to 34 %)"


# Agreement


def test_agreement_of_few_is_counted_and_the_disagreement_listed(people, project):
    judged_apart(project)
    told = asked(people, view="agreement")["agreement"]
    (part,) = told["parts"]
    assert part["text"] == "1 of 2 the same, by Dr. B, Dr. C; from 30 on, agreement beyond chance is said."
    (row,) = told["disputes"]["rows"]
    assert (row["pair"], row["own"]) == (2, "")
    assert [(said["name"], said["what"], said["more"]) for said in row["said"]] == [
        (B, "accepted", ""), (C, "rejected", "wrong answer")
    ]  # fmt: skip


def test_from_thirty_on_coefficients_come_with_their_intervals(people, project):
    for number in range(30):
        pair = suggest(project, 1 + number % 4, f"Question {number}?")
        for person, accept in ((B, number % 3 > 0), (C, number % 3 > 0 or number == 0)):
            project.judge(person, pair, accept, reason="" if accept else "wrong answer", queue="audit")
    told = asked(people, view="agreement")["agreement"]
    assert told["parts"][0]["text"].startswith("29 of 30 the same, by Dr. B, Dr. C. κ 0.92 (") and told["scale"]


def test_nothing_to_compare_says_how_there_would_be(people):
    told = asked(people, view="agreement")["agreement"]
    assert told["parts"] == [] and texts.TABS["settings"] in told["none"]


def test_a_third_person_settles_a_disagreement_on_the_card_and_none_of_the_two(people, project):
    judged_apart(project)
    updates = people.answer({"act": "settle", "pair": 2})
    assert updates[CARD]["item"]["id"] == 2
    assert updates[CARD]["item"]["comments"] == ["Dr. B: accepted, “yes”", "Dr. C: rejected"]
    people.context.person = B
    assert asked(people, view="agreement")["agreement"]["disputes"]["rows"][0]["own"] == texts.OWN
    with pytest.raises(LeamlError, match="nothing for you to decide"):
        people.answer({"act": "settle", "pair": 2})


def test_of_different_answers_a_third_person_takes_one(people, project):
    for person, answer in ((B, "yes"), (C, "no")):
        project.add_label(person, 4, "Is it sharp?", answer, "yes/no")
    (row,) = asked(people, view="agreement")["agreement"]["labels"]["rows"]
    assert [(said["name"], said["answer"]) for said in row["said"]] == [(B, "yes"), (C, "no")]
    told = asked(people, "take", view="agreement", pair=row["said"][0]["pair"])
    assert told["said"] == texts.SETTLED and told["agreement"]["labels"]["rows"] == []


# What was done


def test_a_persons_work_is_read_page_by_page_newest_first(people, project, monkeypatch):
    monkeypatch.setattr(work, "PAGE", 2)
    for pair in (1, 2, 3):
        project.judge(A, pair, False, reason="duplicate", seconds=3)
    told = asked(people, view="work")["work"]
    assert [step["pair"] for step in told["steps"]] == [2, 3] and told["later"] is None
    step = told["steps"][0]
    assert (step["what"], step["more"], step["asked"]) == ("rejected", "duplicate · 3 s", "Is there a polyp? — yes")
    before = asked(people, view="work", before=told["earlier"])["work"]
    assert [step["pair"] for step in before["steps"]] == [1]
    assert asked(people, view="work", after=before["later"])["work"]["steps"] == told["steps"]


def test_others_work_is_for_admins_and_holds_back_what_they_are_to_judge(people, project):
    project.judge(B, 1, True, queue="audit")
    (step,) = asked(people, view="work", person=B)["work"]["steps"]
    assert (step["what"], step["more"], step["asked"], step["pair"]) == ("decided", texts.WITHHELD, "", None)
    people.context.role = "reviewer"
    assert asked(people, view="work")["work"]["people"] == [A]
    with pytest.raises(OptionError, match="somebody else"):
        asked(people, view="work", person=B)


def test_a_history_has_each_text_beside_the_one_before(people, project):
    set_review_settings(project, "", overlap=1)
    project.judge(B, 1, True, answer="no", seconds=3)
    project.judge(A, 1, False, reason="wrong answer")
    history = asked(people, "history", pair=1)["history"]
    assert [(step["person"], step["what"], step["after"]) for step in history["steps"]] == [
        ("", "written by the model", "Is there a polyp? yes"), (B, "corrected and accepted", "Is there a polyp? no"),
        (A, "rejected", ""),
    ]  # fmt: skip
    assert history["steps"][1]["before"] == "Is there a polyp? yes" and history["steps"][2]["more"] == "wrong answer"


def test_a_history_says_nothing_to_who_is_still_to_judge(people, project):
    project.judge(B, 1, True, queue="audit")
    for pair in (1, 2):
        assert asked(people, "history", pair=pair)["history"]["steps"] == []


# Settings


def test_settings_are_shown_in_per_cent_and_kept(people, project):
    fields = {field["name"]: field for field in asked(people, view="settings")["settings"]["fields"]}
    assert (fields["repeats"]["value"], fields["repeats"]["most"], fields["overlap"]["value"]) == (2, 50, 2)
    values = {"queue": "audit", "blind": True, "overlap": "3", "repeats": "5", "known_wrong": 0, "minutes": "20"}
    said = asked(people, "save", view="settings", values=values)
    assert said["said"] == texts.SETTINGS_SAVED
    kept = review_settings(project)
    assert (kept.queue, kept.blind, kept.overlap, kept.repeats, kept.known_wrong, kept.minutes) == (
        "audit", True, 3, 0.05, 0, 20
    )  # fmt: skip


def test_every_setting_has_its_field(project):
    assert {field["name"] for field in settings_view(project, True)["fields"]} == set(
        type(review_settings(project)).model_fields
    )


@pytest.mark.parametrize("values", [{"overlap": 99}, {"repeats": "many"}, {"repeats": "90"}, {"colour": "red"}])
def test_settings_that_cannot_be_used_are_refused_in_words(people, project, values):
    before = review_settings(project)
    with pytest.raises(OptionError):
        asked(people, "save", view="settings", values=values)
    assert review_settings(project) == before


# Accounts


@pytest.fixture
def with_login(people):
    Accounts(people.context.home).add(A, SENTENCE, "admin")
    people.context.asks_who = True
    return people


def test_an_admin_adds_people_changes_roles_and_passwords_and_takes_off(with_login):
    known = Accounts(with_login.context.home)
    said = asked(with_login, "add", view="accounts", name=B, role="annotator", password=SENTENCE)
    assert said["said"] == "Dr. B may log in now."
    assert said["accounts"]["rows"] == [{"name": A, "role": "admin"}, {"name": B, "role": "annotator"}]
    asked(with_login, "role", view="accounts", name=B, role="reviewer")
    asked(with_login, "password", view="accounts", name=B, password=SENTENCE + "!")
    assert known.check(B, SENTENCE + "!").role == "reviewer" and known.check(B, SENTENCE) is None
    asked(with_login, "remove", view="accounts", name=B)
    assert [account.name for account in known.all()] == [A]
    with pytest.raises(OptionError, match="your own account"):
        asked(with_login, "remove", view="accounts", name=A)
    with pytest.raises(OptionError, match="left to manage"):
        asked(with_login, "role", view="accounts", name=A, role="reviewer")


def test_without_a_login_it_says_how_there_would_be_one(people):
    told = asked(people, view="accounts")["accounts"]
    assert told["rows"] is None and "people add" in told["how"]


@pytest.mark.parametrize("act", sorted(NEEDS))
def test_what_needs_a_role_is_refused_to_others(with_login, act):
    with_login.context.role = "annotator"
    with pytest.raises(LeamlError, match="may not"):
        asked(with_login, act, view="progress", name=B, role="admin", password=SENTENCE, pair=1)
    assert len(accounts.Accounts(with_login.context.home).all()) == 1


def test_others_see_their_own_account_alone_and_change_its_password(with_login):
    known = Accounts(with_login.context.home)
    known.add(B, SENTENCE, "annotator")
    with_login.context.role, with_login.context.person = "annotator", B
    told = asked(with_login, view="accounts")["accounts"]
    assert told["rows"] is None and told["own"] == "You are logged in as Dr. B (annotator: labels)."
    with pytest.raises(OptionError, match="not your present password"):
        asked(with_login, "own", view="accounts", current="another sentence", password=SENTENCE + "!")
    said = asked(with_login, "own", view="accounts", current=SENTENCE, password=SENTENCE + "!")["said"]
    assert said == texts.OWN_CHANGED and known.check(B, SENTENCE + "!").role == "annotator"
    assert known.check(A, SENTENCE), "nobody else's"


# Strangers


def test_what_the_part_cannot_ask_is_refused_and_no_password_is_told():
    with pytest.raises(ValueError, match="password") as refused:
        Asked(act="add", password=SENTENCE * 100)
    assert SENTENCE not in str(refused.value)


def test_hostile_text_is_passed_on_as_text(people, project):
    pair = suggest(project, 1, HOSTILE, HOSTILE)
    project.judge(HOSTILE, pair, True)
    assert asked(people, view="work", person=HOSTILE)["work"]["steps"][-1]["asked"] == f"{HOSTILE} — {HOSTILE}"
    assert asked(people, "history", pair=pair)["history"]["question"] == HOSTILE


def test_without_a_project_it_stays_folded(people):
    people.context.project = None
    assert asked(people)["view"] is None
