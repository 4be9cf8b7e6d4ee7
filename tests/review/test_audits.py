"""Accepting the rest of a band: only after its sample passed, once, undoable, and watched afterwards."""

from functools import partial

import pytest

from leaml.errors import DataError
from leaml.review import audits, leases
from leaml.review.audits import accept_rest, audited, begin, error_left, expected, next_of, offered, state, watched
from leaml.review.bands import Band
from leaml.review.deciding import Decision, decide
from leaml.review.plans import Plan
from leaml.review.queues import next_pair

A, B = "Dr. A", "Dr. B"
FOUR = Plan(size=4, allowed=0, target=0.4, error=0.05)
"""Four of four right: at least 47 % right, at 95 % confidence."""


@pytest.fixture
def band(suggest):
    """Two suggestions on each of twelve pictures; the better one of each is in the band."""
    for image in range(1, 13):
        suggest(0.3, 0.9, image=image)
    return Band(low=0.5)


def judge_sample(project, audit, wrong=0, person=A):
    """Judges what is left of a sample, the first ones wrong; returns what was judged."""
    seen = []
    while (pair := next_of(project, person, audit)) is not None:
        accept = len(seen) >= wrong
        reason = "" if accept else "wrong answer"
        decide(project, person, Decision(pair, None, accept, reason=reason, said="yes", audit=audit))
        seen.append(pair)
    return seen


def test_the_sample_is_of_the_band_and_of_different_pictures(project, band):
    audit = begin(project, A, band, FOUR)
    pairs = [project.pair(pair) for pair in judge_sample(project, audit)]
    assert len(pairs) == len({pair.image_id for pair in pairs}) == 4
    assert all(pair.signals["agreement"] == 0.9 for pair in pairs)
    assert project.db.count("verdicts", queue="audit", blind=1, audit_id=audit) == 4


@pytest.mark.parametrize("common", [{"group": "patient 1"}, {"cluster": 5}])
def test_pictures_of_one_patient_or_nearly_the_same_count_once(project, band, common):
    changes = [("images", image, {}, common) for image in range(1, 10)]
    project.db.record("", "import", changes)
    with pytest.raises(DataError, match="lie on 4 independent pictures; 5 are needed"):
        begin(project, A, band, Plan(5, 0, 0.4, 0.05))
    begin(project, A, band, FOUR)


def test_the_rest_is_accepted_in_one_step_and_only_what_was_there_when_the_sample_was_drawn(project, band, suggest):
    audit = begin(project, A, band, FOUR)
    (late,) = suggest(0.99, image=3)
    judge_sample(project, audit)
    found = state(project, audit)
    assert (found.outcome, found.judged, found.wrong, found.rest) == ("passed", 4, 0, 8)
    assert found.bound == pytest.approx(0.05 ** (1 / 4))
    assert accept_rest(project, A, audit) == 8
    assert project.db.counts("pair_states", "status") == {"accepted": 12, "suggested": 13}
    assert project.pair(late).status == "suggested"
    assert project.db.count("verdicts", queue="bulk", audit_id=audit) == 8
    assert project.undo(A) == "Took back the acceptance of 8 suggestions."
    assert project.db.counts("pair_states", "status") == {"accepted": 4, "suggested": 21}
    assert accept_rest(project, A, audit) == 8, "the sample still stands"


def test_one_of_a_sample_is_judged_blind_wherever_it_comes_up(project, band):
    audit = begin(project, A, band, FOUR)
    pair = next_of(project, A, audit)
    assert audits.is_sampled(project, pair)
    for queue, number in (("fix", None), ("audit", None), ("audit", audit)):
        with pytest.raises(DataError, match="judged blind"):
            decide(project, A, Decision(pair, None, True, queue=queue, audit=number))
    decide(project, A, Decision(pair, None, True, said="yes"))
    assert not audits.is_sampled(project, pair) and state(project, audit).judged == 1
    other = next_of(project, A, audit)
    audits.end(project, A, audit)
    assert not audits.is_sampled(project, other)
    decide(project, A, Decision(other, None, True))


def test_nothing_is_accepted_before_the_sample_is_whole(project, band):
    audit = begin(project, A, band, FOUR)
    pair = next_of(project, A, audit)
    decide(project, A, Decision(pair, None, True, said="yes", audit=audit))
    assert state(project, audit).bound is None
    with pytest.raises(DataError, match="1 of 4 were looked at, 0 of them wrong"):
        accept_rest(project, A, audit)


def test_one_wrong_too_many_fails_at_once_and_for_good(project, band):
    audit = begin(project, A, band, FOUR)
    judge_sample(project, audit, wrong=1)
    assert state(project, audit).outcome == "failed"
    with pytest.raises(DataError, match="1 of them wrong"):
        accept_rest(project, A, audit)
    assert project.db.count("verdicts", queue="bulk") == 0


def test_a_corrected_suggestion_was_wrong(project, band):
    audit = begin(project, A, band, FOUR)
    decide(project, A, Decision(next_of(project, A, audit), None, True, answer="no", said="no", audit=audit))
    assert state(project, audit).wrong == 1


def test_a_verdict_that_is_taken_back_is_judged_again(project, band):
    audit = begin(project, A, band, FOUR)
    first = next_of(project, A, audit)
    decide(project, A, Decision(first, None, False, reason="wrong answer", said="no", audit=audit))
    project.undo(A)
    assert (state(project, audit).judged, state(project, audit).outcome) == (0, "open")
    assert next_of(project, A, audit) == first


# Trying again


def test_a_failed_band_cannot_be_drawn_again_whole_or_narrowed(project, band):
    audit = begin(project, A, band, FOUR)
    judge_sample(project, audit, wrong=1)
    assert error_left(project, band) == 0
    for other in (band, Band(low=0.8), Band(), Band(job=1), Band(type="yes/no")):
        assert offered(project, other) == []
        with pytest.raises(DataError, match="the chance of a mistake is used up"):
            begin(project, B, other, FOUR)


def test_a_plan_for_two_tries_leaves_room_for_one_more_and_no_other(project, band):
    half = Plan(3, 0, 0.2, 0.025)
    judge_sample(project, begin(project, A, band, half), wrong=1)
    assert error_left(project, band) == pytest.approx(0.025)
    assert offered(project, band, tries=1) == []
    assert [each.size for each in offered(project, band, tries=2)][:2] == [72, 110]
    with pytest.raises(DataError, match="used up"):
        begin(project, A, band, FOUR)
    second = begin(project, A, band, half)
    drawn = judge_sample(project, second)
    assert state(project, second).outcome == "passed"
    assert not set(drawn) & {row["pair_id"] for row in project.db.rows("audit_items", audit_id=second - 1)}
    assert error_left(project, band) == pytest.approx(0)


def test_what_shares_nothing_with_a_failed_band_is_free(project, band, suggest):
    suggest(*[0.9] * 3, type="count", job=2)
    audit = begin(project, A, Band(low=0.5, job=1), FOUR)
    judge_sample(project, audit, wrong=1)
    for other in (Band(high=0.4), Band(job=2), Band(type="count")):
        assert error_left(project, other) == 0.05


def test_giving_up_is_a_try_and_draws_the_same_again(project, band):
    half = Plan(3, 0, 0.2, 0.025)
    items = partial(project.db.rows, "audit_items")
    first = begin(project, A, band, half)
    audits.end(project, A, first)
    assert state(project, first).outcome == "ended"
    second = begin(project, A, band, half)
    assert [row["pair_id"] for row in items(audit_id=first)] == [row["pair_id"] for row in items(audit_id=second)]
    assert error_left(project, band) == 0


def test_new_suggestions_after_an_accepted_band_are_a_new_beginning(project, band, suggest):
    audit = begin(project, A, band, FOUR)
    judge_sample(project, audit)
    accept_rest(project, A, audit)
    for image in range(1, 6):
        suggest(0.95, image=image, job=2)
    assert error_left(project, band) == 0.05
    begin(project, A, band, FOUR)


def test_two_people_judge_one_sample_together(project, band):
    audit = begin(project, A, band, FOUR)
    first, second = next_of(project, A, audit), next_of(project, B, audit)
    assert first != second
    assert next_of(project, A, audit, after=first) not in (first, second)
    leases.release(project, "pair", B)
    assert next_of(project, "Dr. C", audit) == first


def test_other_queues_leave_out_nothing_that_the_sample_needs(project, band):
    """Somebody judges one of the sample in the fix queue: that verdict counts."""
    audit = begin(project, A, band, FOUR)
    pair = project.db.rows("audit_items")[0]["pair_id"]
    decide(project, B, Decision(pair, None, True, said="yes"))
    assert state(project, audit).judged == 1
    assert pair not in judge_sample(project, audit)


# Afterwards


def test_a_mistake_that_is_found_later_warns(project, band):
    audit = begin(project, A, band, FOUR)
    judge_sample(project, audit)
    accept_rest(project, A, audit)
    assert watched(project) == []
    checked = []
    while len(checked) < 3:
        pair = next_pair(project, A, "audit", after=checked[-1] if checked else None)
        bulk = project.pair(pair).status == "accepted"
        seen = project.pair(pair).verdict_id
        reason = "wrong answer" if bulk else ""
        decide(project, A, Decision(pair, seen, not bulk, reason=reason, queue="audit"))
        checked += [pair] if bulk else []
    (found,) = watched(project)
    assert (found.audit, found.checked, found.wrong) == (audit, 3, 3)
    assert found.has_fallen and found.bound < 0.4


def test_estimates_rest_on_the_random_queue_alone(project, suggest):
    pairs = suggest(*[0.5] * 5, image=1) + suggest(0.5, image=2)
    for pair, queue, accept in ((0, "fix", False), (1, "audit", True), (2, "audit", False), (5, "audit", True)):
        project.judge(A, pairs[pair], accept, queue=queue)
    project.judge(A, pairs[3], True, answer="no", queue="audit")
    found = audited(project)
    assert sorted(right for right, _ in found) == [False, False, True, True]
    assert {cluster for _, cluster in found} == {"picture 1", "picture 2"}
    assert audited(project, job=9) == []


def test_what_to_expect_is_what_was_seen_or_else_what_the_model_says(project, suggest):
    pairs = suggest(0.6, 0.8, None)
    assert expected(project, Band()) == pytest.approx(0.7)
    assert expected(project, Band(low=0.7)) == pytest.approx(0.8)
    project.judge(A, pairs[0], False, queue="audit")
    assert expected(project, Band(), least=1) == 0.0
