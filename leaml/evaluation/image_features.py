"""What a model's vision tower and projector make of pictures: one vector for each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from leaml.models.features import features_of, seeing
from leaml.models.framing import Framing

PICTURES_AT_ONCE = 16


@torch.inference_mode()
def image_features(
    model: nn.Module, framing: Framing, pictures: Sequence[Image.Image | Path], at_once: int = PICTURES_AT_ONCE
) -> Iterator[NDArray[np.float32]]:
    """Of each picture, in order, the mean over its image tokens: (width,).

    Raises:
        DataError: a picture cannot be read.
    """
    seen = seeing(model, framing)
    for start in range(0, len(pictures), at_once):
        for look in seen.look(pictures[start : start + at_once]):
            tokens = features_of(seen.model, [look.inputs])[0] if look.features is None else look.features
            yield tokens.reshape(-1, tokens.shape[-1]).float().mean(0).cpu().numpy()
