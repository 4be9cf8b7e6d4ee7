"""`leaml caption | distill | generate | adapt | compare | predict | report | export`: a job each, with its options."""

import argparse
from pathlib import Path

from leaml.errors import StorageError
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import VERBS
from leaml.jobs.queue import KINDS
from leaml.options import AnswerOptions, CaptionOptions
from leaml.verbs import flags, following, outcomes, projects
from leaml.verbs.copying import copy

KIND_OF = {verb: kind for kind, verb in VERBS.items()}


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    flags.add_flags(parser, KINDS[KIND_OF[verb]])
    projects.add_options(parser)
    following.add_options(parser)
    if verb == "predict":
        parser.add_argument("--out", type=Path, metavar="FILE", help="copy the finished table here (.csv)")
    if verb == "report":
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="copy the finished report here")


def main(arguments: argparse.Namespace) -> int:
    """Submits the job, follows it, and says what came of it."""
    kind = KIND_OF[arguments.verb]
    options = flags.read(arguments, KINDS[kind])
    if isinstance(options, AnswerOptions) and not Path(options.folder).expanduser().is_dir():
        raise StorageError(f"There is no folder {options.folder}.", "Give the folder that holds the pictures.")
    project = projects.chosen(arguments)
    if not hasattr(arguments, "model"):
        options = with_chosen(project, options)
    if isinstance(options, CaptionOptions) and options.server:
        from leaml.models.server import what_leaves  # httpx takes its time: not for `--help`

        following.tell(what_leaves(options))
    job = following.submit(project, kind, options, arguments)
    if job:
        outcomes.show(project, job, arguments.json)
        if getattr(arguments, "out", None):
            copy(job.folder / {"answer": "answers.csv", "report": "report"}[kind], arguments.out)
    return 0
