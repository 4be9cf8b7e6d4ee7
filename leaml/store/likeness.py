"""Which pictures are all but the same: frames of one moment, copies that were coded or scaled anew.

    near_duplicates(hashes, thumbs)      # cluster of each picture
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

NEAR = 3
"""Bits of 64 in which the hashes of near-duplicates may differ.

Measured on the sample project and two sets of real pictures (1,244 in all): the same picture re-coded, halved, blurred
by a pixel or 10 % brighter differs by at most 2 to 4; different pictures by 5 or more; the one pair of frames that is
all but identical (blood smear 37 and 38), by 1.
"""
LEAST_CORRELATION = 0.95
"""Of the 16 × 16 greys of two near-duplicates; measured: 0.98 and more where they are, 0.92 where hashes were near."""


def near_duplicates(hashes: Sequence[str], thumbs: Sequence[Path] | None = None) -> list[int | None]:
    """Cluster of each picture: the index of its first member, None where a picture has no near-duplicate.

    Two pictures are near-duplicates where their hashes differ in at most `NEAR` bits and their thumbnails correlate;
    a cluster is what such pairs link. The hash alone is too greedy for pictures that are mostly black, or mostly
    white: of one small dot on a light ground, every fifth pair was "the same". Every picture is compared with all
    later ones, as one XOR and count of bits over an array: plain, the same time whatever the pictures show, and
    about 0.2 s for 10,000.

    Args:
        hashes: `images.dhash` of each picture.
        thumbs: files of the thumbnails, opened only where hashes are near; None trusts the hashes.
    """
    codes = np.array([int(code, 16) for code in hashes], dtype=np.uint64)
    cluster = np.arange(len(codes))
    looks = _Looks(thumbs) if thumbs is not None else None
    for index in range(len(codes) - 1):
        near = np.flatnonzero(np.bitwise_count(codes[index + 1 :] ^ codes[index]) <= NEAR) + index + 1
        near = near[cluster[near] != cluster[index]]
        if near.size and looks is not None:
            near = near[looks.alike(index, near)]
        if near.size:
            joined = np.unique(np.append(cluster[near], cluster[index]))
            cluster[np.isin(cluster, joined)] = joined[0]
    size = np.bincount(cluster, minlength=len(codes))
    return [int(first) if size[first] > 1 else None for first in cluster]


class _Looks:
    """Small copies of thumbnails, read when they are asked for: 16 × 16 greys about their mean, of length 1."""

    def __init__(self, thumbs: Sequence[Path]) -> None:
        self._thumbs = thumbs
        self._seen: dict[int, np.ndarray] = {}

    def alike(self, index: int, others: np.ndarray) -> np.ndarray:
        """Which of the others correlate with a picture: (others,) of bool."""
        return np.stack([self._look(int(other)) for other in others]) @ self._look(index) >= LEAST_CORRELATION

    def _look(self, index: int) -> np.ndarray:
        if index not in self._seen:
            self._seen[index] = _look(self._thumbs[index])
        return self._seen[index]


def _look(thumb: Path) -> np.ndarray:
    """Zeros, which correlate with nothing, where the thumbnail is gone or of one grey."""
    try:
        with Image.open(thumb, formats=("JPEG",)) as image:
            greys = np.asarray(image.convert("L").resize((16, 16), Image.Resampling.LANCZOS), dtype=np.float32)
    except OSError:
        return np.zeros(256, dtype=np.float32)
    spread = greys.ravel() - greys.mean()
    length = float(np.linalg.norm(spread))
    return spread / length if length > 1 else np.zeros(256, dtype=np.float32)
