"""Blind votes, counted: how often the adapted model's answer was found better, with ties and an interval. No torch.

    tally([Ballot("Dr A", "adapted", "picture 7"), …])["win_rate"]["text"]    # "0.71 [0.60, 0.80] n 84, 61 independent"
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("adapted", "base", "equal", "neither")
RUBRIC = ("correct", "complete", "harmful")
"""What can be ticked of either answer."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote, with the sides undone.

    Attributes:
        outcome: whose answer was found better, or "equal" (both are good), or "neither" (none is).
        cluster: picture, patient or video; what is resampled.
        ticked: "adapted" and "base" -> what was ticked of that answer.
    """

    person: str
    outcome: str
    cluster: str
    ticked: Mapping[str, Sequence[str]] = field(default_factory=dict)


def tally(ballots: Iterable[Ballot]) -> dict[str, Any]:
    """Counts and win rate of the ballots, as JSON.

    Returns:
        "n", one count for each of `OUTCOMES`, "decided" (for either model), "win_rate" (the adapted model's share of
        the decided ones; None where nothing is decided), and "ticked": model -> rubric -> count.
    """
    from leaml.evaluation.metrics import rate  # scipy takes its time: not for who only keeps votes
    from leaml.evaluation.resampling import figures

    given = list(ballots)
    counts = Counter(ballot.outcome for ballot in given)
    decided = [ballot for ballot in given if ballot.outcome in ("adapted", "base")]
    won = [ballot.outcome == "adapted" for ballot in decided]
    ticked = {
        model: {word: sum(word in ballot.ticked.get(model, ()) for ballot in given) for word in RUBRIC}
        for model in ("adapted", "base")
    }
    return {
        "n": len(given),
        **{outcome: counts[outcome] for outcome in OUTCOMES},
        "decided": len(decided),
        "win_rate": figures(rate(won, [ballot.cluster for ballot in decided])) if decided else None,
        "ticked": ticked,
    }


def by_person(ballots: Iterable[Ballot]) -> dict[str, dict[str, Any]]:
    """The tally of each person, in order of their first vote."""
    people: dict[str, list[Ballot]] = {}
    for ballot in ballots:
        people.setdefault(ballot.person, []).append(ballot)
    return {person: tally(own) for person, own in people.items()}
