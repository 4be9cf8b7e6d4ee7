"""The Compare screen: ask base and adapted model anything, measure both on the test set, answer a folder."""

import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from app import asking, estimates, results
from app.drawn import drawn, hear
from app.forms import CopyButton, Form
from app.frame import Frame
from app.job_panel import JobPanel
from app.screens import Screen, Updates
from app.tables import table_address
from app.texts import compare as texts
from app.texts import jobs as job_texts
from app.viewer import viewer
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.answering import Answering
from leaml.jobs.commands import command_of
from leaml.jobs.queue import Job
from leaml.options import AnswerOptions, CompareOptions, Options
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Project

NEWEST, BASE = "newest", "base"
"""Who answers a folder, beside adapted models by number."""


class Compare(Screen):
    """Shows what adapting changed."""

    key = "compare"

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        self.answering: dict[str, Answering] = {}
        self.options, self.copy = Form("compare", CompareOptions), CopyButton("compare")
        self.panel = JobPanel(self.context, "compare", ("compare",), compared)
        self.folder_panel = JobPanel(self.context, "compare-folder", ("answer",), answered)
        self.folder_copy = CopyButton("answer")
        with gr.Row(equal_height=False, elem_classes="picture-and-form"):
            with gr.Column(scale=2, min_width=400):
                self.viewer = viewer("compare-viewer")
            with gr.Column(scale=3, min_width=480):
                self.picker = drawn("asking", "compare-asking")
                self.answers = drawn("answers", "compare-answers")
        self._build_comparison()
        self._build_folder()
        self.newest = gr.Textbox(visible="hidden", label="newest", elem_id="compare-newest")
        self.live = [self.sentence, self.start, self.newest, *self.panel.outputs, *self.folder_panel.outputs]
        self.outputs = [
            *self.live, self.picker, self.viewer, self.answers, self.table, self.items, self.model,
            *self.options.inputs,
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
                    self.options.build()
                    self.copy.build()
            self.panel.build()
        self.table = drawn("comparison", "compare-table")
        self.items = drawn("items", "compare-items")

    def _build_folder(self) -> None:
        with gr.Accordion(texts.FOLDER_TITLE, open=False, elem_id="compare-folder"):
            gr.HTML(f"<p>{texts.FOLDER_HELP}</p>")
            with gr.Row():
                self.folder = gr.Textbox(
                    label=texts.FOLDER, placeholder=texts.FOLDER_HINT, max_lines=1, elem_id="compare-folder-name"
                )
                self.model = gr.Dropdown([], label=texts.MODEL, filterable=False, elem_id="compare-folder-model")
            self.questions = gr.Textbox(label=texts.QUESTIONS, lines=3, elem_id="compare-folder-questions")
            with gr.Row(elem_classes="buttons"):
                self.folder_start = gr.Button(
                    texts.FOLDER_START, variant="primary", elem_id="compare-folder-start", elem_classes="start"
                )
            self.folder_copy.build()
            self.folder_panel.build()

    def subscribe(self, frame: Frame) -> None:
        shown = [self.picker, self.viewer, self.answers]
        hear(frame, self.picker.submit, "picking", self.pick, shown)
        hear(frame, self.picker.input, "asking", self.ask, [self.answers], queue=True)
        hear(frame, self.picker.stop, "stopping", self.stop_asking, [])
        hear(frame, self.items.submit, "items", self.list_items, [self.items, *shown])
        frame.listen(self.start.click, self.begin, self.options.inputs, self.live, changes=True)
        folder = [self.folder, self.questions, self.model]
        frame.listen(self.folder_start.click, self.begin_folder, folder, self.live, changes=True)
        self.copy.subscribe(frame, self.command, self.options.inputs)
        self.folder_copy.subscribe(frame, self.folder_command, folder)
        self.panel.subscribe(frame)
        self.folder_panel.subscribe(frame)
        frame.listen(self.newest.change, self.found, [], [self.table, self.items], quiet=True)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        project = self.context.project
        if not fresh:
            return self._live() | {self.picker: {"again": time.time()}}
        picker, picture = asking.picker(project, "test", None)
        asked = {self.picker: picker, self.viewer: picture, self.answers: {"hint": texts.HINT}}
        chosen = {**self.options.defaults(), self.model: self._models(project)}
        return {**self._live(), **self.found(), **asked, **chosen}

    def tick(self) -> Updates:
        return self._live()

    def found(self) -> Updates:
        """What the newest comparison found."""
        project = self.context.project
        return {self.table: results.table(project), self.items: results.items(project, results.Listed())}

    def _live(self) -> dict[Component, Any]:
        active = any(job.active for job in self.panel.jobs())
        words, ready = plan(self.context.project)
        return {
            self.sentence: f"<h2>{escape(words)}</h2>",
            self.start: gr.update(interactive=ready and not active),
            self.newest: results.mark(self.context.project),
            **self.panel.show(),
            **self.folder_panel.show(),
        }

    def _models(self, project: Project | None) -> Any:
        adapters = project.adapters("answers") if project else []
        choices = [(texts.NEWEST, NEWEST)] if adapters else []
        choices += [(adapter.name, str(adapter.id)) for adapter in adapters] + [(texts.BASE, BASE)]
        return gr.update(choices=choices, value=choices[0][1])

    # Asking -------------------------------------------------------------------------------------------------------

    def pick(self, payload: dict[str, Any]) -> Updates:
        """Shows another picture."""
        project, asked = self.context.project, asking.Asked(**payload)
        picture = asking.picture_of(project, asked) if project and asked.act != "open" else asked.picture
        picker, image = asking.picker(project, asked.pool, picture)
        answers = {self.answers: {"hint": texts.HINT}} if asked.act != "open" else {}
        return {self.picker: picker, self.viewer: image, **answers}

    def ask(self, payload: dict[str, Any]) -> Iterator[Updates]:
        """Asks base and adapted model, and shows their answers while they are written."""
        project = self._project()
        answering = self.answering.setdefault(project.name, Answering(project))
        for card in asking.ask(project, answering, asking.Question(**payload)):
            yield {self.answers: card}

    def close(self) -> None:
        for answering in self.answering.values():
            answering.close()

    def stop_asking(self, _: dict[str, Any]) -> None:
        """Ends the answer that is being written."""
        project = self.context.project
        if project and project.name in self.answering:
            self.answering[project.name].cancel()

    def list_items(self, payload: dict[str, Any]) -> Updates:
        """Shows other questions of the comparison, or opens one beside its picture."""
        project, wanted = self._project(), results.Listed(**payload)
        listed = {self.items: results.items(project, wanted)}
        if wanted.act == "list" or wanted.pair is None:
            return listed
        pair = project.pair(wanted.pair)
        picker, image = asking.picker(project, pair.split, pair.image_id)
        model = asking.adapted(project.adapters("answers"), wanted.adapter)
        sides = [None, model] if model else [None]
        card = asking.card(pair.question, sides, results.written(project, wanted), pair, texts.EARLIER)
        return listed | {self.picker: picker | {"ask": pair.question}, self.viewer: image, self.answers: card}

    # Jobs ---------------------------------------------------------------------------------------------------------

    def begin(self, *values: Any) -> Updates:
        """Queues a comparison."""
        project, options = self._project(), self.options.read(values)
        if any(job.active for job in self.panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        self._submit(project, "compare", options)
        return self._live()

    def begin_folder(self, folder: str, questions: str, model: str) -> Updates:
        """Queues the answering of a folder."""
        project, options = self._project(), folder_options(folder, questions, model)
        if any(job.active for job in self.folder_panel.jobs()):
            raise OptionError(*job_texts.RUNS_ALREADY)
        self._submit(project, "answer", options)
        return self._live()

    def command(self, *values: Any) -> str:
        """What a press on Compare does, as a command."""
        return self.copy.command_line(self.context.project, ("compare", self.options.read(values)))

    def folder_command(self, folder: str, questions: str, model: str) -> str:
        """What a press on Answer does, as a command."""
        options = folder_options(folder, questions, model)
        return self.folder_copy.command_line(self.context.project, ("answer", options))

    def _submit(self, project: Project, kind: str, options: Options) -> None:
        queue.submit(project, kind, options, self.context.person, command_of(kind, options, project))

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
    known = estimates.seconds("compare", CompareOptions().model, steps, queue.jobs(project, limit=50))
    return (f"{words} {job_texts.about(known)}" if questions and known else words), bool(questions)


def folder_options(folder: str, questions: str, model: str) -> AnswerOptions:
    """The options of answering a folder, as typed.

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


def compared(project: Project, job: Job) -> str:
    """What a comparison did, as HTML."""
    questions, models = int(job.result.get("questions", 0)), int(job.result.get("models", 0))
    return f"<p>{texts.DONE.format(questions=f'{questions:,}', models=models)}</p>"


def answered(project: Project, job: Job) -> str:
    """What came of a folder, with the link to its table, as HTML."""
    figures = {name: f"{int(job.result.get(name, 0)):,}" for name in ("answers", "pictures")}
    link = f'<a class="download" href="{table_address(project.name, job.id)}" download>{texts.DOWNLOAD}</a>'
    found = job.result.get("findings", [])
    named = "".join(f"<li>{escape(str(sentence))}</li>" for sentence in found)
    left_out = f"<p>{texts.FOLDER_LEFT_OUT.format(n=job.result.get('left out'))}</p><ul>{named}</ul>" if found else ""
    return f"<p><strong>{texts.FOLDER_DONE.format(**figures)}</strong></p><p>{link}</p>{left_out}"
