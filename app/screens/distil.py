"""The Distil screen: from labels and captions to a generator, and from that to suggestions for all other pictures."""

import time
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from app import charts, estimates
from app.captioning import Captioning
from app.forms import CopyButton, Form
from app.frame import Frame
from app.job_panel import JobPanel, chosen_before
from app.listening import Said
from app.memory import MemoryLine
from app.screens import Screen, Updates
from app.texts import distil as texts
from app.texts import jobs as job_texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import DistilOptions, GenerateOptions, Options
from leaml.store.importing import import_captions
from leaml.store.overview import Overview
from leaml.store.project import Project

KINDS = ("caption", "distil", "generate")


class Distil(Screen):
    """One press trains a generator and has it write."""

    key = "distil"

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        self.learning = Form("distil", DistilOptions)
        self.writing = Form("generate", GenerateOptions, without=("model", "generator"))
        self.memory = MemoryLine(self.context, "distil", self.learning)
        self.captioning = Captioning(self.context)
        self.copy = CopyButton("distil")
        self.panel = JobPanel(self.context, self.key, KINDS, came_of_it, {"distil": texts.CURVES})
        with gr.Row(equal_height=False, elem_classes="two-sides"):
            with gr.Column(scale=1, min_width=480):
                self._build_plan()
            with gr.Column(scale=1, min_width=480):
                self.panel.build()
                self.map = gr.HTML(elem_id="distil-map")
        self.live = [self.again, self.stations, self.start, self.only_write, self.review, self.map, *self.panel.outputs]
        self.outputs = [
            *self.live, self.plan, self.bring, self.label,
            *self.learning.inputs, *self.writing.inputs, *self.captioning.outputs,
        ]  # fmt: skip

    def _build_plan(self) -> None:
        self.plan = gr.HTML(elem_id="distil-plan")
        self.memory.build()
        self.again = gr.Textbox(visible="hidden", label="again", elem_id="distil-again")
        with gr.Row(elem_classes="buttons"):
            self.start = gr.Button(texts.START, variant="primary", elem_id="distil-start")
            self.only_write = gr.Button(texts.ONLY_WRITE, visible=False, elem_id="distil-write")
            self.bring = gr.Button(texts.PROJECT, variant="primary", visible=False, elem_id="distil-import")
            self.label = gr.Button(texts.LABEL, variant="primary", visible=False, elem_id="distil-label")
            self.review = gr.Button(texts.REVIEW, variant="primary", visible=False, elem_id="distil-review")
        self.stations = gr.HTML(elem_id="distil-stations")
        self.captioning.build()
        with gr.Accordion(texts.OPTIONS, open=False, elem_id="distil-options"):
            gr.HTML(f"<h3>{texts.LEARNING}</h3>")
            self.learning.build()
            gr.HTML(f"<h3>{texts.WRITING}</h3>")
            self.writing.build()
            self.copy.build()

    def subscribe(self, frame: Frame) -> None:
        typed = [*self.learning.inputs, *self.writing.inputs]
        frame.listen(self.start.click, self.begin, typed, self.live, changes=True)
        frame.listen(self.only_write.click, self.write, typed, self.live, changes=True)
        teacher = self.captioning
        frame.listen(teacher.start.click, self.begin_captions, teacher.inputs, self.live, changes=True)
        took = [*self.live, teacher.box, teacher.note]
        frame.listen(teacher.file.upload, self.take_captions, [teacher.file], took, changes=True)
        said = [self.again.change, *(part.input for part in self.learning.inputs)]
        frame.listen(said, self.describe, typed, [self.plan], quiet=True)
        self.memory.subscribe(frame, said)
        frame.opens(self.review.click, "review")
        frame.opens(self.bring.click, "project")
        frame.opens(self.label.click, "label")
        self.copy.subscribe(frame, self.commands, typed)
        teacher.subscribe(frame)
        self.panel.subscribe(frame)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        project = self.context.project
        overview = project.overview() if project else None
        updates = {**self._live(overview), **self.captioning.about(overview)}
        updates[self.again] = str(time.time())  # the inputs have their values only once the tab is open
        updates[self.bring] = gr.update(visible=not (overview and overview.pictures))
        updates[self.label] = gr.update(visible=bool(overview and overview.pictures and not overview.labels))
        return updates | self._typed_before(project) if fresh else updates

    def tick(self) -> Updates:
        project = self.context.project
        return self._live(project.overview() if project else None)

    def _live(self, overview: Overview | None) -> dict[Component, Any]:
        project, jobs = self.context.project, self.panel.jobs()
        active = any(job.active for job in jobs if job.kind != "caption")
        newest = next((job for job in jobs if job.kind != "caption"), None)
        finished = bool(newest and newest.kind == "generate" and newest.state == "done")
        to_review = bool(overview and overview.suggestions and finished)
        ready = bool(overview and overview.labels)
        return {
            self.again: _situation(project, overview, f"{self.panel.turn()} {self.memory.turn()}"),
            self.stations: stations(overview, jobs),
            self.start: gr.update(
                visible=ready, interactive=not active, value=texts.AGAIN if finished else texts.START,
                variant="secondary" if to_review else "primary",
            ),
            self.only_write: gr.update(visible=ready and not active and overview.generator_adapters > 0),
            self.review: gr.update(visible=to_review),
            self.map: self._map(jobs),
            **self.panel.show(),
        }  # fmt: skip

    def _map(self, jobs: list[Job]) -> str:
        run = next((job for job in jobs if job.kind == "distil"), None)
        return charts.card(texts.MAP, charts.neuron_map(run.folder / "selection.json", texts.MAP_TITLE) if run else "")

    def _typed_before(self, project: Project | None) -> dict[Component, Any]:
        jobs = queue.jobs(project) if project else []
        learning, writing = chosen_before(jobs, "distil"), chosen_before(jobs, "generate")
        return {
            **self.learning.fill(with_chosen(project, learning or DistilOptions())),
            **self.writing.fill(writing or GenerateOptions()),
            **self.captioning.fill(chosen_before(jobs, "caption")),
        }

    def describe(self, *values: Any) -> Any:
        """What a press on Start will do with what is typed now; stays while that cannot be used yet."""
        try:
            learning, _ = self._read(values)
        except OptionError:
            return gr.skip()
        project = self.context.project
        return plan(project, project.overview() if project else None, learning)

    # Acting -------------------------------------------------------------------------------------------------------

    def begin(self, *values: Any) -> Updates:
        """Queues both jobs: learning, then writing with what was learned."""
        project = self._project()
        learning, writing = self._read(values)
        self._refuse_twice()
        if not project.overview().labels:
            raise DataError(texts.NO_LABELS)
        learns = self._submit(project, "distil", learning)
        self._submit(project, "generate", writing, after=learns)
        return self._live(project.overview())

    def write(self, *values: Any) -> Updates:
        """Queues writing alone, with the generator that is there."""
        project = self._project()
        _, writing = self._read(values)
        self._refuse_twice()
        self._submit(project, "generate", writing)
        return self._live(project.overview())

    def begin_captions(self, *values: Any) -> Updates:
        """Queues the job that has a model write captions."""
        project = self._project()
        self._submit(project, "caption", self.captioning.read(values))
        return self._live(project.overview())

    def take_captions(self, file: str) -> Said:
        """Takes captions of pictures of the project from a file."""
        project = self._project()
        try:
            tally = import_captions(project, Path(file), self.context.person).captions
        finally:
            Path(file).unlink(missing_ok=True)  # no copy of what was dropped stays
        overview = project.overview()
        said = texts.took_captions(tally.taken, tally.left)
        return Said(said, self._live(overview) | self.captioning.about(overview))

    def commands(self, *values: Any) -> str:
        """What a press on Start does, as commands."""
        learning, writing = self._read(values)
        return self.copy.command_line(self.context.project, ("distil", learning), ("generate", writing))

    def _read(self, values: tuple[Any, ...]) -> tuple[DistilOptions, GenerateOptions]:
        place = len(self.learning.inputs)
        learning = self.learning.read(values[:place])
        return learning, self.writing.read(values[place:], model=learning.model)

    def _refuse_twice(self) -> None:
        if any(job.active and job.kind != "caption" for job in self.panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)

    def _submit(self, project: Project, kind: str, options: Options, after: int | None = None) -> int:
        command = command_of(kind, options, project)
        return queue.submit(project, kind, options, self.context.person, command, after)

    def _project(self) -> Project:
        project = self.context.project
        if project is None:
            raise DataError(texts.NO_PROJECT)
        return project


def plan(project: Project | None, overview: Overview | None, options: DistilOptions) -> str:
    """What a press on Start will do and how long it takes, or what is missing for it, as HTML."""
    if project is None or overview is None:
        return f"<h2>{texts.NO_PROJECT}</h2>"
    if not overview.pictures or not overview.labels:
        return f"<h2>{texts.NO_LABELS if overview.pictures else texts.NO_PICTURES}</h2>"
    jobs = queue.jobs(project)
    pictures = overview.by_split.get("train", 0)
    learning = estimates.seconds("distil", options.model, options.steps, jobs)
    writing = estimates.seconds("generate", options.model, pictures, jobs)
    changing = texts.CHANGING[options.train].format(share=charts.percent(options.fraction), rank=options.rank)
    will = texts.plan(overview.labels, overview.captions, changing)
    minutes = job_texts.about(estimates.together((learning, writing)))
    return f'<h2>{will}</h2><p class="quiet">{minutes}</p>'


def _situation(project: Project | None, overview: Overview | None, turn: str) -> str:
    """Another text whenever the plan has to be said anew."""
    return f"{project.name} {overview.labels} {overview.captions} {turn}" if project and overview else ""


def stations(overview: Overview | None, jobs: list[Job]) -> str:
    """The four stops of one pass, each done, running or to come."""
    if overview is None or not overview.labels:
        return ""
    newest = {kind: next((job for job in jobs if job.kind == kind), None) for kind in KINDS}
    learning, writing, captioning = newest["distil"], newest["generate"], newest["caption"]
    learned = bool(learning and learning.state == "done") or (learning is None and overview.generator_adapters > 0)
    scored = learned or bool(learning and learning.step > 0)
    written = bool(writing and writing.state == "done" and not (learning and learning.id > writing.id))
    runs = {job.kind for job in jobs if job.state in ("running", "stopping")}
    standing = {
        "caption": _standing(overview.captions > 0, bool(captioning and "caption" in runs)),
        "score": _standing(scored, "distil" in runs and not scored),
        "distil": _standing(learned, "distil" in runs and scored),
        "generate": _standing(written, "generate" in runs),
    }
    items = (
        f'<li class="{state}"><b>{texts.MARKS[state]} {texts.STATIONS[name]}</b>'
        f'<span class="quiet">{texts.EXPLAINED[name]}</span><span class="sr-only">{texts.STATES[state]}</span></li>'
        for name, state in standing.items()
    )
    return f'<ol class="stations">{"".join(items)}</ol>'


def _standing(done: bool, runs: bool) -> str:
    return "now" if runs else "done" if done else "todo"


def came_of_it(project: Project, job: Job) -> str:
    """What a job of this screen left, as HTML."""
    if job.kind == "generate":
        pictures = project.db.counts("pairs", "image_id", job_id=job.run)
        return f"<p><strong>{texts.wrote(len(pictures), sum(pictures.values()))}</strong></p>"
    if job.kind == "distil":
        return f"<p>{texts.learned(job.result.get('neurons'), job.result.get('trained weights', 0))}</p>"
    return ""
