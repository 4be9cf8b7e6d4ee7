"""The answers of the templates: each function answers a question, given its slots, from a scene's truth.

All take (scene, slots) and return the answer, or None where these slots have no single true answer in the scene; a
name that makes such a function says so. Slots come from our own proposals or out of a question that a model wrote, so
that nothing in them is taken for granted but their names:

    x, y  a phrase for any number of objects      r, s  a phrase for exactly one object
    v     a value: colour, shape, size, region or relation      g  a region      o  options      n, few, many  numbers
"""

from collections.abc import Callable, Collection

from leaml.nano.scene_phrases import article, describe, find, holds, only, options_of
from leaml.nano.scenes import COLOURS, Item, Scene
from leaml.records import REGIONS, SET_SEPARATOR

Slots = dict[str, str]
Answer = Callable[[Scene, Slots], str | None]
Property = Callable[[Item], str]


def yes(condition: bool) -> str:
    return "yes" if condition else "no"


def exists(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    return None if found is None else yes(bool(found))


def count(scene: Scene, slots: Slots) -> str | None:
    found = find(scene, slots["x"])
    return None if found is None else str(len(found))


def numbered(scene: Scene, slots: Slots) -> str | None:
    """Whether there are exactly n of x."""
    found = find(scene, slots["x"])
    return None if found is None or not slots["n"].isdigit() else yes(len(found) == int(slots["n"]))


def more(scene: Scene, slots: Slots) -> str | None:
    a, b = find(scene, slots["x"]), find(scene, slots["y"])
    return None if a is None or b is None or slots["x"] == slots["y"] else yes(len(a) > len(b))


def banded(scene: Scene, slots: Slots) -> str | None:
    """Which of the three bands that few and many make the number of x falls into."""
    found = find(scene, slots["x"])
    try:
        few, many = int(slots["few"]), int(slots["many"])
    except ValueError:
        return None
    if found is None or few >= many:
        return None
    n = len(found)
    return f"fewer than {few}" if n < few else f"more than {many}" if n > many else f"{few} to {many}"


def of_one(read: Property) -> Answer:
    """Makes an answer that is a property of the one object r."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        return read(item) if item else None

    return answer


def is_one(read: Property, allowed: Collection[str]) -> Answer:
    """Makes an answer: whether a property of the one object r is v."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        return yes(read(item) == slots["v"]) if item and slots["v"] in allowed else None

    return answer


def chosen(read: Property) -> Answer:
    """Makes an answer that is a property of the one object r, if it is among the options."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        item = only(scene, slots["r"])
        options = options_of(slots["o"])
        return read(item) if item and len(options) > 1 and read(item) in options else None

    return answer


def kind(item: Item) -> str:
    """An object by colour and shape: "a red circle"."""
    return article(describe(item, {"colour", "shape"}))


def related(scene: Scene, slots: Slots) -> str | None:
    """Whether r stands in the relation v to s."""
    a, b = only(scene, slots["r"]), only(scene, slots["s"])
    if a is None or b is None or a is b:
        return None
    held = holds(slots["v"], a, b)
    return None if held is None else yes(held)


def side(first: str, second: str) -> Answer:
    """Makes an answer: which of two opposite relations r has to s."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        said = related(scene, slots | {"v": first})
        return None if said is None else (first if said == "yes" else second).removesuffix(" of")

    return answer


def larger(scene: Scene, slots: Slots) -> str | None:
    a, b = only(scene, slots["r"]), only(scene, slots["s"])
    if a is None or b is None or a.size == b.size:
        return None
    return f"the {slots['r']}" if a.size == "large" else f"the {slots['s']}"


def neighbour(scene: Scene, slots: Slots) -> str | None:
    """What stands in the relation v to r, where there is but one other object."""
    item = only(scene, slots["r"])
    if item is None or len(scene.items) != 2:
        return None
    other = scene.items[1] if scene.items[0] is item else scene.items[0]
    return kind(other) if holds(slots["v"], other, item) else None


def ground(scene: Scene, slots: Slots) -> str | None:
    return scene.ground


def ground_is(scene: Scene, slots: Slots) -> str | None:
    return yes(scene.ground == slots["v"]) if slots["v"] in COLOURS else None


def _in_region(scene: Scene, region: str) -> list[Item] | None:
    return [item for item in scene.items if item.region == region] if region in REGIONS else None


def occupied(scene: Scene, slots: Slots) -> str | None:
    found = _in_region(scene, slots["g"])
    return None if found is None else yes(bool(found))


def content(scene: Scene, slots: Slots) -> str | None:
    found = _in_region(scene, slots["g"])
    if found is None or len(found) > 1:
        return None
    return kind(found[0]) if found else "nothing"


def region_property(read: Property) -> Answer:
    """Makes an answer that is a property of the only object in region g."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        found = _in_region(scene, slots["g"])
        return read(found[0]) if found and len(found) == 1 else None

    return answer


def regions(scene: Scene, slots: Slots) -> str | None:
    """Every region that holds an x; three at most, for more is no longer an answer that one reads."""
    found = find(scene, slots["x"])
    if not found:
        return None
    present = {item.region for item in found}
    return SET_SEPARATOR.join(r for r in REGIONS if r in present) if len(present) <= 3 else None


def shown(scene: Scene, slots: Slots) -> str | None:
    """Which of two phrases names something, if just one does."""
    options = options_of(slots["o"])
    found = [find(scene, option) for option in options]
    if len(options) != 2 or any(f is None for f in found) or sum(bool(f) for f in found) != 1:
        return None
    return options[0] if found[0] else options[1]


def listed(read: Property, allowed: Collection[str]) -> Answer:
    """Makes an answer: those of the options that are a property of some object, in the order of the options."""

    def answer(scene: Scene, slots: Slots) -> str | None:
        options = options_of(slots["o"])
        if len(options) < 2 or len(set(options)) < len(options) or not set(options) <= set(allowed):
            return None
        present = {read(item) for item in scene.items}
        return SET_SEPARATOR.join(o for o in options if o in present) or "none"

    return answer
