"""Pseudo question/answer pairs for unlabelled pictures, with the signals that speak for or against each.

For every picture and question type the generator samples several texts; what parses and is new becomes a `Pair`. Its
signals, all between 0 and 1 but the first:

    log_probability    mean per token of the whole text, natural logarithm
    agreement          share of answers, sampled again to the same question, that are the same
    blind_agreement    the same share among answers sampled without the picture: what language alone would say
"""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError
from leaml.evaluation.scoring import normalise, score
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.writing import Request, Sampling, write
from leaml.options import GenerateOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.distill import train_labels

PICTURES_AT_ONCE = 12
TEXT_TOKENS, ANSWER_TOKENS = 64, 24


@dataclass(slots=True)
class _Draft:
    """A parsed text, before all of its signals are known. `prompt` is what it was written for."""

    image: Path
    prompt: str
    question: str
    answer: str
    type: str
    choices: tuple[str, ...]
    signals: dict[str, float] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[Path, str]:
        """Equal for two texts that ask the same of the same picture."""
        return self.image, _plain(self.question)


def generate(
    model: nn.Module,
    framing: Framing,
    images: Sequence[Path],
    known: Sequence[Question],
    options: GenerateOptions,
) -> Generator[Progress | Pair | Result, None, None]:
    """Writes pairs for each picture, of the types that occur in `known` (the labelled questions).

    A question that is worded like a known one takes its type and choices from there. The same seed writes the same
    pairs; torch's own random state is left as it was.

    Raises:
        DataError: there are no labelled questions, one is not of the train split, or a picture cannot be read.
    """
    known = train_labels(known)
    if not known:
        raise DataError("There are no labelled questions to take the types from.", "Label a few pictures first.")
    types = sorted({question.type for question in known})
    wordings = {_plain(question.question): question for question in known}
    counts: Counter[str] = Counter(texts=0, parsed=0, pairs=0)
    for start in range(0, len(images), PICTURES_AT_ONCE):
        part = images[start : start + PICTURES_AT_ONCE]
        with torch.random.fork_rng():
            torch.manual_seed(options.seed * 1_000_003 + start)
            drafts = _drafts(model, framing, part, types, wordings, options, counts)
            _add_agreement(model, framing, drafts, options.re_answers)
        counts["pairs"] += len(drafts)
        for draft in drafts:
            yield Pair(draft.image, draft.question, draft.answer, draft.type, draft.choices, draft.signals)
        yield Progress(start + len(part), len(images), f"{counts['pairs']} pairs")
    yield Result({name: float(count) for name, count in counts.items()})


def keep(pairs: Iterable[Pair], options: GenerateOptions) -> list[Pair]:
    """The pairs that the filter lets through: enough agreement, where agreement was measured."""
    return [pair for pair in pairs if pair.signals.get("agreement", 1.0) >= options.least_agreement]


def _drafts(
    model: nn.Module,
    framing: Framing,
    images: Sequence[Path],
    types: Sequence[str],
    wordings: Mapping[str, Question],
    options: GenerateOptions,
    counts: Counter[str],
) -> list[_Draft]:
    """What parses of the texts for some pictures: of each question on a picture one, and its log-probability."""
    requests = [
        Request(image, prompts.write_pair(kind))
        for image in images
        for kind in types
        for _ in range(options.texts_per_type)
    ]
    sampling = Sampling(options.temperature, options.top_p)
    drafts: dict[tuple[Path, str], _Draft] = {}
    for request, text in zip(requests, write(model, framing, requests, TEXT_TOKENS, sampling), strict=True):
        counts["texts"] += 1
        parsed = prompts.parse_pair(text.text)
        if parsed is None:
            continue
        counts["parsed"] += 1
        draft = _draft(request, *parsed, wordings)
        draft.signals["log_probability"] = text.log_probability
        # Two answers to one question cannot both be right: the likelier one stays, and agreement will judge it.
        other = drafts.setdefault(draft.identity, draft)
        if other.signals["log_probability"] < text.log_probability:
            drafts[draft.identity] = draft
    return list(drafts.values())


def _draft(request: Request, question: str, answer: str, wordings: Mapping[str, Question]) -> _Draft:
    known = wordings.get(_plain(question))
    if known is not None:
        return _Draft(request.image, request.prompt, question, answer, known.type, known.choices)
    kind = prompts.question_type(question, answer)
    return _Draft(request.image, request.prompt, question, answer, kind, prompts.parse_choices(question))


def _add_agreement(model: nn.Module, framing: Framing, drafts: Sequence[_Draft], count: int) -> None:
    """Has each question answered `count` times more, with and without its picture."""
    if not count or not drafts:
        return
    for signal, seeing in (("agreement", True), ("blind_agreement", False)):
        requests = [
            Request(draft.image if seeing else None, draft.prompt, prompts.pair_lead(draft.question))
            for draft in drafts
            for _ in range(count)
        ]
        answers = write(model, framing, requests, ANSWER_TOKENS, Sampling(temperature=1.0, top_p=1.0))
        for number, draft in enumerate(drafts):
            again = answers[number * count : (number + 1) * count]
            draft.signals[signal] = sum(_same_answer(draft, answer.text) for answer in again) / count


def _same_answer(draft: _Draft, text: str) -> bool:
    """Whether what was written again says the same: the same label, number or set, or the same words."""
    answer = prompts.read_answer(text)
    if not answer:
        return False
    return _plain(answer) == _plain(draft.answer) or score(draft.answer, answer, draft.type, draft.choices).correct


def _plain(text: str) -> str:
    return normalise(text) or text.casefold()
