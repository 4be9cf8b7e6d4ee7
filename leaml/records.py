"""The values that stages take and yield. Plain data: no torch, no files opened.

Every stage has one shape: `stage(inputs, options, run_folder)` is a generator that yields `Progress` and finished
records (`Caption`, `Pair`, `Prediction`), and last a `Result`.
"""

from dataclasses import dataclass, field
from pathlib import Path

QUESTION_TYPES = ("yes/no", "single choice", "multiple choice", "colour", "location", "count", "open")

REGIONS = (
    "upper-left", "upper-center", "upper-right",
    "center-left", "center", "center-right",
    "lower-left", "lower-center", "lower-right",
)  # fmt: skip
"""The nine regions of a picture, row by row: the answers to a location question."""

SET_SEPARATOR = "; "
"""Between the members of an answer that names several things."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question on one picture. `answer` is None where nobody has answered it."""

    image: Path
    question: str
    answer: str | None
    type: str
    split: str = "train"
    group: str = ""
    choices: tuple[str, ...] = ()
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a teacher wrote about one picture."""

    image: Path
    caption: str
    teacher: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and answer that a generator wrote about one picture, with the signals that speak for or against it.

    `reviewed`: a person looked at this very pair and let it pass, or corrected it.
    """

    image: Path
    question: str
    answer: str
    type: str
    choices: tuple[str, ...] = ()
    signals: dict[str, float | str] = field(default_factory=dict)
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model answered to a question, and whether that is right. What was not measured is None.

    Attributes:
        log_probability: mean per token of the written answer, natural logarithm.
        confidence: how sure the model is of it, between 0 and 1.
        probabilities: of the choices, where the question has some.
        blind_text: what it answers without the picture.
        entropy: of its possible answers, in nats.
    """

    question: Question
    text: str
    correct: bool
    log_probability: float | None = None
    confidence: float | None = None
    probabilities: dict[str, float] | None = None
    blind_text: str | None = None
    entropy: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: `step` of `total`, and figures worth showing (loss, learning rate, …)."""

    step: int
    total: int
    message: str = ""
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage ends with: figures, and the file or folder that it wrote."""

    figures: dict[str, float] = field(default_factory=dict)
    path: Path | None = None
