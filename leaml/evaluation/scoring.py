"""Is this answer right? One scorer for the screens, the benchmarks and the report. No torch.

    score("upper-left", "At the top left.", "location").correct      # True
    parse_choice("no polyp", ("yes", "no"))                          # "no"
    parse_choice("polyp or colitis", ("polyp", "colitis"))           # None: names two

Closed answers (yes/no, single choice, colour, location, multiple choice, count) are *parsed*: we look for the labels in
the written text, whole words only and the longest label first, so that "no" is not found in "normal" nor "polyp" in
"no polyp" where both are labels. An answer that names no label, or two where one was asked for, is unparsable, and
unparsable is wrong: it is never dropped. Nothing is inferred from prose beyond that: "there is a polyp" names neither
"yes" nor "no". Open answers are compared after normalising, with the token F1 of SQuAD (arXiv 1606.05250) beside.
Words are split at spaces and punctuation, so languages written without spaces are compared whole.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

from leaml.errors import DataError
from leaml.records import QUESTION_TYPES, REGIONS

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "magenta", "brown", "beige", "black",
    "white", "gray", "teal", "cyan", "turquoise", "gold", "silver", "transparent",
)  # fmt: skip
"""The colours that an answer to a colour question may name, beside the expected one and its own choices."""

BREAK = "|"
"""The token that stands for punctuation between phrases: no label reaches across it."""

SPELLINGS = {
    "colour": "color", "colours": "colors", "coloured": "colored", "colouring": "coloring", "grey": "gray",
    "greyish": "grayish", "centre": "center", "centres": "centers", "percent": "%",
}  # fmt: skip
ARTICLES = ("a", "an", "the")
UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {word: value for value, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, start=2)}

NEGATORS = {"no", "not", "non", "without", "neither", "nor", "never"}
FILLERS = {"any", "actually", "at", "evidence", "exactly", "in", "of", "on", "quite", "really", "sign", "signs"}
"""Words that may stand between a negator and the label that it denies: "no evidence of a polyp"."""
UNCERTAIN = {"certain", "clear", "determine", "enough", "know", "possible", "sure", "tell"}

BOUNDS = {"over", "under", "least", "most", "than", "to", "<", ">", "≤", "≥", "±"}
OPEN_ENDS = {("or", "more"), ("or", "fewer"), ("or", "less")}
"""Words before and after a number that make it a bound, not a count."""

PLACES = {
    "upper": ("upper", "top"), "lower": ("lower", "bottom"), "left": ("left",), "right": ("right",),
    "center": ("center", "middle", "central", "mid"),
}  # fmt: skip

_NUMBER_AHEAD = rf"(?= ?(?:\d|(?:{'|'.join(NUMBERS)})\b))"
_REWRITES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[\u2018\u2019\u02bc]", "'"),
        (r"\bcan(?:'t|not)\b", "can not"),
        (r"\bwon't\b", "will not"),
        (r"n't\b", " not"),
        (r"'", ""),
        (r"\b(?:rather than|instead of)\b", "not"),
        (r"\bper cent\b", "%"),
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),
        (r"(?<=\d) ?%? ?(?:[-\u2010-\u2015\u2212]|\bto\b) ?(?=\d)", " to "),
        (r"(?<![\w)%])[-\u2212](?=\d)", "~"),
        (r"[-\u2010-\u2015\u2212]", " "),
        (r"(?<=\d)(?=(?:mm|cm|\u03bcm|um|nm|ml|mg|kg|g|m|px)\b)", " "),
        (r"(?:\b(?:less|fewer|smaller|lower) than|\bbelow|<)" + _NUMBER_AHEAD, " under "),
        (r"(?:\b(?:more|greater|larger|higher) than|\babove|>)" + _NUMBER_AHEAD, " over "),
    )
)
"""Before words are split: contractions, ranges ("8-15" is "8 to 15"), a true minus (kept as ~), units, bounds."""

_TOKEN = re.compile(r"~?\d+(?:\.\d+)?(?![^\W_])|[^\W_]+|[%<>≤≥+±°=]|[.,;:!?|/]")
_IDIOM = re.compile(r"\b(?:no|without)(?: any| a)? (?:doubt|idea)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Score:
    """What became of one written answer.

    Attributes:
        correct: exact match: the label, the integer, the whole set, or the normalised text.
        parsed: what was understood: a label, a set of labels (location, multiple choice), an integer (count), the
            normalised text (open); None where nothing could be understood.
        f1: set F1 for sets, token F1 for open answers, else 1.0 or 0.0 as `correct`.
        near: a count that is off by one at most. False for every other type.
    """

    correct: bool
    parsed: str | frozenset[str] | int | None
    f1: float
    near: bool = False


def normalise(text: str) -> str:
    """The text in lower case, without articles, hyphens and punctuation, in one spelling, number words as digits.

    Percent signs, comparison signs, decimals and a leading minus stay, since they change the meaning.
    """
    return " ".join(token for token in _tokens(text) if token != BREAK)


def parse_choice(text: str, choices: Sequence[str]) -> str | None:
    """The one choice that the text names, spelled as in `choices`; None where it names none or several.

    A denied label ("not a polyp") is not named. Where the choices are yes and no, a denial without either word means no
    ("it is not visible"), unless it speaks of doubt ("not sure").
    """
    named = _named(text, tuple(choices))
    return next(iter(named)) if len(named) == 1 else None


def parse_set(text: str, choices: Sequence[str] = ()) -> frozenset[str] | None:
    """The choices that the text names, spelled as in `choices`; None where it names none.

    Without choices, the normalised pieces between semicolons, commas, line ends and "and".
    """
    if choices:
        return _named(text, tuple(choices)) or None
    pieces = (normalise(piece) for piece in re.split(r"[;,\n]|\band\b", text, flags=re.IGNORECASE))
    return frozenset(piece for piece in pieces if piece) or None


def parse_count(text: str) -> int | None:
    """The one whole number, 0 or above, that the text names in digits or words; "none" and "no cells" are 0.

    None for two different numbers, fractions, percentages, and bounds such as "more than 15" or "at least 3".
    """
    tokens = _tokens(_IDIOM.sub(" ", text))
    places = [place for place, token in enumerate(tokens) if re.fullmatch(r"~?\d+(?:\.\d+)?", token)]
    values = {tokens[place] for place in places}
    if not values:
        if "single" in tokens:
            return 1
        return 0 if {"no", "none", "nothing"} & set(tokens) else None
    before = {tokens[place - 1] for place in places if place}
    after = {tuple(tokens[place + 1 : place + 3]) for place in places}
    bounded = before & BOUNDS or any(words[:1] in (("%",), ("+",)) or words in OPEN_ENDS for words in after)
    number = re.fullmatch(r"(\d{1,9})(?:\.0+)?", values.pop())
    return None if values or bounded or number is None else int(number[1])


def score(expected: str, written: str, type: str, choices: Sequence[str] = ()) -> Score:
    """Scores one written answer against the expected one.

    Args:
        expected: the reference answer; the members of a set stand between semicolons.
        written: what the model or person wrote.
        type: one of `leaml.records.QUESTION_TYPES`.
        choices: what may be answered; parsing is restricted to them. An expected answer outside them is added.
            Without choices: yes and no, the nine regions, the known colours; else the whole text must match.

    Raises:
        DataError: the type is unknown.
    """
    if type not in QUESTION_TYPES:
        raise DataError(f"The question type {type!r} is unknown.", f"Use one of: {', '.join(QUESTION_TYPES)}.")
    if type == "count":
        return _score_count(expected, written)
    if type == "yes/no":
        choices = choices or ("yes", "no")
    elif type == "colour":
        # "dark red" names "red" too, and must stay a label of its own.
        choices = choices or (*COLOURS, *(member.strip() for member in expected.split(";")))
    elif type == "location" and parse_set(expected, REGIONS):
        choices = choices or REGIONS
    if type in ("location", "multiple choice") or (type == "colour" and ";" in expected):
        return _score_set(expected, written, tuple(choices))
    if type == "open" or not choices:
        return _score_text(expected, written, token_f1=type == "open")
    choices = _with_expected(choices, [expected])
    parsed = parse_choice(written, choices)
    correct = parsed is not None and parsed == parse_choice(expected, choices)
    return Score(correct, parsed, float(correct))


def _score_count(expected: str, written: str) -> Score:
    truth, parsed = parse_count(expected), parse_count(written)
    if truth is None:
        correct = _same_text(expected, written)
        return Score(correct, parsed, float(correct))
    correct = parsed == truth
    return Score(correct, parsed, float(correct), near=parsed is not None and abs(parsed - truth) <= 1)


def _score_set(expected: str, written: str, choices: tuple[str, ...]) -> Score:
    if choices:
        choices = _with_expected(choices, [member for member in expected.split(";") if member.strip()])
    truth, parsed = parse_set(expected, choices), parse_set(written, choices)
    if truth is None or parsed is None:
        return Score(False, parsed, 0.0)
    return Score(parsed == truth, parsed, _f1(Counter(truth), Counter(parsed)))


def _score_text(expected: str, written: str, token_f1: bool) -> Score:
    correct, parsed = _same_text(expected, written), normalise(written)
    overlap = _f1(Counter(normalise(expected).split()), Counter(parsed.split())) if token_f1 else 0.0
    return Score(correct, parsed or None, 1.0 if correct else overlap)


def _same_text(expected: str, written: str) -> bool:
    truth = normalise(expected)
    # Signs alone ("-") normalise to nothing, and nothing must not equal nothing.
    return truth == normalise(written) if truth else expected.strip() == written.strip()


def _with_expected(choices: Iterable[str], expected: Sequence[str]) -> tuple[str, ...]:
    choices = tuple(choices)
    return choices + tuple(answer.strip() for answer in expected if parse_choice(answer, choices) is None)


def _f1(truth: Counter[str], parsed: Counter[str]) -> float:
    shared = (truth & parsed).total()
    return 2 * shared / (truth.total() + parsed.total()) if shared else 0.0


def _tokens(text: str) -> list[str]:
    """Normalised words and signs, with `BREAK` for punctuation."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = BREAK.join(" ".join(line.split()) for line in text.splitlines())
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    words = [BREAK if re.fullmatch(r"[.,;:!?|/]", word) else SPELLINGS.get(word, word) for word in _TOKEN.findall(text)]
    return _digits(_without_articles(words))


def _without_articles(words: list[str]) -> list[str]:
    # An article stands before its noun: the label "A", "grade A" and "A, B" keep their letter.
    pairs = zip(words, [*words[1:], BREAK], strict=False)
    return [word for word, after in pairs if word not in ARTICLES or after in (BREAK, "and", "or")]


def _digits(words: list[str]) -> list[str]:
    """Number words as digits: "twenty one" is 21, "two hundred" is 200."""
    result: list[str] = []
    tens = False
    for word in words:
        value = NUMBERS.get(word)
        if value is not None and tens and 0 < value < 10:
            result[-1] = str(int(result[-1]) + value)
        elif word == "hundred":
            known = bool(result) and result[-1].isdecimal()
            result[-1 if known else len(result) :] = [str(100 * int(result[-1]) if known else 100)]
        else:
            result.append(word if value is None else str(value))
        tens = value is not None and value >= 20
    return result


def _region_phrases() -> dict[tuple[str, ...], str]:
    """Every way to write a region, as words: ("top", "left") and ("left", "upper") are upper-left."""
    phrases = {(word,): "center" for word in PLACES["center"]}
    for row, column in product(("upper", "center", "lower"), ("left", "center", "right")):
        region = "center" if row == column else f"{row}-{column}"
        for pair in product(PLACES[row], PLACES[column]):
            phrases[pair] = phrases[pair[::-1]] = region
    return phrases


_REGION_PHRASES = _region_phrases()


@lru_cache(maxsize=512)
def _phrases(choices: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """(words, choice) for every way to write each choice, longest first."""
    phrases: dict[tuple[str, ...], str] = {}
    for choice in choices:
        phrases.setdefault(tuple(normalise(choice).split()), choice)
    for words, choice in list(phrases.items()):
        if words[-1:] == ("%",):  # "8 to 16" says "8 to 16 %", where that is not another choice
            phrases.setdefault(words[:-1], choice)
        region = _REGION_PHRASES.get(words)
        for variant, same in _REGION_PHRASES.items():
            if same == region:
                phrases.setdefault(variant, choice)
    phrases.pop((), None)
    return tuple(sorted(phrases.items(), key=lambda phrase: (-len(phrase[0]), -len(" ".join(phrase[0])))))


def _named(text: str, choices: tuple[str, ...]) -> frozenset[str]:
    if not normalise(text):
        # A label may be made of signs alone, such as "-".
        return frozenset([text.strip()]).intersection(choices) if text.strip() else frozenset()
    tokens = _tokens(_IDIOM.sub(" ", text))
    if any(BREAK in _tokens(choice) for choice in choices):
        tokens = [token for token in tokens if token != BREAK]
    owners, spans = _spans(tokens, choices)
    named: set[str] = set()
    denied_until = -1
    for start, end, choice in spans:
        continued = denied_until >= 0 and tokens[denied_until:start] in (["or"], ["nor"])
        if continued or _denied(tokens, owners, start):
            denied_until = end
        else:
            named.add(choice)
    if _stray_direction(tokens, owners, choices, named):
        return frozenset()
    if not named and {normalise(choice) for choice in choices} == {"yes", "no"}:
        return frozenset(choice for choice in choices if normalise(choice) == "no" and _says_no(tokens))
    return frozenset(named)


def _spans(tokens: list[str], choices: tuple[str, ...]) -> tuple[list[bool], list[tuple[int, int, str]]]:
    """Which tokens belong to a label, and where each label stands: (start, end, choice), from left to right."""
    taken = [False] * len(tokens)
    spans = []
    present = set(tokens)
    for words, choice in _phrases(choices):
        if not present.issuperset(words):
            continue
        size = len(words)
        for start in range(len(tokens) - size + 1):
            if tuple(tokens[start : start + size]) == words and not any(taken[start : start + size]):
                taken[start : start + size] = [True] * size
                spans.append((start, start + size, choice))
    return taken, sorted(spans)


def _denied(tokens: list[str], taken: list[bool], start: int) -> bool:
    place = start - 1
    while place >= 0 and tokens[place] in FILLERS and not taken[place]:
        place -= 1
    # A "no" that is itself the answer denies nothing: "no, yes" names two labels.
    return place >= 0 and tokens[place] in NEGATORS and not taken[place]


def _stray_direction(tokens: list[str], taken: list[bool], choices: tuple[str, ...], named: set[str]) -> bool:
    """Whether a direction is left over that no named region holds: "upper-left and right" is not understood."""
    known = {word for words, _ in _phrases(choices) for word in words}
    held = {word for choice in named for word in normalise(choice).split()}
    for direction, words in PLACES.items():
        if direction == "center" or held.intersection(words):
            continue
        if any(token in words and token in known and not owned for token, owned in zip(tokens, taken, strict=True)):
            return True
    return False


def _says_no(tokens: list[str]) -> bool:
    doubt = UNCERTAIN.intersection(tokens) or ("can", "not") in pairwise(tokens)
    return not doubt and bool({"not", "none", "never", "without"}.intersection(tokens))
