"""What to choose for a model on a card of a given size, computed from a rehearsal, and why, in plain words.

    preset = Presets("Qwen/Qwen3-VL-4B-Instruct").choose(card=12)
    preset.way.precision, preset.way.pictures_per_step, preset.needed.total, preset.reasons

The first way that fits is taken, in the order of what it costs: full weights before 4 bits, layers computed once before
twice, many pictures in a step before few, pictures as the model likes them before smaller ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from leaml.models.families import GIB
from leaml.models.memory import Needed
from leaml.training.batches import Example, Turn
from leaml.training.rehearsal import Base, rehearse
from leaml.training.trained import Trained

LEFT = 0.9
"""Of a card, what tensors may take: screen, driver and gaps need the rest."""
PICTURES = (8, 4, 2, 1)
SIDES = (0, 1024, 512)
TYPICAL = Image.new("L", (1280, 960))
QUESTION, ANSWER, QUESTIONS = "Which of these can be seen in the picture, and where is it?", "a polyp, in the center", 6


@dataclass(frozen=True, slots=True)
class Way:
    """Options that decide about memory."""

    precision: str = "full"
    checkpointing: bool = False
    pictures_per_step: int = PICTURES[0]
    picture_size: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    """The way to take on a card of so many GB, what is needed then, and the reasons. way: None where nothing fits."""

    card: int
    way: Way | None
    needed: Needed
    reasons: tuple[str, ...]


class Presets:
    """Those of one model, for one method: `lora`, `neurons` or `full`.

    Raises:
        ModelError: there is no such model here, or it cannot be trained so.
    """

    def __init__(self, model: str, method: str = "lora", fraction: float = 0.05, rank: int = 16) -> None:
        self.model = model
        self.trained = Trained("preset", method, rank, fraction=fraction)
        self.needed = cache(self._needed)

    def choose(self, card: int) -> Preset:
        """The first way that fits."""
        room = LEFT * card * GIB
        for way in _ways(self.trained.kind):
            if (needed := self.needed(way)).total <= room:
                return Preset(card, way, needed, tuple(self._reasons(way, needed, card)))
        least = f"even in the thriftiest way it needs {gigabytes(needed.total)}, and {gigabytes(room)} may be taken"
        return Preset(card, None, needed, (least,))

    def _needed(self, way: Way) -> Needed:
        base = Base.on_some_card(self.model, way.precision, way.picture_size)
        with TemporaryDirectory(prefix="leaml-preset-") as folder:
            return rehearse(base, self.trained, typical(Path(folder), way.pictures_per_step), way.checkpointing)

    def _reasons(self, way: Way, needed: Needed, card: int) -> Iterator[str]:
        room = LEFT * card * GIB
        whole = self.needed(Way())
        if way.precision == "full":
            yield f"weights in full: they are {gigabytes(needed.weights + needed.vision_tower)} of your {card} GB"
        else:
            held = whole.weights + whole.vision_tower
            alone = held > room
            what = f"the weights alone need {gigabytes(held)}" if alone else f"in full it needs {self._least(way)}"
            yield f"4-bit, because {what} of your {card} GB"
        if way.checkpointing:
            once = self.needed(replace(way, checkpointing=False)).total
            yield f"layers computed twice (checkpointing), because once needs {gigabytes(once)}"
        if way.pictures_per_step < PICTURES[0]:
            yield f"{way.pictures_per_step} pictures in a step, because more do not fit"
        if way.picture_size:
            yield f"pictures of {way.picture_size} pixels at most, because their tokens take {self._of_pictures(way)}"
        yield f"needs {gigabytes(needed.total)}"

    def _least(self, way: Way) -> str:
        return gigabytes(self.needed(Way("full", True, PICTURES[-1])).total)

    def _of_pictures(self, way: Way) -> str:
        large = self.needed(replace(way, picture_size=0))
        return gigabytes(large.image_tokens + large.vision_tower)


def _ways(kind: str) -> Iterator[Way]:
    """All of them, those that cost least in time and in what can be learned first."""
    for side in SIDES:
        for precision in ("full",) if kind == "full" else ("full", "4bit"):
            for checkpointing in (False, True):
                for pictures in PICTURES[: None if side == SIDES[-1] else 2]:
                    yield Way(precision, checkpointing, pictures, side)


def typical(folder: Path, pictures: int) -> list[Example]:
    """So many pictures, each with some questions of usual length."""
    found = []
    for number in range(pictures):
        path = folder / f"{number}.jpg"
        TYPICAL.convert("RGB").save(path)
        found.append(Example(path, (Turn(QUESTION, ANSWER),) * QUESTIONS))
    return found


def gigabytes(count: float) -> str:
    """Bytes as people say them."""
    size = count / GIB
    return f"{size:.1f} GB" if size >= 1 else f"{size:.2f} GB"
