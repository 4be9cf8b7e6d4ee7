"""Agreement against figures of the literature, and who must decide where people do not agree."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from leaml.errors import DataError
from leaml.review.agreement import (
    Rating,
    agreement,
    alpha_of,
    differing_labels,
    disputes,
    kappa_of,
    label_ratings,
    settle_label,
    to_settle,
    verdict_ratings,
)
from leaml.review.deciding import Decision, decide
from leaml.review.settings import set_review_settings

A, B, C = "Dr. A", "Dr. B", "Dr. C"



def ratings(first: str, second: str) -> list[Rating]:
    return [Rating(n, n, {A: a, B: b}) for n, (a, b) in enumerate(zip(first, second))]


def test_alpha_is_that_of_the_published_example():
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    ]
    counts = np.array([[column.count(value) for value in range(1, 6)] for column in zip(*observers)])
    assert alpha_of(counts) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_two_people_is_the_textbook_formula():
    first, second = "yyyyynnnnn", "yyyynnnnny"
    found = agreement(ratings(first, second))
    assert found.alpha.value == pytest.approx(1 - 19 * 4 / (400 - 200), abs=1e-9)
    assert found.kappa.value == pytest.approx(0.6)
    assert (found.items, found.same, found.people) == (10, 8, (A, B))


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_scikit_learn(seed):
    draw = np.random.default_rng(seed)
    first, second = (draw.choice(["y", "n", "cannot tell"], 40) for _ in range(2))
    weights = draw.integers(0, 4, 40).astype(float)
    assert kappa_of(first, second, weights) == pytest.approx(cohen_kappa_score(first, second, sample_weight=weights))


def test_weights_are_repetitions():
    counts = np.array([[2, 0], [1, 1], [0, 2]])
    twice = np.array([[2, 0], [1, 1], [1, 1], [0, 2]])
    assert alpha_of(counts, np.array([1, 2, 1])) == pytest.approx(alpha_of(twice))


def test_perfect_agreement_is_one_and_chance_is_about_nought():
    assert agreement(ratings("ynynyn", "ynynyn")).alpha.value == 1.0
    draw = np.random.default_rng(0)
    first, second = ("".join(draw.choice(["y", "n"], 400)) for _ in range(2))
    found = agreement(ratings(first, second))
    assert abs(found.kappa.value) < 0.12 and found.kappa.low < 0 < found.kappa.high


def test_where_all_say_the_same_thing_throughout_there_is_no_coefficient():
    found = agreement(ratings("yyyy", "yyyy"))
    assert found.kappa is None and found.alpha is None and found.same == 4


def test_intervals_are_wider_where_a_picture_counts_as_one():
    apart = agreement(ratings("yn" * 30, "yn" * 20 + "ny" * 10)).alpha
    together = [Rating(r.item, r.item // 6, r.values) for r in ratings("yn" * 30, "yn" * 20 + "ny" * 10)]
    clustered = agreement(together).alpha
    assert clustered.value == apart.value
    assert clustered.high - clustered.low > apart.high - apart.low
    assert apart.low < apart.value < apart.high


def test_three_people_have_alpha_alone_and_gaps_do_no_harm():
    found = agreement([Rating(1, 1, {A: "y", B: "y", C: "n"}), Rating(2, 2, {A: "n", B: "n"}), Rating(3, 3, {C: "y"})])
    assert found.kappa is None and found.alpha is not None and found.items == 2


def test_opinions_of_the_random_queue_are_compared(project, suggest):
    pairs = suggest(*[0.5] * 4)
    set_review_settings(project, "", overlap=2)
    for person, rejected in ((A, {0}), (B, {0, 1})):
        for place, pair in enumerate(pairs):
            accept = place not in rejected
            decide(project, person, Decision(pair, None, accept, reason="wrong answer", queue="audit"))
    found = agreement(verdict_ratings(project))
    assert (found.items, found.same) == (4, 3)
    assert found.kappa.value == pytest.approx(0.5)


def test_a_person_counts_once_and_verdicts_of_the_other_queue_do_not(project, suggest):
    (pair,) = suggest(0.5)
    for person, accept in ((A, True), (A, False), (B, False)):
        project.judge(person, pair, accept, queue="audit")
    project.judge(C, pair, True, queue="fix")
    (rating,) = verdict_ratings(project)
    assert rating.values == {A: "wrong", B: "wrong"}


def test_labels_of_the_same_question_are_compared(project):
    for person, answer in ((A, "Yes"), (B, "yes"), (C, "no")):
        project.add_label(person, 1, "Is there a polyp?", answer, "yes/no")
    project.add_label(A, 2, "Is there a polyp?", "yes", "yes/no")
    (rating,) = label_ratings(project)
    assert rating.values == {A: "yes", B: "yes", C: "no"}


@pytest.fixture
def disputed(project, suggest):
    """Three suggestions that two people judged apart: on the first and the last they differ."""
    pairs = suggest(*[0.5] * 3)
    set_review_settings(project, "", overlap=2)
    for person, answers in ((A, (True, True, "no")), (B, (False, True, "maybe"))):
        for pair, answer in zip(pairs, answers):
            correction = answer if isinstance(answer, str) else None
            project.judge(person, pair, bool(answer), answer=correction, queue="audit", reason="wrong answer")
    return pairs


def test_a_third_decision_settles_a_disagreement(project, disputed):
    first, _, last = disputed
    assert to_settle(project, C) == [first, last]
    assert disputes(project)[0].people == (A, B)
    decide(project, C, Decision(first, project.pair(first).verdict_id, False, reason="wrong answer"))
    assert to_settle(project, C) == [last]
    project.undo(C)
    assert to_settle(project, C) == [first, last]


def test_what_settles_is_no_further_opinion_whichever_queue_it_came_from(project, disputed):
    first, _, _ = disputed
    decide(project, C, Decision(first, project.pair(first).verdict_id, True, queue="audit"))
    assert first not in to_settle(project, "Dr. D")
    assert project.db.counts("opinions", "person", pair_id=first) == {A: 1, B: 1}


def test_nobody_settles_a_disagreement_of_ones_own(project, disputed):
    first, same, _ = disputed
    assert to_settle(project, A) == to_settle(project, B) == []
    with pytest.raises(DataError, match="You and somebody else disagree"):
        decide(project, A, Decision(first, project.pair(first).verdict_id, False, reason="wrong answer"))
    decide(project, A, Decision(same, project.pair(same).verdict_id, False, reason="wrong answer"))


def test_what_is_still_to_be_judged_by_a_third_person_is_not_shown_as_disputed(project, disputed):
    set_review_settings(project, "", overlap=3)
    assert disputes(project) == [] and to_settle(project, C) == []
    decide(project, C, Decision(disputed[0], None, True, queue="audit"))
    assert [dispute.pair for dispute in disputes(project)] == [disputed[0]]
    assert to_settle(project, C) == [] and to_settle(project, "Dr. D") == [disputed[0]]


def test_a_third_person_takes_one_of_several_answers(project):
    for person, answer in ((A, "yes"), (B, "no"), (C, "No")):
        project.add_label(person, 1, "Is there a polyp?", answer, "yes/no")
        project.add_label(person, 2, "Is there a polyp?", "yes", "yes/no")
    (pairs,) = differing_labels(project)
    with pytest.raises(DataError, match="yours"):
        settle_label(project, A, pairs[0].id)
    settle_label(project, "Dr. D", pairs[1].id)
    assert [project.pair(pair.id).status for pair in pairs] == ["rejected", "label", "label"]
    assert differing_labels(project) == []
    project.undo("Dr. D")
    assert len(differing_labels(project)) == 1
    with pytest.raises(DataError, match="nothing to decide"):
        settle_label(project, "Dr. D", 999)
