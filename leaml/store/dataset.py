"""A project's pictures, questions and captions out into a folder, in one of several layouts, and in again unchanged.

    export_dataset(project, Path("out"), "label-studio")

Every row says where it comes from: origin, verdict, run, and the pseudonyms of who answered and who decided (see
`leaml.store.pseudonyms`), never a name. Beside what the layout asks for lie pictures.jsonl (split, group and name of
each picture) and captions.jsonl, which the import reads with any of them.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from leaml.store.annotation import VERDICTS, WRITTEN
from leaml.store.layouts import LAYOUTS
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import PairState, Picture, Project
from leaml.store.pseudonyms import pseudonym
from leaml.store.tables import Row, write_jsonl

DECIDED = ("label", "accepted", "question")
UNDECIDED = ("suggested", "rejected")
EXPERT = "expert"
"""Origin of what somebody answered in the program."""




def export_dataset(project: Project, folder: Path, layout: str = "jsonl", undecided: bool = False) -> int:
    """Writes pictures and all that is known of them into a new folder, and returns how many questions.

    Pictures that are left out of training, or whose import was not finished, stay here.

    Args:
        layout: a key of `leaml.store.layouts.LAYOUTS`.
        undecided: suggestions that wait or were rejected go out, too, where the layout has a place for them.

    Raises:
        OSError, StorageError: the folder cannot be written.
    """
    here = [one for one in project.pictures() if one.split not in (LEFT_OUT, ARRIVING)]
    pictures = sorted(here, key=lambda picture: picture.path.name)
    chosen = LAYOUTS[layout]
    statuses = [*DECIDED, *(UNDECIDED if undecided and chosen.takes_all else ())]
    questions = [row for row in question_rows(project, pictures, statuses) if chosen.takes_all or row["answer"]]
    folder.mkdir(parents=True)
    if not chosen.holds_pictures:
        _copy(pictures, folder)
    _copy_values(pictures, folder)
    write_jsonl(folder / "pictures.jsonl", map(_place, pictures))
    write_jsonl(folder / "captions.jsonl", _captions(project, pictures))
    chosen.write(folder, questions, {f"images/{one.path.name}": one for one in pictures})
    return len(questions)


def question_rows(project: Project, pictures: list[Picture], statuses: list[str]) -> Iterator[Row]:
    """The questions on these pictures, as `leaml.store.annotation` reads them; what is empty is left out."""
    known = {picture.id for picture in pictures}
    pairs = [pair for pair in project.pairs(status=statuses) if pair.image_id in known]
    written = {row["id"]: row for row in project.db.rows("pairs", id=[pair.id for pair in pairs])}
    decided = [pair.verdict_id for pair in pairs if pair.verdict_id is not None]
    verdicts = {row["id"]: row for row in project.db.rows("verdicts", id=decided)}
    for pair in pairs:
        yield _row(project.folder, pair, written[pair.id], verdicts.get(pair.verdict_id))


def _row(folder: Path, pair: PairState, written: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> Row:
    came = written["provenance"]
    row = {
        "image": f"images/{pair.image.name}", "question": pair.question, "answer": pair.answer, "type": pair.type,
        "choices": list(pair.choices), "split": pair.split, "group": pair.group, "origin": _origin(pair),
        "person": pseudonym(folder, pair.person or came.get("person", ""), "person"),
        "run": f"run {pair.job_id}" if pair.job_id else came.get("run", ""),
        "marks": written["marks"], "signals": pair.signals,
    }  # fmt: skip
    if verdict is not None:
        row |= {
            "verdict": _called(verdict), "reviewer": pseudonym(folder, verdict["person"], "person"),
            "reason": verdict["reason"],
            "suggested": {name: written[name] for name in ("question", "answer") if verdict[name] and written[name]},
        }  # fmt: skip
    core = ("image", "question", "answer", "type")
    return {name: value for name, value in row.items() if name in core or value}


def _origin(pair: PairState) -> str:
    if pair.origin == WRITTEN:
        return WRITTEN
    return pair.source or (EXPERT if pair.origin == "label" else "")


def _called(verdict: Mapping[str, Any]) -> str:
    """The verdict's name in a table."""
    queue = "bulk" if verdict["queue"] == "bulk" else "fix"
    ticks = verdict["question_ok"], verdict["answer_ok"], queue
    return next((name for name, each in VERDICTS.items() if each == ticks), "rejected")


def _place(picture: Picture) -> Row:
    row = {
        "image": f"images/{picture.path.name}", "name": picture.name, "split": picture.split, "group": picture.group
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


def _captions(project: Project, pictures: list[Picture]) -> Iterator[Row]:
    files = {picture.id: picture.path.name for picture in pictures}
    for row in project.captions():
        if row.image_id in files:
            yield {"image": f"images/{files[row.image_id]}", "caption": row.caption, "teacher": row.teacher}


def _copy(pictures: list[Picture], folder: Path) -> None:
    (folder / "images").mkdir()
    for picture in pictures:
        shutil.copyfile(picture.path, folder / "images" / picture.path.name)


def _copy_values(pictures: list[Picture], folder: Path) -> None:
    """The true values of pictures of 16 bits: not among the images, of which they would be some of their own."""
    for picture in pictures:
        if picture.values is not None:
            (folder / "values").mkdir(exist_ok=True)
            shutil.copyfile(picture.values, folder / "values" / picture.values.name)
