"""Pseudo question/answer pairs for unlabelled pictures, with the signals that speak for or against each.

For every picture and question type the generator samples several texts; what parses and is new becomes a `Pair`, good
or bad: `leaml.training.signals` says what its signals mean, and its `Filter` what is kept.

    events = generate(model, framing, pictures, labels, options)           # Progress, Pair; last a Result
    kept = Filter.of(options).keep(event for event in events if isinstance(event, Pair))

The agreement of k re-answers estimates a probability that one pass over all pairs of a picture gives exactly, word for
word; sampling them (`options.reanswers`) counts answers that mean the same, too.
"""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from leaml.errors import DataError, ModelError
from leaml.evaluation.scoring import normalise, score
from leaml.models import prompts
from leaml.models.features import kept
from leaml.models.framing import Framing
from leaml.models.pairs import parse_pairs, read_answer
from leaml.models.writing import Request, Sampling, write
from leaml.options import GenerateOptions
from leaml.records import Pair, Progress, Question, Result
from leaml.training.batches import Example, Turn, answer_log_probabilities, encode
from leaml.training.signals import fits_type, similarities
from leaml.training.stage import train_labels

TEXTS_AT_ONCE = 64
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
    signals: dict[str, float | str] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[Path, str]:
        """Equal for two texts that ask the same of the same picture."""
        return self.image, _plain(self.question)

    @property
    def lead(self) -> str:
        """The text up to where the answer starts."""
        return prompts.pair_lead(self.question)

    def means(self, answer: str) -> bool:
        """Whether an answer in other words is the same."""
        return score(self.answer, answer, self.type, self.choices).correct


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
    writer = _Writer(model, framing, known, options)
    at_once = max(1, TEXTS_AT_ONCE // writer.texts_per_picture)
    for start in range(0, len(images), at_once):
        part = images[start : start + at_once]
        with torch.random.fork_rng():
            torch.manual_seed(options.seed * 1_000_003 + start)
            drafts = writer.drafts(part)
            writer.measure(drafts)
        writer.counts["pairs"] += len(drafts)
        for draft in drafts:
            yield Pair(draft.image, draft.question, draft.answer, draft.type, draft.choices, draft.signals)
        yield Progress(start + len(part), len(images), f"{writer.counts['pairs']} pairs{writer.remark}")
    yield Result({name: float(count) for name, count in writer.counts.items()})


class _Writer:
    """A generator at work: what it is asked, what it has written so far, and what it would say without any picture."""

    def __init__(
        self, model: nn.Module, framing: Framing, known: Sequence[Question], options: GenerateOptions
    ) -> None:
        self.model, self.options = model, options
        self.framing = kept(model, framing)
        self.types = sorted({question.type for question in known})
        self.wordings = {_plain(question.question): question for question in known}
        self.sampling = Sampling(options.temperature, options.top_p)
        self.counts: Counter[str] = Counter(texts=0, parsed=0, pairs=0)
        self.blind: dict[tuple[str, str], str] = {}
        self.at_once, self.remark = TEXTS_AT_ONCE, ""

    @property
    def texts_per_picture(self) -> int:
        return len(self.types) * self.options.texts_per_type

    # Texts ------------------------------------------------------------------------------------------------------

    def drafts(self, images: Sequence[Path]) -> list[_Draft]:
        """What parses of the texts for some pictures: of each question on a picture one, and its log-probability."""
        requests = [
            Request(image, prompts.write_pair(kind))
            for image in images
            for kind in self.types
            for _ in range(self.options.texts_per_type)
        ]
        drafts: dict[tuple[Path, str], _Draft] = {}
        for request, text in zip(requests, self._write(requests, TEXT_TOKENS, self.sampling), strict=True):
            self.counts["texts"] += 1
            parsed = parse_pairs(text.text)
            self.counts["parsed"] += bool(parsed)
            for question, answer in parsed:
                draft = self._draft(request, question, answer)
                draft.signals["log_probability"] = text.log_probability
                # Two answers to one question cannot both be right: the likelier one stays, and agreement judges it.
                other = drafts.setdefault(draft.identity, draft)
                if other.signals["log_probability"] < text.log_probability:
                    drafts[draft.identity] = draft
        return list(drafts.values())

    def _draft(self, request: Request, question: str, answer: str) -> _Draft:
        known = self.wordings.get(_plain(question))
        kind = known.type if known else prompts.question_type(question, answer)
        choices = known.choices if known else prompts.parse_choices(question)
        return _Draft(request.image, request.prompt, question, answer, kind, choices)

    # Signals ----------------------------------------------------------------------------------------------------

    def measure(self, drafts: Sequence[_Draft]) -> None:
        """Gives each draft the signals that it still lacks."""
        for its in _by_picture(drafts).values():
            likeliest = sorted(its, key=lambda draft: -draft.signals["log_probability"])
            alike = similarities([draft.question for draft in likeliest])
            for draft, similarity in zip(likeliest, alike, strict=True):
                draft.signals["similarity"] = similarity
                draft.signals["well_formed"] = float(fits_type(draft.answer, draft.type, draft.choices))
        if drafts:
            self._add_probabilities(drafts)
            self._add_blind_answers(drafts)
            self._add_reanswers(drafts)

    def _add_probabilities(self, drafts: Sequence[_Draft]) -> None:
        """The probability of each draft's answer: in its text, there without the picture, and to the question alone."""
        self.model.eval()
        turns = {
            "agreement": lambda draft: Turn(draft.prompt, draft.answer, lead=draft.lead),
            "blind_agreement": lambda draft: Turn(draft.prompt, draft.answer, lead=draft.lead, sees_image=False),
            "consistency": lambda draft: Turn(draft.question, draft.answer),
        }
        pictures = _by_picture(drafts)
        for signal, turn in turns.items():
            examples = [Example(image, tuple(map(turn, its))) for image, its in pictures.items()]
            for draft, probability in zip(_flat(pictures.values()), self._probabilities(examples), strict=True):
                draft.signals[signal] = probability

    def _probabilities(self, examples: Sequence[Example]) -> list[float]:
        """Of each turn's answer; of fewer pictures at once where the memory does not suffice."""
        try:
            with torch.no_grad():
                batch = encode(self.framing, examples).to(self.model.device)
            return answer_log_probabilities(self.model, batch).exp().tolist()
        except torch.OutOfMemoryError as error:
            if len(examples) == 1:
                what = "Not enough GPU memory for the pairs of a single picture."
                raise ModelError(what, "Write fewer texts per type, or use a smaller model.") from error
        half = len(examples) // 2
        self._take_fewer(self.at_once)
        return [*self._probabilities(examples[:half]), *self._probabilities(examples[half:])]

    def _take_fewer(self, at_once: int) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()
        self.at_once, self.remark = at_once, "; memory ran short: fewer texts at once"

    def _add_blind_answers(self, drafts: Sequence[_Draft]) -> None:
        """The likeliest answer without a picture: one for all pictures that the same is asked of."""
        asked = {(draft.prompt, draft.lead) for draft in drafts} - self.blind.keys()
        requests = [Request(None, prompt, lead) for prompt, lead in sorted(asked)]
        for request, text in zip(requests, self._write(requests, ANSWER_TOKENS), strict=True):
            self.blind[request.prompt, request.lead] = read_answer(text.text)
        for draft in drafts:
            if said := self.blind[draft.prompt, draft.lead]:
                draft.signals["blind_answer"] = said

    def _add_reanswers(self, drafts: Sequence[_Draft]) -> None:
        """How many of the answers that are sampled anew mean the same."""
        times = self.options.reanswers
        requests = [Request(draft.image, draft.prompt, draft.lead) for draft in drafts for _ in range(times)]
        texts = iter(self._write(requests, ANSWER_TOKENS, self.sampling) if times else ())
        for draft in drafts if times else ():
            said = [read_answer(next(texts).text) for _ in range(times)]
            draft.signals |= {"reanswers": float(times), "agreeing": float(sum(map(draft.means, said)))}

    def _write(self, requests: Sequence[Request], tokens: int, sampling: Sampling | None = None) -> list:
        return write(self.model, self.framing, requests, tokens, sampling, self.at_once, self._take_fewer)


def _by_picture(drafts: Sequence[_Draft]) -> dict[Path, list[_Draft]]:
    pictures: dict[Path, list[_Draft]] = {}
    for draft in drafts:
        pictures.setdefault(draft.image, []).append(draft)
    return pictures


def _flat(groups) -> Iterator[_Draft]:
    return (draft for group in groups for draft in group)


def _plain(text: str) -> str:
    return normalise(text) or text.casefold()
