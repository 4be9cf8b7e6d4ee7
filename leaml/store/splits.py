"""Which pictures are for training and which are kept back. Pure functions: nothing is read, nothing is written.

Pictures of one group (patient, video) and near-duplicates of each other belong together: were some of them trained on
and others tested on, the test would measure memory.
"""

import random
from collections.abc import Hashable, Mapping, Sequence

from leaml.errors import OptionError

REST = "train"
"""The split of what no share takes."""


def components(groups: Sequence[str], clusters: Sequence[int | None]) -> list[int]:
    """Number, from 0 in order of appearance, of the set of pictures that each picture belongs together with.

    Two pictures belong together if they share a group or a near-duplicate cluster, or a chain of others links them.

    Args:
        groups: per picture; "" is a picture of no group.
        clusters: per picture; None is a picture without near-duplicates.
    """
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for index, (group, cluster) in enumerate(zip(groups, clusters, strict=True)):
        if group:
            parent[root(("group", group))] = root(index)
        if cluster is not None:
            parent[root(("cluster", cluster))] = root(index)
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(root(index), len(numbers)) for index in range(len(groups))]


def assign(
    groups: Sequence[str], clusters: Sequence[int | None], shares: Mapping[str, float], seed: int = 0
) -> list[str]:
    """The split of each picture. Whole components are drawn at random, each with the same chance whatever its size.

    A split with a share above 0 gets at least one component while `train` keeps one as well.

    Args:
        groups: per picture, see `components`.
        clusters: per picture, see `components`.
        shares: split -> share of the components, such as {"calibration": 0.1, "test": 0.2}; the rest is `train`.
        seed: same pictures in the same order and same seed: same splits.

    Raises:
        OptionError: a share is negative, or nothing is left for training.
    """
    if any(share < 0 for share in shares.values()) or sum(shares.values()) >= 1:
        raise OptionError(
            f"The shares of {', '.join(shares)} leave nothing for training.", "Choose shares that sum to less than 1."
        )
    numbers = components(groups, clusters)
    drawn = list(range(max(numbers, default=-1) + 1))
    random.Random(seed).shuffle(drawn)
    split_of: dict[int, str] = {}
    total, free = len(drawn), len(drawn) - 1
    # Where there is too little for all, the largest share comes first.
    for split, share in sorted(shares.items(), key=lambda item: -item[1]):
        taken = min(max(round(share * total), share > 0), max(free, 0))
        for _ in range(taken):
            split_of[drawn.pop()] = split
        free -= taken
    return [split_of.get(number, REST) for number in numbers]
