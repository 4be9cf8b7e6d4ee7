"""Questions, answers and captions about drawn scenes, and whether a written answer is true in one.

    question = ask(scene, random.Random(1))                  # Asked(question, answer, type, choices)
    true_answer("What colour is the star?", scene)           # the answer, or None where the question has no single one

Each `Template` has several wordings with slots, a way to propose what stands in the slots, and one function that answers.
The same function answers a question that somebody else wrote in these words, so that self-written pairs can be checked.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from leaml.nano.scenes import COLOURS, SHAPES, Item, Scene
from leaml.records import REGIONS, SET_SEPARATOR

SIZES = ("small", "large")
RELATIONS = ("left of", "right of", "above", "below")
RELATION_MARGIN = 0.12
"""Two objects stand left/right or above/below each other only if their centres differ by this share of the side."""

Slots = dict[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a scene, its answer, its type out of `records.QUESTION_TYPES`, and its choices."""

    question: str
    answer: str
    type: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A family of questions. `answer` returns None where slots have no single true answer in the scene."""

    name: str
    type: str
    wordings: tuple[str, ...]
    propose: Callable[[Scene, random.Random], Slots | None]
    answer: Callable[[Scene, Slots], str | None]
    weight: float = 1.0


# ---- describing objects ------------------------------------------------------------------------------------------


def article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def plural(phrase: str) -> str:
    return phrase + ("es" if phrase.endswith("cross") else "s")


_SINGULAR = {plural(noun): noun for noun in (*SHAPES, "object", "thing")} | {n: n for n in (*SHAPES, "object", "thing")}


def read_phrase(phrase: str) -> tuple[str, str, str] | None:
    """(size, colour, shape) named by "a large red circle", "red objects", …; empty where not named; None if not a phrase."""
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


# ---- answers -----------------------------------------------------------------------------------------------------


def yes(condition: bool) -> str:
    return "yes" if condition else "no"


def holds(relation: str, a: Item, b: Item) -> bool | None:
    """Whether a stands so to b; None where the two are nearly level, or where it is no relation."""
    distance = {"left of": b.x - a.x, "right of": a.x - b.x, "above": b.y - a.y, "below": a.y - b.y}.get(relation, 0.0)
    return None if abs(distance) < RELATION_MARGIN else distance > 0


def _exists(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    return None if found is None else yes(bool(found))


def _count(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    return None if found is None else str(len(found))


def _of_one(read: Callable[[Item], str]) -> Callable[[Scene, Slots], str | None]:
    """An answer that is a property of the one object named by the slot r."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        return read(item) if item else None

    return answer


def _is_one(read: Callable[[Item], str], allowed: Iterable[str]) -> Callable[[Scene, Slots], str | None]:
    """Whether a property of the one object named by r is what the slot v says."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        return yes(read(item) == slots["v"]) if item and slots["v"] in allowed else None

    return answer


def _chosen(read: Callable[[Item], str]) -> Callable[[Scene, Slots], str | None]:
    """The property of the one object named by r, if it is among the options."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        options = options_of(slots["o"])
        return read(item) if item and len(options) > 1 and read(item) in options else None

    return answer


def _related(scene: Scene, slots: Slots) -> str | None:
    a, b = only(scene, slots["r"]), only(scene, slots["s"])
    if a is None or b is None or a is b:
        return None
    held = holds(slots["v"], a, b)
    return None if held is None else yes(held)


def _side(first: str, second: str) -> Callable[[Scene, Slots], str | None]:
    def answer(scene: Scene, slots: Slots) -> str | None:
        said = _related(scene, slots | {"v": first})
        return None if said is None else (first if said == "yes" else second).removesuffix(" of")

    return answer


def _more(scene: Scene, slots: Slots) -> str | None:
    a, b = find(scene, slots["x"]), find(scene, slots["y"])
    return None if a is None or b is None or slots["x"] == slots["y"] else yes(len(a) > len(b))


def _numbered(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    return None if found is None or not slots["n"].isdigit() else yes(len(found) == int(slots["n"]))


def _ground_is(scene: Scene, slots: Slots) -> str | None:
    return yes(scene.ground == slots["v"]) if slots["v"] in COLOURS else None


def _in_region(scene: Scene, region: str) -> list[Item] | None:
    return [item for item in scene.items if item.region == region] if region in REGIONS else None


def _occupied(scene: Scene, slots: Slots) -> str | None:
    found = _in_region(scene, slots["g"])
    return None if found is None else yes(bool(found))


def _content(scene: Scene, slots: Slots) -> str | None:
    found = _in_region(scene, slots["g"])
    if found is None or len(found) > 1:
        return None
    return article(describe(found[0], {"colour", "shape"})) if found else "nothing"


def _region_property(read: Callable[[Item], str]) -> Callable[[Scene, Slots], str | None]:
    def answer(scene: Scene, slots: Slots) -> str | None:
        found = _in_region(scene, slots["g"])
        return read(found[0]) if found and len(found) == 1 else None

    return answer


def _shown(scene: Scene, slots: Slots) -> str | None:
    options = options_of(slots["o"])
    found = [find(scene, option) for option in options]
    if len(options) != 2 or any(f is None for f in found) or sum(bool(f) for f in found) != 1:
        return None
    return options[0] if found[0] else options[1]


def _banded(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    try:
        few, many = int(slots["few"]), int(slots["many"])
    except ValueError:
        return None
    if found is None or few >= many:
        return None
    n = len(found)
    return f"fewer than {few}" if n < few else f"more than {many}" if n > many else f"{few} to {many}"


def _larger(scene: Scene, slots: Slots) -> str | None:
    a, b = only(scene, slots["r"]), only(scene, slots["s"])
    if a is None or b is None or a.size == b.size:
        return None
    return f"the {slots['r']}" if a.size == "large" else f"the {slots['s']}"


def _listed(read: Callable[[Item], str], allowed: tuple[str, ...]) -> Callable[[Scene, Slots], str | None]:
    def answer(scene: Scene, slots: Slots) -> str | None:
        options = options_of(slots["o"])
        if len(options) < 2 or len(set(options)) < len(options) or not set(options) <= set(allowed):
            return None
        present = {read(item) for item in scene.items}
        return SET_SEPARATOR.join(o for o in options if o in present) or "none"

    return answer


def _regions(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    if not found:
        return None
    present = {item.region for item in found}
    return SET_SEPARATOR.join(r for r in REGIONS if r in present) if len(present) <= 3 else None


def _neighbour(scene: Scene, slots: Slots) -> str | None:
    item = only(scene, slots["r"])
    if item is None or len(scene.items) != 2:
        return None
    other = scene.items[1] if scene.items[0] is item else scene.items[0]
    return article(describe(other, {"colour", "shape"})) if holds(slots["v"], other, item) else None


# ---- options -----------------------------------------------------------------------------------------------------


def options_text(options: tuple[str, ...] | list[str]) -> str:
    """"circle, ring or star"."""
    return f"{', '.join(options[:-1])} or {options[-1]}"


def options_of(text: str) -> tuple[str, ...]:
    return tuple(o.strip() for o in re.split(r",\s*or\s+|\s+or\s+|,\s*", text) if o.strip())


def _among(rng: random.Random, true: str, pool: tuple[str, ...], count: int) -> str:
    """The true one among others of the pool, shuffled."""
    chosen = [true, *rng.sample([o for o in pool if o != true], count - 1)]
    rng.shuffle(chosen)
    return options_text(chosen)


# ---- proposing what stands in the slots --------------------------------------------------------------------------


def _one(without: str) -> Callable[[Scene, random.Random], Slots | None]:
    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        return {"r": phrase} if phrase else None

    return propose


def _one_value(without: str, pool: tuple[str, ...]) -> Callable[[Scene, random.Random], Slots | None]:
    """An object, and a value that is true of it half of the time."""

    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        if phrase is None:
            return None
        true = {"colour": only(scene, phrase).colour, "shape": only(scene, phrase).shape,
                "size": only(scene, phrase).size, "": only(scene, phrase).region}[without]  # fmt: skip
        return {"r": phrase, "v": true if rng.random() < 0.5 else rng.choice([v for v in pool if v != true])}

    return propose


def _one_options(without: str, pool: tuple[str, ...]) -> Callable[[Scene, random.Random], Slots | None]:
    def propose(scene: Scene, rng: random.Random) -> Slots | None:
        phrase = pointing(scene, rng, without)
        if phrase is None:
            return None
        true = only(scene, phrase).colour if without == "colour" else only(scene, phrase).shape
        return {"r": phrase, "o": _among(rng, true, pool, rng.choice((2, 3, 3)))}

    return propose


def _two(scene: Scene, rng: random.Random) -> Slots | None:
    if len(scene.items) < 2:
        return None
    a, b = rng.sample(scene.items, 2)
    first, second = pointing(scene, rng, item=a), pointing(scene, rng, item=b)
    return {"r": first, "s": second} if first and second else None


def _two_related(scene: Scene, rng: random.Random) -> Slots | None:
    slots = _two(scene, rng)
    return slots and slots | {"v": rng.choice(RELATIONS)}


def _phrase(scene: Scene, rng: random.Random) -> Slots:
    return {"x": any_phrase(scene, rng)}


def _counted(scene: Scene, rng: random.Random) -> Slots:
    return {"x": "object" if rng.random() < 0.3 else any_phrase(scene, rng)}


def _two_phrases(scene: Scene, rng: random.Random) -> Slots:
    return {"x": any_phrase(scene, rng), "y": any_phrase(scene, rng)}


def _with_number(scene: Scene, rng: random.Random) -> Slots:
    slots = _counted(scene, rng)
    true = len(find(scene, slots["x"]))
    return slots | {"n": str(max(2, true if rng.random() < 0.5 else true + rng.choice((-1, 1))))}


def _with_bands(scene: Scene, rng: random.Random) -> Slots:
    few = rng.choice((2, 3))
    return {"x": "object" if rng.random() < 0.6 else any_phrase(scene, rng), "few": str(few), "many": str(few + rng.choice((1, 2)))}


def _region(scene: Scene, rng: random.Random) -> Slots:
    if scene.items and rng.random() < 0.6:
        return {"g": rng.choice(scene.items).region}
    return {"g": rng.choice(REGIONS)}


def _ground_value(scene: Scene, rng: random.Random) -> Slots:
    shown = [scene.ground, *(item.colour for item in scene.items)]
    return {"v": scene.ground if rng.random() < 0.5 else rng.choice([*shown, rng.choice(list(COLOURS))])}


def _two_shown(scene: Scene, rng: random.Random) -> Slots | None:
    options = [article(any_phrase(scene, rng)) for _ in range(2)]
    return {"o": options_text(options)} if options[0] != options[1] else None


def _several(read: Callable[[Item], str], pool: tuple[str, ...]) -> Callable[[Scene, random.Random], Slots]:
    """Three or four options, about half of them shown."""

    def propose(scene: Scene, rng: random.Random) -> Slots:
        present = sorted({read(item) for item in scene.items})
        count = rng.choice((3, 3, 4))
        chosen = rng.sample(present, min(len(present), rng.choice((0, 1, 1, 2, 2))))
        rest = [o for o in pool if o not in chosen]
        chosen += rng.sample(rest, count - len(chosen))
        rng.shuffle(chosen)
        return {"o": options_text(chosen)}

    return propose


def _nothing(scene: Scene, rng: random.Random) -> Slots:
    return {}


def _one_relation(scene: Scene, rng: random.Random) -> Slots | None:
    phrase = pointing(scene, rng) if len(scene.items) == 2 else None
    return {"r": phrase, "v": rng.choice(RELATIONS)} if phrase else None


def _shown_phrase(scene: Scene, rng: random.Random) -> Slots | None:
    return {"x": describe(rng.choice(scene.items), rng.choice([{"shape"}, {"colour"}]))} if scene.items else None


ALL_COLOURS = tuple(COLOURS)
TEMPLATES = (
    Template("exists", "yes/no", (
        "Is there {a_x}?", "Is there {a_x} in the picture?", "Is there {a_x} in the image?", "Can you see {a_x}?",
        "Is {a_x} visible?", "Does the picture show {a_x}?", "Does the image contain {a_x}?", "Are there any {xs}?",
        "Are any {xs} visible?", "Do you see any {xs}?", "Are there any {xs} in the image?", "Is {a_x} shown?",
    ), _phrase, _exists, 3),
    Template("is colour", "yes/no", ("Is the {r} {v}?", "Is the colour of the {r} {v}?", "Is the color of the {r} {v}?"),
             _one_value("colour", ALL_COLOURS), _is_one(lambda i: i.colour, COLOURS)),
    Template("is shape", "yes/no", ("Is the {r} a {v}?", "Is the {r} shaped like a {v}?"),
             _one_value("shape", SHAPES), _is_one(lambda i: i.shape, SHAPES)),
    Template("is size", "yes/no", ("Is the {r} {v}?",), _one_value("size", SIZES), _is_one(lambda i: i.size, SIZES)),
    Template("is in region", "yes/no", ("Is the {r} in the {v}?", "Does the {r} lie in the {v}?"),
             _one_value("", REGIONS), _is_one(lambda i: i.region, REGIONS)),
    Template("relation", "yes/no", ("Is the {r} {v} the {s}?", "Is the {r} to the {v} the {s}?", "Does the {r} lie {v} the {s}?"),
             _two_related, _related, 2),
    Template("more", "yes/no", ("Are there more {xs} than {ys}?",), _two_phrases, _more),
    Template("number", "yes/no", ("Are there {n} {xs}?", "Are there exactly {n} {xs}?"), _with_number, _numbered, 0.7),
    Template("ground is", "yes/no", ("Is the background {v}?", "Is the background of the picture {v}?"), _ground_value, _ground_is, 0.6),
    Template("occupied", "yes/no", ("Is there anything in the {g}?", "Is there an object in the {g} of the picture?"), _region, _occupied),
    Template("size", "single choice", ("Is the {r} small or large?", "What is the size of the {r}: small or large?",
             "Which size is the {r}: small or large?"), _one("size"), _of_one(lambda i: i.size), 1.2),
    Template("colour options", "single choice", ("Is the {r} {o}?", "Which colour is the {r}: {o}?", "What color is the {r}: {o}?"),
             _one_options("colour", ALL_COLOURS), _chosen(lambda i: i.colour)),
    Template("shape options", "single choice", ("Which shape is the {r}: {o}?", "What type of shape is the {r}: {o}?", "What is the {r}: {o}?"),
             _one_options("shape", SHAPES), _chosen(lambda i: i.shape)),
    Template("shown", "single choice", ("Which is shown: {o}?", "Which is in the picture: {o}?"), _two_shown, _shown),
    Template("left or right", "single choice", ("Is the {r} left or right of the {s}?", "Is the {r} to the left or right of the {s}?"),
             _two, _side("left of", "right of")),
    Template("above or below", "single choice", ("Is the {r} above or below the {s}?",), _two, _side("above", "below")),
    Template("bands", "single choice", (
        "About how many {xs} are there: fewer than {few}, {few} to {many}, or more than {many}?",
        "How many {xs} are visible: fewer than {few}, {few} to {many}, or more than {many}?"), _with_bands, _banded),
    Template("larger", "single choice", ("Which is larger: the {r} or the {s}?", "Which is bigger: the {r} or the {s}?"), _two, _larger),
    Template("shapes shown", "multiple choice", ("Which of these shapes are shown: {o}?", "Which shapes are in the picture: {o}?",
             "Which of these are visible: {o}?"), _several(lambda i: i.shape, SHAPES), _listed(lambda i: i.shape, SHAPES), 2),
    Template("colours shown", "multiple choice", ("Which of these colours do the objects have: {o}?", "Which of these colors are shown: {o}?"),
             _several(lambda i: i.colour, ALL_COLOURS), _listed(lambda i: i.colour, ALL_COLOURS)),
    Template("regions", "multiple choice", ("Which regions hold {a_x}? Name every region.", "Where are the {xs}? Name every region.",
             "Where in the image is {a_x}? Name every region."), _shown_phrase, _regions, 1.5),
    Template("colour", "colour", (
        "What colour is the {r}?", "What color is the {r}?", "Which colour does the {r} have?", "What is the colour of the {r}?",
        "What is the color of the {r}?"), _one("colour"), _of_one(lambda i: i.colour), 3),
    Template("colour in region", "colour", ("What colour is the object in the {g}?", "What color is the object in the {g}?"),
             _region, _region_property(lambda i: i.colour)),
    Template("ground", "colour", ("What colour is the background?", "What color is the background?", "What is the colour of the background?",
             "What is the color of the background?", "Which colour does the background have?"), _nothing, lambda s, _: s.ground, 0.8),
    Template("where", "location", (
        "Where is the {r}?", "Where in the picture is the {r}?", "Where in the image is the {r}?", "In which region is the {r}?",
        "In which region does the middle of the {r} lie?", "In which part of the picture is the {r}?"),
        _one(""), _of_one(lambda i: i.region)),
    Template("count", "count", ("How many {xs} are there?", "How many {xs} are visible?", "How many {xs} are in the picture?",
             "How many {xs} are in the image?", "How many {xs} can you see?"), _counted, _count),
    Template("shape", "open", ("What shape is the {r}?", "What is the shape of the {r}?", "Which shape does the {r} have?"),
             _one("shape"), _of_one(lambda i: i.shape), 2),
    Template("shape in region", "open", ("What shape is the object in the {g}?", "What is the shape of the object in the {g}?"),
             _region, _region_property(lambda i: i.shape)),
    Template("content", "open", ("What is in the {g}?", "What is shown in the {g}?", "What do you see in the {g}?"), _region, _content),
    Template("neighbour", "open", ("What is {v} the {r}?", "What do you see {v} the {r}?"), _one_relation, _neighbour),
    Template("kind", "open", ("What is the {r}?", "What kind of object is the {r}?"),
             _one("shape"), _of_one(lambda i: article(describe(i, {"colour", "shape"})))),
)  # fmt: skip
TYPE_WEIGHTS = {
    "yes/no": 2.0, "single choice": 1.8, "multiple choice": 1.4, "colour": 1.8, "location": 1.8, "count": 1.4, "open": 1.8,
}  # fmt: skip


# ---- asking and checking -----------------------------------------------------------------------------------------


def _fill(wording: str, slots: Slots) -> str:
    """The wording with its slots; {a_x} is x with its article, {xs} its plural."""
    filled = dict(slots)
    for name in ("x", "y"):
        if name in slots:
            filled["a_" + name], filled[name + "s"] = article(slots[name]), plural(slots[name])
    if slots.get("v") in RELATIONS and "to the {v}" in wording and not slots["v"].endswith(" of"):
        wording = wording.replace("to the {v}", "{v}")
    if "a {v}" in wording:
        wording = wording.replace("a {v}", article(slots["v"]))
    return wording.format(**filled)


def ask(scene: Scene, rng: random.Random, question_type: str | None = None) -> Asked | None:
    """One question on the scene, or None where the template that chance chose does not fit it."""
    kind = question_type or rng.choices(list(TYPE_WEIGHTS), list(TYPE_WEIGHTS.values()))[0]
    templates = [t for t in TEMPLATES if t.type == kind]
    template = rng.choices(templates, [t.weight for t in templates])[0]
    slots = template.propose(scene, rng)
    answer = template.answer(scene, slots) if slots is not None else None
    if answer is None:
        return None
    return Asked(_fill(rng.choice(template.wordings), slots), answer, template.type, _choices(template, slots))


def ask_several(scene: Scene, rng: random.Random, count: int) -> list[Asked]:
    """Up to `count` different questions on the scene."""
    asked: dict[str, Asked] = {}
    for _ in range(count * 4):
        if len(asked) == count:
            break
        new = ask(scene, rng)
        if new is not None:
            asked[new.question] = new
    return list(asked.values())


def _choices(template: Template, slots: Slots) -> tuple[str, ...]:
    if template.type == "yes/no":
        return ("yes", "no")
    if template.name in ("left or right", "above or below"):
        return tuple(template.name.split(" or "))
    if template.name == "size":
        return SIZES
    if template.name == "larger":
        return (f"the {slots['r']}", f"the {slots['s']}")
    if template.name == "bands":
        return (f"fewer than {slots['few']}", f"{slots['few']} to {slots['many']}", f"more than {slots['many']}")
    if template.type in ("location",) or template.name == "regions":
        return REGIONS
    return options_of(slots["o"]) if "o" in slots else ()


_NOUN = rf"(?:(?:{'|'.join(SIZES)}) )?(?:(?:{'|'.join(COLOURS)}) )?(?:{'|'.join((*SHAPES, 'object', 'thing'))})"
_SLOT = {"n": r"\d+", "few": r"\d+", "many": r"\d+", "v": r"[a-z -]+?", "g": r"[a-z-]+", "o": r"[a-z ,-]+?"}


@cache
def _readers() -> tuple[tuple[Template, re.Pattern], ...]:
    """Every wording as a pattern that reads its slots back."""
    readers = []
    for template in TEMPLATES:
        for wording in template.wordings:
            for text in {wording, wording.replace("a {v}", "an {v}"), wording.replace("to the {v}", "{v}")}:
                seen: set[str] = set()
                readers.append((template, re.compile(_pattern(text, seen) + "$", re.IGNORECASE)))
    return tuple(readers)


def _pattern(wording: str, seen: set[str]) -> str:
    pattern = ""
    for literal, slot in re.findall(r"([^{]*)(?:\{(\w+)\})?", wording):
        name = slot.removeprefix("a_")
        name = name.removesuffix("s") if name in ("xs", "ys") else name
        pattern += re.escape(literal)
        if not slot:
            continue
        if name in seen:
            pattern += f"(?P={name})"
            continue
        seen.add(name)
        # A phrase keeps its article or plural out of the group, so that both forms read back as the same phrase.
        before, after = ("(?:a|an) " if slot.startswith("a_") else "", "(?:e?s)" if slot in ("xs", "ys") else "")
        pattern += f"{before}(?P<{name}>{_SLOT.get(name, _NOUN)}){after}"
    return pattern


def readings(question: str, scene: Scene) -> Iterator[Asked]:
    """Every way in which the templates read a question on this scene, with the true answer."""
    for template, pattern in _readers():
        match = pattern.match(question.strip())
        if match is None:
            continue
        answer = template.answer(scene, match.groupdict())
        if answer is not None:
            yield Asked(question, answer, template.type, _choices(template, match.groupdict()))


def true_answer(question: str, scene: Scene) -> Asked | None:
    """The question as the templates read it, with its true answer, or None where it has no single true answer here."""
    return next(readings(question, scene), None)


# ---- captions ----------------------------------------------------------------------------------------------------

_MENTIONS = ("{a} is in the {g}.", "{a} lies in the {g}.", "{a} is seen in the {g}.", "There is {a} in the {g}.", "In the {g} is {a}.")


def caption(scene: Scene, rng: random.Random) -> str:
    """The scene in words: every object with its colour, shape and region, some with their size, then the background."""
    mention = rng.choice(_MENTIONS)
    sized = rng.random() < 0.4
    parts = []
    for item in scene.items:
        known = {"colour", "shape"} | ({"size"} if sized else set())
        text = mention.format(a=article(describe(item, known)), g=item.region)
        parts.append(text[0].upper() + text[1:])
    if not parts:
        parts.append("The picture is empty.")
    parts.append(f"The background is {scene.ground}.")
    return " ".join(parts)


_OBJECT = re.compile(rf"\b({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})\b")


def objects_in(text: str) -> list[tuple[str, str]]:
    """The (colour, shape) of every object that a caption names."""
    return _OBJECT.findall(text.lower())
