"""The import format: a folder of pictures with questions, captions and groups. No torch, no picture is opened.

    {"image": "images/1.jpg", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "split": "test",
     "group": "patient 7", "choices": ["yes", "no"], "origin": "Dr. A"}          one line of questions.jsonl
    {"image": "images/1.jpg", "caption": "A polyp is seen.", "teacher": "file"}   one line of captions.jsonl
    {"image": "images/2.jpg", "group": "patient 7", "split": "train"}             one line of pictures.jsonl

`answer`, `split`, `group`, `choices`, `origin` and `teacher` may be left out, and so may every file. Pictures lie in
`images/`, or beside the files where there is no such folder; a row names them from either. Each file may be a table
instead (questions.csv, …): columns of the same names, choices separated by "|" or "; ".

A row that cannot be used is named with its file, line and reason, and the rest goes in. What stands in the files stays
data: paths never lead out of the folder, control characters are dropped, and texts beyond the limits below are
refused.
"""

import unicodedata
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from leaml.errors import DataError
from leaml.records import QUESTION_TYPES, SET_SEPARATOR, Caption, Question
from leaml.store.tables import SUFFIXES, Record, Row, RowError, note, plain, read_table, shown, text, visible

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".dcm", ".dicom")
QUESTIONS, CAPTIONS, PLACES = "questions", "captions", "pictures"
"""Names of the tables, before .jsonl or .csv."""
LONGEST_TEXT = 2_000
"""Characters of a question, an answer or a choice."""
LONGEST_CAPTION = 10_000
LONGEST_NAME = 300
"""Characters of a split, group, origin or teacher."""
LONGEST_PATH = 1_000
MOST_CHOICES = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture belongs: its split ("" where none is named) and its group."""

    image: Path
    split: str
    group: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder in the import format holds.

    Attributes:
        folder: resolved.
        images: every picture in the folder, sorted, whether or not anything is asked about it.
        questions: in the order of the file; `answer` is None where nobody has answered.
        captions: in the order of the file.
        problems: one sentence per row or picture that was left out: file, line, reason.
        places: rows of pictures.jsonl, which are about pictures that nothing may be asked about.
        names_splits: some row names a split; otherwise all questions say "train" because nothing else was said.
        notes: a sentence for each file that was not read at all.
    """

    folder: Path
    images: list[Path]
    questions: list[Question]
    captions: list[Caption]
    problems: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    names_splits: bool = False
    notes: list[str] = field(default_factory=list)


def read_folder(folder: Path) -> Dataset:
    """Reads a folder in the import format. Missing .jsonl files mean no questions, or no captions.

    Raises:
        DataError: the folder is missing, or holds nothing that can be used.
        StorageError: a file cannot be read.
    """
    root = _root(folder)
    problems: list[str] = []
    images = _pictures(root, problems)
    find = partial(_inside, root)
    questions = _read_all(root, QUESTIONS, partial(_question, find), _asked, problems)
    captions = _read_all(root, CAPTIONS, partial(_caption, find), _captioned, problems)
    places = _read_all(root, PLACES, partial(_place, find), lambda place: place.image, problems)
    if not (images or questions or captions):
        first = f" First problem: {problems[0]}." if problems else ""
        raise DataError(
            f"{folder} holds no picture, question or caption that can be used.{first}",
            "Give a folder with images/, and questions.jsonl where there are questions.",
        )
    named = any(record.split for record in (*questions, *places))
    questions = [_in_a_split(question) for question in questions]
    return Dataset(root, images, questions, captions, problems, places, named, _strangers(root))


def read_questions(folder: Path, problems: list[str] | None = None) -> list[Question]:
    """Reads `questions.jsonl`.

    Args:
        folder: the folder that holds it; pictures are named relative to this folder.
        problems: takes a sentence per row that cannot be used. Without it, such a row raises.

    Raises:
        DataError: no such folder or file; a row that cannot be used, where `problems` is not given.
        StorageError: the file cannot be read.
    """
    root = _root(folder)
    return read_question_table(root / "questions.jsonl", partial(_inside, root), problems)


def read_captions(folder: Path, problems: list[str] | None = None) -> list[Caption]:
    """Reads `captions.jsonl`; arguments and errors as in `read_questions`."""
    root = _root(folder)
    return read_caption_table(root / "captions.jsonl", partial(_inside, root), problems)


def read_question_table(path: Path, find: Callable[[str], Path], problems: list[str] | None = None) -> list[Question]:
    """Reads questions from a .jsonl or .csv file.

    Args:
        find: the picture that a row names; raises `RowError` where there is none.
        problems: as in `read_questions`, and the same errors.
    """
    return [_in_a_split(q) for q in read_table(path, partial(_question, find), _asked, problems)]


def read_caption_table(path: Path, find: Callable[[str], Path], problems: list[str] | None = None) -> list[Caption]:
    """Reads captions from a .jsonl or .csv file; arguments and errors as in `read_question_table`."""
    return read_table(path, partial(_caption, find), _captioned, problems)


def picture_name(root: Path, path: Path) -> str:
    """What a picture of an import folder is called from then on: its path below images/, or below the folder."""
    relative = path.relative_to(root)
    below = relative.parts[1:] if relative.parts[0] == "images" and len(relative.parts) > 1 else relative.parts
    return visible("/".join(below))


# ---- the folder --------------------------------------------------------------------------------------------------


def _root(folder: Path) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Give a folder that holds images/ and questions.jsonl.")
    return folder.resolve()


def _pictures(root: Path, problems: list[str]) -> list[Path]:
    pictures = []
    folder = root / "images" if (root / "images").is_dir() else root
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".") or not _is_picture(path):
            continue
        try:
            pictures.append(_inside(root, path.relative_to(root).as_posix()))
        except RowError as error:
            note(problems, f"{folder.name}/: {error}")
    # Two names of one file (a link inside the folder) are one picture.
    return list(dict.fromkeys(pictures))


def _is_picture(path: Path) -> bool:
    """By its suffix; DICOM files often have none but numbers, and are told by how they begin."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if any(letter.isalpha() for letter in path.suffix) or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _strangers(root: Path) -> list[str]:
    """A sentence for each table whose name does not say what stands in it."""
    tables = sorted(path for path in root.glob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    known = f"{QUESTIONS}, {CAPTIONS} or {PLACES}"
    return [
        f"{shown(path.name)} was not read: call it {known}, after what stands in it."
        for path in tables
        if path.stem not in (QUESTIONS, CAPTIONS, PLACES)
    ]


def _read_all(
    root: Path, name: str, parse: Callable[[Row], Record], identity: Callable[[Record], Hashable], problems: list[str]
) -> list[Record]:
    """The records of every file of this name that is there."""
    files = [root / (name + suffix) for suffix in SUFFIXES]
    return [record for file in files if file.is_file() for record in read_table(file, parse, identity, problems)]


def _question(find: Callable[[str], Path], row: Row) -> Question:
    """The question of a row; its split is "" where the row names none."""
    image = find(_named(row))
    question = text(row, "question", LONGEST_TEXT, required=True)
    type = _type(row)
    choices = _choices(row)
    return Question(
        image=image,
        question=question,
        answer=answer(row, type, choices),
        type=type,
        split=_split(row),
        group=text(row, "group", LONGEST_NAME),
        choices=choices,
        origin=text(row, "origin", LONGEST_NAME),
    )


def _caption(find: Callable[[str], Path], row: Row) -> Caption:
    image = find(_named(row))
    caption = text(row, "caption", LONGEST_CAPTION, required=True)
    return Caption(image, caption, text(row, "teacher", LONGEST_NAME))


def _place(find: Callable[[str], Path], row: Row) -> Place:
    return Place(find(_named(row)), _split(row), text(row, "group", LONGEST_NAME))


def _asked(question: Question) -> Hashable:
    return question.image, question.question


def _captioned(caption: Caption) -> Hashable:
    return caption.image, caption.caption, caption.teacher


def _split(row: Row) -> str:
    """"Test" is the test set, not one more."""
    name = text(row, "split", LONGEST_NAME)
    return name.casefold() if name.casefold() in ("train", "calibration", "test") else name


def _in_a_split(question: Question) -> Question:
    return question if question.split else replace(question, split="train")


def _named(row: Row) -> str:
    name = row.get("image")
    if not isinstance(name, str) or not name.strip():
        raise RowError('the field "image" is missing')
    return name


def _inside(root: Path, name: str) -> Path:
    """The resolved path of a picture that lies in the folder, links followed."""
    seen = shown(name)
    if len(name) > LONGEST_PATH or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise RowError(f"the picture's name {seen} cannot be used")
    # Folders written on Windows separate by backslash and may start with a drive.
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or parts[0].endswith(":") or ".." in parts:
        raise RowError(f"the picture {seen} leads out of the folder")
    try:
        path = root.joinpath(*parts).resolve()
        if not path.exists():
            path = (root / "images").joinpath(*parts).resolve()
        missing = not path.is_file()
    except (OSError, RuntimeError) as error:
        raise RowError(f"the picture {seen} cannot be opened ({error})") from error
    if not path.is_relative_to(root):
        raise RowError(f"the picture {seen} leads out of the folder")
    if missing:
        raise RowError(f"the picture {seen} is not there")
    if not _is_picture(path):
        raise RowError(f"{seen} is not a picture ({' '.join(PICTURE_SUFFIXES)})")
    return path


def _type(row: Row) -> str:
    name = text(row, "type", LONGEST_NAME, required=True)
    type = name.casefold().replace("color", "colour")
    if type not in QUESTION_TYPES:
        raise RowError(f"the type {shown(name)} is unknown; known are: {', '.join(QUESTION_TYPES)}")
    return type


def _choices(row: Row) -> tuple[str, ...]:
    values = row.get("choices")
    if values is None:
        return ()
    if not isinstance(values, list) or len(values) > MOST_CHOICES:
        raise RowError(f"the choices are not a list of at most {MOST_CHOICES}")
    choices = tuple(plain(value, "choices", LONGEST_TEXT) for value in values)
    if not all(choices):
        raise RowError("one of the choices is empty")
    if len({_key(choice) for choice in choices}) < len(choices):
        raise RowError("one of the choices stands there twice")
    return choices


def answer(row: Row, type: str, choices: tuple[str, ...]) -> str | None:
    """The answer of a row, spelled as its choices are; None where there is none.

    Raises:
        RowError: it is too long, or not among its choices.
    """
    given = text(row, "answer", LONGEST_TEXT)
    if not given:
        return None
    offered = {_key(choice): choice for choice in choices or (("yes", "no") if type == "yes/no" else ())}
    if not offered or _key(given) in offered:
        return offered.get(_key(given), given)
    several = type in ("multiple choice", "location", "colour")
    members = [member.strip() for member in given.split(";") if member.strip()] if several else [given]
    for member in members:
        if _key(member) not in offered:
            raise RowError(f"the answer {shown(member)} is not among its choices: {shown(', '.join(offered.values()))}")
    return SET_SEPARATOR.join(offered[_key(member)] for member in members)


def _key(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").split()) or text
