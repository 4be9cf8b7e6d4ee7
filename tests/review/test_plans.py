"""The sizes that METHOD names, exact bounds, and the promise: what is not right enough rarely passes."""

import random

import numpy as np
import pytest

from leaml.review.audits import sample
from leaml.review.plans import ERROR, TARGET, Plan, advised, interval, lower_bound, plan, plans


def test_the_sizes_are_those_of_the_exact_binomial_test():
    assert [(each.size, each.allowed) for each in plans()[:3]] == [(59, 0), (93, 1), (124, 2)]
    assert plan(0, target=0.9).size == 29 and plan(1, target=0.9).size == 46 and plan(2, target=0.9).size == 61
    assert plan(0, error=ERROR / 2).size == 72


@pytest.mark.parametrize(("n", "right", "target"), [(59, 59, 0.95), (93, 92, 0.95), (29, 29, 0.9), (61, 59, 0.9)])
def test_a_sample_that_passes_has_its_bound_above_the_target_and_one_less_has_not(n, right, target):
    assert lower_bound(n, right) >= target > lower_bound(n - 1, right - 1)


def test_the_bound_of_nothing_is_nothing():
    assert lower_bound(10, 0) == 0.0
    assert interval(0, 0) == (0.0, 1.0) and interval(5, 5)[1] == 1.0


def test_the_interval_is_the_textbook_one():
    assert interval(10, 5) == pytest.approx((0.1871, 0.8129), abs=1e-4)


@pytest.mark.parametrize(("precision", "allowed"), [(0.999, 0), (0.99, 2), (0.985, 3)])
def test_the_plan_follows_the_expected_precision(precision, allowed):
    assert advised(plans(), precision).allowed == allowed


@pytest.mark.parametrize("precision", [0.8, TARGET])
def test_where_no_plan_is_likely_to_pass_the_likeliest_is_advised(precision):
    chosen = advised(plans(), precision)
    assert chosen.chance(precision) == max(each.chance(precision) for each in plans()) <= ERROR


# The promise, by simulation


def passes(chosen: Plan, right: np.ndarray) -> bool:
    return int((~right[: chosen.size]).sum()) <= chosen.allowed


@pytest.mark.parametrize("allowed", [0, 1, 4])
@pytest.mark.parametrize("tries", [1, 2])
def test_a_band_just_below_the_target_passes_in_at_most_five_of_a_hundred_runs(allowed, tries):
    draw, runs, passed = np.random.default_rng(tries * 10 + allowed), 6000, 0
    chosen = plan(allowed, error=ERROR / tries)
    for _ in range(runs):
        passed += any(passes(chosen, draw.random(chosen.size) < TARGET - 0.001) for _ in range(tries))
    assert passed / runs <= ERROR + 3 * (ERROR / runs) ** 0.5
    assert passed > 0, "the plan is no wall either"


def test_without_sharing_the_error_a_second_try_breaks_the_promise():
    draw, runs, chosen = np.random.default_rng(0), 6000, plan(0)
    passed = sum(any(passes(chosen, draw.random(59) < TARGET - 0.001) for _ in range(2)) for _ in range(runs))
    assert passed / runs > ERROR + 0.02


def clustered(draw: random.Random, share: float) -> list[tuple[int, tuple[str], bool]]:
    """A band in random order: on every picture ten suggestions, on most of which all are right or all wrong."""
    band = [(f"picture {n}", right) for n in range(150) for right in [draw.random() < share] for _ in range(10)]
    draw.shuffle(band)
    return [(number, (picture,), right) for number, (picture, right) in enumerate(band)]


def test_one_of_each_picture_keeps_the_promise_where_pictures_are_right_or_wrong_as_a_whole():
    draw, chosen, runs = random.Random(1), plan(0), 600
    one_each = every = 0
    for _ in range(runs):
        band = clustered(draw, TARGET - 0.001)
        right = [right for *_, right in band]
        drawn = sample([(number, marks) for number, marks, _ in band], chosen.size)
        one_each += all(right[number] for number in drawn)
        every += all(right[: chosen.size])
    assert one_each / runs <= ERROR + 3 * (ERROR / runs) ** 0.5
    assert every > one_each, "drawn without regard to pictures, fewer pictures are seen and more bad bands pass"


def test_a_sample_has_nothing_in_common_and_ends_at_its_size():
    candidates = [(1, ["a"]), (2, ["a", "g"]), (3, ["g"]), (4, ["b", "g"]), (5, ["c"]), (6, ["d"])]
    assert sample(candidates, 3) == [1, 3, 5]
    assert sample(candidates, 9) == [1, 3, 5, 6]
