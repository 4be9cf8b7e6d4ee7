"""Pseudo question/answer pairs for unlabelled pictures, with the signals that speak for or against each.

For every picture and question type the generator samples several texts; what parses and is new becomes a `Pair`. Its
signals, all between 0 and 1 but the first:

    log_probability    mean per token of the whole text, natural logarithm
    agreement          probability that an answer sampled again to the same question is the same, word for word
    blind_agreement    the same without the picture: what language alone would say

The first of these two is what the agreement of k re-answers estimates; one pass over all pairs of a
picture gives it exactly, where sampling would take k times as many answers as there are pairs.
"""

from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError
from leaml.evaluation.scoring import normalise
from leaml.models import prompts
from leaml.models.framing import Framing
from leaml.models.writing import Request, Sampling, write
from leaml.options import GenerateOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.batches import Example, Turn, answer_log_probabilities, encode
from leaml.training.distill import train_labels

PICTURES_AT_ONCE = 12
TEXT_TOKENS = 64


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
            _add_agreement(model, framing, drafts)
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


def _add_agreement(model: nn.Module, framing: Framing, drafts: Sequence[_Draft]) -> None:
    """Gives each draft the probability of its answer, with and without its picture."""
    pictures: dict[Path, list[_Draft]] = {}
    for draft in drafts:
        pictures.setdefault(draft.image, []).append(draft)
    if not pictures:
        return
    model.eval()
    for signal, seeing in (("agreement", True), ("blind_agreement", False)):
        examples = [
            Example(image, tuple(_answer_turn(draft, seeing) for draft in its)) for image, its in pictures.items()
        ]
        batch = encode(framing, examples).to(model.device)
        probabilities = answer_log_probabilities(model, batch).exp().tolist()
        for draft, probability in zip((d for its in pictures.values() for d in its), probabilities, strict=True):
            draft.signals[signal] = probability


def _answer_turn(draft: _Draft, seeing: bool) -> Turn:
    return Turn(draft.prompt, draft.answer, lead=prompts.pair_lead(draft.question), sees_image=seeing)


def _plain(text: str) -> str:
    return normalise(text) or text.casefold()
