"""Tables that hold their pictures: parquet files, and folders that `datasets` saved. pyarrow is loaded when needed.

    data/train-00000-of-00001.parquet                                            as on the Hugging Face hub
    dataset_dict.json, train/data-00000-of-00001.arrow, train/state.json, …       as `save_to_disk` writes

To be read, they are unpacked into a folder in the import format. A picture is kept once, however many rows show it, and
under a name that leads nowhere.
"""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from leaml.errors import DataError
from leaml.files import write_whole
from leaml.store.layouts import simple
from leaml.store.rows import Picture
from leaml.store.tables import JSON_COLUMNS, Row, write_jsonl

AT_ONCE = 64
"""Rows that are held, with their pictures."""
TEXTS = [name for name in simple.FIELDS if name not in ("image", "choices")]
"""Columns of text; marks, signals and what was suggested stand in them as JSON."""
BESIDE = ("captions.jsonl", "pictures.jsonl")
_SAFE = re.compile(r"\w[\w. -]{0,150}\.(jpe?g|png|webp|bmp|tiff?|dcm)", re.ASCII | re.IGNORECASE)
_SPLITS = ("train", "test", "calibration", "validation", "valid", "val", "dev")


# ---- writing -----------------------------------------------------------------------------------------------------


def write_parquet(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """One file for each split, in data/."""
    import pyarrow.parquet

    (folder / "data").mkdir()
    for split, own in _by_split(rows, pictures).items():
        path = folder / "data" / f"{split}-00000-of-00001.parquet"
        with pyarrow.parquet.ParquetWriter(path, _schema()) as writer:
            for batch in _batches(own, pictures):
                writer.write_batch(batch)


def write_datasets(folder: Path, rows: Iterable[Row], pictures: Mapping[str, Picture]) -> None:
    """One folder for each split, as `datasets.load_from_disk` opens them."""
    import pyarrow

    schema, splits = _schema(), _by_split(rows, pictures)
    for split, own in splits.items():
        (folder / split).mkdir()
        path = folder / split / "data-00000-of-00001.arrow"
        with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_stream(file, schema) as writer:
            for batch in _batches(own, pictures):
                writer.write_batch(batch)
        _write_json(folder / split / "dataset_info.json", {"features": _features(), "citation": "", "description": ""})
        _write_json(folder / split / "state.json", {
            "_data_files": [{"filename": path.name}], "_fingerprint": sha256(split.encode()).hexdigest()[:16],
            "_format_columns": None, "_format_kwargs": {}, "_format_type": None, "_output_all_columns": False,
            "_split": split,
        })  # fmt: skip
    _write_json(folder / "dataset_dict.json", {"splits": list(splits)})


def _by_split(rows: Iterable[Row], pictures: Mapping[str, Picture]) -> dict[str, list[Row]]:
    """Rows by the name of their file; a picture that nothing is asked about has a row of its own."""
    found: dict[str, list[Row]] = defaultdict(list)
    left = dict(pictures)
    for row in rows:
        left.pop(row["image"], None)
        found[_file_name(row.get("split", "train"))].append(row)
    for image, picture in left.items():
        found[_file_name(picture.split)].append({"image": image, "split": picture.split, "group": picture.group})
    return dict(sorted(found.items()))


def _file_name(split: str) -> str:
    """What `datasets` takes for a split's name; the column says what it is called."""
    return re.sub(r"\W+", "_", split, flags=re.ASCII).strip("_") or "other"


def _schema() -> Any:
    import pyarrow

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    columns = [("image", picture), ("choices", pyarrow.list_(pyarrow.string()))]
    schema = pyarrow.schema([*columns, *((name, pyarrow.string()) for name in TEXTS)])
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": _features()}})})


def _features() -> dict[str, Any]:
    """What `datasets` wants to know of the columns."""
    text = {"dtype": "string", "_type": "Value"}
    known = {"image": {"_type": "Image"}, "choices": {"feature": text, "_type": "Sequence"}}
    return known | dict.fromkeys(TEXTS, text)


def _batches(rows: list[Row], pictures: Mapping[str, Picture]) -> Iterator[Any]:
    import pyarrow

    left = iter(rows)
    while part := list(islice(left, AT_ONCE)):
        yield pyarrow.RecordBatch.from_pylist([_packed(row, pictures[row["image"]]) for row in part], _schema())


def _packed(row: Row, picture: Picture) -> Row:
    packed = {name: row.get(name) for name in TEXTS} | {"choices": row.get("choices", [])}
    packed |= {name: json.dumps(row[name], ensure_ascii=False) for name in JSON_COLUMNS if row.get(name)}
    return packed | {"image": {"bytes": picture.path.read_bytes(), "path": picture.path.name}}


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value))


# ---- reading -----------------------------------------------------------------------------------------------------


def tables(folder: Path) -> list[Path]:
    """The files below a folder that hold pictures in a table."""
    found = [path for suffix in (".parquet", ".arrow") for path in folder.rglob(f"*{suffix}") if path.is_file()]
    return sorted(path for path in found if not path.name.startswith(("cache-", ".")))


def unpack(folder: Path, target: Path) -> None:
    """Writes what the tables of a folder hold into an empty folder, in the import format.

    Raises:
        DataError: pyarrow is not there, or a table cannot be read. StorageError, OSError: `target` cannot be written.
    """
    (target / "images").mkdir(parents=True)
    unpacked = _Unpacked(target)
    write_jsonl(target / "questions.jsonl", _noted(folder, unpacked))
    write_jsonl(target / "pictures.jsonl", unpacked.places.values())
    for name in BESIDE:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)


def _noted(folder: Path, unpacked: "_Unpacked") -> Iterator[Row]:
    for path in tables(folder):
        split = _split_of(path, folder)
        for row in _read(path):
            if (question := unpacked.take(row, split, path.name)) is not None:
                yield question


def _read(path: Path) -> Iterator[Row]:
    """The rows of a table."""
    try:
        yield from _opened(path)
    except ImportError as error:
        raise DataError(f"{path.name} cannot be read: pyarrow is missing.", "Run: pip install pyarrow.") from error
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError, MemoryError) as error:
        raise DataError(f"{path.name} cannot be read: it is damaged.", "Get the file again.") from error


def _opened(path: Path) -> Iterator[Row]:
    """The rows, a few at a time."""
    import pyarrow.parquet

    if path.suffix == ".parquet":
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(AT_ONCE):
                yield from batch.to_pylist()
    else:
        with pyarrow.memory_map(str(path)) as file, pyarrow.ipc.open_stream(file) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, AT_ONCE):
                    yield from batch.slice(start, AT_ONCE).to_pylist()


def _split_of(path: Path, folder: Path) -> str | None:
    """What the name of the file, or of its folder, says: train-00000-of-00001.parquet, test/data-….arrow."""
    for part in (path.name, *(parent.name for parent in path.parents if folder in parent.parents)):
        if (first := re.split(r"[-.]", part)[0].casefold()) in _SPLITS:
            return first
    return None


class _Unpacked:
    """Pictures that were written so far, each once."""

    def __init__(self, target: Path) -> None:
        self._folder = target / "images"
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self.places: dict[str, Row] = {}

    def take(self, row: Row, split: str | None, file: str) -> Row | None:
        """The question of a row of a file, its picture by name; None where it has only a picture."""
        column, data, path = next(_pictures(row), ("", None, ""))
        if data is None:
            raise DataError(f"{file} cannot be read: it holds no pictures.", "Give a table that holds its pictures.")
        name = self._store(data, path)
        rest = {key: value for key, value in row.items() if key != column and _is_plain(value)}
        made = next(simple.rows({"split": split, **{k: v for k, v in rest.items() if v is not None}, "image": name}))
        made = {key: value for key, value in made.items() if value is not None}
        if "question" in made:
            return made
        self.places[name] = {key: made[key] for key in ("image", "split", "group") if key in made}
        return None

    def _store(self, data: bytes, path: str) -> str:
        code = sha256(data).hexdigest()
        if code not in self._names:
            last = path.replace("\\", "/").rsplit("/", 1)[-1]
            name = last if _SAFE.fullmatch(last) else f"{code[:16]}.jpg"
            name = name if name.casefold() not in self._taken else f"{code[:16]} {name}"
            self._taken.add(name.casefold())
            (self._folder / name).write_bytes(data)
            self._names[code] = f"images/{name}"
        return self._names[code]


def _pictures(row: Row) -> Iterator[tuple[str, bytes, str]]:
    """(column, bytes, name) of the pictures in a row."""
    for column, value in row.items():
        if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
            yield column, value["bytes"], str(value.get("path") or "")
        elif isinstance(value, bytes):
            yield column, value, str(row.get("img_id") or row.get("file_name") or "")


def _is_plain(value: Any) -> bool:
    """Whether JSON can hold it, and it is short enough to be said of a picture."""
    return value is None or isinstance(value, str | int | float | bool) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )  # fmt: skip
