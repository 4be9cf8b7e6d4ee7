"""Backups and copies of projects, and the room they take: a folded part of the Project screen.

    keeping = Keeping(context)
"""

from html import escape
from pathlib import Path

import gradio as gr

from app.context import Context
from app.frame import Frame
from app.listening import Said
from app.screens import Updates
from app.texts import keeping as texts
from leaml.errors import DataError
from leaml.jobs import queue
from leaml.store import copies
from leaml.store.project import Project

FOLDER = "backups"
"""Below the folder of the projects."""


class Keeping:
    """Back up, copy, restore; says where backups stand and what the project weighs."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def build(self) -> None:
        """Declares it."""
        with gr.Accordion(texts.TITLE, open=False, elem_id="project-keeping") as self.box:
            self.room = gr.HTML(elem_id="project-room")
            with gr.Row(elem_classes="buttons"):
                self.back_up = gr.Button(texts.BACK_UP, elem_id="project-back-up")
            with gr.Row(elem_classes="new-project"):
                self.title = gr.Textbox(label=texts.COPY, placeholder=texts.COPY_HINT, max_lines=1, scale=3,
                                        elem_id="project-copy-title")  # fmt: skip
                self.copy = gr.Button(texts.COPY_START, scale=1, elem_id="project-copy")
        with gr.Accordion(texts.RESTORE, open=False, elem_id="project-restoring"):
            gr.HTML(f'<p class="quiet">{texts.RESTORE_HINT}</p>')
            self.file = gr.Dropdown([], label=texts.FILE, allow_custom_value=True, elem_id="project-restore-file")
            with gr.Row(elem_classes="buttons"):
                self.restore = gr.Button(texts.RESTORE_START, elem_id="project-restore")
        self.outputs = [self.box, self.room, self.file]

    def subscribe(self, frame: Frame) -> None:
        """Wires the events."""
        frame.listen(self.back_up.click, self.keep, [], self.outputs)
        frame.listen([self.copy.click, self.title.submit], self.duplicate, [self.title], [self.title], changes=True)
        frame.listen(self.restore.click, self.bring_back, [self.file], [self.file], changes=True, guarded=False)

    def refresh(self, fresh: bool) -> Updates:
        """What it shows; the room is measured when another project is opened, not at each look."""
        if not fresh:
            return {}
        project = self.context.project
        files = self._backups()
        return {
            self.box: gr.update(visible=project is not None),
            self.room: _room(project) if project else "",
            self.file: gr.update(choices=files, value=files[0] if files else ""),
        }

    def keep(self) -> Said:
        """Writes a backup."""
        project = self._idle()
        file = copies.back_up(project, self.context.home / FOLDER)
        return Said(texts.KEPT.format(str(file)), self.refresh(True))

    def duplicate(self, title: str) -> Said:
        """Makes a copy, and opens it."""
        if not title.strip():
            raise DataError(*texts.NO_TITLE)
        folder = copies.duplicate(self._idle(), title)
        self.context.open(folder.name)
        return Said(texts.COPIED.format(title.strip()), "")

    def bring_back(self, file: str | None) -> Said:
        """Makes a project of a backup, and opens it."""
        path = Path((file or "").strip()).expanduser()
        if not path.is_file():
            path = self.context.home / FOLDER / path.name
        if not (file or "").strip() or not path.is_file():
            raise DataError(*texts.NO_FILE)
        folder = copies.restore(path, self.context.home)
        self.context.open(folder.name)
        return Said(texts.RESTORED.format(self.context.get(folder.name).title), {})

    def _backups(self) -> list[str]:
        """Names, the newest first."""
        found = (self.context.home / FOLDER).glob(f"*{copies.SUFFIX}")
        return [path.name for path in sorted(found, key=lambda path: -path.stat().st_mtime)]

    def _idle(self) -> Project:
        """The open project, where no job changes its files meanwhile."""
        project = self.context.project
        if project is None:
            raise DataError(*texts.NO_PROJECT)
        if any(job.active for job in queue.jobs(project)):
            raise DataError(*texts.BUSY)
        return project


def _room(project: Project) -> str:
    """What the project weighs, and what is free."""
    sizes = copies.disk_use(project) | {texts.FREE: copies.free_space(project.folder)}
    cells = "".join(f"<dt>{escape(name)}</dt><dd>{_megabytes(size)}</dd>" for name, size in sizes.items())
    return f'<dl class="facts">{cells}</dl>'


def _megabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"
