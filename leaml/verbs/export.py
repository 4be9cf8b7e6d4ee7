"""`leaml export adapter FOLDER` and `leaml export dataset FOLDER`: what a project has made, for other programs."""

import argparse
import contextlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leaml.errors import DataError, OptionError, StorageError
from leaml.store.placing import ARRIVING, LEFT_OUT
from leaml.store.project import Adapter, PairState, Project
from leaml.store.tables import write_jsonl
from leaml.verbs import projects
from leaml.verbs.flags import described
from leaml.verbs.following import tell


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    adapter = _word(words, "adapter", "write an adapted model, or a generator, in the format of PEFT")
    adapter.add_argument("--number", type=int, metavar="N", help="which (default: the newest adapted model)")
    adapter.add_argument(
        "--lora", action="store_true", help="write selected neurons as an exact plain LoRA, which loads without leaml"
    )
    _word(words, "dataset", "write pictures, labels, accepted suggestions and captions in the import format")


def main(arguments: argparse.Namespace) -> int:
    """Writes what the word says into the folder."""
    project = projects.chosen(arguments)
    {"adapter": _adapter, "dataset": _dataset}[arguments.word](project, arguments)
    return 0


def _word(words: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:
    parser = words.add_parser(name, help=text, description=described(text))
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder, or an empty one")
    projects.add_options(parser)
    return parser


# ---- adapters ----------------------------------------------------------------------------------------------------


def _adapter(project: Project, arguments: argparse.Namespace) -> None:
    adapter = _chosen(project, arguments.number)
    if arguments.lora and adapter.kind == "full":
        raise OptionError(f"{adapter.name} is a whole model, not an adapter.", "Export it without --lora.")
    _must_be_new(arguments.folder)
    if arguments.lora and adapter.kind == "neurons":
        _export_as_lora(adapter, arguments.folder)
    else:
        copy(adapter.path, arguments.folder)
    tell(f"Wrote {adapter.name} into {arguments.folder}. Its base model is {adapter.base}.")


def _chosen(project: Project, number: int | None) -> Adapter:
    if number is not None:
        return project.adapter(number)
    newest = project.adapters("answers")
    if not newest:
        raise DataError("There is no adapted model yet.", "Adapt one first: leaml adapt.")
    return newest[0]


def _export_as_lora(adapter: Adapter, folder: Path) -> None:
    """The only verb that needs torch in this process: a LoRA has the shapes of its base model."""
    from leaml.jobs.loading import Models
    from leaml.models.adapters import export_lora

    with contextlib.redirect_stdout(sys.stderr):  # where and how a model is loaded is no result
        model, _ = Models(adapter.base).use(adapter)
    export_lora(model, model.active_adapter, folder)


# ---- the dataset -------------------------------------------------------------------------------------------------


def _dataset(project: Project, arguments: argparse.Namespace) -> None:
    folder = arguments.folder
    _must_be_new(folder)
    pictures = [picture for picture in project.pictures() if picture.split not in (LEFT_OUT, ARRIVING)]
    for picture in pictures:
        copy(picture.path, folder / "images" / picture.path.name)
    known = {picture.id for picture in pictures}
    pairs = [pair for pair in project.pairs(status=["label", "accepted", "question"]) if pair.image_id in known]
    questions = write_jsonl(folder / "questions.jsonl", map(_question, pairs))
    captions = write_jsonl(folder / "captions.jsonl", _captions(project))
    accepted = sum(pair.status == "accepted" for pair in pairs)
    tell(
        f"Wrote {len(pictures)} pictures, {questions} questions ({accepted} of them accepted suggestions) and "
        f"{captions} captions into {folder}."
    )


def _question(pair: PairState) -> dict[str, Any]:
    origin = pair.source or pair.person or ""
    if pair.status == "accepted":
        origin = f"suggestion, accepted by {pair.reviewer}"
    return {
        "image": f"images/{pair.image.name}", "question": pair.question, "answer": pair.answer, "type": pair.type,
        "split": pair.split, "group": pair.group, "choices": list(pair.choices), "origin": origin,
    }  # fmt: skip


def _captions(project: Project) -> Iterator[dict[str, Any]]:
    for row in project.captions():
        yield {"image": f"images/{row.image.name}", "caption": row.caption, "teacher": row.teacher}


# ---- files -------------------------------------------------------------------------------------------------------


def _must_be_new(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        what = f"{folder} cannot be used: {error.strerror or error}."
        raise StorageError(what, "Give a new folder.") from error
    if taken:
        raise StorageError(f"{folder} holds other files.", "Give a new folder, or an empty one.")


def copy(source: Path, target: Path) -> None:
    """A file, or a folder into a folder."""
    try:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
    except OSError as error:
        what = f"{source.name} cannot be copied to {target}: {error.strerror or error}."
        raise StorageError(what, "Check the folder and the free space.") from error
