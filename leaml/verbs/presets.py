"""`leaml presets MODEL`: what to choose for a model on graphics cards of several sizes, and why."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from leaml.errors import OptionError
from leaml.models.families import CARDS
from leaml.options import AdaptOptions


def add_options(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("model", metavar="MODEL", help="nano, a folder, or a hub id whose files are here")
    parser.add_argument("--card", metavar="GB", help="memory of the card (default: 6, 8, 12, 16, 24 and 48)")
    methods = ("lora", "neurons", "full")
    parser.add_argument("--method", choices=methods, default="lora", help="what is trained (default: lora)")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Prints one preset for each card; its reasons below."""
    from leaml.training.presets import Presets  # torch takes its time: not for `--help`

    presets = Presets(arguments.model, arguments.method)
    found = [presets.choose(card) for card in ([_card(arguments.card)] if arguments.card else CARDS)]
    if arguments.json:
        print(json.dumps([asdict(preset) for preset in found]))
        return 0
    for preset in found:
        print(f"{preset.card} GB: {' '.join(_words(preset.way)) or 'does not fit'}")
        for reason in preset.reasons:
            print(f"  {reason}")
    return 0


def _card(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise OptionError(f"{text!r} is not the memory of a card.", "Give whole gigabytes, such as 12.")
    return int(text)


def _words(way: Any) -> Iterator[str]:
    """As flags of `leaml distill` and `leaml adapt`."""
    if way is None:
        return
    yield f"--precision {way.precision}"
    yield f"--pictures-per-step {way.pictures_per_step}"
    if way.checkpointing:
        yield "--checkpointing"
    if way.picture_size != AdaptOptions.model_fields["picture_size"].default:
        yield f"--picture-size {way.picture_size}"
