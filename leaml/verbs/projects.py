"""Which project a verb works on, and who works on it: `--project`, `--home`, `--person`."""

import argparse
import getpass
from pathlib import Path

from leaml.errors import OptionError, StorageError
from leaml.jobs.commands import shell_line
from leaml.store.project import DATABASE, Project, home, projects
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of every verb that works on a project."""
    parser.add_argument("--project", metavar="NAME", help="name or folder of the project (default: the last used one)")
    add_home(parser)
    parser.add_argument("--person", metavar="WHO", default=login(), help="who does this (default: your login name)")


def add_home(parser: argparse.ArgumentParser) -> None:
    text = "where projects stand (default: $LEAML_HOME, else LEAML in your home folder)"
    parser.add_argument("--home", type=Path, metavar="FOLDER", help=text)


def login() -> str:
    """The name under which a person is logged in."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container may know no name for its user
        return "somebody"


def chosen(arguments: argparse.Namespace) -> Project:
    """Opens the project that is meant, and says which.

    Raises:
        StorageError: there is none, or it cannot be opened. OptionError: there is none of this name.
    """
    place = whereabouts(arguments)
    folder = _named(arguments.project, place) if arguments.project else _last_used(place)
    project = Project.open(folder)
    tell(f"Project: {project.title}")
    return project


def whereabouts(arguments: argparse.Namespace) -> Path:
    """The folder in which projects stand."""
    return arguments.home or home()


def _named(name: str, place: Path) -> Path:
    for folder in (place / name, Path(name).expanduser()):
        if (folder / DATABASE).is_file():
            return folder
    names = ", ".join(folder.name for folder in projects(place))
    fix = f"There are: {names}." if names else f"Make one: {shell_line(['init', name])}"
    raise OptionError(f"There is no project {name} in {place}.", fix)


def _last_used(place: Path) -> Path:
    found = projects(place)
    if not found:
        raise StorageError(f"There is no project in {place}.", f"Make one: {shell_line(['init', 'My pictures'])}")
    return max(found, key=lambda folder: (folder / DATABASE).stat().st_mtime)
