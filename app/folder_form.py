"""Answering a folder of new pictures: its form, its command, its job, and the table that comes of it."""

from html import escape
from pathlib import Path

import gradio as gr
from gradio.components import Component

from app.context import Context
from app.forms import CopyButton
from app.frame import Frame
from app.job_panel import JobPanel
from app.screens import Updates
from app.tables import table_address
from app.texts import compare as texts
from app.texts import jobs as job_texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import AnswerOptions
from leaml.store.project import Project

NEWEST, BASE = "newest", "base"
"""Who answers a folder, beside adapted models by number."""


class FolderForm:
    """A folded part of the Compare screen."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.panel = JobPanel(context, "compare-folder", ("answer",), answered)
        self.copy = CopyButton("answer")

    def build(self) -> None:
        """Declares it."""
        with gr.Accordion(texts.FOLDER_TITLE, open=False, elem_id="compare-folder"):
            gr.HTML(f"<p>{texts.FOLDER_HELP}</p>")
            with gr.Row():
                self.folder = gr.Textbox(
                    label=texts.FOLDER, placeholder=texts.FOLDER_HINT, max_lines=1, elem_id="compare-folder-name"
                )
                self.model = gr.Dropdown([], label=texts.MODEL, filterable=False, elem_id="compare-folder-model")
            self.questions = gr.Textbox(label=texts.QUESTIONS, lines=3, elem_id="compare-folder-questions")
            with gr.Row(elem_classes="buttons"):
                self.start = gr.Button(
                    texts.FOLDER_START, variant="primary", elem_id="compare-folder-start", elem_classes="start"
                )
            self.copy.build()
            self.panel.build()
        self.inputs: list[Component] = [self.folder, self.questions, self.model]
        self.live = self.panel.outputs

    def subscribe(self, frame: Frame) -> None:
        """Wires it."""
        frame.listen(self.start.click, self.begin, self.inputs, self.live, changes=True)
        self.copy.subscribe(frame, self.command, self.inputs)
        self.panel.subscribe(frame)

    def choices(self, project: Project | None) -> Updates:
        """Who may answer."""
        adapters = project.adapters("answers") if project else []
        choices = [(texts.NEWEST, NEWEST)] if adapters else []
        choices += [(adapter.name, str(adapter.id)) for adapter in adapters] + [(texts.BASE, BASE)]
        return {self.model: gr.update(choices=choices, value=choices[0][1])}

    def begin(self, folder: str, questions: str, model: str) -> Updates:
        """Queues the answering of a folder."""
        project = self.context.project
        options = with_chosen(project, folder_options(folder, questions, model))
        if project is None:
            raise DataError(texts.NO_PROJECT["title"] + ".", texts.NO_PROJECT["text"])
        if any(job.active for job in self.panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        command = command_of("answer", options, project)
        queue.submit(project, "answer", options, self.context.person, command)
        return self.panel.show()

    def command(self, folder: str, questions: str, model: str) -> str:
        """What a press on Answer does, as a command."""
        project = self.context.project
        options = with_chosen(project, folder_options(folder, questions, model))
        return self.copy.command_line(project, ("answer", options))


def folder_options(folder: str, questions: str, model: str) -> AnswerOptions:
    """The form of a folder as options of the job.

    Raises:
        DataError: no folder is named, or there is none. OptionError: an option cannot be used.
    """
    folder = (folder or "").strip().strip("\"'")
    if not folder:
        raise DataError(*texts.NO_FOLDER)
    if not Path(folder).expanduser().is_dir():
        raise DataError(*(sentence.format(folder=folder) for sentence in texts.GONE_FOLDER))
    asked = tuple(line.strip() for line in (questions or "").splitlines() if line.strip())
    adapter = {NEWEST: None, BASE: 0}[model] if model in (NEWEST, BASE) else int(model)
    return AnswerOptions(folder=folder, questions=asked, adapter=adapter)


def answered(project: Project, job: Job) -> str:
    """What came of a folder, with the link to its table, as HTML."""
    figures = {name: f"{int(job.result.get(name, 0)):,}" for name in ("answers", "pictures")}
    link = f'<a class="download" href="{table_address(project.name, job.id)}" download>{texts.DOWNLOAD}</a>'
    found = job.result.get("findings", [])
    named = "".join(f"<li>{escape(str(sentence))}</li>" for sentence in found)
    left_out = f"<p>{texts.FOLDER_LEFT_OUT.format(n=job.result.get('left out'))}</p><ul>{named}</ul>" if found else ""
    return f"<p><strong>{texts.FOLDER_DONE.format(**figures)}</strong></p><p>{link}</p>{left_out}"
