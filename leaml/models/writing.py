"""What a model writes when asked: batched, with or without the picture, greedy or sampled.

    written = write(model, framing, [Request(picture, "Is there a polyp?")])
    written[0].text, written[0].log_probability

Every picture goes through the vision tower once per batch, however many questions are asked about it; with a
`SeenFraming`, once and for all.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from leaml.errors import ModelError
from leaml.models.features import Inputs, identity, seeing, together
from leaml.models.framing import Framing, Look
from leaml.models.structure import base_model


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt on a picture (None: asked without one). `lead` is the beginning of the answer, already written."""

    image: Image.Image | Path | None
    prompt: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What came back, without the lead; log_probability is the mean per token, natural logarithm, its end counted."""

    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: temperature above 0, and the share of the probability mass that is kept (nucleus sampling)."""

    temperature: float = 0.8
    top_p: float = 0.95


@torch.inference_mode()
def write(
    model: nn.Module,
    framing: Framing,
    requests: Sequence[Request],
    max_tokens: int = 24,
    sampling: Sampling | None = None,
    batch_size: int = 64,
) -> list[Written]:
    """Answers every request, in order. Greedy without `sampling`; seed torch for repeatable samples.

    Args:
        model: with or without adapters; it is put into evaluation mode.
        max_tokens: longest answer, in tokens.
        batch_size: requests that are answered at once.

    Raises:
        DataError: a picture cannot be read. ModelError: the memory does not suffice.
    """
    model.eval()
    core = base_model(model)
    written: dict[int, Written] = {}
    for part in _batches(requests, batch_size):
        with _enough_memory(len(part)):
            answers = _write_batch(core, framing, [requests[number] for number in part], max_tokens, sampling)
        written.update(zip(part, answers, strict=True))
    return [written[number] for number in range(len(requests))]


@torch.inference_mode()
def speak(
    model: nn.Module, framing: Framing, request: Request, heard: Callable[[str, float], bool], max_tokens: int = 64
) -> Written:
    """Answers one request greedily, and tells it while it grows.

    Args:
        heard: is given the text so far and the mean log-probability of its tokens, after each token; where it
            returns False, the answer ends there.

    Raises:
        DataError: the picture cannot be read. ModelError: the memory does not suffice.
    """
    model.eval()
    hearing = _Hearing(framing, heard)
    with _enough_memory(1):
        return _write_batch(base_model(model), framing, [request], max_tokens, None, hearing)[0]


@contextmanager
def _enough_memory(questions: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        what = f"Not enough GPU memory to answer {questions} questions at once."
        raise ModelError(what, "Use a smaller batch size, or a smaller model.") from error


def _batches(requests: Sequence[Request], batch_size: int) -> list[list[int]]:
    """Numbers of the requests that are answered together: with a picture or all without, those on one picture next to
    each other, so that few batches see it."""
    seen: dict[Hashable, list[int]] = defaultdict(list)
    blind: list[int] = []
    for number, request in enumerate(requests):
        (blind if request.image is None else seen[identity(request.image)]).append(number)
    seeing = [number for numbers in seen.values() for number in numbers]
    blind.sort(key=lambda number: len(requests[number].prompt) + len(requests[number].lead))
    return [some[k : k + batch_size] for some in (seeing, blind) for k in range(0, len(some), batch_size)]


def _write_batch(
    model: PreTrainedModel,
    framing: Framing,
    requests: Sequence[Request],
    max_tokens: int,
    sampling: Sampling | None,
    hearing: "_Hearing | None" = None,
) -> list[Written]:
    looks = _looks(model, framing, requests)
    texts = [framing.question_text(request.prompt, request.lead, request.image is None) for request in requests]
    heads = [look.ids + framing.token_ids(text) for look, text in zip(looks, texts, strict=True)]
    ids, mask = _padded_left(heads, framing.tokenizer.pad_token_id or 0)
    pictures = together(looks, model.device) | _types(looks, heads, model.device)
    ends, likelihood = _ends(model, framing), _Likelihood()
    if hearing is not None:
        hearing.likelihood = likelihood
    sequences = model.generate(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=max_tokens,
        eos_token_id=ends,
        logits_processor=LogitsProcessorList([likelihood]),
        stopping_criteria=StoppingCriteriaList([hearing] if hearing else []),
        return_dict_in_generate=False,
        **_decoding(sampling),
        **pictures,
    )
    new = sequences[:, ids.shape[1] :]
    texts = framing.tokenizer.batch_decode(new, skip_special_tokens=True)
    means = likelihood.means(new, ends)
    return [Written(text.strip(), mean) for text, mean in zip(texts, means, strict=True)]


def _looks(model: PreTrainedModel, framing: Framing, requests: Sequence[Request]) -> list[Look]:
    """Of each row, what stands before its question."""
    if requests[0].image is None:
        return [framing.blind_look] * len(requests)
    return seeing(model, framing).look([request.image for request in requests])


def _types(looks: Sequence[Look], heads: Sequence[Sequence[int]], device: torch.device) -> Inputs:
    """The kinds of all tokens (rows, tokens), for the families that are told them."""
    rows = zip(looks, heads, strict=True)
    kinds = [{name: its + [0] * (len(head) - len(its)) for name, its in look.types.items()} for look, head in rows]
    return {name: _padded_left([row[name] for row in kinds], 0)[0].to(device) for name in looks[0].types}


def _decoding(sampling: Sampling | None) -> dict[str, Any]:
    # A penalty out of the model's own settings would change what the likelihoods mean.
    plain = {"num_beams": 1, "repetition_penalty": 1.0}
    if sampling is None:
        return plain | {"do_sample": False}
    return plain | {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}


def _padded_left(rows: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both (rows, tokens)."""
    longest = max(map(len, rows))
    ids = torch.tensor([[padding] * (longest - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
    return ids, mask


def _ends(model: PreTrainedModel, framing: Framing) -> list[int]:
    """The tokens that end an answer: the model's own, and the one that the chat template puts behind an answer.

    The latter is what our training teaches a model to end with, whatever its settings say.
    """
    own = model.generation_config.eos_token_id
    own = framing.tokenizer.eos_token_id if own is None else own
    ends = set(own) if isinstance(own, list) else {own}
    behind = framing.token_ids(framing.answer_end)[:1]
    return sorted(ends | set(behind).intersection(framing.tokenizer.get_added_vocab().values()))


class _Hearing(StoppingCriteria):
    """Passes on what is written while it is written, one row alone."""

    def __init__(self, framing: Framing, heard: Callable[[str, float], bool]) -> None:
        self.tokenizer, self.heard = framing.tokenizer, heard
        self.start: int | None = None
        self.likelihood: _Likelihood | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        """input_ids: (1, tokens so far); returns (1,), whether to end."""
        if self.start is None:
            self.start = input_ids.shape[1] - 1
        text = self.tokenizer.decode(input_ids[0, self.start :], skip_special_tokens=True)
        mean = self.likelihood.mean_with(input_ids[:, -1:])
        goes_on = self.heard(text.strip().rstrip("\ufffd"), mean)  # the last character may still lack some bytes
        return torch.full((1,), not goes_on, device=input_ids.device)


class _Likelihood(LogitsProcessor):
    """Watches the logits of each step, changes nothing, and keeps the log-probability of what was chosen.

    Holding one step instead of all keeps a vocabulary of 150,000 from filling the memory.
    """

    def __init__(self) -> None:
        self.chosen: list[Tensor] = []
        self.last: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """input_ids: (rows, tokens so far); scores: (rows, vocabulary)."""
        if self.last is not None:
            self._take(input_ids[:, -1:])
        self.last = scores.float().log_softmax(-1)
        return scores

    def _take(self, tokens: Tensor) -> None:
        self.chosen.append(self.last.gather(1, tokens)[:, 0])

    def mean_with(self, newest: Tensor) -> float:
        """Of one row, so far: the mean log-probability of its tokens up to the newest one (1, 1)."""
        chosen = [*self.chosen, self.last.gather(1, newest)[:, 0]]
        return float(torch.stack(chosen).mean())

    def means(self, new: Tensor, ends: Sequence[int]) -> list[float]:
        """Per row, the mean log-probability of its new tokens (rows, tokens), up to and with the first end token."""
        self._take(new[:, -1:])
        chosen = torch.stack(self.chosen, dim=1)
        ended = torch.isin(new, torch.tensor(ends, device=new.device)).cumsum(1)
        kept = torch.cat([torch.ones_like(ended[:, :1]), 1 - ended[:, :-1].clamp(max=1)], dim=1)
        return ((chosen * kept).sum(1) / kept.sum(1)).tolist()
