"""Calibration, ranking and selective answering: worked by hand, and beside scikit-learn and torchmetrics."""

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn
from torchmetrics.functional.classification import binary_auroc, binary_calibration_error

from leaml.errors import DataError
from leaml.evaluation import ranking
from leaml.evaluation.calibration import calibration, ece, fit_temperature, null, reliability, tempered
from leaml.evaluation.ranking import ranked
from leaml.evaluation.resampling import measure
from leaml.evaluation.selective import aurc, coverage_at, curve, selective, threshold_for
from leaml.evaluation.trust import Answers, trust


def answers(n: int = 600, power: float = 1.0, seed: int = 0) -> Answers:
    """Right with the probability confidence ** power: calibrated at 1, too modest below, too sure above."""
    random = np.random.default_rng(seed)
    sure = random.beta(3, 1.2, n)
    return Answers(two(sure), random.random(n) < sure**power, [str(item // 4) for item in range(n)])


def two(sure) -> np.ndarray:
    """Of each answer its chance, and that of all others."""
    return np.column_stack([sure, 1 - np.asarray(sure)])


# --- Calibration -------------------------------------------------------------------------------------------


def test_calibration_figures_are_those_of_the_libraries():
    given = answers()
    found = calibration(given.confidences, given.correct, given.clusters)
    sure, right = torch.tensor(given.confidences), torch.tensor(given.correct).int()
    assert found.ece == pytest.approx(float(binary_calibration_error(sure, right, n_bins=15)), abs=1e-6)
    assert found.brier.value == pytest.approx(sklearn.brier_score_loss(given.correct, given.confidences))
    assert found.nll.value == pytest.approx(sklearn.log_loss(given.correct, given.confidences))
    for figure in (found.brier, found.nll):
        assert figure.low < figure.value < figure.high and (figure.n, figure.clusters) == (600, 150)


def test_ece_by_hand():
    # Bins of 1/15: two at 0.5 (one right: |0.5 - 0.5| = 0), two at 0.9 (none right: 0.9).
    assert ece([0.5, 0.5, 0.9, 0.9], [True, False, False, False]) == pytest.approx(0.45)
    bins = reliability([0.5, 0.5, 0.9, 0.9, 0.0, 1.0], [True, False, False, False, False, True])
    assert len(bins) == 15 and sum(one.n for one in bins) == 6
    assert (bins[7].n, bins[7].confidence, bins[7].right) == (2, 0.5, 1) and bins[7].low < 0.5 <= bins[7].high
    assert bins[0].n == bins[14].n == bins[14].right == 1 and bins[3].confidence is None


def test_the_null_is_what_chance_gives_in_each_bin():
    """The mean of |right − expected| of n answers at p is nearly √(2 p (1 − p) n / π)."""
    sure = np.repeat([0.5, 0.7, 0.9], 400)
    expected = sum((2 * p * (1 - p) * 400 / np.pi) ** 0.5 for p in (0.5, 0.7, 0.9)) / 1200
    assert null(sure).mean == pytest.approx(expected, rel=0.05) and null(sure).high > null(sure).mean


@pytest.mark.parametrize(("n", "of_the_method"), [(50, 0.135), (500, 0.044), (5000, 0.014)])
def test_the_null_falls_with_n_as_the_method_says(n, of_the_method):
    random = np.random.default_rng(n)
    surer, any_confidence = (null(random.uniform(lowest, 1, n), draws=200).mean for lowest in (0.5, 0.0))
    assert surer < of_the_method < any_confidence


def test_the_ece_of_a_calibrated_model_lies_within_its_null_and_that_of_another_beyond():
    inside = beyond = 0
    for seed in range(40):
        good, bad = answers(400, seed=seed), answers(400, 4.0, seed)
        inside += ece(good.confidences, good.correct) <= null(good.confidences, draws=200).high
        beyond += ece(bad.confidences, bad.correct) > null(bad.confidences, draws=200).high
    assert inside >= 34 and beyond == 40


def test_temperature_is_found_again_and_mends_a_model_that_is_too_sure():
    random = np.random.default_rng(3)
    true = random.beta(2, 1, 4000)
    right = random.random(4000) < true
    too_sure = tempered(two(true), 1 / 2.5)
    temperature = fit_temperature(two(too_sure), right)
    assert temperature == pytest.approx(2.5, rel=0.12)
    pictures = [str(item) for item in range(4000)]
    before = calibration(too_sure, right, pictures)
    after = calibration(tempered(two(too_sure), temperature), right, pictures)
    assert after.nll.value < before.nll.value and after.ece < after.null.high < before.ece
    assert fit_temperature(two(true), right) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("right", "limit"), [("by chance", "upper"), ("always", "lower"), ("as it says", None)])
def test_a_temperature_that_ends_at_a_limit_says_so(right, limit):
    random = np.random.default_rng(5)
    sure = 0.6 + 0.39 * random.random(200)
    given = {"by chance": sure < 0, "always": sure > 0, "as it says": random.random(200) < sure}[right]
    measured = trust(Answers(two(sure), given, list(map(str, range(200)))), Answers(two(sure), given, ["1"] * 200))
    assert measured.as_json()["temperature_limit"] == limit


def test_the_temperature_is_that_of_the_softmax_over_as_many_choices_as_there_are():
    several, few = torch.tensor([2.0, -0.5, 1.0, 0.3]), torch.tensor([0.5, 2.0])
    chances = [several.softmax(0).tolist(), few.softmax(0).tolist()]
    expected = [float((logits / 1.7).softmax(0)[0]) for logits in (several, few)]
    assert tempered(chances, 1.7) == pytest.approx(expected, rel=1e-5)
    assert tempered(chances, 1e9) == pytest.approx([0.25, 0.5])


def test_confidences_that_are_none_are_refused():
    for sure, right in (([], []), ([0.5], [True, False]), ([1.2], [True]), ([float("nan")], [True])):
        with pytest.raises(DataError):
            calibration(sure, right, ["1"])


# --- Ranking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_ranking_figures_are_those_of_the_libraries(ties):
    random = np.random.default_rng(1)
    positive = random.random(300) < 0.3
    scores = random.normal(size=300) + positive
    scores = scores.round(0) if ties else scores
    found = ranked(scores, positive, [str(item // 3) for item in range(300)])
    assert found.auroc.value == pytest.approx(sklearn.roc_auc_score(positive, scores))
    theirs = binary_auroc(torch.tensor(scores).sigmoid(), torch.tensor(positive).int())
    assert found.auroc.value == pytest.approx(float(theirs))
    assert found.aupr.value == pytest.approx(sklearn.average_precision_score(positive, scores))
    assert found.aupr_negative.value == pytest.approx(sklearn.average_precision_score(~positive, -scores))
    false, true, _ = sklearn.roc_curve(positive, scores, drop_intermediate=False)
    assert found.fpr.value == pytest.approx(false[np.argmax(true >= 0.95)])
    for figure in (found.auroc, found.aupr, found.aupr_negative, found.fpr):
        assert figure.low <= figure.value <= figure.high and figure.low < figure.high
    assert found.enough and (found.positive, found.n) == (int(positive.sum()), 300)


def test_weights_are_copies():
    random = np.random.default_rng(2)
    positive, scores = random.random(40) < 0.4, random.normal(size=40).round(1)
    copies = random.integers(0, 4, 40)
    repeated = np.repeat(positive, copies), np.repeat(scores, copies)
    for figure in (ranking.auroc, ranking.average_precision, ranking.false_positives):
        weighted = figure(scores, positive, copies[None].astype(float))[0]
        assert weighted == pytest.approx(figure(repeated[1], repeated[0])[0])


def test_one_kind_alone_cannot_be_ranked():
    found = ranked([0.1, 0.2, 0.3], [True, True, True], ["1", "2", "3"])
    assert found.auroc is None and not found.enough and found.as_json()["auroc"] is None
    assert ranked([0.1, 0.2], [False, False], ["1", "2"]).aupr is None


def test_chance_and_perfection():
    positive = np.arange(200) % 2 == 0
    assert ranking.auroc(np.zeros(200), positive)[0] == 0.5
    assert ranking.auroc(positive.astype(float), positive)[0] == 1.0
    assert ranking.false_positives(positive.astype(float), positive)[0] == 0.0


def test_two_kinds_that_never_overlap_still_leave_a_doubt():
    scores, positive = [*range(40), *range(100, 130)], [False] * 40 + [True] * 30
    found = ranked(scores, positive, list(map(str, range(70))))
    assert found.auroc.value == 1 and found.auroc.low == pytest.approx(0.025 ** (1 / 30)) and found.auroc.high == 1
    assert found.fpr.value == 0 == found.fpr.low and 0.05 < found.fpr.high < 0.2
    assert found.aupr.low < 1 and ranked(scores, positive, ["1"] * 70).auroc.low < 0.05


def test_intervals_of_auroc_cover_the_truth():
    """Normal scores one standard deviation apart: the truth is Φ(1 / √2) = 0.760."""
    random, covered = np.random.default_rng(5), 0
    for _ in range(80):
        positive = random.random(240) < 0.5
        shift = np.repeat(random.normal(size=80), 3) * 0.5
        scores = random.normal(size=240) * 0.75**0.5 + shift + positive
        pictures = [str(item // 3) for item in range(240)]
        figure = measure(lambda weights: ranking.auroc(scores, positive, weights), pictures, draws=200)  # noqa: B023
        covered += figure.low <= 0.7602 <= figure.high
    assert covered >= 70


# --- Selective answering -----------------------------------------------------------------------------------


def test_risk_and_coverage_by_hand():
    sure, right = np.array([0.9, 0.8, 0.8, 0.4]), np.array([True, True, False, False])
    assert curve(sure, right) == ((0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5))
    assert aurc(sure, right)[0] == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert coverage_at(sure, right, 0.05)[0] == 0.25 and coverage_at(sure, right, 0.4)[0] == 0.75
    assert coverage_at(sure, np.zeros(4, bool))[0] == 0


def test_a_confidence_that_knows_nothing_leaves_the_risk_as_it_is():
    right = np.arange(100) % 4 > 0
    assert aurc(np.full(100, 0.5), right)[0] == pytest.approx(0.25)


def test_the_threshold_keeps_the_risk_and_leaves_enough_answers():
    given = answers(2000)
    threshold = threshold_for(given.confidences, given.correct)
    confidences = np.array(given.confidences)
    kept = confidences >= threshold
    assert (~given.correct[kept]).mean() <= 0.05 and kept.sum() >= 30
    below = confidences >= confidences[confidences < threshold].max()
    assert (~given.correct[below]).mean() > 0.05
    assert threshold_for(given.confidences, np.zeros(2000, bool)) is None
    assert threshold_for([0.9] * 29, [True] * 29) is None and threshold_for([0.9] * 30, [True] * 30) == 0.9


def test_what_a_threshold_does_is_counted_on_the_test_set():
    found = selective([0.9, 0.9, 0.5, 0.4], [True, False, False, True], ["1", "1", "2", "3"], threshold=0.5)
    assert found.answered.value == 0.75 and found.wrong.value == pytest.approx(2 / 3)
    assert found.wrong.n == 3 and found.wrong.clusters == 2
    nobody = selective([0.3], [True], ["1"], threshold=0.9)
    assert nobody.answered.value == 0 and nobody.wrong is None


# --- All of it ---------------------------------------------------------------------------------------------


def test_temperature_and_threshold_come_from_the_calibration_answers_alone():
    test, fitted = answers(300, 3.0), answers(200, 3.0, seed=1)
    found = trust(test, fitted)
    assert found.temperature == fit_temperature(fitted.chances, fitted.correct) != 1
    assert found.selective.threshold == threshold_for(fitted.confidences, fitted.correct)
    assert found.calibrated_on == (200, 50) and found.after.nll.value < found.before.nll.value
    wrong = 1 - np.asarray(test.correct)
    assert found.wrong.auroc.value == pytest.approx(sklearn.roc_auc_score(wrong, -np.array(test.confidences)))
    written = found.as_json()
    assert written["enough"] and written["wrong"]["share"]["value"] == pytest.approx(wrong.mean())
    assert {"before", "after", "selective", "temperature"} <= written.keys()


def test_without_enough_calibration_answers_nothing_is_fitted():
    for fitted in (None, answers(29)):
        found = trust(answers(100), fitted)
        assert found.temperature is found.after is found.calibrated_on is found.selective.threshold is None
        assert found.before.ece > 0


def test_below_thirty_answers_there_are_counts_and_no_figures():
    found = trust(answers(29), answers(200)).as_json()
    assert not found["enough"] and found["before"] is found["selective"] is None
    assert found["wrong"]["share"]["text"].endswith("of 29")
