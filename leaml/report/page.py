"""A document as people read it: one HTML file that needs nothing beside it, and a model card in Markdown.

    page(document, thumbnails)       # HTML; thumbnails: number of a picture -> JPEG
    model_card(document)             # Markdown
"""

import base64
import io
import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from leaml.report import plots
from leaml.report.tracing import SHOWN, Traced, shown, traced

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_SIDE = 200
"""Pixels of a picture in the page."""
QUALITY = 72


def page(document: Mapping[str, Any], thumbnails: Mapping[int, bytes] | None = None) -> str:
    """The report as HTML.

    Args:
        document: see `leaml.report.document`.
        thumbnails: JPEG of the pictures that examples show; where one is missing, the example stands without.
    """
    pictures = {number: _data(jpeg) for number, jpeg in (thumbnails or {}).items()}
    drawn = [{name: Markup(svg) for name, svg in found.items()} for found in plots.of_sets(document["sets"])]
    template = _environment(True).get_template("report.html.j2")
    return template.render(report=traced(document), plots=drawn, picture=partial(_picture, pictures))


def model_card(document: Mapping[str, Any]) -> str:
    """The model card, in the format of the model hubs."""
    return _environment(False).get_template("model_card.md.j2").render(report=traced(document))


def thumbnail(path: Path) -> bytes:
    """A picture as a small JPEG without metadata."""
    with Image.open(path) as opened:
        small = opened.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _picture(pictures: Mapping[int, Markup], number: Traced) -> Markup:
    return pictures.get(number.raw, Markup(""))


def _data(jpeg: bytes) -> Markup:
    return Markup(f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}")


@lru_cache(maxsize=2)
def _environment(is_html: bool) -> Environment:
    """Templates in which every value is escaped, and a number is written with its place in the document alone."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {how: shown(how) if is_html else _plain(how) for how in SHOWN} | {"quoted": _quoted}
    return made


def _quoted(value: Traced) -> Markup:
    """A text of the card's head, which is YAML; a text in JSON is one in YAML, too."""
    return Markup(json.dumps(value.raw))


def _plain(how: str) -> Callable[[Traced], str]:
    """As `shown`, in Markdown: one line, and nothing that Markdown or a table would read as its own."""

    def write(value: Traced) -> str:
        text = " ".join(SHOWN[how](value.raw).split())
        return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>#|" else mark for mark in text)

    return write
