"""Where a model looks: how much less probable its answer becomes when a part of the picture is hidden.

    for event in occlude(model, framing, picture, "Is there a polyp?", "yes", ("yes", "no")):
        ...                        # Progress, by the picture; last the Occlusion:
    event.drops[row][column]       # probability minus what is left of it with that patch hidden
    event.together, event.random   # the patches that matter most hidden at once, beside as many random ones

The drop is the effect of a change to the picture (Zeiler and Fergus 2014); attention weights are not, and are shown
nowhere. Hidden means filled with the picture's mean colour. A map has peaks for any model: only where hiding the
patches that matter most takes clearly more than hiding as many random ones, there is something to see.
"""

import math
from collections.abc import Collection, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from leaml.errors import OptionError
from leaml.evaluation.likelihoods import Candidates, Likelihood, log_probabilities, shares
from leaml.evaluation.scoring import normalise
from leaml.models.framing import Framing
from leaml.models.pictures import open_picture
from leaml.records import Progress

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
) -> Generator[Progress | Occlusion, None, None]:
    """Hides each patch of a grid in turn, then the patches that matter most at once, and random ones for comparison.

    Closing the generator stops it, between two batches of pictures.

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
    asking = _Asking(model, framing, np.asarray(open_picture(image)), question, among or (answer,), grid)
    patches = [(row, column) for row in range(grid) for column in range(grid)]
    total = 1 + len(patches) + 1 + random_draws
    whole, *left = yield from asking.probabilities([(), *([patch] for patch in patches)], 0, total)
    drops = [whole - one for one in left]
    count = max(1, round(SHARE_TOGETHER * len(patches)))
    hidden = sorted(patches, key=lambda patch: -drops[patches.index(patch)])[:count]
    rng = np.random.default_rng(seed)
    draws = [[patches[i] for i in rng.choice(len(patches), count, replace=False)] for _ in range(random_draws)]
    together, *by_chance = yield from asking.probabilities([hidden, *draws], 1 + len(patches), total)
    rows = tuple(tuple(drops[row * grid : (row + 1) * grid]) for row in range(grid))
    chance = tuple(whole - one for one in by_chance)
    yield Occlusion(answer, tuple(choices) if among else (), whole, rows, tuple(hidden), whole - together, chance)


@dataclass(frozen=True, slots=True)
class _Asking:
    """One question about one picture, (height, width, 3), parts of which are hidden; watched is the first answer."""

    model: nn.Module
    framing: Framing
    pixels: NDArray[np.uint8]
    question: str
    answers: tuple[str, ...]
    grid: int

    def probabilities(
        self, hidden: Sequence[Collection[Patch]], done: int, total: int
    ) -> Generator[Progress, None, list[float]]:
        """Of the answer, for each choice of hidden patches: among the answers, or per token where it is the only one.

        Args:
            done: how many of the `total` pictures were asked about before.
        """
        found: list[float] = []
        for start in range(0, len(hidden), PICTURES_AT_ONCE):
            pictures = [_covered(self.pixels, some, self.grid) for some in hidden[start : start + PICTURES_AT_ONCE]]
            asked = [Candidates(picture, self.question, self.answers) for picture in pictures]
            likelihoods = log_probabilities(self.model, self.framing, asked, PICTURES_AT_ONCE)
            found += map(_probability, likelihoods)
            yield Progress(done + len(found), total)
        return found


def _probability(likelihoods: Sequence[Likelihood]) -> float:
    """Of the first answer among all of them; per token where it stands alone."""
    if len(likelihoods) == 1:
        return math.exp(likelihoods[0].mean)
    return shares([one.total for one in likelihoods])[0]


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
