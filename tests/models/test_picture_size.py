"""Pictures are seen smaller where a family lets that be chosen: fewer image tokens, and the model takes them."""

import pytest
import torch
from PIL import Image

from leaml.models.features import SeenFraming
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.models.picture_size import limit_pictures
from tests import tiny_families

LARGE = Image.effect_noise((128, 96), 80).convert("RGB")


def seen(family: str, folder, longest: int) -> int:
    """Image tokens of a large picture; the model must take what the processor makes."""
    loaded = load(tiny_families.save(family, folder))
    if family == "llava_next":  # with an arrangement of more crops than the tiny one has
        more = [[2 * tiny_families.PICTURE] * 2, *tiny_families.CROPS, [tiny_families.PICTURE] * 2]
        loaded.processor.image_processor.image_grid_pinpoints = loaded.model.config.image_grid_pinpoints = more
    limit_pictures(loaded.processor, loaded.model.config, longest)
    with torch.no_grad():
        (look,) = SeenFraming(loaded.model, Framing(loaded.processor)).look([LARGE])
    return len(look.ids)


@pytest.mark.parametrize("family", ["idefics3", "qwen3_vl", "llava_next"])
def test_a_smaller_side_takes_fewer_tokens(family, tmp_path):
    whole = seen(family, tmp_path / "1", 0)
    assert seen(family, tmp_path / "2", 32) < 0.7 * whole
    assert seen(family, tmp_path / "3", 4096) == whole
    assert seen(family, tmp_path / "4", 1) <= seen(family, tmp_path / "5", 32)


def test_a_family_that_was_made_for_one_size_keeps_it(tmp_path):
    assert seen("gemma3", tmp_path / "1", 8) == seen("gemma3", tmp_path / "2", 0)
