"""A project of a few pictures for the tests of the screens: rows and plain grey files, labels and suggestions."""

import shutil
from pathlib import Path

from PIL import Image

from leaml.records import Pair
from leaml.store.project import Project

HOSTILE = "<img src=x onerror=window.hacked=1>"
YES_NO = ("yes", "no")


def small_project(folder: Path, splits: tuple[str, ...] = ("train",) * 4 + ("test",) * 2) -> Project:
    """A project with one picture for each split that is named."""
    project = Project.create(folder, "Polyps")
    rows = []
    for number, split in enumerate(splits, start=1):
        Image.new("RGB", (40, 30), (number * 9,) * 3).save(project.folder / "images" / f"{number}.png")
        Image.new("RGB", (40, 30)).save(project.folder / "thumbs" / f"{number}.jpg")
        rows.append({
            "file": f"images/{number}.png", "thumb": f"thumbs/{number}.jpg", "stored_hash": f"stored {number}",
            "source_hash": f"source {number}", "name": f"picture {number}.png", "width": 40, "height": 30,
            "dhash": f"{number:016x}", "split": split,
        })  # fmt: skip
    project.db.record("", "import", [("images", None, None, row) for row in rows])
    return project


def copy_of(project: Project, folder: Path) -> Project:
    """The same project in another folder: faster than making it again."""
    project.close()
    return Project.open(shutil.copytree(project.folder, folder))


def import_label(project: Project, picture: int, question: str, answer: str, type: str = "yes/no") -> int:
    """A label as an import brings it; returns its number."""
    choices = YES_NO if type == "yes/no" else ()
    row = {
        "image_id": picture, "question": question, "answer": answer, "type": type, "choices": choices,
        "origin": "import", "source": "Dr. B",
    }  # fmt: skip
    event = project.db.record("", "import", [("pairs", None, None, row)])
    return project.db.row("events", id=event)["changes"][0][1]


def suggest(project: Project, picture: int, question: str, answer: str = "yes", agreement: float = 0.8) -> int:
    """A suggestion of a generator; returns its number."""
    signals = {"agreement": agreement, "blind_agreement": 0.3}
    image = project.picture(picture).path
    project.add_pairs(1, [(picture, Pair(image, question, answer, "yes/no", YES_NO, signals))])
    return project.db.rows("pairs", order="-id", limit=1)[0]["id"]
