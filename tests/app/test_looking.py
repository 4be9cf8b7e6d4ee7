"""Where a model looks: the map, chance beside it, and that it claims no more than that."""

import pytest

from app import looking
from app.texts import looking as texts
from leaml.errors import DataError, LeamlError
from tests.app.small_project import import_label, small_project
from tests.app.test_compare import Answers as Replies

QUESTION = "Is there a polyp?"
LOOKED = {
    "answer": "yes", "among": ["yes", "no"], "probability": 0.93, "drops": [[0.4, -0.2], [0.0, 0.1]],
    "hidden": [[0, 0]], "together": 0.52, "random": [0.03, 0.09, 0.0], "beats_chance": True,
}  # fmt: skip


class Looks(Replies):
    """Stands in for the answering process."""

    def look(self, *asked, **more):
        self.asked.append((*asked, more))
        yield from self.rows


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    import_label(project, 5, QUESTION, "yes")
    yield project
    project.close()


def test_the_map_is_asked_for_and_drawn_with_chance_beside_it(project):
    answering = Looks({"message": "Hiding", "text": "yes"}, {"message": "", "text": "yes", "looked": LOOKED})
    asked = looking.Looked(picture=5, question=QUESTION, answer="yes")
    waits, still, done = looking.look(project, answering, asked)
    assert waits["message"] and still["message"] == "Hiding" and "cells" not in still
    more = {"choices": ("yes", "no"), "model": "nano"}
    assert answering.asked == [(project.picture(5).path, QUESTION, "yes", None, more)]
    assert done["cells"] == [[1.0, 0.0], [0.0, 0.25]] and done["hidden"] == [[0, 0]] and done["size"] == [40, 30]
    said = " ".join(done["sentences"])
    assert "“yes” goes from 93 % to 41 %" in said and "52 points less" in said
    assert "4 points less on average, 9 points less at most, in 3 draws" in said and texts.BEATS in said


def test_what_was_stopped_leaves_nothing(project):
    asked = looking.Looked(picture=5, question=QUESTION, answer="yes")
    *_, last = looking.look(project, Looks({"message": "Hiding", "text": ""}), asked)
    assert last == {}


def test_what_chance_does_as_well_is_said_to_say_nothing(project):
    card = looking.card(LOOKED | {"beats_chance": False, "drops": [[-0.1, 0.0]]}, "/picture", 40, 30)
    assert card["sentences"][-1] == texts.NO_BETTER and card["cells"] == [[0, 0]]


def test_it_is_never_called_an_explanation():
    words = " ".join([texts.NOTE, texts.BEATS, *texts.WORDS.values()]).lower()
    assert "no explanation of how the model reasons" in words and "attention" not in words


def test_an_answer_that_is_no_choice_is_weighed_alone(project):
    answering = Looks({"message": "", "text": "x", "looked": LOOKED})
    list(looking.look(project, answering, looking.Looked(picture=5, question=QUESTION, answer="perhaps")))
    assert answering.asked[0][-1]["choices"] == ()


def test_what_goes_wrong_is_said_and_the_part_is_emptied(project):
    rows = looking.look(project, Looks({"error": "Gone.", "fix": "Again."}), looking.Looked(
        picture=5, question=QUESTION, answer="yes"))  # fmt: skip
    next(rows)
    assert next(rows) == {}
    with pytest.raises(LeamlError, match="Gone"):
        next(rows)
    with pytest.raises(DataError):
        next(looking.look(project, Looks(), looking.Looked(picture=99, question=QUESTION, answer="yes")))
