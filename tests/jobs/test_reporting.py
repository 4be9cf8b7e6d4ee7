"""What a report says of a project, and that it names nobody and nothing on this disk."""

import getpass
import json
import re
import socket

import pytest

from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.facts import facts_of, public_name
from leaml.jobs.reporting import report
from leaml.options import AdaptOptions, CaptionOptions, ReportOptions
from leaml.records import Pair, Result
from leaml.report.document import document
from tests.jobs.conftest import make_project

SECRET = "Dr. Miller"


@pytest.fixture
def compared(tmp_path, figures_of):
    """A project in which an adapted model, with labels and suggestions behind it, was compared with its base."""
    project = make_project(tmp_path / "home" / "phantom")
    for label in project.labels("test"):
        project.add_label(SECRET, label.image_id, "Is it " + label.question, "yes", "yes/no", seconds=30.0)
    pictures = project.pictures("train")[4:7]
    project.add_pairs(1, [(picture.id, Pair(picture.path, "How many?", "2", "count")) for picture in pictures])
    waiting = [pair.id for pair in project.pairs(status="suggested")]
    project.judge(SECRET, waiting[0], True, answer="3", seconds=12.0)
    project.accept_all(SECRET, waiting, "all")
    options = AdaptOptions(model=str(tmp_path / "models" / "mine")).model_dump()
    trained = project.db.insert("jobs", {"kind": "adapt", "state": "done", "options": options})
    project.use(trained, "pair", [*(label.id for label in project.labels()), *waiting])
    project.use(trained, "verdict", [pair.verdict_id for pair in project.accepted()])
    folder = project.folder / "runs" / str(trained)
    folder.mkdir()
    base = str(tmp_path / "models" / "mine")
    adapter = project.add_adapter(trained, "adapted 1", "answers", "lora", folder, base, 10, 20)
    job = project.db.insert("jobs", {"kind": "compare", "state": "done", "result": figures_of(adapter)})
    for place, pair in enumerate(project.labels("test")):
        for number, right in ((None, place % 2 == 0), (adapter, place % 3 != 0)):
            project.add_predictions(job, number, [(pair.id, "yes" if right else "no", right, -0.5)])
    project.vote(SECRET, job, project.labels("test")[0].id, (None, adapter), "left")
    return project


@pytest.fixture
def figures_of():
    def result(adapter: int) -> dict:
        def row(name: str, number: int | None) -> dict:
            rate = {"value": 0.5, "low": 0.3, "high": 0.7, "n": 40, "pictures": 3, "text": ""}
            more = {"by_type": {"yes/no": rate}, "by_group": {SECRET: rate}}
            return {"name": name, "adapter": number, **rate, **more, "against_base": rate, "against_blind": rate}

        return {"sets": {"test": {"questions": 40, "rows": [row("base", None), row("adapted 1", adapter)]}}}

    return result


def written(project, options: ReportOptions):
    """Runs the job's work here; the folder of the report, and what the job keeps."""
    id = project.db.insert("jobs", {"kind": "report", "options": options.model_dump()})
    job = queue.job(project, id)
    job.folder.mkdir()
    work = report(project, job, options)
    result = [event for event in work.events if isinstance(event, Result)][-1]
    return result.path, work.finish(result)


def test_facts_are_counted_from_the_store(compared):
    [adapter] = compared.adapters("answers")
    whole = document(facts_of(compared, queue.jobs(compared, limit=1)[0], adapter))
    effort = whole["effort"]
    assert effort["labels"] == {"n": 18, "people": 2, "timed": 6, "minutes": 3.0}
    assert effort["verdicts"] == {"n": 1, "people": 1, "timed": 1, "minutes": 0.2} and effort["bulk"] == 2
    assert whole["behind"] == {
        "labels": 6, "suggestions": 3, "captions": 0, "unseen": 2, "looked_at": 1, "corrected": 1, "generators": 0,
    }  # fmt: skip
    assert whole["model"]["base"] == "mine" and [stage["kind"] for stage in whole["stages"]] == ["adapt"]
    assert whole["looks"] == {"comparisons": 1, "models": 1}
    train = next(split for split in whole["splits"] if split["split"] == "train")
    assert (train["pictures"], train["labelled"], train["labels"]) == (8, 3, 6)


def test_that_a_server_was_used_is_told_and_not_where_it_stands(compared):
    [adapter] = compared.adapters("answers")
    options = CaptionOptions(server="http://miller-pc:11434").model_dump()
    job = compared.db.insert("jobs", {"kind": "caption", "state": "done", "options": options})
    compared.add_captions(job, [(1, "A colon.", "teacher")])
    compared.use(adapter.job_id, "caption", [row.id for row in compared.captions() if row.teacher == "teacher"])
    stages = document(facts_of(compared, queue.jobs(compared, limit=5)[1], adapter))["stages"]
    captions = next(stage for stage in stages if stage["kind"] == "caption")
    assert {"name": "server", "value": "one was used"} in captions["options"] and "miller" not in json.dumps(stages)


def test_calibration_pictures_are_answered_but_no_test(compared):
    [adapter] = compared.adapters("answers")
    job = queue.jobs(compared, limit=1)[0]
    pair = compared.add_label(SECRET, 12, "How many?", "2", "count")
    for number in (None, adapter.id):
        compared.add_predictions(job.id, number, [(pair, "2", True, -0.5)])
    facts = facts_of(compared, job, adapter, examples=40)
    assert set(facts.changes) == {"test"} and facts.examples["typical"]["of"] == 12


def test_examples_are_drawn_of_what_became_of_the_questions(compared):
    [adapter] = compared.adapters("answers")
    facts = facts_of(compared, queue.jobs(compared, limit=1)[0], adapter, examples=2)
    changes = facts.changes["test"]
    assert changes == {"n": 12, "fixed": 4, "broken": 2, "both_right": 4, "both_wrong": 2, "differ": 6}
    assert {kind: (found["of"], found["shown"]) for kind, found in facts.examples.items()} == {
        "typical": (12, 2), "fixed": (4, 2), "broken": (2, 2),
    }  # fmt: skip
    for row in facts.examples["broken"]["rows"]:
        assert row["base"]["right"] and not row["adapted"]["right"]


def test_page_numbers_and_card_are_written_and_name_nobody_and_no_place(compared, tmp_path):
    folder, kept = written(compared, ReportOptions())
    assert kept["files"] == ["report.html", "report.json", "MODEL_CARD.md"]
    hidden = [SECRET, "Miller", str(tmp_path), "/home", socket.gethostname(), "0.png"]
    hidden += [getpass.getuser()] if len(getpass.getuser()) > 4 else []
    for name in kept["files"]:
        text = (folder / name).read_text(encoding="utf-8")
        bare = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
        assert [one for one in hidden if one in bare] == [], name
    assert (folder / "report.html").read_text(encoding="utf-8").count("data:image/jpeg") >= 3
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["sets"][0]["questions"] == 40


def test_pictures_may_be_left_out(compared):
    folder, _ = written(compared, ReportOptions(pictures=False, examples=1))
    assert "data:image" not in (folder / "report.html").read_text(encoding="utf-8")


def test_what_cannot_be_reported_is_said(compared, tmp_path):
    other = make_project(tmp_path / "home" / "other")
    with pytest.raises(DataError, match="Nothing was compared"):
        written(other, ReportOptions())
    other.close()
    with pytest.raises(OptionError, match="no finished comparison"):
        written(compared, ReportOptions(comparison=1))
    with pytest.raises(DataError, match="did not ask the adapted model 9"):
        written(compared, ReportOptions(adapter=9))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("nano", "nano"), ("org/model", "org/model"), ("/home/me/model", "model"), ("~/models/mine", "mine"),
        ("C:\\models\\mine", "mine"), ("../mine", "mine"), ("a/b/c", "c"),
    ],
)  # fmt: skip
def test_models_go_by_a_name_that_says_nothing_of_this_disk(model, name):
    assert public_name(model) == name
