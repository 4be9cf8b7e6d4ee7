"""Marks on a picture that belong to an answer: points, boxes and regions, in shares of the upright picture.

    checked([{"shape": "box", "points": [[0.1, 0.2], [0.4, 0.5]]}])

Shares, because the same picture is shown, stored for a model and exported in several sizes. A box is its upper left and
lower right corner, a region the corners of a polygon.
"""

import math
from collections.abc import Sequence
from typing import Any

from leaml.errors import DataError

SHAPES = {"point": (1, 1), "box": (2, 2), "region": (3, 500)}
"""Shape -> how many points it has, at least and at most."""
MOST_MARKS = 50
"""Of one answer."""
DIGITS = 5
"""A pixel of the largest picture that there can be (65,500 long) is told from its neighbour."""

Mark = dict[str, Any]


def checked(marks: Any) -> list[Mark]:
    """Marks as they are kept: known shapes, points within the picture, corners of a box in order.

    Raises:
        DataError: they are not a list of such marks, or too many.
    """
    if not isinstance(marks, Sequence) or isinstance(marks, str) or len(marks) > MOST_MARKS:
        raise DataError(f"The marks are not a list of at most {MOST_MARKS}.", "Draw them again.")
    return [_checked(mark) for mark in marks]


def middle(mark: Mark) -> tuple[float, float]:
    """The middle of a mark: of the box around it."""
    across, down = zip(*mark["points"])
    return (min(across) + max(across)) / 2, (min(down) + max(down)) / 2


def _checked(mark: Any) -> Mark:
    shape = mark.get("shape") if isinstance(mark, dict) else None
    if not isinstance(shape, str) or shape not in SHAPES:
        raise DataError(f"A mark is none of: {', '.join(SHAPES)}.", "Draw it again.")
    points, (least, most) = mark.get("points"), SHAPES[shape]
    if not isinstance(points, list | tuple) or not least <= len(points) <= most:
        raise DataError(f"A {shape} does not have the points that make one.", "Draw it again.")
    kept = [_point(point) for point in points]
    if shape == "box":
        (left, right), (top, bottom) = (sorted(axis) for axis in zip(*kept))
        kept = [[left, top], [right, bottom]]
    return {"shape": shape, "points": kept}


def _point(point: Any) -> list[float]:
    right = isinstance(point, list | tuple) and len(point) == 2
    if not right or not all(isinstance(share, int | float) and not isinstance(share, bool) for share in point):
        raise DataError("A point of a mark is not two numbers.", "Draw it again.")
    if not all(math.isfinite(share) and 0 <= share <= 1 for share in point):
        raise DataError("A mark lies outside of the picture.", "Draw it again.")
    return [round(float(share), DIGITS) for share in point]
