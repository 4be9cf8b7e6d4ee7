"""Files that stand whole or not at all: others never read half of one, and an old one stays until the new one is there.

    write_whole(path, text)                              # or bytes
    with whole_file(path) as file: file.write(text)      # where the text comes bit by bit
    with replacing(path) as part: save_file(…, part)     # where somebody else writes
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from leaml.errors import StorageError

AT_ONCE = 8
"""Files that are brought onto the disk at once: a file system writes its journal once for all that wait."""


@contextmanager
def replacing(path: Path, safe: bool = True) -> Iterator[Path]:
    """A name beside `path`; the file that is written under it stands at `path` when all went well.

    Args:
        safe: on the disk before it stands there; else as the system likes, for what can be made again.

    Raises:
        StorageError: it cannot be written; what stood there before stays.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        if safe:
            _sync(part)
        part.replace(path)
    except BaseException as error:
        with suppress(OSError):  # as where the folder is none: what went wrong is said below
            part.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        what = f"{path} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Check that the folder exists and the disk has room.") from error


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file in UTF-8 that stands at `path` once all is written and on the disk; raises as `replacing`."""
    with replacing(path) as part, part.open("x", encoding="utf-8", newline="\n") as file:
        yield file


def write_whole(path: Path, content: str | bytes, safe: bool = True) -> None:
    """Writes text, in UTF-8, or bytes; arguments and errors as `replacing`."""
    with replacing(path, safe) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def sync(paths: Iterable[Path]) -> None:
    """Sees that files are on the disk: several at once, which costs a tenth of one after the other.

    Raises:
        OSError: one cannot be written.
    """
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sync") as pool:
        list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
