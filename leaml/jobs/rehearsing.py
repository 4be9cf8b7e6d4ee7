"""Finds out what memory a job will take, from the project's own pictures and texts, and what to do if it is too much.

    python -m leaml.jobs.rehearsing PROJECT_FOLDER KIND OPTIONS_AS_JSON

The process behind `leaml.jobs.foretelling`: no weights are read, nothing is trained.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from leaml.errors import LeamlError
from leaml.jobs import foretelling
from leaml.jobs.foretelling import ROOM, Advice, Foretold
from leaml.jobs.job import KINDS
from leaml.models import prompts
from leaml.models.load import choose_device
from leaml.models.memory import Needed, free_memory, largest
from leaml.options import AdaptOptions, DistilOptions, TrainingOptions
from leaml.store.project import Project
from leaml.training import adapt, distill
from leaml.training.batches import Example, Turn
from leaml.training.generate import TEXT_TOKENS, TEXTS_AT_ONCE
from leaml.training.rehearsal import Base, rehearse, rehearse_writing
from leaml.training.trained import Trained

UNKNOWN = "How much memory this model needs cannot be said before it runs."
STEPS_LOOKED_AT = 16
"""Of which the one with the longest texts is rehearsed."""
SMALLER_PICTURES = 512
"""Longest side that is advised."""


def main(words: list[str]) -> int:
    """Finds out what the words name, or why that cannot be said."""
    project, kind = Project.open(Path(words[0])), words[1]
    options = KINDS[kind](**json.loads(words[2]))
    try:
        find_out(project, kind, options)
    except LeamlError as error:
        foretelling.tell(project, kind, options, Foretold(error=error.what, fix=error.fix))
    except Exception:  # of a family that computes in ways a ghost cannot follow: that must not keep anybody from it
        foretelling.tell(project, kind, options, Foretold(error=UNKNOWN, fix="You may start all the same."))
        raise
    return 0


def find_out(project: Project, kind: str, options: TrainingOptions) -> None:
    """Tells `foretelling` what such a job will need.

    Raises:
        ModelError: there is no such model here, or it cannot be trained so. DataError: nothing to learn from.
    """
    device, _ = choose_device()
    free, _ = free_memory(device)
    expected = _needed(project, options)
    needed, measured = expected, foretelling.peak_of(project, kind, options)
    found = (measured, expected.total) if measured else foretelling.correction(project, options)
    if found:
        needed = needed.corrected(*found)
    if isinstance(options, DistilOptions):  # the generator is to write afterwards
        needed = largest([needed, _writing(project, options)])
    fits = needed.total <= ROOM * free
    advice = () if fits else tuple(_advice(project, options, expected.total, device.type == "cuda"))
    told = Foretold(needed.parts(), free, measured is not None, advice)
    foretelling.tell(project, kind, options, told, expected.total)


def _needed(project: Project, options: TrainingOptions) -> Needed:
    base = Base.of(options.model, options.precision, options.picture_size)
    trained, examples_at, pictures = STAGES[type(options)](project, options)
    return rehearse(base, trained, longest(examples_at), options.checkpointing, pictures)


def _writing(project: Project, options: DistilOptions) -> Needed:
    labels = [row.as_question() for row in project.labels()]
    turns = tuple(Turn(prompts.write_pair(kind), "") for kind in sorted({label.type for label in labels}))
    pictures = list(dict.fromkeys(label.image for label in labels))[: max(1, TEXTS_AT_ONCE // len(turns))]
    base = Base.of(options.model, options.precision, options.picture_size)
    examples = [Example(picture, turns) for picture in pictures]
    return rehearse_writing(base, distill.trained_by(options), examples, TEXT_TOKENS)


def longest(examples_at: Callable[[int], Sequence[Example]]) -> Sequence[Example]:
    """Of the first steps the one with the longest texts."""
    return max(map(examples_at, range(STEPS_LOOKED_AT)), key=_length)


def _length(examples: Sequence[Example]) -> int:
    return sum(len(turn.prompt) + len(turn.answer) for example in examples for turn in example.turns)


def _distil(project: Project, options: DistilOptions) -> tuple[Trained, Any, int]:
    labels = [row.as_question() for row in project.labels()]
    captions = [row.as_caption() for row in project.captions("train") if options.caption_weight]
    pictures = len({record.image for record in (*labels, *captions)})
    return distill.trained_by(options), distill.Examples(labels, captions, options), pictures


def _adapt(project: Project, options: AdaptOptions) -> tuple[Trained, Any, int]:
    labels = [row.as_question() for row in project.labels()]
    pairs = [row.as_pair() for row in project.accepted() if options.use_suggestions]
    pictures = len({record.image for record in (*labels, *pairs)})
    return adapt.trained_by(options), adapt.Examples(labels, pairs, options), pictures


STAGES = {DistilOptions: _distil, AdaptOptions: _adapt}


def _advice(project: Project, options: TrainingOptions, total: int, on_card: bool) -> Iterator[Advice]:
    """Each option that helps, taken alone, and what would be needed with it."""
    for option, value in _ways(options, on_card):
        try:
            needed = _needed(project, options.model_copy(update={option: value})).total
        except LeamlError:  # this model cannot be had so
            continue
        if needed < 0.95 * total:
            yield Advice(option, value, needed)


def _ways(options: TrainingOptions, on_card: bool) -> Iterator[tuple[str, Any]]:
    if options.pictures_per_step > 1:
        yield "pictures_per_step", max(1, options.pictures_per_step // 4)
    if not options.checkpointing:
        yield "checkpointing", True
    if on_card and options.precision in ("auto", "full", "8bit"):
        yield "precision", "4bit"
    if not 0 < options.picture_size <= SMALLER_PICTURES:
        yield "picture_size", SMALLER_PICTURES


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # somebody is at work on the screen meanwhile
    sys.exit(main(sys.argv[1:]))
