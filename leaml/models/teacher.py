"""The teacher: a model that writes what it sees on each picture, for the generator to learn from.

    events = caption(model, framing, images, CaptionOptions(), teacher="nano")        # a model in memory
    events = caption_by_server(server, images, options, server.teacher())             # one behind a server
    for event in events: ...                                    # Progress, Caption; last a Result

A teacher's captions may also come from a file: then they are imported, and no model is asked.
"""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from torch import nn

from leaml.models.captions import plain, request
from leaml.models.framing import Framing
from leaml.models.server import Refused, Server
from leaml.models.writing import Request, write
from leaml.options import CaptionOptions
from leaml.records import Caption, Progress, Result


def caption(
    model: nn.Module, framing: Framing, images: Sequence[Path], options: CaptionOptions, teacher: str = ""
) -> Generator[Progress | Caption | Result, None, None]:
    """Describes every picture greedily, in order. A picture of which nothing is said gets no caption.

    The Result counts the `captions`, and what is `empty`.

    Args:
        images: of the train split; the caller sees to it.
        teacher: the name that the captions carry.

    Raises:
        DataError: a picture cannot be read. ModelError: the memory does not suffice.
    """
    prompt = request(options)
    written = 0
    for start in range(0, len(images), options.batch_size):
        part = images[start : start + options.batch_size]
        requests = [Request(image, prompt) for image in part]
        texts = write(model, framing, requests, options.max_tokens, batch_size=options.batch_size)
        for image, text in zip(part, texts, strict=True):
            if found := plain(text.text):
                written += 1
                yield Caption(image, found, teacher)
        yield Progress(start + len(part), len(images), f"{written} captions")
    yield Result({"captions": float(written), "empty": float(len(images) - written)})


# ---- behind a server ---------------------------------------------------------------------------------------------

REFUSED_IN_VAIN = 3
"""Pictures that are refused one after the other before any was described: then it is not the pictures."""
THIS_PICTURE = (400, 413, 415, 422)
"""Answers of HTTP that may be about one picture alone."""


def caption_by_server(
    server: Server, images: Sequence[Path], options: CaptionOptions, teacher: str
) -> Generator[Progress | Caption | Result, None, None]:
    """Has the server describe every picture, several at once; captions come as they are written, in any order.

    The Result counts the `captions`, what is `empty`, and what was `refused`. The server is closed at the end.

    Raises:
        ModelError: the server does not answer, not as it should, or refuses the first pictures one after the other.
        DataError: a picture cannot be read.
    """
    counts = {"captions": 0, "empty": 0, "refused": 0}
    pool, waiting, left = ThreadPoolExecutor(options.batch_size), {}, iter(images)
    try:
        while _fill(waiting, left, pool, server, options):
            done, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                image = waiting.pop(future)
                kind, text = _outcome(future, image, counts)
                counts[kind] += 1
                if kind == "captions":
                    yield Caption(image, text, teacher)
            yield Progress(sum(counts.values()), len(images), f"{counts['captions']} captions")
        yield Result({name: float(count) for name, count in counts.items()})
    finally:
        server.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _fill(
    waiting: dict[Future, Path],
    left: Iterator[Path],
    pool: ThreadPoolExecutor,
    server: Server,
    options: CaptionOptions,
) -> bool:
    """Asks about as many pictures as may be asked about at once; says whether any answer is awaited."""
    while len(waiting) < options.batch_size and (image := next(left, None)) is not None:
        waiting[pool.submit(server.describe, image, request(options))] = image
    return bool(waiting)


def _outcome(future: Future, image: Path, counts: dict[str, int]) -> tuple[str, str]:
    """What became of a picture, and its caption."""
    try:
        text = future.result()
    except Refused as error:
        print(f"{image.name}: {error}", flush=True)
        if error.status not in THIS_PICTURE or (not counts["captions"] and counts["refused"] + 1 >= REFUSED_IN_VAIN):
            raise
        return "refused", ""
    return ("captions", text) if text else ("empty", "")
