"""Can this model's confidence be trusted? Calibration, error detection and selective answering in one place. No torch.

    trust(answers, calibration)          # Answers(chances, correct, clusters), of the test and calibration sets
    trust(answers, calibration).as_json()

Temperature and threshold come from the calibration answers alone; closed and open questions are never pooled, so call
it once for each. Below 30 answers there are counts and no figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leaml.evaluation.calibration import Calibration, calibration, fit_temperature, limit_of, tempered
from leaml.evaluation.metrics import Rate, rate
from leaml.evaluation.ranking import Ranked, ranked
from leaml.evaluation.resampling import FEWEST, figures
from leaml.evaluation.selective import Selective, selective, threshold_for


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model said to some questions, whether it was right, and what each question stands on.

    chances: of each answer its probability first, then those of what it was chosen from, see `calibration`.
    """

    chances: Sequence[Sequence[float]]
    correct: Sequence[bool]
    clusters: Sequence[str]

    def __len__(self) -> int:
        return len(self.chances)

    @property
    def confidences(self) -> list[float]:
        """How sure the model was of each answer."""
        return [row[0] for row in self.chances]


@dataclass(frozen=True, slots=True)
class Trust:
    """All figures on one model's confidence; None where there are too few answers.

    Attributes:
        n: answers. pictures: groups or pictures that they stand on.
        temperature: fitted on the calibration answers.
        calibrated_on: how many answers, on how many groups or pictures.
        before: calibration of the confidences as the model has them.
        after: the same at the temperature.
        wrong: how well low confidence finds wrong answers.
        share_wrong: what of the answers is wrong.
        selective: what giving only the sure answers does; its threshold is a confidence before temperature.
    """

    n: int
    pictures: int
    temperature: float | None
    calibrated_on: tuple[int, int] | None
    before: Calibration | None
    after: Calibration | None
    wrong: Ranked | None
    share_wrong: Rate
    selective: Selective | None

    def as_json(self) -> dict[str, Any]:
        """As the job that compares keeps it."""
        on = self.calibrated_on
        return {
            "n": self.n,
            "pictures": self.pictures,
            "enough": self.n >= FEWEST,
            "temperature": self.temperature,
            "temperature_limit": None if self.temperature is None else limit_of(self.temperature),
            "calibrated_on": None if on is None else {"n": on[0], "pictures": on[1]},
            "before": _json(self.before),
            "after": _json(self.after),
            "wrong": (_json(self.wrong) or {}) | {"share": figures(self.share_wrong)},
            "selective": _json(self.selective),
        }


def trust(answers: Answers, calibration_answers: Answers | None = None) -> Trust:
    """Measures one model's confidence on answers of one kind (closed, or open).

    Args:
        answers: on a test set.
        calibration_answers: on pictures that are neither of the test set nor trained on; fewer than 30 fit nothing.

    Raises:
        DataError: there are no answers, or lists of different lengths.
    """
    wrong = [not right for right in answers.correct]
    share = rate(wrong, answers.clusters)
    fitted = calibration_answers if calibration_answers and len(calibration_answers) >= FEWEST else None
    if len(answers) < FEWEST:
        return Trust(share.n, share.clusters, None, None, None, None, None, share, None)
    temperature = after = threshold = on = None
    if fitted is not None:
        temperature = fit_temperature(fitted.chances, fitted.correct)
        threshold = threshold_for(fitted.confidences, fitted.correct)
        on = len(fitted), len(set(fitted.clusters))
        after = calibration(tempered(answers.chances, temperature), answers.correct, answers.clusters)
    return Trust(
        share.n,
        share.clusters,
        temperature,
        on,
        calibration(answers.confidences, answers.correct, answers.clusters),
        after,
        ranked([-sure for sure in answers.confidences], wrong, answers.clusters),
        share,
        selective(answers.confidences, answers.correct, answers.clusters, threshold),
    )


def _json(part: Calibration | Ranked | Selective | None) -> dict[str, Any] | None:
    return None if part is None else part.as_json()
