"""What an expert's minutes buy: seconds per decision, minutes per correct label, what is left, and when to stop.

    spent(project, "Dr. A")          # Spent(decisions=120, kept=96, seconds=4.1, minutes_per_kept=0.09)
    advice(gains(project))           # "go on" while the newest round still moved the result on the calibration split
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from leaml.review.queues import PACE_OVER, QUEUES, pace
from leaml.store.conditions import Other
from leaml.store.project import Project

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Spent:
    """What a person's, or everybody's, decisions cost so far.

    Attributes:
        decisions: that stand, of both queues; kept: of these, accepted or corrected.
        seconds: median of the newest; None where no time was kept.
        minutes_per_kept: time of all decisions for each that was kept; None where nothing was kept or timed.
    """

    decisions: int
    kept: int
    seconds: float | None
    minutes_per_kept: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """What the newest batch moved on the calibration split: paired difference, 95 % interval over its pictures."""

    difference: float
    low: float
    high: float
    questions: int
    pictures: int

    @property
    def goes_on(self) -> bool:
        """Whether another batch is worth its minutes: the last one moved the result up, beyond chance."""
        return self.low > 0


def spent(project: Project, person: str | None = None) -> Spent:
    """What reviewing cost one person; None: everybody together."""
    rows = project.db.rows("efforts", queue=list(QUEUES), n=Other(0), **({} if person is None else {"person": person}))
    decisions, kept = sum(row["n"] for row in rows), sum(row["kept"] for row in rows)
    timed, seconds = sum(row["timed"] for row in rows), sum(row["seconds"] for row in rows)
    people = sorted({row["person"] for row in rows})
    paces = [found for name in people if (found := pace(project, name)) is not None]
    # Decisions of unknown duration cost what the others did.
    minutes = seconds / timed * decisions / kept / 60 if timed and kept else None
    return Spent(decisions, kept, median(paces) if paces else None, minutes)


def labelling(project: Project, person: str) -> Spent:
    """What labelling cost one person: each answer is a label, and kept."""
    newest = project.db.rows("pairs", order="-id", limit=PACE_OVER, person=person, origin="label")
    known = [row["seconds"] for row in newest if row["seconds"] is not None]
    count = project.db.count("pairs", person=person, origin="label")
    seconds = median(known) if known else None
    return Spent(count, count, seconds, sum(known) / len(known) / 60 if known else None)


def gain(
    before: Mapping[int, bool], after: Mapping[int, bool], pictures: Mapping[int, int], seed: int = 0
) -> Gain | None:
    """What a batch of labels or suggestions changed, question by question; None without a common question.

    Args:
        before: question -> whether the model before the batch was right on the calibration split; after: with it.
        pictures: question -> its picture; questions on one picture are drawn together.
    """
    common = sorted(before.keys() & after.keys())
    if not common:
        return None
    by_picture: dict[int, list[int]] = {}
    for question in common:
        by_picture.setdefault(pictures[question], []).append(int(after[question]) - int(before[question]))
    groups = [(sum(own), len(own)) for own in by_picture.values()]
    draw = random.Random(seed)
    drawn = sorted(_share(draw.choices(groups, k=len(groups))) for _ in range(DRAWS))
    low, high = drawn[round(0.025 * DRAWS)], drawn[round(0.975 * DRAWS) - 1]
    return Gain(_share(groups), low, high, len(common), len(groups))


def gains(project: Project) -> list[Gain]:
    """What each adapted model gained over the one of the round before it on the calibration split, oldest first.

    Every comparison counts that asked the calibration split, too; the newest model in it stands for its round.
    """
    asked = {pair.id: pair.image_id for pair in project.labels("calibration")}
    rounds: dict[int, dict[int, bool]] = {}
    for job in project.db.rows("jobs", kind="compare", state="done"):
        run = job["resume_of"] or job["id"]
        said = project.db.rows("predictions", job_id=run, pair_id=list(asked), adapter_id=Other(None))
        newest = max((row["adapter_id"] for row in said), default=None)
        if newest is not None:
            rounds[newest] = {row["pair_id"]: bool(row["correct"]) for row in said if row["adapter_id"] == newest}
    found = [gain(rounds[before], rounds[after], asked) for before, after in pairwise(sorted(rounds))]
    return [each for each in found if each is not None]


def advice(found: Sequence[Gain]) -> str:
    """ "unknown" before two rounds were compared, "go on" while the newest round moved the result, else "stop"."""
    if not found:
        return "unknown"
    return "go on" if found[-1].goes_on else "stop"


def _share(groups: Sequence[tuple[int, int]]) -> float:
    return sum(total for total, _ in groups) / sum(n for _, n in groups)
