"""Which pictures to label first: typical ones, mixed with some that are drawn at random.

    chosen = arrange(features, ids, labelled, suggested=50, random_share=0.2)
    keep_turns(project, chosen)
    turns(project)[0]                # Turn(image_id=17, why="typical", alike=37): typical of 37 others

Typical pictures teach most where labels are few (TypiClust; Hacohen, Dekel, Weinshall 2022): pictures are clustered by
their frozen features, and of each cluster that has no label yet the one that lies most densely among its own is taken,
the largest clusters first. The random ones are drawn from all pictures alike, before anything is chosen, and marked:
only they may be counted on when it is asked how often something occurs.
"""

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from leaml.store.project import Project

LEAST_RANDOM = 0.2
NEAREST = 20
"""Neighbours within its cluster by which a picture is typical."""
MANY = 10_000
"""Pictures from which on clusters are found in parts."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A picture to label, and why: "typical" of `alike` others, or "random"."""

    image_id: int
    why: Literal["typical", "random"]
    alike: int = 0


def arrange(
    features: NDArray[Any],
    ids: Sequence[int],
    labelled: Collection[int] = (),
    suggested: int = 50,
    random_share: float = LEAST_RANDOM,
    seed: int = 0,
) -> list[Turn]:
    """The pictures to label first, in their order; typical and random ones take turns.

    Args:
        features: (pictures, width), one row for each of `ids`. Directions count, not lengths.
        ids: numbers of the pictures, in any order.
        labelled: those that have a label already; they cover their clusters, and are not suggested.
        suggested: how many pictures.
        random_share: of these, at least one in five; 1: all of them.

    Raises:
        ValueError: the share lies below 0.2 or above 1, or the numbers do not fit the features.
    """
    if not LEAST_RANDOM <= random_share <= 1:
        raise ValueError(f"a share of {random_share} at random; 0.2 to 1 are meant")
    if len(features) != len(ids):
        raise ValueError(f"{len(features)} rows of features for {len(ids)} pictures")
    free = [id for id in ids if id not in set(labelled)]
    suggested = min(suggested, len(free))
    drawn = random.Random(seed).sample(sorted(free), math.ceil(random_share * suggested))
    wanted = suggested - len(drawn)
    typical = _typical(_directions(features), list(ids), set(labelled), set(drawn), wanted, seed) if wanted else []
    return _mixed(typical, [Turn(id, "random") for id in drawn])


def random_turns(ids: Collection[int], suggested: int = 50, seed: int = 0) -> list[Turn]:
    """Random pictures alone: no features are needed."""
    drawn = random.Random(seed).sample(sorted(ids), min(suggested, len(ids)))
    return [Turn(id, "random") for id in drawn]


def keep_turns(project: Project, chosen: Sequence[Turn]) -> None:
    """From now on these come first on the Label screen; none: the random order of before."""
    with project.db.transaction():
        project.db.delete("turns")
        project.db.insert_many("turns", [{"place": place, **asdict(turn)} for place, turn in enumerate(chosen)])


def turns(project: Project) -> list[Turn]:
    """The pictures to label first and why, in their order."""
    rows = project.db.rows("turns", order="place")
    return [Turn(row["image_id"], row["why"], row["alike"]) for row in rows]


def _typical(
    directions: NDArray[Any], ids: list[int], labelled: set[int], drawn: set[int], wanted: int, seed: int
) -> list[Turn]:
    """The most typical of each cluster, those without a label and the largest first; then each one's second."""
    covered = len(labelled & set(ids))
    groups = _clusters(directions, min(len(ids), wanted + covered), seed)
    ranked: list[tuple[int, bool, int, Turn]] = []
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        names = [ids[member] for member in members]
        dense = [name for _, name in sorted(zip(_loneliness(directions[members]), names))]
        free = [name for name in dense if name not in drawn | labelled]
        has_label = bool(labelled & set(names))
        alike = len(names) - 1
        ranked += [(place, has_label, -alike, Turn(name, "typical", alike)) for place, name in enumerate(free)]
    return [turn for *_, turn in sorted(ranked, key=lambda each: each[:3])][:wanted]


def _clusters(directions: NDArray[Any], count: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans, MiniBatchKMeans  # takes a second, and few need it

    kind = MiniBatchKMeans if len(directions) > MANY else KMeans
    return kind(n_clusters=count, n_init=1, random_state=seed).fit_predict(directions)


def _loneliness(members: NDArray[Any]) -> list[float]:
    """Mean distance of each to its nearest others; 0 where there is none."""
    from sklearn.neighbors import NearestNeighbors

    near = min(NEAREST, len(members) - 1)
    if near == 0:
        return [0.0]
    distances, _ = NearestNeighbors(n_neighbors=near + 1).fit(members).kneighbors(members)
    return distances[:, 1:].mean(axis=1).tolist()


def _directions(features: NDArray[Any]) -> NDArray[np.float64]:
    rows = np.asarray(features, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)


def _mixed(typical: list[Turn], drawn: list[Turn]) -> list[Turn]:
    """Both spread evenly, so that whoever stops early has some of each."""
    placed = [((place + 0.5) / len(part), turn) for part in (typical, drawn) for place, turn in enumerate(part)]
    return [turn for _, turn in sorted(placed, key=lambda each: (each[0], each[1].why != "typical"))]
