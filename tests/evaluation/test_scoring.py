"""Every rule of METHOD, section 2, "Scoring", by hand."""

import pytest

from leaml.errors import DataError
from leaml.evaluation.scoring import normalise, parse_choice, parse_count, parse_set, score
from leaml.records import REGIONS

YES_NO = ("yes", "no")
AMOUNTS = ("fewer than 8", "8 to 15", "more than 15")
SHARES = ("under 8 %", "8 to 16 %", "over 16 %")
FINDINGS = ("polyp", "ulcerative colitis")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  The Polyp. ", "polyp"),
        ("an Upper-Left corner", "upper left corner"),
        ("twenty-one cells", "21 cells"),
        ("two hundred", "200"),
        ("Grey colour, centre", "gray color center"),
        ("under 8%", "under 8 %"),
        ("8–15", "8 to 15"),
        ("1,000", "1000"),
        ("2.5mm", "2.5 mm"),
        ("isn't", "is not"),
        ("hepatitis A", "hepatitis a"),
        ("ＦＵＬＬ　ＷＩＤＴＨ", "full width"),
        ("", ""),
        ("?!", ""),
    ],
)
def test_text_is_normalised(text, normal):
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("Yes.", "yes"),
        ("yes, there is", "yes"),
        ("no polyp", "no"),
        ("There is no polyp.", "no"),
        ("not a polyp", "no"),
        ("It isn't visible", "no"),
        ("none", "no"),
        ("normal", None),
        ("abnormal", None),
        ("yesterday", None),
        ("there is a polyp", None),
        ("no, yes", None),
        ("yes and no", None),
        ("I am not sure", None),
        ("cannot tell", None),
        ("no idea", None),
        ("Yes, no doubt", "yes"),
        ("", None),
    ],
)
def test_yes_and_no_are_parsed_as_whole_words(written, label):
    assert parse_choice(written, YES_NO) == label


@pytest.mark.parametrize(
    ("written", "choices", "label"),
    [
        ("8 to 15", AMOUNTS, "8 to 15"),
        ("8-15 cells", AMOUNTS, "8 to 15"),
        ("More than 15!", AMOUNTS, "more than 15"),
        ("over fifteen", AMOUNTS, "more than 15"),
        ("less than eight", AMOUNTS, "fewer than 8"),
        ("15", AMOUNTS, None),
        ("8 to 15 or more than 15", AMOUNTS, None),
        ("under 8%", SHARES, "under 8 %"),
        ("8 % to 16 percent", SHARES, "8 to 16 %"),
        ("over 16 %", SHARES, "over 16 %"),
        ("no polyp", ("polyp", "no polyp"), "no polyp"),
        ("5 mm", ("5 mm", "5 cm", "15 mm"), "5 mm"),
        ("15mm", ("5 mm", "15 mm"), "15 mm"),
        ("A", ("A", "B"), "A"),
        ("-", ("+", "-"), "-"),
        ("red, white", ("red, white", "blue"), "red, white"),
    ],
)
def test_the_longest_label_is_found_first(written, choices, label):
    assert parse_choice(written, choices) == label


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("It is an ulcerative colitis.", "ulcerative colitis"),
        ("polyp or ulcerative colitis", None),
        ("not a polyp but ulcerative colitis", "ulcerative colitis"),
        ("polyp rather than ulcerative colitis", "polyp"),
        ("no evidence of a polyp", None),
        ("neither polyp nor ulcerative colitis", None),
        ("colitis", None),
    ],
)
def test_a_denied_or_doubled_label_is_not_an_answer(written, label):
    assert parse_choice(written, FINDINGS) == label


def test_a_percent_sign_may_be_left_out_where_nothing_else_is_meant():
    shares = ("under 8 %", "8 to 16 %", "over 16 %")
    assert [parse_choice(text, shares) for text in ("8 to 16", "8-16%", "under 8", "8", "16")] == [
        "8 to 16 %", "8 to 16 %", "under 8 %", None, None,
    ]  # fmt: skip
    assert parse_choice("8", ("8", "8 %")) == "8" and parse_choice("8 percent", ("8", "8 %")) == "8 %"


def test_a_label_comes_back_as_the_choices_spell_it():
    assert parse_choice("YES", ("Yes", "No")) == "Yes"


@pytest.mark.parametrize(
    ("written", "regions"),
    [
        ("upper left", {"upper-left"}),
        ("At the top left.", {"upper-left"}),
        ("left upper quadrant", {"upper-left"}),
        ("middle left", {"center-left"}),
        ("left centre", {"center-left"}),
        ("bottom middle", {"lower-center"}),
        ("in the middle", {"center"}),
        ("center; center-left", {"center", "center-left"}),
        ("lower center and lower-right", {"lower-center", "lower-right"}),
        ("not in the center but upper left", {"upper-left"}),
        ("upper-left and right", None),
        ("slightly left of center", None),
        ("left", None),
        ("banana", None),
    ],
)
def test_regions_are_understood_in_common_words(written, regions):
    assert parse_set(written, REGIONS) == (None if regions is None else frozenset(regions))


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("3", 3),
        ("Two platelets.", 2),
        ("twenty-one", 21),
        ("none", 0),
        ("There are no platelets", 0),
        ("about 5", 5),
        ("3.0", 3),
        ("1,000", 1000),
        ("2 or 3", None),
        ("8 to 15", None),
        ("more than 15", None),
        ("at least 3", None),
        ("3 or more", None),
        ("2.5", None),
        ("-3", None),
        ("50 %", None),
        ("many", None),
        ("no idea", None),
        ("9" * 5000, None),
    ],
)
def test_one_whole_number_is_a_count(written, count):
    assert parse_count(written) == count


def test_a_count_that_is_off_by_one_is_near_and_wrong():
    assert score("3", "four", "count").near and not score("3", "four", "count").correct
    assert score("3", "3", "count").near and score("3", "3", "count").correct
    assert not score("3", "5", "count").near


def test_an_unparsable_answer_is_wrong():
    for type in ("yes/no", "single choice", "colour", "location", "multiple choice", "count"):
        result = score("yes", "…", type, YES_NO)
        assert not result.correct and result.parsed is None and result.f1 == 0


def test_a_model_that_always_says_yes_is_right_where_yes_is_expected():
    expected = ["yes", "no", "no", "yes", "no"]
    assert [score(answer, "Yes", "yes/no").correct for answer in expected] == [True, False, False, True, False]


def test_a_set_is_right_only_when_whole_and_f1_stands_apart():
    whole = score("center; lower-center", "lower center, center", "multiple choice", REGIONS)
    part = score("center; lower-center", "center", "multiple choice", REGIONS)
    more = score("center", "center; upper-left", "location")
    assert whole.correct and whole.f1 == 1
    assert not part.correct and part.f1 == pytest.approx(2 / 3)  # precision 1, recall 1/2
    assert not more.correct and more.f1 == pytest.approx(2 / 3)  # precision 1/2, recall 1


def test_a_set_without_choices_is_compared_by_its_pieces():
    assert score("forceps; snare", "Snare and forceps", "multiple choice").correct


def test_colours_are_known_without_choices():
    assert score("grey", "It is gray.", "colour").correct
    assert not score("red", "red and white", "colour").correct
    assert score("dark red", "dark red", "colour").correct and not score("dark red", "red", "colour").correct
    assert score("ochre", "Ochre", "colour").correct
    assert score("pink; red", "red and pink", "colour").correct


def test_a_place_outside_the_nine_regions_is_compared_as_text():
    assert score("sigmoid colon", "The sigmoid colon", "location").correct
    assert not score("sigmoid colon", "upper left", "location").correct


def test_without_choices_naming_the_answer_among_others_is_not_enough():
    assert not score("polyp", "polyp or colitis", "single choice").correct
    assert score("polyp", "A polyp.", "single choice").correct


def test_open_answers_match_after_normalising_and_have_token_f1():
    assert score("two small polyps", "2 small polyps.", "open").correct
    part = score("a small red polyp", "a red polyp with a stalk", "open")
    assert not part.correct and part.f1 == pytest.approx(2 * 2 / (3 + 4))  # small red polyp; red polyp with stalk
    assert not score("-", "!", "open").correct


def test_an_expected_answer_outside_the_choices_can_still_be_met():
    assert score("green", "green", "single choice", ("red", "blue")).correct
    assert not score("green", "red", "single choice", ("red", "blue")).correct


def test_an_unknown_type_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="single choice"):
        score("1", "1", "essay")


def test_long_hostile_answers_are_scored_quickly():
    assert not score("yes", "1" + " " * 200_000 + "- " * 50_000, "yes/no").correct
    assert not score("center", "upper " * 50_000, "location").correct
