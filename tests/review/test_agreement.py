"""Agreement against figures of the literature, and who must decide where people do not agree."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from leaml.review.agreement import (
    Rating,
    agreement,
    alpha_of,
    disagreements,
    kappa_of,
    label_ratings,
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


def test_a_third_decision_settles_a_disagreement(project, suggest):
    pairs = suggest(*[0.5] * 3)
    for person, answers in ((A, (True, True, "no")), (B, (False, True, "maybe"))):
        for pair, answer in zip(pairs, answers):
            correction = answer if isinstance(answer, str) else None
            project.judge(person, pair, bool(answer), answer=correction, queue="audit", reason="wrong answer")
    assert disagreements(project) == [pairs[0], pairs[2]]
    project.judge(C, pairs[0], False, queue="fix", reason="wrong answer")
    assert disagreements(project) == [pairs[2]]
    project.undo(C)
    assert disagreements(project) == [pairs[0], pairs[2]]
