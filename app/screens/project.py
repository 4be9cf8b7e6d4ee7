"""The Project screen: which project, its pictures, what to do next, and what stays private."""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from app import arrivals
from app.forms import CopyButton, Form
from app.frame import Frame
from app.job_panel import JobPanel, chosen_before
from app.keeping import Keeping
from app.listening import Said
from app.model_choice import ModelChoice
from app.screens import Screen, Updates
from app.texts import frame as frame_texts
from app.texts import project as texts
from leaml.errors import DataError, OptionError
from leaml.jobs import queue
from leaml.jobs.choosing import NANO, chosen
from leaml.jobs.commands import command_of
from leaml.options import ImportOptions
from leaml.store import hub
from leaml.store.findings import Findings
from leaml.store.importing import SETTING
from leaml.store.overview import Overview
from leaml.store.project import Project

MOST_REFUSED_SHOWN = 200

PRESSED = """element.addEventListener('click', (event) => {
  const pressed = event.target.closest('[data-project]');
  if (pressed) { leaml.pressed = pressed.dataset.project; trigger('click'); }
});"""


class ProjectScreen(Screen):
    """Opens, makes, fills and deletes projects."""

    key = "project"

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> None:
        self.form, self.copy = Form("import", ImportOptions, without=("folder",)), CopyButton("import")
        self.panel = JobPanel(self.context, self.key, ("import",), lambda project, job: "")
        self.model = ModelChoice(self.context)
        self.keeping = Keeping(self.context)
        with gr.Row(equal_height=False, elem_classes="two-sides"):
            with gr.Column(scale=1, min_width=480):
                self._build_next()
                self._build_import()
                self.model.build()
                self._build_projects()
            with gr.Column(scale=1, min_width=480):
                self.panel.build()
                self.findings = gr.HTML(elem_id="project-findings")
                self.privacy = gr.HTML(elem_id="project-privacy")
                self.keeping.build()
                self._build_deletion()
        self.live = [
            self.next, *self.leads.values(), self.numbers, self.findings, self.privacy, self.cards, *self.panel.outputs,
            *self.model.live,
        ]  # fmt: skip
        self.outputs = [
            *self.live, self.importing, self.deletion, *self.form.inputs, *self.model.outputs,
            *self.keeping.outputs,
        ]  # fmt: skip

    def _build_next(self) -> None:
        self.next = gr.HTML(elem_id="project-next")
        # One button per screen, as each leads to its own; only that of the next step is seen.
        screens = dict.fromkeys(screen for screen in frame_texts.STEPS.values() if screen != self.key)
        with gr.Row(elem_classes="buttons"):
            self.leads = {
                screen: gr.Button("", variant="primary", visible=False, elem_id=f"project-to-{screen}")
                for screen in screens
            }
        self.numbers = gr.HTML(elem_id="project-numbers")

    def _build_import(self) -> None:
        with gr.Accordion(texts.IMPORT, open=False, elem_id="project-import") as self.importing:
            self.folder = gr.Textbox(label=texts.FOLDER, info=texts.FOLDER_HINT, max_lines=1, elem_id="import-folder")
            with gr.Row(elem_classes="buttons"):
                self.take_folder = gr.Button(texts.FOLDER_START, variant="primary", elem_id="import-start")
            self.files = gr.File(label=texts.UPLOAD, file_count="multiple", height=140, elem_id="import-files")
            with gr.Row(elem_classes="buttons"):
                self.take_files = gr.Button(texts.UPLOAD_START, elem_id="import-files-start")
            with gr.Accordion(texts.OPTIONS, open=False):
                self.form.build()
                self.copy.build()

    def _build_projects(self) -> None:
        gr.HTML(f"<h3>{texts.PROJECTS}</h3>")
        self.cards = gr.HTML(js_on_load=PRESSED, elem_id="project-cards")
        with gr.Row(elem_classes="new-project"):
            self.title = gr.Textbox(
                label=texts.NEW, placeholder=texts.NEW_HINT, max_lines=1, scale=3, elem_id="project-title"
            )
            self.make = gr.Button(texts.MAKE, elem_id="project-make", scale=1)

    def _build_deletion(self) -> None:
        with gr.Accordion(texts.DELETE, open=False, elem_id="project-delete") as self.deletion:
            gr.HTML(f"<p>{texts.DELETE_HINT}</p>")
            self.typed = gr.Textbox(label=texts.DELETE_NAME, max_lines=1, elem_id="project-delete-name")
            self.delete = gr.Button(texts.DELETE_START, variant="stop", size="sm", elem_id="project-delete-start")

    def subscribe(self, frame: Frame) -> None:
        for screen, button in self.leads.items():
            frame.opens(button.click, screen)
        took = [*self.live, self.importing]
        frame.listen(
            [self.take_folder.click, self.folder.submit], self.import_folder, [self.folder, *self.form.inputs], took,
            changes=True,
        )  # fmt: skip
        frame.listen(
            self.take_files.click, self.import_files, [self.files, *self.form.inputs], [*took, self.files], changes=True
        )
        self.copy.subscribe(frame, self.command, [self.folder, *self.form.inputs])
        anyway = {"changes": True, "guarded": False}
        frame.listen(self.cards.click, self.open, [self.typed], [], js="() => [leaml.pressed]", **anyway)
        frame.listen([self.make.click, self.title.submit], self.create, [self.title], [self.title], **anyway)
        frame.listen(self.delete.click, self.remove, [self.typed], [self.typed], changes=True)
        self.panel.subscribe(frame)
        self.model.subscribe(frame)
        self.keeping.subscribe(frame)

    # Showing ------------------------------------------------------------------------------------------------------

    def refresh(self, fresh: bool) -> Updates:
        project = self.context.project
        overview = project.overview() if project else None
        updates = self._live(project, overview) | self.model.refresh(fresh) | self.keeping.refresh(fresh)
        if fresh:
            before = chosen_before(queue.jobs(project), "import") if project else None
            updates |= self.form.fill(before) if before else self.form.defaults()
            empty = bool(overview and not overview.pictures and not self._arriving(project))
            updates[self.importing] = gr.update(open=empty, visible=project is not None)
            updates[self.deletion] = gr.update(open=False, visible=project is not None)
        return updates

    def tick(self) -> Updates:
        project = self.context.project
        if project:
            arrivals.sweep(project)
        return self._live(project, project.overview() if project else None) | self.model.tick()

    def _live(self, project: Project | None, overview: Overview | None) -> dict[Component, Any]:
        findings = _findings(project)
        arriving = self._arriving(project)
        step = overview.next_step if overview else ""
        leads_to = "" if arriving or not step else frame_texts.STEPS.get(step, "compare")
        words = texts.ARRIVING if arriving else texts.STEPS[step][0] if step else texts.NO_PROJECTS
        buttons = {
            button: gr.update(visible=screen == leads_to, value=texts.STEPS[step][1] if screen == leads_to else "")
            for screen, button in self.leads.items()
        }
        return {
            self.next: f"<h2>{words}</h2>{_walk(project, overview)}",
            **buttons,
            self.numbers: _numbers(overview),
            self.findings: _found(findings),
            self.privacy: self._privacy(project, findings),
            self.cards: self._cards(project),
            **self.panel.show(),
        }

    def _arriving(self, project: Project | None) -> bool:
        return bool(project) and any(job.active for job in self.panel.jobs())

    def _privacy(self, project: Project | None, findings: Findings | None) -> str:
        dropped, places = (findings.with_metadata, findings.with_position) if findings else (0, 0)
        folder = str(project.folder if project else self.context.home)
        rows = texts.privacy(self.context.address, folder, dropped, places)
        cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
        return f'<div class="card"><h3>{texts.PRIVACY}</h3><dl class="facts">{cells}</dl></div>'

    def _cards(self, current: Project | None) -> str:
        cards = (_card(self.context.get(name), bool(current and name == current.name)) for name in self.context.names())
        return f'<div class="project-cards">{"".join(cards)}</div>'

    # Acting -------------------------------------------------------------------------------------------------------

    def open(self, name: str) -> None:
        """Opens another project."""
        self.context.open(name)

    def create(self, title: str) -> str:
        """Makes an empty project and opens it; returns what stands in the field then."""
        self.context.create(title)
        return ""

    def remove(self, typed: str) -> Said:
        """Deletes the open project."""
        project = self._project()
        if any(job.active for job in queue.jobs(project)):
            raise OptionError(*texts.BUSY)
        self.context.delete(project.name, typed)
        return Said(texts.DELETED, "")

    def import_folder(self, folder: str, *values: Any) -> Updates:
        """Queues the import of a folder of this computer."""
        if not folder.strip():
            raise DataError(*texts.NO_FOLDER)
        path = Path(folder.strip()).expanduser()
        if hub.named(path) is None and not path.is_dir():
            raise DataError(f"There is no folder {folder.strip()}.", texts.NO_FOLDER[1])
        return self._import(path, values)

    def import_files(self, files: list[str] | None, *values: Any) -> Updates:
        """Queues the import of files that were dropped into the browser."""
        if not files:
            raise DataError(*texts.NO_FILES)
        self.form.read(values, folder=".")  # what cannot be used is said before the files are moved
        folder = arrivals.take(self._project(), [Path(file) for file in files])
        return {**self._import(folder, values), self.files: None}

    def command(self, folder: str, *values: Any) -> str:
        """The import as a command."""
        options = self.form.read(values, folder=folder.strip() or "FOLDER")
        return self.copy.command_line(self.context.project, ("import", options))

    def _import(self, folder: Path, values: tuple[Any, ...]) -> dict[Component, Any]:
        project, options = self._project(), self.form.read(values, folder=str(folder))
        queue.submit(project, "import", options, self.context.person, command_of("import", options, project))
        return {**self._live(project, project.overview()), self.importing: gr.update(open=False)}

    def _project(self) -> Project:
        project = self.context.project
        if project is None:
            raise DataError(*texts.NO_PROJECT)
        return project


def _card(project: Project, is_open: bool) -> str:
    state = f'<b class="quiet">{texts.IS_OPEN}</b>' if is_open else texts.OPEN
    inside = f"<strong>{escape(project.title)}</strong><span>{escape(texts.card(project.overview()))}</span>{state}"
    if is_open:
        return f'<div class="card project-card open">{inside}</div>'
    return f'<button class="card project-card" data-project="{escape(project.name)}">{inside}</button>'


def _walk(project: Project | None, overview: Overview | None) -> str:
    """What a new project still needs, in order; nothing once people and models have begun."""
    if project is None or overview is None or (overview.labels and overview.captions):
        return ""
    steps = texts.walk(overview, len(project.templates()), chosen(project) or NANO)
    items = (f'<li class="{"done" if done else ""}">{escape(words)}</li>' for done, words in steps)
    return f'<ol class="walk">{"".join(items)}</ol>'


def _numbers(overview: Overview | None) -> str:
    if overview is None:
        return ""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{count}</dd></div>" for name, count in texts.numbers(overview))
    return f'<dl class="figures">{items}</dl>'


def _findings(project: Project | None) -> Findings | None:
    stored = project.setting(SETTING) if project else None
    return Findings.from_json(stored) if stored else None


def _found(findings: Findings | None) -> str:
    """What the last import took, what it refused and why."""
    if findings is None:
        return ""
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in findings.sentences())
    return f'<div class="card"><h3>{texts.FINDINGS}</h3><ul>{sentences}</ul>{_refused(findings.refused)}</div>'


def _refused(refused: list[str]) -> str:
    if not refused:
        return ""
    rows = "".join(f"<li>{escape(sentence)}</li>" for sentence in refused[:MOST_REFUSED_SHOWN])
    more = len(refused) - MOST_REFUSED_SHOWN
    rest = f"<p>{texts.MORE.format(more)}</p>" if more > 0 else ""
    return f"<details><summary>{texts.REFUSED} ({len(refused):,})</summary><ul>{rows}</ul>{rest}</details>"
