"""The import format: a folder with `images/`, `questions.jsonl` and `captions.jsonl`. No torch, no picture is opened.

    {"image": "images/1.jpg", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "split": "test",
     "group": "patient 7", "choices": ["yes", "no"], "origin": "Dr. A"}          one line of questions.jsonl
    {"image": "images/1.jpg", "caption": "A polyp is seen.", "teacher": "file"}   one line of captions.jsonl

`answer`, `split`, `group`, `choices`, `origin` and `teacher` may be left out. A row that cannot be used is named with
its file, line and reason, and the rest goes in. What stands in the files stays data: paths never lead out of the
folder, control characters are dropped, and texts beyond the limits below are refused.
"""

import json
import os
import unicodedata
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from leaml.errors import DataError, StorageError
from leaml.records import QUESTION_TYPES, Caption, Question

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LONGEST_LINE = 1_000_000
"""Bytes of one line of a .jsonl file."""
LONGEST_TEXT = 2_000
"""Characters of a question, an answer or a choice."""
LONGEST_CAPTION = 10_000
LONGEST_NAME = 300
"""Characters of a split, group, origin or teacher."""
LONGEST_PATH = 1_000
MOST_CHOICES = 100
MOST_PROBLEMS = 1_000
"""Problems that are named; more are counted."""

_BIDIRECTIONAL = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that make a text look other than it is."""


Record = TypeVar("Record", Question, Caption)


class _RowError(Exception):
    """Why one row cannot be used; caught here, and named as a problem."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder in the import format holds.

    Attributes:
        folder: resolved.
        images: every picture below images/, sorted, whether or not anything is asked about it.
        questions: in the order of the file; `answer` is None where nobody has answered.
        captions: in the order of the file.
        problems: one sentence per row or picture that was left out: file, line, reason.
    """

    folder: Path
    images: list[Path]
    questions: list[Question]
    captions: list[Caption]
    problems: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> Dataset:
    """Reads a folder in the import format. Missing .jsonl files mean no questions, or no captions.

    Raises:
        DataError: the folder is missing, or holds nothing that can be used.
        StorageError: a file cannot be read.
    """
    root = _root(folder)
    problems: list[str] = []
    images = _pictures(root, problems)
    questions: list[Question] = []
    captions: list[Caption] = []
    if (root / "questions.jsonl").is_file():
        questions = read_questions(root, problems)
    if (root / "captions.jsonl").is_file():
        captions = read_captions(root, problems)
    if not (images or questions or captions):
        first = f" First problem: {problems[0]}." if problems else ""
        raise DataError(
            f"{folder} holds no picture, question or caption that can be used.{first}",
            "Give a folder with images/, and questions.jsonl where there are questions.",
        )
    return Dataset(root, images, questions, captions, problems)


def read_questions(folder: Path, problems: list[str] | None = None) -> list[Question]:
    """Reads `questions.jsonl`.

    Args:
        folder: the folder that holds it; pictures are named relative to this folder.
        problems: takes a sentence per row that cannot be used. Without it, such a row raises.

    Raises:
        DataError: no such folder or file; a row that cannot be used, where `problems` is not given.
        StorageError: the file cannot be read.
    """
    return _read(_root(folder), "questions.jsonl", _question, lambda q: (q.image, q.question), problems)


def read_captions(folder: Path, problems: list[str] | None = None) -> list[Caption]:
    """Reads `captions.jsonl`; arguments and errors as in `read_questions`."""
    return _read(_root(folder), "captions.jsonl", _caption, lambda c: (c.image, c.caption, c.teacher), problems)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Writes one JSON object per line, in UTF-8, and returns how many. Atomic: the old file stays until all is written.

    Raises:
        StorageError: the file cannot be written.
        DataError: a row cannot be written as JSON.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    count = 0
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            for row in rows:
                file.write(json.dumps(dict(row), ensure_ascii=False, allow_nan=False) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Check that the folder exists and the disk has room.") from error
    except (TypeError, ValueError) as error:
        what = f"Row {count + 1} of {path.name} cannot be written as JSON: {error}."
        raise DataError(what, "Correct the row.") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _root(folder: Path) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Give a folder that holds images/ and questions.jsonl.")
    return folder.resolve()


def _pictures(root: Path, problems: list[str]) -> list[Path]:
    pictures = []
    for path in sorted((root / "images").rglob("*")):
        if path.suffix.lower() not in PICTURE_SUFFIXES or path.name.startswith("."):
            continue
        try:
            pictures.append(_inside(root, path.relative_to(root).as_posix()))
        except _RowError as error:
            _note(problems, f"images/: {error}")
    # Two names of one file (a link inside the folder) are one picture.
    return list(dict.fromkeys(pictures))


def _read(
    root: Path,
    name: str,
    parse: Callable[[Path, dict[str, Any]], Record],
    identity: Callable[[Record], Hashable],
    problems: list[str] | None,
) -> list[Record]:
    found = problems if problems is not None else []
    records: list[Record] = []
    seen: dict[Hashable, int] = {}
    for number, line in _lines(root / name):
        try:
            record = parse(root, _row(line))
            first = seen.setdefault(identity(record), number)
            if first != number:
                raise _RowError(f"the same as line {first}")
        except _RowError as error:
            _note(found, f"{name} line {number}: {error}")
        else:
            records.append(record)
    if problems is None and found:
        raise DataError(f"{len(found)} rows cannot be used. First: {found[0]}.", "Correct or remove them.")
    return records


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line) of every line that is not blank. Of a line beyond the limit only the start is held."""
    if not path.is_file():
        raise DataError(f"There is no file {path}.", "Write one JSON object per line into it.")
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                rest = line
                while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST_LINE + 1)
                if line.strip():
                    yield number, line
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.", "Check the file and disk.") from error


def _note(problems: list[str], problem: str) -> None:
    if len(problems) < MOST_PROBLEMS:
        problems.append(problem)
        return
    counted = problems[MOST_PROBLEMS:]
    more = int(counted[0].split()[1]) + 1 if counted else 1
    problems[MOST_PROBLEMS:] = [f"and {more} more problems"]


def _row(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise _RowError(f"longer than {LONGEST_LINE:,} bytes")
    try:
        row = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise _RowError("not UTF-8 text") from error
    except (ValueError, RecursionError) as error:
        raise _RowError(f"not JSON ({str(error)[:80]})") from error
    if not isinstance(row, dict):
        raise _RowError("not a JSON object")
    return row


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _question(root: Path, row: dict[str, Any]) -> Question:
    image = _picture(root, row)
    question = _text(row, "question", LONGEST_TEXT, required=True)
    type = _type(row)
    choices = _choices(row)
    return Question(
        image=image,
        question=question,
        answer=_answer(row, type, choices),
        type=type,
        split=_text(row, "split", LONGEST_NAME) or "train",
        group=_text(row, "group", LONGEST_NAME),
        choices=choices,
        origin=_text(row, "origin", LONGEST_NAME),
    )


def _caption(root: Path, row: dict[str, Any]) -> Caption:
    image = _picture(root, row)
    caption = _text(row, "caption", LONGEST_CAPTION, required=True)
    return Caption(image, caption, _text(row, "teacher", LONGEST_NAME))


def _picture(root: Path, row: dict[str, Any]) -> Path:
    name = row.get("image")
    if not isinstance(name, str) or not name.strip():
        raise _RowError('the field "image" is missing')
    return _inside(root, name)


def _inside(root: Path, name: str) -> Path:
    """The resolved path of a picture that lies in the folder, links followed."""
    shown = _shown(name)
    if len(name) > LONGEST_PATH or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise _RowError(f"the picture's name {shown} cannot be used")
    # Folders written on Windows separate by backslash and may start with a drive.
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or parts[0].endswith(":") or ".." in parts:
        raise _RowError(f"the picture {shown} leads out of the folder")
    try:
        path = root.joinpath(*parts).resolve()
        missing = not path.is_file()
    except (OSError, RuntimeError) as error:
        raise _RowError(f"the picture {shown} cannot be opened ({error})") from error
    if not path.is_relative_to(root):
        raise _RowError(f"the picture {shown} leads out of the folder")
    if missing:
        raise _RowError(f"the picture {shown} is not there")
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise _RowError(f"{shown} is not a picture ({' '.join(PICTURE_SUFFIXES)})")
    return path


def _type(row: dict[str, Any]) -> str:
    name = _text(row, "type", LONGEST_NAME, required=True)
    type = name.casefold().replace("color", "colour")
    if type not in QUESTION_TYPES:
        raise _RowError(f"the type {_shown(name)} is unknown; known are: {', '.join(QUESTION_TYPES)}")
    return type


def _choices(row: dict[str, Any]) -> tuple[str, ...]:
    values = row.get("choices")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MOST_CHOICES:
        raise _RowError(f"the choices are not a list of at most {MOST_CHOICES}")
    choices = tuple(_plain(value, "choices", LONGEST_TEXT) for value in values)
    if not all(choices):
        raise _RowError("one of the choices is empty")
    if len({_key(choice) for choice in choices}) < len(choices):
        raise _RowError("one of the choices stands there twice")
    return choices


def _answer(row: dict[str, Any], type: str, choices: tuple[str, ...]) -> str | None:
    """The answer, spelled as its choices are; None where there is none."""
    answer = _text(row, "answer", LONGEST_TEXT)
    if not answer:
        return None
    offered = {_key(choice): choice for choice in choices or (("yes", "no") if type == "yes/no" else ())}
    if not offered or _key(answer) in offered:
        return offered.get(_key(answer), answer)
    several = type in ("multiple choice", "location", "colour")
    members = [member.strip() for member in answer.split(";") if member.strip()] if several else [answer]
    for member in members:
        if _key(member) not in offered:
            raise _RowError(
                f"the answer {_shown(member)} is not among its choices: {_shown(', '.join(offered.values()))}"
            )
    return "; ".join(offered[_key(member)] for member in members)


def _key(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").split()) or text


def _text(row: dict[str, Any], name: str, longest: int, required: bool = False) -> str:
    value = row.get(name)
    text = "" if value is None else _plain(value, name, longest)
    if required and not text:
        raise _RowError(f'the field "{name}" is missing')
    return text


def _plain(value: Any, name: str, longest: int) -> str:
    """One line of visible text: control characters and marks that turn the reading direction are dropped."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _RowError(f'the field "{name}" is not a text')
    text = str(value)
    if len(text) > longest:
        raise _RowError(f'the field "{name}" has {len(text):,} characters; {longest:,} are allowed')
    text = " ".join(text.split())
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs") and c not in _BIDIRECTIONAL).strip()


def _shown(text: str) -> str:
    """Foreign text for a message: short, and with everything invisible escaped."""
    text = text[:80]
    return repr(text) if text.isprintable() else ascii(text)
