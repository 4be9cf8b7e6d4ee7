"""Captions of the colonoscopy phantom, as a simulated teacher would write them: `caption(scene, rng, wrong, silent)`.

The teacher makes one statement on each of up to nine matters (`ASPECTS`), leaves some out (rate `silent`) and gets some
wrong (rate `wrong`, of the statements made). Half of the errors are systematic: the teacher has `HABITS`, kept to in
this order until half of the error budget is spent. It never speaks of text, of the box artefact, or of how many
instruments there are.
"""

from dataclasses import dataclass
from random import Random

from leaml.nano.phantom_truth import INSTRUMENT_KINDS, POLYP_COLOURS, POLYP_KINDS, POLYP_SIZES, Scene, region
from leaml.records import REGIONS

ASPECTS = ("polyps", "kind", "size", "colour", "place", "instruments", "tip", "stool", "bubbles")
NEVER_SPOKEN_OF = ("burned-in text", "box artefact", "number of instruments")
HABITS = {
    "small flat polyps are missed": 0.06,
    "snares are called forceps": 0.325,
    "purple polyps are called red": 0.12,
    "bubbles are overlooked": 0.42,
}
"""What the teacher gets wrong by habit, with the share of pictures that show such a thing."""
STATEMENTS_PER_PICTURE = 6.46
"""That a teacher who is never silent makes on average, after what it says nothing of because it missed it."""

_VALUES = {
    "polyps": (0, 1, 2, 3),
    "kind": POLYP_KINDS,
    "size": POLYP_SIZES,
    "colour": POLYP_COLOURS,
    "place": REGIONS,
    "instruments": ((), ("forceps",), ("snare",), ("forceps", "snare")),
    "tip": REGIONS,
    "stool": (False, True),
    "bubbles": (False, True),
}
_POLYP_DETAILS = ("kind", "size", "colour", "place")


@dataclass(frozen=True, slots=True)
class Statement:
    """What the teacher says of one matter. `error` is "", "random" or "systematic"."""

    aspect: str
    value: object
    error: str = ""


def facts(scene: Scene) -> dict:
    """The truth on each aspect that a scene has: details only where there is a polyp, `tip` only of one instrument."""
    known = {
        "polyps": len(scene.polyps),
        "instruments": tuple(kind for kind in INSTRUMENT_KINDS if any(t.kind == kind for t in scene.instruments)),
        "stool": bool(scene.stool),
        "bubbles": bool(scene.bubbles),
    }
    if scene.polyps:
        largest = scene.polyps[0]
        known |= {"kind": largest.kind, "size": largest.size, "colour": largest.colour}
        known["place"] = region(largest.x, largest.y)
    if len(scene.instruments) == 1:
        known["tip"] = region(scene.instruments[0].x, scene.instruments[0].y)
    return {aspect: known[aspect] for aspect in ASPECTS if aspect in known}


def habit_rates(wrong: float) -> dict[str, float]:
    """How often each habit shows where it could, so that habits make half of the errors (while they suffice)."""
    budget, rates = wrong / 2 * STATEMENTS_PER_PICTURE, {}
    for habit, share in HABITS.items():
        rates[habit] = min(1.0, budget / share)
        budget = max(0.0, budget - rates[habit] * share)
    return rates


def statements(scene: Scene, rng: Random, wrong: float = 0.1, silent: float = 0.1) -> list[Statement]:
    """What the teacher says of a scene, in the order of `ASPECTS`.

    Args:
        wrong: share of the statements made that are wrong.
        silent: share of the statements that could be made and are not. Of a polyp that the teacher overlooks it says
            nothing either; these statements count in neither rate.
    """
    rates = habit_rates(wrong)
    systematic = sum(rates[habit] * share for habit, share in HABITS.items()) / STATEMENTS_PER_PICTURE
    random_rate = max(0.0, wrong - systematic) / (1 - systematic)
    known = facts(scene)
    mistaken = _by_habit(known, rates, rng)
    said: list[Statement] = []
    overlooked = mistaken.get("polyps") == 0
    for aspect, value in known.items():
        if overlooked and aspect in _POLYP_DETAILS:
            continue
        unsaid, erring = rng.random() < silent, rng.random() < random_rate
        if unsaid:
            continue
        if aspect in mistaken:
            said.append(Statement(aspect, mistaken[aspect], "systematic"))
        elif erring:
            other = rng.choice([choice for choice in _VALUES[aspect] if choice != value])
            said.append(Statement(aspect, other, "random"))
            overlooked = overlooked or (aspect == "polyps" and other == 0)
        else:
            said.append(Statement(aspect, value))
    return said


def _by_habit(known: dict, rates: dict[str, float], rng: Random) -> dict:
    """The wrong values that the teacher's habits give in this scene."""
    mistaken = {}
    missed, renamed, recoloured, unseen = (rng.random() < rates[habit] for habit in HABITS)
    if missed and known.get("kind") == "flat" and known["size"] == "small":
        mistaken["polyps"] = 0
    if renamed and "snare" in known["instruments"]:
        mistaken["instruments"] = ("forceps",)
    if recoloured and known.get("colour") == "purple":
        mistaken["colour"] = "red"
    if unseen and known["bubbles"]:
        mistaken["bubbles"] = False
    return mistaken


def caption(scene: Scene, rng: Random, wrong: float = 0.1, silent: float = 0.1) -> str:
    """A caption in free wording. Rates as in `statements`."""
    said = {statement.aspect: statement.value for statement in statements(scene, rng, wrong, silent)}
    parts = [_polyp_words(said, rng), _instrument_words(said, rng), _stool_words(said, rng), _bubble_words(said, rng)]
    rng.shuffle(parts)
    if rng.random() < 0.6:
        parts.insert(0, rng.choice(_OPENINGS))
    return " ".join(part for part in parts if part) or "Colon mucosa."


_OPENINGS = (
    "A colonoscopy image.",
    "Endoscopic view of the colon.",
    "View into the bowel.",
    "Colon mucosa with folds.",
    "The image shows the wall of the colon.",
    "A frame from a colonoscopy.",
)
_NUMBERS = ("no", "one", "two", "three")


def _place_words(place: str, rng: Random) -> str:
    return rng.choice((f"in the {place}", f"in the {place} of the image", f"in the {place} part of the view"))


def _polyp_words(said: dict, rng: Random) -> str:
    count = said.get("polyps")
    details = {aspect: said[aspect] for aspect in _POLYP_DETAILS if aspect in said}
    if count == 0:
        return rng.choice(("No polyp is seen.", "There is no polyp.", "No polyps are visible.", "It shows no polyp."))
    if count is None and not details:
        return ""
    if count == 1 and rng.random() < 0.6:
        return _one_sentence(details, rng)
    words = []
    if count is not None:
        verb, noun = ("is", "polyp") if count == 1 else ("are", "polyps")
        some = f"{_NUMBERS[count]} {noun}"
        words.append(rng.choice((f"There {verb} {some}.", f"{some.capitalize()} {verb} seen.", f"It shows {some}.")))
    subject = "The largest" if count and count > 1 else rng.choice(("The polyp", "It") if count else ("The polyp",))
    return " ".join(words + _detail_sentences(subject, details, rng))


def _one_sentence(details: dict, rng: Random) -> str:
    """One polyp with all that is said of it: "A small, pink, sessile polyp lies in the lower-left."."""
    adjectives = [details[aspect] for aspect in ("size", "colour", "kind") if aspect in details]
    rng.shuffle(adjectives)
    stalk = "pedunculated" in adjectives and rng.random() < 0.4
    if stalk:
        adjectives.remove("pedunculated")
    phrase = " ".join((rng.choice((", ", " ")).join(adjectives), "polyp")).strip() + (" on a stalk" if stalk else "")
    if "place" not in details:
        return rng.choice((f"A {phrase} is seen.", f"There is a {phrase}.", f"It shows a {phrase}."))
    place = _place_words(details["place"], rng)
    forms = (f"A {phrase} lies {place}.", f"A {phrase} is seen {place}.", f"There is a {phrase} {place}.")
    return rng.choice((*forms, f"{place.capitalize()} there is a {phrase}."))


def _detail_sentences(subject: str, details: dict, rng: Random) -> list[str]:
    """Details in one to three short sentences, in any order."""
    qualities = []
    for aspect, value in details.items():
        if aspect == "kind":
            qualities.append("on a stalk" if value == "pedunculated" and rng.random() < 0.4 else value)
        elif aspect != "place":
            qualities.append(f"{value} in size" if aspect == "size" and rng.random() < 0.3 else value)
    rng.shuffle(qualities)
    if "place" in details:
        place = _place_words(details["place"], rng)
        if qualities and rng.random() < 0.5:
            return [f"{subject} is {_listed(qualities)} and lies {place}."]
        where = rng.choice((f"{subject} lies {place}.", f"{subject} is found {place}."))
        sentences = [where] + ([f"{subject} is {_listed(qualities)}."] if qualities else [])
        rng.shuffle(sentences)
        return sentences
    return [f"{subject} is {_listed(qualities)}."] if qualities else []


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _instrument_words(said: dict, rng: Random) -> str:
    kinds, tip = said.get("instruments"), said.get("tip")
    where = "" if tip is None else f"lies {_place_words(tip, rng)}"
    if kinds is None:
        return f"The tip of the instrument {where}." if where else ""
    if not kinds:
        nothing = rng.choice(("No instrument is visible.", "There is no instrument.", "No instruments are in use."))
        return f"{nothing} The tip {where}." if where else nothing
    name = " and ".join(kind if kind == "forceps" else f"a {kind}" for kind in kinds)
    verb = "is" if kinds == ("snare",) else "are"
    capital = name[0].upper() + name[1:]
    words = rng.choice((f"{capital} {verb} visible.", f"{capital} {verb} in use.", f"There {verb} {name} in view."))
    return f"{words} {rng.choice(('The tip', 'The instrument tip'))} {where}." if where else words


def _stool_words(said: dict, rng: Random) -> str:
    if "stool" not in said:
        return ""
    if said["stool"]:
        return rng.choice(("Stool covers part of the wall.", "Some stool is left.", "Stool is present."))
    return rng.choice(("No stool is seen.", "There is no stool.", "The wall is clean, without stool."))


def _bubble_words(said: dict, rng: Random) -> str:
    if "bubbles" not in said:
        return ""
    if said["bubbles"]:
        return rng.choice(("Bubbles are seen.", "There are bubbles on the wall.", "A cluster of bubbles is present."))
    return rng.choice(("No bubbles are seen.", "There are no bubbles.", "It is free of bubbles."))
