"""One module per tab. A screen declares its parts, says what happens on events, and is asked for what it shows.

    class Label(Screen):
        key = "label"                                     # id of its tab; part of the address: …/#label

        def build(self):                                  # once, at start, inside its tab; there may be no project yet
            self.question = gr.HTML()
            self.save = gr.Button("Save and next")
            self.outputs = [self.question, …]             # what refresh() may fill
            self.live = []                                # what tick() may fill: progress of jobs, nothing typed

        def subscribe(self, frame):                       # once, after every screen is built
            frame.listen(self.save.click, self.keep, [self.picture_id, self.answer], self.outputs, changes=True)
            frame.opens(self.done.click, "review")        # a button that leads to another tab

        def refresh(self, fresh):                         # tab selected; page loaded, project or person changed (fresh)
            return {self.question: …}                     # what was typed and not sent is replaced only if fresh

        def tick(self):                                   # tab open: each second while a job runs, else every few
            return {}

What holds for all of them:

- `self.context` (`app.context.Context`) knows who works here and which project is open. `self.context.project` may be
  None: then refresh() shows the screen's empty state. Nothing else is remembered in Python between two events: what an
  event needs comes from its inputs or from the store, so that a reload and a second window show the same.
- Every event goes through `frame.listen`. It says a LeamlError's `what` and `fix` calmly and leaves everything typed;
  it refuses events of a window that still shows another project; `changes=True` brings header and rail up to date.
  Handlers return one value per output, or {component: value}; what is left out stays. `Said(sentence, updates)`, too,
  tells the person what was done. A generator handler needs `queue=True`.
- What a script draws itself (`app.drawn`) asks by `frame.answers` instead, without Gradio: at every key of a reviewer.
- Each output of an event costs the browser some milliseconds, changed or not: keep `live` short.
- Handlers answer within 200 ms. What takes longer is a job (`leaml.jobs.queue`) or comes from `jobs.answering`.
- Whatever comes from a project is text: `html.escape` before it goes into gr.HTML; none goes into gr.Markdown.
- Pictures are shown by address: `app.pictures.picture_address(project, id)` and `thumb_address(project, id)`.
- Do not derive from gr.HTML: Gradio writes a .pyi file beside the source of a derived class. Write a function that
  returns one, with `js_on_load`; its script stands in assets/app/*.js, every one of which the page loads.
- elem_id begins with the key of the screen (`label-save`); scripts and tests find parts by it. assets/app/*.css is
  loaded as well. Style with the variables of style.css: --accent, --ground, --line, --quiet, --good, --bad, --space.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leaml.review.people import Role

if TYPE_CHECKING:
    from gradio.components import Component

    from app.context import Context
    from app.frame import Frame

Updates = Mapping["Component", Any]
"""Component -> what it shows from now on. A component that is left out stays as it is."""


class Screen:
    """Base of all screens: one that shows nothing and does nothing."""

    key: str
    needs: Role = "admin"
    """What somebody who is logged in must at least be to do something here; everybody may look."""

    def __init__(self, context: "Context") -> None:
        self.context = context
        self.outputs: list[Component] = []
        self.live: list[Component] = []

    def build(self) -> None:
        """Declares the components, inside the screen's tab."""

    def subscribe(self, frame: "Frame") -> None:
        """Wires the events."""

    def refresh(self, fresh: bool) -> Updates:
        """What `outputs` show now; `fresh`: the page was loaded, or the project or person is another."""
        return {}

    def tick(self) -> Updates:
        """What `live` shows now."""
        return {}

    def close(self) -> None:
        """The app ends: what the screen has started beside it ends, too."""
