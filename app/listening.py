"""How a handler is called: guarded against another window's project, its errors said calmly, its answer in order."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from app.context import ENTERED, Context
from app.texts import frame as texts
from app.texts import login
from leaml.errors import LeamlError
from leaml.review.people import Role

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Said:
    """What a handler returns to tell the person what was done, beside what is shown."""

    sentence: str
    updates: Any = field(default_factory=dict)


class Handler:
    """A screen's handler as Gradio calls it. The last output is the frame's note.

    Args:
        handler: see `Frame.listen`.
        guarded: the first value is the project that the window shows; refused where it is not the open one.
        quiet: a success leaves the note as it is.
        needs: what somebody who is logged in must at least be.
        changes: what it does may change header and rail; for `told`.
    """

    def __init__(
        self,
        context: Context,
        handler: Callable,
        outputs: Sequence[Component],
        guarded: bool,
        quiet: bool = False,
        needs: Role = "annotator",
        changes: bool = False,
    ) -> None:
        self.context, self.handler, self.outputs = context, handler, outputs
        self.guarded, self.quiet, self.needs, self.changes = guarded, quiet, needs, changes

    def once(self, *values: Any) -> list[Any]:
        """Calls the handler."""
        if self.quiet and not fits(self.context, self.needs):  # nobody asked for it: the page itself did, on opening
            return [gr.skip() for _ in [*self.outputs, "note"]]
        try:
            return self._answer(self.handler(*self._admitted(values)))
        except Exception as error:
            return self._refusal(error)

    def stream(self, *values: Any) -> Iterator[list[Any]]:
        """Calls a handler that is a generator, and passes on what it yields."""
        try:
            for updates in self.handler(*self._admitted(values)):
                yield self._answer(updates)
        except Exception as error:
            yield self._refusal(error)

    def told(self, shown: str, asked: dict[str, Any], person: str | None = None) -> dict[str, Any]:
        """Calls the handler for a drawn part, and returns plain data: what parts show now, or what is wrong.

        Args:
            shown: the project that the window shows.
            person: who decided what is asked, perhaps a while ago; refused where somebody else works here by now.
        """
        try:
            if person is not None and person != self.context.person:
                raise LeamlError(*(words.format(name=person) for words in texts.OTHER_PERSON))
            updates = self.handler(*self._admitted([shown, asked])) or {}
            refuse_unknown(updates, self.outputs)
        except Exception as error:
            what, fix = words_of(error)
            return {"wrong": {"what": what, "fix": fix}}
        return {"parts": {part.elem_id: value for part, value in updates.items()}, "changes": self.changes}

    def _admitted(self, values: Sequence[Any]) -> Sequence[Any]:
        refuse_unfit(self.context, self.needs)
        if not self.guarded:
            return values
        if values[0] != shown_name(self.context):
            raise LeamlError(*texts.OTHER_PROJECT)
        return values[1:]

    def _answer(self, answer: Any) -> list[Any]:
        said = answer if isinstance(answer, Said) else None
        updates = in_order(said.updates if said else answer, self.outputs)
        calm = gr.skip() if self.quiet else ""
        return [*updates, note(said.sentence) if said else calm]

    def _refusal(self, error: Exception) -> list[Any]:
        return [*(gr.skip() for _ in self.outputs), note(*words_of(error), "wrong")]


def words_of(error: Exception) -> tuple[str, str]:
    """What is wrong, and what to do next; a mistake of the program's own goes into the log."""
    if isinstance(error, LeamlError):
        return error.what, error.fix
    log.error("a handler failed", exc_info=error)
    return texts.MISTAKE


def refuse_unfit(context: Context, needs: Role) -> None:
    """Where people log in, what somebody asks must be allowed to that person. All are let in who may label.

    Raises:
        LeamlError: it is not.
    """
    if not fits(context, needs):
        entered = ENTERED.get()
        role = entered.role if entered else "annotator"
        raise LeamlError(*(words.format(role=role, needs=needs) for words in login.MAY_NOT))


def fits(context: Context, needs: Role) -> bool:
    """Whether who asks is what is needed: all are, where nobody logs in."""
    # What goes through Gradio's queue has lost its person: it changes nothing, and needs no more than the login.
    return needs == "annotator" or context.may(needs)


def shown_name(context: Context) -> str:
    """The open project as a window names it; a dash where there is none."""
    project = context.project
    return project.name if project else "-"


def refuse_unknown(updates: Mapping[Component, Any], outputs: Sequence[Component]) -> None:
    """A handler fills what it has announced.

    Raises:
        KeyError: it does not.
    """
    unknown = [part for part in updates if part not in outputs]
    if unknown:
        raise KeyError(f"a handler fills {unknown}, which are not among its outputs")


def in_order(updates: Any, outputs: Sequence[Component]) -> list[Any]:
    """One value per output: from a mapping, a sequence, or a single value; what is left out stays."""
    if isinstance(updates, Mapping) and "__type__" not in updates:  # which is how gr.update marks one value
        refuse_unknown(updates, outputs)
        return [updates.get(part, gr.skip()) for part in outputs]
    if updates is None:
        return [gr.skip() for _ in outputs]
    if len(outputs) == 1:
        return [updates]
    return list(updates)


def note(what: str, fix: str = "", kind: str = "done") -> str:
    """A calm message that stays until the next action, or until it is closed."""
    role = "alert" if kind == "wrong" else "status"
    more = f"<p>{escape(fix)}</p>" if fix else ""
    close = f'<button class="close" aria-label="{texts.CLOSE}">×</button>'
    words = f"<div><p><strong>{escape(what)}</strong></p>{more}</div>"
    # Gradio redraws what differs: the same message again is another one, where the first was closed.
    return f'<div class="note {kind}" role="{role}" data-at="{time.time()}">{words}{close}</div>'
