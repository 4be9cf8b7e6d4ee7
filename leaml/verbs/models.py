"""From nano to a real model: `leaml models` lists some, `leaml download NAME` fetches one, `leaml use NAME` takes it.

    python launch.py models
    python launch.py download Qwen/Qwen3-VL-4B-Instruct     # shows size and licence, and asks
    python launch.py use Qwen/Qwen3-VL-4B-Instruct          # in this project, from now on
"""

import argparse
import json
import sys
from collections.abc import Iterable

from tqdm import tqdm

from leaml.errors import OptionError
from leaml.jobs.choosing import NANO, choose, is_here
from leaml.jobs.commands import shell_line
from leaml.models import hub
from leaml.models.families import KNOWN, WHOLE_WAY, Known
from leaml.options import DownloadOptions
from leaml.records import Progress
from leaml.verbs import flags, projects
from leaml.verbs.following import tell

HEAD = ("model", "licence", "weights", "GiB in bf16", "in 4 bits", "here")
YES = ("y", "yes")


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    if verb == "models":
        parser.add_argument("--table", action="store_true", help="as the table of the README (Markdown)")
    elif verb == "use":
        parser.add_argument("model", metavar="NAME", help="nano, a folder, or a hub id that was downloaded")
        projects.add_options(parser)
    else:
        flags.add_flags(parser, DownloadOptions)
        parser.add_argument("--yes", action="store_true", help="fetch it without asking; size and licence are shown")
    parser.add_argument("--json", action="store_true", help="print what came of it as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Lists, downloads, or has a project use one."""
    return {"models": _list, "download": _download, "use": _use}[arguments.verb](arguments)


# ---- models ------------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print(json.dumps([row(known) for known in KNOWN]))
    elif arguments.table:
        print("\n".join(table(KNOWN)))
    else:
        _print_columns([HEAD, *(list(row(known).values())[: len(HEAD)] for known in KNOWN)])
        tell(f"Tested, each family: {WHOLE_WAY}. Any other model of these families can be named, or a folder.")
    return 0


def row(known: Known) -> dict[str, str]:
    """What is said of a model, as text."""
    here = is_here(known.model)
    licence = known.licence + (", gated" if known.gated else "")
    figures = {"bf16": known.gib("full"), "4bit": known.gib("4bit")}
    return {"model": known.model, "licence": licence, "weights": known.size, **figures, "here": "yes" if here else ""}


def table(models: Iterable[Known]) -> Iterable[str]:
    """Rows of Markdown: the same but what is here, with the smallest cards to learn on, and what was tested."""
    yield "| model | licence | weights | GiB in bf16 | in 4 bits | card for bf16, GB | for 4 bits | tested |"
    yield "|---|---|---|---|---|---|---|---|"
    for known in models:
        said = row(known)
        page, cards = f"[{known.model}](https://huggingface.co/{known.model})", map(known.card, ("full", "4bit"))
        tested = f"`{known.family}`, small and random"
        if known.model == NANO:
            page, cards, tested = NANO, ("none", "none"), "as it is, the whole loop"
        figures = (said["weights"], said["bf16"], said["4bit"])
        yield f"| {' | '.join(map(str, (page, said['licence'], *figures, *cards, tested)))} |"


def _print_columns(rows: list) -> None:
    widths = [max(len(str(line[place])) for line in rows) for place in range(len(HEAD))]
    for line in rows:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


# ---- download ----------------------------------------------------------------------------------------------------


def _download(arguments: argparse.Namespace) -> int:
    """Shows what it is, asks, and fetches it."""
    options = flags.read(arguments, DownloadOptions)
    offer = hub.ask(options.model)
    tell("\n".join(offer.sentences()))
    if offer.here < offer.size and not arguments.yes:
        _ask_for_a_yes(options.model)
    with tqdm(unit="MB", file=sys.stderr, disable=not sys.stderr.isatty()) as bar:
        for event in hub.download(options.model, options.commit or offer.commit):
            if isinstance(event, Progress):
                bar.total, bar.n = event.total, event.step
                bar.refresh()
    name = hub.pinned(options.model)
    print(json.dumps({"model": name, "folder": str(hub.cached(name).folder)}) if arguments.json else name)
    tell(f"Next, have your project work with it: {shell_line(['use', options.model])}")
    return 0


def _ask_for_a_yes(model: str) -> None:
    if not sys.stdin.isatty():
        raise OptionError(f"Nobody is there to say yes to fetching {model}.", "Add --yes.")
    tell("Fetch it? [y/N]")
    if input().strip().lower() not in YES:
        raise OptionError(f"{model} was not fetched.", "")


# ---- use ---------------------------------------------------------------------------------------------------------


def _use(arguments: argparse.Namespace) -> int:
    """What is trained, written and answered in the project from now on is done with this model, unless told another."""
    name = choose(projects.chosen(arguments), arguments.person, arguments.model)
    print(json.dumps({"model": name}) if arguments.json else name)
    return 0
