"""What memory training takes, foretold from the config alone and then measured, per family and method.

    python -m benchmarks.memory                                          # minutes; on a GPU with --device cuda
    python -m benchmarks.memory --family qwen3_vl --method lora --width 64 --pictures 2        # a try, in seconds

Each family is built random and of middling size, so that weights, optimiser and what the tokens leave behind all
matter, and goes through two steps of `adapt`. Measured is the most bytes that tensors held at once: on a CPU by
PyTorch's profiler, on a CUDA GPU by its allocator.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from PIL import Image

from benchmarks.report import RESULTS, Figure, Report, command_line
from leaml.errors import LeamlError
from leaml.models.framing import Framing
from leaml.models.load import load
from leaml.options import AdaptOptions
from leaml.records import Question
from leaml.training import adapt
from leaml.training.rehearsal import Base, rehearse
from tests import tiny_families

WITHIN = 0.15
MIB = 2**20
WAYS = {
    "lora": {"method": "lora", "precision": "full"},
    "lora, layers twice": {"method": "lora", "precision": "full", "checkpointing": True},
    "neurons": {"method": "neurons", "precision": "full"},
    "full": {"method": "full", "precision": "full"},
    "lora, 4 bits": {"method": "lora", "precision": "4bit"},
    "neurons, 4 bits": {"method": "neurons", "precision": "4bit"},
    "lora, 8 bits": {"method": "lora", "precision": "8bit"},
}
ASKED = ("Is there a polyp in this picture, and where is it?", "What colour is it?", "How many are there?")


@dataclass(frozen=True, slots=True)
class Size:
    """Of the models: width and layers; of a step: pictures, each with as many questions as are asked."""

    width: int = 256
    layers: int = 4
    pictures: int = 8


def measure(families: Sequence[str], ways: Sequence[str], size: Size, device: str) -> Iterator[Figure]:
    """One figure for each family and way: foretold bytes over measured ones; the two numbers behind it as details."""
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="leaml-memory-") as name:
        labels = write_labels(Path(name) / "images", size.pictures)
        for family in families:
            folder = save(family, Path(name) / family, size)
            for number, way in enumerate(ways):
                options = AdaptOptions(steps=2, pictures_per_step=size.pictures, fraction=0.1, **WAYS[way])
                try:
                    found = (
                        foretold(folder, labels, options, device),
                        measured(folder, labels, options, Path(name) / f"{family}-{number}", device),
                    )
                except LeamlError as error:
                    yield Figure(family, way, None, note=str(error), detail=True)
                    continue
                ratio = found[0] / found[1]
                worst = max(worst, abs(ratio - 1))
                yield Figure(family, way, ratio, "×", note=f"{found[1] / MIB:.1f} MiB measured")
    yield Figure("all", "largest error of what was foretold", worst, "of what was measured", WITHIN, at_most=True)


def write_labels(folder: Path, pictures: int) -> list[Question]:
    """Pictures of noise, all asked the same."""
    folder.mkdir(parents=True)
    paths = [folder / f"{number:02}.png" for number in range(pictures)]
    for number, path in enumerate(paths):
        pixels = numpy.random.default_rng(number).integers(0, 256, (96, 128, 3), numpy.uint8)
        Image.fromarray(pixels).save(path)
    return [Question(path, asked, "yes, in the center", "open") for path in paths for asked in ASKED]


def save(family: str, folder: Path, size: Size) -> Path:
    """The family's model as the tests have it, but of this size."""
    heads = size.width // tiny_families.LANGUAGE["head_dim"]
    layers = size.layers if family != "gemma3" else 2  # it names the kind of each of its two
    wider = {"hidden_size": size.width, "intermediate_size": 3 * size.width, "num_hidden_layers": layers}
    before = tiny_families.LANGUAGE, tiny_families.WIDTH
    tiny_families.LANGUAGE = before[0] | wider | {"num_attention_heads": heads, "num_key_value_heads": heads // 2}
    tiny_families.WIDTH = size.width
    try:
        return tiny_families.save(family, folder)
    finally:
        tiny_families.LANGUAGE, tiny_families.WIDTH = before


def foretold(folder: Path, labels: Sequence[Question], options: AdaptOptions, device: str) -> int:
    """Bytes, from config and processor alone."""
    base = Base.of(str(folder), options.precision, device=device)
    examples = adapt.Examples(labels, [], options)(0)
    return rehearse(base, adapt.trained_by(options), examples, options.checkpointing).total


def measured(folder: Path, labels: Sequence[Question], options: AdaptOptions, run: Path, device: str) -> int:
    """The most bytes that tensors held at once while the stage ran."""
    gc.collect()
    loaded = load(folder, device, precision=options.precision)
    held = sum(tensor.nbytes for tensor in (*loaded.model.parameters(), *loaded.model.buffers()))
    events = adapt.adapt(loaded.model, Framing(loaded.processor), labels, [], options, run)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        list(events)
        return torch.cuda.max_memory_allocated()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        list(events)
    return held + most_held(profile)


def most_held(profile: torch.profiler.profile) -> int:
    """Of the bytes allocated and not yet freed since the profile began, the most."""
    held = most = 0
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


# ---- command line ----------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=tiny_families.FAMILIES, action="append", help="default: all")
    parser.add_argument("--method", choices=WAYS, action="append", help="default: all")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default %(default)s")
    for field in ("width", "layers", "pictures"):
        parser.add_argument(f"--{field}", type=int, default=getattr(Size(), field), help="default %(default)s")
    parser.add_argument("--out", type=Path, default=RESULTS / "memory.json", help="JSON file (default %(default)s)")
    asked = parser.parse_args(words)
    report = Report(command_line("benchmarks.memory", words))
    size = Size(asked.width, asked.layers, asked.pictures)
    report.add(measure(asked.family or list(tiny_families.FAMILIES), asked.method or list(WAYS), size, asked.device))
    report.write(asked.out)
    print(report.text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
