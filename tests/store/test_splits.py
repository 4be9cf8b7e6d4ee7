from collections import Counter

import pytest

from leaml.errors import OptionError
from leaml.store.splits import assign, components

SHARES = {"calibration": 0.1, "test": 0.2}


def test_pictures_of_a_group_or_of_a_cluster_belong_together():
    groups = ["a", "b", "a", "", "", ""]
    clusters = [None, 1, None, 1, 2, None]
    assert components(groups, clusters) == [0, 1, 0, 1, 2, 3]


def test_a_chain_of_groups_and_clusters_belongs_together():
    assert components(["a", "b", "b", "c"], [1, 1, 2, 2]) == [0, 0, 0, 0]


def test_a_group_and_a_cluster_of_the_same_name_are_two_things():
    assert components(["1", ""], [None, 1]) == [0, 1]


def test_a_component_is_never_divided():
    groups = [f"patient {n % 40}" for n in range(400)]
    clusters = [n // 3 if n % 7 == 0 else None for n in range(400)]
    splits = assign(groups, clusters, SHARES, seed=5)
    where = {}
    for number, split in zip(components(groups, clusters), splits):
        assert where.setdefault(number, split) == split


def test_shares_are_of_groups_not_of_pictures():
    groups = [f"patient {n}" for n in range(100) for _ in range(1 + n % 5)]
    splits = assign(groups, [None] * len(groups), SHARES, seed=1)
    assert Counter(dict(zip(groups, splits)).values()) == {"train": 70, "test": 20, "calibration": 10}


def test_the_seed_decides():
    groups = [str(n) for n in range(50)]
    drawn = [assign(groups, [None] * 50, SHARES, seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_every_group_has_the_same_chance():
    groups = ["large"] * 30 + ["a", "b", "c", "d"]
    tested = Counter()
    for seed in range(500):
        splits = dict(zip(groups, assign(groups, [None] * len(groups), {"test": 0.2}, seed)))
        tested.update(group for group, split in splits.items() if split == "test")
    # Binomial, p = 1/5: five standard deviations are 45.
    assert all(55 < tested[group] < 145 for group in set(groups))


@pytest.mark.parametrize(
    ("count", "wanted"),
    [
        (0, []),
        (1, ["train"]),
        (2, ["test", "train"]),
        (3, ["calibration", "test", "train"]),
    ],
)
def test_few_groups_keep_one_for_training(count, wanted):
    assert sorted(assign([str(n) for n in range(count)], [None] * count, SHARES)) == wanted


def test_a_share_of_nothing_gets_nothing():
    assert set(assign([""] * 20, [None] * 20, {"calibration": 0, "test": 0.5})) == {"train", "test"}


@pytest.mark.parametrize("shares", [{"test": 1.0}, {"test": 0.6, "calibration": 0.4}, {"test": -0.1}])
def test_shares_that_leave_no_training_are_refused(shares):
    with pytest.raises(OptionError, match="nothing for training"):
        assign(["a"], [None], shares)
