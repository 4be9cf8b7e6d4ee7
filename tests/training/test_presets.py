"""Presets follow from what is needed: a smaller card gets a thriftier way, and every reason has its figures."""

import pytest

from leaml.models.families import CARDS, GIB
from leaml.models.memory import Needed
from leaml.training import presets as module
from leaml.training.presets import Presets, Way, typical


@pytest.fixture
def presets(monkeypatch) -> Presets:
    """Of a model of 16 GB whose pictures take 1 GB each."""

    def needed(self, way: Way) -> Needed:
        weights = 16 if way.precision == "full" else 5
        share = (0.3 if way.checkpointing else 1.0) * (0.25 if way.picture_size == 512 else 1.0)
        return Needed(weights=weights * GIB, optimiser=GIB // 2, image_tokens=int(way.pictures_per_step * share * GIB))

    monkeypatch.setattr(Presets, "_needed", needed)
    return Presets("some")


@pytest.mark.parametrize(
    ("card", "way"),
    [
        (48, Way()),
        (24, Way("full", False, 4)),
        (16, Way("4bit", False, 8)),
        (12, Way("4bit", False, 4)),
        (8, Way("4bit", True, 4)),
        (6, None),
    ],
)
def test_the_first_way_that_fits_is_taken(presets, card, way):
    preset = presets.choose(card)
    assert preset.way == way
    assert (preset.needed.total <= module.LEFT * card * GIB) == (way is not None)


def test_reasons_say_what_is_needed_of_what_is_there(presets):
    (reason, *_, last) = presets.choose(12).reasons
    assert reason == "4-bit, because the weights alone need 16.0 GB of your 12 GB" and last == "needs 9.5 GB"
    assert "layers computed twice (checkpointing), because once needs 9.5 GB" in presets.choose(8).reasons
    assert presets.choose(48).reasons[0].startswith("weights in full: they are 16.0 GB of your 48 GB")
    assert "thriftiest" in presets.choose(6).reasons[0]


def test_nano_needs_nothing_special_on_any_card():
    presets = Presets("nano")
    assert [presets.choose(card).way for card in CARDS] == [Way()] * len(CARDS)


def test_typical_pictures_are_different_files(tmp_path):
    examples = typical(tmp_path, 3)
    assert len({example.image for example in examples}) == 3 and all(len(e.turns) == 6 for e in examples)
