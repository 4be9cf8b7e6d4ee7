"""A scene in free prose: some true sentences about it, in any order and many wordings, as people describe pictures.

    prose(scene, random.Random(1))
    # "There are two shapes. No star is visible. The large one is red and lies in the upper-left of the picture."

A caption (`scene_questions.caption`) names every object in one fixed form; prose leaves things out, says what is not
there, and takes several sentences for one thing. A model that has read only the fixed form cannot take in what a
teacher writes about another domain.
"""

import random
from collections import Counter

from leaml.nano.scene_phrases import article, describe, holds, only, plural
from leaml.nano.scenes import COLOURS, SHAPES, Item, Scene
from leaml.records import REGIONS

WORDINGS = (
    "Describe the picture in your own words.", "Tell what can be seen in the picture.",
    "Write a few sentences about the image.", "Say what the image shows.",
)  # fmt: skip
"""Requests for prose."""

_OPENINGS = ("A drawing.", "A simple picture.", "The image shows shapes.", "A picture of some shapes.", "Drawn shapes.")
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MOST_SENTENCES = 5


def prose(scene: Scene, rng: random.Random) -> str:
    """A few sentences on the scene, each of them true."""
    statements = (_total, _one, _one, _largest, _of_a_kind, _of_a_colour, _absent, _empty_place, _relation, _ground)
    said = []
    for state in rng.sample(statements, rng.randint(3, MOST_SENTENCES)):
        sentence = state(scene, rng)
        if sentence and sentence not in said:
            said.append(sentence)
    if rng.random() < 0.4:
        said.insert(0, rng.choice(_OPENINGS))
    return " ".join(said) or _total(scene, rng)


# ---- statements: each takes (scene, rng), and returns true sentences, or None where it has nothing to say -----------


def _total(scene: Scene, rng: random.Random) -> str:
    number = len(scene.items)
    if number == 0:
        return rng.choice(("The picture is empty.", "Nothing is shown.", "There is nothing in the picture."))
    return _there_are(number, rng.choice(("object", "shape", "thing")), rng)


def _one(scene: Scene, rng: random.Random) -> str | None:
    """One object, in one sentence or in several."""
    if not scene.items:
        return None
    item = rng.choice(scene.items)
    if rng.random() < 0.5:
        phrase = _adjectives(item, rng)
        place = _place(item.region, rng)
        return rng.choice((
            f"{_capital(phrase)} lies {place}.", f"{_capital(phrase)} is seen {place}.", f"There is {phrase} {place}.",
            f"{_capital(place)} there is {phrase}.", f"It shows {phrase}.", f"{_capital(phrase)} is visible.",
        ))  # fmt: skip
    first = rng.choice(("There is {}.", "{} is shown.", "One can see {}.")).format(article(item.shape))
    return f"{_capital(first)} {_details('It', item, rng)}"


def _largest(scene: Scene, rng: random.Random) -> str | None:
    large = [item for item in scene.items if item.size == "large"]
    if len(large) != 1 or len(scene.items) < 2:
        return None
    return _details(rng.choice(("The largest", "The largest one", "The large one", "The biggest")), large[0], rng)


def _of_a_kind(scene: Scene, rng: random.Random) -> str | None:
    """How many there are of a shape, and at times of what colour."""
    shape, number = _counted(scene, rng, "shape")
    if number == 0:
        return None
    told = _there_are(number, shape, rng)
    colours = {item.colour for item in scene.items if item.shape == shape}
    if len(colours) > 1 or rng.random() < 0.5:
        return told
    return f"{told} {rng.choice(('All are', 'They are')) if number > 1 else 'It is'} {colours.pop()}."


def _of_a_colour(scene: Scene, rng: random.Random) -> str | None:
    colour, number = _counted(scene, rng, "colour")
    if number == 0:
        return None
    if number == len(scene.items) > 1:
        return rng.choice((f"All objects are {colour}.", f"Everything is {colour}."))
    if number == 1:
        return rng.choice((f"One object is {colour}.", f"One of them is {colour}.", f"Only one object is {colour}."))
    several = _capital(_NUMBERS[number])
    return rng.choice((f"{several} objects are {colour}.", f"{several} of them are {colour}."))


def _absent(scene: Scene, rng: random.Random) -> str:
    if rng.random() < 0.3:
        colour = rng.choice([c for c in COLOURS if all(item.colour != c for item in scene.items)])
        return rng.choice((f"Nothing is {colour}.", f"No object is {colour}."))
    shape = rng.choice([s for s in SHAPES if all(item.shape != s for item in scene.items)])
    several = plural(shape)
    return rng.choice((
        f"There is no {shape}.", f"No {shape} is seen.", f"No {several} are visible.", f"There are no {several}.",
        f"It shows no {shape}.", f"It is without {several}.",
    ))  # fmt: skip


def _empty_place(scene: Scene, rng: random.Random) -> str | None:
    free = [region for region in REGIONS if all(item.region != region for item in scene.items)]
    if not free:
        return None
    region = rng.choice(free)
    return rng.choice((f"Nothing lies in the {region}.", f"The {region} is empty.", f"No object is in the {region}."))


def _relation(scene: Scene, rng: random.Random) -> str | None:
    if len(scene.items) < 2:
        return None
    a, b = rng.sample(scene.items, 2)
    first, second = (describe(item, {"colour", "shape"}) for item in (a, b))
    relation = rng.choice(("left of", "right of", "above", "below"))
    if not holds(relation, a, b) or only(scene, first) is None or only(scene, second) is None:
        return None
    verb = rng.choice(("is", "lies", "stands"))
    return f"The {first} {verb} {relation} the {second}."


def _ground(scene: Scene, rng: random.Random) -> str:
    return rng.choice((
        f"The background is {scene.ground}.", f"Behind it all is {scene.ground}.", f"The ground is {scene.ground}.",
    ))  # fmt: skip


# ---- parts of sentences ---------------------------------------------------------------------------------------------


def _counted(scene: Scene, rng: random.Random, name: str) -> tuple[str, int]:
    """A shape or a colour that is shown, and how often; ("", 0) in an empty scene."""
    counts = Counter(getattr(item, name) for item in scene.items)
    return rng.choice(sorted(counts.items())) if counts else ("", 0)


def _there_are(number: int, noun: str, rng: random.Random) -> str:
    be, noun = ("is", noun) if number == 1 else ("are", plural(noun))
    some = f"{_NUMBERS[number] if number < len(_NUMBERS) else number} {noun}"
    seen = rng.choice(("seen", "visible", "shown", "present"))
    return rng.choice((f"There {be} {some}.", f"{_capital(some)} {be} {seen}.", f"It shows {some}."))


def _details(subject: str, item: Item, rng: random.Random) -> str:
    """What `subject` looks like and where it lies, in one or two sentences."""
    qualities = rng.sample([item.size, item.colour], rng.randint(1, 2))
    looks = f"{subject} is {' and '.join(qualities)}"
    place = _place(item.region, rng)
    lies = rng.choice(("lies", "is found", "is placed"))
    return rng.choice((f"{looks}.", f"{looks} and {lies} {place}.", f"{looks}. It {lies} {place}."))


def _adjectives(item: Item, rng: random.Random) -> str:
    """The object with its article and some of its properties, in any order: "a red, small circle"."""
    words = rng.sample([item.size, item.colour], rng.randint(0, 2))
    return article(" ".join([rng.choice((", ", " ")).join(words), item.shape]).strip())


def _place(region: str, rng: random.Random) -> str:
    of = rng.choice(("", "", " of the picture", " of the image", " part of the picture"))
    return f"in the {region}{of}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
