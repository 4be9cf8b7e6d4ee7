"""One line before Start: what memory a job will take of what is free; where that is too much, buttons that help.

    self.memory = MemoryLine(self.context, "adapt", self.form)
    self.memory.build(); self.memory.subscribe(frame, said)      # said: the events after which it is said anew

Who finds out is a process of its own (leaml.jobs.foretelling); until it has, the line says so.
"""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from app.context import Context
from app.forms import Form
from app.frame import Frame
from app.screens import Updates
from app.texts import jobs as texts
from leaml.errors import OptionError
from leaml.jobs import foretelling
from leaml.jobs.foretelling import Foretold
from leaml.options import Options
from leaml.store.project import Project


class MemoryLine:
    """The line, and its buttons.

    Args:
        key: of the screen; the ids of the parts begin with it, and it is the kind of job.
        form: of the job's options.
    """

    def __init__(self, context: Context, key: str, form: Form) -> None:
        self.context, self.key, self.form = context, key, form

    def build(self) -> None:
        """Declares it."""
        self.said = gr.HTML(elem_id=f"{self.key}-memory")
        with gr.Row(elem_classes="buttons"):
            self.buttons = {
                option: gr.Button(visible=False, size="sm", elem_id=f"{self.key}-memory-{option.replace('_', '-')}")
                for option in texts.ADVICE
            }
        self.outputs = [self.said, *self.buttons.values()]

    def subscribe(self, frame: Frame, when: Sequence[Callable]) -> None:
        """Wires it: said anew after each of the events `when`."""
        frame.listen(list(when), self.describe, self.form.inputs, self.outputs, quiet=True)
        for option, button in self.buttons.items():
            outputs = [*self.outputs, self._input(option)]
            frame.listen(button.click, partial(self.take, option), self.form.inputs, outputs)

    def turn(self) -> str:
        """Another text whenever more is known."""
        return foretelling.turn(self.context.project) if self.context.project else ""

    def describe(self, *values: Any) -> Updates:
        """What is needed for what is typed now; stays while that cannot be used yet."""
        try:
            return self._about(self.form.read(values))
        except OptionError:
            return {}

    def take(self, option: str, *values: Any) -> Updates:
        """Does what a button advises: the form has it, and the line speaks of it."""
        project, options = self.context.project, self.form.read(values)
        told = foretelling.known(project, self.key, options) if project else None
        advice = next((each for each in told.advice if each.option == option), None) if told else None
        if advice is None:
            return {}
        changed = options.model_copy(update={option: advice.value})
        return {self._input(option): advice.value, **self._about(changed)}

    def _input(self, option: str) -> Any:
        return dict(zip(self.form.names, self.form.inputs, strict=True))[option]

    def _about(self, options: Options) -> Updates:
        project = self.context.project
        told = _told(project, self.key, options) if project else Foretold()
        advice = {each.option: each for each in told.advice} if told else {}
        shown = {
            button: gr.update(visible=option in advice, value=texts.advised(advice[option]) if option in advice else "")
            for option, button in self.buttons.items()
        }
        return {self.said: line(told), **shown}


def _told(project: Project, kind: str, options: Options) -> Foretold | None:
    """What is known. Somebody is asked to find out where there is something to learn from and nothing runs."""
    overview = project.overview()
    if not (overview.labels or (kind == "adapt" and overview.accepted)):
        return Foretold()
    told = foretelling.known(project, kind, options)
    if told is None:
        if project.db.count("jobs", state=["running", "stopping"]):
            return Foretold()
        foretelling.ask(project, kind, options)
    return told


def line(told: Foretold | None) -> str:
    """What is needed of what is free, its parts folded, as HTML; None: nobody knows yet."""
    if told is None:
        return f'<p class="quiet">{texts.FINDING_OUT}</p>'
    if told.error:
        return f'<p class="quiet">{escape(told.error)} {escape(told.fix)}</p>'
    if not told.parts:
        return ""
    rows = "".join(
        f"<tr><td>{texts.PARTS[name]}</td><td>{texts.gigabytes(size)}</td></tr>" for name, size in told.parts.items()
    )
    said = texts.needs(told.total, told.free, told.measured)
    if not told.fits:
        said = f"<strong>{texts.MARKS['failed']} {said}</strong> {texts.TOO_MUCH}"
    words = f'<summary class="{"quiet" if told.fits else ""}">{said}</summary>'
    return f'<details class="memory">{words}<table class="plain">{rows}</table></details>'
