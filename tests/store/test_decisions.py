from pathlib import Path

import pytest

from leaml.errors import DataError, StorageError
from leaml.records import Pair
from leaml.store.project import Answer, Template


def suggest(project, picture, question="Is there a polyp?", answer="yes"):
    """One suggestion of a generator; returns its id."""
    pair = Pair(Path("x.png"), question, answer, "yes/no", ("yes", "no"), {"agreement": 1.0})
    project.add_pairs(1, [(picture, pair)])
    return project.db.rows("pairs", order="-id", limit=1)[0]["id"]


def import_question(project, picture, question, answer=None):
    values = {"image_id": picture, "question": question, "answer": answer, "type": "open", "origin": "import",
              "source": "Dr. Import"}  # fmt: skip
    event = project.db.record("", "import", [("pairs", None, None, values)])
    return project.db.row("events", id=event)["changes"][0][1]


# Answers


def test_a_label_comes_back_as_it_was_given(project, picture):
    number = project.add_label("Dr A", picture, "  Which\ncolour? ", "pink", "colour", ["pink", "red"], seconds=3.5)
    pair = project.pair(number)
    assert (pair.question, pair.answer, pair.choices) == ("Which colour?", "pink", ("pink", "red"))
    assert (pair.status, pair.origin, pair.person, pair.split) == ("label", "label", "Dr A", "train")
    assert project.db.row("pairs", id=number)["seconds"] == 3.5
    question = pair.as_question()
    assert question.image == project.picture(picture).path
    assert (question.answer, question.choices, question.origin) == ("pink", ("pink", "red"), "Dr A")
    assert project.db.rows("people")[0]["name"] == "Dr A"


def test_a_second_answer_of_the_same_person_changes_the_first(project, picture):
    number = project.add_label("A", picture, "How many?", "2", "count")
    assert project.add_label("A", picture, "how  many?", "3", "count") == number
    assert [pair.answer for pair in project.labels()] == ["3"]
    assert project.db.count("events", kind="relabel") == 1


def test_the_same_answer_again_is_no_step(project, picture):
    number = project.add_label("A", picture, "How many?", "2", "count")
    assert project.add_label("A", picture, "How many?", "2", "count") == number
    assert project.db.count("events", person="A", kind=["label", "relabel"]) == 1


def test_two_people_may_answer_the_same_question(project, picture):
    project.add_label("A", picture, "How many?", "2", "count")
    project.add_label("B", picture, "How many?", "3", "count")
    assert [(pair.person, pair.answer) for pair in project.labels()] == [("A", "2"), ("B", "3")]


def test_a_question_that_waits_gets_its_answer_and_waits_again_after_undo(project, picture):
    number = import_question(project, picture, "What is seen?")
    assert project.pair(number).status == "question"
    assert project.add_label("A", picture, "What is seen?", "a polyp", "open") == number
    assert (project.pair(number).status, project.pair(number).answer) == ("label", "a polyp")
    project.undo("A")
    assert (project.pair(number).status, project.pair(number).answer) == ("question", None)


def test_an_imported_answer_is_a_label_of_its_source(project, picture):
    number = import_question(project, picture, "What is seen?", "a polyp")
    assert project.pair(number).status == "label"
    assert project.pair(number).as_question().origin == "Dr. Import"


def test_answers_saved_together_are_taken_back_together(project, picture):
    waiting = import_question(project, picture, "What is seen?")
    own = project.add_label("A", picture, "How many?", "2", "count")
    answers = [
        Answer("How many?", "3", "count"),
        Answer("Is there a polyp?", "yes", "yes/no", ("yes", "no")),
        Answer("What is seen?", "a polyp", "open"),
    ]
    numbers = project.add_labels("A", picture, answers, seconds=7)
    assert [project.pair(number).answer for number in numbers] == ["3", "yes", "a polyp"]
    assert (numbers[0], numbers[2]) == (own, waiting)
    assert project.add_labels("A", picture, answers) == numbers
    assert project.undo("A") == "Took back 3 answers."
    assert [(pair.question, pair.answer) for pair in project.pairs()] == [("What is seen?", None), ("How many?", "2")]


def test_one_bad_answer_saves_none(project, picture):
    with pytest.raises(DataError, match="answer is empty"):
        project.add_labels("A", picture, [Answer("1?", "yes", "open"), Answer("2?", "", "open")])
    with pytest.raises(DataError, match="twice"):
        project.add_labels("A", picture, [Answer("1?", "yes", "open"), Answer("1? ", "no", "open")])
    assert project.pairs() == []
    assert project.add_labels("A", picture, []) == []


def test_an_answer_given_again_overrules_a_correction(project, picture):
    number = project.add_label("A", picture, "How many?", "2", "count")
    project.judge("B", number, accept=True, answer="4")
    assert project.pair(number).answer == "4"
    assert project.add_label("A", picture, "How many?", "3", "count") == number
    assert project.pair(number).answer == "3"
    assert project.undo("A") == "Took back the changed answer to “How many?”."
    assert (project.pair(number).answer, project.pair(number).reviewer) == ("4", "B")


@pytest.mark.parametrize(
    ("question", "answer", "what"),
    [
        ("", "yes", "question is empty"),
        ("Q?", " \n\t", "answer is empty"),
        ("Q?", "\u200b\x00"[1:], "answer is empty"),
        ("Q?" * 2000, "yes", "4,000 characters"),
    ],
)
def test_texts_that_say_nothing_or_too_much_are_refused(project, picture, question, answer, what):
    with pytest.raises(DataError, match=what):
        project.add_label("A", picture, question, answer, "open")
    assert project.pairs() == []


def test_invisible_marks_are_dropped(project, picture):
    number = project.add_label("A", picture, "Is\x07 it\u202e benign?", "yes\ud800", "open")
    assert (project.pair(number).question, project.pair(number).answer) == ("Is it benign?", "yes")


def test_a_label_needs_a_picture(project):
    with pytest.raises(DataError, match="no picture 7"):
        project.add_label("A", 7, "Q?", "yes", "open")


# Verdicts


def test_a_suggestion_is_accepted_corrected_or_rejected(project, picture):
    first, second, third = (suggest(project, picture, question) for question in ("1?", "2?", "3?"))
    project.judge("A", first, accept=True, seconds=4.0)
    project.judge("A", second, accept=True, question="Two?", answer="no")
    project.judge("A", third, accept=False, reason="cannot be seen")
    states = [(pair.question, pair.answer, pair.status, pair.edited) for pair in project.pairs()]
    assert states == [
        ("1?", "yes", "accepted", False), ("Two?", "no", "accepted", True), ("3?", "yes", "rejected", False)
    ]  # fmt: skip
    assert [pair.id for pair in project.accepted()] == [first, second]
    assert project.pair(second).as_pair() == Pair(
        project.picture(picture).path, "Two?", "no", "yes/no", ("yes", "no"), {"agreement": 1.0}, reviewed=True
    )
    assert project.db.row("verdicts", pair_id=third)["reason"] == "cannot be seen"


def test_suggestions_on_pictures_that_are_kept_back_are_not_learned_from(project, add_pictures):
    pair = suggest(project, add_pictures(1, split="test")[0])
    project.judge("A", pair, accept=True)
    assert project.accepted() == []
    assert project.pair(pair).status == "accepted"


def test_the_newest_verdict_decides(project, picture):
    pair = suggest(project, picture)
    project.judge("A", pair, accept=True)
    project.judge("B", pair, accept=False)
    assert (project.pair(pair).status, project.pair(pair).reviewer) == ("rejected", "B")
    assert project.db.count("verdicts") == 2


def test_accepting_what_was_corrected_keeps_the_correction(project, picture):
    pair = suggest(project, picture)
    project.judge("A", pair, accept=True, answer="no")
    project.judge("B", pair, accept=True)
    assert (project.pair(pair).answer, project.pair(pair).reviewer) == ("no", "B")
    project.judge("C", pair, accept=True, answer="yes")
    assert (project.pair(pair).answer, project.pair(pair).edited) == ("yes", False)


def test_a_rejected_label_is_none_until_it_is_given_anew(project, picture):
    label = project.add_label("A", picture, "How many?", "2", "count")
    project.judge("B", label, accept=False)
    assert project.labels() == []
    again = project.add_label("A", picture, "How many?", "3", "count")
    assert again != label
    assert [pair.answer for pair in project.labels()] == ["3"]


@pytest.mark.parametrize(
    "verdict",
    [
        {"accept": False, "answer": "no"},
        {"accept": False, "question": "Other?"},
        {"accept": True, "answer": "  "},
        {"accept": True, "question": ""},
    ],
)
def test_corrections_that_make_no_sense_are_refused(project, picture, verdict):
    pair = suggest(project, picture)
    with pytest.raises(DataError):
        project.judge("A", pair, **verdict)
    assert project.pair(pair).status == "suggested"


def test_a_verdict_needs_a_pair_and_a_known_queue(project, picture):
    pair = suggest(project, picture)
    for accept in (True, False):
        with pytest.raises(DataError, match="no question 99"):
            project.judge("A", 99, accept=accept)
    with pytest.raises(StorageError):
        project.judge("A", pair, accept=True, queue="elsewhere")


def test_a_bulk_accept_takes_only_what_waits(project, picture):
    pairs = [suggest(project, picture, f"{n}?") for n in range(4)]
    project.judge("B", pairs[0], accept=False)
    label = project.add_label("B", picture, "Mine?", "yes", "open")
    project.accept_all("A", [*pairs[:3], label], "band 1")
    assert [project.pair(pair).status for pair in pairs] == ["rejected", "accepted", "accepted", "suggested"]
    assert project.db.counts("verdicts", "queue") == {"bulk": 2, "fix": 1}
    assert project.db.counts("verdicts", "batch", queue="bulk") == {"band 1": 2}
    with pytest.raises(DataError, match="None of these"):
        project.accept_all("A", pairs[:3], "band 1")


# Questions to ask


def test_questions_to_ask_keep_their_order(project):
    wanted = [Template("Where?", "location"), Template("Is there a polyp?", "yes/no", ("yes", "no"))]
    project.set_templates("A", wanted)
    assert project.templates() == wanted
    project.set_templates("A", wanted)
    assert project.db.count("events", kind="template") == 1
    project.set_templates("A", wanted[::-1])
    assert project.templates() == wanted[::-1]


def test_an_empty_question_to_ask_is_refused(project):
    with pytest.raises(DataError, match="question is empty"):
        project.set_templates("A", [Template(" ", "open")])
