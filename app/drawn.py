"""Parts of a screen that a script of assets/app draws from plain data, and the one way in which they ask the server.

The script gets the data as it is and makes text nodes from it: nothing of a project ever becomes HTML.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Component

if TYPE_CHECKING:
    from app.frame import Frame


def drawn(name: str, elem_id: str, template: str = "") -> gr.HTML:
    """A part that `leaml.<name>` of assets/app draws; its value is what that script reads.

    Args:
        template: HTML that stands there from the start; it says nothing that comes from a project.
    """
    script = f"leaml.{name}(element, props, watch, trigger)"
    return gr.HTML(None, html_template=template, js_on_load=script, apply_default_css=False, elem_id=elem_id)


def hear(
    frame: "Frame", trigger: Callable, name: str, handler: Callable, outputs: Sequence[Component], **settings: Any
) -> Any:
    """Has `handler` answer what a part asks, one request at a time.

    Args:
        trigger: the event of the part: `part.submit`, unless its script names another one.
        name: under which the part's script asks, see `leaml.requests`.
        handler: takes what was asked, a dict that a stranger may have written.
        settings: of `Frame.listen`.
    """
    asked = f"(shown) => [shown, leaml.payload({name!r})]"
    event = frame.listen(trigger, handler, [trigger.__self__], outputs, js=asked, **settings)
    # Whatever came of it, the part may ask again.
    event.then(None, js=f"() => leaml.settled({name!r})", queue=False, api_visibility="private")
    return event
