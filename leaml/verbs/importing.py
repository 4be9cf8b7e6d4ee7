"""`leaml import FOLDER`, or a file of questions or captions whose pictures are in the project already."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from leaml.errors import StorageError
from leaml.options import ImportOptions
from leaml.store import hub
from leaml.store.findings import Findings
from leaml.store.importing import SETTING, import_captions, import_questions
from leaml.store.tables import how_many
from leaml.verbs import flags, following, outcomes, projects
from leaml.verbs.following import tell

MOST_SHOWN = 20
"""Refused rows that are named; all stand in the project."""


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    text = (
        "folder of pictures, with tables of questions and captions beside them, as this or other programs write them;"
        " one such table; or hub:owner/name, a data set of the Hugging Face hub"
    )
    parser.add_argument("folder", metavar="PATH", help=text)
    parser.add_argument("--captions", action="store_true", help="PATH is a file of captions, not one of questions")
    flags.add_flags(parser, ImportOptions, leave_out=["folder"])
    projects.add_options(parser)
    following.add_options(parser)


def main(arguments: argparse.Namespace) -> int:
    """Takes in what can be used, and names the rest with the reason."""
    options = flags.read(arguments, ImportOptions)
    path = Path(options.folder).expanduser()
    on_the_hub = hub.named(path) is not None
    if not on_the_hub and not path.exists():
        raise StorageError(f"There is no {path}.", "Give a folder of pictures, or a file of questions or captions.")
    project = projects.chosen(arguments)
    if on_the_hub or path.is_dir():
        job = following.submit(project, "import", options, arguments)
        if job is None:
            return 0
        found = Findings.from_json(project.setting(SETTING))
    else:
        found = (import_captions if arguments.captions else import_questions)(project, path, arguments.person)
    show(found, arguments.json)
    outcomes.next_step(project)
    return 0


def show(found: Findings, as_json: bool = False) -> None:
    """What went in to stdout, what was refused to stderr; or all of it as JSON."""
    if as_json:
        print(json.dumps(found.as_json(), ensure_ascii=False))
        return
    for sentence in found.sentences():
        print(sentence)
    for line in named(found.refused):
        tell(line)


def named(refused: Sequence[str]) -> Iterator[str]:
    """The first of what was refused, a line each, and how many more there are."""
    yield from (f"refused: {sentence}" for sentence in refused[:MOST_SHOWN])
    if len(refused) > MOST_SHOWN:
        yield f"and {how_many(refused) - MOST_SHOWN} more"
