"""The bridge of the download of a model: it belongs to no project, and what it leaves lies in the hub's cache."""

from leaml.jobs.queue import Job
from leaml.jobs.stages import Work
from leaml.models import hub
from leaml.options import DownloadOptions
from leaml.store.project import Project


def download(project: Project, job: Job, options: DownloadOptions) -> Work:
    """Fetches a model; a job that stopped on the way goes on where it was."""
    return Work(hub.download(options.model, options.commit), finish=lambda result: {"model": hub.pinned(options.model)})
