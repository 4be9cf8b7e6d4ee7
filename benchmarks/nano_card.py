"""Writes the figures of `benchmarks/results/nano.json` into nano's model card, so that the card says what was measured.

    python -m benchmarks.nano_card

Everything between the two marks of the card is replaced; the rest of it is written by hand.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.report import RESULTS, ROOT

CARD = ROOT / "assets" / "nano" / "README.md"
FIRST, LAST = "<!-- figures: python -m benchmarks.nano_card -->", "<!-- end of figures -->"


def table(measured: dict[str, Any]) -> str:
    """The headlines as a Markdown table, with their bars, and what they were measured with."""
    lines = [
        f"Measured by `{measured['command']}` on {measured['date'][:10]}, {measured['machine']['processor']}, "
        f"{measured['machine']['cores']} cores. Square brackets: 95 % intervals.",
        "",
        "| figure | value | asked for |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {_value(figure)} | {_bar(figure)} |" for name, figure in measured["figures"].items()]
    missed = [name for name, figure in measured["figures"].items() if figure.get("reached") is False]
    return "\n".join([*lines, "", f"Missed: {'; '.join(missed)}." if missed else "Every bar is reached."])


def _value(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "nothing to measure"
    value = f"{figure['value']:,.4g} {figure.get('unit', '')}".rstrip()
    if "low" not in figure:
        return value
    interval = f"[{figure['low']:.3g}, {figure['high']:.3g}]"
    return f"{value} {interval} n {figure['n']}, {figure['clusters']} {figure['clustered_by']}"


def _bar(figure: dict[str, Any]) -> str:
    if "bar" not in figure:
        return ""
    distance = "" if figure["value"] is None else f", by {abs(figure['value'] - figure['bar']):.3g}"
    return f"{figure['bar_is']} {figure['bar']:g}: {'reached' if figure['reached'] else 'missed' + distance}"


def filled(card: str, measured: dict[str, Any]) -> str:
    """The card with its figures replaced. Raises ValueError where the marks are missing."""
    before, first, rest = card.partition(FIRST)
    _, last, after = rest.partition(LAST)
    if not first or not last:
        raise ValueError(f"{CARD.name} lacks the marks {FIRST} and {LAST}")
    return f"{before}{FIRST}\n\n{table(measured)}\n\n{LAST}{after}"


def read_measured(path: Path = RESULTS / "nano.json") -> dict[str, Any]:
    """What the benchmark wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> int:
    CARD.write_text(filled(CARD.read_text(encoding="utf-8"), read_measured()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
