"""How large a model sees pictures: fewer image tokens are less memory and less time, and small things may be lost.

    limit_pictures(processor, config, 768)      # longest side in pixels, as far as the family lets it be chosen

Families that cut pictures into crops, or resize them by their aspect, are told to use fewer. Others (LLaVA, Gemma 3,
PaliGemma) were made for one size and keep it.
"""

from typing import Any


def limit_pictures(processor: Any, config: Any, longest: int) -> None:
    """Has a processor, and the model's config where that knows about crops, make pictures no larger.

    Args:
        longest: of the sides, in pixels; never less than one crop of the model. 0 leaves all as it is.
    """
    pictures = processor.image_processor
    size = pictures.size
    if not longest:
        return
    if getattr(pictures, "image_grid_pinpoints", None):
        grids = _within(pictures.image_grid_pinpoints, longest)
        pictures.image_grid_pinpoints = config.image_grid_pinpoints = grids
    elif hasattr(pictures, "merge_size"):  # by area, in the sizes of Qwen-VL
        size["longest_edge"] = max(size["shortest_edge"], min(size["longest_edge"], longest**2))
    elif getattr(pictures, "max_image_size", None):
        crop = pictures.max_image_size["longest_edge"]
        size["longest_edge"] = max(crop, min(size["longest_edge"], longest))


def _within(grids: list[list[int]], longest: int) -> list[list[int]]:
    """The arrangements of crops that are no longer, or else the smallest ones."""
    least = min(map(max, grids))
    return [grid for grid in grids if max(grid) <= max(longest, least)]
