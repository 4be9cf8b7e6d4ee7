"""The teacher: a local model that writes what it sees on each picture, for the generator to learn from.

    events = caption(model, framing, images, CaptionOptions(), teacher="nano")
    for event in events: ...                                    # Progress, Caption; last a Result

A teacher's captions may also come from a file: then they are imported, and no model is asked.
"""

import unicodedata
from collections.abc import Generator, Sequence
from pathlib import Path

from torch import nn

from leaml.models import prompts
from leaml.models.framing import Framing
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
            if found := _plain(text.text):
                written += 1
                yield Caption(image, found, teacher)
        yield Progress(start + len(part), len(images), f"{written} captions")
    yield Result({"captions": float(written), "empty": float(len(images) - written)})


def request(options: CaptionOptions) -> str:
    """What the teacher is asked."""
    return options.prompt.strip() or prompts.CAPTION


def _plain(text: str) -> str:
    """One line, without characters that cannot be seen."""
    line = " ".join(text.split())
    return "".join(character for character in line if unicodedata.category(character) not in ("Cc", "Cf", "Cs")).strip()
