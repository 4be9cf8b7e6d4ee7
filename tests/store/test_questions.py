"""What is asked on every picture: frozen once it has answers, a new version instead; and what cannot be answered."""

from dataclasses import replace

import pytest

from leaml.errors import DataError
from leaml.store.project import Answer, Template

POLYP = Template("Is there a polyp?", "yes/no", ("yes", "no"))
COUNT = Template("How many?", "count")


def asked(project):
    return [(template.question, template.version) for template in project.templates()]


def rows(project):
    return {row["question"]: (row["version"], row["retired"]) for row in project.db.rows("templates")}


def test_a_question_without_answers_is_changed_in_its_place(project):
    project.set_templates("A", [POLYP, COUNT])
    first = project.templates()[0]
    project.set_templates("A", [replace(first, question="Is there an adenoma?"), COUNT])
    assert asked(project) == [("Is there an adenoma?", 1), ("How many?", 1)]
    assert project.db.count("templates") == 2


def test_a_question_with_answers_is_frozen_and_a_new_version_follows_it(project, picture):
    project.set_templates("A", [POLYP, COUNT])
    label = project.add_label("A", picture, POLYP.question, "yes", "yes/no", POLYP.choices)
    first = project.templates()[0]
    project.set_templates("A", [replace(first, choices=("yes", "no", "perhaps")), COUNT])
    assert asked(project) == [("Is there a polyp?", 2), ("How many?", 1)]
    assert project.pair(label).choices == ("yes", "no")
    project.undo("A")
    assert project.templates() == [POLYP, COUNT]
    assert asked(project)[0] == ("Is there a polyp?", 1)


def test_what_is_left_out_goes_or_retires_with_its_answers(project, picture):
    project.set_templates("A", [POLYP, COUNT])
    project.add_label("A", picture, POLYP.question, "yes", "yes/no", POLYP.choices)
    project.set_templates("A", [])
    assert project.templates() == [] and rows(project) == {POLYP.question: (1, 1)}
    project.set_templates("A", [POLYP])
    assert rows(project) == {POLYP.question: (1, 0)}, "asked again, it is the same question"


def test_imported_answers_freeze_a_question_too(project, picture):
    row = {"image_id": picture, "question": COUNT.question, "answer": "2", "type": "count", "origin": "import"}
    project.db.record("", "import", [("pairs", None, None, row)])
    project.set_templates("A", [COUNT])
    project.set_templates("A", [replace(project.templates()[0], question="How many polyps?")])
    assert asked(project) == [("How many polyps?", 2)]


def test_versions_are_rebuilt_from_events(project, picture, tmp_path):
    project.set_templates("A", [POLYP])
    project.add_label("A", picture, POLYP.question, "yes", "yes/no", POLYP.choices)
    project.set_templates("A", [replace(project.templates()[0], question="A polyp?")])
    copy = project.db.rebuild(tmp_path / "copy.db")
    assert copy.rows("templates") == project.db.rows("templates")
    copy.close()


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ([POLYP, replace(POLYP, question="is there a POLYP?")], "twice"),
        ([Template("Which?", "single choice", ("a", "A"))], "same choice"),
        ([Template("Which?", "single choice", ("a", " "))], "choice is empty"),
        ([Template("Which?", "essay")], "not known"),
        ([Template("Which?", "single choice", tuple(map(str, range(101))))], "more than 100"),
        ([Template(f"{n}?", "open") for n in range(101)], "101 questions"),
        ([Template("x" * 2001, "open")], "2,001 characters"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(project, templates, message):
    with pytest.raises(DataError, match=message):
        project.set_templates("A", templates)
    assert project.templates() == []


# Cannot tell


def untold(project):
    return [(row["image_id"], row["person"], row["text"]) for row in project.db.rows("remarks", kind="cannot tell")]


def test_what_cannot_be_told_is_kept_apart_and_is_no_label(project, picture):
    project.add_labels("A", picture, [Answer("How many?", "2", "count")], cannot_tell=["Is there a polyp?"])
    assert [pair.question for pair in project.pairs()] == ["How many?"]
    assert untold(project) == [(picture, "A", "Is there a polyp?")]
    assert project.undo("A") == "Took back the answer “2” to “How many?”."
    assert untold(project) == [] and project.pairs() == []


def test_cannot_tell_takes_back_an_own_answer_and_only_that(project, picture):
    mine = project.add_label("A", picture, "Is there a polyp?", "yes", "yes/no", ("yes", "no"))
    other = project.add_label("B", picture, "Is there a polyp?", "no", "yes/no", ("yes", "no"))
    project.add_labels("A", picture, [], cannot_tell=["Is there a polyp?"])
    assert (project.pair(mine).status, project.pair(other).status) == ("rejected", "label")
    project.undo("A")
    assert project.pair(mine).status == "label" and untold(project) == []


def test_an_answer_ends_that_it_cannot_be_told(project, picture):
    project.add_labels("A", picture, [], cannot_tell=["Is there a polyp?"])
    project.add_labels("A", picture, [], cannot_tell=["Is there a polyp?"])
    assert len(untold(project)) == 1
    project.add_label("A", picture, "Is there a polyp?", "no", "yes/no", ("yes", "no"))
    assert untold(project) == [] and project.labels()[0].answer == "no"
    project.undo("A")
    assert len(untold(project)) == 1 and project.labels() == []


def test_a_question_cannot_be_answered_and_not_be_answered_at_once(project, picture):
    with pytest.raises(DataError, match="twice"):
        project.add_labels("A", picture, [Answer("How many?", "2", "count")], cannot_tell=["how many?"])
