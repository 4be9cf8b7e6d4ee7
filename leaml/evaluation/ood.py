"""Does a picture come from elsewhere? Scores against the training domain, and how well they tell two sets apart.

    domain = Domain(features_of_train_pictures)
    domain.knn(features), domain.mahalanobis(features)     # the larger, the further from the training pictures
    tell_apart(inside, outside, fit_inside)                # {"knn": Ranked, …, "combined": Ranked}

Positive means "from elsewhere" throughout. That a model notices another domain (this page) and that it notices its own
wrong answers (`trust`) are two things, with two figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leaml.errors import DataError
from leaml.evaluation.ranking import Ranked, ranked
from leaml.evaluation.resampling import FEWEST

NEIGHBOURS = 5
COMBINED = "combined"

Array = NDArray[np.float64]


class Domain:
    """The pictures that a model is meant for, by the features of its frozen vision tower.

    Args:
        features: (pictures, width) of training pictures.

    Raises:
        DataError: there are fewer than 30 pictures.
    """

    def __init__(self, features: ArrayLike) -> None:
        known = np.asarray(features, dtype=float)
        if len(known) < FEWEST:
            what = f"{len(known)} training pictures are too few to say what is usual among them."
            raise DataError(what, f"Import {FEWEST} or more.")
        self._scaler = StandardScaler().fit(known)
        self._neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(_directions(known))
        self._covariance = LedoitWolf().fit(self._scaler.transform(known))

    def knn(self, features: ArrayLike) -> Array:
        """(pictures,) distance to the fifth nearest training picture, features of length 1 (arXiv 2204.06507)."""
        return self._neighbours.kneighbors(_directions(np.asarray(features, dtype=float)))[0][:, -1]

    def mahalanobis(self, features: ArrayLike) -> Array:
        """(pictures,) Mahalanobis distance to their mean, covariance shrunk by Ledoit and Wolf (arXiv 1807.03888)."""
        return np.sqrt(self._covariance.mahalanobis(self._scaler.transform(np.asarray(features, dtype=float))))


@dataclass(frozen=True, slots=True)
class Scored:
    """Pictures with their scores: name of the score -> (pictures,), the larger the more from elsewhere.

    `clusters`: what each picture is counted with (patient, video), or itself.
    """

    scores: Mapping[str, Sequence[float]]
    clusters: Sequence[str]

    def __len__(self) -> int:
        return len(self.clusters)

    def part(self, places: Sequence[int]) -> "Scored":
        """Some of the pictures."""
        chosen = {name: [values[place] for place in places] for name, values in self.scores.items()}
        return Scored(chosen, [self.clusters[place] for place in places])


def tell_apart(inside: Scored, outside: Scored, fit_inside: Scored | None = None, seed: int = 0) -> dict[str, Ranked]:
    """How well each score tells pictures from elsewhere, and a logistic regression on all of them.

    The regression is fitted on `fit_inside` (the calibration pictures) and on half of the groups of `outside`, and
    measured on `inside` and the other half; it is left out where a side has fewer than 30 pictures to fit on. No other
    score is fitted on anything but training pictures.

    Raises:
        DataError: a side has no pictures, or the sides do not have the same scores.
    """
    if not len(inside) or not len(outside):
        raise DataError("There are no pictures to tell apart.", "Give pictures of both kinds.")
    if inside.scores.keys() != outside.scores.keys():
        raise DataError("The two sets of pictures do not have the same scores.", "Ask the same of both.")
    found = {name: _ranked(inside, outside, name) for name in inside.scores}
    fitted, measured = _halves(outside, seed)
    if fit_inside is None or min(len(fit_inside), len(fitted)) < FEWEST or not len(measured):
        return found
    together = np.vstack([_matrix(fit_inside), _matrix(fitted)])
    classes = [0] * len(fit_inside) + [1] * len(fitted)
    regression = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")).fit(together, classes)

    def combined(pictures: Scored) -> Scored:
        return Scored({COMBINED: regression.decision_function(_matrix(pictures)).tolist()}, pictures.clusters)

    return found | {COMBINED: _ranked(combined(inside), combined(measured), COMBINED)}


def _ranked(inside: Scored, outside: Scored, name: str) -> Ranked:
    positive = [False] * len(inside) + [True] * len(outside)
    clusters = [f"in {one}" for one in inside.clusters] + [f"out {one}" for one in outside.clusters]
    return ranked([*inside.scores[name], *outside.scores[name]], positive, clusters)


def _halves(pictures: Scored, seed: int) -> tuple[Scored, Scored]:
    """Two halves by group, at random."""
    groups = sorted(set(pictures.clusters))
    drawn = np.random.default_rng(seed).permutation(len(groups))
    first = {groups[place] for place in drawn[: len(groups) // 2]}
    sides = [[i for i, one in enumerate(pictures.clusters) if (one in first) == side] for side in (True, False)]
    return pictures.part(sides[0]), pictures.part(sides[1])


def _matrix(pictures: Scored) -> Array:
    return np.column_stack([pictures.scores[name] for name in sorted(pictures.scores)])


def _directions(features: Array) -> Array:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
