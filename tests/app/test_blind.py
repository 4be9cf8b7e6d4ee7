"""Blind A/B: what the browser is told, which side is which, and what is kept of a vote."""

from types import SimpleNamespace

import gradio as gr
import pytest

from app import blind
from app.results import newest
from app.screens.compare import Compare
from app.texts import blind as texts
from leaml.errors import DataError
from tests.app.small_project import import_label, small_project

ME, OTHER = "Dr. A", "Dr. B"
QUESTIONS = 40


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A comparison of base and one adapted model: forty questions answered differently, one alike."""
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    pairs = [import_label(project, 5 + n % 2, f"Question {n}?", "yes") for n in range(QUESTIONS + 1)]
    folder = project.folder / "runs" / "1"
    folder.mkdir()
    project.add_adapter(1, "adapted 1", "answers", "lora", folder, "nano", 10, 10)
    job = project.db.insert("jobs", {"kind": "compare", "state": "done", "result": {"sets": {"test": {"rows": []}}}})
    for adapter, text in ((None, "no"), (1, "yes")):
        rows = [(pair, "yes" if pair == pairs[-1] else text, text == "yes", -0.5) for pair in pairs]
        project.add_predictions(job, adapter, rows)
    return project


@pytest.fixture(scope="module")
def built():
    screen = Compare(SimpleNamespace(project=None, person=ME))
    with gr.Blocks():
        screen.build()
    return screen


def vote(project, person: str, choice: str, **more) -> dict:
    """Judges the next question, and returns what is shown then."""
    shown, _ = blind.card(project, person, blind.Judged())
    judged = {"act": "vote", "adapter": shown["adapter"], "pair": shown["item"]["pair"], "choice": choice, **more}
    blind.act(project, person, blind.Judged(**judged))
    return blind.card(project, person, blind.Judged())[0]


def test_neither_names_nor_marks_come_before_the_vote(project):
    shown, picture = blind.card(project, ME, blind.Judged())
    assert set(shown["item"]) == {"pair", "question", "answers"} and sorted(shown["item"]["answers"]) == ["no", "yes"]
    assert shown["before"] is None and picture in (5, 6)
    assert blind.card(project, ME, blind.Judged())[0] == shown, "a reload shows the same"


def test_sides_are_as_good_as_thrown_by_a_coin_and_differ_between_people(project):
    job = newest(project)
    mine = [blind.sides(job, pair, 1, ME) for pair in range(1, 1001)]
    others = [blind.sides(job, pair, 1, OTHER) for pair in range(1, 1001)]
    assert 430 < mine.count((1, None)) < 570  # 4.4 standard deviations of a fair coin
    assert 430 < sum(a == b for a, b in zip(mine, others)) < 570
    firsts = {blind.card(project, f"Dr. {n}", blind.Judged())[0]["item"]["pair"] for n in range(10)}
    assert len(firsts) > 5, "each person has an order of their own"


def test_a_vote_is_kept_with_its_sides_and_the_names_come_after(project):
    first, _ = blind.card(project, ME, blind.Judged())
    shown = vote(project, ME, "left", rubric={"left": ["correct"], "right": ["harmful"]}, seconds=3.5)
    [kept] = project.votes(newest(project).run)
    assert (kept.left, kept.right) == blind.sides(newest(project), kept.pair_id, 1, ME)
    assert (kept.choice, kept.seconds, kept.rubric["right"]) == ("left", 3.5, ["harmful"])
    before = shown["before"]
    assert before["question"] == first["item"]["question"] and before["label"] == "yes"
    assert [one["text"] for one in before["answers"]] == first["item"]["answers"]
    names = {"yes": "adapted 1", "no": "Base model"}
    assert [one["name"] for one in before["answers"]] == [names[one["text"]] for one in before["answers"]]
    assert shown["item"]["pair"] != kept.pair_id


def test_alike_answers_are_not_asked_and_the_end_is_said(project):
    assert "40 left · 1 with the same answer left out" in blind.card(project, ME, blind.Judged())[0]["standing"]
    for _ in range(QUESTIONS):
        shown = vote(project, ME, "equal")
    assert shown["finished"] == texts.FINISHED and "item" not in shown


def test_undo_brings_the_question_back(project):
    first, _ = blind.card(project, ME, blind.Judged())
    vote(project, ME, "neither")
    assert "Took back the vote" in blind.act(project, ME, blind.Judged(act="undo"))
    again, _ = blind.card(project, ME, blind.Judged())
    assert again["item"] == first["item"] and again["before"] is None


def test_a_vote_without_a_choice_or_twice_is_refused(project):
    shown, _ = blind.card(project, ME, blind.Judged())
    judged = blind.Judged(act="vote", adapter=1, pair=shown["item"]["pair"])
    with pytest.raises(DataError, match="Nothing is chosen"):
        blind.act(project, ME, judged)
    judged = judged.model_copy(update={"choice": "left"})
    blind.act(project, ME, judged)
    with pytest.raises(DataError, match="already"):
        blind.act(project, ME, judged)


def test_votes_are_counted_per_person_with_ties_beside_the_win_rate(project):
    assert blind.votes_table(project, None) == {}
    for n in range(QUESTIONS):
        shown, _ = blind.card(project, ME, blind.Judged())
        side = "left" if blind.sides(newest(project), shown["item"]["pair"], 1, ME)[0] else "right"
        other = {"left": "right", "right": "left"}[side]
        vote(project, ME, side if n < 30 else other if n < 36 else "equal", rubric={side: ["complete"]})
    vote(project, OTHER, "neither")
    everyone, mine, others = blind.votes_table(project, None)["rows"]
    assert [mine[name] for name in ("adapted", "base", "equal", "neither")] == [30, 6, 4, 0]
    assert mine["rate"].startswith("83 % [") and mine["name"] == ME
    assert (others["neither"], others["rate"], everyone["neither"]) == (1, "", 1)
    assert "adapted 1: 0 of 41 ticked as correct, 40 as complete" in blind.votes_table(project, None)["notes"][1]


def test_the_screen_shows_the_next_picture_and_the_count(screen, project):
    shown = screen.judge({"act": "show"})
    item = shown[screen.blind]["item"]
    assert shown[screen.viewer]["src"].endswith(str(project.pair(item["pair"]).image_id)) and screen.votes not in shown
    judged = {"act": "vote", "adapter": 1, "pair": item["pair"], "choice": "right", "rubric": {}, "seconds": 2}
    assert screen.judge(judged)[screen.votes]["rows"]


def test_without_a_comparison_it_says_what_to_do(tmp_path):
    empty = small_project(tmp_path / "empty")
    assert blind.card(empty, ME, blind.Judged()) == ({"empty": texts.NOTHING}, None)
    empty.close()
