"""Rows of .jsonl and .csv files, read one by one and written whole. What stands in a cell is data, never trusted.

    rows = read_table(Path("questions.csv"), parse, identity, problems)     # parse: row -> record, or RowError
    write_jsonl(path, rows); write_csv(path, columns, rows)

A row that cannot be used is named with its file, line and reason, and the rest goes in.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from leaml.errors import DataError, StorageError
from leaml.files import whole_file

SUFFIXES = (".jsonl", ".csv")
JSON_COLUMNS = ("marks", "signals", "suggested")
"""Columns of a .csv whose cells hold JSON."""
LONGEST_LINE = 1_000_000
"""Bytes of one line of a file."""
MOST_PROBLEMS = 1_000
"""Problems that are named; more are counted."""

_FORMULA = ("=", "+", "-", "@", "\t")
"""Beginnings of a cell that a spreadsheet runs."""
_BIDIRECTIONAL = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that make a text look other than it is."""

Row = dict[str, Any]
Record = TypeVar("Record")


class RowError(Exception):
    """Why one row cannot be used; follows "FILE line N: "."""


# ---- reading -----------------------------------------------------------------------------------------------------


def read_table(
    path: Path, parse: Callable[[Row], Record], identity: Callable[[Record], Hashable], problems: list[str] | None
) -> list[Record]:
    """Reads the rows of a .jsonl or .csv file.

    Args:
        parse: a row -> a record; raises `RowError` where it cannot be used.
        identity: what makes a later row a repetition of an earlier one.
        problems: takes a sentence per row that cannot be used. Without it, such a row raises.

    Raises:
        DataError: no such file, or not of a known kind; a row that cannot be used, where `problems` is not given.
        StorageError: the file cannot be read.
    """
    return read_rows(path.name, raw_rows(path), parse, identity, problems)


def read_rows(
    name: str,
    rows: Iterable[tuple[str, Callable[[], Row]]],
    parse: Callable[[Row], Record],
    identity: Callable[[Record], Hashable],
    problems: list[str] | None,
) -> list[Record]:
    """As `read_table`, of rows as `raw_rows` gives them; `name` is that of their file."""
    found = problems if problems is not None else []
    records: list[Record] = []
    seen: dict[Hashable, str] = {}
    for place, row in rows:
        try:
            record = parse(row())
            known = identity(record)
            if known in seen:
                raise RowError(f"the same as {seen[known]}")
            seen[known] = place
        except RowError as error:
            note(found, f"{name} {place}: {error}")
        else:
            records.append(record)
    if problems is None and found:
        raise DataError(f"{len(found)} rows cannot be used. First: {found[0]}.", "Correct or remove them.")
    return records


def note(problems: list[str], problem: str) -> None:
    """Adds a problem; beyond the first thousand they are counted only."""
    if len(problems) < MOST_PROBLEMS:
        problems.append(problem)
        return
    counted = problems[MOST_PROBLEMS:]
    more = int(counted[0].split()[1]) + 1 if counted else 1
    problems[MOST_PROBLEMS:] = [f"and {more} more problems"]


def how_many(problems: Sequence[str]) -> int:
    """How many problems `note` was given."""
    more = re.fullmatch(r"and (\d+) more problems", problems[-1]) if problems else None
    return len(problems) - 1 + int(more[1]) if more else len(problems)


def raw_rows(path: Path) -> Iterator[tuple[str, Callable[[], Row]]]:
    """("line 7", what gives the row or raises `RowError`) of every row of a .jsonl or .csv file that is not blank.

    Raises:
        DataError: no such file, or of another kind. StorageError: it cannot be read.
    """
    return ((f"line {number}", row) for number, row in _rows(path))


def _rows(path: Path) -> Iterator[tuple[int, Callable[[], Row]]]:
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path.name} is not a table.", f"Give a file that ends with {' or '.join(SUFFIXES)}.")
    if path.suffix.lower() == ".csv":
        return _csv_rows(path)
    return ((number, partial(_row, line)) for number, line in _lines(path) if line.strip())


def _csv_rows(path: Path) -> Iterator[tuple[int, Callable[[], Row]]]:
    """As `_rows`; a row of several lines has the number of its first."""
    lines = (line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape") for number, line in _lines(path))
    head = next(lines, "")
    # Spreadsheets write semicolons where the comma stands in numbers.
    delimiter = max(",;\t", key=head.count)
    columns = [name.strip().casefold() for name in next(csv.reader([head], delimiter=delimiter), [])]
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        number = reader.line_num + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, partial(_cells_to_row, columns, [], str(error))
            continue
        if any(cell.strip() for cell in cells):
            yield number, partial(_cells_to_row, columns, cells)


def _cells_to_row(columns: list[str], cells: list[str], fault: str = "") -> Row:
    if fault:
        raise RowError(f"not CSV ({fault})")
    if len(cells) > len(columns):
        raise RowError(f"{len(cells)} cells for {len(columns)} columns; a text with a comma needs quotation marks")
    if any("\udc80" <= character <= "\udcff" for cell in cells for character in cell):
        raise RowError("not UTF-8 text")
    # The apostrophe that `write_csv` put in front of a formula goes.
    cells = [cell[1:] if cell.startswith("'") and _runs(cell) else cell for cell in cells]
    row: Row = dict(zip(columns, cells))
    row |= {name: _json_cell(name, row[name]) for name in JSON_COLUMNS if row.get(name, "").strip()}
    if choices := row.pop("choices", "").strip():
        row["choices"] = choices.split("|" if "|" in choices else ";")
    return row


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line). Of a line beyond the limit only the start is held."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Check its name.")
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                rest = line
                while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST_LINE + 1)
                yield number, line
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", "Check the file and disk.") from error


def _row(line: bytes) -> Row:
    if len(line) > LONGEST_LINE:
        raise RowError(f"longer than {LONGEST_LINE:,} bytes")
    try:
        row = from_json(line)
    except ValueError as error:
        raise RowError(str(error)) from error
    if not isinstance(row, dict):
        raise RowError("not a JSON object")
    return row


def from_json(data: bytes | str) -> Any:
    """What JSON says. Raises ValueError with a reason that can be shown."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({str(error)[:80]})") from error


def _json_cell(name: str, cell: str) -> Any:
    try:
        return from_json(cell)
    except ValueError as error:
        raise RowError(f'the field "{name}" is {error}') from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


# ---- texts -------------------------------------------------------------------------------------------------------


def text(row: Row, name: str, longest: int, required: bool = False) -> str:
    """A field as one line of visible text; "" where it is not there.

    Raises:
        RowError: it is no text, too long, or missing though `required`.
    """
    value = row.get(name)
    found = "" if value is None else plain(value, name, longest)
    if required and not found:
        raise RowError(f'the field "{name}" is missing')
    return found


def plain(value: Any, name: str, longest: int) -> str:
    """The value of field `name` as one line of visible text of at most `longest` characters, else `RowError`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RowError(f'the field "{name}" is not a text')
    if len(str(value)) > longest:
        raise RowError(f'the field "{name}" has {len(str(value)):,} characters; {longest:,} are allowed')
    return visible(str(value))


def visible(text: str) -> str:
    """One line of visible text: control characters and marks that turn the reading direction are dropped."""
    text = " ".join(text.split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDIRECTIONAL).strip()


def shown(text: str) -> str:
    """Foreign text for a message: short, and with everything invisible escaped."""
    text = text[:80]
    return repr(text) if text.isprintable() else ascii(text)


# ---- writing -----------------------------------------------------------------------------------------------------


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Writes one JSON object per line, in UTF-8, and returns how many. Atomic: the old file stays until all is written.

    Raises:
        StorageError: the file cannot be written.
        DataError: a row cannot be written as JSON.
    """
    count = 0
    with whole_file(path) as file:
        for row in rows:
            try:
                file.write(json.dumps(dict(row), ensure_ascii=False, allow_nan=False) + "\n")
            except (TypeError, ValueError) as error:
                what = f"Row {count + 1} of {path.name} cannot be written as JSON: {error}."
                raise DataError(what, "Correct the row.") from error
            count += 1
    return count


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    """Writes a table that a spreadsheet opens as it is meant, and returns how many rows. Atomic, as `write_jsonl`.

    A list becomes one cell, separated by "|". A text that a spreadsheet would take for a formula gets an apostrophe in
    front, which reading takes away.

    Raises:
        StorageError: the file cannot be written.
    """
    count = 0
    with whole_file(path) as file:
        file.write("\ufeff")  # without it, Excel takes UTF-8 for the code page of the country
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row.get(column)) for column in columns])
            count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, dict) or (isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value)):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, list | tuple):
        value = "|".join(map(str, value))
    return "'" + value if isinstance(value, str) and _runs(value) else value


def _runs(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula, were there no apostrophes in front."""
    return cell.lstrip("'").startswith(_FORMULA)
