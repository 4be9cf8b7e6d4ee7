"""What a project has set for its reviews.

    settings = review_settings(project)
    set_review_settings(project, "Dr. A", overlap=2)
"""

from typing import Any, Literal

from pydantic import Field

from leaml.options import Options
from leaml.store.project import Project

NAME = "review"


class ReviewSettings(Options):
    """How suggestions are reviewed, by everybody."""

    queue: Literal["fix", "audit"] = Field(
        "fix", description="Where everybody begins: fix, the doubtful ones, or audit, drawn at random."
    )
    overlap: int = Field(1, ge=1, le=9, description="People who judge each suggestion of the random queue.")
    blind: bool = Field(False, description="Show the suggested answer only after the reviewer has answered.")
    repeats: float = Field(
        0.02, ge=0, le=0.5, description="Share of hidden repeats: suggestions that the reviewer judged before."
    )
    known_wrong: float = Field(
        0.02, ge=0, le=0.5, description="Share of hidden tests: answers that are known to be wrong."
    )
    minutes: float = Field(10.0, ge=1, le=240, description="Minutes after which an idle reviewer's item is free again.")


def review_settings(project: Project) -> ReviewSettings:
    """The settings of a project, or the defaults."""
    return ReviewSettings(**project.setting(NAME, {}))


def set_review_settings(project: Project, person: str, **values: Any) -> ReviewSettings:
    """Changes some of the settings.

    Raises:
        OptionError: a value is out of its range.
    """
    settings = ReviewSettings(**(review_settings(project).model_dump() | values))
    project.set_setting(person, NAME, settings.model_dump())
    return settings
