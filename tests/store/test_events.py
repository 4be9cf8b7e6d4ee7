import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leaml.errors import StorageError
from leaml.records import Pair
from leaml.store import events
from leaml.store.events import inverse, is_as_believed
from leaml.store.project import Project, Template


def suggest(project, picture, *questions):
    """Suggestions of a generator on a picture; returns their ids."""
    before = {pair.id for pair in project.pairs()}
    pairs = [(picture, Pair(Path("x.png"), question, "yes", "yes/no", ("yes", "no"), {"agreement": 0.5}))
             for question in questions]  # fmt: skip
    project.add_pairs(1, pairs)
    return [pair.id for pair in project.pairs() if pair.id not in before]


def state(db):
    return {table: db.rows(table) for table in (*events.TABLES, "events", "pair_states")}


# Changes


def test_a_change_turned_round_twice_is_the_change():
    for change in [("pairs", 1, None, {"id": 1}), ("pairs", 1, {"answer": "a"}, {"answer": "b"})]:
        assert inverse(*inverse(*change)) == change


def test_a_verdict_turned_round_is_withdrawn():
    assert inverse("verdicts", 3, None, {"id": 3}) == ("verdicts", 3, {"withdrawn": 0}, {"withdrawn": 1})


def test_what_stands_is_compared_as_json_keeps_it():
    assert is_as_believed({"choices": ["a", "b"], "id": 1}, {"choices": ("a", "b")})
    assert is_as_believed({"id": 1}, {})
    assert not is_as_believed({"id": 1}, {"id": 2})
    assert not is_as_believed(None, {})


# Recording


def test_an_event_keeps_whole_rows_that_come_and_go_and_columns_that_change(project, picture):
    number = project.add_label("A", picture, "Is there a polyp?", "yes", "yes/no", ("yes", "no"), seconds=2.5)
    project.add_label("A", picture, "Is there a polyp?", "no", "yes/no", ("yes", "no"))
    label, relabel = project.db.rows("events", kind=["label", "relabel"])
    table, key, before, after = label["changes"][0]
    assert (table, key, before) == ("pairs", number, None)
    assert after["answer"] == "yes" and after["created"] and after["seconds"] == 2.5
    _, _, before, after = relabel["changes"][0]
    assert (before["answer"], after["answer"]) == ("yes", "no")
    assert "created" not in after
    assert (label["person"], label["undoes"]) == ("A", None)


def test_a_change_of_what_is_no_longer_so_is_refused(project, picture):
    number = project.add_label("A", picture, "How many?", "2", "count")
    with pytest.raises(StorageError, match="changed this in the meantime"):
        project.db.record("B", "relabel", [("pairs", number, {"answer": "1"}, {"answer": "3"})])
    with pytest.raises(StorageError, match="changed this in the meantime"):
        project.db.record("B", "relabel", [("pairs", 99, {}, {"answer": "3"})])
    assert project.pair(number).answer == "2"


def test_an_event_is_all_or_nothing(project, picture):
    before = state(project.db)
    with pytest.raises(StorageError, match="does not fit"):
        project.db.record("A", "captions", [
            ("captions", None, None, {"image_id": picture, "caption": "a polyp"}),
            ("captions", None, None, {"image_id": 999, "caption": "no such picture"}),
        ])  # fmt: skip
    assert state(project.db) == before


def test_events_and_verdicts_cannot_be_rewritten(project, picture):
    pair = suggest(project, picture, "Q?")[0]
    project.judge("A", pair, accept=True)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        project.db._run("UPDATE events SET person = 'B'")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        project.db._run("DELETE FROM events")
    with pytest.raises(StorageError, match="withdrawn, never changed"):
        project.db.record("B", "verdict", [("verdicts", 1, {}, {"answer_ok": 0})])


def test_writers_of_events_do_not_lose_each_other(project, add_pictures):
    pictures = add_pictures(40)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(project.add_label, f"Dr {n % 4}", id, "Q?", "a", "open")
                     for n, id in enumerate(pictures)]:  # fmt: skip
            done.result()
    assert len(project.labels()) == 40
    assert project.db.count("events", kind="label") == 40
    assert project.db.counts("people", "name") == {f"Dr {n}": 1 for n in range(4)}


# Taking back


def test_undo_has_no_limit_and_survives_reopening(project, picture):
    for n in range(12):
        project.add_label("A", picture, f"Question {n}?", "yes", "yes/no")
    project.undo("A")
    project.close()
    again = Project.open(project.folder)
    for n in range(10, -1, -1):
        assert f"Question {n}?" in again.undo("A")
    assert again.pairs() == []
    with pytest.raises(StorageError, match="nothing of yours"):
        again.undo("A")
    again.close()


def test_undo_takes_back_only_ones_own(project, picture):
    project.add_label("A", picture, "From A?", "yes", "yes/no")
    project.add_label("B", picture, "From B?", "yes", "yes/no")
    project.undo("A")
    assert [pair.question for pair in project.labels()] == ["From B?"]


def test_a_withdrawn_verdict_keeps_its_row(project, picture):
    pair = suggest(project, picture, "Q?")[0]
    verdict = project.judge("A", pair, accept=True, answer="no")
    assert project.undo("A") == "Took back the acceptance of “Q?”."
    assert project.db.row("verdicts", id=verdict)["withdrawn"] == 1
    assert (project.pair(pair).status, project.pair(pair).answer) == ("suggested", "yes")


def test_taking_back_a_verdict_brings_the_one_before_it_back(project, picture):
    pair = suggest(project, picture, "Q?")[0]
    project.judge("A", pair, accept=True)
    project.judge("B", pair, accept=False)
    assert project.pair(pair).status == "rejected"
    assert project.undo("B") == "Took back the rejection of “Q?”."
    assert (project.pair(pair).status, project.pair(pair).reviewer) == ("accepted", "A")


def test_a_later_verdict_stands_and_undo_says_so(project, picture):
    pair = suggest(project, picture, "Q?")[0]
    project.judge("A", pair, accept=True)
    project.judge("B", pair, accept=False)
    assert "judged again since: that stands" in project.undo("A")
    assert (project.pair(pair).status, project.pair(pair).reviewer) == ("rejected", "B")


def test_a_bulk_accept_is_one_step_back(project, picture):
    pairs = suggest(project, picture, "1?", "2?", "3?", "4?")
    project.judge("B", pairs[0], accept=False)
    event = project.accept_all("A", pairs, batch="band 1")
    assert len(project.db.row("events", id=event)["changes"]) == 3
    assert [project.pair(pair).status for pair in pairs] == ["rejected", "accepted", "accepted", "accepted"]
    project.judge("B", pairs[1], accept=False)
    assert project.undo("A") == (
        "Took back the acceptance of 3 suggestions. 1 of them were judged again since: that stands."
    )
    assert [project.pair(pair).status for pair in pairs] == ["rejected", "rejected", "suggested", "suggested"]


def test_a_label_that_somebody_judged_is_not_taken_back(project, picture):
    label = project.add_label("A", picture, "Q?", "yes", "yes/no")
    project.judge("B", label, accept=False)
    with pytest.raises(StorageError, match=r"cannot be taken back\. Somebody has judged it since"):
        project.undo("A")
    assert project.pair(label).status == "rejected"
    project.undo("B")
    project.undo("A")
    assert project.pairs() == []


def test_ones_own_verdict_on_ones_own_label_does_not_stop_undo(project, picture):
    label = project.add_label("A", picture, "Q?", "yes", "yes/no")
    project.judge("A", label, accept=False)
    project.undo("A")
    project.undo("A")
    assert project.pairs() == []


def test_a_label_that_a_model_learned_from_is_not_taken_back(project, picture):
    label = project.add_label("A", picture, "Q?", "yes", "yes/no")
    project.use(project.db.insert("jobs", {"kind": "distil"}), "pair", [label])
    with pytest.raises(StorageError, match="A model has learned from it since"):
        project.undo("A")
    assert project.pair(label).answer == "yes"


def test_a_label_that_somebody_changed_is_not_taken_back(project, picture):
    label = project.add_label("A", picture, "Q?", "yes", "yes/no")
    project.db.record("B", "correction", [("pairs", label, {"answer": "yes"}, {"answer": "no"})])
    with pytest.raises(StorageError, match="Somebody has changed this in the meantime"):
        project.undo("A")


def test_the_questions_to_ask_come_back(project):
    project.set_templates("A", [Template("Is there a polyp?", "yes/no", ("yes", "no"))])
    project.set_templates("A", [Template("How many?", "count"), Template("Where?", "location")])
    project.undo("A")
    assert project.templates() == [Template("Is there a polyp?", "yes/no", ("yes", "no"))]
    project.undo("A")
    assert project.templates() == []


# Rebuilding


def random_steps(project, pictures, steps, seed):
    """Labels, verdicts, bulk accepts, templates, settings and undos by three people, at random."""
    draw = random.Random(seed)

    def undo(person):
        try:
            project.undo(person)
        except StorageError as error:
            assert "taken back" in str(error) or "nothing of yours" in str(error)

    def judge(person):
        pair = draw.choice(project.pairs())
        accept = draw.random() < 0.7
        answer = draw.choice([None, "no", "perhaps"]) if accept and pair.answer else None
        more = {"seconds": draw.choice([None, 2.5]), "queue": draw.choice(["fix", "audit"])}
        project.judge(person, pair.id, accept, answer=answer, reason=draw.choice(["", "unclear"]), **more)

    def accept_all(person):
        waiting = project.pairs(status="suggested", limit=draw.randint(1, 5))
        if waiting:
            project.accept_all(person, [pair.id for pair in waiting], "band")

    acts = {
        "label": lambda person: project.add_label(
            person, draw.choice(pictures), f"Question {draw.randint(1, 4)}?", draw.choice("abc"), "open"
        ),
        "judge": judge,
        "accept all": accept_all,
        "suggest": lambda person: suggest(project, draw.choice(pictures), f"Suggestion {draw.random():.6f}?"),
        "undo": undo,
        "template": lambda person: project.set_templates(person, [Template(draw.choice("xyz"), "open")]),
        "setting": lambda person: project.set_setting(person, "colour", draw.choice(["red", ["blue", 1.5], None])),
        "remark": lambda person: project.remark(person, draw.choice(pictures), kind=draw.choice(["flag", "skip"])),
        "caption": lambda person: project.add_captions(None, [(draw.choice(pictures), draw.choice("uvw"), "file")]),
    }
    suggest(project, pictures[0], "First?")
    for name in draw.choices(list(acts), [4, 6, 2, 4, 7, 1, 1, 2, 1], k=steps):
        acts[name](draw.choice(["Dr A", "Dr B", "Dr C"]))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_state_can_be_rebuilt_from_events_alone(project, add_pictures, tmp_path, seed):
    random_steps(project, add_pictures(4), 120, seed)
    assert project.db.count("events", kind="undo") > 5
    copy = project.db.rebuild(tmp_path / "copy.db")
    assert state(copy) == state(project.db)
    copy.close()


def test_undoing_everything_leaves_no_trace_but_in_the_events(project, add_pictures):
    pictures = add_pictures(2)
    suggested = suggest(project, pictures[0], "1?", "2?", "3?")
    before = project.pairs()
    for n in range(5):
        project.add_label("A", pictures[1], f"Question {n}?", "yes", "yes/no")
        project.judge("A", suggested[n % 3], accept=n % 2 == 0)
    project.add_label("A", pictures[1], "Question 0?", "no", "yes/no")
    for _ in range(11):
        project.undo("A")
    assert project.pairs() == before
    assert project.db.count("events", kind="undo") == 11


def test_rebuilding_overwrites_nothing(project, tmp_path):
    (tmp_path / "there.db").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        project.db.rebuild(tmp_path / "there.db")
    assert (tmp_path / "there.db").read_text() == "mine"
