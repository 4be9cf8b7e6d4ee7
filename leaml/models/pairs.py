"""Reading the question/answer pairs in what a model wrote: all of them, in whatever dress, and never an error.

    parse_pairs("**Q1:** Is there a polyp?\\n**A1:** Yes.")        # [("Is there a polyp?", "Yes")]
    parse_pairs('[{"question": "How many?", "answer": 2}]')       # [("How many?", "2")]
    parse_pairs("Question: Is there a polyp?")                    # []: no answer

In this order, and the first way that finds a pair is taken: JSON objects; answers that all stand above their questions;
"Question: … Answer: …" in words, in letters, or mixed, on one line or several, numbered, in Markdown or tags; questions
with an "Answer:" each but no mark of their own; and, where nothing is marked at all, lists and tables of questions with
their answers behind them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

LONGEST_QUESTION, LONGEST_ANSWER = 300, 200
"""Characters; what is longer is no question, or no answer, but a model that did not stop."""
LONGEST_TEXT, MOST_OBJECTS = 20_000, 50
"""Characters that are read at all, and beginnings of JSON that are tried."""

DRESS = " \t\n*_#\"'`“”„‘’«»{}|"
"""What models put around words: spaces, quotes, Markdown, tables and JSON."""

Pairs = list[tuple[str, str]]

_NUMBER = r"(?:\s*#?\s*\d{1,3})?"
_ASIDE = r"(?:\s*\([^()\n:]{0,40}\))?"
_CLOSED = r"[\"'*_`]*\s*[:：]"
_HEADING = r"(?m:[ *_]*$)(?<=\S)(?=\s*\n)"


def _mark(words: str, letter: str) -> tuple[str, str]:
    """Patterns of a mark in words ("Question 2:", "### Question") and as a letter ("Q2:", "Q2.", "Q:")."""
    spelled = rf"\b(?:{words}){_NUMBER}{_ASIDE}{_CLOSED}|(?m:^[ #*_>\d.)-]*)\b(?:{words}){_NUMBER}{_HEADING}"
    return spelled, rf"\b{letter}(?:{_NUMBER}{_CLOSED}|\d{{1,3}}[.)])"


_QUESTION, _Q = _mark("question", "q")
_ANSWER, _A = _mark("(?:(?:correct|expected|final|right) )?(?:answer|ans|response)|réponse|respuesta|antwort", "a")
_QUESTION = rf"{_QUESTION}|\b(?:frage|pregunta){_NUMBER}{_CLOSED}"


def _marks(question: str, answer: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<question>{question})|(?P<answer>{answer})", re.IGNORECASE)


_WAYS = (_marks(_QUESTION, _ANSWER), _marks(_Q, _A), _marks(f"{_QUESTION}|{_Q}", f"{_ANSWER}|{_A}"))
_ANY_QUESTION = re.compile(f"{_QUESTION}|{_Q}", re.IGNORECASE)

_ASKS = re.compile(
    r"(?:(?:about |in |on |at |of |from |to |for )?(?:what|which|where|how|who|whose|when|why)|is|are|was|were|do|does"
    r"|did|can|could|has|have|will|would)\b",
    re.IGNORECASE,
)
_COMMANDS = re.compile(r"(?:name|list|count|choose|select|describe|state|give|say|identify|locate)\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–>]+\s+|\(?\d{1,3}\s*[.):|]\s+)+")
_CHATTER = re.compile(
    r"\b(?:explanation|reason(?:ing)?|rationale|justification|note|confidence|difficulty|category|(?:question )?type)"
    r"[\"'*_`]*\s*[:：]",
    re.IGNORECASE,
)
"""Begins what models add to a pair."""
_PLACEHOLDER = re.compile(r"[\[<].*[\]>]|n/?a|\.+|…", re.IGNORECASE)
_OPTION = re.compile(r"(?:(?<=\s)|^|(?<=[(\[]))([A-H])[).\]:]\s+(?=\S)")
_STRAY = re.compile(r"<think>.*?</think>|^.*</think>|<\|[^<>|]*\|>|</?s>|<end_of_utterance>|```\w*", re.DOTALL)
_TAGS = (
    (re.compile(r"<(?:question|q)\s*>", re.IGNORECASE), "\nQuestion: "),
    (re.compile(r"<(?:answer|a)\s*>", re.IGNORECASE), "\nAnswer: "),
    (re.compile(r"</(?:question|q|answer|a)\s*>", re.IGNORECASE), "\n"),
)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


def parse_pairs(text: str) -> Pairs:
    """All questions with their answers in what a generator wrote, in order; a question without an answer is left out.

    A question needs a question mark, or the words of one. An answer ends with its line, or at the next mark; a letter
    that stands for a choice becomes the choice.
    """
    text = _undressed(text[:LONGEST_TEXT])
    marked = (_marked(text, way) for way in _WAYS)
    for found in (_in_json(text), _answers_first(text), *marked, _answers_marked(text)):
        if pairs := _whole(found):
            return pairs
    return [] if any(way.search(text) for way in _WAYS) else _whole(_unmarked(text))


def parse_pair(text: str) -> tuple[str, str] | None:
    """The first of `parse_pairs`, or None where there is none."""
    return next(iter(parse_pairs(text)), None)


def read_answer(text: str) -> str:
    """The answer in what was written behind "Answer:": its first line, up to a next mark; empty if it has none."""
    text = _CHATTER.split(_ANY_QUESTION.split(_undressed(text), maxsplit=1)[0], maxsplit=1)[0]
    lines = _BULLET.sub("", text.strip(DRESS)).splitlines()
    answer = _plain(lines[0]).rstrip(",") if lines else ""
    answer = answer.rstrip(".。").rstrip(DRESS) or answer
    fits = len(answer) <= LONGEST_ANSWER and any(c.isalnum() for c in answer) and not _PLACEHOLDER.fullmatch(answer)
    return answer if fits else ""


# ---- ways in which pairs are written -----------------------------------------------------------------------------


def _marked(text: str, way: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Each mark of a question that is followed by one of an answer, with what stands behind the two."""
    marks = list(way.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    said = [text[mark.end() : end] for mark, end in zip(marks, ends)]
    for place in range(len(marks) - 1):
        if marks[place]["question"] and marks[place + 1]["answer"]:
            yield said[place], said[place + 1]


def _answers_marked(text: str) -> Iterator[tuple[str, str]]:
    """ "1. Is there a polyp? (Answer: yes)": the question is the last one before the mark."""
    start = 0
    for mark in re.finditer(_ANSWER, text, re.IGNORECASE):
        asked = [line for line in text[start : mark.start()].splitlines() if "?" in line]
        start = mark.end()
        if asked and not _ANY_QUESTION.search(asked[-1]):
            answer, closes, _ = text[start:].partition("\n")[0].partition(")")
            yield _from_where_it_asks(asked[-1]), answer + (")" if closes and "(" in answer else "")


def _answers_first(text: str) -> Iterator[tuple[str, str]]:
    """Every answer on a line above its question."""
    marks = list(_WAYS[0].finditer(text))
    turns = [bool(mark["question"]) for mark in marks]
    in_turn = turns == [False, True] * (len(turns) // 2)
    for one, other in zip(marks[::2], marks[1::2]) if in_turn else ():
        if "\n" in (answer := text[one.end() : other.start()]):
            yield text[other.end() :].strip().partition("\n")[0], answer


def _unmarked(text: str) -> Iterator[tuple[str, str]]:
    """Lines of a list or table: a question, and its answer behind it or on the line below."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line, below in zip(lines, [*lines[1:], ""]):
        asked, mark, answer = _BULLET.sub("", line.strip("| ")).strip(DRESS).partition("?")
        if mark and _ASKS.match(asked):
            answer = answer.strip(DRESS + "-–—:,()>→=")
            yield asked + mark, answer or ("" if "?" in below else below)


def _in_json(text: str) -> Iterator[tuple[str, str]]:
    """The objects that have a question and an answer, however deep."""
    decoder, place = json.JSONDecoder(strict=False), 0
    for _ in range(MOST_OBJECTS):
        opening = re.compile(r"[\[{]").search(text, place)
        if opening is None:
            return
        try:
            value, place = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            place = opening.end()
            continue
        yield from _pairs_of(value)


def _pairs_of(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for member in value:
            yield from _pairs_of(member)
    if not isinstance(value, dict):
        return
    keys = {re.sub(r"[^a-z0-9]", "", str(key).casefold()): key for key in value}
    for name, key in keys.items():
        if match := re.fullmatch(r"(?:question|q)(text|\d*)", name):
            number = match[1].removeprefix("text")
            answer = next((keys[word + number] for word in ("answer", "a", "response") if word + number in keys), None)
            if answer is not None:
                yield _spelled(value[key]), _spelled(value[answer])
        elif isinstance(value[key], list | dict):
            yield from _pairs_of(value[key])


def _spelled(value: Any) -> str:
    """What stands in JSON as a person would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(_spelled, value))
    return "" if value is None or isinstance(value, dict) else str(value)


# ---- from what was found to a pair -------------------------------------------------------------------------------


def _whole(found: Iterable[tuple[str, str]]) -> Pairs:
    """Those that are a question and an answer indeed, each once."""
    read = []
    for asked, said in found:
        question, options = _options(_CHATTER.split(asked, maxsplit=1)[0])
        question, answer = _read_question(question), read_answer(said)
        if options and (letter := re.match(r"\(?([A-H])(?=[).:]|$)", answer)):
            answer = options.get(letter[1], "")
        read.append((question, answer))
    return list(dict.fromkeys(pair for pair in read if all(pair)))


def _options(question: str) -> tuple[str, dict[str, str]]:
    """ "Which one? A) red B) blue" as "Which one: red or blue?", and which letter stands for what."""
    places = list(_OPTION.finditer(question))
    if [place[1] for place in places] != list("ABCDEFGH"[: len(places)]) or len(places) < 2:
        return question, {}
    ends = [*(place.start() for place in places[1:]), len(question)]
    texts = [_plain(question[p.end() : end]).strip(",;.([ ") for p, end in zip(places, ends, strict=True)]
    stem = _plain(question[: places[0].start()].rstrip("([ \n"))
    stem = re.sub(r"[\s*_]*(?:options|choices)[\s*_]*[:：]?[\s*_]*$", "", stem, flags=re.IGNORECASE).rstrip("?.: ")
    listed = f"{', '.join(texts[:-1])} or {texts[-1]}"
    return f"{stem}: {listed}?", {place[1]: option for place, option in zip(places, texts, strict=True)}


def _read_question(text: str) -> str:
    question = _BULLET.sub("", _plain(text)).rstrip(",->•").strip(DRESS).replace("？", "?")
    if not 2 < len(question) <= LONGEST_QUESTION:
        return ""
    if "?" in question or "؟" in question or _COMMANDS.match(question):
        return question
    return f"{question.rstrip('.')}?" if _ASKS.match(question) else ""


def _from_where_it_asks(line: str) -> str:
    """The last question of a line, without what leads up to it."""
    sentences = re.split(r"(?<=[.:!)])\s+", line[: line.rindex("?") + 1])
    return next((s for s in reversed(sentences) if _ASKS.match(_BULLET.sub("", s).strip(DRESS))), line)


def _undressed(text: str) -> str:
    """Without what belongs to no words: thoughts, control tokens, code fences; tags as marks, one kind of quotes."""
    text = _BOXED.sub(r"\1", _STRAY.sub("\n", text))
    for tag, mark in _TAGS:
        text = tag.sub(mark, text)
    return text.translate({0x201C: '"', 0x201D: '"', 0x201E: '"', 0x2018: "'", 0x2019: "'"})


def _plain(text: str) -> str:
    """One line of visible text, without what is dressed around it."""
    line = " ".join(text.split())
    return "".join(character for character in line if character.isprintable()).strip(DRESS)
