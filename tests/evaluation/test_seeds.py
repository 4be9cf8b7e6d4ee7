"""Means over seeds with intervals that know both seeds and clusters."""

import numpy as np
import pytest

from leaml.errors import DataError
from leaml.evaluation.seeds import over_seeds

CLUSTERS = [f"patient {number // 5}" for number in range(200)]


def drawn(seeds: int, rate: float, seed: int = 0, spread: float = 0.0) -> np.ndarray:
    """(seeds, questions) answers, right at a rate that differs from seed to seed."""
    random = np.random.default_rng(seed)
    rates = rate + spread * random.standard_normal(seeds)
    return random.random((seeds, len(CLUSTERS))) < rates[:, None]


def test_the_value_is_the_mean_over_seeds_and_questions():
    right = drawn(5, 0.6)
    found = over_seeds(right, CLUSTERS)
    assert found.value == pytest.approx(right.mean())
    assert found.by_seed == pytest.approx(right.mean(1))
    assert (found.n, found.clusters) == (200, 40)
    assert found.low < found.value < found.high


def test_seeds_that_differ_widen_both_intervals():
    alike, apart = over_seeds(drawn(5, 0.6), CLUSTERS), over_seeds(drawn(5, 0.6, spread=0.15), CLUSTERS)
    assert apart.high - apart.low > 1.5 * (alike.high - alike.low)
    assert apart.t_high - apart.t_low > 1.5 * (alike.t_high - alike.t_low)


def test_one_test_set_for_all_seeds_counts_once():
    """The same answers from every seed are no more evidence than those of one seed."""
    once = drawn(1, 0.6)
    five = over_seeds(np.repeat(once, 5, axis=0), CLUSTERS)
    one = over_seeds(once, CLUSTERS)
    assert five.high - five.low == pytest.approx(one.high - one.low, rel=0.1)


def test_a_difference_is_paired():
    before = drawn(5, 0.5)
    after = before.copy()
    after[:, ::10] = True
    found = over_seeds(after, CLUSTERS, before)
    assert found.signed and found.low > 0
    assert found.value == pytest.approx(after.mean() - before.mean())
    unpaired = over_seeds(after, CLUSTERS, drawn(5, 0.5, seed=1))
    assert found.high - found.low < unpaired.high - unpaired.low


def test_a_row_without_seeds_stands_beside_every_seed():
    base = drawn(1, 0.3)
    found = over_seeds(drawn(5, 0.6), CLUSTERS, base)
    assert found.value == pytest.approx(drawn(5, 0.6).mean() - base.mean())


def test_the_t_interval_is_students():
    right = np.zeros((3, 200), bool)
    right[0, :100], right[1, :120], right[2, :140] = True, True, True
    found = over_seeds(right, CLUSTERS)
    half = 4.30265 * 0.1 / np.sqrt(3)
    assert (found.t_low, found.t_high) == pytest.approx((0.6 - half, 0.6 + half), abs=1e-5)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """400 experiments of 8 seeds, 40 clusters whose rates differ: percentiles of so few seeds are a little narrow."""
    random = np.random.default_rng(3)
    covered = 0
    for number in range(400):
        of_seed, of_cluster = 0.04 * random.standard_normal(8), 0.15 * random.standard_normal(40)
        rates = 0.6 + of_seed[:, None] + np.repeat(of_cluster, 5)[None]
        found = over_seeds(random.random((8, 200)) < rates, CLUSTERS, seed=number, draws=400)
        covered += found.low <= 0.6 <= found.high
    assert 0.90 <= covered / 400 <= 0.98


@pytest.mark.parametrize(
    ("right", "against"),
    [
        (np.zeros((0, 200)), None),
        (np.zeros((2, 199)), None),
        (np.zeros((2, 200)), np.zeros((3, 200))),
        (np.zeros((2, 200)), np.zeros((2, 100))),
    ],
)
def test_shapes_that_do_not_agree_are_refused(right, against):
    with pytest.raises(DataError):
        over_seeds(right, CLUSTERS, against)
