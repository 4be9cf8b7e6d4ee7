"""The panel of a job: how far it is, its curve, its log, and Stop, Stop and save, Resume.

    panel = JobPanel(context, "distil", ("caption", "distil", "generate"), …)
    panel.build(); panel.subscribe(frame); panel.show()          # {component: value}: what stands in the store now

It holds no state: which job is shown follows from the rows of the project, after a reload as before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app import charts
from app.context import Context
from app.screens import Updates
from app.texts import frame as frame_texts
from app.texts import jobs as texts
from leaml.errors import OptionError
from leaml.jobs import queue
from leaml.jobs.queue import Job
from leaml.store.project import Project

CAN_SAVE = ("distil", "adapt")
"""Kinds of jobs that learn, and so have something to save besides what they have written."""

SKELETON = (
    '<div class="card job" hidden><div class="job-state"></div><div class="job-result"></div>'
    '<div class="job-acts"></div><div class="job-curve"></div>'
    f'<details class="job-log"><summary>{texts.LOG}</summary><pre></pre></details></div>'
)


class JobPanel:
    """Shows the newest jobs of some kinds.

    Args:
        key: of the screen; the ids of the parts begin with it.
        kinds: of the jobs, in the order in which one pass through the screen runs them.
        done: project and the newest job, done -> HTML that says what came of it.
        curves: kind -> (figure -> what stands at its line).
    """

    def __init__(
        self,
        context: Context,
        key: str,
        kinds: Sequence[str],
        done: Callable[[Project, Job], str],
        curves: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.context, self.key, self.kinds, self.done = context, key, kinds, done
        self.curves = curves or {}

    def build(self) -> None:
        """Declares it: one part, which assets/app/job.js draws."""
        self.part = gr.HTML(
            None, html_template=SKELETON, js_on_load="leaml.job(element, props, watch, () => trigger('click'))",
            elem_id=f"{self.key}-job",
        )  # fmt: skip
        self.outputs: list[Component] = [self.part]

    def subscribe(self, frame: Any) -> None:
        """Wires its buttons."""
        pressed = "(shown) => [shown, leaml.pressed]"
        frame.listen(self.part.click, self.act, [self.part], self.outputs, js=pressed, changes=True)

    # Which job ----------------------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """The jobs of these kinds in the open project, newest first."""
        project = self.context.project
        return [job for job in queue.jobs(project) if job.kind in self.kinds] if project else []

    def shown(self) -> Job | None:
        """The job to look at: the one that runs, else the next that waits, else the one that ended last.

        One that waited in vain for another is passed over: what that other one came to is what matters.
        """
        jobs = self.jobs()
        running = [job for job in jobs if job.state in ("running", "stopping")]
        waiting = [job for job in jobs if job.state == "queued"]
        ended = [job for job in jobs if not job.active and not waited_in_vain(job)]
        ended.sort(key=lambda job: job.ended or "", reverse=True)
        return next(iter([*running, *reversed(waiting), *ended]), None)

    # Showing ------------------------------------------------------------------------------------------------------

    def show(self) -> Updates:
        """What it shows now."""
        project, job = self.context.project, self.shown()
        if project is None or job is None:
            idle = f'<p class="quiet">{texts.IDLE}</p>' if self.curves else ""
            return {self.part: {"state": idle, "result": "", "curve": "", "acts": [], "log": None}}
        return {
            self.part: {
                "state": state(job),
                "result": self.done(project, job) if job.state == "done" else "",
                "curve": self._curve(project, job),
                "acts": self._acts(job),
                "log": queue.log_tail(project, job.id) or texts.NO_LOG,
            }
        }

    def _acts(self, job: Job) -> list[tuple[str, str, bool]]:
        """What may be pressed: its name, its words, and whether that is the thing to do."""
        acts = []
        if job.state == "running" and job.kind in CAN_SAVE and job.step > 0:
            acts.append(("save", texts.SAVE, False))
        if job.state in ("queued", "running"):
            acts.append(("stop", texts.STOP, False))
        if job.state in queue.RESUMABLE and not self._resumed(job):
            acts.append(("resume", texts.RESUME, True))
        return acts

    def _curve(self, project: Project, job: Job) -> str:
        """Of the job, or where it learns nothing, of the one that did last."""
        learned = next((other for other in (job, *self.jobs()) if other.kind in self.curves), None)
        if learned is None:
            return ""
        rows = queue.progress(project, learned.id)
        drawn = charts.curve(rows, self.curves[learned.kind], learned.total, texts.CURVE)
        return f'<p class="quiet">{texts.CURVE}</p>{drawn}' if drawn else ""

    def turn(self) -> str:
        """Another text whenever another job is shown, or this one has come to another state."""
        job = self.shown()
        return f"{job.id} {job.state}" if job else ""

    def _resumed(self, job: Job) -> bool:
        return any(other.resume_of == job.id for other in self.jobs())

    # Acting -------------------------------------------------------------------------------------------------------

    def act(self, asked: str) -> Updates:
        """Stops or resumes the job that is shown. What is asked for too late is not done."""
        project, job = self.context.project, self.shown()
        if project and job and asked in [act for act, _, _ in self._acts(job)]:
            if asked == "resume":
                self._resume(project, job)
            else:
                queue.stop(project, job.id, save=asked == "save")
        return self.show()

    def _resume(self, project: Project, job: Job) -> None:
        queue.resume(project, job.id, self.context.person)
        for other in self.jobs():
            if waited_in_vain(other) and other.after == job.run and not self._resumed(other):
                queue.resume(project, other.id, self.context.person)


def waited_in_vain(job: Job) -> bool:
    """Whether a job was stopped before it began because the one that it waited for was not done."""
    return job.state == "stopped" and job.after is not None and job.started is None


def state(job: Job) -> str:
    """What a job does, how far it is, and why it ended, as HTML."""
    words = f"{frame_texts.DOING[job.kind]}: {texts.STATES[job.state].lower()}"
    heading = f'<h3 class="state {job.state}"><span aria-hidden="true">{texts.MARKS[job.state]}</span> {words}</h3>'
    if job.state in ("running", "stopping"):
        return heading + charts.bar(job.share, words) + f'<p class="quiet">{escape(_progress(job))}</p>'
    if job.state == "queued":
        return heading
    if job.state == "done":
        return f'{heading}<p class="quiet">{texts.took(job.seconds)}</p>'
    if job.state == "stopped":
        return f"{heading}<p>{escape(job.message) or texts.STOPPED[job.stop == 'save']}</p>"
    return f"{heading}<p><strong>{escape(job.error)}</strong></p><p>{escape(job.fix)}</p>"


def _progress(job: Job) -> str:
    message = texts.MESSAGES.get(job.message, job.message)
    words = [message, texts.counted(job.step, job.total), *_pace(job), frame_texts.left(job.seconds_left)]
    return " · ".join(word for word in words if word)


def _pace(job: Job) -> Iterator[str]:
    """How fast it learns, and what it takes of the computer, as far as it has said so."""
    if seconds := job.figures.get("seconds per step"):
        yield texts.pace(job.options.get("pictures_per_step", 1) / seconds)
    if memory := job.figures.get("memory"):
        yield texts.in_use(memory, job.figures.get("gpu use"))


def chosen_before(jobs: Sequence[Job], kind: str) -> Any:
    """The options of the newest job of a kind; None where there is none, or where they are no longer known."""
    newest = next((job for job in jobs if job.kind == kind), None)
    try:
        return newest.stage_options() if newest else None
    except OptionError:
        return None
