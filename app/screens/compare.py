"""The Compare screen: ask base and adapted models anything; see what changed, judge it blind, know when to trust it."""

import time
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app import asking, blind, estimates, gallery, looking, results, trust
from app.drawn import drawn, stream
from app.folder_form import FolderForm
from app.forms import CopyButton, Form
from app.frame import Frame
from app.job_panel import JobPanel
from app.report_form import ReportForm
from app.screens import Screen, Updates
from app.texts import compare as texts
from app.texts import jobs as job_texts
from app.viewer import seen, viewer
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.answering import Answering
from leaml.jobs.choosing import with_chosen
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import CompareOptions
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Project


class Compare(Screen):
    """Shows what adapting changed."""

    key = "compare"
    needs = "reviewer"

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        self.answering: dict[str, Answering] = {}
        self.options, self.copy = Form("compare", CompareOptions, ("adapters",)), CopyButton("compare")
        self.panel = JobPanel(self.context, "compare", ("compare",), compared)
        self.folder = FolderForm(self.context)
        self.report = ReportForm(self.context)
        with gr.Row(equal_height=False, elem_classes="picture-and-form"):
            with gr.Column(scale=2, min_width=400):
                self.viewer = viewer("compare-viewer")
                self.looking = drawn("looking", "compare-looking")
            with gr.Column(scale=3, min_width=480):
                self.picker = drawn("asking", "compare-asking")
                self.answers = drawn("answers", "compare-answers")
                self.blind = drawn("blind", "compare-blind")
        self.views = drawn("views", "compare-views")
        with gr.Column(elem_id="compare-overview"):
            self.table = drawn("comparison", "compare-table")
            self._build_comparison()
            self.folder.build()
        self.items = drawn("items", "compare-items")
        self.votes = drawn("votes", "compare-votes")
        self.trust = gr.HTML(elem_id="compare-trust", apply_default_css=False)
        self.report.build()
        self.newest = gr.Textbox(visible="hidden", label="newest", elem_id="compare-newest")
        self.live = [
            self.sentence, self.start, self.newest, *self.panel.outputs, *self.folder.live, *self.report.live,
        ]  # fmt: skip
        self.found_in = [self.views, self.table, self.items, self.votes, self.trust, *self.report.chosen]
        self.outputs = [
            *self.live, *self.found_in, self.picker, self.viewer, self.answers, self.looking, self.blind,
            self.folder.model, *self.inputs,
        ]  # fmt: skip

    def _build_comparison(self) -> None:
        with gr.Row(equal_height=False, elem_classes="two-sides"):
            with gr.Column(scale=1, min_width=480, elem_classes="card"):
                self.sentence = gr.HTML(elem_id="compare-plan")
                with gr.Row(elem_classes="buttons"):
                    self.start = gr.Button(
                        texts.START, variant="primary", interactive=False, elem_id="compare-start",
                        elem_classes="start",
                    )  # fmt: skip
                with gr.Accordion(texts.OPTIONS, open=False, elem_id="compare-options"):
                    self.adapters = gr.Dropdown(
                        [], multiselect=True, label=texts.ADAPTERS, info=texts.ADAPTERS_HELP, elem_id="compare-adapters"
                    )
                    self.options.build()
                    self.copy.build()
                self.inputs = [self.adapters, *self.options.inputs]
            self.panel.build()

    def subscribe(self, frame: Frame) -> None:
        shown = [self.picker, self.viewer, self.answers, self.looking]
        frame.answers("picking", self.pick, shown)
        stream(frame, self.picker.input, "asking", self.ask, [self.answers, self.looking])
        stream(frame, self.answers.submit, "looking", self.look, [self.looking])
        frame.answers("stopping", self.stop_answering, [])
        frame.answers("items", self.list_items, [self.views, self.items, *shown])
        frame.answers("blind", self.judge, [self.blind, self.viewer, self.votes])
        frame.listen(self.start.click, self.begin, self.inputs, self.live, changes=True)
        self.copy.subscribe(frame, self.command, self.inputs)
        self.panel.subscribe(frame)
        self.folder.subscribe(frame)
        self.report.subscribe(frame)
        frame.listen(self.newest.change, self.found, [], self.found_in, quiet=True)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        project = self.context.project
        if not fresh:
            return self._live() | {self.picker: {"again": time.time()}}
        picker, picture = asking.picker(project, "test", None)
        asked = {self.picker: picker, self.viewer: picture, self.answers: {"hint": texts.HINT}}
        asked |= {self.looking: {}, self.blind: {}}
        typed = self.options.fill(with_chosen(project, CompareOptions()))
        chosen = {**typed, **self.choices(project), **self.folder.choices(project)}
        return {**self._live(), **self.found(), **asked, **chosen}

    def tick(self) -> Updates:
        return self._live()

    def found(self) -> Updates:
        """What the newest comparison found."""
        project = self.context.project
        items = gallery.items(project, gallery.Listed())
        return {
            self.views: gallery.views(project, items),
            self.table: results.table(project),
            self.items: items,
            self.votes: blind.votes_table(project, None),
            self.trust: trust.view(project),
            **self.report.choices(project),
        }

    def _live(self) -> dict[Component, Any]:
        active = any(job.active for job in self.panel.jobs())
        words, ready = plan(self.context.project)
        return {
            self.sentence: f"<h2>{escape(words)}</h2>",
            self.start: gr.update(interactive=ready and not active),
            self.newest: results.mark(self.context.project),
            **self.panel.show(),
            **self.folder.panel.show(),
            **self.report.show(),
        }

    # Asking -------------------------------------------------------------------------------------------------------

    def pick(self, payload: dict[str, Any]) -> Updates:
        """Shows another picture."""
        project, asked = self.context.project, asking.Asked(**payload)
        picture = asking.picture_of(project, asked) if project and asked.act != "open" else asked.picture
        picker, image = asking.picker(project, asked.pool, picture)
        answers = {self.answers: {"hint": texts.HINT}, self.looking: {}} if asked.act != "open" else {}
        return {self.picker: picker, self.viewer: image, **answers}

    def ask(self, payload: dict[str, Any]) -> Iterator[Updates]:
        """Asks base and adapted models, and shows their answers while they are written."""
        project = self._project()
        for card in asking.ask(project, self._answering(project), asking.Question(**payload)):
            yield {self.answers: card, self.looking: {}}

    def look(self, payload: dict[str, Any]) -> Iterator[Updates]:
        """Finds out which parts of the picture an answer depends on."""
        project = self._project()
        for card in looking.look(project, self._answering(project), looking.Looked(**payload)):
            yield {self.looking: card}

    def close(self) -> None:
        for answering in self.answering.values():
            answering.close()

    def stop_answering(self, _: dict[str, Any]) -> None:
        """Ends the answer that is being written or looked into."""
        project = self.context.project
        if project and project.name in self.answering:
            self.answering[project.name].cancel()

    def _answering(self, project: Project) -> Answering:
        return self.answering.setdefault(project.name, Answering(project))

    # What a comparison found --------------------------------------------------------------------------------------

    def list_items(self, payload: dict[str, Any]) -> Updates:
        """Shows other questions of the comparison, or opens one beside its picture."""
        project, wanted = self._project(), gallery.Listed(**payload)
        if wanted.act == "open" and wanted.pair is not None:
            return self._opened(project, wanted.pair)
        items = gallery.items(project, wanted)
        return {self.views: gallery.views(project, items), self.items: items}

    def _opened(self, project: Project, id: int) -> Updates:
        pair = project.pair(id)
        picker, image = asking.picker(project, pair.split, pair.image_id)
        models = [None, *gallery.compared(project, results.newest(project))]
        given = gallery.written(project, id)
        doubts = asking.doubts_of(project, models, pair.question, pair)
        card = asking.card(pair.question, models, given, pair, texts.EARLIER, pair.image_id, doubts)
        opened = {self.picker: picker | {"ask": pair.question}, self.viewer: image, self.answers: card}
        return opened | {self.looking: {}}

    def judge(self, payload: dict[str, Any]) -> Updates:
        """Keeps a blind vote, or takes it back, and shows the next two answers."""
        project, person, judged = self._project(), self.context.person, blind.Judged(**payload)
        said = blind.act(project, person, judged)
        card, picture = blind.card(project, person, judged)
        updates: dict[Component, Any] = {self.blind: card | {"said": said}}
        if picture is not None:
            updates[self.viewer] = seen(project.name, project.picture(picture))
        if judged.act != "show":
            updates[self.votes] = blind.votes_table(project, judged.adapter)
        return updates

    # Jobs ---------------------------------------------------------------------------------------------------------

    def choices(self, project: Project | None) -> Updates:
        """Which adapted models may be compared with the base."""
        adapters = project.adapters("answers") if project else []
        return {self.adapters: gr.update(choices=[(one.name, str(one.id)) for one in adapters], value=[])}

    def begin(self, *values: Any) -> Updates:
        """Queues a comparison."""
        project, options = self._project(), self._read(values)
        if any(job.active for job in self.panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        queue.submit(project, "compare", options, self.context.person, command_of("compare", options, project))
        return self._live()

    def command(self, *values: Any) -> str:
        """What a press on Compare does, as a command."""
        return self.copy.command_line(self.context.project, ("compare", self._read(values)))

    def _read(self, values: Sequence[Any]) -> CompareOptions:
        """The form as options: which models, then the rest."""
        return self.options.read(values[1:], adapters=tuple(map(int, values[0] or ())))

    def _project(self) -> Project:
        project = self.context.project
        if project is None:
            raise DataError(texts.NO_PROJECT["title"] + ".", texts.NO_PROJECT["text"])
        return project


def plan(project: Project | None) -> tuple[str, bool]:
    """What a press on Compare will do, and whether it can."""
    if project is None:
        return texts.NO_PROJECT["title"] + ".", False
    counts = project.db.counts("pair_states", "split", status="label")
    tests = [split for split in counts if split not in ("train", "calibration", LEFT_OUT, ARRIVING)]
    questions = sum(counts[split] for split in tests)
    pictures = len(project.db.counts("pair_states", "image_id", status="label", split=tests))
    adapter = next(iter(project.adapters("answers")), None)
    words = texts.start(adapter.name if adapter else None, questions, pictures)
    steps = questions * (2 if adapter else 1)
    model = with_chosen(project, CompareOptions()).model
    known = estimates.seconds("compare", model, steps, queue.jobs(project, limit=50))
    return (f"{words} {job_texts.about(known)}" if questions and known else words), bool(questions)


def compared(project: Project, job: Job) -> str:
    """What a comparison did, as HTML."""
    questions, models = int(job.result.get("questions", 0)), int(job.result.get("models", 0))
    return f"<p>{texts.DONE.format(questions=f'{questions:,}', models=models)}</p>"
