"""Free prose on scenes: every sentence holds, in scenes whose truth is known by hand."""

import random
import re
from dataclasses import replace
from functools import cache

import pytest

from leaml.nano.pretrain import CAPTION_WORDINGS
from leaml.nano.scene_prose import WORDINGS, prose
from leaml.nano.scenes import COLOURS, SHAPES, Item, draw_scene

RED = Item("circle", "red", 0.2, 0.2, 0.15)
BLUE = Item("star", "blue", 0.8, 0.8, 0.07)
BLUE_TOO = Item("star", "blue", 0.8, 0.2, 0.07)


@cache
def sentences(*items) -> set[str]:
    """Everything that is said of a scene of these objects, on gray."""
    scene = replace(draw_scene(random.Random(0)), items=items, ground="gray")
    texts = (prose(scene, random.Random(seed)) for seed in range(1500))
    return {sentence for text in texts for sentence in re.split(r"(?<=\.) ", text)}


def test_all_that_is_said_of_one_large_red_circle_is_true():
    said = sentences(RED)
    assert len(said) > 100
    for sentence in said:
        negative = re.search(r"\b(no|nothing|without)\b|empty", sentence, re.IGNORECASE)
        words = set(re.findall(r"[a-z-]+", sentence.lower()))
        if negative:
            assert not words & {"circle", "circles", "red", "upper-left"}, sentence
        elif not re.search("background|ground|Behind", sentence):
            assert not words & ({*SHAPES, *COLOURS, "small", "lower-right", "center"} - {"circle", "red"}), sentence
            assert not words & {"two", "three", "all", "left", "above"}, sentence


@pytest.mark.parametrize(
    ("sentence", "held"),
    [
        ("There are three objects.", True),
        ("Two stars are visible.", True),
        ("One star is visible.", False),
        ("Two of them are blue.", True),
        ("The largest is red.", True),
        ("The large one is blue.", False),
        ("The red circle is left of the blue star.", False),  # of which one?
        ("It shows no heart.", True),
        ("There is no star.", False),
        ("The center is empty.", True),
        ("The upper-right is empty.", False),
        ("The background is gray.", True),
    ],
)
def test_it_says_what_holds_of_three_objects_and_nothing_else(sentence, held):
    said = sentences(RED, BLUE, BLUE_TOO)
    assert (sentence in said) is held


def test_relations_are_told_the_right_way_round():
    said = sentences(RED, BLUE)
    assert "The red circle is left of the blue star." in said
    assert "The blue star lies below the red circle." in said
    assert not {s for s in said if "red circle" in s and re.search("red circle .* (right of|below)", s)}


def test_an_empty_scene_is_told_to_be_empty():
    said = sentences()
    assert "The picture is empty." in said
    assert not {s for s in said if re.search(r"\b(is|are) (seen|visible|shown|present)", s) and not s.startswith("No")}


def test_the_same_seed_writes_the_same_and_requests_differ_from_those_for_captions():
    scene = draw_scene(random.Random(3))
    assert prose(scene, random.Random(5)) == prose(scene, random.Random(5))
    assert not {*WORDINGS} & {*CAPTION_WORDINGS}
