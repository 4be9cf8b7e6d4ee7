"""`leaml jobs list | show N | stop N | resume N`."""

import argparse
import json

from leaml.jobs import queue
from leaml.jobs.queue import Job
from leaml.verbs import following, outcomes, projects
from leaml.verbs.flags import described
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    listed = _word(words, "list", "list all jobs, newest first")
    listed.add_argument("--json", action="store_true", help="one JSON object per line")
    shown = _word(words, "show", "show one job, and the end of what it printed", number=True)
    shown.add_argument("--json", action="store_true", help="print the job as JSON")
    stopped = _word(words, "stop", "stop a job", number=True)
    stopped.add_argument("--save", action="store_true", help="have it save first, so that `resume` loses nothing")
    following.add_options(_word(words, "resume", "go on with a job that stopped before its end", number=True))


def main(arguments: argparse.Namespace) -> int:
    """Does what the word says, on the project that is meant."""
    project = projects.chosen(arguments)
    if arguments.word != "stop":  # that would first start what is to be stopped
        queue.reconcile(project)
    {"list": _list, "show": _show, "stop": _stop, "resume": _resume}[arguments.word](project, arguments)
    return 0


def _word(words: argparse._SubParsersAction, name: str, text: str, number: bool = False) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=described(text))
    projects.add_options(parser)
    if number:
        parser.add_argument("number", type=int, metavar="N", help="number of the job")
    return parser


def _list(project: projects.Project, arguments: argparse.Namespace) -> None:
    for job in queue.jobs(project):
        print(json.dumps(following.as_row(job)) if arguments.json else _line(job))


def _show(project: projects.Project, arguments: argparse.Namespace) -> None:
    job = queue.job(project, arguments.number)
    if arguments.json:
        print(json.dumps(following.as_row(job)))
        return
    options = ", ".join(f"{name} {value}" for name, value in job.options.items() if value not in (None, [], ""))
    figures = ", ".join(f"{name} {value:g}" for name, value in job.figures.items())
    lines = [_line(job), f"options: {options}", f"figures: {figures}" if figures else "", job.error, job.fix]
    lines += [f"command: {job.command}" if job.command else "", "", queue.log_tail(project, job.id)]
    print("\n".join(line for line in lines if line))


def _stop(project: projects.Project, arguments: argparse.Namespace) -> None:
    queue.stop(project, arguments.number, arguments.save)
    tell(_line(queue.job(project, arguments.number)))


def _resume(project: projects.Project, arguments: argparse.Namespace) -> None:
    id = queue.resume(project, arguments.number, arguments.person)
    job = following.followed(project, id, arguments)
    if job:
        outcomes.show(project, job, arguments.json)


def _line(job: Job) -> str:
    again = f"goes on with {job.resume_of}" if job.resume_of else ""
    facts = (f"{job.share:.0%}" if job.active else "", f"{job.seconds:.0f} s", job.message, again)
    created = job.created[:16].replace("T", " ")
    return f"{job.id:>4}  {job.kind:<9}{job.state:<12}{created}  {', '.join(filter(None, facts))}"
