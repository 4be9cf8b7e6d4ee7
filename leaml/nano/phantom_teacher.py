"""What the phantom's simulated teacher would answer, if questions were put to it instead of a request for a caption.

Answers follow from the very statements that its caption of a picture is made of: the same errors, the same silence.
Of matters that the teacher never speaks of it answers nothing.
"""

from random import Random

from leaml.nano.phantom import FINDINGS, QUESTIONS, Template, caption, picture_name, truth
from leaml.nano.phantom_captions import statements
from leaml.nano.phantom_truth import INSTRUMENT_KINDS
from leaml.records import SET_SEPARATOR, Caption, Pair

SILENT = 0.1
"""Share of the statements that could be made and are not."""

Said = dict[str, object]
"""What the teacher says of a picture, by aspect (`phantom_captions.ASPECTS`)."""


def _rng(seed: int, index: int) -> Random:
    """As the command that writes a phantom draws: a caption and the answers rest on the same statements."""
    return Random(f"{seed}/caption/{index}")


def captions(seed: int, indices: list[int], wrong: float, silent: float = SILENT) -> list[Caption]:
    """Captions of pictures, whose paths are relative to the phantom's folder, by a teacher who errs at that rate."""
    return [
        Caption(picture_name(index), caption(truth(seed, index), _rng(seed, index), wrong, silent)) for index in indices
    ]


def answers(seed: int, indices: list[int], wrong: float, silent: float = SILENT) -> list[Pair]:
    """The teacher's own pseudo labels: every question of the phantom that its statements on a picture answer."""
    pairs = []
    for index in indices:
        made = statements(truth(seed, index), _rng(seed, index), wrong, silent)
        said: Said = {statement.aspect: statement.value for statement in made}
        for template in QUESTIONS:
            answer = answer_from(said, template)
            if answer is not None:
                pairs.append(Pair(picture_name(index), template.question, answer, template.type, template.choices))
    return pairs


def answer_from(said: Said, template: Template) -> str | None:
    """What the statements say to a question; None where they do not say."""
    return _READERS[template.question](said) if template.question in _READERS else None


def _polyp(said: Said) -> str | None:
    return None if "polyps" not in said else "yes" if said["polyps"] else "no"


def _count(said: Said) -> str | None:
    return str(said["polyps"]) if "polyps" in said else None


def _kind(said: Said) -> str | None:
    return "none" if said.get("polyps") == 0 else said.get("kind")


def _instruments(said: Said) -> str | None:
    if "instruments" not in said:
        return None
    return SET_SEPARATOR.join(kind for kind in INSTRUMENT_KINDS if kind in said["instruments"]) or "none"


def _findings(said: Said) -> str | None:
    """Only where the teacher spoke of all four: what it left open is not "no"."""
    aspects = ("polyps", "instruments", "stool", "bubbles")
    if not all(aspect in said for aspect in aspects):
        return None
    seen = (name for name, aspect in zip(FINDINGS, aspects, strict=True) if said[aspect])
    return SET_SEPARATOR.join(seen) or "none"


_READERS = {
    "Is there a polyp in the image?": _polyp,
    "How many polyps are in the image?": _count,
    "What type of polyp is present: flat, sessile, pedunculated or none?": _kind,
    "What is the size of the largest polyp: small, medium or large?": lambda said: said.get("size"),
    "What colour is the largest polyp?": lambda said: said.get("colour"),
    "Where in the image is the largest polyp?": lambda said: said.get("place"),
    "Where in the image is the tip of the instrument?": lambda said: said.get("tip"),
    "Which instruments are shown: forceps, snare or none?": _instruments,
    "Which findings are shown: polyp, instrument, stool, bubbles or none?": _findings,
}
"""Wording of a question -> what reads its answer from the statements."""

UNSPOKEN = tuple(template.question for template in QUESTIONS if template.question not in _READERS)
"""The questions on matters that no caption ever speaks of."""
