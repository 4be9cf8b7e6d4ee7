"""Shares with intervals. numpy and scipy only, no torch.

    rate(correct, pictures).text()                  # "0.79 [0.75, 0.83] n 412, 96 independent"
    difference(after, before, pictures).text()      # "+0.38 [+0.33, +0.43] n 412, 96 independent"

Several questions stand on one picture, so their answers are not independent: what counts is the picture, or the group
(patient, video) that it belongs to, never the question. Every rate carries its n, the number of these, and a 95 %
interval, which `benchmarks.intervals` checks.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from leaml.errors import DataError
from leaml.evaluation.clusters import Floats, degrees_of_freedom, effective_n, per_cluster, t_quantile
from leaml.evaluation.resampling import FEWEST, Measure
from leaml.evaluation.scoring import Score, normalise, score
from leaml.records import Question


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of items, or a difference of two shares, with its 95 % interval.

    Attributes:
        value: in [0, 1]; in [-1, 1] for a difference.
        low: lower end of the interval.
        high: upper end of the interval.
        n: items (questions).
        clusters: what the items stand on and is independent: groups (patients, videos) where known, else pictures.
        signed: whether this is a difference.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int
    signed: bool = False

    def text(self) -> str:
        """Value, interval, n, clusters; below 30 items counts alone: "12 of 18", or "+3 of 18" for a difference."""
        if self.n < FEWEST:
            count = round(self.value * self.n)
            return f"{count:+d} of {self.n}" if self.signed else f"{count} of {self.n}"
        sign = "+" if self.signed else ""
        interval = f"[{self.low:{sign}.2f}, {self.high:{sign}.2f}]"
        return f"{self.value:{sign}.2f} {interval} n {self.n}, {self.clusters} independent"


def rate(correct: Sequence[bool], clusters: Sequence[str]) -> Rate:
    """The share of right answers, with a 95 % interval by clusters; never of zero width.

    The interval is Wilson's score interval at the effective n (n / design effect; Korn and Graubard 1998, Dean and
    Pagano 2015), with a t quantile whose degrees of freedom follow from how the clusters differ. The percentile
    bootstrap over clusters has zero width at 0 or n right, and covered as little as 72 % where 30 pictures were 98 %
    right; this one is checked beside it by `benchmarks.intervals`.

    Args:
        correct: per item, whether the answer is right.
        clusters: per item, the picture that it stands on.

    Raises:
        DataError: no items, or lists of different lengths.
    """
    values = np.asarray(correct, dtype=bool).astype(float)
    low, high, sizes = _score_interval(values, clusters)
    return Rate(float(values.mean()), low, high, int(sizes.sum()), len(sizes))


def mean(values: Sequence[float], clusters: Sequence[str]) -> Measure:
    """The mean of values between 0 and 1 (F1, Brier), with an interval as in `rate`.

    Raises:
        DataError: no items, or lists of different lengths.
    """
    given = np.asarray(values, dtype=float)
    low, high, sizes = _score_interval(given, clusters)
    return Measure(float(given.mean()), low, high, int(sizes.sum()), len(sizes))


def difference(after: Sequence[bool], before: Sequence[bool], clusters: Sequence[str]) -> Rate:
    """The share right after minus the share right before, paired by item, with a 95 % interval; never of zero width.

    The interval is the adjusted Wald interval of Bonett and Price (2012; recommended for paired shares by Fagerland,
    Lydersen and Laake 2014) at the effective n, with the t quantile of C − 1 degrees of freedom. It adds one item to
    either kind of disagreement, so it keeps a width where both always agree; there it is wider than 95 % asks for.

    Raises:
        DataError: no items, or lists of different lengths.
    """
    if len(after) != len(before):
        raise DataError(f"{len(after)} answers after stand beside {len(before)} before.", "Score the same questions.")
    values = np.asarray(after, dtype=bool).astype(float) - np.asarray(before, dtype=bool)
    sums, sizes = per_cluster(values, clusters)
    fixed, broken = float((values > 0).mean()), float((values < 0).mean())
    effective = effective_n(sums, sizes, fixed + broken - (fixed - broken) ** 2)
    gained, lost = ((share * effective + 1) / (effective + 2) for share in (fixed, broken))
    quantile = t_quantile(max(len(sizes) - 1, 1))
    half = quantile * math.sqrt((gained + lost - (gained - lost) ** 2) / (effective + 2))
    value = fixed - broken
    low, high = max(-1.0, min(value, gained - lost - half)), min(1.0, max(value, gained - lost + half))
    return Rate(value, low, high, int(sizes.sum()), len(sizes), signed=True)


def blind_answers(train: Sequence[Question], test: Sequence[Question]) -> list[str]:
    """What a rule that never looks at the picture says to each test question.

    The rule says the majority answer of the same wording in `train`; for a new wording that of the same type; for a new
    type that of all. A majority that the question does not offer as a choice is passed over for the next most frequent.

    Raises:
        DataError: nothing in `train` is answered.
    """
    wordings = _answers(train, lambda question: question.question)
    types = _answers(train, lambda question: question.type)
    overall = _answers(train, lambda question: "")
    if not overall:
        raise DataError("No training question has an answer, so there is no majority.", "Label some questions first.")
    ranked = (wordings.get(question.question) or types.get(question.type) or overall[""] for question in test)
    return [_first_offered(answers, question.choices) for answers, question in zip(ranked, test, strict=True)]


def scores(questions: Sequence[Question], texts: Sequence[str]) -> list[Score]:
    """What became of each answer.

    Raises:
        DataError: a question has no known answer.
    """
    for question in questions:
        if question.answer is None:
            where = f"{question.question!r} on {question.image.name}"
            raise DataError(f"The test question {where} has no answer.", "Label it.")
    return [
        score(question.answer, text, question.type, question.choices)
        for question, text in zip(questions, texts, strict=True)
    ]


def blind_majority(train: Sequence[Question], test: Sequence[Question]) -> list[bool]:
    """Whether each test question is answered right by `blind_answers`.

    Raises:
        DataError: nothing in `train` is answered, or a question in `test` is not.
    """
    return [found.correct for found in scores(test, blind_answers(train, test))]


def cluster_of(question: Question) -> str:
    """What a question is counted with: its group (patient, video) where one is known, else its picture."""
    return question.group or str(question.image)


def by(
    questions: Sequence[Question], correct: Sequence[bool], key: str | Callable[[Question], str]
) -> dict[str, Rate]:
    """The rate per value of `key`, in order of first appearance; clusters are groups where known, else pictures.

    Args:
        questions: the questions asked.
        correct: per question, whether the answer is right.
        key: the name of a field ("type", "question", "split", "group"), or a function of the question.

    Raises:
        DataError: lists of different lengths.
    """
    if len(questions) != len(correct):
        raise DataError(f"{len(correct)} answers stand beside {len(questions)} questions.", "Score each once.")
    groups: dict[str, list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        groups[str(getattr(question, key)) if isinstance(key, str) else key(question)].append(place)
    return {
        name: rate([correct[i] for i in places], [cluster_of(questions[i]) for i in places])
        for name, places in groups.items()
    }


def _answers(questions: Sequence[Question], key: Callable[[Question], str]) -> dict[str, list[str]]:
    """Per key the answers, most frequent first. Spellings that normalise alike count as one, shown as first written."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    spellings: dict[str, str] = {}
    for question in questions:
        if question.answer is not None:
            # Signs alone normalise to nothing; they count as written.
            plain = normalise(question.answer) or question.answer.strip()
            spellings.setdefault(plain, question.answer)
            counts[key(question)][plain] += 1
    return {
        name: [spellings[plain] for plain in sorted(counter, key=lambda plain: (-counter[plain], plain))]
        for name, counter in counts.items()
    }


def _first_offered(ranked: Sequence[str], choices: Sequence[str]) -> str:
    offered = {normalise(choice) for choice in choices}
    members = ({normalise(member) for member in answer.split(";")} for answer in ranked)
    fitting = (answer for answer, named in zip(ranked, members, strict=True) if named <= offered)
    return next(fitting, ranked[0]) if offered else ranked[0]


def _score_interval(values: Floats, clusters: Sequence[str]) -> tuple[float, float, Floats]:
    """Lower and upper end for the mean of values in [0, 1], and the sizes of the clusters."""
    sums, sizes = per_cluster(values, clusters)
    value, item_variance = float(values.mean()), float(values.var())
    effective = effective_n(sums, sizes, item_variance)
    if item_variance > 0:  # values between 0 and 1 vary less than right and wrong, and then tell more
        effective *= value * (1 - value) / item_variance
    low, high = _wilson(value, effective, t_quantile(degrees_of_freedom(sums, sizes)))
    return max(0.0, min(value, low)), min(1.0, max(value, high)), sizes


def _wilson(value: float, n: float, quantile: float) -> tuple[float, float]:
    square = quantile**2 / n
    middle = (value + square / 2) / (1 + square)
    half = quantile / (1 + square) * math.sqrt(max(value * (1 - value), 0.0) / n + square / (4 * n))
    return middle - half, middle + half
