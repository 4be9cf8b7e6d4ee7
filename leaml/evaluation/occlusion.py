"""Where a model looks: how much less probable its answer becomes when a part of the picture is hidden.

    seen = occlude(model, framing, picture, "Is there a polyp?", "yes", ("yes", "no"))
    seen.drops[row][column]       # probability minus what is left of it with that patch hidden
    seen.together, seen.random    # the patches that matter most hidden at once, beside as many random ones

The drop is the effect of a change to the picture (Zeiler and Fergus 2014); attention weights are not, and are shown
nowhere. Hidden means filled with the picture's mean colour. A map has peaks for any model: only where hiding the
patches that matter most takes clearly more than hiding as many random ones, there is something to see.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from leaml.errors import OptionError
from leaml.evaluation.likelihoods import Candidates, log_probabilities, shares
from leaml.evaluation.scoring import normalise
from leaml.models.framing import Framing
from leaml.models.pictures import open_picture

SHARE_TOGETHER = 0.1
"""Of the patches, hidden at once: those that matter most, and as many random ones."""
PICTURES_AT_ONCE = 16

Patch = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What hiding parts of one picture does to one answer.

    Attributes:
        answer: whose probability it is.
        among: the choices among which it is one; empty: its probability per token.
        probability: on the whole picture.
        drops: (rows, columns) probability minus the probability with that patch hidden; negative where it rises.
        hidden: the tenth of the patches with the largest drops.
        together: the drop when all of these are hidden at once.
        random: the drops when as many random patches are hidden at once, so the same area.
    """

    answer: str
    among: tuple[str, ...]
    probability: float
    drops: tuple[tuple[float, ...], ...]
    hidden: tuple[Patch, ...]
    together: float
    random: tuple[float, ...]

    @property
    def beats_chance(self) -> bool:
        """Whether hiding these patches takes more than every random choice of as many."""
        return self.together > max(self.random)

    def as_json(self) -> dict[str, Any]:
        """All of it, as plain values."""
        return asdict(self) | {"beats_chance": self.beats_chance}


def occlude(
    model: nn.Module,
    framing: Framing,
    image: Image.Image | Path,
    question: str,
    answer: str,
    choices: Sequence[str] = (),
    grid: int = 8,
    random_draws: int = 19,
    seed: int = 0,
) -> Occlusion:
    """Hides each patch of a grid in turn, then the patches that matter most at once, and random ones for comparison.

    Args:
        image: opened, or where it lies.
        answer: whose probability is watched.
        choices: where the answer is one of them, its probability among them; else that of its text, per token.
        grid: patches in a row and in a column.
        random_draws: how often as many random patches are hidden; all 19 are beaten by chance in 1 of 20 cases.
        seed: of the random patches.

    Raises:
        DataError: the picture cannot be read.
        OptionError: there is no answer, or the grid is smaller than 2, or there are no random draws.
    """
    if not answer.strip() or grid < 2 or random_draws < 1:
        what = f"There is no map of {answer!r} with a grid of {grid} and {random_draws} random draws."
        raise OptionError(what, "Give an answer, a grid of 2 or more, and at least one random draw.")
    among = _among(answer, choices)
    pixels = np.asarray(open_picture(image))
    patches = [(row, column) for row in range(grid) for column in range(grid)]

    def probabilities(hidden: Sequence[Collection[Patch]]) -> list[float]:
        pictures = [_covered(pixels, some, grid) for some in hidden]
        asked = [Candidates(picture, question, among or (answer,)) for picture in pictures]
        found = log_probabilities(model, framing, asked, PICTURES_AT_ONCE)
        if not among:
            return [float(np.exp(likelihoods[0].mean)) for likelihoods in found]
        return [shares([one.total for one in likelihoods])[0] for likelihoods in found]

    whole, *left = probabilities([(), *([patch] for patch in patches)])
    drops = [whole - one for one in left]
    count = max(1, round(SHARE_TOGETHER * len(patches)))
    hidden = sorted(patches, key=lambda patch: -drops[patches.index(patch)])[:count]
    rng = np.random.default_rng(seed)
    draws = [[patches[i] for i in rng.choice(len(patches), count, replace=False)] for _ in range(random_draws)]
    together, *by_chance = (whole - one for one in probabilities([hidden, *draws]))
    rows = tuple(tuple(drops[row * grid : (row + 1) * grid]) for row in range(grid))
    return Occlusion(answer, tuple(choices) if among else (), whole, rows, tuple(hidden), together, tuple(by_chance))


def _among(answer: str, choices: Sequence[str]) -> tuple[str, ...]:
    """The choices with the answer first; none where it is not one of them."""
    plain = normalise(answer)
    own = next((choice for choice in choices if normalise(choice) == plain), None)
    return () if own is None else (own, *(choice for choice in choices if choice != own))


def _covered(pixels: NDArray[np.uint8], hidden: Collection[Patch], grid: int) -> Image.Image:
    """The picture with these patches in its mean colour. pixels: (height, width, 3)."""
    covered = pixels.copy()
    down, across = (np.linspace(0, side, grid + 1).round().astype(int) for side in pixels.shape[:2])
    colour = pixels.reshape(-1, 3).mean(axis=0).round()
    for row, column in hidden:
        covered[down[row] : down[row + 1], across[column] : across[column + 1]] = colour
    return Image.fromarray(covered)
