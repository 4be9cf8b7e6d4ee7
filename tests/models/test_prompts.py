"""The texts that models are given, to the letter, and what the words of a question say of its type and choices."""

import random

import pytest

from leaml.models import prompts
from leaml.models.prompts import parse_choices, question_type
from leaml.nano import phantom
from leaml.nano.scene_questions import ask
from leaml.nano.scene_templates import TEMPLATES
from leaml.nano.scenes import draw_scene
from leaml.records import QUESTION_TYPES, REGIONS

# --- What models are given ---------------------------------------------------------------------------------


def test_prompts_are_those_that_nano_was_trained_on():
    assert prompts.CAPTION == "Describe the picture."
    assert prompts.write_pair() == prompts.WRITE_PAIR == "Write a question about the picture and its answer."
    assert [prompts.write_pair(kind) for kind in QUESTION_TYPES] == [
        "Write a yes/no question about the picture and its answer.",
        "Write a single choice question about the picture and its answer.",
        "Write a multiple choice question about the picture and its answer.",
        "Write a colour question about the picture and its answer.",
        "Write a location question about the picture and its answer.",
        "Write a count question about the picture and its answer.",
        "Write an open question about the picture and its answer.",
    ]
    assert prompts.pair_text("Is there a polyp?", "no") == "Question: Is there a polyp? Answer: no"
    assert prompts.pair_lead("Is there a polyp?") == "Question: Is there a polyp? Answer:"


# --- Types and choices of questions that nobody typed ------------------------------------------------------

BLOOD_AND_ENDOSCOPY = (
    ("Are any platelets visible?", "no", "yes/no", ()),
    ("How many platelets are visible?", "0", "count", ()),
    (
        "About how many red blood cells are visible: fewer than 8, 8 to 15, or more than 15?",
        "8 to 15", "single choice", ("fewer than 8", "8 to 15", "more than 15"),
    ),
    ("Where in the picture is the white blood cell?", "center", "location", ()),
    ("Does the white blood cell touch the edge of the picture?", "no", "yes/no", ()),
    (
        "How much of the picture does the white blood cell cover: under 8 %, 8 to 16 %, or over 16 %?",
        "8 to 16 %", "single choice", ("under 8 %", "8 to 16 %", "over 16 %"),
    ),
    ("Is there a polyp in the image?", "yes", "yes/no", ()),
    (
        "Which finding is shown: polyp or ulcerative colitis?",
        "polyp", "single choice", ("polyp", "ulcerative colitis"),
    ),
    (
        "Where in the image is the polyp? Name every region that it covers.",
        "center; lower-center", "multiple choice", (),
    ),
    ("Where in the image is the polyp? Name every region that it covers.", "center", "multiple choice", ()),
    ("In which region does the middle of the polyp lie?", "center-right", "location", ()),
    (
        "How much of the frame does the polyp fill: under 5 %, 5 to 20 %, or over 20 %?",
        "5 to 20 %", "single choice", ("under 5 %", "5 to 20 %", "over 20 %"),
    ),
)  # fmt: skip
OTHER = (
    ("What colour is the star: red or blue?", "red", "single choice", ("red", "blue")),
    ("Is the star red or blue?", "Red.", "single choice", ("red", "blue")),
    ("Is the star red, blue, or green?", "green", "single choice", ("red", "blue", "green")),
    ("Which is larger, the star or the ring?", "the ring", "single choice", ("the star", "the ring")),
    ("Is the star left or right of the ring?", "left", "single choice", ("left", "right")),
    ("Is the star above or below the ring?", "above", "single choice", ("above", "below")),
    ("What colour is it? Options: red, blue, green.", "blue", "single choice", ("red", "blue", "green")),
    ("Is there a polyp: yes or no?", "Yes.", "yes/no", ("yes", "no")),
    ("Is there a green or black box artefact?", "no", "yes/no", ()),
    ("Does the picture show a red or blue star?", "yes", "yes/no", ()),
    ("Can you see any polyps or snares?", "No, there are none", "yes/no", ()),
    ("In the picture, how many red or blue stars are there?", "3", "count", ()),
    ("How many colours are there?", "4", "count", ()),
    ("What is the number of polyps?", "2", "count", ()),
    ("What colour are the stars?", "red", "colour", ()),
    ("What is the main color of the polyp?", "pink", "colour", ()),
    ("Where is the object whose colour is red?", "upper-left", "location", ()),
    ("Which region holds the polyp?", "upper-left", "location", ()),
    ("Where are the cells?", "upper-left; center", "location", ()),
    ("What is seen?", "polyp; snare", "multiple choice", ()),
    ("Which findings are shown?", "polyp", "multiple choice", ()),
    ("What kind of cells are shown?", "platelets", "open", ()),
    ("What shape is the red object?", "star", "open", ()),
    ("At 10:30, what is on the clock?", "a star", "open", ()),
    ("", "", "open", ()),
)


@pytest.mark.parametrize(("question", "answer", "kind", "choices"), BLOOD_AND_ENDOSCOPY + OTHER)
def test_type_and_choices_follow_from_the_words(question, answer, kind, choices):
    assert question_type(question, answer) == kind
    assert parse_choices(question) == choices


@pytest.mark.parametrize("template", phantom.QUESTIONS, ids=lambda template: template.question)
def test_questions_of_the_phantom_are_told_apart(template):
    answers = template.choices or ("0", "3")
    assert {question_type(template.question, answer) for answer in answers} == {template.type}
    offers = template.choices if ":" in template.question else ()
    assert parse_choices(template.question) == offers


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: f"{template.type} {template.name}")
def test_questions_on_scenes_are_told_apart(template):
    rng = random.Random(template.name)
    seen = set()
    for _ in range(2500):
        asked = ask(some_scene(rng), rng, template.type)
        if asked is None or asked.question in seen:
            continue
        seen.add(asked.question)
        assert question_type(asked.question, asked.answer) == asked.type, asked
        if asked.type == "single choice" or (asked.type == "multiple choice" and asked.choices != REGIONS):
            assert parse_choices(asked.question) == asked.choices
        if len(seen) > 60:
            break
    assert seen


_SCENES: list = []


def some_scene(rng: random.Random):
    """One of a few scenes: drawing is not what is tested."""
    if not _SCENES:
        _SCENES.extend(draw_scene(random.Random(seed)) for seed in range(30))
    return rng.choice(_SCENES)
