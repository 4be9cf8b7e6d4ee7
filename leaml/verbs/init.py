"""`leaml init TITLE`: makes an empty project."""

import argparse
import json

from leaml.jobs.commands import shell_line
from leaml.store.project import Project, slug
from leaml.verbs import projects
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("title", metavar="TITLE", help="what the project is called; its folder is named after it")
    projects.add_home(parser)
    parser.add_argument("--json", action="store_true", help="print name, title and folder as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Makes the project and prints its folder."""
    project = Project.create(projects.whereabouts(arguments) / slug(arguments.title), arguments.title)
    made = {"name": project.name, "title": project.title, "folder": str(project.folder)}
    print(json.dumps(made) if arguments.json else project.folder)
    tell(f"Next, take pictures in: {shell_line(['import', 'FOLDER'], project)}")
    return 0
