"""Who works here, and which project is open: kept in <home>/studio.json, so that every window shows the same."""

import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import leaml
from app.texts import login
from leaml.errors import OptionError
from leaml.files import write_whole
from leaml.jobs import queue
from leaml.jobs.commands import command_of
from leaml.options import ImportOptions
from leaml.review.people import Account, Role
from leaml.store import copies
from leaml.store.project import Project, projects, slug

ENTERED: ContextVar[Account | None] = ContextVar("entered", default=None)
"""Who is logged in and asks this; None where nobody logs in."""

SAMPLE = Path(leaml.__file__).resolve().parents[1] / "sample_data" / "colonoscopy-phantom"
SAMPLE_TITLE = "Colonoscopy phantom"
FIRST_PERSON = "Me"
MOST_IN_NAME = 60
FILE = "studio.json"


class Context:
    """One per app. The project is opened once and shared by threads: its database gives each a connection of its own.

    Args:
        home: the folder of all projects.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.address = ""
        """Where the app is served, once it is."""
        self.asks_who = False
        """Whether people log in."""
        self.asked: dict[str, Any] = {}
        """Name of what drawn parts ask -> the `app.listening.Handler` that answers."""
        self._opened: dict[str, Project] = {}
        self._lock = threading.Lock()

    # Project ------------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project | None:
        """The open project; where none was chosen or the chosen one is gone, the first there is."""
        names = self.names()
        chosen = self._settings().project
        name = chosen if chosen in names else next(iter(names), None)
        return self.get(name) if name else None

    def names(self) -> list[str]:
        """Folder names of the projects, sorted."""
        return sorted(folder.name for folder in projects(self.home))

    def get(self, name: str) -> Project:
        """The project of that name, opened.

        Raises:
            OptionError: there is none. StorageError: it cannot be opened.
        """
        with self._lock:
            if name not in self._opened:
                if name not in self.names():
                    raise OptionError("There is no project of this name any more.", "Open another one.")
                self._opened[name] = Project.open(self.home / name)
            return self._opened[name]

    def open(self, name: str) -> None:
        """Makes a project the open one, in every window."""
        self.get(name)
        self._keep(project=name)

    def create(self, title: str) -> Project:
        """Makes an empty project, and opens it.

        Raises:
            OptionError: the title is empty or taken. StorageError: its folder cannot be made.
        """
        title = _one_line(title, "This title")
        if slug(title) in self.names():
            raise OptionError(f"There is a project of the name {title} already.", "Choose another name.")
        project = Project.create(self.home / slug(title), title)
        with self._lock:
            self._opened[project.name] = project
        self._keep(project=project.name)
        return project

    def add_sample(self) -> None:
        """Makes the sample project; its pictures come in by a job, so that the first page need not wait for them."""
        project = self.create(SAMPLE_TITLE)
        options = ImportOptions(folder=str(SAMPLE))
        queue.submit(project, "import", options, self.person, command_of("import", options, project))

    def delete(self, name: str, typed: str) -> None:
        """Deletes a project with all its pictures, where its title was typed as a check.

        Raises:
            OptionError: another title was typed. StorageError: the folder cannot be removed.
        """
        copies.delete(self.get(name), typed)
        with self._lock:
            self._opened.pop(name, None)

    # Person -------------------------------------------------------------------------------------------------------

    @property
    def person(self) -> str:
        """Whose labels and decisions are recorded now: who is logged in, or else who was chosen."""
        entered = ENTERED.get()
        return entered.name if entered else self._settings().person

    def may(self, role: Role) -> bool:
        """Whether who asks this may do what that role may: everybody, where nobody logs in."""
        entered = ENTERED.get()
        return not self.asks_who or (entered is not None and entered.may(role))

    def people(self) -> list[str]:
        """Everybody who ever worked here, sorted; who is logged in works under no other name."""
        if self.asks_who:
            return [self.person]
        return sorted({*self._settings().people, self.person})

    def become(self, name: str) -> None:
        """From now on, this person works here; a new name is added.

        Raises:
            OptionError: the name is empty, too long, or holds control characters, or people log in here.
        """
        if self.asks_who:
            raise OptionError(*login.IS_LOGGED_IN)
        name = _one_line(name, "This name")
        self._keep(people=tuple(sorted({*self.people(), name})), person=name)

    # Settings -----------------------------------------------------------------------------------------------------

    def _settings(self) -> "Settings":
        try:
            return Settings.model_validate_json((self.home / FILE).read_bytes())
        except (OSError, ValueError):  # nothing chosen yet, or nothing that can be read: the first choice stands
            return Settings()

    def _keep(self, **values: Any) -> None:
        with self._lock:
            write_whole(self.home / FILE, self._settings().model_copy(update=values).model_dump_json())


class Settings(BaseModel):
    """What studio.json holds."""

    project: str | None = None
    person: str = FIRST_PERSON
    people: tuple[str, ...] = ()


def _one_line(text: str, what: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > MOST_IN_NAME or not text.isprintable():
        raise OptionError(f"{what} cannot be used.", f"Write 1 to {MOST_IN_NAME} letters.")
    return text
