"""What memory a job will take: asked for by a screen, found out in a process of its own, kept for next time. No torch.

    told = known(project, "adapt", options)      # Foretold, or None: nobody knows yet
    ask(project, "adapt", options)               # then somebody finds out, within seconds

All is kept in <home>/memory.json, since the memory belongs to the machine: by model, data and options what was
foretold, and what such a run was measured to take in its first steps. Once measured, that stands; for other options of
the same model and method, what is foretold is corrected by it.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from leaml.files import write_whole
from leaml.jobs import processes
from leaml.options import Options
from leaml.records import Progress, Result
from leaml.store.project import Project

FILE = "memory.json"
ROOM = 0.9
"""Of the free memory what may be taken: the rest is for what no tensor holds, and for gaps between them."""
SECONDS_OF_AN_ERROR = 60.0
"""For which something that went wrong is not tried again."""
MATTERS = (
    "model", "precision", "picture_size", "pictures_per_step", "checkpointing", "train", "method", "rank", "fraction",
)  # fmt: skip
"""Options that a step's memory depends on."""
ALIKE = ("model", "precision", "train", "method")
"""Those of them within which one measurement says something about another."""

_asked: list[subprocess.Popen] = []
"""Who is finding something out, of this process's children; one at most."""


@dataclass(frozen=True, slots=True)
class Advice:
    """An option that would make it fit, and what would be needed then."""

    option: str
    value: Any
    total: int


@dataclass(frozen=True, slots=True)
class Foretold:
    """Bytes that a job will hold at once, in parts, and those that are free; or why that cannot be said.

    measured: such a job was seen to take that. advice: where it does not fit.
    """

    parts: dict[str, int] = field(default_factory=dict)
    free: int = 0
    measured: bool = False
    advice: tuple[Advice, ...] = ()
    error: str = ""
    fix: str = ""

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    @property
    def fits(self) -> bool:
        return self.total <= ROOM * self.free


def known(project: Project, kind: str, options: Options) -> Foretold | None:
    """What is known of such a job; None where nobody has found out yet."""
    row = _read(_file(project)).get(_key(project, kind, options), {}).get("told")
    if row is None or (row["error"] and time.time() - row["time"] > SECONDS_OF_AN_ERROR):
        return None
    values = {name: row[name] for name in ("parts", "free", "measured", "error", "fix")}
    return Foretold(**values, advice=tuple(Advice(**each) for each in row["advice"]))


def ask(project: Project, kind: str, options: Options) -> None:
    """Has a process find out, unless one is at it."""
    if any(child.poll() is None for child in _asked):
        return  # one at a time: whoever asks asks again
    words = [str(project.folder), kind, options.model_dump_json()]
    _asked[:] = [subprocess.Popen(
        [sys.executable, "-m", "leaml.jobs.rehearsing", *words], cwd=processes.ROOT, env=processes.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **processes.apart(),
    )]  # fmt: skip


def turn(project: Project) -> str:
    """Another text whenever something new is known."""
    with suppress(OSError):
        return str(_file(project).stat().st_mtime_ns)
    return ""


def measuring(
    project: Project, kind: str, options: Options, events: Generator[Any, str | None, None]
) -> Generator[Any, str | None, None]:
    """The events of a stage, as they are; the peak that it measures in its first steps is kept."""
    sent, key = None, _key(project, kind, options)
    with closing(events):
        while not isinstance(event := events.send(sent), Result):
            if isinstance(event, Progress) and "peak memory" in event.figures:
                _change(_file(project), key, {"peak": round(event.figures["peak memory"]), "like": _like(options)})
            sent = yield event
    yield event


def peak_of(project: Project, kind: str, options: Options) -> int | None:
    """What such a job was measured to take; None where none has run."""
    return _read(_file(project)).get(_key(project, kind, options), {}).get("peak")


def correction(project: Project, options: Options) -> tuple[int, int] | None:
    """Bytes measured and bytes foretold, of the newest job like it that both are known of."""
    both = [row for row in _read(_file(project)).values() if row.get("like") == _like(options) and "expected" in row]
    return (both[-1]["peak"], both[-1]["expected"]) if both else None


def tell(project: Project, kind: str, options: Options, told: Foretold, expected: int = 0) -> None:
    """Keeps what was found out, for `known`. expected: bytes before any correction."""
    row = {"told": asdict(told) | {"time": time.time()}} | ({"expected": expected} if expected else {})
    _change(_file(project), _key(project, kind, options), row)


# ---- the file ----------------------------------------------------------------------------------------------------


def _file(project: Project) -> Path:
    return project.folder.parent / FILE


def _key(project: Project, kind: str, options: Options) -> str:
    """Of the model, of how much there is to learn from, roughly, and of the options that matter."""
    overview = project.overview()
    data = [project.name, *(n.bit_length() for n in (overview.labels, overview.captions, overview.accepted))]
    values = {name: getattr(options, name) for name in MATTERS if hasattr(options, name)}
    text = json.dumps([kind, _config_of(values["model"]), data, values])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _config_of(model: str) -> str:
    """What tells a model's shapes from another's at the same place; nothing of one that lies in the hub's cache."""
    with suppress(OSError):
        folder = processes.ROOT / "assets" / "nano" if model == "nano" else Path(model).expanduser()
        return hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()
    return ""


def _like(options: Options) -> list[Any]:
    return [getattr(options, name, None) for name in ALIKE]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """By key; nothing where there is no file, or none that can be read: all of it can be found out again."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _change(path: Path, key: str, row: Mapping[str, Any]) -> None:
    with FileLock(path.with_suffix(".lock")):
        rows = _read(path)
        rows[key] = rows.pop(key, {}) | dict(row)  # the newest stands last
        write_whole(path, json.dumps(rows, indent=1), safe=False)
