"""From any answer of a model back to the labels, captions and verdicts behind it."""

from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.store.database import Database
from leaml.store.rows import Adapter, CaptionRow, PairState, PredictionRow


def lineage(database: Database, folder: Path, prediction_id: int) -> dict[str, Any]:
    """Everything behind one prediction; see `Project.lineage`."""
    row = database.row("predictions", id=prediction_id)
    if row is None:
        raise DataError(f"There is no answer {prediction_id} in this project.", "Reload: it may be gone.")
    adapter = database.row("adapters", id=row["adapter_id"])
    used = _behind(database, {adapter["job_id"]} if adapter else set())
    pairs = [PairState.of(pair, folder) for pair in database.rows("pair_states", id=used["pair"])]
    return {
        "prediction": PredictionRow.of(row),
        "pair": PairState.of(database.row("pair_states", id=row["pair_id"]), folder),
        "adapter": Adapter.of(adapter, folder) if adapter else None,
        "job": database.row("jobs", id=adapter["job_id"]) if adapter else None,
        "jobs": database.rows("jobs", id=used["job"]),
        "adapters": [Adapter.of(found, folder) for found in database.rows("adapters", id=used["adapter"])],
        "labels": [pair for pair in pairs if pair.origin != "generator"],
        "pairs": [pair for pair in pairs if pair.origin == "generator"],
        "verdicts": database.rows("verdicts", id=used["verdict"]),
        "captions": _captions(database, folder, used["caption"]),
    }


def learned_from(database: Database, job_id: int | None) -> set[int]:
    """Numbers of the pictures behind what a job made; see `Project.learned_from`."""
    used = _behind(database, {job_id})
    pictures = (
        row["image_id"] for table, kind in (("pairs", "pair"), ("captions", "caption"))
        for row in database.rows(table, id=used[kind])
    )  # fmt: skip
    return set(pictures)


def _behind(database: Database, jobs: set[int | None]) -> dict[str, list[int]]:
    """Kind -> numbers of what these jobs rest upon: what they used, and what the jobs behind that used."""
    used: dict[str, set[int]] = {kind: set() for kind in ("job", "pair", "caption", "verdict", "adapter")}
    while jobs := jobs - used["job"] - {None}:
        used["job"] |= jobs
        for row in database.rows("inputs", job_id=jobs):
            used[row["kind"]].add(row["item_id"])
        jobs = {row["resume_of"] for row in database.rows("jobs", id=jobs)}
        for kind, table in (("adapter", "adapters"), ("pair", "pairs"), ("caption", "captions")):
            jobs |= {row["job_id"] for row in database.rows(table, id=used[kind])}
    return {kind: sorted(ids) for kind, ids in used.items()}


def _captions(database: Database, folder: Path, ids: list[int]) -> list[CaptionRow]:
    rows = database.rows("captions", id=ids)
    files = {row["id"]: row["file"] for row in database.rows("images", id=[row["image_id"] for row in rows])}
    return [CaptionRow.of(row, folder / files[row["image_id"]]) for row in rows]
