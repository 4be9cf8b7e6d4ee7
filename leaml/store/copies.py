"""A whole project as one file, as a second project, and back; and how much room it takes.

    file = back_up(project, Path("backups"))         # polyps-2026-01-31-0915.zip; people may go on working meanwhile
    folder = restore(file, home(), "Polyps again")
    folder = duplicate(project, "Polyps, other readers")

The database goes in as it stood at one moment; pictures are never changed under their name, so they fit it. A backup is
taken apart as carefully as if a stranger had packed it, and becomes a project only when it is whole.
"""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from leaml.errors import DataError, OptionError, StorageError
from leaml.files import replacing
from leaml.store.database import Database
from leaml.store.project import DATABASE, FOLDERS, Project, slug

SUFFIX = ".zip"
_FAST = zipfile.ZIP_STORED
"""Pictures and weights are packed already."""
_SPARE = 100_000_000
"""Bytes that must stay free."""
_LIVE = ("lock", "worker.json")
"""What tells that a job runs: not of the copy."""


def back_up(project: Project, folder: Path) -> Path:
    """Writes the project into a new .zip file in `folder`, and returns it.

    Raises:
        StorageError: it cannot be written.
    """
    with _in_words(f"The backup of {project.title}"):
        folder.mkdir(parents=True, exist_ok=True)
        file = _free(folder, f"{project.name}-{datetime.now():%Y-%m-%d-%H%M}", SUFFIX)
        with TemporaryDirectory(prefix=".backup-", dir=folder) as beside, replacing(file) as part:
            project.db.copy_to(Path(beside) / DATABASE)
            with zipfile.ZipFile(part, "x", _FAST, strict_timestamps=False) as packed:
                packed.write(Path(beside) / DATABASE, DATABASE, zipfile.ZIP_DEFLATED, 1)
                for path in _files(project.folder):
                    packed.write(path, path.relative_to(project.folder).as_posix())
        return file


def restore(file: Path, home: Path, title: str = "") -> Path:
    """Makes a project of a backup, under its own name or a new one, and returns its folder.

    Where a project of that name is there already, this one is called the second: "Polyps (2)".

    Raises:
        DataError: the file is no backup, or not a whole one. StorageError: there is no room, or no way to write.
    """
    with _in_words(f"The backup {file.name}"), TemporaryDirectory(prefix=".restore-", dir=home) as beside:
        folder = Path(beside) / "project"
        try:
            with zipfile.ZipFile(file) as packed:
                _unpack(packed, folder)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:  # RuntimeError: a password
            raise DataError(f"{file.name} is not a whole backup.", "Choose another one.") from error
        return _settle(folder, home, title)


def duplicate(project: Project, title: str) -> Path:
    """Makes a second project that holds all that this one holds, and returns its folder.

    Raises:
        StorageError: there is no room, or no way to write.
    """
    home = project.folder.parent
    with _in_words(f"The copy of {project.title}"), TemporaryDirectory(prefix=".copy-", dir=home) as beside:
        folder = Path(beside) / "project"
        _must_fit(sum(disk_use(project).values()), home)
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        project.db.copy_to(folder / DATABASE)
        for path in _files(project.folder):
            target = folder / path.relative_to(project.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        return _settle(folder, home, title)


def delete(project: Project, typed: str) -> None:
    """Deletes a project with all its pictures, where its title was typed as a check.

    Raises:
        OptionError: another title was typed. StorageError: not all of it can be deleted.
    """
    if typed.strip() != project.title:
        raise OptionError("The name that you typed is another one.", f"Type {project.title} to delete it.")
    project.close()
    try:
        shutil.rmtree(project.folder)
    except OSError as error:
        what = f"Not all files of this project could be deleted: {error.strerror or error}."
        raise StorageError(what, "Close programs that use them, and delete it again.") from error


def disk_use(project: Project) -> dict[str, int]:
    """Bytes of "pictures" (with their small copies), "models and jobs", and "answers" (the database)."""
    sizes = {"pictures": 0, "models and jobs": 0, "answers": 0}
    kinds = {"images": "pictures", "thumbs": "pictures", "runs": "models and jobs"}
    for path in project.folder.rglob("*"):
        try:
            size = 0 if path.is_symlink() or not path.is_file() else path.stat().st_size
        except OSError:  # gone in between
            continue
        sizes[kinds.get(path.relative_to(project.folder).parts[0], "answers")] += size
    return sizes


def free_space(folder: Path) -> int:
    """Bytes that are free where a folder lies."""
    return shutil.disk_usage(folder).free


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fix = "Check the folder and the free space."
        raise StorageError(f"{what} failed: {error.strerror or error}.", fix) from error


def _files(folder: Path) -> Iterator[Path]:
    """What a project holds beside its database."""
    for name in FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.name not in _LIVE and path.suffix != ".part":
                yield path


def _unpack(packed: zipfile.ZipFile, folder: Path) -> None:
    """Takes out what belongs to a project, each file below its folder, and nothing else."""
    members = [member for member in packed.infolist() if not member.is_dir()]
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        known = parts == (DATABASE,) or (len(parts) > 1 and parts[0] in FOLDERS)
        linked = (member.external_attr >> 16) & 0o170000 == 0o120000
        if not known or ".." in parts or any(":" in part or "\0" in part for part in parts) or linked:
            raise DataError("The file holds more than a project.", "Choose a backup that this program wrote.")
    if DATABASE not in {member.filename for member in members}:
        raise DataError("The file holds no project.", "Choose a backup that this program wrote.")
    _must_fit(sum(member.file_size for member in members), folder.parent)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for member in members:
        target = folder / PurePosixPath(member.filename.replace("\\", "/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(member) as source, target.open("xb") as out:  # reads no more than it says, and checks its sum
            shutil.copyfileobj(source, out, 1 << 20)


def _settle(folder: Path, home: Path, title: str) -> Path:
    """Opens the new project, which checks it, gives it its title, and moves it to where projects stand."""
    project = Project.open(folder)
    try:
        if problems := project.db.problems():
            raise DataError(f"Its database is damaged: {problems[0]}.", "Choose another backup.")
        named = title.strip() or project.title
        target = _free(home, slug(named))
        number = target.name.removeprefix(f"{slug(named)}-")
        project.set_setting("", "title", named if target.name == slug(named) else f"{named} ({number})")
    finally:
        project.close()
    _end_jobs(folder)
    folder.rename(target)
    return target


def _end_jobs(folder: Path) -> None:
    """No job of the copy runs, whatever the original was doing."""
    database = Database(folder / DATABASE)
    try:
        for row in database.rows("jobs", state=["queued", "running", "stopping"]):
            database.update("jobs", row["id"], {"state": "interrupted"})
    finally:
        database.close()


def _free(folder: Path, name: str, suffix: str = "") -> Path:
    """A name that nothing has yet: polyps, polyps-2, …"""
    numbered = (f"{name}{f'-{number}' if number > 1 else ''}{suffix}" for number in range(1, 10_000))
    return next(folder / each for each in numbered if not (folder / each).exists())


def _must_fit(size: int, folder: Path) -> None:
    if size + _SPARE > (free := free_space(folder)):
        what = f"It needs {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free."
        raise StorageError(what, "Make room on the disk, then try again.")
