"""What a project hands out: plain values with absolute paths, each made of one row of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from leaml.errors import DataError
from leaml.records import Caption, Pair, Question
from leaml.store.greys import Greys
from leaml.store.marks import Mark

STATUSES = ("label", "question", "suggested", "accepted", "rejected")
"""What a pair can be; the view pair_states says which."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the project. `path` and `thumb` are absolute; `name` as imported; width and height in pixels.

    Attributes:
        greys: the true values of a picture of more than 8 bits; `path` is what a model sees of them.
        device: maker and model of what took it, or "".
        burned_in: text may stand in the picture that nobody has looked for yet.
    """

    id: int
    path: Path
    thumb: Path
    name: str
    group: str
    split: str
    width: int
    height: int
    cluster: int | None
    greys: Greys | None = None
    device: str = ""
    burned_in: bool = False

    @classmethod
    def of(cls, row: dict[str, Any], folder: Path) -> "Picture":
        """From a row of `images`."""
        own = {
            "path": folder / row["file"], "thumb": folder / row["thumb"], "burned_in": bool(row["burned_in"]),
            "greys": Greys(**row["greys"]) if row["greys"] else None,
        }  # fmt: skip
        return cls(**own, **_same(cls, row, *own))

    @property
    def values(self) -> Path | None:
        """The file of the true values, beside the picture; None where there are 8 bits."""
        return self.path.parent.parent / self.greys.file if self.greys else None


@dataclass(frozen=True, slots=True)
class PairState:
    """A question on a picture as it stands now: the newest verdict decides status and texts.

    Attributes:
        answer: None where nobody has answered.
        origin: "label" (given in the app), "import", or "generator".
        source: who labelled it according to the imported file, or "".
        status: "label", "question" (not answered), "suggested", "accepted" or "rejected".
        reviewer: who gave the newest verdict, or None; queue: in which kind of work, "fix", "audit" or "bulk".
        edited: a reviewer changed question or answer.
        person: who labelled it here, or None.
    """

    id: int
    image_id: int
    image: Path
    image_name: str
    question: str
    answer: str | None
    type: str
    choices: tuple[str, ...]
    origin: str
    source: str
    status: str
    signals: dict[str, float]
    split: str
    group: str
    job_id: int | None
    verdict_id: int | None
    reviewer: str | None
    queue: str | None
    edited: bool
    person: str | None

    @classmethod
    def of(cls, row: dict[str, Any], folder: Path) -> "PairState":
        """From a row of `pair_states`."""
        return cls(
            image=folder / row["file"],
            choices=tuple(row["choices"]),
            edited=bool(row["edited"]),
            **_same(cls, row, "image", "choices", "edited"),
        )

    def as_question(self) -> Question:
        """For training and evaluation. The origin is who answered, where that is known."""
        origin = self.source or self.person or self.origin
        return Question(
            self.image, self.question, self.answer, self.type, self.split, self.group, self.choices, origin
        )

    def as_pair(self) -> Pair:
        """For training on suggestions. One that was accepted in bulk alone counts as not reviewed.

        Raises:
            DataError: nobody has answered it.
        """
        if self.answer is None:
            raise DataError(f"“{self.question}” on {self.image_name} has no answer.", "Answer it first.")
        reviewed = self.edited or self.queue in ("fix", "audit")
        return Pair(self.image, self.question, self.answer, self.type, self.choices, self.signals, reviewed)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the order of a review needs to know of a suggestion.

    Attributes:
        job_id: of the run that wrote it.
        status: "suggested", "accepted" or "rejected".
        reviewer: who gave the newest verdict, or None.
        signal: how far to trust it, 0 to 1: `trust` of its signals, else `agreement`; None: never measured.
    """

    id: int
    image_id: int
    job_id: int | None
    status: str
    reviewer: str | None
    signal: float | None


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody remarked about a picture, or about one question on it; see `Project.remark`."""

    id: int
    image_id: int
    pair_id: int | None
    person: str
    kind: str
    text: str
    created: str


@dataclass(frozen=True, slots=True)
class CaptionRow:
    """What a teacher wrote about a picture of the project when asked `prompt` ("" where that is not known)."""

    id: int
    image_id: int
    image: Path
    caption: str
    teacher: str
    prompt: str
    job_id: int | None

    @classmethod
    def of(cls, row: dict[str, Any], image: Path) -> "CaptionRow":
        """From a row of `captions`, and the path of its picture."""
        return cls(image=image, **_same(cls, row, "image"))

    def as_caption(self) -> Caption:
        """For training."""
        return Caption(self.image, self.caption, self.teacher)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answers to a question; `marks` as in `leaml.store.marks`, None: as they are."""

    question: str
    answer: str
    type: str
    choices: tuple[str, ...] = ()
    marks: Sequence[Mark] | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A question to ask on every picture. Two that ask the same are equal, whatever their numbers and versions."""

    question: str
    type: str
    choices: tuple[str, ...] = ()
    id: int | None = field(default=None, compare=False)
    version: int = field(default=1, compare=False)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Template":
        """From a row of `templates`."""
        return cls(row["question"], row["type"], tuple(row["choices"]), row["id"], row["version"])


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a training job left: weights beside a base model. `path` is absolute; `bytes` is the size on disk."""

    id: int
    name: str
    role: str
    kind: str
    path: Path
    job_id: int | None
    base: str
    bytes: int
    trained_weights: int
    created: str

    @classmethod
    def of(cls, row: dict[str, Any], folder: Path) -> "Adapter":
        """From a row of `adapters`."""
        return cls(path=folder / row["folder"], **_same(cls, row, "path"))


class Said(NamedTuple):
    """What a model answered to a pair's question, and how sure it was; as `leaml.records.Prediction` has it."""

    pair_id: int
    text: str
    correct: bool
    log_probability: float | None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    blind_text: str | None = None
    entropy: float | None = None


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """What a model answered to a pair's question. `adapter_id` None is the base model; the rest is as in `Said`."""

    id: int
    job_id: int
    pair_id: int
    adapter_id: int | None
    text: str
    correct: bool
    log_probability: float | None
    confidence: float | None
    probabilities: dict[str, float] | None
    blind_text: str | None
    entropy: float | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> "PredictionRow":
        """From a row of `predictions`."""
        return cls(correct=bool(row["correct"]), **_same(cls, row, "correct"))


@dataclass(frozen=True, slots=True)
class Vote:
    """Which of two answers somebody found better before the names were shown.

    Attributes:
        job_id: the run of the comparison whose answers were shown.
        left: number of the adapter whose answer stood on the left; None is the base model. `right` likewise.
        choice: "left", "right", "equal" or "neither".
        rubric: side -> what was ticked of it.
    """

    id: int
    job_id: int
    pair_id: int
    person: str
    left: int | None
    right: int | None
    choice: str
    rubric: dict[str, list[str]]
    seconds: float | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Vote":
        """From a row of `votes`."""
        sides = {"left": row["left_adapter"], "right": row["right_adapter"]}
        return cls(**sides, **_same(cls, row, *sides))


def _same(kind: type, row: dict[str, Any], *but: str) -> dict[str, Any]:
    """The fields that carry the column of their name as it is."""
    return {name: row[name] for name in kind.__slots__ if name not in but}
