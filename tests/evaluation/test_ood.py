"""Pictures from elsewhere: distances to the training domain, and how well they tell two sets apart."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from leaml.errors import DataError
from leaml.evaluation.image_features import image_features
from leaml.evaluation.ood import COMBINED, Domain, Scored, tell_apart
from leaml.models.framing import Framing
from tests import tiny_models


def features(n: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 12)) * np.linspace(0.2, 3, 12) + 2 + shift * np.linspace(0.2, 0, 12)


def scored(domain: Domain, found: np.ndarray, name: str) -> Scored:
    noise = np.random.default_rng(len(found)).normal(size=len(found))
    scores = {"knn": domain.knn(found), "mahalanobis": domain.mahalanobis(found), "noise": noise}
    return Scored(scores, [f"{name} {item // 2}" for item in range(len(found))])


def test_distances_are_those_of_their_formulas():
    known, new = features(60), features(5, 3.0, 1)
    domain = Domain(known)
    unit = known / np.linalg.norm(known, axis=1, keepdims=True)
    for row, found in zip(new, domain.knn(new), strict=True):
        distances = np.sort(np.linalg.norm(unit - row / np.linalg.norm(row), axis=1))
        assert found == pytest.approx(distances[4])
    far = Domain(features(4000)).mahalanobis(new)
    exact = np.sqrt((((new - 2) / np.linspace(0.2, 3, 12)) ** 2).sum(axis=1))
    assert far == pytest.approx(exact, rel=0.1)


def test_another_domain_is_told_apart_and_the_same_one_is_not():
    domain = Domain(features(200))
    inside, fit_inside = scored(domain, features(90, seed=2), "in"), scored(domain, features(60, seed=3), "fit")
    outside = scored(domain, features(120, 6.0, 4), "out")
    found = tell_apart(inside, outside, fit_inside)
    assert found.keys() == {"knn", "mahalanobis", "noise", COMBINED}
    assert found["mahalanobis"].auroc.value > 0.9 and found["mahalanobis"].fpr.value < 0.5
    assert found["noise"].auroc.low < 0.5 < found["noise"].auroc.high
    assert found[COMBINED].auroc.value > 0.9 and found[COMBINED].positive == 60 and found[COMBINED].n == 150
    truth = [0] * 90 + [1] * 120
    scores = [*inside.scores["knn"], *outside.scores["knn"]]
    assert found["knn"].auroc.value == pytest.approx(roc_auc_score(truth, scores))
    same = tell_apart(inside, scored(domain, features(90, seed=9), "out"), fit_inside)
    assert same["mahalanobis"].auroc.low < 0.5 < same["mahalanobis"].auroc.high


def test_the_regression_is_measured_on_other_groups_than_it_was_fitted_on():
    """Scores that name each group are learned by heart: on groups that were not seen they say nothing."""
    random = np.random.default_rng(0)
    clusters = [str(item // 4) for item in range(160)]
    by_group = random.normal(size=(40, 6)).repeat(4, axis=0)
    outside = Scored({f"s{k}": by_group[:, k].tolist() for k in range(6)}, clusters)
    inside = Scored({f"s{k}": random.normal(size=160).tolist() for k in range(6)}, clusters)
    fit = Scored({f"s{k}": random.normal(size=160).tolist() for k in range(6)}, clusters)
    assert 0.3 < tell_apart(inside, outside, fit)[COMBINED].auroc.value < 0.7


def test_too_few_pictures_fit_nothing_and_sets_must_match():
    domain = Domain(features(40))
    inside, outside = scored(domain, features(40, seed=1), "in"), scored(domain, features(40, 6.0, 2), "out")
    assert COMBINED not in tell_apart(inside, outside, inside)  # half of 40 is below 30
    assert COMBINED not in tell_apart(inside, outside)
    with pytest.raises(DataError, match="29 training pictures are too few"):
        Domain(features(29))
    with pytest.raises(DataError, match="same scores"):
        tell_apart(inside, Scored({"knn": [1.0]}, ["1"]))
    with pytest.raises(DataError, match="no pictures"):
        tell_apart(inside, outside.part([]))


def test_features_are_those_of_the_model_whatever_stands_beside():
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    noise = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    pictures = [Image.fromarray(one) for one in noise]
    together = np.stack(list(image_features(model, framing, pictures, at_once=3)))
    alone = np.stack([next(image_features(model, framing, [one])) for one in pictures])
    assert together.shape == (5, tiny_models.WIDTH) and np.allclose(together, alone, atol=1e-4)
    inputs = framing.prefix_inputs(pictures[:1])
    with torch.inference_mode():
        expected = model.get_image_features(pixel_values=inputs["pixel_values"], return_dict=True).pooler_output[0]
    assert np.allclose(together[0], expected.mean(0).numpy(), atol=1e-4)
