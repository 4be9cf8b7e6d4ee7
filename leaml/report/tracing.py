"""Values that know where in the document they stand, so that whatever a page writes of them can be traced back.

    traced(document).sets[0].questions | count      # <span data-path="sets.0.questions" data-as="count">412</span>

A template never sees a bare number: it can only write one with one of `SHOWN`, which leaves its place beside it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from leaml.evaluation.resampling import FEWEST


class Traced:
    """A value of the document and its place. Mappings are read by attribute or item, lists by iteration."""

    def __init__(self, raw: Any, place: str = "") -> None:
        self.raw, self.place = raw, place

    def __getattr__(self, name: str) -> "Traced":
        if isinstance(self.raw, Mapping) and name in self.raw:
            return self[name]
        raise AttributeError(name)

    def __getitem__(self, key: Any) -> "Traced":
        return Traced(self.raw[key], f"{self.place}.{key}".lstrip("."))

    def __iter__(self) -> Iterator["Traced"]:
        return (self[number] for number in range(len(self.raw)))

    def items(self) -> Iterator[tuple[str, "Traced"]]:
        """Keys and values of a mapping."""
        return ((key, self[key]) for key in self.raw)

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return self.raw == (other.raw if isinstance(other, Traced) else other)

    __hash__ = None

    def __html__(self) -> Markup:
        """A text as it stands; a template that writes a bare number is wrong."""
        if isinstance(self.raw, str):
            return _span(self, "text")
        raise TypeError(f"{self.place} is {self.raw!r}: say how it is shown")

    def __str__(self) -> str:
        raise TypeError(f"{self.place} must not be written without its place")


def traced(document: Mapping[str, Any]) -> Traced:
    """The document, for a template."""
    return Traced(document)


def at(document: Any, path: str) -> Any:
    """The value that stands at a path."""
    for key in path.split("."):
        document = document[int(key)] if isinstance(document, Sequence) else document[key]
    return document


# ---- how values are shown ----------------------------------------------------------------------------------------


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _rate(value: Mapping[str, Any]) -> str:
    """ "79 % [75, 83]"; below 30 items "12 of 18"."""
    if value["n"] < FEWEST:
        return f"{round(value['value'] * value['n'])} of {value['n']}"
    return f"{100 * value['value']:.0f} % [{100 * value['low']:.0f}, {100 * value['high']:.0f}]"


def _points(value: Mapping[str, Any]) -> str:
    """ "+38 [+33, +43]" in percentage points; below 30 items "+3 of 18"."""
    if value["n"] < FEWEST:
        return _minus(f"{round(value['value'] * value['n']):+d} of {value['n']}")
    return _minus(f"{100 * value['value']:+.0f} [{100 * value['low']:+.0f}, {100 * value['high']:+.0f}]")


def _minus(text: str) -> str:
    """With a sign that is not taken for a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def _measure(value: Mapping[str, Any]) -> str:
    """ "0.84 [0.79, 0.88]"; below 30 items "n 18: too few"."""
    if value["n"] < FEWEST:
        return f"n {value['n']}: too few"
    return f"{value['value']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"


def _scalar(value: Any) -> str:
    """An option's value."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value in (None, "", []) else str(value)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


SHOWN: dict[str, Callable[[Any], str]] = {
    "text": str,
    "count": lambda value: f"{value:,}",
    "percent": _percent,
    "rate": _rate,
    "points": _points,
    "apart": lambda value: f"{100 * value:.0f} points",
    "measure": _measure,
    "two": lambda value: f"{value:.2f}",
    "minutes": lambda value: f"{math.ceil(value):,} min" if value else "0 min",
    "time": _time,
    "megabytes": lambda value: f"{value / 1e6:.1f} MB",
    "scalar": _scalar,
}
"""How a value is written -> the text."""


def shown(how: str) -> Callable[[Traced], Markup]:
    """The filter of a template that writes a traced value in one of these ways."""
    return lambda value: _span(value, how)


def _span(value: Traced, how: str) -> Markup:
    text = SHOWN[how](value.raw)
    return Markup('<span data-path="{}" data-as="{}">{}</span>').format(value.place, how, escape(text))
