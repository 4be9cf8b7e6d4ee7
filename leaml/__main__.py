"""The command line: `python -m leaml VERB …`.

A verb is one row of `VERBS`: its name, a line of help, its options, and the module whose `main(arguments)` does the
work and returns the exit code. The module is imported only when its verb is called, so that `--help` needs no torch.

Exit codes: 0 done; 2 something that the user can act on, said in two lines; 130 stopped by Ctrl-C.
"""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leaml import __version__
from leaml.errors import LeamlError


@dataclass(frozen=True, slots=True)
class Verb:
    """One word of the command line."""

    name: str
    help: str
    module: str
    """Where `main(arguments: argparse.Namespace) -> int` stands."""
    add_options: Callable[[argparse.ArgumentParser], None]


def demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="folder with images/, questions.jsonl and captions.jsonl (default: the sample project)",
    )
    parser.add_argument(
        "--labels",
        type=int,
        metavar="N",
        help="pictures of the train split whose answers may be used (default: all that have some)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of the table to FILE, too")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of every random choice (default: 0)")
    parser.add_argument("--model", default="nano", metavar="MODEL", help="model to adapt (default: nano, embedded)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep adapters and suggestions here")


VERBS = (
    Verb(
        name="demo",
        help="the whole loop without a screen: distil, generate, filter, adapt, compare",
        module="leaml.demo",
        add_options=demo_options,
    ),
)


def build_parser(verbs: Sequence[Verb] = VERBS) -> argparse.ArgumentParser:
    """The parser of all verbs; a parsed namespace carries `module` and `trace` beside the verb's options."""
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--trace", action="store_true", help="on an error, show where in the program it arose")
    parser = argparse.ArgumentParser(
        prog="leaml", description="Adapt a multimodal language model to images it was never trained on."
    )
    parser.add_argument("--version", action="version", version=f"leaml {__version__}")
    commands = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs:
        command = commands.add_parser(verb.name, help=verb.help, description=verb.help, parents=[everywhere])
        verb.add_options(command)
        command.set_defaults(module=verb.module)
    return parser


def main(words: Sequence[str] | None = None, verbs: Sequence[Verb] = VERBS) -> int:
    """Run the verb that `words` (default: the command line) name; returns the exit code."""
    arguments = build_parser(verbs).parse_args(words)
    try:
        return importlib.import_module(arguments.module).main(arguments)
    except LeamlError as error:
        if arguments.trace:
            raise
        print(error.what, file=sys.stderr)
        if error.fix:
            print(error.fix, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
