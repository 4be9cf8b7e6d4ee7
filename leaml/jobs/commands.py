"""A stage's options as the command that does the same: what a form copies, and what a job's row remembers.

    command_of("distil", DistilOptions(steps=20), project)
    # python launch.py distill --project phantom --steps 20

How an option is spelled as a flag stands here alone; `leaml.verbs.flags` reads the same spelling.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from leaml.options import Options
from leaml.store.project import Project, home

VERBS = {
    "download": "download",
    "import": "import",
    "blank": "blank",
    "order": "order",
    "caption": "caption",
    "distil": "distill",
    "generate": "generate",
    "adapt": "adapt",
    "compare": "compare",
    "answer": "predict",
    "report": "report",
    "export": "export",
}
"""Kind of a job -> the verb that submits it."""


def command_of(kind: str, options: Options, project: Project | None = None, paths: Sequence[str | Path] = ()) -> str:
    """The command line that does what the form does, ready to be pasted into a shell. Defaults are left out.

    Args:
        kind: of the job.
        project: named in the command, if given: by its name in the usual home, elsewhere by its folder.
        paths: what stands before the flags, such as the folder of an import.
    """
    always = ("model",) if project and project.setting("model") else ()  # else the verb would take the one chosen
    return shell_line([VERBS[kind], *map(str, paths), *words_of(options, always)], project)


def shell_line(words: Sequence[str], project: Project | None = None) -> str:
    """A verb and its words as they are typed into a shell, quoted, with the project that is meant."""
    whole = ["python", "launch.py", *words]
    if project is not None:
        whole += ["--project", _address(project)]
    return subprocess.list2cmdline(whole) if os.name == "nt" else shlex.join(whole)


def words_of(options: Options, always: Sequence[str] = ()) -> list[str]:
    """The options as words: required ones by place, then a flag for each that is not at its default, or of `always`."""
    fields = type(options).model_fields
    required = [str(getattr(options, name)) for name, field in fields.items() if field.is_required()]
    changed = (
        word
        for name, field in fields.items()
        if not field.is_required() and (getattr(options, name) != field.default or name in always)
        for word in _flag_and_value(name, field, getattr(options, name))
    )
    return [*required, *changed]


def flag_of(name: str) -> str:
    """`learning_rate` -> `--learning-rate`."""
    return f"--{name.replace('_', '-')}"


def _flag_and_value(name: str, field: FieldInfo, value: Any) -> Iterator[str]:
    flag = flag_of(name)
    if field.annotation is bool:
        yield flag if value else flag_of(f"no_{name}")
    elif isinstance(value, tuple):
        # one flag for each member: a list of words would swallow what stands behind it
        for member in value:
            yield from _joined(flag, member)
    elif value is not None:
        yield from _joined(flag, value)


def _joined(flag: str, value: Any) -> Iterator[str]:
    """Two words, or one where the value itself looks like a flag."""
    text = str(value)
    if text.startswith("-"):
        yield f"{flag}={text}"
    else:
        yield from (flag, text)


def _address(project: Project) -> str:
    return project.name if project.folder.parent == home() else str(project.folder)
