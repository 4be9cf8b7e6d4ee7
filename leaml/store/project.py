"""A project: a folder with its database, its pictures and what jobs left there. What screens, verbs and jobs talk to.

    <home>/<project>/leaml.db, images/, thumbs/, runs/<job id>/

Rows come out as plain values with absolute paths; the database keeps paths relative, so that a copied folder works.
"""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaml.errors import DataError, StorageError
from leaml.records import Pair
from leaml.store.database import Database
from leaml.store.decisions import Decisions
from leaml.store.formats import LONGEST_CAPTION
from leaml.store.lineage import learned_from, lineage
from leaml.store.overview import Overview, overview
from leaml.store.rows import (
    Adapter,
    Answer,
    CaptionRow,
    PairState,
    Picture,
    PredictionRow,
    Said,
    Suggestion,
    Template,
    Vote,
)  # fmt: skip
from leaml.store.texts import text_of

__all__ = [
    "Adapter", "Answer", "CaptionRow", "Overview", "PairState", "Picture", "PredictionRow", "Project", "Said",
    "Suggestion", "Template", "Vote", "home", "projects", "slug",
]  # fmt: skip

DATABASE = "leaml.db"
FOLDERS = ("images", "thumbs", "runs")


def home() -> Path:
    """The folder of all projects: $LEAML_HOME, or LEAML in the user's home folder."""
    return Path(os.environ.get("LEAML_HOME") or Path.home() / "LEAML")


def slug(title: str) -> str:
    """A folder's name for a title: letters, digits and dashes. "Dr. A's Polyps" -> "dr-a-s-polyps"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].strip("-") or "project"


def projects(folder: Path | None = None) -> list[Path]:
    """The project folders below `folder` (default: `home()`), by name."""
    return sorted(path.parent for path in (folder or home()).glob(f"*/{DATABASE}"))


class Project(Decisions):
    """An open project. May be shared by threads.

    Raises:
        StorageError: from every method, where the folder cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        folder = Path(folder).resolve()
        super().__init__(folder, Database(folder / DATABASE))

    @classmethod
    def create(cls, folder: Path, title: str = "") -> "Project":
        """Makes the folder and an empty project in it.

        Raises:
            StorageError: the folder holds something already, or cannot be made.
        """
        folder = Path(folder)
        if (folder / DATABASE).exists():
            raise StorageError(f"There is a project in {folder} already.", "Open it, or choose another name.")
        try:
            if folder.exists() and any(folder.iterdir()):
                raise StorageError(f"{folder} holds other files.", "Choose a new or an empty folder.")
            for name in FOLDERS:
                (folder / name).mkdir(parents=True)
        except OSError as error:
            what = f"{folder} cannot be made: {error.strerror or error}."
            raise StorageError(what, "Choose another folder, or allow writing there.") from error
        project = cls(folder)
        project.set_setting("", "title", title.strip() or folder.name)
        return project

    @classmethod
    def open(cls, folder: Path) -> "Project":
        """Opens the project in `folder`.

        Raises:
            StorageError: there is none, it is damaged, or a newer version wrote it.
        """
        if not (Path(folder) / DATABASE).is_file():
            raise StorageError(f"There is no project in {folder}.", "Choose the folder that holds leaml.db.")
        return cls(folder)

    def close(self) -> None:
        """Lets go of the database file; the next use opens it again."""
        self.db.close()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What the project is called on screens."""
        return str(self.setting("title", self.name))

    # Pictures ---------------------------------------------------------------------------------------------------

    def pictures(self, split: str | None = None, **equal: Any) -> list[Picture]:
        """The pictures, in the order of import; `equal` as in `Database.rows`."""
        if split is not None:
            equal["split"] = split
        return [Picture.of(row, self.folder) for row in self.db.rows("images", **equal)]

    def picture(self, id: int) -> Picture:
        """One picture.

        Raises:
            DataError: there is none of this number.
        """
        row = self.db.row("images", id=id)
        if row is None:
            raise DataError(f"There is no picture {id} in this project.", "Reload: it may be gone.")
        return Picture.of(row, self.folder)

    def image_id(self, path: Path) -> int:
        """Number of the picture that lies at `path` in the project's folder.

        Raises:
            DataError: no picture of this project lies there.
        """
        path = Path(path)
        file = os.path.relpath(path.parent.resolve() / path.name, self.folder).replace(os.sep, "/")
        row = self.db.row("images", file=file)
        if row is None:
            raise DataError(f"{path.name} is no picture of this project.", "Import it first.")
        return row["id"]

    # Pairs ------------------------------------------------------------------------------------------------------

    def labels(self, split: str | None = "train") -> list[PairState]:
        """Questions that a person answered, on pictures of one split; None: of all."""
        return self.pairs(status="label", **_given(split=split))

    def accepted(self) -> list[PairState]:
        """Suggestions on train pictures that a reviewer accepted."""
        return self.pairs(status="accepted", split="train")

    def suggestions(self, **equal: Any) -> list[Suggestion]:
        """All that generators wrote, judged or not; `equal` as in `Database.rows`. Cheap: for queues of thousands."""
        return [Suggestion(**row) for row in self.db.rows("suggestion_states", **equal)]

    def add_pairs(self, job_id: int, pairs: Iterable[tuple[int, Pair]]) -> None:
        """Adds what a generator wrote: (number of the picture, pair)."""
        changes = [
            ("pairs", None, None, {
                "image_id": image_id, "question": pair.question, "answer": pair.answer, "type": pair.type,
                "choices": pair.choices, "origin": "generator", "job_id": job_id, "signals": pair.signals,
            })
            for image_id, pair in pairs
        ]  # fmt: skip
        self._act("", "suggestions", changes)

    # Captions and settings --------------------------------------------------------------------------------------

    def captions(self, split: str | None = "train") -> list[CaptionRow]:
        """Captions of the pictures of one split; None: of all."""
        files = {row["id"]: row["file"] for row in self.db.rows("images", **_given(split=split))}
        return [
            CaptionRow.of(row, self.folder / files[row["image_id"]])
            for row in self.db.rows("captions")
            if row["image_id"] in files
        ]

    def add_captions(self, job_id: int | None, captions: Iterable[tuple[int, str, str]], prompt: str = "") -> None:
        """Adds (number of the picture, caption, teacher), asked for by `prompt`; one that is there is left out."""
        with self.db.transaction():
            wanted = [
                {
                    "image_id": image_id, "caption": text_of("caption", text, LONGEST_CAPTION), "teacher": teacher,
                    "prompt": prompt,
                }
                for image_id, text, teacher in captions
            ]  # fmt: skip
            known = self.db.rows("captions", image_id=[row["image_id"] for row in wanted])
            seen = {(row["image_id"], row["caption"], row["teacher"], row["prompt"]) for row in known}
            changes = []
            for row in wanted:
                if tuple(row.values()) not in seen:
                    seen.add(tuple(row.values()))
                    changes.append(("captions", None, None, row | {"job_id": job_id}))
            self._act("", "captions", changes)

    def setting(self, name: str, default: Any = None) -> Any:
        """What was set under `name`, or `default`."""
        row = self.db.row("settings", name=name)
        return default if row is None else row["value"]

    def set_setting(self, person: str, name: str, value: Any) -> None:
        """Keeps a value that JSON can hold."""
        with self.db.transaction():
            if self.db.row("settings", name=name) is None:
                self._act(person, "setting", [("settings", name, None, {"value": value})])
            elif self.setting(name) != value:
                self._act(person, "setting", [("settings", name, {}, {"value": value})])

    # Adapters and predictions -----------------------------------------------------------------------------------

    def adapters(self, role: str | None = None) -> list[Adapter]:
        """The adapters that are still there, newest first; `role`: "generator" or "answers"."""
        rows = self.db.rows("adapters", order="-id", deleted=0, **_given(role=role))
        return [Adapter.of(row, self.folder) for row in rows]

    def adapter(self, id: int) -> Adapter:
        """One adapter that is still there.

        Raises:
            DataError: there is none of this number.
        """
        row = self.db.row("adapters", id=id, deleted=0)
        if row is None:
            raise DataError(f"There is no adapted model {id} in this project.", "Choose one of the list.")
        return Adapter.of(row, self.folder)

    def add_adapter(
        self,
        job_id: int | None,
        name: str,
        role: str,
        kind: str,
        folder: Path,
        base: str,
        bytes: int,
        trained_weights: int,
    ) -> int:
        """Adds an adapter whose files lie in `folder`, below the project's folder, and returns its number.

        Raises:
            DataError: the folder lies elsewhere.
        """
        values = {
            "name": name, "role": role, "kind": kind, "folder": self._relative(folder), "job_id": job_id,
            "base": base, "bytes": bytes, "trained_weights": trained_weights,
        }  # fmt: skip
        return self._act("", "adapter", [("adapters", None, None, values)])[0]

    def delete_adapter(self, person: str, id: int) -> None:
        """Deletes an adapter's files. Its row stays for lineage.

        Raises:
            DataError: there is none of this number.
        """
        folder = self.adapter(id).path.resolve()
        self._act(person, "adapter deleted", [("adapters", id, {"deleted": 0}, {"deleted": 1})])
        # Only what lies within a run: never the project, never all runs.
        if folder.is_dir() and self.folder / "runs" in folder.parents:
            try:
                shutil.rmtree(folder)
            except OSError as error:
                what = f"The files of the adapted model cannot be deleted: {error.strerror or error}."
                raise StorageError(what, f"Delete the folder {folder.relative_to(self.folder)} by hand.") from error

    def add_predictions(
        self, job_id: int, adapter_id: int | None, predictions: Iterable[Said | tuple[int, str, bool, float | None]]
    ) -> None:
        """Adds answers of one model: (number of the pair, text, correct, log-probability), or more, see `Said`."""
        model = {"job_id": job_id, "adapter_id": adapter_id}
        rows = (Said(*prediction)._asdict() for prediction in predictions)
        self.db.insert_many("predictions", [model | row | {"correct": int(row["correct"])} for row in rows])

    def predictions(self, job_id: int, **equal: Any) -> list[PredictionRow]:
        """The answers that a comparison has so far; `equal` as in `Database.rows`."""
        return [PredictionRow.of(row) for row in self.db.rows("predictions", job_id=job_id, **equal)]

    # Votes ------------------------------------------------------------------------------------------------------

    def vote(
        self,
        person: str,
        job_id: int,
        pair_id: int,
        sides: tuple[int | None, int | None],
        choice: str,
        rubric: Mapping[str, Sequence[str]] | None = None,
        seconds: float | None = None,
    ) -> int:
        """Keeps which of two answers of a comparison somebody found better, and returns the vote's number.

        Args:
            sides: whose answer stood on the left, and whose on the right.
            choice: "left", "right", "equal" or "neither".
            rubric: side -> what was ticked of it.

        Raises:
            DataError: the comparison has no such two answers, or this person has judged them already.
        """
        values = {
            "job_id": job_id, "pair_id": pair_id, "person": person, "left_adapter": sides[0],
            "right_adapter": sides[1], "choice": choice, "rubric": dict(rubric or {}), "seconds": seconds,
        }  # fmt: skip
        with self.db.transaction():
            for adapter in sides:
                if not self.db.count("predictions", job_id=job_id, pair_id=pair_id, adapter_id=adapter):
                    raise DataError("These two answers are not there.", "Reload: the comparison may be gone.")
            before = self.votes(job_id, pair_id=pair_id, person=person)
            if any({vote.left, vote.right} == set(sides) for vote in before):
                raise DataError("You have judged these two answers already.", "Take that back first, or go on.")
            return self._act(person, "vote", [("votes", None, None, values)])[0]

    def votes(self, job_id: int, **equal: Any) -> list[Vote]:
        """The blind votes on a comparison's answers, in order; `equal` as in `Database.rows`."""
        return [Vote.of(row) for row in self.db.rows("votes", job_id=job_id, **equal)]

    # Lineage ----------------------------------------------------------------------------------------------------

    def use(self, job_id: int, kind: str, ids: Iterable[int]) -> None:
        """Keeps what a job learns from or works with; kind: "pair", "caption", "verdict" or "adapter"."""
        with self.db.transaction():
            known = {row["item_id"] for row in self.db.rows("inputs", job_id=job_id, kind=kind)}
            fresh = dict.fromkeys(id for id in ids if id not in known)
            self.db.insert_many("inputs", [{"job_id": job_id, "kind": kind, "item_id": id} for id in fresh])

    def lineage(self, prediction_id: int) -> dict[str, Any]:
        """Everything behind one answer of a model, back to the labels.

        Returns:
            "prediction", "pair" (what was asked), "adapter" and "job" (that answered and that trained it; None for
            the base model), and lists of all that either of them rests upon, through every generator before:
            "jobs" (rows), "adapters", "labels", "pairs" (suggestions), "verdicts" (rows), "captions".

        Raises:
            DataError: there is no such prediction.
        """
        return lineage(self.db, self.folder, prediction_id)

    def learned_from(self, adapter_id: int) -> set[int]:
        """Numbers of the pictures that an adapter learned from: by labels, captions, and generators before it.

        Raises:
            DataError: there is no such adapter.
        """
        return learned_from(self.db, self.adapter(adapter_id).job_id)

    def overview(self) -> Overview:
        """Where the work stands, and what is to be done next."""
        return overview(self.db, self.title)

    def _relative(self, path: Path) -> str:
        """Relative to the project's folder, with slashes on every system."""
        absolute = (self.folder / path).resolve()
        if self.folder not in absolute.parents:
            raise DataError(f"{path} lies outside of the project.", "Put it into the project's folder.")
        return absolute.relative_to(self.folder).as_posix()


def _given(**equal: Any) -> dict[str, Any]:
    return {name: value for name, value in equal.items() if value is not None}
