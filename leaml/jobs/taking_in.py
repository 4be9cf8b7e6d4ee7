"""The bridge of the import: pictures, questions and captions of a folder into the project."""

from pathlib import Path

from leaml.jobs.queue import Job
from leaml.jobs.stages import Work
from leaml.options import ImportOptions
from leaml.store.importing import import_folder
from leaml.store.project import Project


def take_in(project: Project, job: Job, options: ImportOptions) -> Work:
    """The whole folder; what cannot be used is named in the findings."""
    return Work(import_folder(project, Path(options.folder), options, job.person, job.folder))
