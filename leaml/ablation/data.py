"""What an ablation learns from and is measured on: labels by seed, captions, and the truth that nobody is shown.

    data = open_data(folder)
    labelled = data.labelled(seed=3, pictures=4)        # all questions of four train pictures
    data.is_true(pair)                                  # what a reviewer would find

The folder is in the import format. Of a phantom the truth of every train picture follows from its seed, and so do the
captions of teachers who err more or less; of any other folder the truth is the answered questions themselves.
"""

import json
import random
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from leaml.errors import DataError, OptionError
from leaml.evaluation.metrics import cluster_of
from leaml.evaluation.scoring import normalise, score
from leaml.nano import phantom_teacher
from leaml.nano.phantom import all_questions
from leaml.records import Caption, Pair, Question
from leaml.store.formats import read_captions, read_questions


@dataclass(frozen=True)
class Data:
    """A folder of pictures with the whole truth of its train split."""

    folder: Path
    questions: tuple[Question, ...]
    """Answered, of all splits."""
    unspoken: tuple[str, ...] = ()
    """Questions on what no caption speaks of."""

    @cached_property
    def train(self) -> list[Question]:
        return self.held_out("train")

    @cached_property
    def pictures(self) -> list[Path]:
        """Train pictures, in order."""
        return sorted({question.image for question in self.train})

    def held_out(self, split: str) -> list[Question]:
        """The answered questions of a split.

        Raises:
            DataError: there are none.
        """
        found = [question for question in self.questions if question.split == split]
        if not found:
            what = f"{self.folder.name} has no answered questions in {split}."
            raise DataError(what, "Name a split that it has.")
        return found

    def labelled(self, seed: int, pictures: int, more: int = 0) -> list[Question]:
        """All questions of that many train pictures (0: of all), one of each group first, and `more` single questions
        on others: what further labels would have bought.

        Raises:
            OptionError: there are not that many pictures.
        """
        if pictures > len(self.pictures):
            have = len(self.pictures)
            what = f"{pictures} labelled pictures were asked for; {self.folder.name} has {have} to train on."
            raise OptionError(what, "Take fewer.")
        rng = random.Random(f"labels {seed}")
        chosen = set(self._drawn(rng)[: pictures or len(self.pictures)])
        labels = [question for question in self.train if question.image in chosen]
        others = [question for question in self.train if question.image not in chosen]
        return labels + rng.sample(others, min(more, len(others)))

    def _drawn(self, rng: random.Random) -> list[Path]:
        """The train pictures in random order, the first of each group before the second of any."""
        groups: dict[str, list[Path]] = {}
        group_of = {question.image: cluster_of(question) for question in self.train}
        for image in rng.sample(self.pictures, len(self.pictures)):
            groups.setdefault(group_of[image], []).append(image)
        rounds = max(map(len, groups.values()))
        return [images[turn] for turn in range(rounds) for images in groups.values() if turn < len(images)]

    def captions(self, wrong: float | None = None) -> list[Caption]:
        """Of train pictures, by the teacher as the folder has it.

        Raises:
            OptionError: this folder's teacher cannot err at another rate.
        """
        if wrong is not None:
            what = f"The captions of {self.folder.name} are as they are: no other error rate can be had."
            raise OptionError(what, "Leave `wrong` out, or use a phantom.")
        train = set(self.pictures)
        return [caption for caption in read_captions(self.folder) if caption.image in train]

    def teacher_pairs(self, wrong: float | None = None) -> list[Pair]:
        """The teacher's own answers to the questions on train pictures.

        Raises:
            OptionError: this folder's teacher left captions alone.
        """
        what = f"The teacher of {self.folder.name} wrote captions and cannot be asked questions."
        raise OptionError(what, "Leave the row out, or use a phantom.")

    def is_true(self, pair: Pair) -> bool:
        """Whether a pair on a train picture asks a question of this data, and answers it rightly."""
        known = self._truth.get((pair.image, normalise(pair.question)))
        return known is not None and score(known.answer, pair.answer, known.type, known.choices).correct

    @cached_property
    def _truth(self) -> dict[tuple[Path, str], Question]:
        return {(question.image, normalise(question.question)): question for question in self.train}


@dataclass(frozen=True)
class Phantom(Data):
    """A colonoscopy phantom: everything follows from its seed."""

    seed: int = 0
    wrong: float = 0.1
    silent: float = 0.1

    def captions(self, wrong: float | None = None) -> list[Caption]:
        rate = self.wrong if wrong is None else wrong
        made = phantom_teacher.captions(self.seed, self._indices, rate, self.silent)
        return [replace(caption, image=self.folder / caption.image) for caption in made]

    def teacher_pairs(self, wrong: float | None = None) -> list[Pair]:
        rate = self.wrong if wrong is None else wrong
        made = phantom_teacher.answers(self.seed, self._indices, rate, self.silent)
        return [replace(pair, image=self.folder / pair.image) for pair in made]

    @property
    def _indices(self) -> list[int]:
        return [int(image.stem.rpartition("_")[2]) for image in self.pictures]


def open_data(folder: Path) -> Data:
    """The folder as a source of labels, captions and truth.

    Raises:
        DataError: it is not in the import format, or holds no answers to train on.
    """
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Give a folder in the import format.")
    folder = folder.resolve()
    answered = [question for question in read_questions(folder) if question.answer]
    manifest = folder / "phantom.json"
    if not manifest.is_file():
        return _with_train(Data(folder, tuple(answered)))
    options = json.loads(manifest.read_text(encoding="utf-8"))["options"]
    truth = all_questions(options["seed"], options["images"], "train")
    train = [replace(question, image=folder / question.image) for question in truth]
    held_out = [question for question in answered if question.split != "train"]
    rates = (options["seed"], options["wrong"], options["silent"])
    return _with_train(Phantom(folder, (*train, *held_out), phantom_teacher.UNSPOKEN, *rates))


def _with_train(data: Data) -> Data:
    data.held_out("train")
    return data
