"""The reference of all verbs, as the README has it between its markers.

    python -m leaml.verbs.reference              print it
    python -m leaml.verbs.reference --write      put it into the README; a test fails where it stands there otherwise
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import leaml
from leaml.__main__ import build_parser

README = Path(leaml.__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- verbs -->", "<!-- /verbs -->"

COMMON = ("--project", "--home", "--person", "--trace", "--detach")
"""Flags that are told once, not under every verb."""

INTRODUCTION = """\
`python launch.py VERB …` does step by step what the screens do, on the same projects; `--help` behind a verb tells its
options as well. Every verb that works on a project takes `--project NAME` (its name or folder; default: the last used
one), `--home FOLDER` (where projects stand; default: `$LEAML_HOME`, else `~/LEAML`) and `--person WHO` (default: your
login name). Long verbs submit a job and follow it; with `--detach` they leave it running. Ctrl-C stops it and saves,
and says how to go on.

What a program may want goes to stdout, all else to stderr. Exit codes: 0 done; 2 something that you can act on, said in
a sentence or two; 130 stopped by Ctrl-C. `--trace` shows where in the program an error arose."""


def reference() -> str:
    """The reference as Markdown, without its markers: what each verb does, then all options, folded away."""
    verbs = list(_leaves(build_parser()))
    lines = [INTRODUCTION, "", "| verb | |", "|---|---|"]
    lines += [f"| `{_call(verb)}` | {verb.description} |" for verb in verbs]
    lines += ["", "<details><summary>All options</summary>"]
    lines += [line for verb in verbs for line in _options(verb)]
    return "\n".join([*lines, "", "</details>"])


def written(readme: str) -> str:
    """The README with today's reference between its markers, which must be there."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m leaml.verbs.reference", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into README.md")
    if parser.parse_args(words).write:
        README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    else:
        print(reference())
    return 0


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Every verb, or every word of those that have some."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser
    for action in below:
        for inner in action.choices.values():
            yield from _leaves(inner)


def _call(verb: argparse.ArgumentParser) -> str:
    """The verb and what it takes by place: `review export FILE`."""
    places = (_shown(action) for action in verb._actions if not action.option_strings)
    return " ".join([verb.prog.split(maxsplit=1)[1], *places])


def _options(verb: argparse.ArgumentParser) -> Iterator[str]:
    rows = [_row(action) for action in verb._actions if _is_told(action)]
    if rows:
        yield from ("", f"**`{_call(verb)}`**", "", "| option | |", "|---|---|", *rows)


def _is_told(action: argparse.Action) -> bool:
    hidden = isinstance(action, argparse._HelpAction) or set(action.option_strings) & set(COMMON)
    return not hidden and action.help is not None


def _row(action: argparse.Action) -> str:
    text = action.help.replace("%%", "%").replace("|", "\\|")
    return f"| `{_shown(action)}` | {text} |"


def _shown(action: argparse.Action) -> str:
    """The flag and what stands behind it, or the word by its place."""
    value = action.metavar or (f"{{{','.join(action.choices)}}}" if action.choices else "")
    value = f"{value} …" if action.nargs in ("+", "*") else value
    return f"{' '.join(action.option_strings)} {value}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
