"""What the Label screen shows and keeps, without a browser."""

from types import SimpleNamespace

import gradio as gr
import pytest
from pydantic import ValidationError

from app import labelling
from app.labelling import known_questions, questions, shown
from app.screens import label
from app.screens.label import Asked, Given, Label, checked
from leaml.errors import DataError, StorageError
from leaml.records import QUESTION_TYPES
from leaml.review import leases
from leaml.review.ordering import Turn, keep_turns
from leaml.store.project import Template
from tests.app.small_project import HOSTILE, YES_NO, import_label, small_project

ME = "Dr. A"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return small_project(tmp_path_factory.mktemp("home") / "polyps")


@pytest.fixture(scope="module")
def built():
    screen = Label(SimpleNamespace(project=None, person=ME))
    with gr.Blocks():
        screen.build()
    return screen


def given(question: str = "Is there a polyp?", answer: str = "yes", type: str = "yes/no", choices=YES_NO) -> dict:
    return {"question": question, "type": type, "choices": choices, "answer": answer}


def asked(screen: Label, act: str, picture: int | None, **more) -> dict:
    return screen.answer({"act": act, "picture": picture, **more})[screen.form]


def test_a_save_keeps_the_answers_and_leads_to_a_picture_without_any(screen, project):
    first = shown(project, ME, "train", None)[0]["picture"]["id"]
    answers = [given(), given("How many?", "2", "count", ())]
    form = asked(screen, "save", first, answers=answers, seconds=30)
    labels = project.labels()
    assert [(pair.image_id, pair.answer, pair.person) for pair in labels] == [(first, "yes", ME), (first, "2", ME)]
    assert form["saved"] == first and form["picture"]["id"] != first
    assert form["standing"] == "1 labelled · 3 left · 30 s each"


def test_every_unlabelled_picture_is_served_once_before_any_again(screen, project):
    picture, served = shown(project, ME, "train", None)[0]["picture"]["id"], []
    for _ in range(4):
        served.append(picture)
        picture = asked(screen, "save", picture, answers=[given()])["picture"]["id"]
    assert sorted(served) == [picture.id for picture in project.pictures("train")]


def test_an_empty_save_is_refused_and_keeps_nothing(screen, project):
    with pytest.raises(DataError, match="Nothing is answered"):
        asked(screen, "save", 1, answers=[])
    with pytest.raises(DataError, match="empty"):
        asked(screen, "save", 1, answers=[given(answer="  ", type="open", choices=())])
    assert project.labels() == []


def test_one_answer_that_cannot_be_used_keeps_the_others_from_being_saved(screen, project):
    with pytest.raises(DataError, match="not a whole number"):
        asked(screen, "save", 1, answers=[given(), given("How many?", "some", "count", ())])
    assert project.labels() == []


def test_skipping_keeps_the_reason_and_leads_on_and_undo_leads_back(screen, project):
    form = asked(screen, "skip", 1, text="poor picture")
    assert form["picture"]["id"] != 1 and project.labels() == []
    assert [(row.kind, row.text, row.person) for row in project.remarks(image_id=1)] == [("skip", "poor picture", ME)]
    assert 1 in labelling.done(project, ME, "train") and 1 not in labelling.done(project, "Dr. C", "train")
    form = asked(screen, "undo", form["picture"]["id"])
    assert form["picture"]["id"] == 1 and project.remarks() == []


def test_a_picture_with_nothing_to_answer_is_saved_so_and_not_served_again(screen, project):
    form = asked(screen, "save", 1, nothing=True)
    assert form["said"].startswith("Saved: nothing") and project.labels() == []
    assert [row.kind for row in project.remarks(image_id=1)] == ["nothing"]
    assert 1 in labelling.done(project, ME, "train")


def test_what_cannot_be_told_is_kept_apart_with_the_answers_of_one_save(screen, project):
    project.set_templates(ME, [Template("Is there a polyp?", "yes/no", YES_NO), Template("How many?", "count")])
    asked(screen, "save", 2, answers=[given()], untold=["How many?"])
    rows = {row["question"]: row for row in questions(project, ME, project.picture(2))}
    assert rows["Is there a polyp?"]["answer"] == "yes" and rows["How many?"]["untold"]
    assert not any(row["untold"] for row in questions(project, "Dr. C", project.picture(2)))
    form = asked(screen, "undo", 1)
    assert (form["draft"]["answers"], form["draft"]["untold"]) == ({"Is there a polyp?": "yes"}, {"How many?": True})
    assert project.labels() == [] and project.remarks() == []


def test_marks_are_kept_with_their_answer_shown_again_and_come_back_as_a_draft(screen, project):
    mark = {"shape": "box", "points": [[0.1, 0.1], [0.4, 0.5]]}
    asked(screen, "save", 2, answers=[given() | {"marks": [mark]}])
    assert questions(project, ME, project.picture(2))[0]["marks"] == [mark]
    assert asked(screen, "undo", 1)["draft"]["marks"] == {"Is there a polyp?": [mark]}
    with pytest.raises(DataError, match="outside of the picture"):
        asked(screen, "save", 2, answers=[given() | {"marks": [{"shape": "point", "points": [[2, 2]]}]}])


def test_a_flag_is_set_and_taken_away_and_a_comment_is_shown(screen, project):
    assert asked(screen, "flag", 3)["flagged"] and not asked(screen, "flag", 3)["flagged"]
    assert asked(screen, "comment", 3, text=HOSTILE)["comment"] == HOSTILE


def test_questions_are_edited_with_their_versions_and_frozen_by_answers(screen, project):
    asked(screen, "questions", 1, questions=[given() | {"id": None}])
    asked(screen, "save", 1, answers=[given()])
    rows = asked(screen, "edit", 2)["templates"]
    assert rows[0]["question"] == "Is there a polyp?" and "new version" in rows[0]["note"]
    asked(screen, "questions", 2, questions=[rows[0] | {"question": "Any polyp?"}])
    assert [(known.question, known.version) for known in project.templates()] == [("Any polyp?", 2)]
    assert "version 2" in asked(screen, "edit", 2)["templates"][0]["note"]


def test_a_question_of_ones_own_is_asked_on_the_next_pictures_beside_what_is_asked_already(screen, project):
    import_label(project, 1, "Is it sharp?", "yes")
    form = asked(screen, "again", 2, questions=[given("Is it clean?")])
    assert [row["question"] for row in form["questions"]] == ["Is it sharp?", "Is it clean?"]
    assert form["picture"]["id"] == 2


def test_typical_pictures_come_first_and_the_screen_says_why(screen, project):
    form = asked(screen, "open", 1)
    assert "at random" in form["picture"]["why"] and form["picture"]["other"] == "typical"
    keep_turns(project, [Turn(3, "typical", 37), Turn(1, "random")])
    assert labelling.order(project, "train")[:2] == [3, 1] and set(labelling.order(project, "test")) == {5, 6}
    assert "typical of 37 others" in asked(screen, "open", 3)["picture"]["why"]
    assert "at random" in asked(screen, "open", 1)["picture"]["why"]
    assert "why" not in asked(screen, "open", 5, pool="test")["picture"]
    asked(screen, "random", 1)
    assert labelling.order(project, "train")[:2] != [3, 1] or asked(screen, "open", 3)["picture"]["other"] == "typical"


def test_a_region_is_offered_for_more_than_one_picture_and_blacked_out_by_a_job(screen, project, monkeypatch):
    region = [[0, 0], [0.5, 0.25]]
    form = asked(screen, "scopes", 1, region=region)
    assert [scope["key"] for scope in form["scopes"]] == ["picture", "folder"] and form["region"] == region
    assert "all 6 pictures of the folder" in form["scopes"][1]["name"]
    asked_for = []
    monkeypatch.setattr(label.queue, "submit", lambda *given: asked_for.append(given))
    assert "Blacking out" in asked(screen, "blank", 1, region=region, scope="folder")["said"]
    (_, kind, options, person, command), *_ = asked_for
    assert (kind, options.scope, options.right, person) == ("blank", "folder", 0.5, ME)
    assert "blank 1 0.0 0.0 0.5 0.25 --scope folder" in command


def test_a_warning_of_names_is_shown_until_somebody_has_looked(screen, project):
    project.db.record("", "import", [("images", 1, {}, {"burned_in": 1})])
    assert asked(screen, "open", 1)["burned_in"]
    value = screen.answer({"act": "no_names", "picture": 1})
    assert not value[screen.form]["burned_in"] and "warning" not in value[screen.viewer]


def test_a_picture_that_somebody_else_has_in_hand_is_not_served(screen, project):
    first = shown(project, "Dr. C", "train", None)[0]["picture"]["id"]
    assert shown(project, ME, "train", None)[0]["picture"]["id"] != first


def test_the_next_picture_is_named_so_that_it_can_be_loaded_ahead(screen, project):
    value = screen.answer({"act": "open", "picture": 1})[screen.viewer]
    assert value["id"] == 1 and value["next"][0]["src"].startswith("/picture/polyps/")


def test_undo_takes_back_a_whole_save_and_shows_its_picture_with_what_was_answered(screen, project):
    form = asked(screen, "save", 2, answers=[given(), given("How many?", "2", "count", ())])
    form = asked(screen, "undo", form["picture"]["id"])
    assert project.labels() == []
    assert form["picture"]["id"] == 2
    assert form["draft"]["answers"] == {"Is there a polyp?": "yes", "How many?": "2"}
    assert form["said"] == "Took back 2 answers."


def test_undo_of_a_changed_answer_leads_to_its_picture(screen, project):
    asked(screen, "save", 3, answers=[given()])
    asked(screen, "save", 3, answers=[given(answer="no")])
    form = asked(screen, "undo", 1)
    assert form["picture"]["id"] == 3 and project.labels()[0].answer == "yes"


def test_undo_with_nothing_to_take_back_says_so(screen):
    with pytest.raises(StorageError, match="nothing of yours"):
        asked(screen, "undo", 1)


def test_undo_of_a_picture_of_another_pool_shows_that_pool(screen, project):
    asked(screen, "save", 5, pool="test", answers=[given()])
    form = asked(screen, "undo", 1, pool="train")
    assert (form["pool"], form["picture"]["id"]) == ("test", 5)


def test_arrows_stop_at_the_ends(screen, project):
    first = labelling.order(project, "train")[0]
    assert asked(screen, "move", first, by=-1)["picture"]["id"] == first
    assert asked(screen, "move", first, by=1)["picture"]["id"] == labelling.order(project, "train")[1]


def test_questions_of_the_project_come_before_those_that_were_asked(project):
    import_label(project, 1, "Is it sharp?", "yes")
    assert [known.question for known in known_questions(project)] == ["Is it sharp?"]
    project.set_templates(ME, [Template("Is there a polyp?", "yes/no", YES_NO)])
    assert [known.question for known in known_questions(project)] == ["Is there a polyp?"]


def test_the_most_frequent_question_comes_first(project):
    import_label(project, 1, "Rare?", "yes")
    for picture in (1, 2):
        import_label(project, picture, "Frequent?", "no")
    assert [known.question for known in known_questions(project)] == ["Frequent?", "Rare?"]


def test_imported_answers_are_shown_on_train_pictures_and_hidden_on_those_that_measure(project):
    for picture in (1, 5):
        import_label(project, picture, "Is there a polyp?", "yes")
    train = questions(project, ME, project.picture(1))[0]
    assert train["answer"] == "yes" and "Dr. B" in train["by"]
    assert "answer" not in questions(project, ME, project.picture(5))[0]


def test_what_somebody_else_answered_here_is_hidden_from_who_has_not_decided(project):
    project.add_label("Dr. C", 1, "Is there a polyp?", "yes", "yes/no", YES_NO)
    assert "answer" not in questions(project, ME, project.picture(1))[0]
    assert questions(project, "Dr. C", project.picture(1))[0]["answer"] == "yes"


def test_own_answers_are_shown_everywhere(screen, project):
    asked(screen, "save", 5, pool="test", answers=[given()])
    assert questions(project, ME, project.picture(5))[0]["answer"] == "yes"


def test_pools_leave_out_what_may_not_be_used(tmp_path):
    project = small_project(tmp_path / "polyps", ("train", "test", "left out", "arriving", "shifted"))
    form, _ = shown(project, ME, "train", None)
    assert [pool["key"] for pool in form["pools"]] == ["train", "test", "shifted"]
    project.close()


def test_empty_states_say_what_to_do(tmp_path, project):
    assert shown(None, ME, "train", None)[0]["empty"]["tab"] == "project"
    empty = small_project(tmp_path / "empty", ())
    assert shown(empty, ME, "train", None)[0]["empty"]["tab"] == "project"
    assert "empty" in shown(project, ME, "calibration", None)[0]
    empty.close()


@pytest.mark.parametrize(
    ("answer", "type", "choices", "kept"),
    [
        ("yes", "yes/no", (), "yes"),
        (" 007 ", "count", (), "7"),
        ("a; c", "multiple choice", ("a", "b", "c"), "a; c"),
        ("center", "location", (), "center"),
        ("dark red", "colour", (), "dark red"),
        (HOSTILE, "open", (), HOSTILE),
    ],
)
def test_answers_that_fit_their_question_are_kept(answer, type, choices, kept):
    assert checked(Given(question="?", type=type, choices=choices, answer=answer)).answer == kept


@pytest.mark.parametrize(
    ("answer", "type", "choices"),
    [
        ("maybe", "yes/no", ()),
        ("-1", "count", ()),
        ("²", "count", ()),
        ("a; d", "multiple choice", ("a", "b")),
        ("a; b", "single choice", ("a", "b")),
        ("a", "single choice", ()),
        ("upper", "location", ()),
        ("yes", "essay", ()),
    ],
)
def test_answers_that_do_not_fit_are_refused(answer, type, choices):
    with pytest.raises(DataError):
        checked(Given(question="?", type=type, choices=choices, answer=answer))


def test_every_type_of_question_can_be_answered():
    assert set(labelling.CONTROLS) == set(QUESTION_TYPES)


def test_what_no_form_would_send_is_refused():
    with pytest.raises(ValidationError):
        Asked(act="delete everything")
    with pytest.raises(ValidationError):
        Asked(act="save", picture=1, answers=[given(question="x" * 3000)])


def test_a_tab_that_is_opened_again_keeps_what_stands_there(screen):
    assert set(screen.refresh(fresh=False)) == {screen.form}
    assert screen.refresh(fresh=True)[screen.form]["fresh"]


def test_the_next_two_pictures_are_handed_over_with_their_forms_and_held(screen, project):
    form, image = (screen.refresh(True)[part] for part in (screen.form, screen.viewer))
    handed = [entry["id"] for entry in form["next"]]
    assert len({form["picture"]["id"], *handed}) == 3
    assert [entry["form"]["picture"]["id"] for entry in form["next"]] == handed
    assert [next_["src"] for next_ in image["next"]] == [entry["image"]["src"] for entry in form["next"]]
    assert leases.held(project, "image", "Dr. C") == {form["picture"]["id"], *handed}


def test_a_save_leads_to_what_the_page_shows_already(screen, project):
    first = screen.refresh(True)[screen.form]
    handed = [entry["id"] for entry in first["next"]]
    form = asked(screen, "save", first["picture"]["id"], answers=[given()], line=handed)
    assert form["picture"]["id"] == handed[0] and form["saved"] == first["picture"]["id"]
    assert form["next"][0] == {"id": handed[1]}, "the page has it already"
    again = asked(screen, "save", first["picture"]["id"], answers=[given()], line=handed)
    assert again["picture"]["id"] == handed[0] and len(project.labels()) == 1, "sent twice, kept once"
