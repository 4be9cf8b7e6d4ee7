"""Who writes the captions: a file that is there, a model on this computer, or a server at an address that is typed.

The part of the Distil screen that stands in its folded box "Captions". What will leave this program is said beside the
address, before anything does.
"""

from html import escape
from typing import Any

import gradio as gr

from app.context import Context
from app.forms import CopyButton, Form
from app.screens import Updates
from app.texts import distil as texts
from leaml.errors import OptionError
from leaml.models.server import Address, what_leaves
from leaml.options import CaptionOptions
from leaml.store.overview import Overview

AWAY = "hidden"
"""An input that is there and not shown: one that Gradio makes only later does not say what is typed into it."""


class Captioning:
    """The choice of the teacher, with what each needs."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.form = Form("caption", CaptionOptions, without=("model", "server"))
        self.copy = CopyButton("caption")

    def build(self) -> None:
        """Declares it; its events are the screen's."""
        with gr.Accordion(texts.STATIONS["caption"], open=False, elem_id="distil-captions") as self.box:
            self.note = gr.HTML()
            choices = [(words, name) for name, words in texts.TEACHERS.items()]
            self.teacher = gr.Radio(choices, value="file", label=texts.TEACHER, elem_id="distil-teacher")
            self.file = gr.UploadButton(
                texts.CAPTION_FILE, file_types=[".jsonl", ".csv"], size="sm", elem_id="distil-caption-file"
            )
            self.server = gr.Textbox(
                label=texts.SERVER, placeholder="http://localhost:11434", visible=AWAY, elem_id="distil-server"
            )
            name = CaptionOptions().model
            self.model = gr.Textbox(name, label=texts.MODEL_OF["here"], visible=AWAY, elem_id="distil-teacher-model")
            self.leaves = gr.HTML(elem_id="distil-leaves")
            self.start = gr.Button(texts.CAPTION_MODEL, visible=False, size="sm", elem_id="distil-caption-start")
            with gr.Accordion(texts.CAPTION_OPTIONS, open=False, visible=False) as self.options:
                self.form.build()
                self.copy.build()
        self.inputs = [self.teacher, self.server, self.model, *self.form.inputs]
        self.outputs = [self.box, self.note, *self.inputs, self.file, self.leaves, self.start, self.options]

    def subscribe(self, frame: Any) -> None:
        """Wires what only shows and hides."""
        shown = [self.server, self.model, self.file, self.leaves, self.start, self.options]
        frame.listen(self.teacher.input, self.choose, [self.teacher, self.server], shown, quiet=True)
        frame.listen(self.server.change, warning, [self.server], [self.leaves], quiet=True)
        self.copy.subscribe(frame, self.command, self.inputs)

    # Showing ------------------------------------------------------------------------------------------------------

    def about(self, overview: Overview | None) -> Updates:
        """How many captions there are, and why they help where there are none."""
        if overview is None or not overview.pictures:
            return {self.box: gr.update(visible=False)}
        missing = not overview.captions
        label = texts.NO_CAPTIONS if missing else f"{texts.STATIONS['caption']}: {overview.captions:,}"
        note = f"<p>{texts.NO_CAPTIONS_WHY}</p>" if missing else ""
        return {self.box: gr.update(label=label, open=missing, visible=True), self.note: note}

    def fill(self, options: CaptionOptions | None) -> Updates:
        """What was chosen before; None: nothing was."""
        name = "file" if options is None else "server" if options.server else "here"
        options = options or CaptionOptions()
        return {
            **self.form.fill(options),
            **self.choose(name, options.server),
            self.teacher: name,
            self.server: gr.update(value=options.server, visible=name == "server" or AWAY),
            self.model: gr.update(value=options.model, label=texts.MODEL_OF[name], visible=name != "file" or AWAY),
        }

    def choose(self, name: str, server: str) -> Updates:
        """Shows what that teacher needs, and what will leave this program."""
        asks = name != "file"
        return {
            self.file: gr.update(visible=not asks),
            self.server: gr.update(visible=name == "server" or AWAY),
            self.model: gr.update(visible=asks or AWAY, label=texts.MODEL_OF[name]),
            self.leaves: warning(server) if name == "server" else "",
            self.start: gr.update(visible=asks),
            self.options: gr.update(visible=asks),
        }

    # Reading ------------------------------------------------------------------------------------------------------

    def read(self, values: tuple[Any, ...]) -> CaptionOptions:
        """What is typed. Raises OptionError, also where the address of a server is none."""
        name, server, model, *others = values
        typed = {"model": model.strip() or CaptionOptions().model, "server": server.strip() if name == "server" else ""}
        options = self.form.read(others, **typed)
        if name == "server":
            Address.of(options.server)
        return options

    def command(self, *values: Any) -> str:
        """What a press on the button does, as a command."""
        return self.copy.command_line(self.context.project, ("caption", self.read(values)))


def warning(server: str) -> str:
    """What will leave this program for the typed address, or what is wrong with it, as HTML."""
    if not server.strip():
        return ""
    try:
        return f'<p class="warning" role="status">{escape(what_leaves(CaptionOptions(server=server)))}</p>'
    except OptionError as error:
        return f'<p class="quiet">{escape(str(error))}</p>'
