"""People and progress: one folded part of the Review screen. Each of its views is read when it is opened.

    self.people = People(context); self.people.build()
    self.people.subscribe(frame, self.card, self.viewer)     # where a disagreement is decided
"""

from collections.abc import Callable
from typing import Any, Literal

from gradio.components import Component
from pydantic import BaseModel, ConfigDict, Field

from app.accounts import accounts_view, change_own, manage
from app.agreement import agreement_view
from app.context import Context
from app.drawn import drawn
from app.frame import Frame
from app.listening import refuse_unfit
from app.progress import progress
from app.review_settings import keep, settings_view
from app.reviewing import keep_view, shown, take, view_of
from app.screens import Updates
from app.texts import people as texts
from app.work import history_of, work
from leaml.errors import DataError, OptionError
from leaml.review.agreement import settle_label, to_settle
from leaml.review.people import MOST_LETTERS, Role
from leaml.store.project import Project

View = Literal["progress", "agreement", "work", "settings", "accounts"]
NEEDS: dict[str, Role] = {
    "settle": "reviewer", "take": "reviewer", "save": "admin",
    "add": "admin", "role": "admin", "password": "admin", "remove": "admin",
}  # fmt: skip
"""What somebody who is logged in must at least be to do something here; everybody may look."""


class Asked(BaseModel):
    """What the part asks for; a stranger may have written it."""

    model_config = ConfigDict(hide_input_in_errors=True)  # which may be a password, and go into the log

    act: Literal["show", "history", "settle", "take", "save", "add", "role", "password", "remove", "own"] = "show"
    view: View = "progress"
    person: str = Field("", max_length=200)
    before: int | None = None
    after: int | None = None
    pair: int = 0
    values: dict[str, bool | float | str] = Field({}, max_length=20)
    name: str = Field("", max_length=200)
    role: str = Field("", max_length=20)
    password: str = Field("", max_length=10 * MOST_LETTERS, repr=False)
    current: str = Field("", max_length=10 * MOST_LETTERS, repr=False)


class People:
    """Shows who did what, how far people agree, and how they review; it holds no state."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def build(self) -> None:
        """Declares it."""
        self.part = drawn("people", "review-people")

    def subscribe(self, frame: Frame, card: Component, viewer: Component) -> None:
        """Wires it; card and viewer of the screen show what is to be settled."""
        self.card, self.viewer = card, viewer
        frame.answers("people", self.answer, [self.part, card, viewer], needs="annotator")

    def folded(self) -> dict[str, Any]:
        """What it shows before anything was asked for."""
        return {"words": texts.WORDS, "views": [list(view) for view in texts.TABS.items()], "view": None}

    def answer(self, payload: dict[str, Any]) -> Updates:
        """Does what was asked, and shows what stands there then."""
        asked, project = Asked(**payload), self.context.project
        if project is None:
            return {self.part: self.folded()}
        refuse_unfit(self.context, NEEDS.get(asked.act, "annotator"))
        if asked.act == "history":
            return {self.part: self.folded() | {"history": history_of(project, self.context.person, asked.pair)}}
        if asked.act == "settle":
            return self._settle(project, asked.pair)
        said = self._do(project, asked)
        return {self.part: self.folded() | {"view": asked.view, "said": said, asked.view: self._show(project, asked)}}

    def _do(self, project: Project, asked: Asked) -> str:
        if asked.act == "save":
            keep(project, self.context.person, asked.values)
            return texts.SETTINGS_SAVED
        if asked.act == "take":
            settle_label(project, self.context.person, asked.pair)
            return texts.SETTLED
        if asked.act == "own" and self.context.asks_who:
            return change_own(self.context.home, self.context.person, asked.current, asked.password)
        if asked.act in ("add", "role", "password", "remove"):
            if asked.act == "remove" and asked.name == self.context.person:
                raise OptionError(*texts.NOT_ONESELF)
            return manage(self.context.home, asked.act, asked.name, asked.role, asked.password)
        return ""

    def _show(self, project: Project, asked: Asked) -> dict[str, Any]:
        person, admin = self.context.person, self.context.may("admin")
        views: dict[str, Callable[[], dict[str, Any]]] = {
            "progress": lambda: progress(project, person, admin),
            "agreement": lambda: agreement_view(project, person),
            "work": lambda: work(project, person, asked.person or person, admin, asked.before, asked.after),
            "settings": lambda: settings_view(project, admin),
            "accounts": lambda: accounts_view(self.context.home, self.context.asks_who, person, admin),
        }
        return views[asked.view]()

    def _settle(self, project: Project, pair: int) -> Updates:
        """Shows a disagreement on the card above, with what each of them said."""
        person = self.context.person
        if pair not in to_settle(project, person):
            raise DataError("There is nothing for you to decide here.", "Reload: it may have been settled.")
        view = view_of(project, person).model_copy(update={"status": "disputed", "queue": "fix", "audit": None})
        keep_view(project, person, view)
        card, picture = shown(project, person, view, take(project, person, pair), note=texts.SETTLING)
        return {self.card: card, self.viewer: picture}
