"""What minutes buy, and when another batch is not worth them."""

import random

import pytest

from leaml.review.economics import Gain, advice, gain, gains, labelling, spent

A, B = "Dr. A", "Dr. B"


def test_minutes_are_counted_over_what_was_kept(project, suggest):
    pairs = suggest(*[0.5] * 6)
    for place, seconds in enumerate((6.0, 6.0, 12.0, None)):
        project.judge(A, pairs[place], place < 2, seconds=seconds)
    project.judge(B, pairs[4], True, seconds=30.0)
    project.accept_all(A, [pairs[5]], "band")
    found = spent(project, A)
    assert (found.decisions, found.kept, found.seconds) == (4, 2, 6.0)
    assert found.minutes_per_kept == pytest.approx(8.0 * 4 / 2 / 60)
    assert (spent(project).decisions, spent(project).kept, spent(project).seconds) == (5, 3, 18.0)
    assert spent(project, "Dr. C").minutes_per_kept is None
    project.undo(A)
    project.undo(A)
    assert spent(project, A).decisions == 3


def test_labels_cost_their_seconds(project):
    for picture, seconds in ((1, 20.0), (2, None), (3, 40.0)):
        project.add_label(A, picture, "How many?", "2", "count", seconds=seconds)
    found = labelling(project, A)
    assert (found.decisions, found.kept, found.seconds) == (3, 3, 30.0)
    assert found.minutes_per_kept == pytest.approx(0.5)


def test_a_clear_gain_goes_on_and_no_gain_stops():
    draw = random.Random(0)
    before = {n: draw.random() < 0.5 for n in range(200)}
    better = {n: right or draw.random() < 0.4 for n, right in before.items()}
    same = {n: right if draw.random() < 0.8 else not right for n, right in better.items()}
    pictures = {n: n // 4 for n in before}
    first, second = gain(before, better, pictures), gain(better, same, pictures)
    assert first.goes_on and first.low <= first.difference <= first.high and first.pictures == 50
    assert not second.goes_on
    assert advice([]) == "unknown" and advice([second, first]) == "go on" and advice([first, second]) == "stop"


def test_questions_of_one_picture_are_drawn_together():
    before = {n: False for n in range(40)}
    after = {n: n < 20 for n in before}
    apart = gain(before, after, {n: n for n in before})
    together = gain(before, after, {n: n // 10 for n in before})
    assert together.difference == apart.difference == 0.5
    assert together.high - together.low > apart.high - apart.low


def test_without_common_questions_nothing_is_said():
    assert gain({1: True}, {2: True}, {1: 1, 2: 2}) is None


def test_rounds_are_compared_on_the_calibration_split(project):
    project.db.record("", "import", [("images", n, {}, {"split": "calibration"}) for n in range(1, 13)])
    pairs = [project.add_label(A, n, "Is there a polyp?", "yes", "yes/no") for n in range(1, 13)]
    for round, right in enumerate((4, 11)):
        adapter = project.add_adapter(None, f"{round}", "answers", "lora", project.folder / f"runs/{round}", "x", 1, 1)
        job = project.db.insert("jobs", {"kind": "compare", "state": "done", "options": {"on": "calibration"}})
        project.add_predictions(job, adapter, [(pair, "yes", n < right, None) for n, pair in enumerate(pairs)])
        project.add_predictions(job, None, [(pair, "no", False, None) for pair in pairs])
    project.db.insert("jobs", {"kind": "compare", "state": "done", "options": {"on": "test"}})
    (found,) = gains(project)
    assert isinstance(found, Gain) and found.difference == pytest.approx(7 / 12) and found.goes_on


def test_what_asked_the_calibration_split_beside_is_a_round_and_twice_the_same_is_one(project):
    project.db.record("", "import", [("images", n, {}, {"split": "calibration"}) for n in range(1, 13)])
    pairs = [project.add_label(A, n, "Is there a polyp?", "yes", "yes/no") for n in range(1, 13)]
    adapters = [
        project.add_adapter(None, name, "answers", "lora", project.folder / f"runs/{name}", "x", 1, 1) for name in "ab"
    ]
    for adapter, right in zip((adapters[0], adapters[0], adapters[1]), (3, 4, 11)):
        job = project.db.insert("jobs", {"kind": "compare", "state": "done", "options": {"on": "test", "trust": True}})
        project.add_predictions(job, adapter, [(pair, "yes", n < right, None) for n, pair in enumerate(pairs)])
    (found,) = gains(project)
    assert found.difference == pytest.approx(7 / 12)
