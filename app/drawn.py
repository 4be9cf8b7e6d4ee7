"""Parts of a screen that a script of assets/app draws from plain data, and how they ask the server.

    self.card = drawn("review", "review-card")                       # leaml.review of assets/app draws it
    frame.answers("review", self.answer, [self.card, self.viewer])   # what leaml.requests("review") asks: app/asked.py

The script gets the data as it is and makes text nodes from it: nothing of a project ever becomes HTML.
"""

from collections.abc import Callable, Iterator, Sequence
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
    script = f"leaml.part({name!r}, {elem_id!r}, element, props, watch, trigger)"
    return gr.HTML(None, html_template=template, js_on_load=script, apply_default_css=False, elem_id=elem_id)


def stream(
    frame: "Frame", trigger: Callable, name: str, handler: Callable[..., Iterator[Any]], outputs: Sequence[Component]
) -> None:
    """Has `handler` answer bit by bit what a part asks with `leaml.streams(name, …)`: through Gradio's queue.

    Args:
        trigger: the event of the part that its script names: `part.submit`, …
    """
    asked = f"(shown) => [shown, leaml.payload({name!r})]"
    event = frame.listen(trigger, handler, [trigger.__self__], outputs, js=asked, queue=True)
    # Whatever came of it, the part may ask again.
    event.then(None, js=f"() => leaml.settled({name!r})", queue=False, api_visibility="private")
