"""Pseudo question/answer pairs for unlabelled pictures, with the signals that speak for or against each.

For every picture and question type the generator samples several texts; what parses and is new becomes a `Pair`. Its
signals, all between 0 and 1 but the first:

    log_probability    mean per token of the whole text, natural logarithm
    agreement          share of answers, sampled again to the same question, that are the same
    blind_agreement    the same share among answers sampled without the picture: what language alone would say
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from leaml.evaluation.scoring import normalise
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.writing import Request, Sampling, open_picture, write
from leaml.options import GenerateOptions
from leaml.records import Pair, Progress, Question, Result

PICTURES_AT_ONCE = 12
TEXT_TOKENS, ANSWER_TOKENS = 64, 16


@dataclass(slots=True)
class _Draft:
    """A parsed text, before its signals are known."""

    image: Path
    asked_type: str
    question: str
    answer: str
    log_probability: float
    signals: dict[str, float] = field(default_factory=dict)


def generate(
    model: nn.Module,
    framing: Framing,
    images: Sequence[Path],
    known: Sequence[Question],
    options: GenerateOptions,
) -> Generator[Progress | Pair | Result, None, None]:
    """Writes pairs for each picture, of the types that occur in `known` (the labelled questions).

    A question that is worded like a known one takes its type and choices from there.
    """
    types = sorted({question.type for question in known})
    wordings = {question.question: question for question in known}
    counts = {"texts": 0, "parsed": 0, "pairs": 0}
    with torch.random.fork_rng():
        for start in range(0, len(images), PICTURES_AT_ONCE):
            part = list(images[start : start + PICTURES_AT_ONCE])
            torch.manual_seed(options.seed * 1_000_003 + start)
            drafts = _drafts(model, framing, part, types, options, counts)
            _add_signals(model, framing, drafts, options)
            for draft in drafts:
                counts["pairs"] += 1
                yield _pair(draft, wordings)
            yield Progress(min(start + len(part), len(images)), len(images), f"{counts['pairs']} pairs")
    yield Result({name: float(count) for name, count in counts.items()})


def _drafts(model, framing, images: list[Path], types, options: GenerateOptions, counts: dict[str, int]) -> list[_Draft]:
    pictures = {image: open_picture(image) for image in images}
    asked = [(image, kind) for image in images for kind in types for _ in range(options.texts_per_type)]
    requests = [Request(pictures[image], prompts.write_pair(kind)) for image, kind in asked]
    texts = write(model, framing, requests, TEXT_TOKENS, Sampling(options.temperature, options.top_p))
    counts["texts"] += len(texts)
    drafts: dict[tuple[Path, str], _Draft] = {}
    for (image, kind), text in zip(asked, texts, strict=True):
        parsed = prompts.parse_pair(text.text)
        if parsed is None:
            continue
        counts["parsed"] += 1
        new = _Draft(image, kind, *parsed, text.log_probability)
        other = drafts.get((image, normalise(new.question)))
        # Two answers to one question cannot both be right: the likelier one stays, and agreement will judge it.
        if other is None or other.log_probability < new.log_probability:
            drafts[image, normalise(new.question)] = new
    return list(drafts.values())


def _add_signals(model, framing, drafts: list[_Draft], options: GenerateOptions) -> None:
    for draft in drafts:
        draft.signals["log_probability"] = draft.log_probability
    if not options.re_answers or not drafts:
        return
    for signal, seeing in (("agreement", True), ("blind_agreement", False)):
        pictures = {d.image: open_picture(d.image) if seeing else None for d in drafts}
        requests = [
            Request(pictures[d.image], prompts.write_pair(d.asked_type), prompts.pair_lead(d.question))
            for d in drafts
            for _ in range(options.re_answers)
        ]
        answers = write(model, framing, requests, ANSWER_TOKENS, Sampling(1.0, 1.0))
        for number, draft in enumerate(drafts):
            again = answers[number * options.re_answers : (number + 1) * options.re_answers]
            same = sum(normalise(a.text) == normalise(draft.answer) for a in again)
            draft.signals[signal] = same / options.re_answers


def _pair(draft: _Draft, wordings: dict[str, Question]) -> Pair:
    known = wordings.get(draft.question)
    kind = known.type if known else prompts.question_type(draft.question, draft.answer)
    choices = known.choices if known else prompts.parse_choices(draft.question)
    return Pair(draft.image, draft.question, draft.answer, kind, choices, draft.signals)


def keep(pairs: Iterable[Pair], options: GenerateOptions) -> list[Pair]:
    """The pairs that the filter lets through: enough agreement, where agreement was measured."""
    return [pair for pair in pairs if pair.signals.get("agreement", 1.0) >= options.least_agreement]
