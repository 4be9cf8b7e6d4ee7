"""Questions, answers and captions about drawn scenes, and whether a written answer is true in one.

    question = ask(scene, random.Random(1), "colour")        # Asked(question, answer, type, choices)
    true_answer("What colour is the star?", scene)           # as Asked, or None where it has no single true answer

The table in `scene_templates` says what is asked and how it is answered. A question that somebody else wrote in the
same words is answered by the same functions, so that self-written pairs can be checked.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from leaml.nano.scene_answers import Slots
from leaml.nano.scene_phrases import PHRASE_PATTERN, RELATIONS, SIZES, article, describe, plural
from leaml.nano.scene_templates import TEMPLATES, TYPE_WEIGHTS, Template, choices
from leaml.nano.scenes import COLOURS, SHAPES, Scene

__all__ = [
    "SIZES", "TEMPLATES", "TYPE_WEIGHTS", "Asked", "ask", "ask_several", "caption", "objects_in", "readings",
    "true_answer",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a scene, its answer, its type out of `records.QUESTION_TYPES`, and its choices."""

    question: str
    answer: str
    type: str
    choices: tuple[str, ...] = ()


# ---- asking ------------------------------------------------------------------------------------------------------


def ask(scene: Scene, rng: random.Random, question_type: str) -> Asked | None:
    """One question on the scene, or None where the template that chance chose does not fit it."""
    templates = [t for t in TEMPLATES if t.type == question_type]
    template = rng.choices(templates, [t.weight for t in templates])[0]
    slots = template.propose(scene, rng)
    answer = template.answer(scene, slots) if slots is not None else None
    if answer is None:
        return None
    return Asked(_fill(rng.choice(template.wordings), slots), answer, template.type, choices(template, slots))


def ask_several(
    scene: Scene, rng: random.Random, count: int, weights: dict[str, float] = TYPE_WEIGHTS
) -> list[Asked]:
    """Up to `count` different questions on the scene; `weights` say how often each question type is drawn."""
    asked: dict[str, Asked] = {}
    for _ in range(count * 4):
        if len(asked) == count:
            break
        new = ask(scene, rng, rng.choices(list(weights), list(weights.values()))[0])
        if new is not None:
            asked[new.question] = new
    return list(asked.values())


def _fill(wording: str, slots: Slots) -> str:
    """The wording with its slots; {a_x} is x with its article, {xs} its plural."""
    filled = dict(slots)
    for name in ("x", "y"):
        if name in slots:
            filled["a_" + name], filled[name + "s"] = article(slots[name]), plural(slots[name])
    # "to the left of" is English, "to the above" is not.
    if slots.get("v") in RELATIONS and not slots["v"].endswith(" of"):
        wording = wording.replace("to the {v}", "{v}")
    if "a {v}" in wording:
        wording = wording.replace("a {v}", article(slots["v"]))
    return wording.format(**filled)


# ---- checking what somebody else asked ---------------------------------------------------------------------------


_SLOT_PATTERNS = {"n": r"\d+", "few": r"\d+", "many": r"\d+", "v": r"[a-z -]+?", "g": r"[a-z-]+", "o": r"[a-z ,-]+?"}


@cache
def _readers() -> tuple[tuple[Template, re.Pattern], ...]:
    """Every wording as a pattern that reads its slots back."""
    readers = []
    for template in TEMPLATES:
        for wording in template.wordings:
            variants = (wording, wording.replace("a {v}", "an {v}"), wording.replace("to the {v}", "{v}"))
            for text in dict.fromkeys(variants):
                readers.append((template, re.compile(_pattern(text) + "$", re.IGNORECASE)))
    return tuple(readers)


def _pattern(wording: str) -> str:
    pattern, seen = "", set()
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
        pattern += f"{before}(?P<{name}>{_SLOT_PATTERNS.get(name, PHRASE_PATTERN)}){after}"
    return pattern


def readings(question: str, scene: Scene) -> Iterator[Asked]:
    """Every way in which the templates read a question on this scene, with the true answer."""
    read = " ".join(question.lower().split())
    for template, pattern in _readers():
        match = pattern.match(read)
        if match is None:
            continue
        slots = match.groupdict()
        answer = template.answer(scene, slots)
        if answer is not None:
            yield Asked(question, answer, template.type, choices(template, slots))


def true_answer(question: str, scene: Scene) -> Asked | None:
    """The question as the templates read it, with its true answer, or None where it has no single true answer here."""
    return next(readings(question, scene), None)


# ---- captions ----------------------------------------------------------------------------------------------------

_MENTIONS = (
    "{a} is in the {g}.", "{a} lies in the {g}.", "{a} is seen in the {g}.",
    "There is {a} in the {g}.", "In the {g} is {a}.",
)  # fmt: skip


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
