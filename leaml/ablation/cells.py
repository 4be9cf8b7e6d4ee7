"""One cell of an ablation, made of parts that rows share: generators, suggestions, answers. Each is made once.

    bench = Workbench(plan, data, work)
    found = bench.run(cell)                  # a dictionary; what is there already is not made again

A part lies in a folder that is named by everything it depends on, so two rows that agree in a part have it in common,
and a change of any option makes a new one. It counts as made when its `done.json` stands; one that was broken off goes
on from its stage's own checkpoint. Several processes may work in one folder: a part is locked while it is made.
"""

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from peft import PeftModel

import leaml.models.adapters  # noqa: F401 - makes PEFT know the neuron adapter
from leaml.ablation.data import Data
from leaml.ablation.plan import Cell, Plan
from leaml.errors import StorageError
from leaml.evaluation.metrics import blind_majority
from leaml.evaluation.predict import predict
from leaml.files import whole_file
from leaml.models.features import SeenFraming
from leaml.models.framing import Framing
from leaml.models.load import fingerprint, load
from leaml.models.neurons import Selection
from leaml.nano.everyday import everyday_questions
from leaml.records import Pair, Prediction, Question, Result
from leaml.store.tables import write_jsonl
from leaml.training.adapt import adapt
from leaml.training.distill import distill
from leaml.training.generate import generate
from leaml.training.signals import Filter

DONE = "done.json"
Found = dict[str, Any]


class Busy(Exception):
    """Another process makes this part just now."""


class NotMade(Exception):
    """A part is not there, and was not to be made."""


@dataclass(frozen=True, slots=True)
class Part:
    """A finished part: its folder, and what `done.json` says."""

    folder: Path
    found: Found


class Workbench:
    """Makes the parts of cells in a folder.

    Raises:
        LeamlError: from `run`, where a stage cannot do its work.
    """

    def __init__(self, plan: Plan, data: Data, work: Path) -> None:
        self.plan, self.data, self.work = plan, data, work
        self._makes = True

    def run(self, cell: Cell, tests: Sequence[str], make: bool = True) -> Found:
        """Answers on each test split: {"right": {split: [bool, …]}, "pairs": …, "generator": …}.

        Args:
            make: whether to make the parts that are not there.

        Raises:
            Busy: another process is at a part of it. NotMade: a part is not there, and is not to be made.
        """
        self._makes = make
        labels = self.data.labelled(cell.seed, cell.pictures, cell.row.more_labels)
        if cell.row.answers == "blind":
            return {"right": {split: blind_majority(labels, self.data.held_out(split)) for split in tests}}
        if cell.row.answers == "base":
            return {"right": {split: self._base_answers(split) for split in tests}}
        pairs, told = self._pairs(cell, labels)
        adapted = self._adapted(cell, labels, pairs)
        return {**told, "right": {split: adapted.found["right"][split] for split in tests}}

    # ---- the parts -----------------------------------------------------------------------------------------------

    def _base_answers(self, split: str) -> list[bool]:
        def make(folder: Path) -> Found:
            model, framing = self._load()
            return {"right": _right(model, framing, self.data.held_out(split))}

        return self._part("base", {"split": split}, make).found["right"]

    def _everyday(self, generator: Part | None) -> Found:
        """Everyday questions answered by a generator, or by the base: what is right, and the scene of each."""

        def make(folder: Path) -> Found:
            questions = everyday_questions(self.work / "everyday", self.plan.everyday)
            model, framing = self._load() if generator is None else self._load_trained(generator)
            scenes = [question.group for question in questions]
            return {"right": _right(model, framing, questions), "scenes": scenes}

        key = {"scenes": self.plan.everyday, "generator": generator.folder.name if generator else ""}
        return self._part("everyday", key, make).found

    def _generator(self, cell: Cell, labels: Sequence[Question]) -> Part:
        options = cell.options("distil", self.plan.settings, self.plan.model)
        captions = self.data.captions(cell.row.wrong) if options.caption_weight else []

        def make(folder: Path) -> Found:
            model, framing = self._load()
            scores = self.work / "scores"
            result = _last(distill(model, framing, labels, captions, options, folder, scores))
            return {"figures": result.figures, "path": result.path.relative_to(folder).as_posix(), **_map(folder)}

        key = {"labels": _digest_of(labels), "captions": _digest_of(captions), "options": options.model_dump()}
        return self._part("generator", key, make)

    def _pairs(self, cell: Cell, labels: Sequence[Question]) -> tuple[list[Pair], Found]:
        """The answers beside the labels, filtered and reviewed, and what is worth knowing of them."""
        if cell.row.pairs == "none":
            return [], {}
        taken = {label.image for label in labels}
        if cell.row.pairs == "teacher":
            pairs = [pair for pair in self.data.teacher_pairs(cell.row.wrong) if pair.image not in taken]
            return pairs, {"pairs": self._quality(pairs, pairs)}
        generator = self._generator(cell, labels)
        written = self._written(cell, labels, generator)
        kept = Filter.of(cell.options("generate", self.plan.settings, self.plan.model)).keep(written)
        told: Found = {"generator": generator.found, "pairs": self._quality(written, kept)}
        if self.plan.everyday:
            told["everyday"] = {"before": self._everyday(None), "after": self._everyday(generator)}
        if cell.row.review is None:
            return kept, told
        reviewed, verdicts = self._reviewed(cell, kept)
        return reviewed, told | {"verdicts": verdicts, "reviewed": self._quality(written, reviewed)}

    def _written(self, cell: Cell, labels: Sequence[Question], generator: Part) -> list[Pair]:
        """Everything that a generator writes for the unlabelled pictures, unfiltered."""
        options = cell.options("generate", self.plan.settings, self.plan.model)
        taken = {label.image for label in labels}
        images = [image for image in self.data.pictures if image not in taken]
        if self.plan.unlabelled is not None:
            images = sorted(random.Random("unlabelled").sample(images, min(self.plan.unlabelled, len(images))))

        def make(folder: Path) -> Found:
            model, framing = self._load_trained(generator)
            pairs = [event for event in generate(model, framing, images, labels, options) if isinstance(event, Pair)]
            write_jsonl(folder / "pairs.jsonl", [_row_of(pair, self.data.folder) for pair in pairs])
            return {"pairs": len(pairs)}

        filter_fields = set(Filter.__dataclass_fields__)
        sampled = {name: value for name, value in options.model_dump().items() if name not in filter_fields}
        key = {"generator": generator.folder.name, "options": sampled, "images": _digest_of(images)}
        folder = self._part("pairs", key, make).folder
        rows = (folder / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
        return [_pair_of(json.loads(row), self.data.folder) for row in rows]

    def _reviewed(self, cell: Cell, pairs: Sequence[Pair]) -> tuple[list[Pair], int]:
        """What is left after a simulated reviewer judged some, and how many verdicts that took."""
        review = cell.row.review
        rng = random.Random(f"review {cell.seed}")
        judged = set(rng.sample(range(len(pairs)), min(review.verdicts, len(pairs))))
        errs = [rng.random() < review.error for _ in pairs]
        rejected = {place for place in judged if self.data.is_true(pairs[place]) == errs[place]}
        left = [
            replace(pair, reviewed=place in judged) for place, pair in enumerate(pairs) if place not in rejected
        ]
        return left, len(judged)

    def _adapted(self, cell: Cell, labels: Sequence[Question], pairs: Sequence[Pair]) -> Part:
        """The model that learned from labels and pairs, as its answers to every held-out question."""
        options = cell.options("adapt", self.plan.settings, self.plan.model)

        def make(folder: Path) -> Found:
            model, framing = self._load()
            result = _last(adapt(model, framing, labels, pairs, options, folder, self.work / "scores"))
            trained, own = self._load_from(result.path)
            right = {split: _right(trained, own, self.data.held_out(split)) for split in self._splits()}
            for name in ("checkpoints", "adapter", "model"):
                shutil.rmtree(folder / name, ignore_errors=True)
            return {"figures": result.figures, "right": right}

        key = {"labels": _digest_of(labels), "pairs": _digest_of(pairs), "options": options.model_dump()}
        return self._part("adapted", key | {"splits": self._splits()}, make)

    def _splits(self) -> list[str]:
        """The test splits, and the one on which trials are decided."""
        return sorted({*self.plan.tests, "calibration"})

    # ---- how parts are made --------------------------------------------------------------------------------------

    def _part(self, kind: str, key: Found, make: Callable[[Path], Found]) -> Part:
        """The part with that key, made if it is not there."""
        key = {"model": self._base[2], **key}
        folder = self.work / kind / _digest(key)
        done = folder / DONE
        if not self._makes and not done.is_file():
            raise NotMade(str(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock", timeout=0):
                if not done.is_file():
                    _write(folder / "made_of.json", key)
                    _write(done, make(folder))
                return Part(folder, json.loads(done.read_text(encoding="utf-8")))
        except Timeout as error:
            raise Busy(str(folder)) from error
        except OSError as error:
            what = f"{error.filename or folder} cannot be written: {error.strerror or error}."
            raise StorageError(what, "Check the folder and the free space, then run it again.") from error

    @cached_property
    def _base(self) -> tuple[Any, SeenFraming, str]:
        """The base model, what it has seen of pictures, and its fingerprint. Never trained itself."""
        model, framing = self._load_whole(self.plan.model)
        return model, SeenFraming(model, framing), fingerprint(model)

    def _load(self) -> tuple[Any, Framing]:
        """A copy of the base, to be trained."""
        model, framing, _ = self._base
        copied = deepcopy(model)
        return copied, framing.of_copy(copied)

    def _load_trained(self, generator: Part) -> tuple[Any, Framing]:
        return self._load_from(generator.folder / generator.found["path"])

    def _load_from(self, path: Path) -> tuple[Any, Framing]:
        """A whole model, or the base with an adapter, as a stage left it."""
        if not (path / "adapter_config.json").is_file():
            return self._load_whole(str(path))
        model, framing = self._load()
        return PeftModel.from_pretrained(model, str(path)).eval(), framing

    @staticmethod
    def _load_whole(name: str) -> tuple[Any, Framing]:
        loaded = load(name)
        return loaded.model, Framing(loaded.processor)

    def _quality(self, written: Sequence[Pair], kept: Sequence[Pair]) -> Found:
        """How many pairs were written, how many of them are used, and how many of each are true."""
        counts = {"written": len(written), "kept": len(kept)}
        return counts | {
            "true of written": sum(map(self.data.is_true, written)),
            "true of kept": sum(map(self.data.is_true, kept)),
        }


def _last(events: Generator[Any, Any, None]) -> Result:
    """Drains a stage; its last event is its Result."""
    with closing(events):
        for event in events:
            if isinstance(event, Result):
                return event
    raise RuntimeError("A stage ended without a Result.")


def _right(model: Any, framing: Framing, questions: Sequence[Question]) -> list[bool]:
    return [event.correct for event in predict(model, framing, questions) if isinstance(event, Prediction)]


def _map(folder: Path) -> Found:
    """Where the chosen neurons of a run live: the share of each layer; nothing where no neurons were chosen."""
    path = folder / "selection.json"
    return {"share by layer": Selection.load(path).share_by_layer()} if path.is_file() else {}


def _row_of(pair: Pair, root: Path) -> Found:
    return {**asdict(pair), "image": pair.image.relative_to(root).as_posix()}


def _pair_of(row: Found, root: Path) -> Pair:
    return Pair(**{**row, "image": root / row["image"], "choices": tuple(row["choices"])})


def _digest(key: Any) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]


def _digest_of(records: Sequence[Any]) -> str:
    """Names data by its content, whatever folder it lies in."""
    return _digest([_plain(record) for record in records])


def _plain(record: Any) -> Any:
    if isinstance(record, Path):
        return record.name
    return [value.name if isinstance(value, Path) else value for value in asdict(record).values()]


def _write(path: Path, value: Found) -> None:
    with whole_file(path) as file:
        file.write(json.dumps(value))
