"""The command line: `python -m leaml VERB …`.

A verb is one row of `VERBS`: its name, a line of help, and the module that declares its options (`add_options(parser,
verb)`) and does its work (`main(arguments)`, which returns the exit code). A module is imported only when its verb is
called, so that no verb waits for another's libraries.

Exit codes: 0 done; 2 something that the user can act on, said in two lines; 130 stopped by Ctrl-C.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from leaml import __version__
from leaml.errors import LeamlError


@dataclass(frozen=True, slots=True)
class Verb:
    """One word of the command line."""

    name: str
    help: str
    module: str


VERBS = (
    Verb("models", "list models to choose from, with licence, memory and what is here", "leaml.verbs.models"),
    Verb("download", "fetch a model of the Hugging Face hub, after its size and licence", "leaml.verbs.models"),
    Verb("use", "have a project work with another model from now on", "leaml.verbs.models"),
    Verb("init", "make an empty project", "leaml.verbs.init"),
    Verb("project", "list, back up, restore, copy or delete whole projects", "leaml.verbs.keeping"),
    Verb("import", "take pictures, questions and captions into the project", "leaml.verbs.importing"),
    Verb("blank", "black out a region of pictures, for good", "leaml.verbs.stages"),
    Verb("order", "find out which pictures to label first", "leaml.verbs.stages"),
    Verb("caption", "have a local model, the teacher, write captions", "leaml.verbs.stages"),
    Verb("distill", "learn to write questions and answers from labels and captions", "leaml.verbs.stages"),
    Verb("generate", "write suggestions for the pictures that nobody has labelled", "leaml.verbs.stages"),
    Verb("review", "list, accept, export suggestions, or import verdicts", "leaml.verbs.review"),
    Verb("adapt", "train the model on labels and accepted suggestions", "leaml.verbs.stages"),
    Verb("compare", "ask base and adapted models the held-out questions", "leaml.verbs.stages"),
    Verb("predict", "have a model answer a folder of new pictures into a table", "leaml.verbs.stages"),
    Verb("presets", "say what to choose for a model on a graphics card of some size, and why", "leaml.verbs.presets"),
    Verb("people", "say who may log in, and as what", "leaml.verbs.people"),
    Verb("jobs", "list, show, stop and resume long work", "leaml.verbs.jobs"),
    Verb("report", "write what a comparison found: one HTML file, its figures, a model card", "leaml.verbs.stages"),
    Verb("export", "write an adapted model and its data for other programs", "leaml.verbs.stages"),
    Verb("ablate", "run a plan of many runs, and write the table of what each part is worth", "leaml.verbs.ablate"),
    Verb("demo", "the whole loop without a screen, on the sample project or on a folder", "leaml.demo"),
)


def build_parser(verbs: Sequence[Verb] = VERBS, called: str | None = None) -> argparse.ArgumentParser:
    """The parser of all verbs; a parsed namespace carries `verb`, `module` and `trace` beside the verb's options.

    Args:
        called: the verb whose options are declared; None declares those of every verb.
    """
    parser = argparse.ArgumentParser(
        prog="leaml", description="Adapt a multimodal language model to images it was never trained on."
    )
    parser.add_argument("--version", action="version", version=f"leaml {__version__}")
    commands = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)
    for verb in verbs:
        command = commands.add_parser(verb.name, help=verb.help, description=f"{verb.help[0].upper()}{verb.help[1:]}.")
        command.set_defaults(module=verb.module)
        if called in (None, verb.name):
            importlib.import_module(verb.module).add_options(command, verb.name)
        command.add_argument("--trace", action="store_true", help="on an error, show where in the program it arose")
    return parser


def main(words: Sequence[str] | None = None, verbs: Sequence[Verb] = VERBS) -> int:
    """Run the verb that `words` (default: the command line) name; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    called = next((word for word in words if not word.startswith("-")), "")
    arguments = build_parser(verbs, called).parse_args(words)
    try:
        code = importlib.import_module(arguments.module).main(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # who reads has read enough, as in `leaml review list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except LeamlError as error:
        if arguments.trace:
            raise
        print(error.what, file=sys.stderr)
        if error.fix:
            print(error.fix, file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(stop if stop.args else "Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
