"""What a job left in its run folder, copied to where the user wants it."""

import shutil
from pathlib import Path

from leaml.errors import StorageError


def copy(source: Path, target: Path) -> None:
    """A file, or a folder into a folder."""
    try:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
    except OSError as error:
        what = f"{source.name} cannot be copied to {target}: {error.strerror or error}."
        raise StorageError(what, "Check the folder and the free space.") from error
