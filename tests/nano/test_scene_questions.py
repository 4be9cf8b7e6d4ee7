"""Questions on scenes: answers worked out by hand, and every question that is asked reads back to its own answer."""

import random
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from leaml.nano import scene_questions
from leaml.nano.scene_phrases import (
    any_phrase,
    find,
    only,
    options_of,
    options_text,
    pointing,
    points_surely,
    read_phrase,
)
from leaml.nano.scene_questions import (
    TEMPLATES,
    TYPE_WEIGHTS,
    Asked,
    ask,
    ask_several,
    caption,
    objects_in,
    readings,
    true_answer,
)
from leaml.nano.scenes import TRAINING, Item, Scene, draw_scene
from leaml.records import QUESTION_TYPES, REGIONS, SET_SEPARATOR

LARGE, SMALL = 0.15, 0.07
QUICK = replace(TRAINING, sides=(24,))
"""Scenes that take no time to draw."""


def scene_of(*items: Item, ground: str = "white") -> Scene:
    return Scene(Image.new("RGB", (8, 8)), np.zeros((64, 64), np.uint8), items, ground, "plain")


FIVE = scene_of(
    Item("circle", "red", 0.20, 0.20, LARGE),
    Item("star", "blue", 0.80, 0.22, SMALL),
    Item("square", "red", 0.50, 0.50, SMALL),
    Item("cross", "green", 0.20, 0.80, LARGE),
    Item("cross", "blue", 0.80, 0.85, SMALL),
)
TWO = scene_of(Item("heart", "pink", 0.25, 0.50, SMALL), Item("ellipse", "orange", 0.75, 0.54, LARGE), ground="black")
CROWDED = scene_of(Item("ring", "cyan", 0.10, 0.10, SMALL), Item("ring", "gray", 0.25, 0.25, SMALL), ground="yellow")
EMPTY = scene_of(ground="brown")


WORKED = {
    "exists": [
        (FIVE, "Is there a star?", "yes"), (FIVE, "Is there an ellipse?", "no"),
        (FIVE, "Can you see a red circle?", "yes"), (FIVE, "Is a large star visible?", "no"),
        (FIVE, "Are there any small red squares?", "yes"), (TWO, "Are any hearts visible?", "yes"),
        (FIVE, "Is there an object?", "yes"), (EMPTY, "Is there an object?", "no"),
    ],
    "is colour": [
        (FIVE, "Is the star blue?", "yes"), (FIVE, "Is the colour of the large cross red?", "no"),
        (FIVE, "Is the color of the circle red?", "yes"),
    ],
    "is shape": [
        (TWO, "Is the orange object an ellipse?", "yes"), (TWO, "Is the large object a heart?", "no"),
        (FIVE, "Is the green object shaped like a cross?", "yes"),
    ],
    "is size": [(FIVE, "Is the star small?", "yes"), (FIVE, "Is the green object small?", "no")],
    "is in region": [
        (FIVE, "Is the square in the center?", "yes"), (FIVE, "Does the star lie in the center-right?", "no"),
        (TWO, "Is the heart in the center-left?", "yes"),
    ],
    "relation": [
        (FIVE, "Is the circle left of the star?", "yes"), (FIVE, "Is the circle to the right of the star?", "no"),
        (FIVE, "Does the star lie above the square?", "yes"), (FIVE, "Is the star below the square?", "no"),
        (FIVE, "Is the green cross below the circle?", "yes"),
    ],
    "more": [
        (FIVE, "Are there more crosses than stars?", "yes"), (FIVE, "Are there more stars than squares?", "no"),
        (FIVE, "Are there more objects than crosses?", "yes"), (EMPTY, "Are there more rings than hearts?", "no"),
    ],
    "number": [
        (FIVE, "Are there 2 crosses?", "yes"), (FIVE, "Are there exactly 3 crosses?", "no"),
        (FIVE, "Are there 5 objects?", "yes"), (FIVE, "Are there 2 large objects?", "yes"),
    ],
    "ground is": [
        (FIVE, "Is the background white?", "yes"), (TWO, "Is the background of the picture pink?", "no"),
    ],
    "occupied": [
        (FIVE, "Is there anything in the center?", "yes"), (FIVE, "Is there anything in the upper-center?", "no"),
        (CROWDED, "Is there an object in the upper-left of the picture?", "yes"),
    ],
    "size": [
        (FIVE, "Is the star small or large?", "small"), (FIVE, "Which size is the circle: small or large?", "large"),
        (TWO, "What is the size of the orange object: small or large?", "large"),
    ],
    "colour options": [
        (FIVE, "Is the star red, blue or cyan?", "blue"),
        (FIVE, "Which colour is the large cross: green or blue?", "green"),
        (FIVE, "What color is the square: white or red?", "red"),
    ],
    "shape options": [
        (TWO, "Which shape is the pink object: ring, heart, or star?", "heart"),
        (FIVE, "What is the green object: cross or star?", "cross"),
        (FIVE, "What type of shape is the green object: circle, star or cross?", "cross"),
    ],
    "shown": [
        (FIVE, "Which is shown: a red star or a blue star?", "a blue star"),
        (FIVE, "Which is in the picture: a cross or an ellipse?", "a cross"),
        (FIVE, "Which is shown: a green circle or a circle?", "a circle"),
    ],
    "left or right": [
        (FIVE, "Is the circle left or right of the star?", "left"),
        (FIVE, "Is the blue cross to the left or right of the green cross?", "right"),
    ],
    "above or below": [
        (FIVE, "Is the circle above or below the square?", "above"),
        (FIVE, "Is the green cross above or below the square?", "below"),
    ],
    "bands": [
        (FIVE, "About how many crosses are there: fewer than 2, 2 to 3, or more than 3?", "2 to 3"),
        (FIVE, "How many objects are visible: fewer than 2, 2 to 4, or more than 4?", "more than 4"),
        (FIVE, "How many stars are visible: fewer than 3, 3 to 4, or more than 4?", "fewer than 3"),
    ],
    "larger": [
        (FIVE, "Which is larger: the star or the circle?", "the circle"),
        (FIVE, "Which is bigger: the green cross or the blue cross?", "the green cross"),
    ],
    "shapes shown": [
        (FIVE, "Which of these shapes are shown: star, heart or cross?", "star; cross"),
        (FIVE, "Which shapes are in the picture: cross, heart, star or ring?", "cross; star"),
        (FIVE, "Which of these are visible: heart, ring or ellipse?", "none"),
    ],
    "colours shown": [
        (FIVE, "Which of these colours do the objects have: white, green or red?", "green; red"),
        (EMPTY, "Which of these colors are shown: brown, red or blue?", "none"),
    ],
    "regions": [
        (FIVE, "Where are the crosses? Name every region.", "lower-left; lower-right"),
        (FIVE, "Which regions hold a red object? Name every region.", "upper-left; center"),
        (CROWDED, "Where in the image is a ring? Name every region.", "upper-left"),
    ],
    "colour": [
        (FIVE, "What colour is the star?", "blue"), (FIVE, "What is the color of the large cross?", "green"),
        (TWO, "Which colour does the small object have?", "pink"),
    ],
    "colour in region": [
        (FIVE, "What colour is the object in the center?", "red"),
        (TWO, "What color is the object in the center-right?", "orange"),
    ],
    "ground": [
        (EMPTY, "What colour is the background?", "brown"), (TWO, "What is the color of the background?", "black"),
    ],
    "where": [
        (FIVE, "Where is the star?", "upper-right"), (FIVE, "In which region is the small red object?", "center"),
        (FIVE, "In which region does the middle of the blue cross lie?", "lower-right"),
    ],
    "count": [
        (FIVE, "How many crosses are there?", "2"), (FIVE, "How many small blue objects can you see?", "2"),
        (FIVE, "How many diamonds are in the picture?", "0"), (EMPTY, "How many objects are visible?", "0"),
    ],
    "shape": [
        (FIVE, "What shape is the green object?", "cross"), (TWO, "What is the shape of the large object?", "ellipse"),
    ],
    "shape in region": [
        (FIVE, "What shape is the object in the upper-right?", "star"),
        (TWO, "What is the shape of the object in the center-left?", "heart"),
    ],
    "content": [
        (FIVE, "What is in the center?", "a red square"), (FIVE, "What do you see in the upper-center?", "nothing"),
        (TWO, "What is shown in the center-right?", "an orange ellipse"),
    ],
    "neighbour": [
        (TWO, "What is right of the heart?", "an orange ellipse"),
        (TWO, "What do you see left of the ellipse?", "a pink heart"),
    ],
    "kind": [
        (TWO, "What is the large object?", "an orange ellipse"),
        (FIVE, "What kind of object is the green object?", "a green cross"),
    ],
}  # fmt: skip

WITHOUT_SINGLE_ANSWER = {
    "several fit the phrase": [
        (FIVE, "What colour is the cross?"), (FIVE, "Where is the red object?"), (FIVE, "Is the cross small?"),
        (FIVE, "Is the cross left of the star?"), (FIVE, "What shape is the blue object?"),
        (FIVE, "Is the cross in the center?"), (FIVE, "Which is larger: the cross or the star?"),
        (CROWDED, "What is in the upper-left?"), (CROWDED, "What colour is the object in the upper-left?"),
        (FIVE, "What is the red object?"),
    ],
    "nothing fits the phrase": [
        (FIVE, "What colour is the heart?"), (EMPTY, "Where is the object?"),
        (FIVE, "Where are the hearts? Name every region."), (FIVE, "Is the ring red or blue?"),
        (FIVE, "What shape is the object in the upper-center?"),
    ],
    "nearly level": [
        (FIVE, "Is the circle above the star?"), (FIVE, "Is the circle above or below the star?"),
        (TWO, "What is above the ellipse?"), (FIVE, "Is the blue cross right of the star?"),
    ],
    "nothing stands there": [(TWO, "What is left of the heart?")],
    "more than two objects": [(FIVE, "What is left of the star?")],
    "as large as the other": [(FIVE, "Which is larger: the star or the square?")],
    "with itself": [
        (FIVE, "Are there more stars than stars?"), (FIVE, "Is the star left of the blue star?"),
        (FIVE, "Which of these shapes are shown: star, star or ring?"),
    ],
    "both or neither shown": [
        (FIVE, "Which is shown: a star or a cross?"), (FIVE, "Which is shown: a heart or a ring?"),
    ],
    "true answer not offered": [
        (FIVE, "Is the star red or green?"), (FIVE, "Which shape is the green object: star or ring?"),
    ],
    "more than three regions": [(FIVE, "Where are the objects? Name every region.")],
    "bands that overlap": [(FIVE, "About how many stars are there: fewer than 3, 3 to 2, or more than 2?")],
    "unknown words": [
        (FIVE, "Is there a polyp?"), (FIVE, "Is the star shiny?"), (FIVE, "What is in the middle?"),
        (FIVE, "Is the background sky?"), (FIVE, "Which of these shapes are shown: star, polyp or cross?"),
        (FIVE, "Is the star beside the circle?"), (FIVE, ""),
    ],
}  # fmt: skip


def worked(table: dict[str, list]) -> list:
    return [pytest.param(*row, id=f"{name}: {row[1]}") for name, rows in table.items() for row in rows]


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Scene, list[Asked]]]:
    """300 scenes, each with its questions: some by chance, and one of every type that fits."""
    found = []
    for seed in range(300):
        rng = random.Random(f"questions {seed}")
        scene = draw_scene(rng)
        asked = ask_several(scene, rng, 10)
        asked += [extra for kind in QUESTION_TYPES if (extra := ask(scene, rng, kind))]
        found.append((scene, asked))
    return found


def all_asked(scenes) -> list[Asked]:
    return [asked for _, several in scenes for asked in several]


# --- By hand -----------------------------------------------------------------------------------------------


def test_every_template_is_worked_by_hand():
    assert WORKED.keys() == {template.name for template in TEMPLATES}


@pytest.mark.parametrize(("scene", "question", "answer"), worked(WORKED))
def test_answer_is_that_worked_by_hand(scene, question, answer):
    assert {asked.answer for asked in readings(question, scene)} == {answer}


@pytest.mark.parametrize("name", WORKED)
def test_type_is_that_of_the_template(name):
    (kind,) = [template.type for template in TEMPLATES if template.name == name]
    for scene, question, _ in WORKED[name]:
        assert true_answer(question, scene).type == kind


@pytest.mark.parametrize(("scene", "question"), worked(WITHOUT_SINGLE_ANSWER))
def test_no_answer_where_there_is_no_single_one(scene, question):
    assert list(readings(question, scene)) == []


def test_case_and_spacing_do_not_matter():
    assert true_answer("  is the  STAR Blue? ", FIVE).answer == "yes"
    assert true_answer("Which is Larger: the Star or the Circle?", FIVE).answer == "the circle"


def test_choices_are_those_of_the_question():
    chosen = {
        "Is the star small or large?": ("small", "large"),
        "Is the star red, blue or cyan?": ("red", "blue", "cyan"),
        "Is the circle left or right of the star?": ("left", "right"),
        "Which is larger: the star or the circle?": ("the star", "the circle"),
        "Which is shown: a red star or a blue star?": ("a red star", "a blue star"),
        "How many stars are visible: fewer than 2, 2 to 3, or more than 3?": ("fewer than 2", "2 to 3", "more than 3"),
        "Is there a star?": ("yes", "no"),
        "Where is the star?": REGIONS,
        "Where are the crosses? Name every region.": REGIONS,
        "How many crosses are there?": (),
        "What colour is the star?": (),
    }
    assert {question: true_answer(question, FIVE).choices for question in chosen} == chosen


# --- Phrases -----------------------------------------------------------------------------------------------


def test_phrases_are_read_with_articles_and_in_the_plural():
    assert read_phrase("a large red circle") == ("large", "red", "circle")
    assert read_phrase("The Crosses") == ("", "", "cross")
    assert read_phrase("small things") == ("small", "", "")
    assert [read_phrase(text) for text in ("", "red", "a polyp", "red large circle", "circle red")] == [None] * 5


def test_a_pointing_phrase_names_just_that_object_and_keeps_back_what_is_asked(scenes):
    rng = random.Random(1)
    hidden = {"colour": lambda item: item.colour, "shape": lambda item: item.shape, "size": lambda item: item.size}
    for scene, _ in scenes[:150]:
        for without, read in hidden.items():
            phrase = pointing(scene, rng, without)
            if phrase is None:
                continue
            named = read_phrase(phrase)
            assert named[("size", "colour", "shape").index(without)] == ""
            assert read(only(scene, phrase)) not in phrase.split()
        for item in scene.items:
            phrase = pointing(scene, rng, item=item)
            assert phrase is None or only(scene, phrase) is item


def test_any_phrase_names_something_about_half_of_the_time(scenes):
    rng = random.Random(2)
    named = [bool(find(scene, any_phrase(scene, rng))) for scene, _ in scenes if scene.items for _ in range(4)]
    assert 0.5 < sum(named) / len(named) < 0.75


def test_options_read_back():
    assert options_text(("red", "blue")) == "red or blue"
    for text in ("red, blue, or light green", "red, blue or light green", "red or blue or light green"):
        assert options_of(text) == ("red", "blue", "light green")


# --- Drawn scenes ------------------------------------------------------------------------------------------


def test_every_question_reads_back_to_its_own_answer_and_no_other(scenes):
    for scene, several in scenes:
        for asked in several:
            read = list(readings(asked.question, scene))
            assert {(r.answer, r.type, r.choices) for r in read} == {(asked.answer, asked.type, asked.choices)}, asked


def test_no_scene_answers_a_question_in_two_ways(scenes):
    for (scene, _), (_, strange) in pairwise(scenes):
        for asked in strange[:6]:  # asked of another scene, so often with other answers, or none
            assert len({(r.answer, r.type) for r in readings(asked.question, scene)}) <= 1, asked


def test_every_type_template_and_wording_is_asked():
    assert {template.type for template in TEMPLATES} == set(QUESTION_TYPES) == set(TYPE_WEIGHTS)
    missing, rng = set(scene_questions._readers()), random.Random(4)
    for _ in range(2500):
        scene = draw_scene(rng, QUICK)
        for asked in ask_several(scene, rng, 10):
            read = [(reader, reader[1].match(asked.question)) for reader in missing if reader[0].type == asked.type]
            missing -= {reader for reader, m in read if m and reader[0].answer(scene, m.groupdict()) == asked.answer}
        if not missing:
            break
    assert missing == set()


def test_types_are_asked_about_as_often_as_their_weights_say(scenes):
    counted = Counter(asked.type for scene, several in scenes for asked in several[:10] if scene.items)
    total, weights = counted.total(), sum(TYPE_WEIGHTS.values())
    for kind, weight in TYPE_WEIGHTS.items():
        assert 0.6 * weight / weights < counted[kind] / total < 1.6 * weight / weights


def test_answers_are_among_the_choices(scenes):
    for asked in all_asked(scenes):
        if asked.type == "multiple choice":
            assert asked.answer == "none" or set(asked.answer.split(SET_SEPARATOR)) <= set(asked.choices)
        elif asked.choices:
            assert asked.answer in asked.choices
        assert len(set(asked.choices)) == len(asked.choices) != 1


def test_questions_are_plain_english(scenes):
    for asked in all_asked(scenes):
        assert re.fullmatch(r"[A-Z][a-z0-9 ,:-]+\?( Name every region\.)?", asked.question), asked
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|crosss|  |\{", asked.question + " " + asked.answer), asked


def test_questions_on_one_scene_differ(scenes):
    for scene, _ in scenes[:50]:
        several = ask_several(scene, random.Random(3), 12)
        assert len({asked.question for asked in several}) == len(several) <= 12


def test_yes_and_no_are_about_equally_frequent(scenes):
    counted = Counter(asked.answer for asked in all_asked(scenes) if asked.type == "yes/no")
    assert 0.35 < counted["yes"] / counted.total() < 0.65


def test_an_empty_scene_can_be_asked_about_every_type_without_harm():
    rng = random.Random(5)
    for kind in QUESTION_TYPES:
        for asked in filter(None, (ask(EMPTY, rng, kind) for _ in range(40))):
            assert {r.answer for r in readings(asked.question, EMPTY)} == {asked.answer}


def test_same_seed_asks_the_same():
    assert ask_several(FIVE, random.Random(6), 12) == ask_several(FIVE, random.Random(6), 12)
    assert ask_several(FIVE, random.Random(6), 12) != ask_several(FIVE, random.Random(7), 12)


# --- Captions ----------------------------------------------------------------------------------------------


def test_a_caption_names_every_object_its_region_and_the_ground(scenes):
    for scene, _ in scenes:
        text = caption(scene, random.Random(8))
        *sentences, last = re.findall(r"[^.]+\.", text)
        assert last.strip() == f"The background is {scene.ground}."
        if not scene.items:
            assert sentences == ["The picture is empty."]
            continue
        assert objects_in(text) == [(item.colour, item.shape) for item in scene.items]
        for sentence, item in zip(sentences, scene.items, strict=True):
            assert re.search(rf"\b{item.colour} {item.shape}\b", sentence, re.IGNORECASE)
            assert re.search(rf"in the {item.region}\b(?!-)", sentence, re.IGNORECASE)
            said = re.search(r"\b(small|large)\b", sentence, re.IGNORECASE)
            assert said is None or said[1].lower() == item.size


def test_captions_differ_in_wording_and_name_sizes_at_times():
    written = {caption(FIVE, random.Random(seed)) for seed in range(60)}
    assert len(written) == 10  # five wordings, with and without sizes


def test_objects_are_found_in_free_text():
    assert objects_in("A Red circle, and below it a small blue star.") == [("red", "circle"), ("blue", "star")]
    assert objects_in("The background is red. A circle and two red circles, a bluered star.") == []


@pytest.mark.parametrize(
    ("question", "sure"),
    [
        ("Where is the red circle?", True),
        ("Is the small red circle left or right of the blue star?", True),
        ("Is the red circle left or right of the star?", False),
        ("What colour is the small object?", False),
        ("What colour is the small circle?", False),
        ("What colour is the object in the upper-left?", True),
        ("What colour is the background?", True),
        ("How many circles are there?", True),
        ("Is there a small star in the picture?", True),
    ],
)
def test_a_question_points_surely_by_colour_and_shape_or_by_place(question, sure):
    assert points_surely(question) is sure
