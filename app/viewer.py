"""The picture viewer: zoom, pan, turn, flip, windows, magnifier, marks; assets/app/viewer*.js draw it."""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from app.drawn import drawn
from app.pictures import picture_address, values_address
from app.texts import viewer as texts
from leaml.store.project import Picture


def _button(act: str, text: str, help: str, more: str = "") -> str:
    words = escape(help)
    return f'<button type="button" data-act="{act}" title="{words}" aria-label="{words}"{more}>{escape(text)}</button>'


def _preset(kind: str, number: int, name: str) -> str:
    help = texts.PRESET.format(name=name, number=number)
    return _button(f"preset{number}", name, help, f' data-preset data-kind="{kind}" hidden')


def _slider(name: str, text: str) -> str:
    return f'<label>{escape(text)}<input type="range" min="-90" max="90" value="0" data-tone="{name}"></label>'


_PRESETS = "".join(
    _preset(kind, number, name) for kind, names in texts.PRESETS.items() for number, name in enumerate(names, start=1)
)
_SLIDERS = "".join(_slider(name, text) for name, text in texts.SLIDERS)
_BUTTONS = "".join(_button(*button) for button in texts.BUTTONS)
TEMPLATE = (
    f'<div class="viewer" data-failed="{escape(texts.FAILED)}"><p class="viewer-warning" role="status"></p>'
    '<div class="viewer-stage" data-state="empty"><canvas class="viewer-lens" hidden></canvas>'
    '<p class="viewer-notice" role="status"></p>'
    '<p class="viewer-values"><span class="viewer-window"></span> <span class="viewer-value"></span></p></div>'
    f'<div class="viewer-tone" role="group" aria-label="{escape(texts.TONE)}" hidden>{_PRESETS}{_SLIDERS}'
    f"{_button(*texts.RESET)}</div>"
    '<div class="viewer-bar"><span class="viewer-name"></span><span class="viewer-scale"></span>'
    f'<span class="viewer-buttons" role="toolbar" aria-label="{escape(texts.TOOLS)}">{_BUTTONS}</span></div></div>'
)


def viewer(elem_id: str) -> gr.HTML:
    """A viewer that shows nothing yet. Its value is what `seen` returns."""
    return drawn("viewer", elem_id, TEMPLATE)


def seen(
    project: str,
    picture: Picture | None,
    ahead: Sequence[Picture] = (),
    notice: str = "",
    marks: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """What a viewer shows.

    Args:
        project: folder name of the project.
        picture: None for an empty viewer, with `notice`.
        ahead: the pictures that come next; they are loaded ahead.
        marks: drawn over the picture: {"shape", "points", "label"}, see `leaml.store.marks`.
    """
    if picture is None:
        return {"notice": notice}
    shown = _source(project, picture) | {"id": picture.id, "name": picture.name}
    if picture.burned_in:
        shown["warning"] = texts.BURNED_IN
    if marks:
        shown["marks"] = list(marks)
    if ahead:
        shown["next"] = [_source(project, each) for each in ahead]
    return shown


def _source(project: str, picture: Picture) -> dict[str, Any]:
    """Addresses of a picture's pixels, and what the numbers of one of 16 bits mean.

    The address changes with what is stored: a picture that was blanked is not shown as it was from memory.
    """
    version = f"?v={picture.path.stem[:12]}"
    shown: dict[str, Any] = {"src": picture_address(project, picture.id) + version}
    if picture.greys is None:
        return shown
    greys = {name: value for name, value in picture.greys.as_json().items() if name != "file"}
    values = values_address(project, picture.id) + version
    return shown | {"values": values, "greys": greys, "width": picture.width, "height": picture.height}
