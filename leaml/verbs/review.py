"""`leaml review list | accept | progress | history | …`: suggestions judged from a script, or outside in a table."""

import argparse
import json
from pathlib import Path

from leaml.errors import OptionError
from leaml.jobs.commands import shell_line
from leaml.review.history import history
from leaml.review.settings import ReviewSettings, review_settings, set_review_settings
from leaml.store.conditions import Between
from leaml.store.exporting import export_pairs, import_verdicts
from leaml.store.project import PairState, Project
from leaml.verbs import projects
from leaml.verbs.flags import add_flags, described
from leaml.verbs.following import tell
from leaml.verbs.importing import named
from leaml.verbs.outcomes import next_step
from leaml.verbs.progress import lines, progress

STATUSES = ("suggested", "accepted", "rejected", "label", "question")


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    listed = _word(words, "list", "list questions and answers with their status")
    _add_status(listed)
    _add_filter(listed)
    listed.add_argument("--json", action="store_true", help="one JSON object per line")
    accepted = _word(words, "accept", "accept suggestions: these numbers, or all that pass a filter")
    accepted.add_argument("numbers", type=int, nargs="*", metavar="N", help="numbers of suggestions, as listed")
    _add_filter(accepted)
    accepted.add_argument("--all", action="store_true", help="every suggestion that waits")
    told = _word(words, "progress", "say how far the review is, who agrees, what samples and checks found")
    told.add_argument("--json", action="store_true", help="as one JSON object")
    history_ = _word(words, "history", "say who said what of a question when")
    history_.add_argument("number", type=int, metavar="N", help="number of the question, as listed")
    set_ = _word(words, "settings", "show how suggestions are reviewed by everybody, or change it")
    add_flags(set_, ReviewSettings)
    exported = _word(words, "export", "write questions and answers with their status into a file")
    exported.add_argument("file", type=Path, metavar="FILE", help=".jsonl or .csv")
    _add_status(exported)
    columns = "id, verdict (accept or reject), question, answer, reason"
    imported = _word(words, "import", f"take verdicts from a table with the columns {columns}")
    imported.add_argument("file", type=Path, metavar="FILE", help=".jsonl or .csv")


def main(arguments: argparse.Namespace) -> int:
    """Does what the word says, on the project that is meant."""
    project = projects.chosen(arguments)
    words = {
        "list": _list, "accept": _accept, "progress": _progress, "history": _history, "settings": _settings,
        "export": _export, "import": _import,
    }  # fmt: skip
    words[arguments.word](project, arguments)
    return 0


def _word(words: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=described(text))
    projects.add_options(parser)
    return parser


def _add_status(parser: argparse.ArgumentParser) -> None:
    text = "which (default: suggested)"
    parser.add_argument("--status", choices=STATUSES, nargs="+", default=["suggested"], help=text)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--least-agreement", type=float, metavar="X",
        help="only those on which the generator agrees with itself at least so much, 0 to 1",
    )  # fmt: skip
    parser.add_argument("--job", type=int, metavar="N", help="only those that this job wrote")


def _list(project: Project, arguments: argparse.Namespace) -> None:
    for pair in project.pairs(status=arguments.status, **_of_job(arguments)):
        if arguments.least_agreement is None or pair.signals.get("agreement", -1.0) >= arguments.least_agreement:
            print(json.dumps(_row(pair), ensure_ascii=False) if arguments.json else _line(pair))


def _accept(project: Project, arguments: argparse.Namespace) -> None:
    filtered = arguments.all or arguments.least_agreement is not None or arguments.job is not None
    if bool(arguments.numbers) == filtered:
        raise OptionError(
            "Either numbers of suggestions or a filter says what is accepted.",
            "Give numbers, or --least-agreement X, --job N or --all.",
        )
    if filtered:
        least = arguments.least_agreement or 0.0
        sure = {"signal": Between(least)} if least else {}
        chosen = [pair.id for pair in project.suggestions(status="suggested", **sure, **_of_job(arguments))]
        batch = f"agreement of at least {least:g}"
    else:
        chosen, batch = _waiting(project, arguments.numbers), "by number"
    project.accept_all(arguments.person, chosen, f"{batch}, from the command line")
    tell(f"Accepted {len(chosen)} suggestions.")
    next_step(project)


def _progress(project: Project, arguments: argparse.Namespace) -> None:
    found = progress(project)
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(lines(found)))


def _history(project: Project, arguments: argparse.Namespace) -> None:
    for step in history(project, arguments.number):
        details = (step.details.get(name) for name in ("question", "answer", "reason", "text"))
        said = " · ".join(str(text) for text in details if text)
        undone = " (taken back)" if step.withdrawn else ""
        print(f"{step.time}  {step.person or '-'}: {step.what}{undone}{f': {said}' if said else ''}")


def _settings(project: Project, arguments: argparse.Namespace) -> None:
    names = ReviewSettings.model_fields
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    settings = set_review_settings(project, arguments.person, **given) if given else review_settings(project)
    for name, field in names.items():
        print(f"{name:<12} {getattr(settings, name):<8} {field.description}")


def _waiting(project: Project, numbers: list[int]) -> list[int]:
    """The numbers, all of which must wait for a verdict."""
    waiting = {pair.id for pair in project.pairs(id=numbers, status="suggested")}
    others = [str(number) for number in numbers if number not in waiting]
    if others:
        what = f"No suggestion that waits for a verdict has the number {', '.join(others)}."
        raise OptionError(what, f"Those that wait: {shell_line(['review', 'list'], project)}")
    return numbers


def _of_job(arguments: argparse.Namespace) -> dict[str, int]:
    return {} if arguments.job is None else {"job_id": arguments.job}


def _export(project: Project, arguments: argparse.Namespace) -> None:
    tell(f"Wrote {export_pairs(project, arguments.file, arguments.status)} rows into {arguments.file}.")


def _import(project: Project, arguments: argparse.Namespace) -> None:
    tally = import_verdicts(project, arguments.file, arguments.person)
    there = f"; {tally.there} were given before" if tally.there else ""
    tell(f"Took {tally.taken} verdicts{there}.")
    for line in named(tally.refused):
        tell(line)
    next_step(project)


def _row(pair: PairState) -> dict[str, object]:
    names = ("id", "image_name", "question", "answer", "type", "choices", "status", "signals", "split", "group")
    row = {name: getattr(pair, name) for name in names}
    return row | {"job": pair.job_id, "reviewer": pair.reviewer, "edited": pair.edited}


def _line(pair: PairState) -> str:
    agrees = f"{pair.signals['agreement']:.2f}" if "agreement" in pair.signals else "    "
    answer = pair.answer or "(no answer)"
    return f"{pair.id:>6}  {pair.status:<10}{agrees}  {pair.image_name}: {pair.question} – {answer}"
