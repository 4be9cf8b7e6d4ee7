"""The table of question templates: wordings with slots, what may stand in them, and the function that answers.

In a wording {a_x} is x with its article and {xs} its plural; the other slots stand as they are (see `scene_answers`).
"""

from dataclasses import dataclass
from operator import attrgetter

from leaml.nano import scene_answers as answers
from leaml.nano import scene_slots as slots
from leaml.nano.scene_answers import Answer, Slots
from leaml.nano.scene_phrases import SIZES, options_of
from leaml.nano.scene_slots import Propose
from leaml.nano.scenes import COLOURS, SHAPES
from leaml.records import REGIONS


@dataclass(frozen=True, slots=True)
class Template:
    """A family of questions. `weight` says how often it is drawn among the templates of its type."""

    name: str
    type: str
    wordings: tuple[str, ...]
    propose: Propose
    answer: Answer
    weight: float = 1.0


TYPE_WEIGHTS = {
    "yes/no": 2.0, "single choice": 1.8, "multiple choice": 1.4, "colour": 1.8, "location": 1.8, "count": 1.4,
    "open": 1.8,
}  # fmt: skip
"""How often each question type is drawn."""

ALL_COLOURS = tuple(COLOURS)
SHAPE, COLOUR, SIZE, REGION = map(attrgetter, ("shape", "colour", "size", "region"))

TEMPLATES = (
    Template("exists", "yes/no", (
        "Is there {a_x}?", "Is there {a_x} in the picture?", "Is there {a_x} in the image?", "Can you see {a_x}?",
        "Is {a_x} visible?", "Does the picture show {a_x}?", "Does the image contain {a_x}?", "Are there any {xs}?",
        "Are any {xs} visible?", "Do you see any {xs}?", "Are there any {xs} in the image?", "Is {a_x} shown?",
    ), slots.phrase, answers.exists, 3),
    Template("is colour", "yes/no", (
        "Is the {r} {v}?", "Is the colour of the {r} {v}?", "Is the color of the {r} {v}?",
    ), slots.one_value("colour", COLOUR, ALL_COLOURS), answers.is_one(COLOUR, ALL_COLOURS)),
    Template("is shape", "yes/no", (
        "Is the {r} a {v}?", "Is the {r} shaped like a {v}?",
    ), slots.one_value("shape", SHAPE, SHAPES), answers.is_one(SHAPE, SHAPES)),
    Template("is size", "yes/no", (
        "Is the {r} {v}?",
    ), slots.one_value("size", SIZE, SIZES), answers.is_one(SIZE, SIZES)),
    Template("is in region", "yes/no", (
        "Is the {r} in the {v}?", "Does the {r} lie in the {v}?",
    ), slots.one_value("", REGION, REGIONS), answers.is_one(REGION, REGIONS)),
    Template("relation", "yes/no", (
        "Is the {r} {v} the {s}?", "Is the {r} to the {v} the {s}?", "Does the {r} lie {v} the {s}?",
    ), slots.two_related, answers.related, 2),
    Template("more", "yes/no", (
        "Are there more {xs} than {ys}?",
    ), slots.two_phrases, answers.more),
    Template("number", "yes/no", (
        "Are there {n} {xs}?", "Are there exactly {n} {xs}?",
    ), slots.with_number, answers.numbered, 0.7),
    Template("ground is", "yes/no", (
        "Is the background {v}?", "Is the background of the picture {v}?",
    ), slots.ground_value, answers.ground_is, 0.6),
    Template("occupied", "yes/no", (
        "Is there anything in the {g}?", "Is there an object in the {g} of the picture?",
    ), slots.region, answers.occupied),

    Template("size", "single choice", (
        "Is the {r} small or large?", "What is the size of the {r}: small or large?",
        "Which size is the {r}: small or large?",
    ), slots.one("size"), answers.of_one(SIZE), 1.2),
    Template("colour options", "single choice", (
        "Is the {r} {o}?", "Which colour is the {r}: {o}?", "What color is the {r}: {o}?",
    ), slots.one_options("colour", COLOUR, ALL_COLOURS), answers.chosen(COLOUR)),
    Template("shape options", "single choice", (
        "Which shape is the {r}: {o}?", "What type of shape is the {r}: {o}?", "What is the {r}: {o}?",
    ), slots.one_options("shape", SHAPE, SHAPES), answers.chosen(SHAPE)),
    Template("shown", "single choice", (
        "Which is shown: {o}?", "Which is in the picture: {o}?",
    ), slots.two_shown, answers.shown),
    Template("left or right", "single choice", (
        "Is the {r} left or right of the {s}?", "Is the {r} to the left or right of the {s}?",
    ), slots.two, answers.side("left of", "right of")),
    Template("above or below", "single choice", (
        "Is the {r} above or below the {s}?",
    ), slots.two, answers.side("above", "below")),
    Template("bands", "single choice", (
        "About how many {xs} are there: fewer than {few}, {few} to {many}, or more than {many}?",
        "How many {xs} are visible: fewer than {few}, {few} to {many}, or more than {many}?",
    ), slots.with_bands, answers.banded),
    Template("larger", "single choice", (
        "Which is larger: the {r} or the {s}?", "Which is bigger: the {r} or the {s}?",
    ), slots.two, answers.larger),

    Template("shapes shown", "multiple choice", (
        "Which of these shapes are shown: {o}?", "Which shapes are in the picture: {o}?",
        "Which of these are visible: {o}?",
    ), slots.several(SHAPE, SHAPES), answers.listed(SHAPE, SHAPES), 2),
    Template("colours shown", "multiple choice", (
        "Which of these colours do the objects have: {o}?", "Which of these colors are shown: {o}?",
    ), slots.several(COLOUR, ALL_COLOURS), answers.listed(COLOUR, ALL_COLOURS)),
    Template("regions", "multiple choice", (
        "Which regions hold {a_x}? Name every region.", "Where are the {xs}? Name every region.",
        "Where in the image is {a_x}? Name every region.",
    ), slots.shown_phrase, answers.regions, 1.5),

    Template("colour", "colour", (
        "What colour is the {r}?", "What color is the {r}?", "Which colour does the {r} have?",
        "What is the colour of the {r}?", "What is the color of the {r}?",
    ), slots.one("colour"), answers.of_one(COLOUR), 3),
    Template("colour in region", "colour", (
        "What colour is the object in the {g}?", "What color is the object in the {g}?",
    ), slots.region, answers.region_property(COLOUR)),
    Template("ground", "colour", (
        "What colour is the background?", "What color is the background?", "What is the colour of the background?",
        "What is the color of the background?", "Which colour does the background have?",
    ), slots.nothing, answers.ground, 0.8),

    Template("where", "location", (
        "Where is the {r}?", "Where in the picture is the {r}?", "Where in the image is the {r}?",
        "In which region is the {r}?", "In which region does the middle of the {r} lie?",
        "In which part of the picture is the {r}?",
    ), slots.one(""), answers.of_one(REGION)),

    Template("count", "count", (
        "How many {xs} are there?", "How many {xs} are visible?", "How many {xs} are in the picture?",
        "How many {xs} are in the image?", "How many {xs} can you see?",
    ), slots.counted, answers.count),

    Template("shape", "open", (
        "What shape is the {r}?", "What is the shape of the {r}?", "Which shape does the {r} have?",
    ), slots.one("shape"), answers.of_one(SHAPE), 2),
    Template("shape in region", "open", (
        "What shape is the object in the {g}?", "What is the shape of the object in the {g}?",
    ), slots.region, answers.region_property(SHAPE)),
    Template("content", "open", (
        "What is in the {g}?", "What is shown in the {g}?", "What do you see in the {g}?",
    ), slots.region, answers.content),
    Template("neighbour", "open", (
        "What is {v} the {r}?", "What do you see {v} the {r}?",
    ), slots.one_relation, answers.neighbour),
    Template("kind", "open", (
        "What is the {r}?", "What kind of object is the {r}?",
    ), slots.one("shape"), answers.of_one(answers.kind)),
)  # fmt: skip


def choices(template: Template, filled: Slots) -> tuple[str, ...]:
    """The answers that a question with these slots admits; empty where they are not a short list."""
    if template.type == "yes/no":
        return ("yes", "no")
    if template.type == "location" or template.name == "regions":
        return REGIONS
    if template.name in ("left or right", "above or below"):
        return tuple(template.name.split(" or "))
    if template.name == "size":
        return SIZES
    if template.name == "larger":
        return (f"the {filled['r']}", f"the {filled['s']}")
    if template.name == "bands":
        few, many = filled["few"], filled["many"]
        return (f"fewer than {few}", f"{few} to {many}", f"more than {many}")
    return options_of(filled["o"]) if "o" in filled else ()
