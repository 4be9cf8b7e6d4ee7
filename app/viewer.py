"""The picture viewer: fit, zoom to the pointer, pan, real size, invert, rotate; assets/app/viewer.js draws it."""

from html import escape

import gradio as gr

from app.drawn import drawn
from app.pictures import picture_address
from app.texts import viewer as texts
from leaml.store.project import Picture

_BUTTONS = "".join(
    f'<button type="button" data-act="{act}" title="{escape(help)}" aria-label="{escape(help)}">{escape(text)}</button>'
    for act, text, help in texts.BUTTONS
)
TEMPLATE = (
    '<div class="viewer"><div class="viewer-stage" data-state="empty"><img alt="" draggable="false">'
    '<p class="viewer-notice" role="status"></p></div>'
    '<div class="viewer-bar"><span class="viewer-name"></span><span class="viewer-scale"></span>'
    f"{_BUTTONS}</div></div>"
)


def viewer(elem_id: str) -> gr.HTML:
    """A viewer that shows nothing yet. Its value is what `seen` returns."""
    return drawn("viewer", elem_id, TEMPLATE)


def seen(project: str, picture: Picture | None, ahead: int | None = None, notice: str = "") -> dict[str, str]:
    """What a viewer shows.

    Args:
        project: folder name of the project.
        picture: None for an empty viewer, with `notice`.
        ahead: number of the picture that comes next; it is loaded ahead.
    """
    if picture is None:
        return {"notice": notice}
    shown = {"src": picture_address(project, picture.id), "name": picture.name}
    return shown | ({"next": picture_address(project, ahead)} if ahead is not None else {})
