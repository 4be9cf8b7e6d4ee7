"""Every plot, as SVG or HTML text: curves of a running job, and which neurons are trained.

Lines are told apart by more than colour. Only numbers and our own words go in; names from a project are escaped.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import pairwise
from pathlib import Path

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 132, 12, 30
"""Margins: the scale stands on the left, the names of the lines at their ends on the right."""

SMOOTHING = 0.1
"""Weight of a new point in the line that is drawn boldly; the points themselves stand behind it, faintly."""

DASHES = ("", "7 4", "2 4")
"""A line's pattern, by its place."""

Rows = Sequence[Mapping[str, float]]


def curve(rows: Rows, series: Mapping[str, str], total: int, title: str) -> str:
    """Lines over the steps of a job.

    Args:
        rows: each has "step" and some of the figures.
        series: name of a figure -> what stands at the line's end. Figures that no row has are left out.
        total: steps in all, the right end of the scale.
        title: what a screen reader says.

    Returns:
        SVG, or "" where there is nothing to draw yet.
    """
    lines = {name: [(row["step"], row[name]) for row in rows if _is_number(row.get(name))] for name in series}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return ""
    most = _round_up(max(value for points in lines.values() for _, value in points))
    across = max(total, *(points[-1][0] for points in lines.values()))
    places = _spread([_y(smoothed(points)[-1][1], most) for points in lines.values()])
    parts = [_scale(most, across)]
    for number, ((name, points), place) in enumerate(zip(lines.items(), places, strict=True)):
        parts.append(_line(points, smoothed(points), across, most, DASHES[number % len(DASHES)]))
        parts.append(f'<text class="name" x="{WIDTH - RIGHT + 8}" y="{place + 4:.0f}">{escape(series[name])}</text>')
    return _svg("".join(parts), WIDTH, HEIGHT, title)


def neuron_map(path: Path, title: str, row_words: str = "layer {}") -> str:
    """Layers down, the share of each one's neurons that is trained across; "" where no selection was made yet.

    Args:
        path: the run's selection.json.
    """
    if not path.is_file():
        return ""
    shares = _shares(path, path.stat().st_mtime_ns)
    if not shares:
        return ""
    most = max(max(shares), 1e-9)
    row = max(6, min(22, 220 // len(shares)))
    every = max(1, round(14 / row))
    parts = []
    for layer, share in enumerate(shares):
        y, width = layer * row, (WIDTH - LEFT - 100) * share / most
        parts.append(f'<rect class="share" x="84" y="{y + 1}" width="{width:.1f}" height="{max(2, row - 3)}"/>')
        if layer % every == 0:
            words = escape(row_words.format(layer + 1))
            parts.append(f'<text x="76" y="{y + row / 2 + 4:.0f}" text-anchor="end">{words}</text>')
            parts.append(f'<text class="name" x="{92 + width:.0f}" y="{y + row / 2 + 4:.0f}">{percent(share)}</text>')
    return _svg("".join(parts), WIDTH, row * len(shares) + 4, title)


def bar(share: float, words: str) -> str:
    """How much is done, as a bar with words for a screen reader."""
    share = min(1.0, max(0.0, share))
    return (
        f'<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{share * 100:.0f}" '
        f'aria-label="{escape(words)}"><i style="width:{share:.2%}"></i></div>'
    )


def card(heading: str, drawn: str) -> str:
    """A chart under its heading; "" where there is nothing to draw."""
    return f'<div class="card"><h3>{escape(heading)}</h3>{drawn}</div>' if drawn else ""


def percent(share: float) -> str:
    """A share in words: "5 %", "0.3 %"."""
    value = share * 100
    return f"{value:.0f} %" if value >= 10 else f"{value:.1f}".removesuffix(".0") + " %"


def smoothed(points: Sequence[tuple[float, float]], weight: float = SMOOTHING) -> list[tuple[float, float]]:
    """(step, value) with values as a running mean, in which the newest counts `weight`."""
    mean, result = points[0][1], []
    for number, (step, value) in enumerate(points, start=1):
        mean += max(weight, 1 / number) * (value - mean)
        result.append((step, mean))
    return result


@lru_cache(maxsize=32)
def _shares(path: Path, changed: int) -> tuple[float, ...]:
    """Share of chosen neurons per layer. The file may be large: it is read once for each time it was changed."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return tuple(len(chosen) / stored["sizes"][name] for name, chosen in stored["neurons"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError):
        return ()  # a plot is no place to fail: the run itself reads the file, and says what is wrong


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and value == value and abs(value) != float("inf")


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0
    while power > value:
        power /= 10
    while power * 10 <= value:
        power *= 10
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value)


def _x(step: float, across: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * step / across


def _y(value: float, most: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most)


def _spread(places: Sequence[float], apart: float = 16) -> list[float]:
    """Heights of the names, moved apart where lines end together."""
    result = list(places)
    order = sorted(range(len(places)), key=lambda n: places[n])
    for above, below in pairwise(order):
        result[below] = max(result[below], result[above] + apart)
    return result


def _scale(most: float, across: float) -> str:
    parts = []
    for share in (0, 0.5, 1):
        y = _y(most * share, most)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{most * share:g}</text>')
    for share in (0, 0.5, 1):
        x = _x(across * share, across)
        parts.append(f'<text x="{x:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{across * share:,.0f}</text>')
    return "".join(parts)


def _line(points: Rows, bold: Rows, across: float, most: float, dash: str) -> str:
    def path(of: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{_x(step, across):.1f},{_y(min(value, most), most):.1f}" for step, value in of)

    pattern = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline class="faint" points="{path(points)}"/><polyline class="bold" points="{path(bold)}"{pattern}/>'


def _svg(inside: str, width: int, height: int, title: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{inside}</svg>"
    )
