"""Hiding what matters takes the answer's probability away, and hiding what does not leaves it."""

import numpy as np
import pytest
import torch
from PIL import Image

from leaml.errors import OptionError
from leaml.evaluation import occlusion
from leaml.evaluation.likelihoods import Candidates, Likelihood, choice_probabilities
from leaml.evaluation.occlusion import Occlusion, occlude
from leaml.models.framing import Framing
from leaml.records import Progress
from tests import tiny_models

PATCH = (2, 1)
"""Where the bright spot lies, of 4 × 4 patches of 8 pixels."""


@pytest.fixture
def spot() -> Image.Image:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[16:24, 8:16] = 255
    return Image.fromarray(pixels)


@pytest.fixture
def sees_brightness(monkeypatch) -> list[Image.Image]:
    """A model whose "yes" is the likelier, the brighter the brightest pixel is; the pictures that it was given."""
    given = []

    def judged(model, framing, asked, pictures_at_once):
        assert pictures_at_once > 1
        given.extend(candidates.image for candidates in asked)
        brightest = [float(np.asarray(candidates.image).max()) / 255 for candidates in asked]
        return [[Likelihood(4 * light, 2), Likelihood(0.0, 2)] for light in brightest]

    monkeypatch.setattr(occlusion, "log_probabilities", judged)
    return given


def looked(*asked, **settings) -> Occlusion:
    """What it comes to."""
    *_, found = occlude(*asked, **settings)
    return found


def test_the_patch_that_matters_has_the_largest_drop(spot, sees_brightness):
    seen = looked(None, None, spot, "Is it bright?", "Yes", ("no", "yes"), grid=4, random_draws=10)
    drops = np.array(seen.drops)
    assert drops.shape == (4, 4) and seen.hidden[0] == PATCH and seen.among == ("no", "yes")
    assert seen.probability == pytest.approx(1 / (1 + np.exp(-4)))
    others = np.delete(drops.flatten(), 4 * PATCH[0] + PATCH[1])
    assert drops[PATCH] > 0.4 and np.allclose(others, 0)
    assert seen.together == pytest.approx(drops[PATCH], abs=1e-6)
    assert len(seen.random) == 10 and sum(drop > 0.1 for drop in seen.random) < 5


def test_where_nothing_stands_out_the_map_is_flat_and_beats_no_chance(sees_brightness):
    even = Image.new("RGB", (32, 32), (90, 90, 90))
    seen = looked(None, None, even, "Is it bright?", "yes", ("no", "yes"), grid=4)
    assert np.allclose(seen.drops, 0) and not seen.beats_chance


def test_hidden_patches_have_the_mean_colour_and_random_ones_the_same_area(spot, sees_brightness):
    seen = looked(None, None, spot, "Is it bright?", "yes", ("no", "yes"), grid=8, random_draws=3, seed=1)
    whole, *single = sees_brightness[:65]
    assert np.array_equal(np.asarray(whole), np.asarray(spot))
    mean = round(255 * 64 / 1024)
    first = np.asarray(single[0])
    assert (first[:4, :4] == mean).all() and (first[4:] == np.asarray(spot)[4:]).all()
    areas = {int((np.asarray(picture) == mean).all(axis=2).sum()) for picture in sees_brightness[65:]}
    assert areas == {16 * len(seen.hidden)} == {16 * 6}
    again = looked(None, None, spot, "Is it bright?", "yes", ("no", "yes"), grid=8, random_draws=3, seed=1)
    assert again == seen


def test_probabilities_are_those_of_the_model(spot):
    model, processor = tiny_models.idefics3()
    framing = Framing(processor)
    seen = looked(model, framing, spot, "Is there a polyp?", "no", ("yes", "no"), grid=2, random_draws=2)
    (found,) = choice_probabilities(model, framing, [Candidates(spot, "Is there a polyp?", ("yes", "no"))])
    assert seen.probability == pytest.approx(found["no"], abs=1e-4)
    assert seen.as_json()["drops"][0][0] == seen.drops[0][0] and torch.tensor(seen.drops).abs().max() > 0
    open_answer = looked(model, framing, spot, "What is seen?", "a flat polyp", ("yes", "no"), grid=2, random_draws=1)
    assert open_answer.among == () and 0 < open_answer.probability < 1


def test_nothing_to_look_for_is_refused(spot):
    for changed in ({"answer": " "}, {"grid": 1}, {"random_draws": 0}):
        with pytest.raises(OptionError):
            looked(None, None, spot, "Is it?", **{"answer": "yes"} | changed)


def test_it_says_how_far_it_is_and_ends_when_nobody_listens(spot, sees_brightness):
    asked = (None, None, spot, "Is it bright?", "yes", ("no", "yes"))
    *progress, found = occlude(*asked, grid=8, random_draws=3)
    assert isinstance(found, Occlusion) and all(isinstance(event, Progress) for event in progress)
    assert [(event.step, event.total) for event in progress] == [(done, 69) for done in (16, 32, 48, 64, 65, 69)]
    sees_brightness.clear()
    going = occlude(*asked, grid=8)
    next(going)
    going.close()
    assert len(sees_brightness) == 16
