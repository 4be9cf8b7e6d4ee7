"""The bridges of what happens to pictures: a folder comes in; a region that names somebody goes."""

from pathlib import Path

from leaml.jobs.queue import Job
from leaml.jobs.stages import Work
from leaml.options import BlankOptions, ImportOptions
from leaml.store.blanking import blank
from leaml.store.importing import import_folder
from leaml.store.project import Project


def take_in(project: Project, job: Job, options: ImportOptions) -> Work:
    """The whole folder; what cannot be used is named in the findings."""
    return Work(import_folder(project, Path(options.folder), options, job.person, job.folder))


def black_out(project: Project, job: Job, options: BlankOptions) -> Work:
    """All pictures that are meant, or none."""
    region = options.left, options.top, options.right, options.bottom
    return Work(blank(project, project.picture(options.picture), region, options.scope, job.person))
