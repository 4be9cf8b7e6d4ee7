"""The pictures of an ablation, as SVG: label efficiency, the rows beside each other, where the chosen neurons live.

Drawn by matplotlib, without a screen. The same table gives the same file.
"""

from collections.abc import Sized
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leaml.errors import StorageError

Found = dict[str, Any]

MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", ":", "-.")
INK, ACCENT, QUIET = "#1f2933", "#0b6e99", "#9aa5b1"
STYLE = {
    "svg.hashsalt": "leaml", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "text.color": INK, "axes.edgecolor": QUIET,
}  # fmt: skip


def draw(report: Found, label_counts: dict[str, int | None], folder: Path, name: str) -> list[Path]:
    """Writes every picture that the table has something for; returns their paths.

    Raises:
        StorageError: a file cannot be written.
    """
    drawn = []
    for kind, sketch in (("efficiency", _efficiency), ("rows", _rows), ("layers", _layers)):
        with matplotlib.rc_context(STYLE):
            figure = Figure(figsize=(7.2, 4.2), layout="constrained")
            if sketch(figure.subplots(), report, label_counts):
                drawn.append(_save(figure, folder / f"{name}_{kind}.svg"))
    return drawn


def _save(figure: Figure, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Check the folder and the free space.") from error
    return path


def _efficiency(axes: Axes, report: Found, label_counts: dict[str, int | None]) -> bool:
    """Accuracy over label counts, for the rows that were run at several."""
    order = list(label_counts)
    lines: dict[str, list[Found]] = {}
    for row in report["rows"]:
        lines.setdefault(row["row"], []).append(row)
    lines = {name: rows for name, rows in lines.items() if len(rows) > 1 and len(rows[0]["seeds"]) > 1}
    for place, (name, rows) in enumerate(lines.items()):
        at = [order.index(row["labels"]) + 0.04 * (place - len(lines) / 2) for row in rows]
        values = [row["accuracy"] for row in rows]
        reach = [[row["accuracy"] - row["low"] for row in rows], [row["high"] - row["accuracy"] for row in rows]]
        axes.errorbar(
            at, values, yerr=reach, label=name, marker=MARKERS[place % len(MARKERS)],
            linestyle=LINES[place % len(LINES)], capsize=3,
        )  # fmt: skip
    axes.set_xticks(range(len(order)), order)
    axes.set(xlabel="labelled questions", ylabel="accuracy, mean over seeds with 95 % interval")
    return _named(axes, lines)


def _rows(axes: Axes, report: Found, label_counts: dict[str, int | None]) -> bool:
    """Every row at the smallest label count, best last so that it stands on top."""
    smallest = next(iter(label_counts))
    rows = sorted((row for row in report["rows"] if row["labels"] == smallest), key=lambda row: row["accuracy"])
    for place, row in enumerate(rows):
        reach = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]]
        colour = ACCENT if row["row"] == "LEAML" else QUIET
        axes.barh(place, row["accuracy"], xerr=reach, color=colour, ecolor=INK, capsize=2)
    axes.set_yticks(range(len(rows)), [row["row"] for row in rows])
    axes.set(xlabel=f"accuracy with {smallest} of the labels, 95 % interval", xlim=(0, 1))
    return bool(rows)


def _layers(axes: Axes, report: Found, label_counts: dict[str, int | None]) -> bool:
    """The share of neurons that each way of scoring chose, by layer; mean over seeds."""
    smallest = next(iter(label_counts))
    rows = [row for row in report["rows"] if row["labels"] == smallest and "share by layer" in row]
    for place, row in enumerate(rows):
        shares = row["share by layer"]
        width = 0.8 / len(rows)
        at = [layer + (place - (len(rows) - 1) / 2) * width for layer in range(len(shares))]
        hatch = ("", "//", "..", "xx")[place % 4]
        axes.bar(at, [100 * share for share in shares], width, label=row["row"], hatch=hatch)
    axes.set(xlabel="layer", ylabel="chosen neurons, % of the layer")
    axes.xaxis.get_major_locator().set_params(integer=True)
    return _named(axes, rows)


def _named(axes: Axes, drawn: Sized) -> bool:
    """Whether there is anything; if so, with its names beside it."""
    if drawn:
        axes.legend(frameon=False)
    return bool(drawn)
