"""One row, one question: tables of the import format itself, of Hugging Face image folders, VQA-RAD and Kvasir-VQA.

    {"file_name": "1.jpg", "question": "Is there a polyp?", "answer": "yes"}                     metadata.jsonl
    {"image_name": "1.jpg", "question": "…", "answer": "Yes", "phrase_type": "test_freeform"}    VQA-RAD
    img_id,source,question,answer                                                               Kvasir-VQA
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from leaml.files import write_whole
from leaml.records import QUESTION_TYPES
from leaml.store.rows import Picture
from leaml.store.tables import JSON_COLUMNS, Row, from_json, write_csv, write_jsonl

FIELDS = (
    "image", "question", "answer", "type", "choices", "split", "group", "origin", "person", "run", "verdict",
    "reviewer", "reason", "marks", "signals", "suggested",
)  # fmt: skip
"""Of a row of the import format; see `leaml.store.annotation`."""
VQA_RAD = "VQA_RAD Dataset Public.json"
KVASIR = "metadata.csv"
_PICTURE = ("image", "file_name", "image_name", "img_id", "image_path", "filename")
_CAPTION = ("caption", "text")
_SPLITS = {"validation": "calibration", "valid": "calibration", "val": "calibration", "dev": "calibration"}


def suits(row: Row) -> bool:
    """Whether a row names a picture and says something of it."""
    return any(name in row for name in _PICTURE) and any(name in row for name in ("question", *_CAPTION))


def rows(row: Row) -> Iterator[Row]:
    """The row in the import format: of a question, of a caption, or of a picture alone."""
    made = {name: row[name] for name in FIELDS if row.get(name) not in (None, "")}
    made |= {name: from_json(made[name]) for name in JSON_COLUMNS if isinstance(made.get(name), str)}
    made["image"] = next((str(row[name]) for name in _PICTURE if row.get(name) not in (None, "")), None)
    made["split"] = split_of(row)
    made.setdefault("origin", row.get("source"))
    if "question" in made:
        if made.get("type") not in QUESTION_TYPES:
            made["type"] = guessed(made.get("answer"), made.get("choices"))
    elif caption := next((row[name] for name in _CAPTION if row.get(name)), None):
        made["caption"] = caption
    yield made


def split_of(row: Row) -> str | None:
    """The split that a row names; VQA-RAD names it in the kind of its phrase."""
    named = row.get("split")
    if named in (None, "") and isinstance(row.get("phrase_type"), str):
        return "test" if row["phrase_type"].startswith("test") else "train"
    return _SPLITS.get(named, named) if isinstance(named, str) else named


def guessed(answer: Any, choices: Any = None) -> str:
    """The type of a question of which nobody says it: by its answer and choices."""
    given = str(answer or "").strip().casefold()
    if given in ("yes", "no"):
        return "yes/no"
    if choices:
        return "single choice"
    return "count" if given.isdecimal() else "open"


def write_jsonl_rows(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """questions.jsonl of the import format."""
    write_jsonl(folder / "questions.jsonl", rows)


def write_csv_rows(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """questions.csv of the import format."""
    write_csv(folder / "questions.csv", FIELDS, rows)


def write_vqa_rad(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """One JSON list, with the fields of VQA-RAD's public file."""
    write_list(folder / VQA_RAD, (_vqa_rad(number, row) for number, row in enumerate(rows, 1)))


def write_kvasir(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """metadata.csv, with the columns of Kvasir-VQA first."""
    rest = [name for name in FIELDS if name not in ("image", "question", "answer", "origin")]
    columns = ("img_id", "source", "question", "answer", *rest)
    ids = ({"img_id": Path(row["image"]).stem, "source": row.get("origin", ""), **row} for row in rows)
    write_csv(folder / KVASIR, columns, ids)


def write_list(path: Path, items: Iterable[Any]) -> None:
    """A JSON list, an item on each line."""
    lines = (json.dumps(item, ensure_ascii=False, allow_nan=False) for item in items)
    write_whole(path, "[\n" + ",\n".join(lines) + "\n]\n")


def _vqa_rad(number: int, row: Row) -> Row:
    closed = row["type"] != "open"
    phrase = "test_freeform" if row.get("split") == "test" else "freeform"
    own = {name: value for name, value in row.items() if name != "image"}
    return {
        "qid": str(number), "phrase_type": phrase, "image_name": Path(row["image"]).name,
        "answer_type": "CLOSED" if closed else "OPEN", **own,
    }  # fmt: skip
