"""Pictures on their way into a project: cleaned, stored, and made known to it by batches."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leaml.errors import DataError, StorageError
from leaml.records import Progress
from leaml.store import images
from leaml.store.events import Change
from leaml.store.findings import Findings
from leaml.store.formats import Dataset, picture_name
from leaml.store.placing import ARRIVING
from leaml.store.project import Project
from leaml.store.tables import note

BATCH = 100
"""Pictures of one event, at most."""
PATIENCE = 1.0
"""Seconds between two events, where pictures are large."""
MESSAGE = "Taking pictures"


class Arrival:
    """The pictures of one import.

    Attributes:
        stored: path in the imported folder -> hash of the stored picture, of all that could be used.
    """

    def __init__(self, project: Project, person: str, findings: Findings) -> None:
        self.stored: dict[Path, str] = {}
        self._project, self._person, self._findings = project, person, findings
        self._by_source = {row["source_hash"]: row["stored_hash"] for row in project.db.rows("images")}
        self._known = set(self._by_source.values())
        self._waiting: list[dict[str, Any]] = []

    def take(self, data: Dataset) -> Iterator[Progress]:
        """Takes every picture that is new and says how far it is, each time when nothing waits to be recorded.

        Raises:
            StorageError: a picture or its row cannot be written. What was recorded before stays.
        """
        paths = list(dict.fromkeys([*data.images, *(row.image for row in (*data.questions, *data.captions))]))
        recorded = time.monotonic()
        yield Progress(0, len(paths), MESSAGE)
        for step, path in enumerate(paths, 1):
            try:
                self.stored[path] = self._take(path, picture_name(data.folder, path))
            except DataError as error:
                note(self._findings.pictures.refused, error.what)
            if len(self._waiting) >= BATCH or time.monotonic() - recorded > PATIENCE or step == len(paths):
                self._record()
                yield Progress(step, len(paths), MESSAGE)
                recorded = time.monotonic()

    def _take(self, path: Path, name: str) -> str:
        """Stores one picture if it is new, and returns the hash of what is stored."""
        data = _read(path, name)
        stored_hash = self._by_source.get(images.source_hash(data))
        if stored_hash is None:
            decoded = images.decode_bytes(data, name)
            stored_hash = self._by_source[decoded.source_hash] = decoded.stored_hash
            if stored_hash not in self._known:
                self._store(decoded, name)
                return stored_hash
        self._findings.pictures.there += 1
        return stored_hash

    def _store(self, decoded: images.Decoded, name: str) -> None:
        row = _row(decoded, name)
        self._known.add(decoded.stored_hash)
        self._waiting.append(row)
        try:
            _write(self._project.folder / row["file"], decoded.data, safe=True)
            _write(self._project.folder / row["thumb"], decoded.thumb, safe=False)
        except OSError as error:
            self._forget()
            what = f"{name} cannot be stored: {error.strerror or error}. {self._findings.pictures.taken} were taken."
            fix = "Make room on the disk, then import the folder again: it goes on where it stopped."
            raise StorageError(what, fix) from error
        self._findings.with_metadata += bool(decoded.dropped)
        self._findings.with_position += "position" in decoded.dropped

    def _record(self) -> None:
        """Makes what waits part of the project, as one event."""
        if not self._waiting:
            return
        changes: list[Change] = [("images", None, None, row) for row in self._waiting]
        try:
            self._project.db.record(self._person, "import", changes)
        except StorageError:
            self._forget()
            raise
        self._findings.pictures.taken += len(changes)
        self._waiting.clear()

    def _forget(self) -> None:
        """Removes the files that no row knows of: a full disk gets its room back."""
        for row in self._waiting:
            (self._project.folder / row["file"]).unlink(missing_ok=True)
            (self._project.folder / row["thumb"]).unlink(missing_ok=True)


def _read(path: Path, name: str) -> bytes:
    """A file that cannot be read is refused as a damaged one is, and the others go in."""
    try:
        return images.read(path, name)
    except StorageError as error:
        raise DataError(error.what, error.fix) from error


def _row(decoded: images.Decoded, name: str) -> dict[str, Any]:
    return {
        "file": f"images/{decoded.stored_hash}{decoded.suffix}",
        "thumb": f"thumbs/{decoded.stored_hash}.jpg",
        "stored_hash": decoded.stored_hash,
        "source_hash": decoded.source_hash,
        "name": name,
        "split": ARRIVING,
        "width": decoded.image.width,
        "height": decoded.image.height,
        "dhash": decoded.dhash,
        "pixels": decoded.pixels,
        "note": decoded.note,
    }


def _write(path: Path, data: bytes, safe: bool) -> None:
    """Whole or not at all; `safe`: on the disk before a row names it, as the picture itself must be."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            if safe:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
