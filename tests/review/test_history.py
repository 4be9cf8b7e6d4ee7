"""What happened to a question, what a person did, and what of it a reader may know."""

import pytest

from leaml.review.audits import begin
from leaml.review.bands import Band
from leaml.review.checks import Check, answered
from leaml.review.history import history, may_see, replay
from leaml.review.plans import Plan
from leaml.review.settings import set_review_settings

A, B, C = "Dr. A", "Dr. B", "Dr. C"


def test_the_history_of_a_suggestion_has_everything_that_was_said(project, suggest):
    (pair,) = suggest(0.5)
    project.judge(A, pair, True, answer="no", seconds=3)
    project.remark(B, 1, pair, text="are you sure?")
    project.judge(B, pair, False, reason="wrong answer", queue="audit", said="no")
    project.undo(B)
    project.undo(B)
    project.accept_all(A, suggest(0.9), "band")
    steps = history(project, pair)
    assert [(step.what, step.person, step.withdrawn) for step in steps] == [
        ("written", "", False), ("corrected", A, False), ("rejected", B, True)
    ]  # fmt: skip
    assert steps[1].details == {"answer": "no", "seconds": 3.0, "queue": "fix"}
    assert steps[2].details["said"] == "no"
    assert history(project, pair + 1)[1].what == "accepted unseen"


def test_a_persons_work_is_replayed_in_order_and_in_pages(project, suggest):
    pairs = suggest(0.5, 0.6)
    project.judge(A, pairs[0], False, reason="duplicate")
    project.judge(B, pairs[1], True)
    project.remark(A, 2, kind="flag")
    project.undo(A)
    steps = replay(project, A)
    assert [(step.what, step.pair, step.image, step.withdrawn) for step in steps] == [
        ("person", None, None, False), ("rejected", pairs[0], None, False), ("flag", None, 2, True),
        ("undo", None, 2, False),
    ]  # fmt: skip
    assert steps[1].details["reason"] == "duplicate" and steps[3].details["undoes"] == steps[2].event
    assert replay(project, A, after=steps[1].event, limit=1) == [steps[2]]


def test_a_label_that_was_changed_has_all_its_answers(project):
    for answer in ("yes", "no", "cannot say"):
        pair = project.add_label(A, 1, "Is there a polyp?", answer, "open")
    project.undo(A)
    steps = history(project, pair)
    assert [(step.what, step.details["answer"], step.withdrawn) for step in steps] == [
        ("labelled", "yes", False), ("relabelled", "no", False), ("relabelled", "cannot say", True)
    ]  # fmt: skip
    assert steps[1].details["was"] == "yes"


def test_who_is_still_to_judge_is_not_told_what_others_said(project, suggest):
    waits, once, twice = suggest(0.5, 0.5, 0.5)
    set_review_settings(project, "", overlap=2)
    project.remark(B, 1, waits, text="it is a fold")
    for person, pair in ((B, once), (B, twice), (C, twice)):
        project.judge(person, pair, False, reason="wrong answer", queue="audit")
    assert [may_see(project, A, pair) for pair in (waits, once, twice)] == [False, False, True]
    assert history(project, waits, A) == history(project, once, A) == []
    assert [step.what for step in history(project, once, B)] == ["written", "rejected"]
    told = {step.pair: step for step in replay(project, B, viewer=A)}
    assert told[once].withheld and told[once].details == {} and told[once].what == "withheld"
    assert told[twice].what == "rejected" and told[twice].details["reason"] == "wrong answer"


def test_ones_own_hidden_checks_look_like_decisions_and_others_see_them(project, suggest):
    (pair,) = suggest(0.5)
    project.judge(A, pair, True)
    answered(project, A, Check("wrong", pair, "?", "no", False), True, 2.0)
    own, other = (replay(project, A, viewer=viewer)[-1] for viewer in (A, B))
    assert own.what == "accepted" and not {"kind", "right", "accepted"} & set(own.details)
    assert other.what == "check" and (other.details["kind"], other.details["accepted"]) == ("wrong", 1)


def test_a_replay_goes_back_from_the_end_as_well(project, suggest):
    for pair in suggest(*[0.5] * 5):
        project.judge(A, pair, True)
    steps = replay(project, A)
    assert replay(project, A, before=10**9, limit=2) == steps[-2:]
    assert replay(project, A, before=steps[-2].event, limit=2) == steps[-4:-2]


def test_a_sample_that_is_judged_is_not_told_of_before(project, suggest):
    (pair,) = suggest(0.9)
    begin(project, A, Band(), Plan(1, 0, 0.04, 0.05))
    assert not may_see(project, A, pair)
    with pytest.raises(Exception, match="no question 99"):
        history(project, 99, A)
