"""The two charts of the Trust view, as SVG text: only numbers and our own words go in."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from app.texts import trust as texts

SIDE, LEFT, BELOW, COUNTS = 220, 44, 40, 48
"""Pixels: the square of a chart, its margins, and the height of the counts under the reliability diagram."""


def reliability(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """How often answers are right against how sure the model was, with the number of answers beneath."""
    drawn = [_line([(0, 0), (1, 1)], "faint")]
    for part, kind in ((before, "before"), (after, "after")):
        bins = [one for one in part["bins"] if one["n"]] if part else []
        most = max((one["n"] for one in bins), default=1)
        drawn += [_mark(one["confidence"], one["right"] / one["n"], kind, one["n"] / most) for one in bins]
    most = max(one["n"] for one in before["bins"])
    drawn += [_count(one, most) for one in before["bins"]]
    drawn += _scale(texts.SURE, texts.RIGHT_SHARE, SIDE + COUNTS)
    drawn += [_words(LEFT - 8, SIDE + COUNTS, f"{most:,}", "end"), _words(LEFT + 8, 18, texts.BEFORE_MARK, "start")]
    if after:
        drawn.append(_words(LEFT + 8, 34, texts.AFTER_MARK, "start"))
    return _svg(drawn, SIDE + COUNTS, texts.RELIABILITY)


def risk_coverage(selective: Mapping[str, Any]) -> str:
    """Share of wrong answers among those given, when only the surest are given."""
    drawn = [_line([(0, selective["risk"]), (1, selective["risk"])], "faint")]
    drawn.append(_line(selective["curve"], "bold after"))
    answered, wrong = selective["answered"], selective["wrong_among_answered"]
    if answered:
        drawn.append(_mark(answered["value"], wrong["value"] if wrong else 0, "before"))
        drawn.append(_words(LEFT + 8, 18, texts.THRESHOLD_MARK, "start"))
    return _svg([*drawn, *_scale(texts.ANSWERED, texts.WRONG_SHARE, SIDE)], SIDE, texts.RISK)


def _x(value: float) -> float:
    return LEFT + SIDE * value


def _y(value: float) -> float:
    return 8 + (SIDE - 8) * (1 - min(max(value, 0), 1))


def _line(points: Sequence[Sequence[float]], kind: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def _mark(x: float, y: float, kind: str, share: float = 1.0) -> str:
    """A square for what was before, a circle for what is after; its area grows with the share of the answers."""
    side = 2 + 6 * math.sqrt(share)
    if kind == "before":
        at = f'x="{_x(x) - side / 2:.1f}" y="{_y(y) - side / 2:.1f}"'
        return f'<rect class="mark before" {at} width="{side:.1f}" height="{side:.1f}"/>'
    return f'<circle class="mark after" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="{side / 2:.1f}"/>'


def _count(one: Mapping[str, Any], most: int) -> str:
    height = (COUNTS - 14) * one["n"] / most if most else 0
    width = SIDE * (one["high"] - one["low"]) - 1
    at = f'x="{_x(one["low"]):.1f}" y="{SIDE + COUNTS - height:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="share" {at}><title>{one["n"]:,}</title></rect>'


def _scale(across: str, up: str, height: int) -> list[str]:
    parts = []
    for share in (0, 0.5, 1):
        parts.append(_words(_x(share), height + 16, f"{share:.0%}".replace("%", " %"), "middle"))
        parts.append(_words(LEFT - 8, _y(share) + 4, f"{share:.0%}".replace("%", " %"), "end"))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + SIDE}" y1="{_y(share):.1f}" y2="{_y(share):.1f}"/>')
    turned = f'<text transform="translate(-8 {SIDE / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    return [*parts, turned, _words(LEFT + SIDE / 2, height + 34, across, "middle")]


def _words(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(inside: Sequence[str], height: int, title: str) -> str:
    box = f'viewBox="-24 0 {LEFT + SIDE + 44} {height + BELOW}"'
    return (
        f'<svg class="chart" {box} role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(inside)}</svg>"
    )
