"""The bridge of the stage that says which pictures to label first, by what the model's frozen eye makes of them."""

from collections.abc import Generator
from typing import Any

import numpy as np

from leaml.errors import DataError
from leaml.jobs.queue import Job
from leaml.jobs.stages import Work
from leaml.options import OrderOptions
from leaml.records import Progress, Result
from leaml.review.ordering import arrange, keep_turns, random_turns
from leaml.store.project import Picture, Project

EVERY = 16
"""Pictures between two signs of life."""


def order(project: Project, job: Job, options: OrderOptions) -> Work:
    """Typical pictures among those without a label, and a share at random; with a share of 1, no model is loaded."""
    pictures = project.pictures("train")
    labelled = {label.image_id for label in project.labels()}
    if not any(picture.id not in labelled for picture in pictures):
        raise DataError("There are no pictures without a label.", "Import more pictures.")
    if options.random_share == 1:
        chosen = random_turns({picture.id for picture in pictures} - labelled, options.pictures, options.seed)
        keep_turns(project, chosen)
        return Work(_at_once(len(chosen)))
    rows: list[np.ndarray] = []

    def finish(result: Result) -> dict[str, Any]:
        ids = [picture.id for picture in pictures]
        chosen = arrange(
            np.stack(rows), ids, labelled, options.pictures, options.random_share, options.seed
        )
        keep_turns(project, chosen)
        return {"pictures": len(chosen), "random": sum(turn.why == "random" for turn in chosen)}

    return Work(_look(options, pictures, rows), finish=finish)


def _look(
    options: OrderOptions, pictures: list[Picture], rows: list[np.ndarray]
) -> Generator[Progress | Result, None, None]:
    """Fills `rows` with one vector for each picture."""
    from leaml.evaluation.image_features import image_features
    from leaml.jobs.loading import Models

    seeing, framing = Models(options.model, options.precision, options.picture_size).use(None)
    for vector in image_features(seeing, framing, [picture.path for picture in pictures]):
        rows.append(vector)
        if len(rows) % EVERY == 0:
            yield Progress(len(rows), len(pictures), "Looking at the pictures")
    yield Result({"pictures": float(len(rows))})


def _at_once(pictures: int) -> Generator[Result, None, None]:
    yield Result({"pictures": float(pictures), "random": float(pictures)})
