"""What a model writes when asked: batched, with or without the picture, greedy or sampled.

    written = write(model, framing, [Request(picture, "Is there a polyp?")])
    written[0].text, written[0].log_probability
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from leaml.models.framing import Framing


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt on a picture (None: asked without one). `lead` is the beginning of the answer, already written."""

    image: Image.Image | Path | None
    prompt: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What came back, without the lead; log_probability is the mean per token, natural logarithm."""

    text: str
    log_probability: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: temperature above 0, and the share of the probability mass that is kept (nucleus sampling)."""

    temperature: float = 0.8
    top_p: float = 0.95


def open_picture(image: Image.Image | Path) -> Image.Image:
    """The picture in RGB, read in whole."""
    if isinstance(image, Image.Image):
        return image.convert("RGB")
    with Image.open(image) as opened:
        return opened.convert("RGB")


@torch.inference_mode()
def write(
    model: nn.Module,
    framing: Framing,
    requests: Sequence[Request],
    max_tokens: int = 24,
    sampling: Sampling | None = None,
    batch_size: int = 64,
) -> list[Written]:
    """Answers every request, in order. Greedy without `sampling`; seed torch for repeatable samples."""
    model.eval()
    order = sorted(range(len(requests)), key=lambda i: (requests[i].image is None, len(requests[i].prompt)))
    written: dict[int, Written] = {}
    for seeing in (True, False):
        chosen = [i for i in order if (requests[i].image is not None) == seeing]
        for start in range(0, len(chosen), batch_size):
            part = chosen[start : start + batch_size]
            answers = _write_batch(model, framing, [requests[i] for i in part], max_tokens, sampling)
            written.update(zip(part, answers, strict=True))
    return [written[i] for i in range(len(requests))]


def _write_batch(model, framing: Framing, requests: Sequence[Request], max_tokens: int, sampling) -> list[Written]:
    tokenizer, device = framing.tokenizer, model.device
    inputs, prefix = _prefix(model, framing, requests)
    heads = []
    for number, request in enumerate(requests):
        lead = framing.answer_lead + framing.clean(request.lead) if request.lead else ""
        heads.append(prefix[number] + framing.token_ids(framing.question_text(request.prompt) + lead))
    longest = max(map(len, heads))
    ids = torch.full((len(heads), longest), tokenizer.pad_token_id)
    for row, head in enumerate(heads):
        ids[row, longest - len(head) :] = torch.tensor(head)
    mask = torch.tensor([[0] * (longest - len(head)) + [1] * len(head) for head in heads])
    how = {"do_sample": False}
    if sampling is not None:
        how = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    made = model.generate(
        input_ids=ids.to(device), attention_mask=mask.to(device), max_new_tokens=max_tokens,
        output_logits=True, return_dict_in_generate=True, **how, **inputs,
    )  # fmt: skip
    new = made.sequences[:, longest:]
    texts = tokenizer.batch_decode(new, skip_special_tokens=True)
    means = _mean_log_probability(made.logits, new, tokenizer.eos_token_id)
    return [Written(text.strip(), mean) for text, mean in zip(texts, means, strict=True)]


def _prefix(model, framing: Framing, requests: Sequence[Request]) -> tuple[dict[str, Tensor], list[list[int]]]:
    """Pixel tensors on the model's device, and each row's tokens up to where its question starts."""
    if requests[0].image is None:
        return {}, [framing.blind_prefix_ids] * len(requests)
    inputs = framing.prefix_inputs([open_picture(request.image) for request in requests])
    prefix = inputs.pop("input_ids").tolist()
    return {name: value.to(model.device) for name, value in inputs.items()}, prefix


def _mean_log_probability(logits: tuple[Tensor, ...], new: Tensor, end: int) -> list[float]:
    """Per row, the mean log-probability of its new tokens up to the end token, which counts."""
    chosen = torch.stack(
        [step.float().log_softmax(-1).gather(1, new[:, k : k + 1])[:, 0] for k, step in enumerate(logits)], dim=1
    )
    counted = (new == end).cumsum(1).roll(1, 1)
    counted[:, 0] = 0
    kept = counted == 0
    return ((chosen * kept).sum(1) / kept.sum(1)).tolist()
