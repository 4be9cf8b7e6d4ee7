"""A small project for the tests of the store."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leaml.store.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project without pictures."""
    project = Project.create(tmp_path / "polyps", "Polyps")
    yield project
    project.close()


@pytest.fixture
def add_pictures(project: Project) -> Callable[..., list[int]]:
    """Adds rows of pictures that differ in number, and returns their ids. No files: the store opens none."""

    def add(count: int = 1, **values: object) -> list[int]:
        first = project.db.count("images") + 1
        rows = [
            {
                "file": f"images/{n}.png", "thumb": f"thumbs/{n}.jpg", "stored_hash": f"stored {n}",
                "source_hash": f"source {n}", "name": f"picture {n}.png", "width": 64, "height": 48,
                "dhash": f"{n:016x}", **values,
            }
            for n in range(first, first + count)
        ]  # fmt: skip
        event = project.db.record("", "import", [("images", None, None, row) for row in rows])
        return [key for _, key, _, _ in project.db.row("events", id=event)["changes"]]

    return add


@pytest.fixture
def picture(add_pictures: Callable[..., list[int]]) -> int:
    """Number of one picture for training."""
    return add_pictures(1)[0]
