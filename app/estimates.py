"""How long a job will take, from what the same kind took on this computer before."""

from collections.abc import Iterable, Sequence
from typing import Any

from leaml.jobs.queue import Job


def seconds(kind: str, model: Any, steps: int, jobs: Iterable[Job]) -> float | None:
    """For so many steps, at the pace of the newest job of that kind and model that was done; None where none was.

    Args:
        jobs: of the project, newest first.
    """
    for job in jobs:
        if job.kind == kind and job.state == "done" and job.options.get("model") == model and job.total and job.seconds:
            return steps * job.seconds / job.total
    return None


def together(parts: Sequence[float | None]) -> float | None:
    """Of jobs that run one after the other; None where one is not known."""
    return None if None in parts else sum(part for part in parts if part is not None)
