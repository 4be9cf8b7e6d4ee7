"""How a project is reviewed, as a form: what the settings are called on the screen, and what came of it."""

from typing import Any, get_args

from app.texts import people as texts
from app.texts import review as review_texts
from leaml.errors import OptionError
from leaml.review.settings import ReviewSettings, review_settings, set_review_settings
from leaml.store.project import Project

SHARES = ("repeats", "known_wrong")
"""Kept as shares, typed in per cent."""


def settings_view(project: Project, may_change: bool) -> dict[str, Any]:
    """What the view shows: a field for each setting, as it stands."""
    settings = review_settings(project)
    return {
        "help": texts.SETTINGS_HELP if may_change else f"{texts.SETTINGS_HELP} {texts.SETTINGS_LOCKED}",
        "may": may_change,
        "fields": [_field(name, getattr(settings, name)) for name in texts.FIELDS],
    }


def keep(project: Project, person: str, typed: dict[str, Any]) -> None:
    """Keeps what was typed, all of it or nothing.

    Raises:
        OptionError: a value cannot be used, or there is no such setting.
    """
    set_review_settings(project, person, **{name: _read(name, value) for name, value in typed.items()})


def _field(name: str, value: Any) -> dict[str, Any]:
    label, help = texts.FIELDS[name]
    own = {"name": name, "label": label, "help": help}
    field = ReviewSettings.model_fields[name]
    if field.annotation is bool:
        return own | {"kind": "tick", "value": value}
    if offered := get_args(field.annotation):
        return own | {"kind": "choice", "value": value, "choices": [(key, review_texts.QUEUES[key]) for key in offered]}
    scale = 100 if name in SHARES else 1
    least, most = (next(getattr(mark, end) for mark in field.metadata if hasattr(mark, end)) for end in ("ge", "le"))
    step = 1 if field.annotation is int else 0.5
    return own | {
        "kind": "number", "value": round(scale * value, 4), "least": scale * least, "most": scale * most, "step": step
    }  # fmt: skip


def _read(name: str, value: Any) -> Any:
    if name not in SHARES:
        return value
    try:
        return float(value) / 100
    except (TypeError, ValueError) as error:
        raise OptionError(f"“{texts.FIELDS[name][0]}” is not a number.", "Write one, such as 2.") from error
