"""One decision: what is kept, and when it is refused."""

import pytest

from leaml.errors import DataError
from leaml.review import leases
from leaml.review.checks import Check
from leaml.review.deciding import REASONS, Decision, decide
from leaml.review.queues import next_pair
from leaml.review.settings import set_review_settings

A, B = "Dr. A", "Dr. B"


def verdict(project, pair):
    return project.db.rows("verdicts", pair_id=pair, order="-id")[0]


def test_accepting_keeps_seconds_and_queue(project, suggest):
    (pair,) = suggest(0.5)
    decide(project, A, Decision(pair, None, True, seconds=4.5, queue="audit"))
    row = verdict(project, pair)
    assert (row["question_ok"], row["answer_ok"], row["seconds"], row["queue"], row["blind"]) == (1, 1, 4.5, "audit", 0)


@pytest.mark.parametrize("seconds", [0, -3, 601, None])
def test_times_that_mean_nothing_are_not_kept(project, suggest, seconds):
    (pair,) = suggest(0.5)
    decide(project, A, Decision(pair, None, True, seconds=seconds))
    assert verdict(project, pair)["seconds"] is None


@pytest.mark.parametrize(
    ("ticks", "reason", "kept"),
    [
        ({}, "wrong answer", (1, 0)),
        ({}, "unanswerable", (0, 0)),
        ({"question_ok": False, "answer_ok": True}, "unanswerable", (0, 1)),
        ({"question_ok": True, "answer_ok": False}, "poor image", (1, 0)),
    ],
)
def test_question_and_answer_are_judged_apart(project, suggest, ticks, reason, kept):
    (pair,) = suggest(0.5)
    decide(project, A, Decision(pair, None, False, reason=reason, **ticks))
    row = verdict(project, pair)
    assert (row["question_ok"], row["answer_ok"], row["reason"]) == (*kept, reason)
    assert project.pair(pair).status == "rejected"


def test_ticks_that_contradict_the_verdict_are_refused(project, suggest):
    (pair,) = suggest(0.5)
    with pytest.raises(DataError, match="other than the verdict"):
        decide(project, A, Decision(pair, None, False, reason=REASONS[0], question_ok=True, answer_ok=True))
    assert project.pair(pair).status == "suggested"


@pytest.mark.parametrize("reason", ["", "<b>", "WRONG ANSWER"])
def test_a_reason_that_is_not_offered_is_refused(project, suggest, reason):
    (pair,) = suggest(0.5)
    with pytest.raises(DataError, match="no reason"):
        decide(project, A, Decision(pair, None, False, reason=reason))


def test_what_was_answered_blind_is_kept_beside_the_verdict(project, suggest):
    (pair,) = suggest(0.5)
    decide(project, A, Decision(pair, None, False, reason="wrong answer", said="  pink\u202e "))
    assert (verdict(project, pair)["blind"], verdict(project, pair)["said"]) == (1, "pink")


def test_who_was_slower_is_told_and_changes_nothing(project, suggest):
    (pair,) = suggest(0.5)
    project.judge(B, pair, False, reason="duplicate")
    with pytest.raises(DataError, match="in the meantime"):
        decide(project, A, Decision(pair, None, True))
    assert project.db.count("verdicts") == 1


def test_what_another_has_in_hand_is_not_decided(project, suggest):
    (pair,) = suggest(0.5)
    next_pair(project, B)
    with pytest.raises(DataError, match="in hand"):
        decide(project, A, Decision(pair, None, True))
    leases.release(project, "pair", B)
    decide(project, A, Decision(pair, None, True))


def test_a_second_opinion_need_not_have_seen_the_first(project, suggest):
    (pair,) = suggest(0.5)
    set_review_settings(project, "", overlap=2)
    decide(project, A, Decision(pair, None, True, queue="audit"))
    decide(project, B, Decision(pair, None, False, reason="wrong answer", queue="audit"))
    assert project.db.counts("opinions", "person", pair_id=pair) == {A: 1, B: 1}
    with pytest.raises(DataError, match="in the meantime"):
        decide(project, "Dr. C", Decision(pair, None, True, queue="audit"))


def test_the_same_decision_sent_twice_is_kept_once(project, suggest):
    (pair,) = suggest(0.5)
    for _ in range(2):
        decide(project, A, Decision(pair, None, False, reason="wrong answer", seconds=4.25))
    assert project.db.count("verdicts") == 1
    with pytest.raises(DataError, match="in the meantime"):
        decide(project, A, Decision(pair, None, True, seconds=1.5))
    with pytest.raises(DataError, match="in the meantime"):
        decide(project, B, Decision(pair, None, False, reason="wrong answer", seconds=4.25))


def test_the_same_answer_to_a_hidden_check_is_kept_once(project, suggest):
    (pair,) = suggest(0.5)
    check = Check("wrong", pair, "Question 0?", "no", False)
    for _ in range(2):
        decide(project, A, Decision(pair, None, True, seconds=4.25, check=check))
    assert project.db.count("checks") == 1
    decide(project, A, Decision(pair, None, True, seconds=2.5, check=check))
    assert project.db.count("checks") == 2
