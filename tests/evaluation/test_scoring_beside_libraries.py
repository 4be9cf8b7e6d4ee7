"""The same answers, scored by scikit-learn and torchmetrics: shares, sets, words; and the traps by hand."""

import random
from pathlib import Path

import pytest
from sklearn import metrics as sklearn
from sklearn.preprocessing import MultiLabelBinarizer
from torchmetrics.functional.text import squad

from leaml.evaluation.compare import credit
from leaml.evaluation.metrics import blind_majority, by, rate, scores
from leaml.evaluation.scoring import score
from leaml.records import REGIONS, Question

FINDINGS = ("polyp", "instrument", "stool", "bubbles", "none")
WORDS = ("flat", "polyp", "in", "left", "colon", "near", "ulcer", "with", "red", "edge")


def ask(type: str, answer: str, place: int, choices: tuple[str, ...] = ()) -> Question:
    return Question(Path(f"{place // 4}.png"), f"{type}?", answer, type, "test", choices=choices)


def test_shares_of_labels_are_scikit_learns_accuracy():
    drawn = random.Random(1)
    truth, said = ([drawn.choice(FINDINGS) for _ in range(200)] for _ in range(2))
    asked = [ask("single choice", answer, place, FINDINGS) for place, answer in enumerate(truth)]
    right = [one.correct for one in scores(asked, [f"It is {text.upper()}." for text in said])]
    pictures = [str(question.image) for question in asked]
    assert rate(right, pictures).value == pytest.approx(sklearn.accuracy_score(truth, said))
    recall = sklearn.recall_score(truth, said, labels=FINDINGS, average=None)
    per_label = by(asked, right, lambda question: question.answer)
    assert [per_label[label].value for label in FINDINGS] == pytest.approx(list(recall))


@pytest.mark.parametrize(("type", "choices"), [("multiple choice", FINDINGS), ("location", REGIONS)])
def test_sets_have_scikit_learns_f1_and_subset_accuracy(type, choices):
    drawn = random.Random(2)
    truth, said = ([drawn.sample(choices, drawn.randint(1, 3)) for _ in range(120)] for _ in range(2))
    asked = [ask(type, "; ".join(members), place, choices) for place, members in enumerate(truth)]
    found = scores(asked, [", ".join(members) for members in said])
    binary = MultiLabelBinarizer(classes=choices).fit(truth)
    theirs = sklearn.f1_score(binary.transform(truth), binary.transform(said), average="samples")
    assert credit(asked, found)[type]["f1"].value == pytest.approx(theirs)
    exact = sklearn.accuracy_score(binary.transform(truth), binary.transform(said))
    assert sum(one.correct for one in found) / 120 == pytest.approx(exact)


def test_open_answers_have_the_exact_match_and_f1_of_squad():
    drawn = random.Random(3)
    truth, said = ([" ".join(drawn.choices(WORDS, k=drawn.randint(2, 6))) for _ in range(80)] for _ in range(2))
    said = [true if place % 5 == 0 else text for place, (true, text) in enumerate(zip(truth, said, strict=True))]
    asked = [ask("open", f"The {true}.", place) for place, true in enumerate(truth)]
    found = scores(asked, said)
    theirs = squad(
        [{"prediction_text": text, "id": str(place)} for place, text in enumerate(said)],
        [{"answers": {"answer_start": [0], "text": [one.answer]}, "id": str(i)} for i, one in enumerate(asked)],
    )
    assert 100 * credit(asked, found)["open"]["f1"].value == pytest.approx(float(theirs["f1"]), abs=1e-3)
    assert 100 * sum(one.correct for one in found) / 80 == pytest.approx(float(theirs["exact_match"]))


def test_counts_by_hand_with_those_off_by_one_apart():
    said = ("three", "2", "4 polyps", "5", "many")
    found = [score("3", text, "count") for text in said]
    assert [one.correct for one in found] == [True, False, False, False, False]
    assert [one.near for one in found] == [True, True, True, False, False]


# --- Traps -------------------------------------------------------------------------------------------------


def test_a_model_that_always_says_yes_has_the_share_of_yes_and_no_more():
    truth = ["yes"] * 30 + ["no"] * 10
    asked = [ask("yes/no", answer, place) for place, answer in enumerate(truth)]
    right = [one.correct for one in scores(asked, ["yes"] * 40)]
    assert rate(right, [str(place) for place in range(40)]).value == 0.75
    assert right == blind_majority(asked, asked)
    assert by(asked, right, lambda question: question.answer)["no"].value == 0


@pytest.mark.parametrize(
    "text",
    ["normal", "unusual, normal mucosa", "abnormal", "known", "yes or no", "no, yes", "maybe", "", "cannot say"],
)
def test_what_names_no_label_or_two_is_wrong_and_is_counted(text):
    for expected in ("yes", "no"):
        found = score(expected, text, "yes/no")
        assert not found.correct and found.parsed is None and found.f1 == 0.0
    assert rate([score("no", text, "yes/no").correct, True], ["1", "2"]).n == 2


def test_an_answer_that_names_two_choices_is_wrong_whichever_is_right():
    for expected in ("polyp", "ulcer"):
        assert not score(expected, "polyp or ulcer", "single choice", ("polyp", "ulcer")).correct
    found = score("polyp", "polyp; stool", "multiple choice", FINDINGS)
    assert not found.correct and found.f1 == pytest.approx(2 / 3)
