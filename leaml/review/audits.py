"""Safe bulk accept: a plan, a blind random sample of a band, an exact bound, and only then the rest in one step.

    audit = begin(project, "Dr. A", Band(low=0.9), plan(allowed=0))       # draws 59, one of each picture cluster
    pair = next_of(project, "Dr. A", audit)                               # judged one by one, see deciding.decide
    state(project, audit)                                                 # 59 of 59 right: at least 95.0 %
    accept_rest(project, "Dr. A", audit)                                  # one event, one undo

Nothing that was tried is forgotten: tries on bands that share suggestions share the error probability (plans.py), so
that drawing again until it passes is refused. The sample follows the random place that each suggestion got when it
came: giving up a sample and beginning anew draws the same ones.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from leaml.errors import DataError
from leaml.review import leases
from leaml.review.bands import BY_PLACE, Band, count, ordered
from leaml.review.plans import ERROR, Plan, lower_bound, plans
from leaml.store.conditions import Other
from leaml.store.project import Project

Outcome = Literal["open", "passed", "failed", "ended"]
PAGE = 500
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class State:
    """Where an audit stands.

    Attributes:
        judged: of the sample, so far; wrong: of these, corrected ones included.
        rest: suggestions of the band that still wait and are not of the sample.
        accepted: those that were accepted by it and still are.
        bound: least share right, at the plan's confidence; None until the sample is judged.
    """

    id: int
    person: str
    band: Band
    plan: Plan
    judged: int
    wrong: int
    rest: int
    accepted: int
    outcome: Outcome

    @property
    def bound(self) -> float | None:
        """Clopper and Pearson's, one-sided."""
        whole = self.judged == self.plan.size
        return lower_bound(self.judged, self.judged - self.wrong, self.plan.error) if whole else None


@dataclass(frozen=True, slots=True)
class Watch:
    """What was found since among those that an audit let pass. `bound`: over sample and later checks, at 95 %."""

    audit: int
    checked: int
    wrong: int
    bound: float
    target: float

    @property
    def has_fallen(self) -> bool:
        """Whether it can no longer be said that enough are right."""
        return self.bound < self.target


# Beginning --------------------------------------------------------------------------------------------------------


def error_left(project: Project, band: Band) -> float:
    """What remains of the error probability for suggestions of this band, after all tries that shared any with it."""
    spent = sum(row["error"] for row in project.db.rows("audits") if _shares(project, _band(row), band))
    return max(ERROR - spent, 0.0)


def offered(project: Project, band: Band, tries: int = 1) -> list[Plan]:
    """The plans that may be chosen where the error left is to last for so many tries; none where it is used up."""
    left = error_left(project, band)
    error = ERROR / tries
    return plans(error=error) if error <= left + TOLERANCE else []


def begin(project: Project, person: str, band: Band, chosen: Plan) -> int:
    """Fixes the plan, draws the sample, and returns the number of the audit.

    Raises:
        DataError: the band has too few pictures, or its error probability is used up.
    """
    with project.db.transaction():
        if chosen.error > error_left(project, band) + TOLERANCE:
            raise DataError(
                "Suggestions of this kind were tried before, and the chance of a mistake is used up.",
                "Drawing again until it passes would prove nothing. Review them one by one.",
            )
        newest = project.db.rows("states", order="-pair_id", limit=1)
        fixed = replace(band, status="suggested", through=newest[0]["pair_id"] if newest else 0)
        drawn = sample(_candidates(project, fixed), chosen.size)
        if len(drawn) < chosen.size:
            raise DataError(
                f"These suggestions lie on {len(drawn):,} independent pictures; {chosen.size:,} are needed.",
                "Choose more of them, or review them one by one.",
            )
        audit = project.db.record(person, "audit", [("audits", None, None, {
            "person": person, "band": fixed.plain(), "target": chosen.target, "error": chosen.error,
            "size": chosen.size, "allowed": chosen.allowed,
        })])  # fmt: skip
        number = project.db.row("events", id=audit)["changes"][0][1]
        items = [("audit_items", None, None, {"audit_id": number, "pair_id": pair}) for pair in drawn]
        project.db.record(person, "audit", items)
    return number


def sample(candidates: Iterable[tuple[int, Iterable[Any]]], size: int) -> list[int]:
    """The first `size` candidates, in their order, that share nothing with one before them.

    Args:
        candidates: (number, what it must not share: its picture, group and near-duplicates), in random order.
    """
    drawn: list[int] = []
    taken: set[Any] = set()
    for number, marks in candidates:
        marks = set(marks)
        if not marks & taken:
            drawn.append(number)
            taken |= marks
        if len(drawn) == size:
            break
    return drawn


def _candidates(project: Project, band: Band) -> Iterator[tuple[int, list[Any]]]:
    where = band.where() | {"origin": "generator", "looked": 0}
    after = None
    while pairs := ordered(project, where, BY_PLACE, after, PAGE):
        images = {row["pair_id"]: row["image_id"] for row in project.db.rows("states", pair_id=pairs)}
        rows = {row["id"]: row for row in project.db.rows("images", id=list(images.values()))}
        for pair in pairs:
            yield pair, _marks(rows[images[pair]])
        after = pairs[-1]


def _marks(image: dict[str, Any]) -> list[Any]:
    own = [("image", image["id"]), ("group", image["group"]), ("cluster", image["cluster"])]
    return [mark for mark in own if mark[1] not in ("", None)]


def _shares(project: Project, tried: Band, band: Band) -> bool:
    """Whether suggestions that were tried wait in the band still: then a new try is another one on the same."""
    common = band.within(tried)
    return common is not None and count(project, common, most=1) > 0


# Judging ----------------------------------------------------------------------------------------------------------


def next_of(project: Project, person: str, audit: int, after: int | None = None) -> int | None:
    """Takes the next one of the sample in hand that nobody has judged; None where none is left for this person."""
    open_ = [pair for pair, right in _judged(project, audit).items() if right is None]
    turned = [*(pair for pair in open_ if after is not None and pair > after), *open_]
    with project.db.transaction():
        for pair in dict.fromkeys(turned):
            if pair != after and leases.take(project, "pair", pair, person):
                return pair
    return None


def is_sampled(project: Project, pair: int) -> bool:
    """Whether a suggestion is to be judged in a sample still: then nobody sees its answer before giving one."""
    audits = [item["audit_id"] for item in project.db.rows("audit_items", pair_id=pair)]
    judged = ((row, _judged(project, row["id"])) for row in project.db.rows("audits", id=audits, ended=0))
    return any(_outcome(row, found) == "open" and found[pair] is None for row, found in judged)


def state(project: Project, audit: int) -> State:
    """Where an audit stands.

    Raises:
        DataError: there is none of this number.
    """
    row = project.db.row("audits", id=audit)
    if row is None:
        raise DataError(f"There is no sample {audit} in this project.", "Begin a new one.")
    return _state(project, row)


def states(project: Project) -> list[State]:
    """All that were ever begun, newest first."""
    return [_state(project, row) for row in project.db.rows("audits", order="-id")]


def end(project: Project, person: str, audit: int) -> None:
    """Gives an audit up. It stays a try.

    Raises:
        DataError: there is none of this number.
    """
    state(project, audit)
    project.db.record(person, "audit", [("audits", audit, {"ended": 0}, {"ended": 1})])


def _state(project: Project, row: dict[str, Any]) -> State:
    judged = _judged(project, row["id"])
    known = [right for right in judged.values() if right is not None]
    wrong, band, chosen = known.count(False), _band(row), _plan(row)
    outcome = _outcome(row, judged)
    rest = count(project, band) - sum(right is None for right in judged.values())
    accepted = project.db.count("verdicts", audit_id=row["id"], queue="bulk", withdrawn=0)
    return State(row["id"], row["person"], band, chosen, len(known), wrong, max(rest, 0), accepted, outcome)


def _outcome(row: dict[str, Any], judged: dict[int, bool | None]) -> Outcome:
    known = [right for right in judged.values() if right is not None]
    if known.count(False) > row["allowed"]:
        return "failed"
    if len(known) == row["size"]:
        return "passed"
    return "ended" if row["ended"] else "open"


def _judged(project: Project, audit: int) -> dict[int, bool | None]:
    """Pair of the sample -> whether it was right as it was written; None: nobody has looked."""
    found: dict[int, bool | None] = {
        row["pair_id"]: None for row in project.db.rows("audit_items", order="id", audit_id=audit)
    }
    for row in project.db.rows("verdicts", pair_id=list(found), withdrawn=0, queue=Other("bulk")):
        corrected = row["question"] is not None or row["answer"] is not None
        found[row["pair_id"]] = bool(row["question_ok"] and row["answer_ok"] and not corrected)
    return found


def _band(row: dict[str, Any]) -> Band:
    return Band(**row["band"])


def _plan(row: dict[str, Any]) -> Plan:
    return Plan(row["size"], row["allowed"], row["target"], row["error"])


# Accepting the rest, and watching it ------------------------------------------------------------------------------


def accept_rest(project: Project, person: str, audit: int) -> int:
    """Accepts what waits in the band, as one event that can be taken back; returns how many.

    Raises:
        DataError: the sample has not passed, or nothing waits.
    """
    with project.db.transaction():
        found = state(project, audit)
        if found.outcome != "passed" or found.bound is None or found.bound < found.plan.target:
            what = f"{found.judged} of {found.plan.size} were looked at, {found.wrong} of them wrong."
            raise DataError(what, "The rest may be accepted only when the sample has passed.")
        pairs = [row["pair_id"] for row in project.db.rows("states", **found.band.where())]
        project.accept_all(person, pairs, f"sample {audit}", audit)
    return len(pairs)


def take_back(project: Project, person: str, audit: int) -> int:
    """Has everything wait again that an audit let pass, whoever did what since; returns how many. One event.

    Raises:
        DataError: nothing of it stands.
    """
    with project.db.transaction():
        standing = project.db.rows("verdicts", audit_id=audit, queue="bulk", withdrawn=0)
        if not standing:
            raise DataError("Nothing that this sample let pass stands any more.", "Reload: somebody was faster.")
        changes = [("verdicts", row["id"], {"withdrawn": 0}, {"withdrawn": 1}) for row in standing]
        project.db.record(person, "bulk take back", changes)
    return len(standing)


def watched(project: Project) -> list[Watch]:
    """What the random queue found since among those that were accepted unseen, audit by audit."""
    later: dict[int, dict[int, bool]] = {}
    for row in project.db.rows("audited", order="id", bulk_audit_id=Other(None)):
        later.setdefault(row["bulk_audit_id"], {})[row["pair_id"]] = bool(row["right"])
    return [_watch(state(project, audit), list(found.values())) for audit, found in sorted(later.items())]


def _watch(found: State, later: list[bool]) -> Watch:
    n, wrong = found.judged + len(later), found.wrong + later.count(False)
    return Watch(found.id, len(later), later.count(False), lower_bound(n, n - wrong), found.plan.target)


# What the random queue says of all --------------------------------------------------------------------------------


def audited(project: Project, job: int | None = None) -> list[tuple[bool, str]]:
    """Of each suggestion that the random queue has judged: right as it was written?, and its cluster of pictures.

    For a rate with an interval over clusters; of several people's verdicts the newest counts.
    """
    chosen = {} if job is None else {"job_id": job}
    rows = {row["pair_id"]: row for row in project.db.rows("audited", order="id", **chosen)}
    return [(bool(row["right"]), _cluster(row)) for row in rows.values()]


def _cluster(row: dict[str, Any]) -> str:
    if row["group"]:
        return f"group {row['group']}"
    return f"picture {row['image_id']}" if row["cluster"] is None else f"cluster {row['cluster']}"


def expected(project: Project, band: Band, least: int = 20) -> float:
    """The share of a band that is probably right: what the random queue found, or else the mean of its signals."""
    seen = [right for right, _ in audited(project, band.job)]
    if len(seen) >= least:
        return sum(seen) / len(seen)
    pairs = ordered(project, band.where() | {"origin": "generator", "looked": 0}, BY_PLACE, None, PAGE)
    signals = [row["signal"] for row in project.db.rows("states", pair_id=pairs) if row["signal"] >= 0]
    return sum(signals) / len(signals) if signals else 0.9
