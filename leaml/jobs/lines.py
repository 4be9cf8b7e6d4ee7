"""Files of one JSON object per line that grow while a job runs, and outlive a worker that is killed as it writes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def append(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Adds rows. Each line break comes first: the last line of a worker that was killed may be cut off."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"\n{json.dumps(dict(row))}" for row in rows)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The whole rows of a file; none where there is no file."""
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                yield json.loads(line)
