"""What training chosen neurons costs: step time, memory and file size, beside frozen, dense, LoRA and SHiRA.

    python -m benchmarks.neurons                                       # minutes, on a machine that does nothing else
    python -m benchmarks.neurons --rounds 3 --width 64 --tokens 16     # a try, in seconds

All ways train on the same stack of gated feed-forward networks, without attention, which would cost the same in all and
so hide what differs. A step is forward, backward down to the input, and AdamW. In each round every way does one step,
in a new order; a figure is the median over rounds of the ratio to the frozen model's step in the same round.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy
import torch
from torch import Tensor

from benchmarks.neuron_ways import DENSE, FROZEN, IN_PLACE, LORA, WAYS, Size, Training, begin, lora, side_path, stack
from benchmarks.report import RESULTS, Figure, Report, command_line
from leaml.models.adapters import export_lora, trainable_parameters

STEP_BAR = 1.10
DRAWS, WARM_UP = 10_000, 2
WEIGHTS = "adapter_model.safetensors"
COUNTED = "beyond the model itself: adapter, master copies, optimiser, gradients, activations"
MEASURED = "measured step"


def measure(size: Size, dtype: torch.dtype, device: torch.device, rounds: int) -> Iterator[Figure]:
    """All figures in one precision."""
    part = str(dtype).removeprefix("torch.")
    x = torch.randn(1, size.tokens, size.width, dtype=dtype, device=device)
    seconds = step_times(size, x, rounds)
    for name in WAYS:
        if name == FROZEN:
            continue
        ratios = [mine / frozen for mine, frozen in zip(seconds[name], seconds[FROZEN], strict=True)]
        bar = STEP_BAR if name == IN_PLACE else None
        yield Figure(
            part, f"step, {name}", float(numpy.median(ratios)), "× frozen", bar, True, size.words(),
            interval=median_interval(ratios), n=rounds,
        )  # fmt: skip
    peaks = {name: peak_bytes(name, size, x) for name in WAYS}
    for other in (LORA, DENSE):
        yield Figure(part, f"peak memory, in place / {other}", peaks[IN_PLACE] / peaks[other], "×", note=COUNTED)
    for name in WAYS:
        yield Figure(part, f"peak memory, {name}", peaks[name] / 2**20, "MiB", detail=True)
        yield Figure(part, f"step, {name}", float(numpy.median(seconds[name])), "s", n=rounds, detail=True)


def step_times(size: Size, x: Tensor, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way's step in each round, wall time."""
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    with ExitStack() as contexts:
        trainings = {name: begin(name, size, x, contexts) for name in WAYS}
        for number in range(-WARM_UP, rounds):
            for name in random.Random(number).sample(list(WAYS), len(WAYS)):
                began = time.perf_counter()
                trainings[name].step(x)
                if x.is_cuda:
                    torch.cuda.synchronize()
                if number >= 0:
                    seconds[name].append(time.perf_counter() - began)
    return seconds


def median_interval(ratios: Sequence[float]) -> tuple[float, float]:
    """95 % of the medians of rounds drawn with replacement."""
    drawn = numpy.random.default_rng(0).choice(numpy.asarray(ratios), (DRAWS, len(ratios)))
    low, high = numpy.quantile(numpy.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


def peak_bytes(name: str, size: Size, x: Tensor) -> int:
    """Most bytes that PyTorch held at once in a step, less those of the model without an adapter.

    What a library allocates behind PyTorch's back, such as scratch space of a matrix product, is not in it.
    """
    model = stack(size, x.dtype, x.device)
    if x.is_cuda:
        before = torch.cuda.memory_allocated()
    with (
        torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile,
        ExitStack() as contexts,
    ):
        training = Training(WAYS[name](model, size), contexts)
        training.step(x)
        if x.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        with torch.profiler.record_function(MEASURED):
            training.step(x)
    return torch.cuda.max_memory_allocated() - before if x.is_cuda else _peak(profile)


def _peak(profile: torch.profiler.profile) -> int:
    """Of the bytes allocated and not yet freed since the profile began, the most within the measured step."""
    events = sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    begin = next(event.start_ns() for event in events if event.name() == MEASURED)
    held, most = 0, 0
    for event in events:
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held) if event.start_ns() >= begin else held
    return most


def file_sizes(size: Size) -> Iterator[Figure]:
    """What is saved, in float32, as files."""
    with tempfile.TemporaryDirectory(prefix="leaml-neurons-") as name:
        folder = Path(name)
        neurons = side_path(stack(size, torch.float32, torch.device("cpu")), size).model
        beside = lora(stack(size, torch.float32, torch.device("cpu")), size).model
        neurons.save_pretrained(folder / "neurons")
        export_lora(neurons, "default", folder / "export")
        beside.save_pretrained(folder / "lora")
        named = {"neuron adapter": "neurons", "its export as LoRA": "export", "LoRA of equal size": "lora"}
        for words, place in named.items():
            yield Figure("file", words, (folder / place / WEIGHTS).stat().st_size / 2**20, "MiB")
        count = trainable_parameters(neurons)
        yield Figure("file", "trained weights", float(count), note=f"{trainable_parameters(beside)} in the LoRA")


# ---- command line ----------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neurons", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31, help="interleaved rounds (default %(default)s)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), action="append", help="default: both")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default %(default)s)")
    for field in ("width", "layers", "tokens"):
        parser.add_argument(f"--{field}", type=int, default=getattr(Size(), field), help="default %(default)s")
    parser.add_argument("--out", type=Path, default=RESULTS / "neurons.json", help="JSON file (default %(default)s)")
    asked = parser.parse_args(words)
    report = Report(command_line("benchmarks.neurons", words))
    size, device = Size(asked.width, asked.layers, asked.tokens), torch.device(asked.device)
    for dtype in asked.dtype or ("float32", "bfloat16"):
        report.add(measure(size, getattr(torch, dtype), device, asked.rounds))
    report.add(file_sizes(size))
    report.write(asked.out)
    print(report.text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
