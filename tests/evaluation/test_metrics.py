"""Intervals that cover, and a baseline that never looks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leaml.errors import DataError
from leaml.evaluation.clusters import degrees_of_freedom, effective_n
from leaml.evaluation.metrics import Rate, blind_answers, blind_majority, by, difference, mean, rate
from leaml.records import Question


def ask(question, answer, type="yes/no", image="1.jpg", choices=("yes", "no"), **fields):
    return Question(Path(image), question, answer, type, choices=choices, **fields)


def clustered(random, probability, correlation=0.2, clusters=100):
    """Right and wrong answers to 2 to 8 questions on each picture, beta-binomial, and the picture of each."""
    spread = (1 - correlation) / correlation
    sizes = random.integers(2, 9, clusters)
    chances = random.beta(probability * spread, (1 - probability) * spread, clusters)
    pictures = np.repeat(np.arange(clusters), sizes)
    return random.random(len(pictures)) < chances[pictures], [str(picture) for picture in pictures]


def test_value_n_and_clusters_are_counted():
    result = rate([True, True, False, True], ["a", "a", "b", "c"])
    assert (result.value, result.n, result.clusters) == (0.75, 4, 3)
    assert 0 <= result.low < 0.75 < result.high <= 1


@pytest.mark.parametrize("probability", [0.5, 0.9])
def test_rate_covers_the_truth_in_95_of_100_draws(probability):
    random = np.random.default_rng(7)
    intervals = [rate(*clustered(random, probability)) for _ in range(300)]
    covered = np.mean([result.low <= probability <= result.high for result in intervals])
    assert 0.92 <= covered <= 0.985
    assert np.mean([result.high - result.low for result in intervals]) < 0.14


def test_difference_covers_zero_where_both_models_are_equal():
    random = np.random.default_rng(8)
    better = covered = 0
    for _ in range(300):
        after, pictures = clustered(random, 0.7)
        swapped = random.random(len(after)) < 0.3
        before = np.where(swapped, random.random(len(after)) < after.mean(), after)
        after = np.where(random.random(len(after)) < 0.3, random.random(len(after)) < after.mean(), after)
        result = difference(after, before, pictures)
        better += result.low > 0
        covered += result.low <= 0 <= result.high
    assert better <= 0.05 * 300
    assert covered >= 0.92 * 300


def test_correlated_answers_widen_the_interval():
    together = [True] * 50 + [False] * 50
    same = rate(together, [str(i // 10) for i in range(100)])
    apart = rate(together, [str(i) for i in range(100)])
    assert same.high - same.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("clusters", [1, 2, 40])
def test_all_right_or_all_wrong_still_has_a_width(right, clusters):
    result = rate([right] * 80, [str(i % clusters) for i in range(80)])
    assert result.value == float(right)
    assert result.high - result.low > 0.05
    assert 0 <= result.low <= result.value <= result.high <= 1


def test_all_right_is_judged_by_pictures_and_not_by_questions():
    # Wilson with z² = 3.84 would give 400 / 403.84 = 0.990 for 400 questions, and 0.72 for ten pictures; t widens it.
    assert rate([True] * 400, [str(i % 10) for i in range(400)]).low < 0.73


def test_pictures_that_never_differ_still_leave_a_width():
    # Two of four right on every picture: nothing varies between pictures, yet 60 questions are not all there are.
    result = rate([True, True, False, False] * 15, [str(i // 4) for i in range(60)])
    assert result.value == 0.5 and result.high - result.low > 0.15


def test_effective_n_by_hand():
    copies = np.array([4.0, 0, 4, 0, 4]), np.full(5, 4.0)
    assert effective_n(*copies, item_variance=0.24) == pytest.approx(0.24 / (5 / 4 * 19.2 / 400))
    nothing_varies = np.array([4.0, 4, 4]), np.array([4.0, 4, 4])
    assert effective_n(*nothing_varies, item_variance=0.0) == 3
    assert effective_n(np.array([2.0, 2, 2]), np.full(3, 4.0), item_variance=0.25) == 18


def test_few_wrong_pictures_leave_few_degrees_of_freedom():
    many = np.array([1.0, 0] * 50), np.ones(100)
    assert degrees_of_freedom(*many) == 99
    one_wrong = np.array([5.0] * 99 + [0]), np.full(100, 5.0)
    assert degrees_of_freedom(*one_wrong) == 8
    assert degrees_of_freedom(np.array([1.0, 0]), np.ones(2)) == 1


def test_a_mean_of_shares_covers_the_truth_and_is_narrower_than_that_of_right_and_wrong():
    random, covered, narrower = np.random.default_rng(4), 0, 0
    for _ in range(200):
        picture = np.repeat(np.arange(60), 4)
        values = np.clip(random.normal(0.7, 0.1, 240) + random.normal(0, 0.05, 60)[picture], 0, 1)
        found = mean(values, [str(one) for one in picture])
        covered += found.low <= 0.7 <= found.high
        narrower += found.high - found.low < 0.06
    assert covered >= 180 and narrower == 200
    everything = mean([1.0] * 40, [str(place // 2) for place in range(40)])
    assert everything.value == everything.high == 1 and everything.low < 0.9
    assert everything.text() == f"1.00 [{everything.low:.2f}, 1.00] n 40, 20 independent"
    assert mean([0.5] * 29, ["1"] * 29).text() == "n 29: too few"


def test_equal_answers_have_difference_zero_with_a_width():
    result = difference([True, False] * 40, [True, False] * 40, [str(i // 4) for i in range(80)])
    assert result.value == 0 and result.low < 0 < result.high
    everywhere = difference([True] * 80, [False] * 80, [str(i // 4) for i in range(80)])
    assert everywhere.value == 1 and 0.5 < everywhere.low < 1 == everywhere.high


def test_difference_is_paired():
    # 60 items, both models right on the same 30, the second on 6 more: unpaired the interval would hold 0.
    before = [True] * 30 + [False] * 30
    after = [True] * 36 + [False] * 24
    result = difference(after, before, [str(i) for i in range(60)])
    assert result.value == pytest.approx(0.1) and result.low > 0


def test_the_interval_is_the_same_whatever_the_pictures_are_called():
    correct, pictures = clustered(np.random.default_rng(1), 0.8)
    assert rate(correct, pictures) == rate(correct, [f"x{picture}" for picture in pictures])


def test_nothing_to_measure_and_uneven_lists_are_refused():
    with pytest.raises(DataError):
        rate([], [])
    with pytest.raises(DataError):
        rate([True], ["a", "b"])
    with pytest.raises(DataError):
        difference([True], [True, False], ["a"])


def test_below_thirty_items_counts_are_printed_and_no_rate():
    assert Rate(12 / 18, 0.4, 0.9, 18, 9).text() == "12 of 18"
    assert Rate(-3 / 18, -0.4, 0.1, 18, 9, signed=True).text() == "-3 of 18"


def test_a_rate_is_printed_with_interval_n_and_pictures():
    assert Rate(0.79, 0.75, 0.83, 412, 96).text() == "0.79 [0.75, 0.83] n 412, 96 independent"
    assert Rate(0.38, -0.033, 0.43, 412, 1, signed=True).text() == "+0.38 [-0.03, +0.43] n 412, 1 independent"


def test_the_majority_is_per_wording_and_ties_go_by_alphabet():
    train = [ask("A?", "yes"), ask("A?", "Yes."), ask("A?", "no"), ask("B?", "yes"), ask("B?", "no"), ask("C?", None)]
    assert blind_answers(train, [ask("A?", "no"), ask("B?", "yes")]) == ["yes", "no"]


def test_blind_majority_backs_off_to_type_and_then_to_all():
    red, blue = (ask("Colour?", answer, "colour", choices=("red", "blue")) for answer in ("red", "blue"))
    train = [ask("Polyp?", "yes")] * 3 + [ask("Fold?", "no")] * 4 + [red]
    test = [
        ask("Polyp?", "yes"),  # the wording says yes
        ask("Stool?", "no"),  # the type says no
        ask("Colour of it?", "red", "colour", choices=("red", "blue")),
        blue,
        ask("How many?", "4", "count", choices=()),  # the whole says no
        ask("Which?", "yes", "single choice", choices=("yes", "maybe")),  # "no" is not offered, "yes" is next
    ]
    assert blind_majority(train, test) == [True, True, True, False, False, True]


def test_a_model_that_always_says_yes_is_no_better_than_the_blind_majority():
    train = [ask("Polyp?", "yes", image=f"{i}.jpg") for i in range(3)]
    test = [ask("Polyp?", "yes" if i % 4 else "no", image=f"{i}.jpg") for i in range(40)]
    blind = blind_majority(train, test)
    assert sum(blind) == 30
    always_yes = [question.answer == "yes" for question in test]
    result = difference(always_yes, blind, [str(question.image) for question in test])
    assert result.low < 0 < result.high


def test_blind_majority_needs_answers_on_both_sides():
    with pytest.raises(DataError):
        blind_majority([ask("A?", None)], [ask("A?", "yes")])
    with pytest.raises(DataError):
        blind_majority([ask("A?", "yes")], [ask("A?", None)])


def test_rates_are_split_by_any_field_or_function():
    first, second = ask("A?", "yes", image="1.jpg"), ask("B?", "3", "count", image="2.jpg", choices=())
    questions = [first, second, replace(first, image=Path("3.jpg"))]
    table = by(questions, [True, False, False], "type")
    assert list(table) == ["yes/no", "count"]
    assert (table["yes/no"].value, table["yes/no"].n, table["yes/no"].clusters) == (0.5, 2, 2)
    assert list(by(questions, [True] * 3, lambda question: question.image.stem)) == ["1", "2", "3"]
    with pytest.raises(DataError):
        by(questions, [True], "type")


def test_five_thousand_items_are_resampled_within_bounded_memory():
    correct, pictures = clustered(np.random.default_rng(2), 0.8, clusters=1000)
    assert rate(correct, pictures).n > 4000
