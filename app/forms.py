"""An options model as inputs, both ways, and as the command that does the same.

    form = Form("distil", DistilOptions)
    form.build()                                    # one input per option, in the current layout
    frame.listen(start.click, self.start, form.inputs, …)      # def start(self, *values): form.read(values)
    return form.fill(DistilOptions(steps=300))      # {input: value}

An option's name, default, range and help stand in `leaml.options` alone; what is typed is checked there.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

import gradio as gr
from gradio.components import Component
from pydantic.fields import FieldInfo

from app.texts import options as texts
from leaml.errors import OptionError
from leaml.jobs.commands import command_of
from leaml.options import Options
from leaml.store.project import Project

TO_CLIPBOARD = "(command) => { if (command) navigator.clipboard?.writeText(command); return []; }"


class Form:
    """Inputs for the options of one kind of job.

    Args:
        kind: of the job; the ids of the inputs begin with it.
        options: the model.
        without: options that are set elsewhere: `read` takes them as they are given there.
    """

    def __init__(self, kind: str, options: type[Options], without: Sequence[str] = ()) -> None:
        self.kind, self.options = kind, options
        self.names = [name for name in options.model_fields if name not in without]
        self.inputs: list[Component] = []

    def build(self) -> None:
        """Declares one input per option, two in a row."""
        for start in range(0, len(self.names), 2):
            with gr.Row(elem_classes="option-row"):
                self.inputs += [self._input(name) for name in self.names[start : start + 2]]

    def read(self, values: Sequence[Any], **others: Any) -> Options:
        """The options as typed.

        Raises:
            OptionError: one cannot be used; it is named as the form names it, with its own help.
        """
        fields = self.options.model_fields
        typed = {name: _typed(fields[name], value) for name, value in zip(self.names, values, strict=True)}
        try:
            return self.options(**typed, **others)
        except OptionError as error:
            name, space, rest = error.what.partition(" ")
            raise OptionError(texts.name(name) + space + rest, error.fix) if name in fields else error from error

    def fill(self, options: Options) -> dict[Component, Any]:
        """What the inputs show for these options."""
        return {part: _shown(getattr(options, name)) for name, part in zip(self.names, self.inputs, strict=True)}

    def defaults(self) -> dict[Component, Any]:
        """What the inputs show where nobody has chosen anything."""
        fields = self.options.model_fields
        return {
            part: _shown(None if fields[name].is_required() else fields[name].default)
            for name, part in zip(self.names, self.inputs, strict=True)
        }

    def _input(self, name: str) -> Component:
        field = self.options.model_fields[name]
        value = None if field.is_required() else field.default
        shared = {
            "label": texts.name(name), "info": field.description, "elem_id": f"{self.kind}-{name}", "interactive": True,
            "value": _shown(value),
        }  # fmt: skip
        if get_origin(field.annotation) is Literal:
            return gr.Dropdown(list(get_args(field.annotation)), filterable=False, **shared)
        if field.annotation is bool:
            return gr.Checkbox(**shared)
        if _is_number(field):
            return gr.Number(**shared)
        return gr.Textbox(lines=4 if _is_list(field) else 1, **shared)


class CopyButton:
    """ "Copy as command": shows the command that does what a form does, and puts it on the clipboard."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self) -> None:
        """Declares the button, and the line that it fills."""
        with gr.Row(elem_classes="buttons"):
            self.button = gr.Button(texts.COPY, size="sm", elem_id=f"{self.kind}-copy")
        self.command = gr.Textbox(
            visible="hidden", show_label=False, container=False, interactive=False, elem_id=f"{self.kind}-command"
        )

    def command_line(self, project: Project | None, *jobs: tuple[str, Options]) -> str:
        """One line per job, in the order in which they run."""
        return "\n".join(command_of(kind, options, project) for kind, options in jobs)

    def subscribe(self, frame: Any, commands: Callable[..., str], inputs: Sequence[Component]) -> None:
        """Has a press show and copy what `commands` makes of the inputs."""

        def copied(*values: Any) -> Any:
            return gr.update(value=commands(*values), visible=True)

        event = frame.listen(self.button.click, copied, inputs, [self.command])
        event.then(None, [self.command], js=TO_CLIPBOARD, queue=False, api_visibility="private")


def _is_number(field: FieldInfo) -> bool:
    return bool({int, float} & {field.annotation, *get_args(field.annotation)}) and not _is_list(field)


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _typed(field: FieldInfo, value: Any) -> Any:
    """An input's value as the model takes it: an empty input is the default, several lines are several values."""
    if _is_list(field):
        return tuple(line.strip() for line in (value or "").splitlines() if line.strip())
    if value is None or value == "":
        return None if field.is_required() else field.default
    return value.strip() if isinstance(value, str) else value


def _shown(value: Any) -> Any:
    return "\n".join(map(str, value)) if isinstance(value, tuple) else value
