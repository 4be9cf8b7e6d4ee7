"""`leaml project list | backup | restore | copy | delete | room`: whole projects, kept, brought back, removed."""

import argparse
import json
from pathlib import Path

from leaml.errors import OptionError, StorageError
from leaml.jobs import queue
from leaml.store import copies
from leaml.store.project import Project
from leaml.store.project import projects as project_folders
from leaml.verbs import projects
from leaml.verbs.flags import described
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    listed = words.add_parser("list", help="list the projects", description=described("list the projects"))
    projects.add_home(listed)
    listed.add_argument("--json", action="store_true", help="one JSON object per line")
    kept = _word(words, "backup", "write the project into one file")
    kept.add_argument("folder", type=Path, metavar="FOLDER", help="where the file is written")
    text = "make a project of a backup"
    restored = words.add_parser("restore", help=text, description=described(text))
    restored.add_argument("file", type=Path, metavar="FILE", help="what `project backup` wrote")
    restored.add_argument("--title", default="", help="what it is called from then on (default: as it was)")
    projects.add_home(restored)
    copied = _word(words, "copy", "make a second project of this one")
    copied.add_argument("title", metavar="TITLE", help="what the copy is called")
    deleted = _word(words, "delete", "delete the project with all its pictures, answers and models")
    deleted.add_argument("title", metavar="TITLE", help="its title, as a check")
    _word(words, "room", "say how much disk space it takes")


def main(arguments: argparse.Namespace) -> int:
    """Does what the word says."""
    words = {
        "list": _list, "backup": _back_up, "restore": _restore, "copy": _copy, "delete": _delete, "room": _room,
    }  # fmt: skip
    words[arguments.word](arguments)
    return 0


def _word(words: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=described(text))
    projects.add_options(parser)
    return parser


def _list(arguments: argparse.Namespace) -> None:
    for folder in project_folders(projects.whereabouts(arguments)):
        project = Project.open(folder)
        row = {"name": project.name, "title": project.title, "pictures": project.overview().pictures}
        print(json.dumps(row, ensure_ascii=False) if arguments.json else f"{project.name}: {row['pictures']} pictures")
        project.close()


def _back_up(arguments: argparse.Namespace) -> None:
    print(copies.back_up(_idle(arguments), arguments.folder))


def _restore(arguments: argparse.Namespace) -> None:
    if not arguments.file.is_file():
        raise StorageError(f"There is no file {arguments.file}.", "Give the backup's file.")
    home = projects.whereabouts(arguments)
    home.mkdir(parents=True, exist_ok=True)
    print(copies.restore(arguments.file, home, arguments.title))


def _copy(arguments: argparse.Namespace) -> None:
    print(copies.duplicate(_idle(arguments), arguments.title))


def _delete(arguments: argparse.Namespace) -> None:
    copies.delete(_idle(arguments), arguments.title)
    tell(f"Deleted {arguments.title.strip()}.")


def _room(arguments: argparse.Namespace) -> None:
    project = projects.chosen(arguments)
    for name, size in copies.disk_use(project).items():
        print(f"{size / 1e6:>12,.1f} MB  {name}")


def _idle(arguments: argparse.Namespace) -> Project:
    """The project that is meant, where no job changes its files meanwhile."""
    project = projects.chosen(arguments)
    queue.reconcile(project)
    if any(job.active for job in queue.jobs(project)):
        raise OptionError("A job of this project still runs.", "Wait until it is done, or stop it first.")
    return project
