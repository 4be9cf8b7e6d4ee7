"""Everything that a report says, as one document of plain JSON: what page, card and plots write comes from here alone.

    document(Facts(…))["sets"][0]["rows"][2]["against_base"]["value"]

No person, no path and no machine is named: people are counted, pictures are numbered, models go by their public name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leaml.evaluation.clusters import CONFIDENCE
from leaml.evaluation.ranking import FOUND
from leaml.evaluation.resampling import FEWEST
from leaml.report.limits import limits
from leaml.report.names import BASE
from leaml.report.verdicts import of_calibration
from leaml.report.votes import Ballot, by_person, tally

FORMAT = 1
MOST_WORDINGS = 60

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read from a project.

    Attributes:
        model: "name", "base", "kind" ("lora", "neurons" or "full"), "trained_weights", "bytes", and the "adapter"'s
            number.
        comparison: the result of the comparison as its job keeps it; empty where nothing was compared.
        changes: per test set "n", "fixed", "broken", "both_right", "both_wrong", "differ".
        splits: rows with "split", "pictures", "independent" (patients, else pictures), "labelled", "labels".
        types: rows with "type", "labels".
        effort: "labels" and "verdicts" with "n", "timed", "minutes", "people"; "captions" with "n", "teachers".
        stages: what was run, in order: "kind", "options", "seconds".
        behind: how many of what the adapted model rests upon.
        looks: how often the test sets were used so far: "comparisons", and "models" that they compared with the base.
        examples: kind -> "of" (how many there are) and "rows".
    """

    title: str
    made: str
    version: str
    model: Json
    comparison: Json = field(default_factory=dict)
    changes: Mapping[str, Json] = field(default_factory=dict)
    splits: Sequence[Json] = ()
    types: Sequence[Json] = ()
    effort: Json = field(default_factory=dict)
    stages: Sequence[Json] = ()
    behind: Json = field(default_factory=dict)
    looks: Json = field(default_factory=dict)
    ballots: Sequence[Ballot] = ()
    examples: Mapping[str, Json] = field(default_factory=dict)


def document(facts: Facts) -> Json:
    """The whole report as JSON."""
    sets = [_set(split, found, facts) for split, found in facts.comparison.get("sets", {}).items()]
    name = next((one["adapted"]["name"] for one in sets if one["adapted"]), None)  # as the comparison calls it
    whole = {
        "format": FORMAT,
        "title": facts.title,
        "made": facts.made,
        "version": facts.version,
        "confidence": CONFIDENCE,
        "found": FOUND,
        "fewest": FEWEST,
        "model": facts.model,
        "sets": sets,
        "elsewhere": [_elsewhere(one) for one in facts.comparison.get("elsewhere", []) if one["model"] == name],
        "votes": _votes(facts.ballots),
        "splits": list(facts.splits),
        "types": list(facts.types),
        "effort": facts.effort,
        "stages": list(facts.stages),
        "behind": facts.behind,
        "looks": facts.looks,
        "examples": dict(facts.examples),
    }
    return whole | {"limits": limits(whole)}


def verdict(difference: Mapping[str, Any] | None) -> str:
    """What a difference with its interval says: "better", "worse", "undetermined", or "few" items to say anything."""
    if difference is None or difference["n"] < FEWEST:
        return "few"
    if difference["low"] > 0:
        return "better"
    return "worse" if difference["high"] < 0 else "undetermined"


def _set(name: str, found: Json, facts: Facts) -> Json:
    rows = [_row(row) for row in found["rows"]]
    adapted = next((row for row in rows if row["adapter"] == facts.model["adapter"]), None)
    base = next((row for row in rows if row["name"] == BASE), None)
    return {
        "name": name,
        "questions": found["questions"],
        "pictures": rows[0]["pictures"],
        "rows": rows,
        "base": base,
        "adapted": adapted,
        "against_base": verdict(adapted["against_base"]) if adapted else "few",
        "against_blind": verdict(adapted["against_blind"]) if adapted else "few",
        "by_type": _side_by_side(rows, "by_type"),
        "by_question": _side_by_side(rows, "by_question")[:MOST_WORDINGS],
        "changes": facts.changes.get(name),
        "has_open": any(row["open"] for row in rows),
    }


def _row(row: Json) -> Json:
    """A model's figures, without those of single groups: a group may be a patient."""
    kept = {name: value for name, value in row.items() if name != "by_group"}
    missing = {"by_question": {}, "open": None, "without_picture": None}
    trust = {kind: _trust(part) for kind, part in (row.get("trust") or {}).items()}
    return missing | kept | {"trust": trust or None}


def _trust(part: Json | None) -> Json | None:
    """With the verdict on its calibration, where there are answers enough; older comparisons know no limits."""
    if part is None or part["before"] is None:
        return part
    return {"temperature_limit": None} | part | {"verdict": of_calibration(part["before"])}


def _side_by_side(rows: Sequence[Json], by: str) -> list[Json]:
    """One entry per value: its name, its number of questions, and every model's figures."""
    names = list(dict.fromkeys(name for row in rows for name in row[by]))
    return [
        {
            "name": name,
            "n": next(row[by][name]["n"] for row in rows if name in row[by]),
            "cells": [row[by].get(name) for row in rows],
        }
        for name in names
    ]


def _elsewhere(found: Json) -> Json:
    """Folders are named by their last part as the comparison has them; that may be a path on somebody's disk."""
    return found | {"name": str(found["name"]).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]}


def _votes(ballots: Sequence[Ballot]) -> Json | None:
    """Votes of all and of each person, who goes by a number."""
    if not ballots:
        return None
    people = [{"name": f"Person {n}", **own} for n, own in enumerate(by_person(ballots).values(), start=1)]
    return {"everyone": tally(ballots), "people": people}
