"""A start for the vision tower: attention that begins as a convolution.

A vision transformer that starts from noise must find out for each of its 256 positions alone which others are its
neighbours. Position embeddings made of sines and cosines have a linear map for every shift, so a head can be started
looking at a fixed offset (as in ConViT, arXiv 2103.10697, there with a gate of its own). Everything stays trainable,
and the classes stay the standard ones. Alone it did not make shapes easier to learn (`benchmarks/LOG.md`, row b).
"""

import math

import torch
from torch import Tensor
from transformers import Idefics3ForConditionalGeneration

SHORTEST, LONGEST = 3.0, 64.0
"""Periods of the position embeddings, in patches."""

OFFSETS = (
    ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (0, 0)),
    ((0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 0)),
    ((0, 0), (0, 2), (0, -2), (2, 0), (-2, 0), (0, 0)),
    ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (0, 0)),
)
"""Where each head of each layer looks at first: (down, right), in patches."""

SHARPNESS = (1.5, 1.5, 1.5, 1.5, 1.5, 0.6)
"""Per head: high looks at one patch, low at the whole surroundings."""


def frequencies(pairs: int) -> Tensor:
    """(pairs,) radians per patch, geometric between the two periods."""
    return 2 * math.pi / torch.logspace(math.log10(SHORTEST), math.log10(LONGEST), pairs)


def position_embeddings(side: int, width: int) -> Tensor:
    """(side², width): for every patch, row by row, width/4 pairs (sine, cosine) of its row, then of its column."""
    turns = frequencies(width // 4)
    angle = torch.arange(side)[:, None] * turns
    one = torch.stack([angle.sin(), angle.cos()], -1).flatten(1)
    return torch.cat([one[:, None].expand(-1, side, -1), one[None].expand(side, -1, -1)], -1).flatten(0, 1)


def _head_weights(
    head: int, heads: int, width: int, offset: tuple[int, int], sharpness: float
) -> tuple[Tensor, Tensor]:
    """(query, key) weights (width/heads, width): the key reads some of the pairs, the query reads them shifted."""
    pairs = width // 4
    turns = frequencies(pairs)
    key, query = torch.zeros(width // heads, width), torch.zeros(width // heads, width)
    row = 0
    for axis, shift in enumerate(offset):
        for pair in range(head, pairs, heads):
            at = axis * width // 2 + 2 * pair
            c, s = math.cos(shift * turns[pair]), math.sin(shift * turns[pair])
            key[row : row + 2, at : at + 2] = torch.eye(2)
            query[row : row + 2, at : at + 2] = torch.tensor([[c, s], [-s, c]])
            row += 2
    return sharpness * query, sharpness * key


@torch.no_grad()
def see_locally(model: Idefics3ForConditionalGeneration) -> None:
    """Sets position embeddings and attention of the vision tower as described above, with a little noise left."""
    vision = model.config.vision_config
    tower = model.model.vision_model
    tower.embeddings.position_embedding.weight.copy_(
        position_embeddings(vision.image_size // vision.patch_size, vision.hidden_size)
    )
    heads = vision.num_attention_heads
    for layer, offsets in zip(tower.encoder.layers, OFFSETS, strict=True):
        blocks = [
            _head_weights(head, heads, vision.hidden_size, offset, sharpness)
            for head, (offset, sharpness) in enumerate(zip(offsets, SHARPNESS, strict=True))
        ]
        attention = layer.self_attn
        attention.q_proj.weight.mul_(0.3).add_(torch.cat([query for query, _ in blocks]))
        attention.k_proj.weight.mul_(0.3).add_(torch.cat([key for _, key in blocks]))
