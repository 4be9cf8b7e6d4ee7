"""What the Compare screen shows and starts, without a browser and without a model."""

import csv
from types import SimpleNamespace

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import asking, gallery, results, tables
from app.folder_form import BASE, NEWEST, answered, folder_options
from app.report_form import exported, report_options, reported
from app.screens.compare import Compare, plan
from app.texts import compare as texts
from leaml.errors import DataError, LeamlError, OptionError
from leaml.evaluation.resampling import FEWEST
from leaml.jobs import queue
from leaml.options import AnswerOptions, ReportOptions
from tests.app.small_project import HOSTILE, import_label, small_project

ME = "Dr. A"
POLYP, MANY = "Is there a polyp?", "How many?"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """Two test pictures with two questions each, an adapted model, and a finished comparison."""
    project = small_project(tmp_path_factory.mktemp("home") / "polyps")
    for picture in (5, 6):
        import_label(project, picture, POLYP, "yes")
        import_label(project, picture, MANY, "2", "count")
    trained = project.db.insert("jobs", {"kind": "adapt", "state": "done"})
    folder = project.folder / "runs" / str(trained)
    folder.mkdir()
    project.add_adapter(trained, "answers 1", "answers", "lora", folder, "nano", 10, 10)
    job = project.db.insert("jobs", {"kind": "compare", "state": "done", "result": RESULT})
    # by question: right both times, fixed, broken, wrong both times with another text
    said = [("yes", "yes"), ("1", "2"), ("yes", "no"), ("3", "4")]
    for place, adapter in enumerate((None, 1)):
        rows = [
            (pair, texts[place], texts[place] == ("yes", "2")[number % 2], -0.5)
            for number, (pair, texts) in enumerate(zip((1, 2, 3, 4), said, strict=True))
        ]
        project.add_predictions(job, adapter, rows)
    return project


def figures(value: float, n: int = 400) -> dict:
    return {"value": value, "low": value - 0.04, "high": value + 0.04, "n": n, "pictures": 90}


def row(name: str, value: float, base=None, blind=None, n: int = 400) -> dict:
    by_type = {"count": figures(value, 20)}
    adapter = {"answers 1": 1}.get(name)
    against = {"against_base": base, "against_blind": blind, "trust": trusted(0.8) if adapter else None}
    return {"name": name, "adapter": adapter, **figures(value, n), "by_type": by_type, **against}


def trusted(threshold: float | None) -> dict:
    return {"closed": {"selective": {"threshold": threshold}}, "open": None}


RESULT = {
    "questions": 4,
    "models": 2,
    "sets": {
        "test": {
            "questions": 400,
            "rows": [
                row("blind majority", 0.38, figures(-0.03)),
                row("base", 0.41, None, figures(0.03)),
                row("answers 1", 0.79, figures(0.38), figures(0.41)),
            ],
        }
    },
}


@pytest.fixture(scope="module")
def built():
    screen = Compare(SimpleNamespace(project=None, person=ME))
    with gr.Blocks():
        screen.build()
    return screen


@pytest.fixture
def screen(built, project, monkeypatch):
    monkeypatch.setattr(queue, "start_next", lambda project: None)
    built.context.project = project
    built.answering.clear()
    return built


class Answers:
    """Stands in for the answering process: gives these rows, and notes what it was asked."""

    def __init__(self, *rows: dict) -> None:
        self.rows, self.asked = rows, []

    def ask(self, *asked, **more):
        self.asked.append((*asked, more))
        yield from self.rows


def said(adapter: int | None, text: str, done: bool = True, probability: float | None = 0.9) -> dict:
    return {"adapter": adapter, "text": text, "done": done, "probability": probability, "message": ""}


# ---- asking ------------------------------------------------------------------------------------------------------


def test_answers_grow_side_by_side_and_are_scored_by_the_label_at_the_end(project):
    answers = Answers(said(None, "n", done=False), said(None, "no"), said(1, "yes"))
    cards = list(asking.ask(project, answers, asking.Question(picture=5, question=f" {POLYP} ", adapters=[1])))
    grown = [[side["text"] for side in card["sides"]] for card in cards]
    assert grown == [["", ""], ["n", ""], ["no", ""], ["no", "yes"]]
    assert "mark" not in cards[1]["sides"][0]
    assert [side["mark"] for side in cards[-1]["sides"]] == [texts.WRONG, texts.RIGHT]
    assert cards[-1]["label"] == "yes" and cards[-1]["sides"][0]["sure"] == "90 % sure"
    assert answers.asked == [(project.picture(5).path, POLYP, [None, 1], {"model": "nano", "choices": ("yes", "no")})]


def test_who_has_learned_from_the_picture_says_so(project):
    trained = project.db.row("jobs", kind="adapt")["id"]
    project.use(trained, "pair", [import_label(project, 1, POLYP, "yes")])
    for picture, said_so in ((1, texts.LEARNED), (5, "")):
        replies = Answers(said(None, "yes"), said(1, "yes"))
        *_, card = asking.ask(project, replies, asking.Question(picture=picture, question=POLYP, adapters=[1]))
        assert [side["learned"] for side in card["sides"]] == ["", said_so]


def test_a_question_without_a_label_is_not_scored(project):
    card = list(asking.ask(project, Answers(said(None, "red")), asking.Question(picture=5, question="Colour?")))[-1]
    assert card["label"] == "" and "mark" not in card["sides"][0]


def test_the_answers_that_a_question_allows_are_weighed(project):
    shares = {"yes": 0.25, "no": 0.75}
    answers = Answers(said(None, "n", done=False, probability=0.5), said(None, "no") | {"choices": shares})
    cards = list(asking.ask(project, answers, asking.Question(picture=5, question=POLYP)))
    assert cards[1]["sides"][0]["sure"] == "50 % sure" and "choices" not in cards[1]["sides"][0]
    assert [(one["name"], one["text"]) for one in cards[-1]["sides"][0]["choices"]] == [("no", "75 %"), ("yes", "25 %")]
    assert asking.choices_of(project, "Anything else?", None) == ()


def test_a_person_is_to_be_asked_where_the_model_is_less_sure_than_it_must_be(project):
    unsure, sure = {"yes": 0.6, "no": 0.4}, {"yes": 0.9, "no": 0.1}
    for shares, doubts in ((unsure, True), (sure, False)):
        answers = Answers(said(None, "yes"), said(1, "Yes.", probability=0.99) | {"choices": shares})
        *_, last = asking.ask(project, answers, asking.Question(picture=5, question=POLYP, adapters=[1]))
        sides = last["sides"]
        assert "doubt" not in sides[0], "no bound is known of the base model"
        assert ("doubt" in sides[1]) is doubts and sides[1]["sure"] == texts.sure(shares["yes"])
    assert texts.share(0.8) in texts.DOUBT.format(least=texts.share(0.8))
    assert asking.doubts_of(project, [None], "Anything else?", None) == {}


def test_what_went_wrong_is_said_and_what_was_answered_stays(project):
    answers = Answers(said(None, "no"), {"error": "The files are gone.", "fix": "Train it again."})
    cards = asking.ask(project, answers, asking.Question(picture=5, question=POLYP, adapters=[1]))
    last = [next(cards) for _ in range(3)][-1]
    with pytest.raises(LeamlError, match="The files are gone"):
        next(cards)
    assert [side["text"] or side["message"] for side in last["sides"]] == ["no", texts.NONE]


@pytest.mark.parametrize("question", ["", "  \n "])
def test_an_empty_question_is_refused(project, question):
    with pytest.raises(DataError, match="no question"):
        next(asking.ask(project, Answers(), asking.Question(picture=5, question=question)))


def test_a_picture_or_model_that_is_gone_is_refused(project):
    for asked in ({"picture": 99}, {"picture": 5, "adapters": [99]}):
        with pytest.raises(DataError):
            next(asking.ask(project, Answers(), asking.Question(question=POLYP, **asked)))


def test_the_picker_opens_on_the_test_pictures_with_their_questions(project):
    value, viewer = asking.picker(project, "test", None)
    assert value["picture"] == {"id": 5, "place": 1, "of": 2}
    assert set(value["questions"][:2]) == {POLYP, MANY}
    assert "/6?" in viewer["next"][0]["src"]


def test_without_test_pictures_the_picker_shows_others(tmp_path):
    project = small_project(tmp_path / "polyps", ("train",))
    assert asking.picker(project, "test", None)[0]["pool"] == "train"
    project.close()


@pytest.mark.parametrize(
    ("asked", "picture"),
    [
        ({"act": "move", "picture": 5, "by": 1}, 6),
        ({"act": "move", "picture": 6, "by": 1}, 6),
        ({"act": "move", "picture": 5, "place": 2}, 6),
        ({"act": "move", "picture": 5, "place": 99}, 6),
        ({"act": "any", "picture": 5}, 6),
        ({"act": "pool", "picture": 5, "pool": "train"}, 1),
        ({"act": "move", "picture": 5, "pool": "nothing"}, None),
    ],
)
def test_pictures_are_reached_by_arrows_number_and_chance(project, asked, picture):
    assert asking.picture_of(project, asking.Asked(**asked)) == picture


# ---- results -----------------------------------------------------------------------------------------------------


def test_the_table_names_models_in_words_and_gives_counts_below_thirty(project):
    [found] = results.table(project)["sets"]
    assert [row["name"] for row in found["rows"]] == [texts.BLIND, texts.BASE, "answers 1"]
    assert found["rows"][2]["right"] == "79 % [75, 83]"
    assert found["rows"][2]["base"] == "+38 points [+34, +42]"
    assert found["rows"][1]["base"] == "" and found["rows"][0]["base"] == ""
    [kinds] = found["parts"]
    assert kinds["title"] == "By kind of question"
    assert kinds["rows"] == [{"name": "count", "n": "20", "cells": [["8 of 20"], ["8 of 20"], ["16 of 20"]]}]


def test_the_table_is_broken_down_by_wording_and_by_patient_where_there_are_several():
    near = figures(0.5) | {"near": figures(0.75)}
    of = {"by_type": {"count": near}, "by_question": {MANY: near, HOSTILE: figures(0.2, 12)}, "by_group": {"A": near}}
    shown = results._set("test", {"questions": 400, "rows": [row("base", 0.5) | of, row("answers 1", 0.6) | of]})
    assert [part["title"] for part in shown["parts"]] == ["By kind of question", "By question"]
    assert shown["parts"][0]["rows"][0]["cells"][1] == ["50 % [46, 54]", "within one: 75 % [71, 79]"]
    assert shown["parts"][1]["rows"][1]["cells"] == [["2 of 12"], ["2 of 12"]]


def test_it_says_how_many_more_questions_a_useful_range_needs():
    assert results.more_needed(figures(0.5)) == 0
    wide = {"value": 0.5, "low": 0.3, "high": 0.7, "n": 30}
    assert results.more_needed(wide) == 90, "half as wide takes four times as many"
    shown = results._set("test", {"rows": [row("base", 0.5) | wide, row("answers 1", 0.5)]})
    assert shown["note"].startswith("About 90 more")


def test_a_small_test_set_gets_counts_and_no_bar():
    few = row("base", 0.5, n=12)
    shown = results._row(few)
    assert (shown["right"], shown["bar"]) == ("6 of 12", None)
    assert texts.difference(figures(0.25, 12)) == "+3 of 12"
    assert texts.difference(figures(-0.03)) == "\N{MINUS SIGN}3 points [\N{MINUS SIGN}7, +1]"
    assert texts.FEWEST_FOR_A_RATE == FEWEST, "the screens load no numpy for it"


def test_a_comparison_older_than_the_newest_model_says_so(project):
    assert results.table(project)["newer"] == ""
    later = project.db.insert("jobs", {"kind": "adapt", "state": "done"})
    folder = project.folder / "runs" / str(later)
    folder.mkdir()
    project.add_adapter(later, "answers 2", "answers", "lora", folder, "nano", 10, 10)
    assert results.table(project)["newer"] == texts.NEWER


@pytest.mark.parametrize(
    ("kind", "pairs"), [("all", [1, 2, 3, 4]), ("differ", [2, 3, 4]), ("fixed", [2]), ("broken", [3])]
)
def test_questions_are_sorted_by_what_became_of_them(project, kind, pairs):
    found = gallery.items(project, gallery.Listed(filter=kind))
    assert [row["pair"] for row in found["rows"]] == pairs
    assert found["counts"] == {"differ": 3, "fixed": 1, "broken": 1, "all": 4}


def test_calibration_pictures_are_no_test(project):
    pair = import_label(project, 4, POLYP, "yes")
    job = results.newest(project)
    project.add_predictions(job.run, None, [(pair, "no", False, -0.5)])
    project.add_predictions(job.run, 1, [(pair, "yes", True, -0.5)])
    assert gallery.items(project, gallery.Listed(filter="all"))["counts"]["all"] == 4


def test_questions_are_filtered_by_kind_and_wording(project):
    found = gallery.items(project, gallery.Listed(filter="all", type="count"))
    assert [row["pair"] for row in found["rows"]] == [2, 4] and found["counts"]["fixed"] == 1
    assert [one["name"] for one in found["choices"]["type"]] == ["count (2)", "yes/no (2)"]
    assert found["choices"]["split"] == [], "there is one test set"
    assert gallery.items(project, gallery.Listed(question=POLYP))["counts"]["differ"] == 1


def test_several_adapted_models_stand_side_by_side(project):
    folder = project.folder / "runs" / "9"
    folder.mkdir()
    project.add_adapter(9, "answers 2", "answers", "lora", folder, "nano", 10, 10)
    project.add_predictions(results.newest(project).run, 2, [(2, "1 or 3", False, -0.5)])
    found = gallery.items(project, gallery.Listed(filter="fixed", adapter=1))
    [row] = found["rows"]
    assert [answer["name"] for answer in row["answers"]] == [texts.BASE, "answers 2", "answers 1"]
    assert row["answers"][1]["parts"] == [("1", False), ("or 3", True)]
    assert gallery.items(project, gallery.Listed(adapter=2, filter="fixed"))["counts"]["fixed"] == 0


def test_views_carry_their_counts(project):
    views = gallery.views(project, gallery.items(project, gallery.Listed()))["views"]
    assert [view["key"] for view in views] == list(texts.VIEWS)
    assert views[1] == {"key": "differ", "name": "Differ", "area": "items", "filter": "differ", "count": "3"}
    assert [view["key"] for view in gallery.views(None, {})["views"]] == ["overview"]


def test_pages_end_where_the_questions_end(project, monkeypatch):
    monkeypatch.setattr(gallery, "PER_PAGE", 3)
    found = gallery.items(project, gallery.Listed(filter="all", page=99))
    assert (found["page"], found["pages"], [row["pair"] for row in found["rows"]]) == (1, 2, [4])


def test_a_question_is_opened_with_its_picture_and_what_was_answered(screen, project):
    updates = screen.list_items({"act": "open", "filter": "broken", "pair": 3, "adapter": 1})
    card = updates[screen.answers]
    assert [side["text"] for side in card["sides"]] == ["yes", "no"]
    assert [side["right"] for side in card["sides"]] == [True, False]
    assert updates[screen.picker]["picture"]["id"] == 6 and updates[screen.picker]["ask"] == POLYP


def test_before_the_first_comparison_there_is_nothing_to_list(tmp_path):
    empty = small_project(tmp_path / "empty")
    assert results.table(empty) == gallery.items(empty, gallery.Listed()) == {} and results.mark(empty) == ""
    assert results.table(None) == gallery.items(None, gallery.Listed()) == {}
    empty.close()


# ---- jobs --------------------------------------------------------------------------------------------------------


def test_the_sentence_says_what_compare_will_do(project, tmp_path):
    words, ready = plan(project)
    assert ready and "The base model and “answers 1” answer the 4 labelled questions on 2 pictures" in words
    empty = small_project(tmp_path / "empty")
    assert plan(empty) == (texts.START_NO_TEST, False)
    assert plan(None)[1] is False
    empty.close()


def test_a_folder_is_checked_before_a_job_is_made(screen, project, tmp_path):
    with pytest.raises(DataError, match="No folder is named"):
        screen.folder.begin(" ", "", NEWEST)
    with pytest.raises(DataError, match="There is no folder"):
        screen.folder.begin(str(tmp_path / "none"), "", NEWEST)
    assert project.db.count("jobs", kind="answer") == 0


def test_the_form_of_a_folder_becomes_options(tmp_path):
    options = folder_options(f' "{tmp_path}" ', "One?\n\n Two? \n", "7")
    assert options == AnswerOptions(folder=str(tmp_path), questions=("One?", "Two?"), adapter=7)
    assert folder_options(str(tmp_path), "", BASE).adapter == 0
    assert folder_options(str(tmp_path), "", NEWEST).adapter is None


def test_a_second_press_starts_no_second_comparison(screen, project):
    project.db.insert("jobs", {"kind": "compare", "state": "queued", "started": "2099-01-01T00:00:00.000Z"})
    with pytest.raises(LeamlError, match="runs already"):
        screen.begin(*[part.value for part in screen.inputs])


def test_several_models_are_chosen_by_name(screen, project):
    shown = screen.choices(project)[screen.adapters]
    assert shown["choices"] == [("answers 1", "1")] and shown["value"] == []
    rest = [part.value for part in screen.options.inputs]
    assert "--adapters 3 --adapters 1" in screen.command(["3", "1"], *rest)
    assert "--adapters" not in screen.command([], *rest)


def test_what_came_of_a_folder_is_escaped_and_can_be_saved(project):
    result = {"answers": 4, "pictures": 2, "left out": 1, "findings": [HOSTILE]}
    id = project.db.insert("jobs", {"kind": "answer", "state": "done", "result": result})
    said = answered(project, queue.job(project, id))
    assert HOSTILE not in said and "&lt;img" in said
    assert f'href="/answers/polyps/{id}"' in said


def test_only_the_files_of_a_report_are_served_and_nothing_in_them_may_run(project):
    done = project.db.insert("jobs", {"kind": "report", "state": "done"})
    other = project.db.insert("jobs", {"kind": "export", "state": "done"})
    for id in (done, other):
        folder = project.folder / "runs" / str(id) / "report"
        folder.mkdir(parents=True)
        for name in ("report.html", "report.json", "secret.html"):
            (folder / name).write_text("<p>hello</p>")
    client = TestClient(Starlette(routes=tables.routes(SimpleNamespace(get=lambda name: project))))
    page = client.get(tables.report_address("polyps", done, "report.html"))
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "script" not in policy
    numbers = client.get(tables.report_address("polyps", done, "report.json"))
    assert "attachment" in numbers.headers["content-disposition"]
    for address in (f"/report/polyps/{other}/report.html", f"/report/polyps/{done}/secret.html", "/report/polyps/99/x"):
        assert client.get(address).status_code == 404
    assert client.get(f"/report/polyps/{done}/..%2f..%2fleaml.db").status_code == 404


def test_report_and_export_are_queued_once_and_said(screen, project):
    newest = ("newest", "newest", 4, True, False)
    assert screen.report.begin(*newest)[screen.report.panel.part]["state"]
    [job] = [job for job in queue.jobs(project) if job.kind == "report"]
    assert job.command.startswith("python launch.py report") and job.stage_options() == ReportOptions()
    with pytest.raises(LeamlError, match="runs already"):
        screen.report.begin(*newest)
    with pytest.raises(DataError, match="No folder is named"):
        screen.report.begin_export(" ", "newest", ["lora"])
    with pytest.raises(DataError, match="Nothing is chosen"):
        screen.report.begin_export("/tmp/out", "newest", [])
    every = ["adapter", "lora", "merged", "dataset"]
    assert "launch.py export /tmp/out --project" in screen.report.export_command(' "/tmp/out" ', "newest", every)
    some = screen.report.export_command("/tmp/out", "3", ["dataset", "lora"])
    assert "--adapter 3 --parts lora --parts dataset" in some


def test_what_a_report_holds_is_chosen(screen, project):
    said = screen.report.command("7", "3", 2, False, True)
    assert "--comparison 7 --adapter 3 --examples 2 --no-pictures --pdf" in said
    assert report_options("newest", "newest", None, True, False) == ReportOptions()
    with pytest.raises(OptionError, match="examples"):
        report_options("newest", "newest", 99, True, False)
    shown = screen.report.choices(project)
    adapters = [str(one.id) for one in project.adapters("answers")]
    assert [value for _, value in shown[screen.report.adapter]["choices"]] == ["newest", *adapters] != ["newest"]
    done = [str(job.id) for job in queue.jobs(project) if job.kind == "compare" and job.state == "done"]
    assert [value for _, value in shown[screen.report.comparison]["choices"]] == ["newest", *done] != ["newest"]


def test_what_was_reported_and_exported_is_linked_and_escaped(project):
    result = {"files": ["report.html", "report.json", "evil.exe"], "name": HOSTILE}
    id = project.db.insert("jobs", {"kind": "report", "state": "done", "result": result})
    shown = reported(project, queue.job(project, id))
    assert HOSTILE not in shown and f'href="/report/polyps/{id}/report.html"' in shown and "evil" not in shown
    values = {"kind": "export", "state": "done", "options": {"folder": HOSTILE}, "result": {"parts": ["lora"]}}
    shown = exported(project, queue.job(project, project.db.insert("jobs", values)))
    assert HOSTILE not in shown and "lora" in shown


def test_only_the_table_of_an_answering_job_is_served(project):
    done = project.db.insert("jobs", {"kind": "answer", "state": "done"})
    other = project.db.insert("jobs", {"kind": "distil", "state": "done"})
    for id in (done, other):
        folder = project.folder / "runs" / str(id)
        folder.mkdir(parents=True)
        with (folder / "answers.csv").open("w") as file:
            csv.writer(file).writerow(["picture", "question"])
    client = TestClient(Starlette(routes=tables.routes(SimpleNamespace(get=lambda name: project))))
    answer = client.get(f"/answers/polyps/{done}")
    assert answer.status_code == 200 and answer.text.startswith("picture")
    assert "attachment" in answer.headers["content-disposition"]
    assert [client.get(f"/answers/polyps/{id}").status_code for id in (other, 99)] == [404, 404]
