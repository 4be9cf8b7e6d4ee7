"""What a report says of a project, read from its store into plain values. No torch.

    document(facts_of(project, comparison, adapter))

Nobody is named and nothing on this disk is: people are counted, pictures go by their number in the project.
"""

import random
import re
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath
from typing import Any

from leaml import __version__
from leaml.jobs.ballots import ballots
from leaml.jobs.queue import Job, job_of
from leaml.report.document import Facts
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Adapter, PairState, PredictionRow, Project

Json = dict[str, Any]
Both = tuple[PredictionRow, PredictionRow]
"""What base and adapted model answered to one question."""

EXAMPLES_SEED = 0
STAGES = ("import", "caption", "distil", "generate", "adapt")
"""Kinds of jobs that a model comes from, in their order."""
UNSAID = ("folder", "other_pictures")
"""Options that name a place on somebody's disk."""


def facts_of(project: Project, comparison: Job | None, adapter: Adapter, examples: int = 4) -> Facts:
    """Everything about one adapted model.

    Args:
        comparison: whose figures are reported; None where nothing was compared.
        examples: how many questions are shown of each kind.
    """
    both = answers_of(project, comparison, adapter.id) if comparison else {}
    sets = comparison.result["sets"] if comparison else {}  # calibration pictures are answered too, and are no test
    asked = {pair.id: pair for pair in project.pairs(id=list(both), split=list(sets))}
    return Facts(
        title=project.title,
        made=date.today().isoformat(),
        version=__version__,
        model=model_of(adapter),
        comparison=comparison.result if comparison else {},
        changes=_changes(asked, both),
        splits=_splits(project),
        types=_types(project),
        effort=_effort(project),
        stages=_stages(project, adapter),
        behind=_behind(project, adapter),
        looks=_looks(project),
        ballots=ballots(project, comparison, adapter.id) if comparison else (),
        examples=_examples(asked, both, examples),
    )


def model_of(adapter: Adapter) -> Json:
    """An adapted model as others may know it."""
    return {
        "adapter": adapter.id, "name": adapter.name, "base": public_name(adapter.base), "kind": adapter.kind,
        "trained_weights": adapter.trained_weights, "bytes": adapter.bytes,
    }  # fmt: skip


def public_name(model: str) -> str:
    """A model's name without the place where it lies: "nano" and "org/name" stay, of a folder the last part stays."""
    is_place = re.match(r"[/\\~.]|[A-Za-z]:", model) or "\\" in model or model.count("/") > 1
    return PurePath(model.replace("\\", "/")).name if is_place else model


# ---- the comparison ----------------------------------------------------------------------------------------------


def answers_of(project: Project, comparison: Job, adapter: int) -> dict[int, Both]:
    """Number of a question -> what base and adapted model answered, where both did."""
    rows = project.predictions(comparison.run, order="pair_id", adapter_id=None)
    base = {row.pair_id: row for row in rows}
    after = {row.pair_id: row for row in project.predictions(comparison.run, order="pair_id", adapter_id=adapter)}
    return {id: (base[id], after[id]) for id in base if id in after}


def _looks(project: Project) -> Json:
    """How often the test sets were used so far, and for how many adapted models."""
    rows = project.db.rows("jobs", kind="compare", state="done")
    runs = {job_of(project, row).run for row in rows if row["options"].get("on", "test") == "test"}
    asked = project.db.counts("predictions", "adapter_id", job_id=list(runs))
    return {"comparisons": len(runs), "models": len(asked.keys() - {None})}


def _changes(asked: dict[int, PairState], both: dict[int, Both]) -> dict[str, Json]:
    """Per split, what became of its questions."""
    found: dict[str, Json] = {}
    for id, pair in asked.items():
        base, after = both[id]
        names = ("n", "fixed", "broken", "both_right", "both_wrong", "differ")
        counts = found.setdefault(pair.split, dict.fromkeys(names, 0))
        counts["n"] += 1
        counts[_kind(base, after)] += 1
        counts["differ"] += base.text.casefold() != after.text.casefold()
    return found


def _kind(base: PredictionRow, after: PredictionRow) -> str:
    if base.correct:
        return "both_right" if after.correct else "broken"
    return "fixed" if after.correct else "both_wrong"


def _examples(asked: dict[int, PairState], both: dict[int, Both], most: int) -> dict[str, Json]:
    """Questions drawn by chance, with a fixed seed: of all (`typical`), of the fixed, of the broken ones."""
    kinds = {"typical": list(asked), "fixed": [], "broken": []}
    for id in asked:
        kinds.get(_kind(*both[id]), []).append(id)
    draw = random.Random(EXAMPLES_SEED)
    return {
        kind: {
            "of": len(ids),
            "shown": min(most, len(ids)),
            "rows": [_example(asked[id], both[id]) for id in sorted(draw.sample(ids, min(most, len(ids))))],
        }
        for kind, ids in kinds.items()
    }


def _example(pair: PairState, both: Both) -> Json:
    base, after = both
    return {
        "picture": pair.image_id, "question": pair.question, "label": pair.answer, "type": pair.type,
        "base": {"text": base.text, "right": base.correct}, "adapted": {"text": after.text, "right": after.correct},
    }  # fmt: skip


# ---- what went in ------------------------------------------------------------------------------------------------


def _splits(project: Project) -> list[Json]:
    labelled = project.db.counts("pair_states", "split, image_id", status="label")
    found = []
    for split in project.db.counts("images", "split"):
        if split == ARRIVING:
            continue
        pictures = project.pictures(split)
        labels = [n for (of, _), n in labelled.items() if of == split]
        found.append({
            "split": split, "pictures": len(pictures), "labelled": len(labels), "labels": sum(labels),
            "independent": len({picture.group or picture.id for picture in pictures}), "used": split != LEFT_OUT,
        })  # fmt: skip
    return sorted(found, key=lambda row: -row["pictures"])


def _types(project: Project) -> list[Json]:
    counts = project.db.counts("pair_states", "type", status="label")
    return [{"type": type, "labels": n} for type, n in sorted(counts.items(), key=lambda item: -item[1])]


def _effort(project: Project) -> Json:
    labels = project.db.rows("pair_states", status="label")
    verdicts = project.db.rows("verdicts", withdrawn=0)
    captions = project.db.counts("captions", "teacher")
    return {
        "labels": _timed(labels, lambda row: row["source"] or row["person"]),
        "verdicts": _timed([row for row in verdicts if row["queue"] != "bulk"], lambda row: row["person"]),
        "bulk": sum(row["queue"] == "bulk" for row in verdicts),
        "captions": {"n": sum(captions.values()), "teachers": sorted(map(public_name, captions))},
    }


def _timed(rows: Sequence[Json], who: Any) -> Json:
    """How many, by how many people, and the minutes of those of which a time was kept."""
    seconds = [row["seconds"] for row in rows if row["seconds"]]
    people = {who(row) for row in rows} - {None, ""}
    return {"n": len(rows), "people": len(people), "timed": len(seconds), "minutes": round(sum(seconds) / 60, 2)}


# ---- where the model comes from ----------------------------------------------------------------------------------


def _lineage(project: Project, adapter: Adapter) -> Json | None:
    """Of one of the model's answers: what stands behind it stands behind the model."""
    row = project.db.row("predictions", adapter_id=adapter.id)
    return project.lineage(row["id"]) if row else None


def _behind(project: Project, adapter: Adapter) -> Json:
    """How much of what the model rests upon, through every generator before it."""
    found = _lineage(project, adapter)
    if found is None:
        return {}
    verdicts = {row["pair_id"]: row for row in found["verdicts"]}
    bulk = sum(row["queue"] == "bulk" for row in verdicts.values())
    return {
        "labels": len(found["labels"]), "suggestions": len(found["pairs"]), "captions": len(found["captions"]),
        "unseen": bulk, "looked_at": len(verdicts) - bulk, "corrected": sum(pair.edited for pair in found["pairs"]),
        "generators": sum(made.role == "generator" for made in found["adapters"]),
    }  # fmt: skip


def _stages(project: Project, adapter: Adapter) -> list[Json]:
    """The jobs that led to the model, with their options and how long they took."""
    found = _lineage(project, adapter)
    rows = found["jobs"] if found else project.db.rows("jobs", id=adapter.job_id)
    known = (job_of(project, row) for row in rows if row["kind"] in STAGES)
    jobs = sorted(known, key=lambda job: (STAGES.index(job.kind), job.id))
    return [_stage(job) for job in jobs]


def _stage(job: Job) -> Json:
    seconds, resumed = round(job.seconds, 1), job.resume_of is not None
    return {"kind": job.kind, "options": _options(job), "seconds": seconds, "resumed": resumed}


def _options(job: Job) -> list[Json]:
    """Names and values, without what names a place."""
    named = ((name, value) for name, value in job.options.items() if name not in UNSAID)
    return [{"name": name, "value": _public(name, value)} for name, value in named]


def _public(name: str, value: Any) -> Any:
    """What others may know of an option: that pictures were shown to a server, not where it stands."""
    if name == "server":
        return "one was used" if value else ""
    return public_name(value) if name == "model" else value
