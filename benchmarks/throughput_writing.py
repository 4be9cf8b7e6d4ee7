"""The generation part of `benchmarks.throughput`: `write`, a loop of `generate` calls, and `generate` at equal batch.

All three write the pairs of the same pictures and question types, greedily, from picture files to texts. Each prepares
its pictures and prompts itself, nothing is kept from round to round, and `generate` gets what the processor's own chat
template makes.
"""

import random
from collections.abc import Callable, Iterator, Sequence

import torch
from PIL import Image

from benchmarks.report import Figure, share
from benchmarks.throughput_timing import Timing, peak_bytes, seconds
from benchmarks.throughput_work import QUESTIONS, Work
from leaml.models import prompts
from leaml.models.writing import Request, write
from leaml.records import QUESTION_TYPES

OURS, LOOP, BATCH = "write", "a loop of generate", "generate at equal batch"
LOOP_BAR, BATCH_BAR = 6.0, 1.0


def measure(work: Work, pictures: int, rounds: int, most_tokens: int, has_bars: bool) -> Iterator[Figure]:
    """All figures for one model in one precision."""
    part = f"{work.name}, writing, {work.model.device.type}, {str(work.model.dtype).removeprefix('torch.')}"
    asked = [
        Request(example.image, prompts.write_pair(kind))
        for example in work.examples[:pictures]
        for kind in QUESTION_TYPES[:QUESTIONS]
    ]
    ways = {name: lambda way=way: way(work, asked, most_tokens) for name, way in WAYS.items()}
    texts = {name: way() for name, way in ways.items()}
    times = interleaved(ways, rounds, work.model.device)
    tokens = sum(len(ids) for ids in work.processor.tokenizer(texts[OURS])["input_ids"]) + len(asked)
    note = f"{len(asked)} texts on {pictures} pictures, {tokens} tokens, {torch.get_num_threads()} threads"
    for other, bar in ((LOOP, LOOP_BAR), (BATCH, BATCH_BAR)):
        ratio = Timing.ratios(times[other], times[OURS])
        yield Figure(part, f"texts/s, {OURS} / {other}", ratio.median, "×", bar if has_bars else None, note=note,
                     interval=ratio.interval, n=rounds)  # fmt: skip
        same = [one == another for one, another in zip(texts[OURS], texts[other], strict=True)]
        pictures_of = [str(request.image) for request in asked]
        exact = has_bars and work.model.dtype == torch.float32
        yield Figure(part, f"texts equal to those of {other}", share(same, pictures_of), bar=1.0 if exact else None)
    for name, way in ways.items():
        of_one = Timing(times[name])
        peak = peak_bytes(way, work.model) / 2**20
        yield Figure(part, f"texts/s, {name}", len(asked) / of_one.median, "per s", detail=True, n=rounds)
        yield Figure(part, f"tokens/s, {name}", tokens / of_one.median, "per s", detail=True, n=rounds)
        yield Figure(part, f"peak memory, {name}", peak, "MiB", note="tensors, the model included", detail=True)


def interleaved(ways: dict[str, Callable], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each way in each round; every round has a new order."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            times[name].append(seconds(ways[name], device))
    return times


def _ours(work: Work, asked: Sequence[Request], most_tokens: int) -> list[str]:
    written = write(work.model, work.framing, asked, most_tokens, batch_size=len(asked))
    return [one.text for one in written]


def _loop(work: Work, asked: Sequence[Request], most_tokens: int) -> list[str]:
    return [_generated(work, [request], most_tokens)[0] for request in asked]


def _batch(work: Work, asked: Sequence[Request], most_tokens: int) -> list[str]:
    return _generated(work, asked, most_tokens)


WAYS = {OURS: _ours, LOOP: _loop, BATCH: _batch}


@torch.inference_mode()
def _generated(work: Work, asked: Sequence[Request], most_tokens: int) -> list[str]:
    """As transformers' documentation has it, in one batch."""
    talks = []
    for request in asked:
        picture = {"type": "image", "image": Image.open(request.image).convert("RGB")}
        talks.append([{"role": "user", "content": [picture, {"type": "text", "text": request.prompt}]}])
    inputs = work.processor.apply_chat_template(
        talks, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
        processor_kwargs={"padding": True},
    ).to(work.model.device, work.model.dtype)  # fmt: skip
    made = work.model.generate(**inputs, max_new_tokens=most_tokens, do_sample=False)
    said = work.processor.tokenizer.batch_decode(made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in said]
