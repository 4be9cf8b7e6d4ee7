"""In which order pictures are labelled and suggestions reviewed, and how far that work is.

Orders are random but fixed: a number's place follows from the seed and the number alone (`random_order`), so a reload,
a second window or newly arrived pictures never shuffle what a person has in front of them.
"""

import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from leaml.store.project import Suggestion


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


def review_order(suggestions: Iterable[Suggestion], seed: int = 0) -> list[Suggestion]:
    """Suggestions picture by picture, so that each picture is looked at once; the pictures in random order.

    Within a picture the suggestions with most agreement come first, those without any last.
    """
    known = list(suggestions)
    place = {picture: rank for rank, picture in enumerate(random_order({item.image_id for item in known}, seed))}

    def key(item: Suggestion) -> tuple[int, float, int]:
        return place[item.image_id], 1.0 if item.agreement is None else -item.agreement, item.id

    return sorted(known, key=key)


def agreeing(suggestions: Iterable[Suggestion], least: float) -> list[Suggestion]:
    """Those that nobody has judged and whose agreement is known and at least `least`, in [0, 1]."""
    waiting = (item for item in suggestions if item.status == "suggested" and item.agreement is not None)
    return [item for item in waiting if item.agreement >= least]


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
