"""The plots of a report, as SVG text that stands in the page. Drawn from the document alone; matplotlib, when needed.

    rates(document["sets"][0])           # how often each model is right, with intervals
    reliability(trust["before"], trust["after"])
    risk_coverage(trust["selective"])

Text stays text, so that it can be searched and read aloud; shapes differ by more than colour.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from leaml.evaluation.resampling import FEWEST
from leaml.report.names import BASE, BLIND

INK, QUIET, ACCENT, OTHER = "#1b1b1d", "#8a8a90", "#0369a1", "#a3310f"
WIDTH = 6.6
"""Inches: what an A4 page holds between its margins."""

STYLE = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": "sans-serif", "font.size": 9,
    "axes.edgecolor": QUIET, "axes.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
    "xtick.color": INK, "ytick.color": INK, "text.color": INK,
    "axes.grid": True, "grid.color": "#e4e4e2", "grid.linewidth": 0.6, "axes.axisbelow": True,
}  # fmt: skip

NAMES = {BASE: "Base model", BLIND: "Guessing without the picture"}

Json = Mapping[str, Any]


def rates(one: Json) -> str:
    """Every model of a set: share right and its interval; "" where there are too few questions for a rate."""
    rows = [row for row in one["rows"] if row["n"] >= FEWEST]
    if not rows:
        return ""
    with _axes(f"rates-{one['name']}", 0.34 * len(rows) + 0.6) as (axes, drawn):
        for place, row in enumerate(reversed(rows)):
            colour = ACCENT if _same(row, one["adapted"]) else QUIET if row["name"] == BLIND else INK
            axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            axes.plot(row["value"], place, "o" if row["adapter"] else "s", color=colour, markersize=6, clip_on=False)
        axes.set_yticks(range(len(rows)), [_name(row) for row in reversed(rows)])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        _shares(axes, "share of questions answered right, with its range")
    return drawn[0]


def by_kind(one: Json) -> str:
    """Base and adapted model by kind of question; kinds with too few questions are left out."""
    kinds = [kind for kind in one["by_type"] if kind["n"] >= FEWEST]
    if not kinds or one["adapted"] is None or one["base"] is None:
        return ""
    rows = one["rows"]
    places = [next(n for n, row in enumerate(rows) if _same(row, one[who])) for who in ("base", "adapted")]
    with _axes(f"kinds-{one['name']}", 0.36 * len(kinds) + 0.7) as (axes, drawn):
        for height, colour, mark, place in ((0.14, INK, "s", places[0]), (-0.14, ACCENT, "o", places[1])):
            found = [(len(kinds) - 1 - n + height, kind["cells"][place]) for n, kind in enumerate(kinds)]
            for level, cell in found:
                axes.plot([cell["low"], cell["high"]], [level, level], color=colour, linewidth=2)
            values = [cell["value"] for _, cell in found]
            levels = [level for level, _ in found]
            axes.plot(values, levels, mark, color=colour, label=_name(rows[place]), clip_on=False)
        axes.set_ylim(-0.6, len(kinds) - 0.4)
        axes.set_yticks(range(len(kinds)), [f"{kind['name']} ({kind['n']})" for kind in reversed(kinds)])
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
        _shares(axes, "share of questions answered right, with its range")
    return drawn[0]


def reliability(before: Json, after: Json | None, name: str) -> str:
    """How often answers are right against how sure the model was, with the number of answers below."""
    with _axes(f"reliability-{name}", 3.0, 3.2, rows=2) as ((top, below), drawn):
        top.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
        for part, colour, mark, label in ((before, INK, "s", "as it is"), (after, ACCENT, "o", "after temperature")):
            if part is not None:
                bins = [one for one in part["bins"] if one["n"]]
                points = [one["confidence"] for one in bins], [one["right"] / one["n"] for one in bins]
                top.plot([], [], mark, color=colour, label=label, markersize=5)
                top.scatter(*points, _areas(bins), color=colour, marker=mark, alpha=0.75, clip_on=False, zorder=3)
        widths = [one["high"] - one["low"] for one in before["bins"]]
        counts = [one["n"] for one in before["bins"]]
        below.bar([one["low"] for one in before["bins"]], counts, widths, align="edge", color=QUIET, edgecolor="white")
        _percent(top.yaxis, 1)
        top.set_ylabel("share right")
        top.legend(frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        below.set_ylabel("answers")
        below.set_xlabel("how sure the model was")
        _percent(below.xaxis, 1)
    return drawn[0]


def _areas(bins: Sequence[Json]) -> list[float]:
    """Of the marks: the larger, the more answers; a bin of a few says little."""
    most = max(one["n"] for one in bins)
    return [6 + 44 * one["n"] / most for one in bins]


def risk_coverage(selective: Json, name: str) -> str:
    """Share of wrong answers among those given, when only the surest are given."""
    with _axes(f"risk-{name}", 3.0, 3.2) as (axes, drawn):
        axes.plot([one[0] for one in selective["curve"]], [one[1] for one in selective["curve"]], color=ACCENT)
        axes.axhline(selective["risk"], color=QUIET, linestyle=":", linewidth=1)
        answered = selective["answered"]
        if answered is not None:
            wrong = selective["wrong_among_answered"]
            axes.plot(answered["value"], wrong["value"] if wrong else 0, "o", color=OTHER, label="“ask a person” below")
            axes.legend(frameon=False, fontsize=8)
        _percent(axes.xaxis, 1)
        _percent(axes.yaxis, max(0.1, max(one[1] for one in selective["curve"])) * 1.05)
        axes.set_xlabel("share of questions answered, the surest first")
        axes.set_ylabel("share wrong among these")
    return drawn[0]


def _same(row: Json, other: Json | None) -> bool:
    """Whether two rows are of one model."""
    return other is not None and row["name"] == other["name"]


def _name(row: Json) -> str:
    """What the tables of the page call a model."""
    return NAMES.get(row["name"], row["name"])


# ---- drawing -----------------------------------------------------------------------------------------------------


@contextmanager
def _axes(salt: str, height: float, width: float = WIDTH, rows: int = 1) -> Iterator[tuple[Any, list[str]]]:
    """Axes to draw on; afterwards the list holds the SVG. `salt` keeps names within the SVGs of one page apart."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawn: list[str] = []
    with rc_context(STYLE | {"svg.hashsalt": salt}):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        ratios = {"height_ratios": (3, 1), "sharex": True} if rows == 2 else {}
        yield figure.subplots(rows, **ratios), drawn
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawn.append(_bare(stream.getvalue()))


def _bare(svg: str) -> str:
    """The <svg> alone, without what describes the program that drew it."""
    svg = svg[svg.index("<svg") :]
    return re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)


def _shares(axes: Any, label: str) -> None:
    """A scale from 0 to 100 %."""
    _percent(axes.xaxis, 1)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label)


def _percent(axis: Any, most: float) -> None:
    """A scale from 0 to `most`, in percent."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis.axes.set(**{f"{axis.axis_name}lim": (0, most)})
    axis.set_major_locator(MaxNLocator(5 if most < 1 else 4, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def of_sets(sets: Sequence[Json]) -> list[dict[str, str]]:
    """The plots of each test set, by name; "" where there is too little to draw."""
    return [_of_set(one) for one in sets]


def _of_set(one: Json) -> dict[str, str]:
    found = {"rates": rates(one), "by_kind": by_kind(one)}
    trust = (one["adapted"] or {}).get("trust") or {}
    for kind in ("closed", "open"):
        part = trust.get(kind)
        enough = part and part["before"] is not None
        name = f"{one['name']}-{kind}"
        found[f"{kind}_reliability"] = reliability(part["before"], part["after"], name) if enough else ""
        found[f"{kind}_risk"] = risk_coverage(part["selective"], name) if enough else ""
    return found
