"""The Adapt screen: from labels and accepted suggestions to a model that answers."""

import time
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app import charts, estimates
from app.forms import CopyButton, Form
from app.frame import Frame
from app.job_panel import JobPanel, chosen_before
from app.memory import MemoryLine
from app.screens import Screen, Updates
from app.texts import adapt as texts
from app.texts import jobs as job_texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import AdaptOptions
from leaml.store.overview import Overview
from leaml.store.project import Adapter, Project


class Adapt(Screen):
    """One press trains the model that answers."""

    key = "adapt"

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        self.form, self.copy = Form("adapt", AdaptOptions), CopyButton("adapt")
        self.memory = MemoryLine(self.context, "adapt", self.form)
        self.panel = JobPanel(self.context, self.key, ("adapt",), came_of_it, {"adapt": texts.CURVES})
        with gr.Row(equal_height=False, elem_classes="two-sides"):
            with gr.Column(scale=1, min_width=480):
                self._build_plan()
            with gr.Column(scale=1, min_width=480):
                self.panel.build()
                self.map = gr.HTML(elem_id="adapt-map")
        self.live = [self.again, self.start, self.compare, self.models, self.map, *self.panel.outputs]
        self.outputs = [
            *self.live, self.plan, self.waiting, self.bring, self.label, self.review, *self.form.inputs,
        ]  # fmt: skip

    def _build_plan(self) -> None:
        self.plan = gr.HTML(elem_id="adapt-plan")
        self.memory.build()
        self.again = gr.Textbox(visible="hidden", label="again", elem_id="adapt-again")
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(texts.START, variant="primary", elem_id="adapt-start")
            self.compare = gr.Button(texts.COMPARE, variant="primary", visible=False, elem_id="adapt-compare")
            self.bring = gr.Button(texts.PROJECT, variant="primary", visible=False, elem_id="adapt-import")
            self.label = gr.Button(texts.LABEL, variant="primary", visible=False, elem_id="adapt-label")
            self.review = gr.Button(texts.REVIEW, visible=False, elem_id="adapt-review")
        self.waiting = gr.HTML(elem_id="adapt-waiting")
        self.models = gr.HTML(elem_id="adapt-models")
        with gr.Accordion(texts.OPTIONS, open=False, elem_id="adapt-options"):
            self.form.build()
            self.copy.build()

    def subscribe(self, frame: Frame) -> None:
        frame.listen(self.start.click, self.begin, self.form.inputs, self.live, changes=True)
        said = [self.again.change, *(part.input for part in self.form.inputs)]
        frame.listen(said, self.describe, self.form.inputs, [self.plan], quiet=True)
        self.memory.subscribe(frame, said)
        frame.opens(self.compare.click, "compare")
        frame.opens(self.bring.click, "project")
        frame.opens(self.label.click, "label")
        frame.opens(self.review.click, "review")
        self.copy.subscribe(frame, self.command, self.form.inputs)
        self.panel.subscribe(frame)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        project = self.context.project
        overview = project.overview() if project else None
        nothing = bool(overview and overview.pictures and not (overview.labels or overview.accepted))
        to_review = overview.suggestions if overview else 0
        updates = {
            **self._live(overview),
            self.again: str(time.time()),  # the inputs have their values only once the tab is open
            self.bring: gr.update(visible=not (overview and overview.pictures)),
            self.label: gr.update(visible=nothing),
            self.review: gr.update(visible=bool(to_review)),
            self.waiting: f'<p class="quiet">{texts.WAITING.format(to_review)}</p>' if to_review else "",
        }
        if fresh:
            before = chosen_before(queue.jobs(project), "adapt") if project else None
            updates |= self.form.fill(with_chosen(project, before or AdaptOptions()))
        return updates

    def tick(self) -> Updates:
        project = self.context.project
        return self._live(project.overview() if project else None)

    def _live(self, overview: Overview | None) -> dict[Component, Any]:
        project, job = self.context.project, self.panel.shown()
        finished = bool(job and job.state == "done")
        return {
            self.again: _situation(project, overview, f"{self.panel.turn()} {self.memory.turn()}"),
            self.start: gr.update(
                visible=bool(overview and (overview.labels or overview.accepted)),
                interactive=not (job and job.active),
                value=texts.AGAIN if finished else texts.START,
                variant="secondary" if finished else "primary",
            ),
            self.compare: gr.update(visible=finished),
            self.models: models(project),
            self.map: charts.card(texts.MAP, _map(job)),
            **self.panel.show(),
        }

    def describe(self, *values: Any) -> Any:
        """What a press on Start will do with what is typed now; stays while that cannot be used yet."""
        try:
            options = self.form.read(values)
        except OptionError:
            return gr.skip()
        return plan(self.context.project, options)

    # Acting -------------------------------------------------------------------------------------------------------

    def begin(self, *values: Any) -> Updates:
        """Queues the job."""
        project, options = self.context.project, self.form.read(values)
        if project is None:
            raise DataError(texts.NO_PROJECT)
        if any(job.active for job in self.panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        overview = project.overview()
        if not overview.labels and not (overview.accepted and options.use_suggestions):
            raise DataError(texts.NOTHING)
        queue.submit(project, "adapt", options, self.context.person, command_of("adapt", options, project))
        return self._live(overview)

    def command(self, *values: Any) -> str:
        """What a press on Start does, as a command."""
        return self.copy.command_line(self.context.project, ("adapt", self.form.read(values)))


def plan(project: Project | None, options: AdaptOptions) -> str:
    """What a press on Start will do and how long it takes, or what is missing for it, as HTML."""
    if project is None:
        return f"<h2>{texts.NO_PROJECT}</h2>"
    overview = project.overview()
    accepted = overview.accepted if options.use_suggestions else 0
    if not (overview.labels or accepted):
        return f"<h2>{texts.NOTHING if overview.pictures else texts.NO_PICTURES}</h2>"
    seconds = estimates.seconds("adapt", options.model, options.steps, queue.jobs(project))
    return f'<h2>{texts.plan(overview.labels, accepted)}</h2><p class="quiet">{job_texts.about(seconds)}</p>'


def _situation(project: Project | None, overview: Overview | None, turn: str) -> str:
    """Another text whenever the plan has to be said anew."""
    return f"{project.name} {overview.labels} {overview.accepted} {turn}" if project and overview else ""


def models(project: Project | None) -> str:
    """The adapted models that are there, as a table."""
    adapters = project.adapters("answers") if project else []
    if not adapters:
        return ""
    head = "".join(f"<th>{word}</th>" for word in (texts.NAME, texts.LEARNED, texts.SIZE, texts.MADE))
    rows = "".join(_model(adapter) for adapter in adapters)
    return f'<h3>{texts.MODELS}</h3><table class="plain"><tr>{head}</tr>{rows}</table>'


def _model(adapter: Adapter) -> str:
    cells = (adapter.name, f"{adapter.trained_weights:,}", texts.size(adapter.bytes), adapter.created[:10])
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _map(job: Job | None) -> str:
    return charts.neuron_map(job.folder / "selection.json", texts.MAP_TITLE) if job else ""


def came_of_it(project: Project, job: Job) -> str:
    """What the job left, as HTML."""
    name = escape(str(job.result.get("name", "")))
    return f"<p>{texts.learned(name, job.result.get('trained weights', 0))}</p>"
