"""Pictures from elsewhere in a comparison: does the model notice that they are not what it was trained on?

Elsewhere are the further test sets (`shifted`) and a folder that the options name. Its pictures are scored against the
training pictures by their features, and by how likely and how varied the model's answers are; the table says how well
each score tells them from the test set. Features are the base model's: no adapter touches the vision tower.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from leaml.errors import DataError
from leaml.evaluation.confidence import predict_surely
from leaml.evaluation.image_features import image_features
from leaml.evaluation.ood import Domain, Scored, tell_apart
from leaml.evaluation.ranking import Ranked
from leaml.evaluation.resampling import FEWEST
from leaml.jobs import lines
from leaml.jobs.queue import Job
from leaml.jobs.tabulating import pictures_in
from leaml.models.framing import Framing
from leaml.models.pictures import open_picture
from leaml.options import CompareOptions
from leaml.records import Prediction, Question
from leaml.store.project import PairState, PredictionRow, Project

INSIDE = "test"
CALIBRATION = "calibration"
MOST_PICTURES, MOST_WORDINGS = 400, 20
"""Of one set, drawn at random; and of the questions that a folder's pictures are asked, the most frequent."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """One answer: to which wording, how likely, how varied."""

    adapter: int | None
    picture: str
    wording: str
    log_probability: float
    entropy: float | None


class Elsewhere:
    """What a comparison knows of pictures that are not from its test set; empty where there are none.

    Raises:
        DataError: a folder is named and holds no picture that can be read, or there is too little to compare it with.
    """

    def __init__(self, project: Project, job: Job, options: CompareOptions, asked: Sequence[PairState]) -> None:
        self.options, self.file = options, job.folder / "elsewhere.jsonl"
        self.asked = asked
        self.sets = _by_split(asked)
        self.folder = _readable(Path(options.other_pictures).expanduser()) if options.other_pictures else []
        inside, calibration = self.sets.pop(INSIDE, {}), self.sets.pop(CALIBRATION, {})
        self.inside, self.calibration = inside, calibration
        if self.folder:
            self.sets[Path(options.other_pictures).name] = {str(path): str(path) for path in self.folder}
        train = [str(picture.path) for picture in project.pictures("train")]
        self.train = random.Random(options.seed).sample(train, min(len(train), MOST_PICTURES))
        if not inside or len(self.train) < FEWEST:
            if self.folder:
                what = f"Pictures from elsewhere stand beside {len(inside)} test and {len(train)} training pictures."
                raise DataError(what, f"Label test pictures, and import {FEWEST} or more training pictures.")
            self.sets = {}
        self.features: dict[str, NDArray[np.float32]] = {}

    def look(self, model: nn.Module, framing: Framing, adapter: int | None) -> Iterator[None]:
        """Has a model look at all that is needed; stops between batches."""
        if not self.sets:
            return
        wanted = dict.fromkeys([*self.train, *self.inside, *self.calibration])
        wanted |= dict.fromkeys(path for pictures in self.sets.values() for path in pictures)
        todo = [Path(path) for path in wanted if path not in self.features]
        for path, found in zip(todo, image_features(model, framing, todo), strict=True):
            self.features[str(path)] = found
            yield
        heard = {(row["adapter"], row["picture"], row["wording"]) for row in lines.read(self.file)}
        questions = [
            Question(path, pair.question, None, pair.type, choices=pair.choices)
            for path in self.folder
            for pair in _wordings(self.asked)
            if (adapter, str(path), pair.question) not in heard
        ]
        for event in predict_surely(model, framing, questions, self.options) if questions else ():
            if isinstance(event, Prediction) and event.log_probability is not None:
                asked, sure = event.question, event.log_probability
                row = _Heard(adapter, str(asked.image), asked.question, sure, event.entropy)
                lines.append(self.file, [asdict(row)])
            yield

    def finish(
        self, said: Mapping[tuple[int | None, int], PredictionRow], names: Mapping[int | None, str]
    ) -> list[dict[str, Any]]:
        """One row for each set from elsewhere and each model."""
        if not self.sets:
            return []
        domain = Domain(np.stack([self.features[path] for path in self.train]))
        answers = [
            _Heard(adapter, str(pair.image), pair.question, row.log_probability, row.entropy)
            for pair in self.asked
            for adapter in names
            if (row := said[adapter, pair.id]).log_probability is not None
        ]
        answers += [_Heard(**row) for row in lines.read(self.file)]
        return [
            self._row(domain, [one for one in answers if one.adapter == adapter], name, adapter, names[adapter])
            for name in self.sets
            for adapter in names
        ]

    def _row(
        self, domain: Domain, answers: Sequence[_Heard], name: str, adapter: int | None, model: str
    ) -> dict[str, Any]:
        usual = _means(answers, self.inside)
        inside, fit, outside = (
            self._scored(domain, answers, usual, pictures)
            for pictures in (self.inside, self.calibration, self.sets[name])
        )
        found = tell_apart(inside, outside, fit, self.options.seed) if len(inside) and len(outside) else {}
        return {
            "name": name,
            "inside": INSIDE,
            "model": model,
            "adapter": adapter,
            "pictures": len(outside),
            "inside_pictures": len(inside),
            "trained_pictures": len(self.train),
            "fitted_pictures": len(fit),
            "scores": {score: _figures(ranked) for score, ranked in found.items()},
        }

    def _scored(
        self,
        domain: Domain,
        answers: Sequence[_Heard],
        usual: Mapping[str, tuple[float, float]],
        pictures: Mapping[str, str],
    ) -> Scored:
        """Pictures that were asked something that the test set was asked as well, against what is usual there."""
        unlikely, varied = defaultdict(list), defaultdict(list)
        for one in answers:
            if one.picture in pictures and one.wording in usual:
                likely, entropy = usual[one.wording]
                unlikely[one.picture].append(likely - one.log_probability)
                varied[one.picture].append((one.entropy or 0.0) - entropy)
        paths = list(unlikely)
        if not paths:
            return Scored({}, [])
        features = np.stack([self.features[path] for path in paths])
        scores = {
            "knn": domain.knn(features).tolist(),
            "mahalanobis": domain.mahalanobis(features).tolist(),
            "likelihood": [fmean(unlikely[path]) for path in paths],
            "entropy": [fmean(varied[path]) for path in paths],
        }
        return Scored(scores, [pictures[path] for path in paths])


def _figures(ranked: Ranked) -> dict[str, Any]:
    """Positive, so "out", are the pictures from elsewhere."""
    found = ranked.as_json()
    named = {"auroc": "auroc", "aupr": "aupr_out", "aupr_negative": "aupr_in", "fpr": "fpr95"}
    return {new: found[old] for old, new in named.items()} | {name: found[name] for name in ("positive", "n", "enough")}


def _means(answers: Sequence[_Heard], pictures: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """By wording the mean log-probability and entropy of the answers on these pictures."""
    by_wording: dict[str, list[_Heard]] = defaultdict(list)
    for one in answers:
        if one.picture in pictures:
            by_wording[one.wording].append(one)
    return {
        wording: (fmean(one.log_probability for one in its), fmean(one.entropy or 0.0 for one in its))
        for wording, its in by_wording.items()
    }


def _by_split(asked: Sequence[PairState]) -> dict[str, dict[str, str]]:
    """Split -> picture -> what it is counted with."""
    sets: dict[str, dict[str, str]] = defaultdict(dict)
    for pair in asked:
        sets[pair.split][str(pair.image)] = pair.group or str(pair.image)
    return dict(sets)


def _wordings(asked: Sequence[PairState]) -> list[PairState]:
    """One question of each wording that the test set is asked, the most frequent first."""
    found: dict[str, list[PairState]] = defaultdict(list)
    for pair in asked:
        if pair.split == INSIDE:
            found[pair.question].append(pair)
    return [pairs[0] for pairs in sorted(found.values(), key=len, reverse=True)[:MOST_WORDINGS]]


def _readable(folder: Path) -> list[Path]:
    """The pictures in a folder that can be read, at most 400."""
    readable = []
    for name in pictures_in(folder)[:MOST_PICTURES]:
        try:
            open_picture(folder / name)
        except DataError as error:
            print(f"left out: {error.what}", flush=True)
        else:
            readable.append(folder / name)
    if not readable:
        raise DataError(f"No picture in {folder} can be read.", "Give another folder.")
    return readable
