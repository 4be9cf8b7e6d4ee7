"""What signals decide: which pairs are kept, what they weigh, and what follows from the texts alone."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from leaml.options import GenerateOptions
from leaml.records import Pair
from leaml.training.signals import UNSEEN, Filter, fits_type, similarities, soft_weight, weight


def pair(type: str = "yes/no", image: str = "a.png", **signals: float) -> Pair:
    return Pair(Path(image), "Is it?", "yes", type, (), signals)


# --- The filter --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "enough", "short"),
    [
        ({"least_agreement": 0.5}, {"agreement": 0.5}, {"agreement": 0.49}),
        ({"least_log_probability": -1.0}, {"log_probability": -1.0}, {"log_probability": -1.01}),
        ({"least_consistency": 0.3}, {"consistency": 0.3}, {"consistency": 0.2}),
        ({"least_reanswers": 0.6}, {"reanswers": 5.0, "agreeing": 3.0}, {"reanswers": 5.0, "agreeing": 2.0}),
        ({"most_blind_agreement": 0.8}, {"blind_agreement": 0.8}, {"blind_agreement": 0.9}),
        (
            {"least_gain": 0.2},
            {"agreement": 0.75, "blind_agreement": 0.5},
            {"agreement": 0.9, "blind_agreement": 0.75},
        ),
        ({"most_similarity": 0.7}, {"similarity": 0.7}, {"similarity": 0.8}),
        ({"well_formed": True}, {"well_formed": 1.0}, {"well_formed": 0.0}),
    ],
)
def test_each_rule_lets_pass_what_reaches_it_and_what_was_not_measured(rule, enough, short):
    pairs = [pair(**enough), pair(**short), pair()]
    assert Filter(**rule).keep(pairs) == [pairs[0], pairs[2]]
    assert Filter().keep(pairs) == pairs
    assert Filter(**rule).takes_each_alone


def test_the_options_of_a_job_are_a_filter():
    options = GenerateOptions(least_agreement=0.7, most_share=0.3, well_formed=False)
    assert Filter.of(options) == Filter(
        0.7, least_log_probability=-100.0, most_similarity=options.most_similarity, most_share=0.3
    )
    names = {field.name for field in fields(Filter)}
    assert names <= GenerateOptions.model_fields.keys()


def types_of(pairs: list[Pair]) -> dict[str, int]:
    return {type: sum(pair.type == type for pair in pairs) for type in sorted({pair.type for pair in pairs})}


def some(**counts: int) -> list[Pair]:
    """So many pairs of each type, the later the surer."""
    return [pair(type, agreement=(n + 1) / (count + 1)) for type, count in counts.items() for n in range(count)]


def test_no_type_gets_more_than_its_share_and_its_best_stay():
    pairs = some(count=20, open=6, colour=4)
    kept = Filter(most_share=0.5).keep(pairs)
    assert types_of(kept) == {"colour": 4, "count": 10, "open": 6}
    assert min(one.signals["agreement"] for one in kept if one.type == "count") == pytest.approx(11 / 21)
    assert kept == [one for one in pairs if one in kept]
    # one type cannot have a smaller share than the whole, and two no smaller ones than half
    assert len(Filter(most_share=0.2).keep(some(count=9))) == 9
    assert types_of(Filter(most_share=0.2).keep(some(count=9, open=2))) == {"count": 2, "open": 2}
    assert Filter(most_share=0.2).keep([]) == []


def test_a_type_that_falls_short_gets_its_best_pairs_all_the_same():
    pairs = some(count=20) + [pair("location", agreement=a) for a in (0.1, 0.3, 0.2)]
    strict = Filter(least_agreement=0.5)
    assert types_of(strict.keep(pairs)) == {"count": 10}
    kept = replace(strict, least_share=0.2).keep(pairs)
    assert types_of(kept) == {"count": 10, "location": 2}
    assert [one.signals["agreement"] for one in kept if one.type == "location"] == [0.3, 0.2]
    assert types_of(replace(strict, least_share=1.0).keep(pairs)) == {"count": 10, "location": 3}


# --- Weights -----------------------------------------------------------------------------------------------


def test_a_pair_weighs_how_often_its_answer_would_come_again():
    assert soft_weight({}) == 1.0
    assert soft_weight({"agreement": 0.25}) == 0.25
    assert soft_weight({"agreement": 0.25, "reanswers": 4.0, "agreeing": 3.0}) == 0.75
    assert soft_weight({"agreement": 0.25, "reanswers": 4.0, "agreeing": 0.0}) == 0.0


def test_who_looked_at_a_pair_makes_it_weigh_as_a_label():
    unseen, seen = pair(agreement=0.25), replace(pair(agreement=0.25), reviewed=True)
    assert [weight(unseen, by) for by in ("equal", "signals", "verdicts")] == [1.0, 0.25, UNSEEN]
    assert [weight(seen, by) for by in ("equal", "signals", "verdicts")] == [1.0, 1.0, 1.0]


# --- Of the texts alone ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "type", "choices", "fits"),
    [
        ("yes", "yes/no", (), True), ("Yes, one.", "yes/no", (), True), ("red", "yes/no", (), False),
        ("two", "count", (), True), ("none", "count", (), True), ("red", "count", (), False),
        ("red", "colour", (), True), ("large", "colour", (), False), ("large", "colour", ("large", "small"), True),
        ("upper-left", "location", (), True), ("top left; center", "location", (), True),
        ("red", "location", (), False),
        ("b", "single choice", ("a", "b"), True), ("a or b", "single choice", ("a", "b"), False),
        ("c", "single choice", ("a", "b"), False), ("anything", "single choice", (), True),
        ("polyp; stool", "multiple choice", ("polyp", "stool", "snare"), True), ("x", "multiple choice", ("a",), False),
        ("whatever it is", "open", (), True),
    ],
)  # fmt: skip
def test_an_answer_fits_its_question_or_not(answer, type, choices, fits):
    assert fits_type(answer, type, choices) is fits


def test_the_same_question_in_other_words_is_alike_and_another_is_not():
    questions = [
        "How many polyps are there?", "How many polyps are visible in the image?", "Where is the polyp?",
        "Is there a polyp?", "Which instrument is shown?", "What instrument is seen?",
        "How much of the picture does the polyp cover: under 5 %, 5 to 20 %, or over 20 %?",
        "How much of the picture does the snare cover: under 5 %, 5 to 20 %, or over 20 %?",
    ]  # fmt: skip
    found = similarities(questions)
    assert found[0] == 0.0 and found[1] == found[5] == 1.0
    assert max(found[2], found[3], found[4]) < 0.6 and found[7] < 0.95
    assert similarities([]) == [] and similarities(["?", "?"]) == [0.0, 1.0]
