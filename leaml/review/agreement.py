"""How far people agree who judged or labelled the same without seeing each other's answers, and where they do not.

    agreement(verdict_ratings(project))      # Agreement(people=2, items=80, kappa=Estimate(0.71, 0.55, 0.84), …)
    to_settle(project, "Dr. C")              # suggestions on which people disagree, and this third one may decide

Cohen's κ for two people, Krippendorff's α for any number and with gaps (nominal; Krippendorff 2011,
"Computing Krippendorff's Alpha-Reliability"). Intervals: percentile bootstrap over pictures, since questions on one
picture are right or wrong together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leaml.errors import DataError
from leaml.review.settings import review_settings
from leaml.store.conditions import Between
from leaml.store.project import PairState, Project

DRAWS = 1000
LEAST_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Rating:
    """What one item got from several people. `cluster`: items of one picture belong together."""

    item: int
    cluster: int
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A coefficient with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Dispute:
    """A suggestion of which people who did not see each other's answers said different things.

    Attributes:
        verdicts: numbers of what they said; people: who did.
    """

    pair: int
    image: int
    verdicts: tuple[int, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree.

    Attributes:
        people: who judged at least one item that another did, too.
        items: those with at least two opinions; same: of these, how many got the same from all.
        kappa: Cohen's, where there are two people; None with others, or where all said one thing throughout.
        alpha: Krippendorff's; None where all said one thing throughout.
    """

    people: tuple[str, ...]
    items: int
    same: int
    kappa: Estimate | None
    alpha: Estimate | None


def verdict_ratings(project: Project) -> list[Rating]:
    """Right or wrong, of each suggestion that several people judged in the random queue."""
    rows = project.db.rows("opinions", order="pair_id,id")
    return [
        Rating(pair, own[0]["image_id"], {row["person"]: _verdict(row) for row in own})
        for pair, own in _grouped(rows, "pair_id")
    ]


def label_ratings(project: Project) -> list[Rating]:
    """The answers to each question that several people answered on the same picture."""
    return [
        Rating(pairs[0].id, image, {pair.person or "": (pair.answer or "").casefold() for pair in pairs})
        for (image, _), pairs in _shared_labels(project).items()
    ]


def differing_labels(project: Project) -> list[list[PairState]]:
    """Answers of several people to one question on one picture that are not the same."""
    shared = _shared_labels(project).values()
    return [pairs for pairs in shared if len({(pair.answer or "").casefold() for pair in pairs}) > 1]


def settle_label(project: Project, person: str, pair: int) -> None:
    """Keeps this answer and rejects the others to the same question on the same picture.

    Raises:
        DataError: there are no others, or this person gave one of them.
    """
    with project.db.transaction():
        found = next((pairs for pairs in differing_labels(project) if pair in [each.id for each in pairs]), None)
        if found is None:
            raise DataError("There is nothing to decide here any more.", "Reload: it may have been settled.")
        if person in [each.person for each in found]:
            raise DataError("One of these answers is yours.", "Somebody else decides.")
        kept = next(each for each in found if each.id == pair)
        for each in found:
            if (each.answer or "").casefold() != (kept.answer or "").casefold():
                project.judge(person, each.id, False, reason="wrong answer", question_ok=True, answer_ok=False)


def agreement(ratings: Iterable[Rating], seed: int = 0) -> Agreement:
    """How far people agree on items that at least two of them rated."""
    shared = [rating for rating in ratings if len(rating.values) > 1]
    people = tuple(sorted({person for rating in shared for person in rating.values}))
    same = sum(len(set(rating.values.values())) == 1 for rating in shared)
    if len(shared) < LEAST_ITEMS:
        return Agreement(people, len(shared), same, None, None)
    weights = partial(_resampled, [rating.cluster for rating in shared], seed)
    counts = _counts(shared)
    alpha = _estimate(lambda weight: alpha_of(counts, weight), weights)
    kappa = None
    if len(people) == 2:
        first, second = ([rating.values[person] for rating in shared] for person in people)
        kappa = _estimate(lambda weight: kappa_of(first, second, weight), weights)
    return Agreement(people, len(shared), same, kappa, alpha)


def alpha_of(counts: NDArray[Any], weights: NDArray[Any] | None = None) -> float:
    """Krippendorff's α for nominal values; NaN where only one value occurs.

    Args:
        counts: (items, values), how many people gave an item each value; items with one opinion do not count.
        weights: how often each item counts; None: once.
    """
    opinions = counts.sum(axis=1)
    weight = (np.ones(len(counts)) if weights is None else weights) * (opinions > 1)
    pairs = np.where(opinions > 1, (opinions**2 - (counts**2).sum(axis=1)) / np.maximum(opinions - 1, 1), 0.0)
    values = weight @ counts
    n = values.sum()
    by_chance = n**2 - (values**2).sum()
    return float(1 - (n - 1) * (weight @ pairs) / by_chance) if by_chance > 0 else float("nan")


def kappa_of(first: Sequence[str], second: Sequence[str], weights: NDArray[Any] | None = None) -> float:
    """Cohen's κ (1960) of two people's values for the same items; NaN where only one value occurs.

    scikit-learn's `cohen_kappa_score` says the same, and takes ten times as long, a thousand times over.

    Args:
        weights: how often each item counts; None: once.
    """
    labels = sorted({*first, *second})
    weight = np.ones(len(first)) if weights is None else weights
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, (np.searchsorted(labels, first), np.searchsorted(labels, second)), weight)
    total = table.sum()
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1)) / total**2
    return float((np.trace(table) / total - by_chance) / (1 - by_chance)) if by_chance < 1 else float("nan")


def disputes(project: Project, **equal: Any) -> list[Dispute]:
    """Where all that were asked have spoken, differ, and nobody has decided since; `equal`: columns of `opinions`."""
    found = []
    for pair, own in _grouped(project.db.rows("opinions", order="pair_id,id", **equal), "pair_id"):
        if len({(_verdict(row), row["answer"] if _verdict(row) == "right" else "") for row in own}) > 1:
            ids, people = tuple(row["id"] for row in own), tuple(row["person"] for row in own)
            found.append(Dispute(pair, own[0]["image_id"], ids, people))
    if not found:
        return []
    asked = Between(review_settings(project).overlap)
    rows = project.db.rows("states", pair_id=[each.pair for each in found], opinions=asked)
    newest = {row["pair_id"]: row["verdict_id"] for row in rows}
    return [each for each in found if newest.get(each.pair) in each.verdicts]


def to_settle(project: Project, person: str) -> list[int]:
    """Suggestions on which others disagree, for somebody who is none of them to decide."""
    return [dispute.pair for dispute in disputes(project) if person not in dispute.people]


def _shared_labels(project: Project) -> dict[tuple[int, str], list[PairState]]:
    """(picture, question) -> the answers of all who gave one, where several people did."""
    found: dict[tuple[int, str], list[PairState]] = defaultdict(list)
    for pair in project.pairs(status="label", origin="label"):
        found[pair.image_id, pair.question.casefold()].append(pair)
    return {key: pairs for key, pairs in found.items() if len({pair.person for pair in pairs}) > 1}


def _verdict(row: Mapping[str, Any]) -> str:
    return "right" if row["question_ok"] and row["answer_ok"] else "wrong"


def _grouped(rows: list[dict[str, Any]], name: str) -> Iterable[tuple[int, list[dict[str, Any]]]]:
    for key, own in groupby(rows, key=lambda row: row[name]):
        yield key, list(own)


def _counts(ratings: Sequence[Rating]) -> NDArray[np.int64]:
    values = sorted({value for rating in ratings for value in rating.values.values()})
    place = {value: number for number, value in enumerate(values)}
    counts = np.zeros((len(ratings), len(values)), dtype=np.int64)
    for number, rating in enumerate(ratings):
        for value in rating.values.values():
            counts[number, place[value]] += 1
    return counts


def _resampled(clusters: Sequence[int], seed: int) -> Iterator[NDArray[np.float64]]:
    """(items,) for each draw: how often each item counts where whole clusters are drawn with replacement."""
    names, of = np.unique(clusters, return_inverse=True)
    generator, shares = np.random.default_rng(seed), np.full(len(names), 1 / len(names))
    for _ in range(DRAWS):
        yield generator.multinomial(len(names), shares)[of].astype(np.float64)


def _estimate(
    measure: Callable[[NDArray[Any] | None], float], weights: Callable[[], Iterable[NDArray[Any]]]
) -> Estimate | None:
    value = measure(None)
    drawn = np.array([measure(weight) for weight in weights()])
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or not len(drawn):
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value, float(low), float(high))
