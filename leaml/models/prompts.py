"""Every text that is sent to a model, and how what comes back is read."""

import re

from leaml.records import QUESTION_TYPES, SET_SEPARATOR

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
    return f"Question: {question} Answer: {answer}"


def pair_lead(question: str) -> str:
    """The beginning of a pair's text, up to where the answer starts."""
    return f"Question: {question} Answer:"


_PAIR = re.compile(r"question\s*:\s*(?P<question>.+?)\s*answer\s*:\s*(?P<answer>.+?)\s*$", re.IGNORECASE | re.DOTALL)
_OPTIONS = re.compile(r"[:,]\s*(?P<options>[^:?]+)\?$")
_ALTERNATIVES = re.compile(r"^(?:is|are|does|do|was|were)\b.*?(?P<options>[\w%-]+(?:, [\w%-]+)*,? or [\w%-]+)\?$", re.IGNORECASE)


def parse_pair(text: str) -> tuple[str, str] | None:
    """The question and answer in what a generator wrote, or None where it wrote something else."""
    match = _PAIR.search(text.strip())
    if match is None:
        return None
    question, answer = (" ".join(match[name].split()) for name in ("question", "answer"))
    if not question.endswith("?") or "question:" in answer.lower() or len(question) > 300 or len(answer) > 200:
        return None
    return question, answer.rstrip(".") or answer


def parse_choices(question: str) -> tuple[str, ...]:
    """The choices that a question offers in its own words ("small or large?", "polyp, snare or stool?"), else none."""
    match = _OPTIONS.search(question) or _ALTERNATIVES.search(question)
    if match is None:
        return ()
    options = re.split(r",\s*or\s+|\s+or\s+|,\s*", match["options"].strip())
    return tuple(option.strip() for option in options if option.strip()) if len(options) > 1 else ()


def question_type(question: str, answer: str) -> str:
    """The type of a question that nobody has typed, from its words and the form of its answer."""
    answer = answer.strip().lower()
    first = question.lower()
    if answer in ("yes", "no"):
        return QUESTION_TYPES[0]
    if SET_SEPARATOR in answer or re.match(r"(which of these|name every|which \w+ are)\b", first):
        return "multiple choice"
    if re.match(r"(what|which|what is the) colou?r|.*\bcolou?r (is|does|has)\b|.*\bcolou?r of\b", first) and "colours are" not in first:
        return "colour"
    if parse_choices(question):
        return "single choice"
    if first.startswith(("where", "in which region", "in which part")):
        return "location"
    if first.startswith(("how many", "count")):
        return "count"
    return "open"
