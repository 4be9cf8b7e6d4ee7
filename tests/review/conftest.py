"""A project with pictures and suggestions for the tests of reviewing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leaml.records import Pair
from leaml.review.settings import set_review_settings
from leaml.store.project import Project

Suggest = Callable[..., list[int]]


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A project of twelve pictures, to copy: faster than making it again. No hidden checks."""
    project = Project.create(tmp_path_factory.mktemp("made") / "polyps", "Polyps")
    rows = [
        {
            "file": f"images/{n}.png", "thumb": f"thumbs/{n}.jpg", "stored_hash": f"stored {n}",
            "source_hash": f"source {n}", "name": f"picture {n}.png", "width": 64, "height": 48, "dhash": f"{n:016x}",
        }
        for n in range(1, 13)
    ]  # fmt: skip
    project.db.record("", "import", [("images", None, None, row) for row in rows])
    set_review_settings(project, "", repeats=0, known_wrong=0)
    project.close()
    return project.folder


@pytest.fixture
def project(made, tmp_path) -> Iterator[Project]:
    """A copy of that project."""
    folder = tmp_path / "polyps"
    folder.mkdir()
    (folder / "leaml.db").write_bytes((made / "leaml.db").read_bytes())
    project = Project.open(folder)
    yield project
    project.close()


@pytest.fixture
def suggest(project) -> Suggest:
    """`suggest(0.3, None, image=2)` adds suggestions with these signals on a picture; returns their numbers."""

    def add(*signals: float | None, image: int = 1, type: str = "yes/no", job: int = 1, **more) -> list[int]:
        first = project.db.count("pairs")
        pairs = [
            Pair(Path("x"), more.get("question") or f"Question {first + n}?", more.get("answer", "yes"), type,
                 ("yes", "no"), {} if signal is None else {"agreement": signal})
            for n, signal in enumerate(signals)
        ]  # fmt: skip
        project.add_pairs(job, [(image, pair) for pair in pairs])
        return [row["id"] for row in project.db.rows("pairs", order="id", offset=first)]

    return add
