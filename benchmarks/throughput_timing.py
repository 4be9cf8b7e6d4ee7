"""How `benchmarks.throughput` measures: seconds of what is done in turns, ratios of them, and bytes that tensors hold.

    Timing.ratios(theirs, ours).median, Timing.ratios(theirs, ours).interval
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
import torch
from torch import nn

from leaml.models.memory import PeakWatch

DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Timing:
    """One figure for each round."""

    rounds: Sequence[float]

    @classmethod
    def ratios(cls, above: Sequence[float], below: Sequence[float]) -> "Timing":
        """Of each round the ratio of the two, which share its load."""
        return cls([one / other for one, other in zip(above, below, strict=True)])

    @property
    def median(self) -> float:
        return float(numpy.median(self.rounds))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the medians of rounds drawn with replacement."""
        drawn = numpy.random.default_rng(0).choice(numpy.asarray(self.rounds), (DRAWS, len(self.rounds)))
        low, high = numpy.quantile(numpy.median(drawn, axis=1), (0.025, 0.975))
        return float(low), float(high)


def now(device: torch.device) -> float:
    """Seconds, a GPU's queued work included."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    began = now(device)
    work()
    return now(device) - began


def watch(model: nn.Module) -> PeakWatch:
    """Of what this model and all that works with it hold."""
    return PeakWatch([*model.parameters(), *model.buffers()], next(model.parameters()).device)


def peak_bytes(work: Callable[[], object], model: nn.Module) -> int:
    """The most that tensors hold while the work is done, the model included."""
    watching = watch(model)
    with watching:
        work()
    return watching.peak
