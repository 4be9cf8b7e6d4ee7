"""How other programs lay out pictures, questions and answers: written, and read back as rows of the import format.

    LAYOUTS["llava"].write(folder, rows, pictures)
    for place, row in rows_of(folder / "llava.json"): row()        # or None, where nobody knows the file

A layout never opens a picture and never follows a path: it turns one row into another, which the import then checks as
it checks its own (`leaml.store.formats`). Tables that hold their pictures are unpacked first (`layouts.arrow`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from leaml.errors import DataError, StorageError
from leaml.store.layouts import arrow, conversations, label_studio, simple
from leaml.store.rows import Picture
from leaml.store.tables import SUFFIXES, Row, RowError, from_json, raw_rows

LARGEST_JSON = 300_000_000
"""Bytes of a file that must be read whole."""

Write = Callable[[Path, Iterable[Row], Mapping[str, Picture]], None]
"""(folder, rows of questions, name of a row's picture -> the picture)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to write.

    Attributes:
        takes_all: it has a place for questions without an answer, and for suggestions that nobody accepted.
        holds_pictures: pictures stand in its tables, not in images/.
    """

    write: Write
    takes_all: bool = False
    holds_pictures: bool = False


LAYOUTS = {
    "jsonl": Layout(simple.write_jsonl_rows, takes_all=True),
    "csv": Layout(simple.write_csv_rows, takes_all=True),
    "parquet": Layout(arrow.write_parquet, takes_all=True, holds_pictures=True),
    "datasets": Layout(arrow.write_datasets, takes_all=True, holds_pictures=True),
    "llava": Layout(conversations.write),
    "label-studio": Layout(label_studio.write, takes_all=True),
    "vqa-rad": Layout(simple.write_vqa_rad),
    "kvasir-vqa": Layout(simple.write_kvasir),
}


def rows_of(path: Path) -> Iterator[tuple[str, Callable[[], Row]]] | None:
    """(place in the file, what gives the row or raises `RowError`); None where no layout looks like this file.

    Raises:
        StorageError: the file cannot be read.
    """
    if path.suffix.lower() == ".json":
        return _items(path)
    rows = raw_rows(path)
    first = next((_tried(row) for _, row in rows), None) if path.suffix.lower() in SUFFIXES else None
    if first is None or not simple.suits(first):
        return None
    return ((place, partial(_translated, row)) for place, row in raw_rows(path))


def _items(path: Path) -> Iterator[tuple[str, Callable[[], Row]]] | None:
    """The rows of a .json file, of which one item may make several."""
    try:
        if path.stat().st_size > LARGEST_JSON:
            return None
        whole = from_json(path.read_bytes())
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", "Check the file and disk.") from error
    except ValueError:
        return None
    items = whole if isinstance(whole, list) else [whole]
    first = next((item for item in items if isinstance(item, dict)), {})
    known = next((layout for layout in (label_studio, conversations, simple) if layout.suits(first)), None)
    return _each(items, known.rows) if known else None


def _each(items: list[Any], rows: Callable[[Row], Iterator[Row]]) -> Iterator[tuple[str, Callable[[], Row]]]:
    for number, item in enumerate(items, 1):
        place = f"item {number}"
        try:
            if not isinstance(item, dict):
                raise RowError("not a JSON object")
            made = list(rows(item))
        except RowError as error:
            yield place, partial(_refuse, str(error))
        except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:  # of any shape but the layout's
            yield place, partial(_refuse, f"not as this kind of file has it ({type(error).__name__})")
        else:
            yield from ((place, partial(dict, row)) for row in made)


def _refuse(reason: str) -> Row:
    raise RowError(reason)


def _tried(row: Callable[[], Row]) -> Row:
    try:
        return row()
    except (RowError, DataError):
        return {}


def _translated(row: Callable[[], Row]) -> Row:
    return next(simple.rows(row()))
