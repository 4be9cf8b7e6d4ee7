"""In which order pictures are labelled and suggestions reviewed, and how far that work is.

Orders are random but fixed: a number's place follows from the seed and the number alone (`random_order`), so a reload,
a second window or newly arrived pictures never shuffle what a person has in front of them.
"""

import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from leaml.store.project import PairState

UNKNOWN_AGREEMENT = -1.0
"""Sorts suggestions whose agreement was never measured behind the others, and keeps them out of every bulk accept."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a queue is.

    Attributes:
        mine: items that this person has done.
        everyone: items that anybody has done.
        left: items that nobody has done.
        seconds: median seconds that this person took for one; None before the first.
    """

    mine: int
    everyone: int
    left: int
    seconds: float | None

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes at this pace."""
        return None if self.seconds is None else self.left * self.seconds


def random_order(ids: Iterable[int], seed: int = 0) -> list[int]:
    """The numbers in a random order that later numbers do not disturb."""
    return sorted(ids, key=lambda number: (_digest(seed, number), number))


def review_order(pairs: Iterable[PairState], seed: int = 0) -> list[PairState]:
    """Suggestions picture by picture, so that each picture is looked at once; the pictures in random order.

    Within a picture the suggestions with most agreement come first.
    """
    return sorted(pairs, key=lambda pair: (_digest(seed, pair.image_id), pair.image_id, -agreement(pair), pair.id))


def agreement(pair: PairState) -> float:
    """The probability that the model answers the same when asked again, or `UNKNOWN_AGREEMENT`."""
    return pair.signals.get("agreement", UNKNOWN_AGREEMENT)


def agreeing(pairs: Iterable[PairState], least: float) -> list[PairState]:
    """The suggestions that nobody has judged and whose agreement is at least `least`, in [0, 1]."""
    return [pair for pair in pairs if pair.status == "suggested" and agreement(pair) >= max(least, 0.0)]


def neighbour(order: Sequence[int], current: int | None, by: int) -> int | None:
    """What stands `by` places after `current`; the ends hold. Without a current one, the first; None of nothing."""
    if not order:
        return None
    if current not in order:
        return order[0]
    return order[min(max(order.index(current) + by, 0), len(order) - 1)]


def next_open(order: Sequence[int], current: int | None, done: Container[int]) -> int | None:
    """The first after `current` that is not done, going round once; None when all but `current` are done."""
    start = order.index(current) + 1 if current in order else 0
    return next((item for item in (*order[start:], *order[:start]) if item not in done and item != current), None)


def standing(done_by: Iterable[str | None], person: str, seconds: Iterable[float | None]) -> Standing:
    """How far a queue is.

    Args:
        done_by: per item who did it; None where nobody has.
        person: whose standing it is.
        seconds: how long each of this person's items took, where that is known.
    """
    names = list(done_by)
    known = [value for value in seconds if value is not None]
    left = names.count(None)
    return Standing(names.count(person), len(names) - left, left, median(known) if known else None)


def _digest(seed: int, number: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
