"""The import format: a folder of pictures with questions, captions and groups. No torch, no picture is opened.

    {"image": "images/1.jpg", "question": "Is there a polyp?", "answer": "yes", "type": "yes/no", "split": "test",
     "group": "patient 7", "choices": ["yes", "no"], "origin": "Dr. A"}          one line of questions.jsonl
    {"image": "images/1.jpg", "caption": "A polyp is seen.", "teacher": "file"}   one line of captions.jsonl
    {"image": "images/2.jpg", "group": "patient 7", "split": "train"}             one line of pictures.jsonl

More that a question may say stands in `leaml.store.annotation`: marks, who said it, what was decided. All but image,
question and type may be left out, and so may every file. Pictures lie in `images/`, or beside the files where there is
no such folder; a row names them from either. Each file may be a table instead (questions.csv, …): columns of the same
names, choices separated by "|" or "; ". What other programs write is read as well: see `leaml.store.layouts`.

A row that cannot be used is named with its file, line and reason, and the rest goes in. What stands in the files stays
data: paths never lead out of the folder, control characters are dropped, and texts beyond the limits below are
refused.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from leaml.errors import DataError
from leaml.records import Caption, Question
from leaml.store import layouts
from leaml.store.annotation import LONGEST_NAME, Annotation, annotation, named, split
from leaml.store.tables import (
    SUFFIXES,
    Record,
    Row,
    RowError,
    note,
    raw_rows,
    read_rows,
    read_table,
    shown,
    text,
    visible,
)

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".dcm", ".dicom")
QUESTIONS, CAPTIONS, PLACES = "questions", "captions", "pictures"
"""Names of the tables, before .jsonl or .csv."""
LONGEST_CAPTION = 10_000
LONGEST_PATH = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture belongs: its split ("" where none is named) and its group; and what it was called before."""

    image: Path
    split: str
    group: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a folder in the import format holds.

    Attributes:
        folder: resolved.
        images: every picture in the folder, sorted, whether or not anything is asked about it.
        annotations: questions in the order of the file, with what stands behind them.
        captions: in the order of the file.
        problems: one sentence per row or picture that was left out: file, line, reason.
        places: rows of pictures.jsonl, which are about pictures that nothing may be asked about.
        names_splits: some row names a split; otherwise all questions say "train" because nothing else was said.
        notes: a sentence for each file that was not read at all.
    """

    folder: Path
    images: list[Path]
    annotations: list[Annotation]
    captions: list[Caption]
    problems: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    names_splits: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def questions(self) -> list[Question]:
        """The questions alone; `answer` is None where nobody has answered."""
        return [annotation.question for annotation in self.annotations]

    def names(self) -> dict[Path, str]:
        """What each picture is called from then on."""
        named = {place.image: place.name for place in self.places if place.name}
        return {path: named.get(path) or picture_name(self.folder, path) for path in self.pictures()}

    def pictures(self) -> list[Path]:
        """Every picture that is there or spoken of."""
        return list(dict.fromkeys([*self.images, *(row.image for row in (*self.questions, *self.captions))]))


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
    annotations = _read_all(root, QUESTIONS, partial(annotation, find), _identity, problems)
    captions = _read_all(root, CAPTIONS, partial(_caption, find), _captioned, problems)
    places = _read_all(root, PLACES, partial(_place, find), lambda place: place.image, problems)
    _read_others(root, images, annotations, captions, places, problems, notes := [])
    if not (images or annotations or captions):
        first = f" First problem: {problems[0]}." if problems else ""
        raise DataError(
            f"{folder} holds no picture, question or caption that can be used.{first}",
            "Give a folder with images/, and questions.jsonl where there are questions.",
        )
    named = any([*(one.question.split for one in annotations), *(place.split for place in places)])
    annotations = [_in_a_split(one) for one in annotations]
    return Dataset(root, images, annotations, captions, problems, places, named, notes)


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
    return [one.question for one in read_annotations(path, find, problems)]


def read_annotations(
    path: Path, find: Callable[[str], Path], problems: list[str] | None = None
) -> list[Annotation]:
    """As `read_question_table`, with all that the rows say."""
    rows = layouts.rows_of(path) if path.suffix.lower() == ".json" and path.is_file() else raw_rows(path)
    if rows is None:
        raise DataError(f"{path.name} is laid out in a way that is not known here.", "See the README for those known.")
    found = read_rows(path.name, rows, partial(annotation, find), _identity, problems)
    return [_in_a_split(one) for one in found]


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


def _read_others(
    root: Path,
    images: list[Path],
    annotations: list[Annotation],
    captions: list[Caption],
    places: list[Place],
    problems: list[str],
    notes: list[str],
) -> None:
    """Adds what the tables of other programs say, and a sentence for each table that nobody knows."""
    known = f"{QUESTIONS}, {CAPTIONS} or {PLACES}"
    find = partial(_wherever, root, _by_name(images))
    for file in sorted(path for path in root.glob("*") if path.suffix.lower() in (*SUFFIXES, ".json")):
        if (file.stem in (QUESTIONS, CAPTIONS, PLACES) and file.suffix.lower() in SUFFIXES) or not file.is_file():
            continue
        rows = layouts.rows_of(file)
        if rows is None:
            if file.suffix.lower() in SUFFIXES or _is_list(file):
                notes.append(f"{shown(file.name)} was not read: call it {known}, after what stands in it.")
            continue
        for record in read_rows(file.name, rows, partial(_any, find), _identity_of_any, problems):
            kinds = {Annotation: annotations, Caption: captions, Place: places}
            kinds[type(record)].append(record)


def _is_list(file: Path) -> bool:
    """Whether a .json file holds a list, as data does; settings of programs are none."""
    with file.open("rb") as opened:
        return opened.read(100).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _any(find: Callable[[str], Path], row: Row) -> Annotation | Caption | Place:
    """What a row of another program says."""
    if row.get("question"):
        return annotation(find, row)
    return _caption(find, row) if row.get("caption") else _place(find, row)


def _identity_of_any(record: Annotation | Caption | Place) -> Hashable:
    return record.identity if isinstance(record, Annotation) else record


def _by_name(images: list[Path]) -> dict[str, list[Path]]:
    """Name of a file, with and without its suffix -> the pictures of that name."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in images:
        for name in {path.name, path.stem}:
            found[name].append(path)
    return found


def _wherever(root: Path, by_name: Mapping[str, list[Path]], name: str) -> Path:
    """As `_inside`, or the one picture of that name wherever it lies in the folder: others name other folders."""
    try:
        return _inside(root, name)
    except RowError:
        found = by_name.get(name.replace("\\", "/").rsplit("/", 1)[-1], [])
        if len(found) != 1:
            raise
        return found[0]


def _read_all(
    root: Path, name: str, parse: Callable[[Row], Record], identity: Callable[[Record], Hashable], problems: list[str]
) -> list[Record]:
    """The records of every file of this name that is there."""
    files = [root / (name + suffix) for suffix in SUFFIXES]
    return [record for file in files if file.is_file() for record in read_table(file, parse, identity, problems)]


def _caption(find: Callable[[str], Path], row: Row) -> Caption:
    image = find(named(row))
    caption = text(row, "caption", LONGEST_CAPTION, required=True)
    return Caption(image, caption, text(row, "teacher", LONGEST_NAME))


def _place(find: Callable[[str], Path], row: Row) -> Place:
    name = text(row, "name", LONGEST_PATH)
    return Place(find(named(row)), split(row), text(row, "group", LONGEST_NAME), name)


def _identity(one: Annotation) -> Hashable:
    return one.identity


def _captioned(caption: Caption) -> Hashable:
    return caption.image, caption.caption, caption.teacher


def _in_a_split(one: Annotation) -> Annotation:
    return one if one.question.split else replace(one, question=replace(one.question, split="train"))


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
