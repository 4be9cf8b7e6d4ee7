"""What speaks for or against a pseudo pair, and what follows from it: whether it is kept, and what it weighs. No torch.

A pair's signals, as `leaml.training.generate` measures them; all but the first and the last lie between 0 and 1:

    log_probability      mean per token of the whole text, natural logarithm
    agreement            probability that an answer sampled again to the same question is the same, word for word
    blind_agreement      the same without the picture: what language alone would say
    consistency          probability of the answer when the question is put alone, as it will be asked later on
    similarity           to the likelier text on the picture that is most alike, by the words that carry meaning
    well_formed          1 where the answer is one that a question of this type can have, else 0
    reanswers, agreeing  how many answers were sampled anew, and how many of them mean the same; only where asked for
    blind_answer         the likeliest answer without the picture, in words

    kept = Filter(least_agreement=0.6, most_share=0.4).keep(pairs)          # again and again, on the same pairs

A signal that was not measured speaks neither for nor against.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from leaml.evaluation.scoring import COLOURS, normalise, parse_choice, parse_count, parse_set
from leaml.options import GenerateOptions
from leaml.records import REGIONS, Pair

Signals = Mapping[str, float | str]

EVERYWHERE = frozenset((
    "are", "be", "can", "do", "does", "frame", "has", "have", "image", "in", "is", "it", "of", "on", "picture", "seen",
    "shown", "that", "there", "these", "this", "those", "visible", "was", "were",
))  # fmt: skip
"""Words of questions that do not say what is asked about."""

UNSEEN = 0.5
"""What a suggestion that nobody looked at weighs beside one that somebody did."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a pair must reach to be kept; the defaults keep everything.

    Attributes:
        least_agreement, least_log_probability, least_consistency: of the signal of that name.
        least_reanswers: share of the re-answers that agree.
        most_blind_agreement: probability of the answer without the picture; beyond it, language alone would know it.
        least_gain: what the picture adds, agreement minus blind agreement.
        most_similarity: beyond it, a pair repeats a likelier one on the same picture.
        well_formed: answers that no question of this type can have are left out.
        least_share: each type keeps at least this share of what passes, if need be with its best of those that do not.
        most_share: no type has a larger share of the kept pairs, where there are enough types for that.
    """

    least_agreement: float = 0.0
    least_log_probability: float = -math.inf
    least_consistency: float = 0.0
    least_reanswers: float = 0.0
    most_blind_agreement: float = 1.0
    least_gain: float = -1.0
    most_similarity: float = 1.0
    well_formed: bool = False
    least_share: float = 0.0
    most_share: float = 1.0

    @classmethod
    def of(cls, options: GenerateOptions) -> "Filter":
        """The filter that the options describe."""
        return cls(**{field.name: getattr(options, field.name) for field in fields(cls)})

    @property
    def takes_each_alone(self) -> bool:
        """Whether a pair is kept or not whatever the others are."""
        return self.least_share == 0 and self.most_share == 1

    def keep(self, pairs: Iterable[Pair]) -> list[Pair]:
        """The pairs that are kept, in their order."""
        pairs = list(pairs)
        if self.takes_each_alone:
            return [pair for pair in pairs if self.passes(pair.signals)]
        kept = self._by_quota([self.passes(pair.signals) for pair in pairs], pairs)
        return [pair for place, pair in enumerate(pairs) if place in kept]

    def passes(self, signals: Signals) -> bool:
        """Whether a pair with these signals is good enough, quotas aside."""
        agreement, blind = signals.get("agreement", 1.0), signals.get("blind_agreement", 0.0)
        return (
            agreement >= self.least_agreement
            and signals.get("log_probability", 0.0) >= self.least_log_probability
            and signals.get("consistency", 1.0) >= self.least_consistency
            and reanswered(signals) >= self.least_reanswers
            and blind <= self.most_blind_agreement
            and agreement - blind >= self.least_gain
            and signals.get("similarity", 0.0) <= self.most_similarity
            and (not self.well_formed or signals.get("well_formed", 1.0) > 0)
        )

    def _by_quota(self, passed: Sequence[bool], pairs: Sequence[Pair]) -> set[int]:
        """Places of the pairs that are kept: by type the best ones, as many as the quotas leave it."""
        ranked: dict[str, list[int]] = {}
        for place in sorted(range(len(pairs)), key=lambda n: (not passed[n], -soft_weight(pairs[n].signals))):
            ranked.setdefault(pairs[place].type, []).append(place)
        least = math.ceil(self.least_share * sum(passed))
        counts = {
            type: max(sum(passed[place] for place in places), min(least, len(places)))
            for type, places in ranked.items()
        }
        cap = _highest_cap(list(counts.values()), self.most_share)
        return {place for type, places in ranked.items() for place in places[: min(counts[type], cap)]}


def _highest_cap(counts: Sequence[int], most_share: float) -> int:
    """The most that every type may keep, so that none has more than `most_share` of all that is kept.

    Where there are too few types for that share, they keep the same number each.
    """
    filled = [count for count in counts if count]
    share = max(most_share, 1 / len(filled)) if filled else 1.0
    fits = (
        cap for cap in range(max(filled, default=0), 0, -1) if cap <= share * sum(min(n, cap) for n in filled) + 1e-9
    )
    return next(fits, 0)


# ---- weights -----------------------------------------------------------------------------------------------------


def soft_weight(signals: Signals) -> float:
    """What a pair with these signals weighs in training, from 0 to 1: how often the same answer would come again.

    That is the share of the re-answers that agree, where some were sampled, else the exact probability.
    """
    if signals.get("reanswers"):
        return reanswered(signals)
    return min(1.0, max(0.0, float(signals.get("agreement", 1.0))))


def reanswered(signals: Signals) -> float:
    """The share of the re-answers that agree; 1 where none were sampled."""
    asked = signals.get("reanswers")
    return float(signals.get("agreeing", 0.0)) / float(asked) if asked else 1.0


def weight(pair: Pair, by: str) -> float:
    """What an accepted pair weighs beside a label, from 0 to 1.

    Args:
        by: `equal`, 1; `signals`, see `soft_weight`; `verdicts`, 1 where a person looked at it, else `UNSEEN`.
    """
    if by == "signals" and not pair.reviewed:
        return soft_weight(pair.signals)
    if by == "verdicts" and not pair.reviewed:
        return UNSEEN
    return 1.0


# ---- signals that follow from the texts alone ----------------------------------------------------------------------


def fits_type(answer: str, type: str, choices: Sequence[str] = ()) -> bool:
    """Whether this is an answer that a question of this type can have, by what the scorer understands of it."""
    if type == "open":
        return True
    if type == "count":
        return parse_count(answer) is not None
    if type == "yes/no":
        return parse_choice(answer, choices or ("yes", "no")) is not None
    known = choices or {"colour": COLOURS, "location": REGIONS}.get(type, ())
    if type in ("location", "multiple choice"):
        return parse_set(answer, known) is not None
    return not known or parse_choice(answer, known) is not None


def similarities(questions: Sequence[str]) -> list[float]:
    """Of each question the likeness to the earlier one that is most alike, from 0 to 1.

    The likeness of two is the share of their meaningful words that both have (Jaccard).
    """
    words = [_meaningful(question) for question in questions]
    return [max((_alike(own, other) for other in words[:place]), default=0.0) for place, own in enumerate(words)]


def _meaningful(question: str) -> Counter[str]:
    words = Counter(normalise(question).replace("which", "what").split() or question.casefold().split())
    return Counter({word: n for word, n in words.items() if word not in EVERYWHERE}) or words


def _alike(one: Counter[str], other: Counter[str]) -> float:
    return (one & other).total() / (one | other).total() if one or other else 1.0
