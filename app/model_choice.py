"""Which model a project works with: nano, a folder, or one of the hub, looked up and downloaded after a yes.

    choice = ModelChoice(context)       # a folded part of the Project screen

What it shows by itself comes from this computer. Look it up, and then Download, ask the hub (see `leaml.models.hub`).
"""

from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app.context import Context
from app.job_panel import JobPanel
from app.listening import Said
from app.screens import Updates
from app.texts import models as texts
from leaml.errors import DataError, ModelError, OptionError
from leaml.jobs import queue
from leaml.jobs.choosing import NANO, choose, chosen, is_here
from leaml.jobs.commands import command_of
from leaml.models import hub
from leaml.models.families import KNOWN
from leaml.options import DownloadOptions
from leaml.store.project import Project


class ModelChoice:
    """The list, what is known of the one that is named, and its download."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.panel = JobPanel(context, "model", ("download",), lambda project, job: f"<p>{texts.FETCHED}</p>")

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Declares it."""
        with gr.Accordion(texts.TITLE.format(texts.NANO), open=False, elem_id="model") as self.box:
            gr.HTML(f'<p class="quiet">{texts.WHAT}</p>')
            self.name = gr.Dropdown([NANO], value=NANO, label=texts.NAME, allow_custom_value=True, elem_id="model-name")
            self.facts = gr.HTML(elem_id="model-facts")
            self.offered = gr.Textbox(visible="hidden", label="offered", elem_id="model-offered")
            self.again = gr.Textbox(visible="hidden", label="again", elem_id="model-again")
            with gr.Row(elem_classes="buttons"):
                self.look_up = gr.Button(texts.LOOK_UP, visible=False, elem_id="model-look-up")
                self.download = gr.Button(texts.DOWNLOAD, variant="primary", visible=False, elem_id="model-download")
                self.use = gr.Button(texts.USE, visible=False, elem_id="model-use")
            self.panel.build()
        self.live = [self.again, *self.panel.outputs]
        self.outputs = [self.box, self.name, *self._said, *self.live]

    @property
    def _said(self) -> list[Component]:
        """What changes with the name."""
        return [self.facts, self.offered, self.look_up, self.download, self.use]

    def subscribe(self, frame: Any) -> None:
        """Wires the events."""
        frame.listen([self.name.change, self.again.change], self.choose, [self.name], self._said, quiet=True)
        pressed = frame.listen(self.look_up.click, lambda: f"<p>{texts.ASKING}</p>", [], [self.facts])
        frame.listen(pressed.then, self.look, [self.name], self._said)
        frame.listen(self.download.click, self.begin, [self.offered], [self.download, *self.live], changes=True)
        frame.listen(self.use.click, self.take, [self.name], [self.box], changes=True)
        self.panel.subscribe(frame)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        """What is chosen; what is typed stays, unless the page was loaded."""
        project = self.context.project
        updates = self.tick()
        if fresh:
            name = chosen(project) or NANO
            choices = [(texts.choice(known, is_here(known.model)), known.model) for known in KNOWN]
            updates[self.box] = gr.update(label=_title(name), visible=project is not None, open=False)
            updates[self.name] = gr.update(choices=choices, value=name)
            updates |= self.choose(name)
        return updates

    def tick(self) -> dict[Component, Any]:
        """How far the download is; another text in `again` has what is known of the name said anew."""
        return {self.again: self.panel.turn(), **self.panel.show()}

    def choose(self, name: str) -> Updates:
        """What is known of it here, and what can be done."""
        name = (name or "").strip()
        here, comes = is_here(name), self._comes(name)
        of_the_hub = hub.named(name) is not None
        known = next((one for one in KNOWN if one.model == name.partition("@")[0]), None)
        state = texts.HERE if here else texts.COMES if comes else texts.NOT_HERE if of_the_hub else texts.NOT_A_NAME
        facts = f"<p>{escape(texts.facts(known))}</p>" if known else ""
        return {
            self.facts: f"{facts}<p>{escape(state)}</p>",
            self.offered: "",
            self.look_up: gr.update(visible=of_the_hub and not (here or comes)),
            self.download: gr.update(visible=False),
            self.use: gr.update(visible=here, variant="primary"),
        }

    def _comes(self, name: str) -> bool:
        return any(job.active and job.options.get("model") == name for job in self.panel.jobs())

    def look(self, name: str) -> Updates:
        """Asks the hub; the yes to what is shown then is the press on Download."""
        try:
            offer = hub.ask((name or "").strip())
        except ModelError as error:
            refused = f'<p class="warning" role="status"><strong>{escape(error.what)}</strong> {escape(error.fix)}</p>'
            return self.choose(name) | {self.facts: refused}
        sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in offer.sentences())
        left = offer.size - offer.here
        return {
            **self.choose(name),
            self.facts: f"<ul>{sentences}</ul>",
            self.offered: f"{offer.model} {offer.commit}",
            self.download: gr.update(visible=offer.let_in, value=texts.DOWNLOAD.format(hub.gigabytes(left))),
        }

    # Acting -------------------------------------------------------------------------------------------------------

    def begin(self, offered: str) -> Updates:
        """Queues the download of what was shown."""
        project = self._project()
        model, _, commit = (offered or "").partition(" ")
        if not commit:
            raise OptionError(*texts.NO_OFFER)
        if any(job.active for job in self.panel.jobs()):
            raise OptionError(*texts.BUSY)
        options = DownloadOptions(model=model, commit=commit)
        queue.submit(project, "download", options, self.context.person, command_of("download", options))
        return {self.download: gr.update(visible=False), **self.tick()}

    def take(self, name: str) -> Said:
        """From now on, the project's forms name this model."""
        settled = choose(self._project(), self.context.person, (name or "").strip())
        return Said(texts.USED.format(texts.shown(settled)), {self.box: gr.update(label=_title(settled))})

    def _project(self) -> Project:
        project = self.context.project
        if project is None:
            raise DataError("There is no project yet.", "Make one first.")
        return project


def _title(name: str) -> str:
    return texts.TITLE.format(texts.NANO if name == NANO else texts.shown(name))
