"""What is handed to others: the report of the newest comparison, and the export of the model with its data."""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app.context import Context
from app.forms import CopyButton
from app.frame import Frame
from app.job_panel import JobPanel
from app.screens import Updates
from app.tables import report_address
from app.texts import jobs as job_texts
from app.texts import report as texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import ExportOptions, Options, ReportOptions
from leaml.report.printing import browser
from leaml.store.project import Project

MOST = 50
"""Comparisons that are offered."""
NEWEST = "newest"
"""Instead of a number: the newest comparison, the newest adapted model."""


class ReportForm:
    """The Report view of the Compare screen."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.panel = JobPanel(context, "compare-report", ("report",), reported)
        self.export_panel = JobPanel(context, "compare-export", ("export",), exported)
        self.copy, self.export_copy = CopyButton("report"), CopyButton("export")

    def build(self) -> None:
        """Declares it."""
        with gr.Row(equal_height=False, elem_classes="two-sides", elem_id="compare-report"):
            with gr.Column(min_width=400, elem_classes="card"):
                self._build_report()
            with gr.Column(min_width=400, elem_classes="card"):
                self._build_export()
        self.inputs = [self.comparison, self.adapter, self.examples, self.pictures, self.pdf]
        self.export_inputs = [self.folder, self.export_adapter, self.parts]
        self.chosen = [self.comparison, self.adapter, self.export_adapter]
        self.live: list[Component] = [*self.panel.outputs, *self.export_panel.outputs]

    def _build_report(self) -> None:
        gr.HTML(f"<h3>{texts.REPORT}</h3><p>{texts.REPORT_HELP}</p>")
        with gr.Row(elem_classes="option-row"):
            self.comparison = _choice(texts.COMPARISON, "report-comparison")
            self.adapter = _choice(texts.ADAPTER, "report-adapter")
        with gr.Row(elem_classes="option-row"):
            self.examples = gr.Number(4, label=texts.EXAMPLES, precision=0, elem_id="report-examples")
            self.pictures = gr.Checkbox(True, label=texts.PICTURES, elem_id="report-pictures")
        can_print = browser() is not None
        self.pdf = gr.Checkbox(
            can_print, label=texts.PDF, info="" if can_print else texts.NO_PDF, interactive=can_print,
            elem_id="report-pdf",
        )  # fmt: skip
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(texts.START, variant="primary", elem_id="report-start", elem_classes="start")
        self.copy.build()
        self.panel.build()

    def _build_export(self) -> None:
        gr.HTML(f"<h3>{texts.EXPORT}</h3><p>{texts.EXPORT_HELP}</p>")
        self.folder = gr.Textbox(
            label=texts.FOLDER, placeholder=texts.FOLDER_HINT, max_lines=1, elem_id="export-folder"
        )
        self.export_adapter = _choice(texts.ADAPTER, "export-adapter")
        choices = [(name, part) for part, name in texts.PARTS.items()]
        self.parts = gr.CheckboxGroup(choices, value=list(texts.PARTS), label=texts.WHAT, elem_id="export-parts")
        with gr.Row(elem_classes="buttons"):
            self.export = gr.Button(texts.EXPORT_START, elem_id="export-start", elem_classes="start")
        self.export_copy.build()
        self.export_panel.build()

    def subscribe(self, frame: Frame) -> None:
        """Wires it."""
        frame.listen(self.start.click, self.begin, self.inputs, self.live, changes=True)
        frame.listen(self.export.click, self.begin_export, self.export_inputs, self.live, changes=True)
        self.copy.subscribe(frame, self.command, self.inputs)
        self.export_copy.subscribe(frame, self.export_command, self.export_inputs)
        self.panel.subscribe(frame)
        self.export_panel.subscribe(frame)

    def show(self) -> Updates:
        """What both panels show now."""
        return {**self.panel.show(), **self.export_panel.show()}

    def choices(self, project: Project | None) -> Updates:
        """Which comparisons may be reported, of which adapted models."""
        rows = project.db.rows("jobs", order="-id", limit=MOST, kind="compare", state="done") if project else []
        compared = [(texts.compared(row["id"], row["ended"] or row["created"]), str(row["id"])) for row in rows]
        adapters = [(one.name, str(one.id)) for one in (project.adapters("answers") if project else [])]
        models = [(texts.NEWEST_ADAPTER, NEWEST), *adapters]
        return {
            self.comparison: gr.update(choices=[(texts.NEWEST_COMPARISON, NEWEST), *compared], value=NEWEST),
            self.adapter: gr.update(choices=models, value=NEWEST),
            self.export_adapter: gr.update(choices=models, value=NEWEST),
        }

    def begin(self, *values: Any) -> Updates:
        """Queues the report."""
        return self._submit(self.panel, "report", report_options(*values))

    def begin_export(self, *values: Any) -> Updates:
        """Queues the export."""
        return self._submit(self.export_panel, "export", export_options(*values))

    def command(self, *values: Any) -> str:
        """What a press on the button does, as a command."""
        return self.copy.command_line(self.context.project, ("report", report_options(*values)))

    def export_command(self, *values: Any) -> str:
        """What a press on Export does, as a command."""
        return self.export_copy.command_line(self.context.project, ("export", export_options(*values)))

    def _submit(self, panel: JobPanel, kind: str, options: Options) -> Updates:
        project = self.context.project
        if project is None:
            raise DataError(*texts.NO_PROJECT)
        if any(job.active for job in panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        queue.submit(project, kind, options, self.context.person, command_of(kind, options, project))
        return self.show()


def _choice(label: str, id: str) -> gr.Dropdown:
    return gr.Dropdown([], label=label, filterable=False, elem_id=id)


def report_options(comparison: str, adapter: str, examples: float | None, pictures: bool, pdf: bool) -> ReportOptions:
    """The form of the report as options. Raises OptionError where one cannot be used."""
    shown = {} if examples is None else {"examples": examples}
    return ReportOptions(comparison=_number(comparison), adapter=_number(adapter), pictures=pictures, pdf=pdf, **shown)


def export_options(folder: str, adapter: str, parts: Sequence[str]) -> ExportOptions:
    """The form of the export as options. Raises DataError where no folder is named, or nothing is to be written."""
    folder = (folder or "").strip().strip("\"'")
    if not folder:
        raise DataError(*texts.NO_FOLDER)
    if not parts:
        raise DataError(*texts.NO_PARTS)
    in_order = tuple(part for part in texts.PARTS if part in parts)
    return ExportOptions(folder=folder, adapter=_number(adapter), parts=in_order)


def _number(chosen: str | None) -> int | None:
    return None if chosen in (None, NEWEST) else int(chosen)


def reported(project: Project, job: Job) -> str:
    """Links to what a report is made of, as HTML."""
    links = "".join(_link(project, job, name) for name in job.result.get("files", []) if name in texts.FILES)
    words = escape(texts.REPORTED.format(name=job.result.get("name", "")))
    return f'<p><strong>{words}</strong></p><p class="downloads">{links}</p>'


def _link(project: Project, job: Job, name: str) -> str:
    address = escape(report_address(project.name, job.id, name))
    how = 'target="_blank" rel="noopener"' if name.endswith(".html") else "download"
    return f'<a class="download" href="{address}" {how}>{texts.FILES[name]}</a>'


def exported(project: Project, job: Job) -> str:
    """Where an export lies and what it holds, as HTML."""
    parts: list[Any] = job.result.get("parts", [])
    left_out = "".join(f"<p>{escape(str(sentence))}</p>" for sentence in job.result.get("left out", []))
    words = texts.EXPORTED.format(folder=job.options.get("folder", ""), parts=", ".join(map(str, parts)))
    return f"<p>{escape(words)}</p>{left_out}"
