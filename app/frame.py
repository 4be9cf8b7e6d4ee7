"""The frame around the screens: header, rail of tabs, one pulse, and the one way in which events are heard.

The pulse is a clock in the browser (assets/app/frame.js) that presses a hidden button of the open tab: unlike gr.Timer,
it waits for an answer before it asks again, and asks for what one tab shows, since each output costs the browser time.
"""

import inspect
import json
import time
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app.context import Context
from app.listening import Handler, shown_name
from app.screens import Screen
from app.texts import frame as texts
from leaml.jobs import queue
from leaml.review.people import Role
from leaml.store.overview import Overview
from leaml.store.project import Project

CHIP = '<button id="job-chip" hidden></button>'
WORDS = f'<span id="frame-words" hidden data-words="{escape(json.dumps(texts.ALONE, ensure_ascii=False))}"></span>'
"""Where the scripts of a page find what they say when the server does not answer; see assets/app/requests.js."""


class Frame:
    """Built once; everything that changes is read from the store when it is shown.

    Args:
        screens: each stands in the tab of its key.
    """

    def __init__(self, context: Context, screens: Iterable[Screen]) -> None:
        self.context = context
        self.screens = {screen.key: screen for screen in screens}
        self._needs: Role = "annotator"
        """What somebody who is logged in must at least be, for the events that are being wired."""

    # Building -----------------------------------------------------------------------------------------------------

    def build(self) -> gr.Blocks:
        """Declares everything, and wires it."""
        with gr.Blocks(title=texts.NAME, analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
            self._header()
            with gr.Tabs(elem_id="rail"):
                self.tabs = {key: self._tab(key) for key in texts.TABS}
            self._subscribe(page)
        return page

    def _header(self) -> None:
        shared = {"show_label": False, "container": False, "min_width": 120}
        with gr.Row(elem_id="header"):
            gr.HTML(f"<h1>{texts.NAME}</h1>", elem_id="brand")
            self.project = gr.Dropdown([], label=texts.PROJECT, filterable=False, elem_id="project-choice", **shared)
            self.standing = gr.HTML(
                None, html_template=CHIP + WORDS, js_on_load="leaml.standing(element, props, watch)", elem_id="standing"
            )
            self.person = gr.Dropdown([], label=texts.PERSON, allow_custom_value=True, elem_id="person", **shared)
        self.note = gr.HTML("", elem_id="note")
        with gr.Group(elem_id="frame-memory"):
            self.shown = gr.Textbox(visible="hidden", label="shown", elem_id="frame-shown")
            self.begin = gr.Textbox(visible="hidden", label="begin", elem_id="frame-begin")
            self.reload = gr.Button("·", visible="hidden", elem_id="frame-reload")
            self.pulses = {key: gr.Button("·", visible="hidden", elem_id=f"pulse-{key}") for key in texts.TABS}

    def _tab(self, key: str) -> gr.Tab:
        with gr.Tab(texts.TABS[key], id=key, elem_id=f"tab-{key}") as tab:
            if key in self.screens:
                self.screens[key].build()
        return tab

    # Hearing ------------------------------------------------------------------------------------------------------

    def listen(
        self,
        triggers: Callable | list[Callable],
        handler: Callable,
        inputs: Sequence[Component] = (),
        outputs: Sequence[Component] = (),
        *,
        changes: bool = False,
        queue: bool = False,
        js: str | None = None,
        guarded: bool = True,
        quiet: bool = False,
    ) -> Any:
        """Has `handler` called with the values of `inputs`; what it returns fills `outputs`.

        Every output costs the browser some milliseconds, changed or not: name only those that the handler fills.

        Args:
            triggers: `button.click`, another event's `then`, or the like; one or several.
            handler: returns one value per output, or {component: value}, or `Said`; may be a generator of these.
            changes: header and rail are brought up to date afterwards.
            queue: through Gradio's queue; what a generator needs.
            js: runs before, in the browser. Its array takes the place of the inputs: of all of them, the first being
                the project that the window shows (where guarded).
            guarded: refused where the window shows another project than the open one.
            quiet: leaves a message that is shown as it is, unless something goes wrong.

        Returns:
            Gradio's event (of the last trigger), for what comes after it.
        """
        inputs, outputs = list(inputs), list(outputs)
        needs = "annotator" if queue else self._needs
        run = Handler(self.context, handler, outputs, guarded, quiet, needs)
        for trigger in triggers if isinstance(triggers, list) else [triggers]:  # gr.on would refuse `then`
            event = trigger(
                run.stream if inspect.isgeneratorfunction(handler) else run.once,
                [self.shown, *inputs] if guarded else inputs,
                [*outputs, self.note],
                queue=queue, js=js, show_progress="hidden", api_visibility="private",
            )  # fmt: skip
            if changes:
                event.then(None, js="() => leaml.pulse()", queue=False, api_visibility="private")
        return event

    def answers(
        self,
        name: str,
        handler: Callable,
        outputs: Sequence[Component],
        *,
        changes: bool = False,
        needs: Role | None = None,
    ) -> None:
        """Has `handler` answer what the script of a drawn part asks under a name, without Gradio: see `app.asked`.

        Args:
            handler: takes what was asked, a dict that a stranger may have written.
            outputs: drawn parts that it may fill.
            changes: header and rail are brought up to date afterwards.
            needs: what somebody who is logged in must at least be; None: as the screen says.
        """
        needs = needs or self._needs
        self.context.asked[name] = Handler(self.context, handler, outputs, True, needs=needs, changes=changes)

    def opens(self, trigger: Callable, key: str) -> None:
        """Has a button lead to the tab of a screen."""
        trigger(None, js=f"() => leaml.open({key!r})", queue=False, api_visibility="private")

    def _subscribe(self, page: gr.Blocks) -> None:
        filled = (part for screen in self.screens.values() for part in screen.outputs)
        everything = _once([self.shown, self.begin, self.project, self.person, self.standing, *filled])
        for trigger in (page.load, self.reload.click):
            event = self.listen(trigger, self._load, [], everything, guarded=False, quiet=True)
            event.then(None, [self.begin], js="(key) => leaml.begin(key)", queue=False, api_visibility="private")
        for key, tab in self.tabs.items():
            self._watch(key, tab)
        self._needs = "admin"  # where people log in, all of them see the one project that is open
        self.listen(self.project.input, self.context.open, [self.project], changes=True, guarded=False)
        self._needs = "annotator"
        self.listen(self.person.input, self._become, [self.person], [self.person], changes=True, guarded=False)
        for screen in self.screens.values():
            self._needs = screen.needs
            screen.subscribe(self)

    def _watch(self, key: str, tab: gr.Tab) -> None:
        """Has a tab's screen filled when it is opened, and kept up to date while it is."""
        screen = self.screens.get(key, Screen(self.context))

        def opened() -> dict[Component, Any]:
            return {self.standing: self._standing(), **screen.refresh(False)}

        def beat() -> dict[Component, Any]:
            project = self.context.project
            if project:
                queue.reconcile(project)
            return {self.standing: self._standing(), **screen.tick()}

        own = {"guarded": False, "quiet": True}
        js = f"() => leaml.opened({key!r})"
        self.listen(tab.select, opened, [], _once([self.standing, *screen.outputs]), js=js, **own)
        self.listen(self.pulses[key].click, beat, [], _once([self.standing, *screen.live]), **own)

    # Showing ------------------------------------------------------------------------------------------------------

    def _load(self) -> dict[Component, Any]:
        """The page was loaded, or another project opened: everything anew."""
        project = self.context.project
        updates: dict[Component, Any] = {
            self.shown: shown_name(self.context),
            self.begin: _next_screen(project, project.overview() if project else None),
            self.project: gr.update(choices=self._projects(), value=project.name if project else None),
            self.person: gr.update(choices=self.context.people(), value=self.context.person),
            self.standing: self._standing() | {"filled": True},
        }
        for screen in self.screens.values():
            updates |= screen.refresh(True)
        return {part: _anew(value) for part, value in updates.items()}

    def _become(self, name: str) -> Any:
        self.context.become(name)
        return gr.update(choices=self.context.people(), value=self.context.person)

    def _projects(self) -> list[tuple[str, str]]:
        return [(self.context.get(name).title, name) for name in self.context.names()]

    def _standing(self) -> dict[str, Any]:
        """Rail and chip, as assets/app/frame.js draws them."""
        project = self.context.project
        overview = project.overview() if project else None
        counts = {"label": overview.labels, "review": overview.suggestions} if overview else {}
        return {
            "at": time.time(),  # a new value each time, whatever it says: the next pulse waits for it
            "project": shown_name(self.context),
            "person": self.context.person,
            "tabs": {key: texts.rail(key, counts) for key in texts.TABS},
            "next": _next_screen(project, overview),
            **_running(project),
        }


def _anew(value: Any) -> Any:
    """Gradio passes on what differs from what it passed on before; what a drawn part shows may have come without it."""
    return value | {"at": time.time()} if isinstance(value, dict) and "__type__" not in value else value


def _running(project: Project | None) -> dict[str, str]:
    """The words of the chip for the job that runs or waits, and the screen that shows it."""
    active = _active(project)
    if not active:
        return {"chip": "", "screen": ""}
    job = next((job for job in active if job.state != "queued"), active[-1])
    words = texts.chip(job.kind, job.state, job.share, job.seconds_left, len(active) - 1)
    return {"chip": words, "screen": texts.JOBS[job.kind]}


def _once(parts: Iterable[Component]) -> list[Component]:
    """Without repetitions, in their order."""
    return list(dict.fromkeys(parts))


def _next_screen(project: Project | None, overview: Overview | None) -> str:
    """Where the next step is done; while pictures come in, there is none but to wait for them."""
    if overview is None or any(job.kind == "import" for job in _active(project)):
        return "project"
    return texts.STEPS.get(overview.next_step, "compare")


def _active(project: Project | None) -> list[queue.Job]:
    """The jobs that run or wait, newest first."""
    return [job for job in queue.jobs(project, limit=20) if job.active] if project else []
