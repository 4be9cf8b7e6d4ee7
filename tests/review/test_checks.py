"""Hidden checks: how often, what they show, what they leave alone, what they say of a reviewer."""

import pytest

from leaml.errors import DataError
from leaml.review import checks
from leaml.review.checks import FIRST, Check, Share, answered, due, reviewer, shown
from leaml.review.deciding import Decision, decide
from leaml.review.settings import ReviewSettings

A = "Dr. A"
REPEATS = ReviewSettings(repeats=0.5, known_wrong=0)
WRONG = ReviewSettings(repeats=0, known_wrong=0.5)


@pytest.fixture
def judged(project, suggest):
    """Forty suggestions, judged by one person: every second is right, every tenth corrected."""
    pairs = suggest(*[0.5] * 40)
    for place, pair in enumerate(pairs):
        project.judge(A, pair, place % 2 == 0, answer="no" if place % 10 == 0 else None, reason="wrong answer")
    return pairs


def found(project, settings, turns=40):
    """The checks that come up while the person answers them."""
    made = []
    for _ in range(turns):
        check = due(project, A, settings)
        if check:
            made.append(check)
        # Any answer brings the next turn.
        answered(project, A, check or Check("repeat", 1, "?", "!", True), True)
    return made


def test_nobody_is_checked_at_the_beginning_or_where_nothing_is_set(project, suggest):
    pairs = suggest(*[0.5] * FIRST)
    for pair in pairs[:-1]:
        project.judge(A, pair, True)
    assert due(project, A, REPEATS) is None
    project.judge(A, pairs[-1], True)
    assert found(project, ReviewSettings(repeats=0, known_wrong=0)) == []


def test_checks_come_at_the_rate_that_is_set(project, judged):
    assert 10 <= len(found(project, REPEATS)) <= 30


def test_the_same_check_is_shown_until_it_is_answered(project, judged):
    while (check := due(project, A, REPEATS)) is None:
        answered(project, A, Check("repeat", 1, "?", "!", True), True)
    assert due(project, A, REPEATS) == check


def test_a_repeat_is_an_older_one_of_ones_own_as_it_was_written(project, judged):
    for check in found(project, REPEATS):
        place = judged.index(check.pair)
        assert place < 40 - checks.BACK and check.answer == "yes"
        assert check.right == (place % 2 == 0 and place % 10 != 0)


def test_a_known_wrong_answer_is_another_choice_of_a_question_whose_answer_people_know(project, judged):
    found_ = found(project, WRONG)
    assert found_
    for check in found_:
        assert check.kind == "wrong" and not check.right
        assert {check.answer, project.pair(check.pair).answer} == {"yes", "no"}


def test_where_no_answer_is_known_there_is_no_wrong_one(project, suggest):
    for pair in suggest(*[0.5] * 30):
        project.judge(A, pair, False, reason="wrong answer")
    assert found(project, WRONG) == []


def test_an_answered_check_leaves_the_suggestion_alone_and_can_be_taken_back(project, judged):
    before = project.pairs()
    check = shown(project, A, "repeat", judged[2], "yes")
    decide(project, A, Decision(check.pair, None, False, reason="wrong answer", check=check))
    assert project.pairs() == before
    assert reviewer(project, A).agreed == Share(0, 1)
    assert "Took back the rejection of" in project.undo(A)
    assert reviewer(project, A).agreed == Share(0, 0)


def test_correcting_a_wrong_answer_is_no_miss(project, judged):
    pair = judged[2]
    for answer, accepted in (("no", True), (None, True), (None, False)):
        check = shown(project, A, "wrong", pair, "no")
        correction = "yes" if answer else None
        decide(project, A, Decision(pair, None, accepted, answer=correction, reason="wrong answer", check=check))
    assert reviewer(project, A).missed == Share(1, 3)
    assert reviewer(project, A).missed.bounds == pytest.approx((0.0084, 0.9057), abs=1e-4)


@pytest.mark.parametrize(("kind", "pair"), [("repeat", 41), ("wrong", 999), ("other", 1)])
def test_what_can_have_been_no_check_is_refused(project, judged, suggest, kind, pair):
    suggest(0.5)
    with pytest.raises(DataError):
        shown(project, A, kind, pair, "yes")
