"""Every text that is sent to a model, and what a question says of its type and choices.

Nano was trained on these very texts: a golden test holds them. How pairs that come back are read stands in
`leaml.models.pairs`.
"""

import re

from leaml.models.pairs import DRESS
from leaml.records import REGIONS, SET_SEPARATOR

CAPTION = "Describe the picture."
WRITE_PAIR = "Write a question about the picture and its answer."


def write_pair(question_type: str | None = None) -> str:
    """The generator's prompt: any question, or one of a type out of `records.QUESTION_TYPES`."""
    if question_type is None:
        return WRITE_PAIR
    article = "an" if question_type == "open" else "a"
    return f"Write {article} {question_type} question about the picture and its answer."


def pair_text(question: str, answer: str) -> str:
    """A question and its answer as the generator writes them."""
    return f"{pair_lead(question)} {answer}"


def pair_lead(question: str) -> str:
    """The beginning of a pair's text, up to where the answer starts."""
    return f"Question: {question} Answer:"


# ---- reading a question ------------------------------------------------------------------------------------------

MOST_CHOICES, LONGEST_CHOICE = 12, 60

_LISTED = re.compile(r":\s+(?P<options>[^:?]+?)\s*[?.]?$")
"""Options behind a colon: "… the size: small, medium or large?"."""
_LISTED_BEHIND_COMMA = re.compile(r"^(?:which|what|who)\b[^,?]*,\s*(?P<options>[^:?]+\bor\b[^:?]+)\?$", re.IGNORECASE)
"""Options behind a comma: "Which is larger, the star or the ring?"."""
_ALTERNATIVES = re.compile(
    r"^(?:is|are|was|were|does|do) (?:the|it|its|this|these|that|those|they)\b.*?"
    r"(?P<options>[\w%-]+(?:, [\w%-]+)*,? or [\w%-]+)(?:\?| (?:of )?(?:the|it|this)\b.*\?)$",
    re.IGNORECASE,
)
"""Options in the sentence itself: "Is the star red or blue?", "Is the star left or right of the ring?"."""
_INDEFINITE = re.compile(r"\b(?:an?|any|some)(?: [\w%-]+)*$", re.IGNORECASE)
"""Behind these words an "or" describes what is looked for, and asks yes or no: "Does it show a red or blue star?"."""


def parse_choices(question: str) -> tuple[str, ...]:
    """The choices that a question offers in its own words ("small or large?", "polyp, snare or stool?"), else none."""
    question = " ".join(question.split())
    match = _LISTED.search(question) or _LISTED_BEHIND_COMMA.search(question) or _ALTERNATIVES.search(question)
    if match is None or (match.re is _ALTERNATIVES and _INDEFINITE.search(question[: match.start("options")].rstrip())):
        return ()
    pieces = re.split(r",\s*or\s+|\s+or\s+|,\s*", match["options"].strip())
    options = tuple(dict.fromkeys(piece.strip(DRESS) for piece in pieces if piece.strip(DRESS)))
    fits = 1 < len(options) <= MOST_CHOICES and all(len(option) <= LONGEST_CHOICE for option in options)
    return options if fits else ()


_SEVERAL = re.compile(
    r"\b(?:name|list) (?:every|all)\b|\ball that apply\b|\b(?:which|what) of the(?:se)?\b"
    r"|\b(?:which (?:\w+ )?|what )(?:\w+ )?\w+s (?:are|do|can|have|hold)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"where\b|(?:in|on|at) (?:which|what) (?:region|part|place|area|side|corner|quadrant|half)\b"
    r"|(?:what|which) (?:is the )?(?:location|position|place|region)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\bhow many\b|\bnumber of\b|^count\b", re.IGNORECASE)
_COLOUR = re.compile(
    r"(?:of |in )?(?:what|which)(?: is| are)?(?: the)?(?: \w+){0,2}? colou?rs?\b|(?:name|state|give|say) the colou?r",
    re.IGNORECASE,
)


def question_type(question: str, answer: str) -> str:
    """The type out of `records.QUESTION_TYPES` of a question that nobody has typed, by its words and answer."""
    question, said = " ".join(question.split()), answer.strip(DRESS + ".!").casefold()
    if said.split(",")[0] in ("yes", "no"):
        return "yes/no"
    asks_place = _PLACE.match(question) is not None
    if _SEVERAL.search(question) or (SET_SEPARATOR.strip() in said and not asks_place):
        return "multiple choice"
    if parse_choices(question):
        return "single choice"
    if asks_place or said in REGIONS:
        return "location"
    if _NUMBER.search(question):
        return "count"
    return "colour" if _COLOUR.match(question) else "open"
