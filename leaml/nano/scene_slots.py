"""What is asked about a scene: each function proposes what stands in the slots of a template.

All take (scene, rng) and return the slots, or None where the scene offers nothing to ask about; a name that makes such
a function says so. What the slots mean stands in `scene_answers`.
"""

import random
from collections.abc import Callable

from leaml.nano.scene_answers import Property, Slots
from leaml.nano.scene_phrases import (
    RELATIONS,
    any_phrase,
    article,
    describe,
    find,
    only,
    options_text,
    pointing,
)
from leaml.nano.scenes import COLOURS, Scene
from leaml.records import REGIONS

Propose = Callable[[Scene, random.Random], Slots | None]


def nothing(scene: Scene, rng: random.Random) -> Slots:
    return {}


def one(without: str) -> Propose:
    """Makes a proposal of one object, by a phrase that does not say the property `without`."""

    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        return {"r": phrase} if phrase else None

    return propose


def one_value(without: str, read: Property, pool: tuple[str, ...]) -> Propose:
    """Makes a proposal of one object, and of a value that is true of it half of the time."""

    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        if phrase is None:
            return None
        true = read(only(scene, phrase))
        return {"r": phrase, "v": true if rng.random() < 0.5 else rng.choice([v for v in pool if v != true])}

    return propose


def one_options(without: str, read: Property, pool: tuple[str, ...]) -> Propose:
    """Makes a proposal of one object, and of two or three options with the true one among them."""

    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        if phrase is None:
            return None
        true, number = read(only(scene, phrase)), rng.choice((2, 3, 3))
        options = [true, *rng.sample([o for o in pool if o != true], number - 1)]
        rng.shuffle(options)
        return {"r": phrase, "o": options_text(options)}

    return propose


def two(scene: Scene, rng: random.Random) -> Slots | None:
    """Two objects."""
    if len(scene.items) < 2:
        return None
    a, b = rng.sample(scene.items, 2)
    first, second = pointing(scene, rng, item=a), pointing(scene, rng, item=b)
    return {"r": first, "s": second} if first and second else None


def two_related(scene: Scene, rng: random.Random) -> Slots | None:
    slots = two(scene, rng)
    return slots and slots | {"v": rng.choice(RELATIONS)}


def one_relation(scene: Scene, rng: random.Random) -> Slots | None:
    """One of only two objects, and a relation."""
    phrase = pointing(scene, rng) if len(scene.items) == 2 else None
    return {"r": phrase, "v": rng.choice(RELATIONS)} if phrase else None


def phrase(scene: Scene, rng: random.Random) -> Slots:
    return {"x": any_phrase(scene, rng)}


def shown_phrase(scene: Scene, rng: random.Random) -> Slots | None:
    return {"x": describe(rng.choice(scene.items), rng.choice([{"shape"}, {"colour"}]))} if scene.items else None


def counted(scene: Scene, rng: random.Random) -> Slots:
    return {"x": "object" if rng.random() < 0.3 else any_phrase(scene, rng)}


def two_phrases(scene: Scene, rng: random.Random) -> Slots:
    return {"x": any_phrase(scene, rng), "y": any_phrase(scene, rng)}


def with_number(scene: Scene, rng: random.Random) -> Slots:
    """Objects and a number of them: at times the true one, and never below two, for "are there 1" is no English."""
    slots = counted(scene, rng)
    true = len(find(scene, slots["x"]))
    return slots | {"n": str(max(2, true if rng.random() < 0.5 else true + rng.choice((-1, 1))))}


def with_bands(scene: Scene, rng: random.Random) -> Slots:
    few = rng.choice((2, 3))
    counted_phrase = "object" if rng.random() < 0.6 else any_phrase(scene, rng)
    return {"x": counted_phrase, "few": str(few), "many": str(few + rng.choice((1, 2)))}


def region(scene: Scene, rng: random.Random) -> Slots:
    if scene.items and rng.random() < 0.6:
        return {"g": rng.choice(scene.items).region}
    return {"g": rng.choice(REGIONS)}


def ground_value(scene: Scene, rng: random.Random) -> Slots:
    """A colour for the background: half of the time its own, else one of an object or any."""
    shown = [scene.ground, *(item.colour for item in scene.items)]
    return {"v": scene.ground if rng.random() < 0.5 else rng.choice([*shown, rng.choice(list(COLOURS))])}


def two_shown(scene: Scene, rng: random.Random) -> Slots | None:
    options = [article(any_phrase(scene, rng)) for _ in range(2)]
    return {"o": options_text(options)} if options[0] != options[1] else None


def several(read: Property, pool: tuple[str, ...]) -> Propose:
    """Makes a proposal of three or four options, about half of them shown."""

    def propose(scene: Scene, rng: random.Random) -> Slots:
        present = sorted({read(item) for item in scene.items})
        number = rng.choice((3, 3, 4))
        options = rng.sample(present, min(len(present), rng.choice((0, 1, 1, 2, 2))))
        options += rng.sample([o for o in pool if o not in options], number - len(options))
        rng.shuffle(options)
        return {"o": options_text(options)}

    return propose
