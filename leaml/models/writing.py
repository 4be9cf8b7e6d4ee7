"""What a model writes when asked: batched, with or without the picture, greedy or sampled.

    written = write(model, framing, [Request(picture, "Is there a polyp?")])
    written[0].text, written[0].log_probability

Every picture goes through the vision tower once per batch, however many questions are asked about it, and with a
`SeenFraming` once and for all. The language model reads it once for several questions where `framing.packs`; other
families get a row for each request and transformers' own `generate`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from leaml.errors import ModelError
from leaml.models.decoding import Row, Sampling, Text, Ways, decode
from leaml.models.features import Inputs, identity, seeing, together
from leaml.models.framing import Framing, Look
from leaml.models.structure import base_model

TEXTS_PER_ROW = 8
"""Most texts that share a row: each looks past the tokens of all others, which costs more than a picture in the end."""


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


@torch.inference_mode()
def write(
    model: nn.Module,
    framing: Framing,
    requests: Sequence[Request],
    max_tokens: int = 24,
    sampling: Sampling | None = None,
    batch_size: int = 64,
    on_fewer: Callable[[int], object] | None = None,
) -> list[Written]:
    """Answers every request, in order. Greedy without `sampling`; seed torch for repeatable samples.

    Args:
        model: with or without adapters; it is put into evaluation mode.
        max_tokens: longest answer, in tokens.
        batch_size: requests that are answered at once; it is halved where the memory does not suffice.
        on_fewer: is told the new batch size each time that it is halved.

    Raises:
        DataError: a picture cannot be read. ModelError: the memory does not suffice for a single request.
    """
    model.eval()
    core = base_model(model)
    written: dict[int, Written] = {}
    waiting = _batches(requests, batch_size)
    while waiting:
        part = waiting[0]
        answers = _write_batch(core, framing, [requests[number] for number in part], max_tokens, sampling)
        if answers is not None:
            written.update(zip(waiting.pop(0), answers, strict=True))
            continue
        fewer = ceil(len(part) / 2)
        waiting = [some[k : k + fewer] for some in waiting for k in range(0, len(some), fewer)]
        if on_fewer:
            on_fewer(fewer)
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

    def so_far(tokens: list[int], log_probabilities: list[float]) -> bool:
        text = framing.tokenizer.decode(tokens, skip_special_tokens=True)
        return heard(text.strip().rstrip("\ufffd"), fmean(log_probabilities))  # the last character may lack some bytes

    return _write_batch(base_model(model), framing, [request], max_tokens, None, so_far)[0]


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
    heard: Callable[[list[int], list[float]], bool] | None = None,
) -> list[Written] | None:
    """Answers some requests at once; None where the memory does not suffice, but may for fewer."""
    try:
        texts = _texts(model, framing, requests, max_tokens, sampling, heard)
    except torch.OutOfMemoryError as error:
        if len(requests) == 1:
            what = "Not enough GPU memory to answer a single question."
            raise ModelError(what, "Use a smaller model, or load it in 4 bits.") from error
        texts = None
    if texts is None:  # not while the error is handled: it holds on to what has filled the memory
        torch.cuda.empty_cache()
        return None
    said = framing.tokenizer.batch_decode([text.tokens for text in texts], skip_special_tokens=True)
    return [Written(words.strip(), fmean(text.log_probabilities)) for words, text in zip(said, texts, strict=True)]


def _texts(
    model: PreTrainedModel,
    framing: Framing,
    requests: Sequence[Request],
    max_tokens: int,
    sampling: Sampling | None,
    heard: Callable[[list[int], list[float]], bool] | None,
) -> list[Text]:
    framing = seeing(model, framing)
    blind = requests[0].image is None
    looks = [framing.blind_look] * len(requests) if blind else framing.look([request.image for request in requests])
    asked = [framing.question_text(request.prompt, request.lead, blind) for request in requests]
    heads = [framing.token_ids(text) for text in asked]
    ways = Ways(max_tokens, _ends(model, framing), sampling, _never(model), framing.tokenizer.pad_token_id or 0, heard)
    if framing.packs:
        return decode(model, list(_rows(looks, heads, 1 if blind else TEXTS_PER_ROW)), ways)
    return _generate(model, looks, heads, ways)


def _rows(looks: Sequence[Look], heads: Sequence[list[int]], most: int) -> Iterator[Row]:
    """Neighbours that see the same in one row, or in several of about the same size where there are many."""
    start = 0
    while start < len(looks):
        stop = next((k for k in range(start, len(looks)) if looks[k] is not looks[start]), len(looks))
        size = ceil((stop - start) / ceil((stop - start) / most))
        yield from (Row(looks[start], heads[k : min(k + size, stop)]) for k in range(start, stop, size))
        start = stop


# ---- one row for each request ------------------------------------------------------------------------------------


def _generate(model: PreTrainedModel, looks: Sequence[Look], heads: Sequence[list[int]], ways: Ways) -> list[Text]:
    """What `decode` does, for families that cannot keep several texts in a row apart."""
    rows = [look.ids + head for look, head in zip(looks, heads, strict=True)]
    ids, mask = _padded_left(rows, ways.padding)
    logits = _Logits()
    watching = _Watching(len(rows), logits, ways)
    model.generate(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=ways.max_tokens,
        eos_token_id=list(ways.ends),
        logits_processor=LogitsProcessorList([logits]),
        stopping_criteria=StoppingCriteriaList([watching]),
        return_dict_in_generate=False,
        **_decoding(ways.sampling),
        **together(looks, model.device),
        **_types(looks, rows, model.device),
    )
    return watching.texts


def _types(looks: Sequence[Look], rows: Sequence[Sequence[int]], device: torch.device) -> Inputs:
    """The kinds of all tokens (rows, tokens), for the families that are told them."""
    both = list(zip(looks, rows, strict=True))
    kinds = {name: [its.types[name] + [0] * (len(row) - len(its.ids)) for its, row in both] for name in looks[0].types}
    return {name: _padded_left(its, 0)[0].to(device) for name, its in kinds.items()}


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


def _never(model: PreTrainedModel) -> list[int]:
    """Tokens that the model's own settings forbid, such as that of a picture."""
    own = model.generation_config
    words = [word[0] for word in own.bad_words_ids or () if len(word) == 1]
    return sorted({*words, *(own.suppress_tokens or ())})


class _Logits(LogitsProcessor):
    """Sees the logits (rows, vocabulary) of a step before they are sampled from, and changes nothing.

    Holding one step instead of all keeps a vocabulary of 150,000 from filling the memory.
    """

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        self.newest = scores.float()
        return scores


class _Watching(StoppingCriteria):
    """Takes down what `generate` writes while it is written."""

    def __init__(self, rows: int, logits: _Logits, ways: Ways) -> None:
        self.texts = [Text() for _ in range(rows)]
        self.logits, self.ways = logits, ways

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: Any) -> Tensor:
        """input_ids: (rows, tokens so far); returns (rows,), whether to end."""
        tokens, logits = input_ids[:, -1], self.logits.newest
        values = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(-1)
        for text, token, value in zip(self.texts, tokens.tolist(), values.tolist(), strict=True):
            if not text.tokens or text.tokens[-1] not in self.ways.ends:
                text.tokens.append(token)
                text.log_probabilities.append(value)
        first, heard = self.texts[0], self.ways.heard
        goes_on = heard is None or heard(first.tokens, first.log_probabilities)
        return torch.full((len(tokens),), not goes_on, device=input_ids.device)
