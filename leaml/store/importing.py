"""Taking pictures, questions and captions into a project: all that can be used, saying what cannot and why.

    for event in import_folder(project, folder, options, "Dr. A"):
        ...                                  # Progress, last a Result

Pictures go in by batches, each one event: an import that was stopped, killed or ran out of disk is run again and goes
on, since the hash of a file finds it again. Until all are in, they stand in no split; splits, groups and
near-duplicates of all pictures are settled in one event after that, then questions and captions follow. Importing a
folder again adds what is new in it, and nothing else.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from leaml.errors import StorageError
from leaml.options import ImportOptions
from leaml.records import Progress, Result
from leaml.store import hub
from leaml.store.annotations import Annotations
from leaml.store.arrival import Arrival
from leaml.store.blanking import delete_unwanted
from leaml.store.events import Change
from leaml.store.findings import Findings
from leaml.store.formats import CAPTIONS, PLACES, Dataset, read_annotations, read_caption_table, read_folder
from leaml.store.layouts import arrow
from leaml.store.likeness import near_duplicates
from leaml.store.placing import LEFT_OUT, Placed, Said, place
from leaml.store.project import Project
from leaml.store.tables import RowError, shown, visible

SETTING = "import findings"
"""Name of the project's setting that holds the findings of the newest import."""
FILE = "findings.json"


def import_folder(
    project: Project, folder: Path, options: ImportOptions, person: str = "", run_folder: Path | None = None
) -> Iterator[Progress | Result]:
    """Takes in a folder in the import format (see `leaml.store.formats`); a folder of pictures alone is one.

    Tables that hold their pictures are unpacked for the while (`leaml.store.layouts.arrow`); a folder that is called
    hub:owner/name is fetched from the Hugging Face hub (`leaml.store.hub`).

    Args:
        run_folder: gets findings.json; None: the findings stand in the project's setting alone.

    Yields:
        Progress, a step for each picture, whenever nothing would be lost by closing; last a Result with the counts of
        the findings and the path of their file.

    Raises:
        DataError: the folder is missing, or nothing in it can be used.
        StorageError: the disk is full, or cannot be read or written. What was taken stays.
        OptionError: the shares leave nothing for training.
    """
    delete_unwanted(project)
    beside = run_folder or project.folder
    with ExitStack() as opened:
        if name := hub.named(folder):
            folder = Path(opened.enter_context(TemporaryDirectory(prefix="fetched-", dir=beside)))
            yield from hub.fetch(name, folder)
        given = opened.enter_context(at_hand(folder, beside))
        yield from _take_in(project, read_folder(given), options, person, run_folder)


def _take_in(
    project: Project, data: Dataset, options: ImportOptions, person: str, run_folder: Path | None
) -> Iterator[Progress | Result]:
    findings = _refusals(data)
    arrival = Arrival(project, person, findings)
    progress = Progress(0, 0)
    for progress in arrival.take(data):
        yield progress
    yield replace(progress, message="Looking for pictures that are all but the same")
    numbers = _numbers(project, arrival.stored)
    _settle(project, person, _said(data, numbers, arrival.groups), options, findings)
    annotations = Annotations(project, person, numbers, findings)
    for _ in annotations.add_questions(annotations.spare(data.annotations, options)):
        yield replace(progress, message="Taking questions")
    for _ in annotations.add_captions(data.captions):
        yield replace(progress, message="Taking captions")
    yield Result(findings.figures(), _keep(project, person, findings, run_folder))


def import_questions(project: Project, file: Path, person: str = "") -> Findings:
    """Takes questions from a .jsonl or .csv file on pictures that are in the project, named as they were imported.

    A picture stays in its split and group, whatever the file says.

    Raises:
        DataError: no such file. StorageError: it cannot be read, or the project cannot be written.
    """
    findings = Findings()
    questions = read_annotations(file, _finder(project), findings.questions.refused)
    list(_on_known_pictures(project, person, findings).add_questions(questions))
    _keep(project, person, findings, None)
    return findings


def import_captions(project: Project, file: Path, person: str = "") -> Findings:
    """Takes captions from a .jsonl or .csv file; as `import_questions`."""
    findings = Findings()
    captions = read_caption_table(file, _finder(project), findings.captions.refused)
    list(_on_known_pictures(project, person, findings).add_captions(captions))
    _keep(project, person, findings, None)
    return findings


@contextmanager
def at_hand(folder: Path, beside: Path) -> Iterator[Path]:
    """The folder, or where its tables are unpacked for the while: below `beside`.

    Raises:
        DataError: a table cannot be read. StorageError: the disk is full, or cannot be written.
    """
    if not Path(folder).is_dir() or not arrow.tables(Path(folder)):
        yield folder
        return
    with TemporaryDirectory(prefix="unpacked-", dir=beside) as target:
        try:
            arrow.unpack(Path(folder), Path(target))
        except OSError as error:
            what = f"The tables cannot be unpacked: {error.strerror or error}."
            raise StorageError(what, "Make room on the disk, then import the folder again.") from error
        yield Path(target)


# ---- splits, groups, near-duplicates -----------------------------------------------------------------------------


def _settle(project: Project, person: str, said: Said, options: ImportOptions, findings: Findings) -> None:
    """Gives every picture of the project its split, group and cluster."""
    rows = project.db.rows("images")
    before = [Placed(row["id"], row["name"], row["split"], row["group"], row["cluster"]) for row in rows]
    clusters = near_duplicates([row["dhash"] for row in rows], [project.folder / row["thumb"] for row in rows])
    firsts = (None if first is None else before[first].id for first in clusters)
    clustered = [replace(picture, cluster=first) for picture, first in zip(before, firsts)]
    after, findings.crossings = place(clustered, said, options)
    changes = [change for old, new in zip(before, after) if (change := _moved(old, new))]
    if changes:
        project.db.record(person, "import", changes)
    findings.splits = project.db.counts("images", "split")
    moved_out = [new for old, new in zip(before, after) if old.split != new.split == LEFT_OUT]
    findings.left_out = [picture.name for picture in moved_out]
    findings.near_duplicates = _near_duplicates(after, said)


def _said(data: Dataset, numbers: Mapping[Path, int], patients: Mapping[Path, str]) -> Said:
    """What the rows say; where they name no group, the picture's own file may have said whom it shows."""
    splits: dict[int, list[str]] = {number: [] for number in numbers.values()}
    groups: dict[int, list[str]] = defaultdict(list)
    for row in (*data.places, *data.questions):
        if row.image in numbers:
            number = numbers[row.image]
            splits[number] += [row.split] if row.split else []
            groups[number] += [row.group] if row.group else []
    for path, patient in patients.items():
        groups[numbers[path]].append(patient)
    return Said(splits, groups, data.names_splits)


def _moved(before: Placed, after: Placed) -> Change | None:
    names = [name for name in ("split", "group", "cluster") if getattr(after, name) != getattr(before, name)]
    return ("images", after.id, {}, {name: getattr(after, name) for name in names}) if names else None


def _near_duplicates(pictures: Sequence[Placed], said: Said) -> list[list[str]]:
    """Names by cluster, of the clusters in which a picture of this import stands."""
    members: dict[int, list[Placed]] = defaultdict(list)
    for picture in pictures:
        if picture.cluster is not None:
            members[picture.cluster].append(picture)
    return [[p.name for p in cluster] for cluster in members.values() if any(p.id in said.splits for p in cluster)]


# ---- pictures by name, and what was found ------------------------------------------------------------------------


def _numbers(project: Project, stored: Mapping[Path, str]) -> dict[Path, int]:
    """Path in the imported folder -> number of the picture."""
    by_hash = {row["stored_hash"]: row["id"] for row in project.db.rows("images")}
    return {path: by_hash[stored_hash] for path, stored_hash in stored.items()}


def _on_known_pictures(project: Project, person: str, findings: Findings) -> Annotations:
    return Annotations(project, person, {picture.path: picture.id for picture in project.pictures()}, findings)


def _finder(project: Project) -> Callable[[str], Path]:
    """Finds a picture of the project by the name that a row gives: as imported, with or without images/ in front."""
    paths: dict[str, list[Path]] = defaultdict(list)
    for picture in project.pictures():
        paths[picture.name].append(picture.path)

    def find(name: str) -> Path:
        plain = visible(name.replace("\\", "/"))
        found = paths.get(plain) or paths.get(plain.removeprefix("images/")) or []
        if not found:
            raise RowError(f"the picture {shown(name)} is not in the project")
        if len(found) > 1:
            raise RowError(f"{len(found)} pictures of the project are called {shown(name)}")
        return found[0]

    return find


def _refusals(data: Dataset) -> Findings:
    """Findings that start with what reading the folder's files refused."""
    findings = Findings(notes=list(data.notes))
    kinds = {CAPTIONS: findings.captions, PLACES: findings.pictures}
    for problem in data.problems:
        table = re.match(r"(.+)\.\w+ (line|item) \d+: ", problem)
        tally = kinds.get(table[1], findings.questions) if table else findings.pictures
        tally.refused.append(problem)
    return findings


def _keep(project: Project, person: str, findings: Findings, run_folder: Path | None) -> Path | None:
    """Keeps the findings where screens and programs look for them, and returns their file."""
    project.set_setting(person, SETTING, findings.as_json())
    if run_folder is None:
        return None
    path = run_folder / FILE
    try:
        path.write_text(json.dumps(findings.as_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        what = f"{FILE} cannot be written: {error.strerror or error}."
        raise StorageError(what, "Make room on the disk, then import the folder again.") from error
    return path
