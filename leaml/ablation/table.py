"""From the cells of a plan to its table: means over seeds with intervals, paired differences, by type of question.

    report = tabulate(plan, data, cells, split="test")
    report["rows"][0]      # {"row", "labels", "seeds", "n", "accuracy", "low", "high", "against": {…}, …}
    print(as_markdown(report))
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from leaml.ablation.data import Data
from leaml.ablation.plan import Cell, Plan
from leaml.evaluation.metrics import cluster_of
from leaml.evaluation.seeds import Seeded, over_seeds
from leaml.records import Question

Found = dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """The finished cells of one row at one label count: seeds, and what was found for each."""

    row: str
    labels: str
    seeds: tuple[int, ...]
    found: tuple[Found, ...]
    is_seedless: bool = False
    """The base model: the same for every seed."""

    def right(self, split: str, places: Sequence[int]) -> np.ndarray:
        """(seeds, places) whether each of these questions was answered rightly."""
        return np.array([[found["right"][split][place] for place in places] for found in self.found], bool)

    def with_seeds(self, seeds: Sequence[int]) -> "Runs":
        """Those of some seeds; of a row that knows no seeds, the one that there is for each of them."""
        chosen = [self.found[0 if self.is_seedless else self.seeds.index(seed)] for seed in seeds]
        return replace(self, seeds=tuple(seeds), found=tuple(chosen))


def tabulate(plan: Plan, data: Data, cells: Iterable[tuple[Cell, Found]], split: str) -> Found:
    """The table of one test split, as JSON has it. Rows that have no finished cell are left out."""
    runs = _runs(plan, cells)
    questions = data.held_out(split)
    rows = [_row(one, runs, plan, data, questions, split) for one in runs.values()]
    return {"split": split, "questions": len(questions), "unspoken": list(data.unspoken), "rows": rows}


def _runs(plan: Plan, cells: Iterable[tuple[Cell, Found]]) -> dict[tuple[str, str], Runs]:
    """By row and label count, in the plan's order."""
    found: dict[tuple[str, str], list[tuple[int, Found]]] = defaultdict(list)
    for cell, result in cells:
        found[cell.row.name, cell.labels].append((cell.seed, result))
    order = [(row.name, labels) for row in plan.rows for labels in row.labels]
    return {key: _runs_of(plan, *key, found[key]) for key in order if key in found}


def _runs_of(plan: Plan, row: str, labels: str, found: list[tuple[int, Found]]) -> Runs:
    seeds, results = zip(*found)
    return Runs(row, labels, seeds, results, plan.row(row).answers == "base")


def _row(
    one: Runs, runs: dict[tuple[str, str], Runs], plan: Plan, data: Data, questions: list[Question], split: str
) -> Found:
    everything = range(len(questions))
    rate = _rate(one, split, questions, everything)
    described = {"row": one.row, "labels": one.labels, "seeds": list(one.seeds), "n": rate.n, "clusters": rate.clusters}
    described |= _plain(rate, "accuracy") | {"by_seed": list(rate.by_seed)}
    against = {name: _against(one, runs, name, split, questions) for name in plan.against if name != one.row}
    described["against"] = {name: value for name, value in against.items() if value is not None}
    described["by_type"] = _parts(one, split, questions, lambda question: question.type)
    described["by_question"] = _parts(one, split, questions, lambda question: question.question)
    if data.unspoken:
        spoken = ("never spoken of", "spoken of")
        described["by_caption"] = _parts(one, split, questions, lambda q: spoken[q.question not in data.unspoken])
    return described | _told(one, plan)


def _rate(
    one: Runs, split: str, questions: list[Question], places: Iterable[int], against: Runs | None = None
) -> Seeded:
    places = list(places)
    clusters = [cluster_of(questions[place]) for place in places]
    other = against.right(split, places) if against else None
    return over_seeds(one.right(split, places), clusters, other)


def _plain(value: Seeded, name: str) -> Found:
    return {name: value.value, "low": value.low, "high": value.high, "t_low": value.t_low, "t_high": value.t_high}


def _against(
    one: Runs, runs: dict[tuple[str, str], Runs], name: str, split: str, questions: list[Question]
) -> Found | None:
    """The paired difference to a row at the same label count, or to one that has but one; on the seeds of both."""
    counts = [key for key in runs if key[0] == name]
    key = (name, one.labels) if (name, one.labels) in runs else counts[0] if len(counts) == 1 else None
    if key is None:
        return None
    other = runs[key]
    known = [each.seeds for each in (one, other) if not each.is_seedless] or [one.seeds]
    shared = [seed for seed in known[0] if all(seed in each for each in known)]
    if not shared:
        return None
    mine, theirs, places = one.with_seeds(shared), other.with_seeds(shared), range(len(questions))
    found = _rate(mine, split, questions, places, theirs)
    levels = [float(each.right(split, places).mean()) for each in (mine, theirs)]
    share = levels[0] / levels[1] if levels[1] else None
    return _plain(found, "difference") | {"labels": key[1], "seeds": len(shared), "share": share}


def _parts(one: Runs, split: str, questions: list[Question], key: Any) -> Found:
    """The rate of each kind of question."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, question in enumerate(questions):
        places[key(question)].append(place)
    rates = {name: _rate(one, split, questions, chosen) for name, chosen in places.items()}
    return {name: {"n": rate.n, **_plain(rate, "accuracy")} for name, rate in rates.items()}


def _told(one: Runs, plan: Plan) -> Found:
    """What the row is, its suggestions, and what its generator forgot."""
    row = plan.row(one.row)
    told: Found = {"says": row.says, "trial": plan.trial(row)}
    if any("pairs" in found for found in one.found):
        qualities = [found.get("reviewed", found["pairs"]) for found in one.found]
        total = {name: sum(quality[name] for quality in qualities) for name in qualities[0]}
        told["pairs"] = {
            "written": total["written"] / len(qualities),
            "kept": total["kept"] / len(qualities),
            "true of written": total["true of written"] / max(1, total["written"]),
            "true of kept": total["true of kept"] / max(1, total["kept"]),
        }
    if any("verdicts" in found for found in one.found):
        told["verdicts"] = fmean(found["verdicts"] for found in one.found)
    if any("everyday" in found for found in one.found):
        told["everyday"] = _everyday(one)
    generators = [found["generator"] for found in one.found if "generator" in found]
    shares = [generator["share by layer"] for generator in generators if "share by layer" in generator]
    if shares:
        told["share by layer"] = np.mean(shares, axis=0).tolist()
    return told


def _everyday(one: Runs) -> Found:
    """The generator's everyday accuracy beside the base's; scenes are the clusters."""
    base = one.found[0]["everyday"]["before"]
    before = np.array([base["right"]], bool)
    after = np.array([found["everyday"]["after"]["right"] for found in one.found], bool)
    lost = over_seeds(after, base["scenes"], before)
    rates = {"before": float(before.mean()), "after": float(after.mean()), "n": after.shape[1]}
    return rates | _plain(lost, "difference")


# ---- as people read it -------------------------------------------------------------------------------------------


def as_markdown(report: Found, against: Sequence[str] = ()) -> str:
    """The table, the types of question, what was written, and what was forgotten."""
    names = list(against) or sorted({name for row in report["rows"] for name in row["against"]})
    head = ["row", "labels", "seeds", f"accuracy, n {report['questions']}", *(f"− {name}" for name in names)]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in report["rows"]:
        differences = [_difference(row["against"].get(name)) for name in names]
        seeds = str(len(row["seeds"])) if len(row["seeds"]) > 1 else "–"
        lines.append(_line([row["row"], row["labels"], seeds, _interval(row, "accuracy"), *differences]))
    sections = [lines, _types(report), _suggestions(report), _forgotten(report)]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _types(report: Found) -> list[str]:
    """Accuracy by type of question, and by whether captions ever speak of it."""
    kinds = list(report["rows"][0]["by_type"]) if report["rows"] else []
    spoken = list(report["rows"][0].get("by_caption", {})) if report["rows"] else []
    lines = [_line(["by type", "labels", *kinds, *spoken]), _line(["---"] * (2 + len(kinds) + len(spoken)))]
    for row in report["rows"]:
        values = [row["by_type"][kind] for kind in kinds] + [row["by_caption"][kind] for kind in spoken]
        lines.append(_line([row["row"], row["labels"], *(f"{value['accuracy']:.2f}" for value in values)]))
    return lines


def _suggestions(report: Found) -> list[str]:
    rows = [row for row in report["rows"] if "pairs" in row]
    lines = [_line(["suggestions", "labels", "written", "kept", "true of written", "true of kept", "verdicts"])]
    lines.append(_line(["---"] * 7))
    for row in rows:
        pairs, verdicts = row["pairs"], f"{row['verdicts']:.0f}" if "verdicts" in row else "–"
        counts = [f"{pairs[name]:.0f}" for name in ("written", "kept")]
        shares = [f"{pairs[name]:.2f}" for name in ("true of written", "true of kept")]
        lines.append(_line([row["row"], row["labels"], *counts, *shares, verdicts]))
    return lines if rows else []


def _forgotten(report: Found) -> list[str]:
    rows = [row for row in report["rows"] if "everyday" in row]
    lines = [_line(["everyday test of the generator", "labels", "before", "after", "difference"])]
    lines.append(_line(["---"] * 5))
    for row in rows:
        found = row["everyday"]
        rates = [f"{found[name]:.3f}" for name in ("before", "after")]
        lines.append(_line([row["row"], row["labels"], *rates, _difference(found, 3)]))
    return lines if rows else []


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(value: Found, name: str) -> str:
    return f"{value[name]:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _difference(value: Found | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    low, high = (f"{value[name]:+.{digits}f}" for name in ("low", "high"))
    return f"{value['difference']:+.{digits}f} [{low}, {high}]"
