"""The objects of a scene in words: describing one, and finding what a phrase names.

    find(scene, "large red circles")                          # the objects that the phrase names
    pointing(scene, random.Random(1), without="colour")       # "small star": names one object, keeps its colour back

A phrase is at most a size, at most a colour, and a shape or "object": what the templates ask with, and can read back.
"""

import random
import re

from leaml.nano.scenes import COLOURS, SHAPES, Item, Scene

SIZES = ("small", "large")
RELATIONS = ("left of", "right of", "above", "below")
RELATION_MARGIN = 0.12
"""Two objects stand left/right or above/below each other only if their centres differ by this share of the side."""


def article(phrase: str) -> str:
    """The phrase behind its indefinite article, by the first letter."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def plural(phrase: str) -> str:
    """The phrase with its noun, which is its last word, in the plural."""
    return phrase + ("es" if phrase.endswith("cross") else "s")


_NOUNS = (*SHAPES, "object", "thing")
_SINGULAR = {plural(noun): noun for noun in _NOUNS} | {noun: noun for noun in _NOUNS}
PHRASE_PATTERN = rf"(?:(?:{'|'.join(SIZES)}) )?(?:(?:{'|'.join(COLOURS)}) )?(?:{'|'.join(_NOUNS)})"
"""A phrase in the singular and without an article, as a regular expression."""


def read_phrase(phrase: str) -> tuple[str, str, str] | None:
    """(size, colour, shape) that "a large red circle", "red objects", … name.

    Empty where a property is not named; None if it is no phrase.
    """
    words = phrase.lower().split()
    if words and words[0] in ("a", "an", "the"):
        words = words[1:]
    size = words.pop(0) if words and words[0] in SIZES else ""
    colour = words.pop(0) if words and words[0] in COLOURS else ""
    if len(words) != 1 or words[0] not in _SINGULAR:
        return None
    noun = _SINGULAR[words[0]]
    return size, colour, noun if noun in SHAPES else ""


def find(scene: Scene, phrase: str) -> list[Item] | None:
    """The objects that a phrase names, or None if it is no phrase."""
    named = read_phrase(phrase)
    if named is None:
        return None
    size, colour, shape = named
    return [
        item
        for item in scene.items
        if size in ("", item.size) and colour in ("", item.colour) and shape in ("", item.shape)
    ]


def only(scene: Scene, phrase: str) -> Item | None:
    """The one object that a phrase names, or None if there are none or several."""
    found = find(scene, phrase)
    return found[0] if found is not None and len(found) == 1 else None


def describe(item: Item, known: set[str]) -> str:
    """A phrase with the properties in `known`, out of size, colour and shape."""
    words = [item.size] * ("size" in known) + [item.colour] * ("colour" in known)
    return " ".join([*words, item.shape if "shape" in known else "object"])


def pointing(scene: Scene, rng: random.Random, without: str = "", item: Item | None = None) -> str | None:
    """A phrase that names exactly one object and does not say the property `without`."""
    ways = [{"shape"}, {"colour"}, {"colour", "shape"}, {"size", "shape"}, {"size", "colour"}, {"size"}]
    rng.shuffle(ways)
    items = [item] if item else rng.sample(scene.items, len(scene.items))
    for candidate in items:
        for known in ways:
            phrase = describe(candidate, known)
            if without not in known and only(scene, phrase):
                return phrase
    return None


def any_phrase(scene: Scene, rng: random.Random) -> str:
    """A phrase that may or may not name something: half of the time something shown, else a near miss."""
    known = rng.choice([{"shape"}, {"colour"}, {"colour", "shape"}, {"colour", "shape"}, {"size", "shape"}])
    if scene.items and rng.random() < 0.5:
        return describe(rng.choice(scene.items), known)
    pool = scene.items or (Item("circle", "red", 0.5, 0.5, 0.1),)
    shown, other = rng.choice(pool), rng.choice(pool)
    shape = rng.choice([other.shape, rng.choice(SHAPES), rng.choice(SHAPES)])
    colour = rng.choice([shown.colour, rng.choice(list(COLOURS))])
    return describe(Item(shape, colour, 0.5, 0.5, rng.choice((0.07, 0.15))), known)


def points_surely(question: str) -> bool:
    """Whether every object that a question takes for granted is named by colour and shape, or by where it lies.

    Who writes a question must know that such an object is there and alone: seldom so of "the small object".
    """
    named = re.findall(rf"\bthe (?!object in the )({PHRASE_PATTERN})\b", question)
    return all(colour and shape for _, colour, shape in map(read_phrase, named))


def holds(relation: str, a: Item, b: Item) -> bool | None:
    """Whether a stands so to b; None where the two are nearly level, or where it is no relation."""
    distance = {"left of": b.x - a.x, "right of": a.x - b.x, "above": b.y - a.y, "below": a.y - b.y}.get(relation, 0.0)
    return None if abs(distance) < RELATION_MARGIN else distance > 0


def options_text(options: tuple[str, ...] | list[str]) -> str:
    """Options as a question lists them: "circle, ring or star"."""
    return f"{', '.join(options[:-1])} or {options[-1]}"


def options_of(text: str) -> tuple[str, ...]:
    """The options in what `options_text` wrote, with or without a comma before the "or"."""
    return tuple(o.strip() for o in re.split(r",\s*or\s+|\s+or\s+|,\s*", text) if o.strip())
