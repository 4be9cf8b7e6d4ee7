"""The phantom part of `benchmarks.nano`: image-blind majority, zero-shot and ceiling on the sample project.

The ceiling is nano itself, all weights tuned on the whole truth of the train pictures: what this model can reach on
these pictures with unlimited labels. Its steps and learning rate are chosen on the calibration split; on `test` it is
measured once.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from benchmarks.report import ROOT, Figure
from leaml.errors import DataError
from leaml.evaluation.metrics import Rate, blind_majority, difference, rate
from leaml.evaluation.predict import predict
from leaml.models.framing import Framing
from leaml.models.load import fingerprint, load
from leaml.nano.phantom import all_questions
from leaml.options import AdaptOptions
from leaml.records import QUESTION_TYPES, Prediction, Progress, Question
from leaml.store.formats import read_questions
from leaml.training.adapt import adapt

SAMPLE = ROOT / "sample_data" / "colonoscopy-phantom"
CEILING_BAR, GAIN_BAR = 0.85, 0.25
BLIND, ZERO_SHOT, CEILING = "image-blind majority", "zero-shot", "ceiling"
PATIENTS = "patients"
TELL_EVERY = 50
"""Steps between two lines about the training."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How the ceiling is trained, and on which split everything is measured. `work` keeps checkpoints to resume."""

    steps: int = 1500
    learning_rate: float = 5e-4
    pictures_per_step: int = 8
    split: str = "test"
    seed: int = 0
    work: Path | None = None

    def text(self) -> str:
        return f"{self.steps} steps × {self.pictures_per_step} pictures, rate {self.learning_rate:g}, seed {self.seed}"


def train_truth(folder: Path = SAMPLE) -> list[Question]:
    """Every question of every train picture with its true answer, recomputed from the seed that the folder names."""
    options = json.loads((folder / "phantom.json").read_text(encoding="utf-8"))["options"]
    truth = all_questions(options["seed"], options["images"], "train")
    return [replace(question, image=folder / question.image) for question in truth]


def held_out(split: str, folder: Path = SAMPLE) -> list[Question]:
    """The answered questions of the calibration or the test split.

    Raises:
        DataError: there are none.
    """
    questions = [question for question in read_questions(folder) if question.split == split and question.answer]
    if not questions:
        raise DataError(f"{folder.name} has no answered questions in {split}.", "Write the phantom anew.")
    return questions


def measure(name: str, model: nn.Module, framing: Framing, ceiling: Ceiling) -> list[Figure]:
    """All three on one split; `name` is loaded afresh for the ceiling, in float32, since every weight is trained."""
    train, questions = train_truth(), held_out(ceiling.split)
    right = {BLIND: blind_majority(train, questions), ZERO_SHOT: _answers(model, framing, questions)}
    loaded = load(name, dtype=torch.float32)
    own = Framing(loaded.processor)
    _tune(loaded.model, own, train, ceiling)
    right[CEILING] = _answers(loaded.model, own, questions)
    return figures(questions, right, ceiling)


def _answers(model: nn.Module, framing: Framing, questions: Sequence[Question]) -> list[bool]:
    return [event.correct for event in predict(model, framing, questions) if isinstance(event, Prediction)]


def _tune(model: nn.Module, framing: Framing, train: Sequence[Question], ceiling: Ceiling) -> None:
    options = AdaptOptions(
        method="full", steps=ceiling.steps, learning_rate=ceiling.learning_rate, seed=ceiling.seed,
        pictures_per_step=ceiling.pictures_per_step, save_every=250 if ceiling.work else ceiling.steps,
    )  # fmt: skip
    # A checkpoint of other weights or settings must not be resumed.
    settings = (options.steps, f"{options.learning_rate:g}", options.pictures_per_step, options.seed)
    run = "-".join(map(str, ("ceiling", fingerprint(model), *settings)))
    kept = nullcontext(ceiling.work) if ceiling.work else tempfile.TemporaryDirectory(prefix="leaml-ceiling-")
    torch.manual_seed(ceiling.seed)
    with kept as folder:
        _tell(adapt(model, framing, train, [], options, Path(folder) / run))
    model.eval()


def _tell(events: Iterable) -> None:
    """Drains a training stage, with a line at times."""
    for event in events:
        if isinstance(event, Progress) and (event.step % TELL_EVERY == 0 or event.step == event.total):
            loss, seconds = event.figures.get("loss", float("nan")), event.figures.get("seconds per step", 0.0)
            line = f"ceiling: step {event.step} of {event.total}, loss {loss:.3f}, {seconds:.2f} s per step"
            print(line, file=sys.stderr, flush=True)


def figures(questions: Sequence[Question], right: dict[str, Sequence[bool]], ceiling: Ceiling) -> list[Figure]:
    """Rates and paired differences, clustered by patient. Bars hold on the test split alone."""
    clusters = [question.group or str(question.image) for question in questions]
    bar, gain_bar = (CEILING_BAR, GAIN_BAR) if ceiling.split == "test" else (None, None)
    where = f"{ceiling.split} split"
    found = [
        _figure(BLIND, rate(right[BLIND], clusters), note=f"{where}; per question, fitted on all train truth"),
        _figure(ZERO_SHOT, rate(right[ZERO_SHOT], clusters), note=where),
        _figure(CEILING, rate(right[CEILING], clusters), bar, note=f"{where}; {ceiling.text()}"),
    ]
    for name in (ZERO_SHOT, BLIND):
        gain = difference(right[CEILING], right[name], clusters)
        found.append(_figure(f"ceiling minus {name}", gain, gain_bar, where))
    places = _places(question.type for question in questions)
    for kind in filter(places.get, QUESTION_TYPES):
        own = [clusters[place] for place in places[kind]]
        picked = {name: [values[place] for place in places[kind]] for name, values in right.items()}
        found += [_row(f"{name}, {kind}", rate(picked[name], own)) for name in (BLIND, ZERO_SHOT, CEILING)]
        found.append(_row(f"ceiling minus zero-shot, {kind}", difference(picked[CEILING], picked[ZERO_SHOT], own)))
    for wording, chosen in _places(question.question for question in questions).items():
        own = [clusters[place] for place in chosen]
        for name in (BLIND, CEILING):
            found.append(_row(f"{name}: {wording}", rate([right[name][place] for place in chosen], own)))
    return found


def _figure(name: str, value: Rate, bar: float | None = None, note: str = "") -> Figure:
    return Figure("phantom", name, value, bar=bar, note=note, clusters=PATIENTS)


def _places(keys: Iterable[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return places


def _row(name: str, value: Rate) -> Figure:
    return Figure("phantom", name, value, detail=True, clusters=PATIENTS)
