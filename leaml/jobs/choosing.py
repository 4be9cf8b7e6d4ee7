"""The model that a project works with, where one was chosen: what forms and verbs name unless they are told another.

    choose(project, "Dr A", "owner/name")       # of the hub: by the commit that is here
    with_chosen(project, AdaptOptions())
"""

import os
from pathlib import Path
from typing import TypeVar

from leaml.errors import ModelError
from leaml.models import hub
from leaml.options import CaptionOptions, ModelOptions, Options
from leaml.store.project import Project

SETTING = "model"
NANO = "nano"

Chosen = TypeVar("Chosen", bound=Options)


def is_here(name: str) -> bool:
    """Whether a model can be used without a network: nano, a folder, or one that was fetched."""
    return name == NANO or (bool(name) and _folder(name).is_dir()) or hub.is_fetched(name)


def choose(project: Project, person: str, name: str) -> str:
    """Has the project work with a model from now on; returns how it is named then.

    Raises:
        ModelError: it is not on this computer.
    """
    if not is_here(name):
        fix = hub.how_to_fetch(name) if hub.named(name) else "Give a folder that is there, owner/name, or nano."
        raise ModelError(f"{name or 'This'} is not on this computer.", fix)
    folder = _folder(name)
    settled = name if name == NANO else str(folder.resolve()) if folder.is_dir() else hub.pinned(name)
    project.set_setting(person, SETTING, settled)
    return settled


def chosen(project: Project | None) -> str | None:
    """The model that the project works with; None where nobody has chosen one."""
    return project.setting(SETTING) if project else None


def with_chosen(project: Project | None, options: Chosen) -> Chosen:
    """The options with that model; as they are where none was chosen, or they name none, or the teacher."""
    name = chosen(project)
    if name is None or not isinstance(options, ModelOptions) or isinstance(options, CaptionOptions):
        return options
    return options.model_copy(update={"model": name})


def _folder(name: str) -> Path:
    return Path(os.path.expanduser(name))  # unlike Path's own, it bears a ~ before what is no user
