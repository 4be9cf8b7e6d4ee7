"""Pictures on their way into a project: cleaned, stored, and made known to it by batches.

Pictures are read, decoded and written by threads, on every core (Pillow, hashing and the disk let go of the interpreter
meanwhile); what came of them is taken in the order of the folder, so that a second import would give the same rows.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from leaml.errors import DataError, StorageError
from leaml.files import sync, write_whole
from leaml.records import Progress
from leaml.store import images
from leaml.store.events import Change
from leaml.store.findings import Findings
from leaml.store.formats import Dataset
from leaml.store.placing import ARRIVING
from leaml.store.project import Project
from leaml.store.pseudonyms import pseudonym
from leaml.store.tables import note

BATCH = 100
"""Pictures of one event, at most."""
PATIENCE = 1.0
"""Seconds between two events, where pictures are large."""
MESSAGE = "Taking pictures"
MOST_THREADS = 9
"""Each may hold a picture of the most pixels."""
AHEAD = 50
"""Pictures that are in work, or made, while others are recorded."""

Item, Outcome = TypeVar("Item"), TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class _Made:
    """What came of one file.

    Attributes:
        row: of the picture; None where the file is known already.
        belongs: whom it shows, in clear.
    """

    source_hash: str
    row: dict[str, Any] | None = None
    dropped: tuple[str, ...] = ()
    belongs: str = field(default="", repr=False)


class Arrival:
    """The pictures of one import.

    Attributes:
        stored: path in the imported folder -> hash of the stored picture, of all that could be used.
        groups: path -> name of whom it shows, where the file itself says so.
    """

    def __init__(self, project: Project, person: str, findings: Findings) -> None:
        self.stored: dict[Path, str] = {}
        self.groups: dict[Path, str] = {}
        self._project, self._person, self._findings = project, person, findings
        self._by_source = {row["source_hash"]: row["stored_hash"] for row in project.db.rows("images")}
        self._known = set(self._by_source.values())
        self._waiting: list[dict[str, Any]] = []
        self._unrecorded: set[str] = set()

    def take(self, data: Dataset) -> Iterator[Progress]:
        """Takes every picture that is new and says how far it is, each time when nothing waits to be recorded.

        Raises:
            StorageError: a picture or its row cannot be written. What was recorded before stays.
        """
        names = data.names()
        paths = list(names)
        recorded = time.monotonic()
        yield Progress(0, len(paths), MESSAGE)
        made = _in_order(lambda path: self._make(path, names[path]), paths)
        try:
            for step, (path, outcome) in enumerate(made, 1):
                try:
                    self._take(path, outcome())
                except DataError as error:
                    note(self._findings.pictures.refused, error.what)
                if len(self._waiting) >= BATCH or time.monotonic() - recorded > PATIENCE or step == len(paths):
                    self._record()
                    yield Progress(step, len(paths), MESSAGE)
                    recorded = time.monotonic()
        except StorageError as error:
            what = f"{error.what} {self._findings.pictures.taken} were taken."
            raise StorageError(what, error.fix) from error
        finally:
            made.close()
            self._forget()

    def _make(self, path: Path, name: str) -> _Made:
        """Decodes and stores one file, where it is new. Runs beside others."""
        data = _read(path, name)
        source = images.source_hash(data)
        if source in self._by_source:
            return _Made(source)
        decoded = images.decode_bytes(data, name, source)
        row = _row(decoded, name)
        if decoded.stored_hash not in self._known:
            self._store(decoded, row)
        return _Made(source, row, decoded.dropped, decoded.belongs)

    def _store(self, decoded: images.Decoded, row: dict[str, Any]) -> None:
        files = {row["file"]: decoded.data, row["thumb"]: decoded.thumb}
        if decoded.greys is not None:
            files[row["greys"]["file"]] = decoded.deep
        try:
            for file, data in files.items():
                self._unrecorded.add(file)
                # On the disk before a row names it, see `_record`; until then nobody needs it.
                write_whole(self._project.folder / file, data, safe=False)
        except StorageError as error:
            raise _no_room(row["name"], error.__cause__) from error

    def _take(self, path: Path, made: _Made) -> None:
        """Has a new picture wait to be recorded."""
        stored_hash = self._by_source.get(made.source_hash)
        if stored_hash is None:
            stored_hash = self._by_source[made.source_hash] = made.row["stored_hash"]
            if stored_hash not in self._known:
                self._known.add(stored_hash)
                self._waiting.append(made.row)
                self._findings.with_metadata += bool(made.dropped)
                self._findings.with_position += "position" in made.dropped
                self._findings.burned_in += made.row["burned_in"]
                self._belong(path, stored_hash, made)
                return
        self._findings.pictures.there += 1
        self._belong(path, stored_hash, made)

    def _belong(self, path: Path, stored_hash: str, made: _Made) -> None:
        self.stored[path] = stored_hash
        if made.belongs:
            self.groups[path] = pseudonym(self._project.folder, made.belongs)

    def _record(self) -> None:
        """Makes what waits part of the project, as one event."""
        if not self._waiting:
            return
        try:
            files = {file for row in self._waiting for file in files_of(row) if file != row["thumb"]}
            sync(self._project.folder / file for file in files)
        except OSError as error:
            raise _no_room(self._waiting[0]["name"], error) from error
        changes: list[Change] = [("images", None, None, row) for row in self._waiting]
        self._project.db.record(self._person, "import", changes)
        self._unrecorded -= {file for row in self._waiting for file in files_of(row)}
        self._findings.pictures.taken += len(changes)
        self._waiting.clear()

    def _forget(self) -> None:
        """Removes the files that no row knows of: a full disk gets its room back."""
        if self._unrecorded:
            recorded = {file for row in self._project.db.rows("images") for file in files_of(row)}
            for file in self._unrecorded - recorded:
                (self._project.folder / file).unlink(missing_ok=True)
            self._unrecorded.clear()


def files_of(row: dict[str, Any]) -> list[str]:
    """The files that a row of `images` names, below the project's folder."""
    return [row["file"], row["thumb"], *([row["greys"]["file"]] if row["greys"] else [])]


def _in_order(make: Callable[[Item], Outcome], items: Iterable[Item]) -> Iterator[tuple[Item, Callable[[], Outcome]]]:
    """Each item with what gives its outcome, or raises its error; the next ones are in work meanwhile."""
    threads = min(MOST_THREADS, _cores() + 1)  # one more than cores: some wait for the disk
    waiting = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:

        def begin(item: Item) -> tuple[Item, Future[Outcome]]:
            return item, pool.submit(make, item)

        ahead = deque(begin(item) for item in islice(waiting, AHEAD))
        try:
            while ahead:
                item, future = ahead.popleft()
                ahead.extend(begin(item) for item in islice(waiting, 1))
                yield item, future.result
        finally:
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _read(path: Path, name: str) -> bytes:
    """A file that cannot be read is refused as a damaged one is, and the others go in."""
    try:
        return images.read(path, name)
    except StorageError as error:
        raise DataError(error.what, error.fix) from error


def _no_room(name: str, error: BaseException | None) -> StorageError:
    what = f"{name} cannot be stored: {getattr(error, 'strerror', None) or error}."
    return StorageError(what, "Make room on the disk, then import the folder again: it goes on where it stopped.")


def _row(decoded: images.Decoded, name: str) -> dict[str, Any]:
    deep = f"images/{decoded.stored_hash}.16.png"
    return {
        "file": f"images/{decoded.stored_hash}{decoded.suffix}",
        "thumb": f"thumbs/{decoded.stored_hash}.jpg",
        "stored_hash": decoded.stored_hash,
        "source_hash": decoded.source_hash,
        "name": name,
        "split": ARRIVING,
        "width": decoded.size[0],
        "height": decoded.size[1],
        "dhash": decoded.dhash,
        "pixels": decoded.pixels,
        "note": decoded.note,
        "greys": replace(decoded.greys, file=deep).as_json() if decoded.greys else None,
        "device": decoded.device,
        "burned_in": int(decoded.burned_in),
    }
