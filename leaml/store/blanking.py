"""Blacking out a region for good: on one picture, or on all of a folder or a device that are as large.

    for event in blank(project, picture, (0, 0, 0.4, 0.1), "device", "Dr. A"):
        ...                                  # Progress, last a Result

The stored files are written anew, black in the region and bit for bit the same elsewhere; then the files from before
are deleted. Nothing of them stays among the pictures: this cannot be taken back. What was copied before (back-ups,
exports, another folder) is not reached. Should the computer stop on the way, the next call deletes what is left.
"""

import io
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from leaml.errors import DataError, StorageError
from leaml.files import write_whole
from leaml.records import Progress, Result
from leaml.store.arrival import files_of
from leaml.store.events import Change
from leaml.store.greys import Greys, read_numbers, write_numbers
from leaml.store.images import thumbnail
from leaml.store.project import Picture, Project

SCOPES = ("picture", "folder", "device")
NOTE = "a region was blacked out"

Region = tuple[float, float, float, float]
"""Left, top, right and bottom, in shares of the picture's width and height."""


def chosen(project: Project, picture: Picture, scope: str) -> tuple[list[Picture], int]:
    """The pictures that are meant, and how many more there are of another size: burned-in text stands at pixels.

    Raises:
        DataError: the scope is unknown, or the file never said which device took the picture.
    """
    if scope not in SCOPES:
        raise DataError(f"{scope!r} is not what pictures can be chosen by.", f"Choose by: {', '.join(SCOPES)}.")
    if scope == "picture":
        return [picture], 0
    if scope == "device" and not picture.device:
        raise DataError("It is not known which device took this picture.", "Choose the folder, or this picture alone.")
    pictures = project.pictures(device=picture.device) if scope == "device" else project.pictures()
    same = [other for other in pictures if scope == "device" or folder_of(other) == folder_of(picture)]
    as_large = [other for other in same if (other.width, other.height) == (picture.width, picture.height)]
    return as_large, len(same) - len(as_large)


def folder_of(picture: Picture) -> str:
    """The folder that a picture was imported from, below images/; "" for those that lay there."""
    parent = PurePosixPath(picture.name).parent.as_posix()
    return "" if parent == "." else parent


def blank(
    project: Project, picture: Picture, region: Region, scope: str, person: str
) -> Iterator[Progress | Result]:
    """Blacks out the region on the pictures that are meant, all in one step or none.

    Raises:
        DataError: the region is empty or lies outside of the picture; or as `chosen`.
        StorageError: a file cannot be read or written. Then everything is as it was.
    """
    delete_unwanted(project)
    left, top, right, bottom = region
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise DataError("The region is empty or lies outside of the picture.", "Draw it again.")
    pictures, others = chosen(project, picture, scope)
    written: list[str] = []
    changes: list[Change] = []
    try:
        for step, each in enumerate(pictures):
            yield Progress(step, len(pictures), "Blacking out")
            changes.append(_blanked(project, each, region, written))
        gone = [file for change in changes for file in files_of(change[2])]
        with project.db.transaction():
            project.db.record(person, "blank", changes)
            project.db.insert_many("unwanted_files", [{"file": file} for file in gone if file not in written])
    except BaseException:
        for file in written:
            (project.folder / file).unlink(missing_ok=True)
        raise
    delete_unwanted(project)
    yield Result({"pictures": len(pictures), "of another size": others})


def delete_unwanted(project: Project) -> None:
    """Deletes what no row names any more and nobody may see again.

    Raises:
        StorageError: a file cannot be deleted.
    """
    for row in project.db.rows("unwanted_files"):
        try:
            (project.folder / row["file"]).unlink(missing_ok=True)
        except OSError as error:
            what = f"{row['file']} cannot be deleted: {error.strerror or error}. It shows what was to be blacked out."
            raise StorageError(what, "Close programs that use it, then black out the region again.") from error
        project.db.delete("unwanted_files", file=row["file"])


def keep_as_it_is(project: Project, pictures: list[Picture], person: str) -> None:
    """Somebody has looked: no text stands in these pictures that names anybody."""
    changes: list[Change] = [("images", each.id, {}, {"burned_in": 0}) for each in pictures if each.burned_in]
    if changes:
        project.db.record(person, "burned in", changes)


def _blanked(project: Project, picture: Picture, region: Region, written: list[str]) -> Change:
    """Writes the new files of a picture, and returns what changes in its row."""
    before = project.db.row("images", id=picture.id)
    try:
        with Image.open(picture.path, formats=("PNG", "JPEG")) as opened:
            image = _without(np.asarray(opened), region, 0)
        deep = b""
        if picture.greys is not None:
            deep = write_numbers(_without(read_numbers(picture.values), region, _blackest(picture.greys)))
    except OSError as error:
        what = f"{picture.name} cannot be read: {error.strerror or error}."
        raise StorageError(what, "Nothing was changed. Check the project's files.") from error
    after = _row(picture, before, Image.fromarray(image), deep)
    for file, data in after.pop("data").items():
        written.append(file)
        _store(project.folder / file, data)
    return "images", picture.id, {name: before[name] for name in after | {"greys": None}}, after


def _row(picture: Picture, before: dict[str, Any], image: Image.Image, deep: bytes) -> dict[str, Any]:
    """What changes in the row; "data" holds the files."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    # With its number: what was black of two pictures may have been all in which they differed.
    name = sha256(buffer.getvalue() + deep + str(picture.id).encode()).hexdigest()
    thumb, dhash = thumbnail(image)
    files = {f"images/{name}.png": buffer.getvalue(), f"thumbs/{name}.jpg": thumb}
    row: dict[str, Any] = {
        "file": f"images/{name}.png", "thumb": f"thumbs/{name}.jpg", "stored_hash": name, "dhash": dhash,
        "burned_in": 0, "note": "; ".join(dict.fromkeys([*filter(None, before["note"].split("; ")), NOTE])),
    }  # fmt: skip
    if picture.greys is not None:
        greys = replace(picture.greys, file=f"images/{name}.16.png")
        row["greys"], files[greys.file] = greys.as_json(), deep
    return row | {"data": files}


def _without(pixels: np.ndarray, region: Region, black: int) -> np.ndarray:
    """A copy with every pixel that the region touches made black: (height, width) or (height, width, 3)."""
    pixels = pixels.copy()
    height, width = pixels.shape[:2]
    left, top, right, bottom = region
    pixels[int(top * height) : int(np.ceil(bottom * height)), int(left * width) : int(np.ceil(right * width))] = black
    return pixels


def _blackest(greys: Greys) -> int:
    """The number that is shown black by every window: the least value, or the greatest where low ones are bright."""
    value = greys.most if greys.inverted else greys.least
    return round((value - greys.offset) / greys.slope)


def _store(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except StorageError as error:
        fix = "Nothing was changed. Make room on the disk, then try again."
        raise StorageError("A picture cannot be stored.", fix) from error
