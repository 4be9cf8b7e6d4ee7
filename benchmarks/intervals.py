"""Do the intervals hold what they promise? Simulated answers of known truth, and what 1,000 intervals make of them.

    python -m benchmarks.intervals                     # all cells, writes benchmarks/results/intervals.json
    python -m benchmarks.intervals --draws 50          # a quick look

Each picture has 2 to 8 questions. Whether they are answered right is drawn from a beta-binomial distribution: with the
correlation r, two answers on one picture agree more than two on different ones. In the null experiments two models are
right equally often in truth; at 60 % of the questions they answer alike. Beside our intervals stands the percentile
bootstrap over pictures, on the same draws.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import RESULTS, Figure, Report, command_line
from leaml.evaluation.metrics import Rate, difference, rate

PICTURES, CHANCES, CORRELATIONS = (30, 100, 500), (0.5, 0.9, 0.98), (0.0, 0.2, 0.5)
GAINS = (0.0, 0.1)
ALIKE = 0.6
QUESTIONS = (2, 9)
"""On a picture: from, and below."""
LEAST, MOST, BETTER = 0.93, 0.97, 0.05
RESAMPLES = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting: how many pictures, the true chance of a right answer, the correlation within a picture."""

    pictures: int
    chance: float
    correlation: float

    def __str__(self) -> str:
        return f"{self.pictures} pictures, p {self.chance:g}, r {self.correlation:g}"


def cells() -> list[Cell]:
    return [Cell(*values) for values in itertools.product(PICTURES, CHANCES, CORRELATIONS)]


def rates(cell: Cell, draws: int, seed: int = 0) -> list[Figure]:
    """How often the interval of a rate holds the truth, how wide it is, and what the bootstrap does."""
    random = np.random.default_rng((seed, cell.pictures, int(100 * cell.chance), int(100 * cell.correlation)))
    found, sums, sizes = [], [], []
    for _ in range(draws):
        pictures = _pictures(random, cell)
        right = random.random(len(pictures)) < _chances(random, cell)[pictures]
        found.append(rate(right, [str(picture) for picture in pictures]))
        sums.append(np.bincount(pictures, right, cell.pictures))
        sizes.append(np.bincount(pictures, minlength=cell.pictures))
    beside = _bootstrap(np.array(sums, float), np.array(sizes, float), random)
    ours = [(one.low, one.high) for one in found]
    return [
        _share("rate covers", cell, ours, lambda low, high: low <= cell.chance <= high),
        _share("bootstrap covers", cell, beside, lambda low, high: low <= cell.chance <= high),
        Figure("rate width", str(cell), float(np.mean([high - low for low, high in ours])), detail=True),
        Figure("rate narrowest", str(cell), float(min(high - low for low, high in ours)), detail=True),
    ]


def differences(cell: Cell, gain: float, draws: int, seed: int = 0) -> list[Figure]:
    """How often the interval of a paired difference holds the truth, and how often it says better."""
    random = np.random.default_rng((seed, 7, cell.pictures, int(100 * cell.chance), int(100 * cell.correlation)))
    gain = min(gain, 1 - cell.chance)
    found = []
    for _ in range(draws):
        pictures = _pictures(random, cell)
        before, after = _pair(random, cell, pictures, gain)
        found.append(difference(after, before, [str(picture) for picture in pictures]))
    ours = [(one.low, one.high) for one in found]
    name = f"difference of {gain:g}"
    said = "called better" if not gain else "found better"
    return [
        _share(f"{name} covered", cell, ours, lambda low, high: low - 1e-12 <= gain <= high + 1e-12),
        _share(f"{name} {said}", cell, ours, lambda low, _: low > 0),
        Figure(f"{name} narrowest", str(cell), float(min(high - low for low, high in ours)), detail=True),
    ]


def _pictures(random: np.random.Generator, cell: Cell) -> NDArray[np.int64]:
    """(questions,) the picture of each."""
    return np.repeat(np.arange(cell.pictures), random.integers(*QUESTIONS, cell.pictures))


def _chances(random: np.random.Generator, cell: Cell) -> Floats:
    """(pictures,) the chance of a right answer on each."""
    if cell.correlation == 0:
        return np.full(cell.pictures, cell.chance)
    spread = (1 - cell.correlation) / cell.correlation
    return random.beta(cell.chance * spread, (1 - cell.chance) * spread, cell.pictures)


def _pair(
    random: np.random.Generator, cell: Cell, pictures: NDArray[np.int64], gain: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Right answers of two models, the second better by `gain` in truth."""
    both, before, after = (random.random(len(pictures)) < _chances(random, cell)[pictures] for _ in range(3))
    alike = random.random(len(pictures)) < ALIKE
    before, after = np.where(alike, both, before), np.where(alike, both, after)
    lifted = random.random(len(pictures)) < gain / (1 - cell.chance)
    return before, after | lifted


def _bootstrap(sums: Floats, sizes: Floats, random: np.random.Generator) -> list[tuple[float, float]]:
    """The plain percentile interval of each row: (draws, pictures)."""
    count = sums.shape[1]
    weights = random.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)
    low, high = np.quantile((weights @ sums.T) / (weights @ sizes.T), [0.025, 0.975], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _share(
    part: str, cell: Cell, intervals: Sequence[tuple[float, float]], holds: Callable[[float, float], bool]
) -> Figure:
    held = [bool(holds(low, high)) for low, high in intervals]
    return Figure(part, str(cell), rate(held, [str(draw) for draw in range(len(held))]), detail=True, clusters="draws")


# ---- what is asked for -------------------------------------------------------------------------------------------


def headlines(found: Sequence[Figure]) -> list[Figure]:
    """The worst cell of each kind beside its bar."""
    covered = _of(found, "rate covers")
    zero = f"difference of {GAINS[0]:g}"
    worst = [
        (min(covered, key=_number), "rate: covers least", LEAST, False),
        (max(covered, key=_number), "rate: covers most", MOST, True),
        (min(_of(found, "difference", "covered"), key=_number), "difference: covers least", LEAST, False),
        (max(_of(found, zero, "called better"), key=_number), "no difference, called better at most", BETTER, True),
    ]
    figures = [
        Figure("intervals", name, one.value, "", bar, at_most, note=one.name, clusters="draws")
        for one, name, bar, at_most in worst
    ]
    outside = [one for one in covered if not LEAST <= _number(one) <= MOST]
    narrowest = min(_number(one) for one in found if one.part.endswith("narrowest"))
    return [
        *figures,
        Figure("intervals", "cells outside of 93–97 %", float(len(outside)), f"of {len(covered)}", 0.0, True,
               note="; ".join(f"{one.name}: {_number(one):.3f}" for one in outside)),
        Figure("intervals", "narrowest interval", narrowest, "", 1e-6),
    ]  # fmt: skip


def _of(found: Sequence[Figure], start: str, end: str = "") -> list[Figure]:
    return [one for one in found if one.part.startswith(start) and one.part.endswith(end)]


def _number(figure: Figure) -> float:
    return figure.value.value if isinstance(figure.value, Rate) else float(figure.value)


def main(words: Sequence[str] | None = None) -> int:
    """Simulates every cell, prints the table; returns 0. A missed bar is a finding, not a failure."""
    words = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(prog="python -m benchmarks.intervals", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, help="simulated test sets in a cell (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default: 0)")
    parser.add_argument("--out", type=Path, default=RESULTS / "intervals.json", help="where the report goes")
    arguments = parser.parse_args(words)
    report = Report(command_line("benchmarks.intervals", words))
    found = [figure for cell in cells() for figure in rates(cell, arguments.draws, arguments.seed)]
    for cell in cells():
        for gain in GAINS:
            if gain < 1 - cell.chance or gain == 0:
                found += differences(cell, gain, arguments.draws, arguments.seed)
    parts = list(dict.fromkeys(figure.part for figure in found))
    report.add([*headlines(found), *sorted(found, key=lambda figure: parts.index(figure.part))])
    report.write(arguments.out)
    print(report.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
