"""How a benchmark writes down what it measured: one JSON file, and the same as a table.

    report = Report("python -m benchmarks.nano")
    report.add([Figure("scenes", "all", rate(correct, clusters), bar=0.95)])
    report.write(Path("benchmarks/results/nano.json"))
    print(report.text())

The file holds `command`, `commit`, `machine`, `date`, `figures` (by "part: name", the headlines) and `rows` (the
break-downs). A rate carries its low, high, n and clusters; what an issue asks for stands beside it as `bar` and
`reached`, which the point estimate alone decides.
"""

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from leaml.errors import StorageError
from leaml.evaluation.metrics import Rate, rate
from leaml.files import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DIGITS = 5
"""Significant enough for every figure here, and few enough to read in a diff."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        part: which part of the benchmark it belongs to.
        name: what was measured.
        value: a rate with its interval, a plain number in `unit`, or None where nothing could be measured.
        unit: of a plain number.
        bar: what is asked for.
        at_most: whether the bar is an upper one.
        note: what a reader must know beside it.
        detail: whether it is a line of a break-down, which goes to `rows`.
        clusters: what the interval was clustered by, in the plural.
        interval: low and high of a plain number that was measured several times.
        n: how many times that was.
    """

    part: str
    name: str
    value: Rate | float | None
    unit: str = ""
    bar: float | None = None
    at_most: bool = False
    note: str = ""
    detail: bool = False
    clusters: str = "pictures"
    interval: tuple[float, float] | None = None
    n: int | None = None

    @property
    def number(self) -> float | None:
        return self.value.value if isinstance(self.value, Rate) else self.value

    @property
    def reached(self) -> bool | None:
        """Whether the point estimate is on the right side of the bar; None without a bar, False without a value."""
        if self.bar is None:
            return None
        if self.number is None:
            return False
        return self.number <= self.bar if self.at_most else self.number >= self.bar

    def plain(self) -> dict[str, Any]:
        """As it stands in the JSON file."""
        fields: dict[str, Any] = {"value": _rounded(self.number)}
        if isinstance(self.value, Rate):
            fields |= {"low": _rounded(self.value.low), "high": _rounded(self.value.high)}
            fields |= {"n": self.value.n, "clusters": self.value.clusters}
            fields["clustered_by"] = self.clusters
        if self.interval is not None:
            fields |= {"low": _rounded(self.interval[0]), "high": _rounded(self.interval[1]), "n": self.n}
        if self.value is None:
            fields |= {"low": None, "high": None, "n": 0, "clusters": 0}
        if self.unit:
            fields["unit"] = self.unit
        if self.bar is not None:
            fields |= {"bar": self.bar, "bar_is": "at most" if self.at_most else "at least", "reached": self.reached}
        return fields | ({"note": self.note} if self.note else {})

    def cells(self) -> tuple[str, str, str, str]:
        """As it stands in the table: name, value, bar and whether it is reached, note."""
        name = f"  {self.name}" if self.detail else self.name
        if self.value is None:
            value = "nothing to measure"
        else:
            value = f"{self.value:,.4g} {self.unit}".rstrip() if isinstance(self.value, float) else self.value.text()
            value = value.replace("independent", self.clusters)
        if self.interval is not None:
            value += f" [{self.interval[0]:,.4g}, {self.interval[1]:,.4g}] n {self.n}"
        bar = ""
        if self.bar is not None:
            bar = f"{'≤' if self.at_most else '≥'} {self.bar:g}: {'reached' if self.reached else 'MISSED'}"
        return name, value, bar, self.note

    def line(self) -> str:
        """Name, value and bar in one line."""
        return "  ".join(self.cells()[:3]).strip()


def share(right: Sequence[bool], clusters: Sequence[str]) -> Rate | None:
    """`metrics.rate`, or None where there is nothing to take a share of."""
    return rate(right, clusters) if right else None


class Report:
    """Everything that one command measured, in the order in which it was added."""

    def __init__(self, command: str) -> None:
        self.command = command
        # Taken before anything is measured, so that the load is that of others.
        self.commit, self.machine = commit(), machine()
        self.date = datetime.now(UTC).isoformat(timespec="seconds")
        self.figures: list[Figure] = []

    def add(self, figures: Iterable[Figure]) -> None:
        self.figures.extend(figures)

    def plain(self) -> dict[str, Any]:
        """The JSON file as a dictionary."""
        headlines = {f"{figure.part}: {figure.name}": figure.plain() for figure in self.figures if not figure.detail}
        rows = [{"part": f.part, "name": f.name, **f.plain()} for f in self.figures if f.detail]
        head = {"command": self.command, "commit": self.commit, "machine": self.machine, "date": self.date}
        return head | {"figures": headlines, "rows": rows}

    def write(self, path: Path) -> None:
        """Writes the JSON file; an earlier one stays until the new one is whole.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"{path} cannot be written: {error.strerror or error}."
            raise StorageError(what, "Give another file with --out.") from error
        write_whole(path, json.dumps(self.plain(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def text(self, parts: Sequence[str] | None = None) -> str:
        """The table that people read, of some parts or of all."""
        chosen = [figure for figure in self.figures if parts is None or figure.part in parts]
        rows = [figure.cells() for figure in chosen]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        lines, part = [], ""
        for figure, row in zip(chosen, rows, strict=True):
            if figure.part != part:
                part = figure.part
                lines += ["", part]
            name, value, bar = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
            lines.append(f"  {name}  {value}  {bar}  {row[3]}".rstrip())
        return "\n".join(lines)

    def missed(self) -> list[Figure]:
        """The figures that do not reach their bar."""
        return [figure for figure in self.figures if figure.reached is False]


def command_line(module: str, arguments: Sequence[str]) -> str:
    """The command as one types it again."""
    return shlex.join(["python", "-m", module, *arguments])


def commit() -> str:
    """The commit that was measured, with "+changes" where the tracked files differ from it."""
    head = _git("rev-parse", "HEAD")
    return head + ("+changes" if head and _git("status", "--porcelain", "--untracked-files=no") else "") or "unknown"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """What it ran on. `load` is the mean number of busy processes in the last minute, before the benchmark began."""
    found: dict[str, Any] = {"system": platform.platform(), "processor": processor_name(), "cores": os.cpu_count()}
    if hasattr(os, "getloadavg"):
        found["load"] = round(os.getloadavg()[0], 2)
    found["threads asked for"] = os.environ.get("OMP_NUM_THREADS", "default")
    found["python"] = sys.version.split()[0]
    for package in ("torch", "transformers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def processor_name() -> str:
    """The processor's model name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def peak_memory() -> float:
    """MiB that this process has held at most.

    Not `ru_maxrss` where Linux tells better: there a child process begins with the peak of the one that started it.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource  # absent on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
