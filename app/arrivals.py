"""Files that were dropped into the browser, on their way into a project: gone from here as soon as they were imported.

What a person drops may carry names and places that an import leaves behind; so no copy of it stays.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from leaml.errors import DataError, StorageError
from leaml.jobs.queue import jobs
from leaml.store.formats import PICTURE_SUFFIXES
from leaml.store.project import Project

FOLDER = "arrivals"
TABLES = (".jsonl", ".csv", ".json", ".parquet")


def take(project: Project, files: Sequence[Path]) -> Path:
    """Moves dropped files into a folder of their own, and returns it.

    Raises:
        DataError: a file is neither a picture nor a table, or two have one name. StorageError: one cannot be moved.
    """
    names = [file.name for file in files]
    for name in names:
        if Path(name).suffix.lower() not in (*PICTURE_SUFFIXES, *TABLES):
            known = ", ".join((*PICTURE_SUFFIXES, *TABLES))
            raise DataError(f"{name} is neither a picture nor a table.", f"Files may end in {known}.")
        if names.count(name) > 1:
            raise DataError(f"Two of the files are called {name}.", "Import them one after the other, or as a folder.")
    parent = project.folder / FOLDER
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        number = 1 + max((int(path.name) for path in parent.iterdir() if path.name.isdigit()), default=0)
        folder = parent / str(number)
        folder.mkdir()
        for file in files:
            shutil.move(file, folder / file.name)
    except OSError as error:
        what = f"The files cannot be taken: {error.strerror or error}."
        raise StorageError(what, "Check the free space, and drop them again.") from error
    return folder


def sweep(project: Project) -> None:
    """Deletes what no running import needs any more."""
    parent = project.folder / FOLDER
    if not parent.is_dir():
        return
    needed = {Path(job.options["folder"]) for job in jobs(project) if job.kind == "import" and job.active}
    for folder in parent.iterdir():
        if folder not in needed:
            shutil.rmtree(folder, ignore_errors=True)
