"""Training beside TRL's `SFTTrainer`, and writing beside transformers' `generate`: the same work in one run, in turns.

    python -m pip install --no-deps --target FOLDER -r benchmarks/requirements.txt
    PYTHONPATH=FOLDER python -m benchmarks.throughput                  # minutes, on a machine that does nothing else
    python -m benchmarks.throughput --parts writing --models nano --pictures 2 --rounds 3       # a try, without TRL

Two models: nano, and one of its family with random weights and 256 image tokens per picture, both with six questions
per picture. TRL is installed beside the project, not into it. Every round does the same work in all ways; a figure is
the median over rounds of the ratio of their times. On a machine with an NVIDIA card everything is measured there, too.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import throughput_training, throughput_writing
from benchmarks.report import RESULTS, Report, command_line
from benchmarks.throughput_work import WORKS
from leaml.errors import LeamlError
from leaml.models.load import choose_dtype

PICTURES = {"nano": 8, "middle": 2}
"""In a step of training, and of which texts are written in a round."""
TEXT_TOKENS = 64


def measure(report: Report, name: str, device: torch.device, parts: Sequence[str], pictures: int, rounds: int) -> None:
    """All figures for one model on one device."""
    make = WORKS[name]
    chosen, _ = choose_dtype(device)
    if "training" in parts:
        report.add(throughput_training.measure(make(device, chosen), pictures, rounds))
    if "writing" in parts:
        # Texts are only bound to be the same where numbers are exact enough to tell the likeliest token.
        for dtype in dict.fromkeys((torch.float32, chosen)):
            report.add(throughput_writing.measure(make(device, dtype), pictures, rounds, TEXT_TOKENS, name == "nano"))


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=tuple(WORKS), default=tuple(WORKS), help="default: both")
    parser.add_argument("--parts", nargs="+", choices=("training", "writing"), default=("training", "writing"))
    parser.add_argument("--devices", nargs="+", choices=("cpu", "cuda"), help="default: all that there are")
    parser.add_argument("--pictures", type=int, help=f"at once (default {PICTURES})")
    parser.add_argument("--rounds", type=int, default=15, help="in turns (default %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS / "throughput.json", help="JSON file (default %(default)s)")
    asked = parser.parse_args(words)
    report = Report(command_line("benchmarks.throughput", words))
    there = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    try:
        for device in map(torch.device, asked.devices or there):
            for name in asked.models:
                measure(report, name, device, asked.parts, asked.pictures or PICTURES[name], asked.rounds)
    except LeamlError as error:
        print(f"{error.what} {error.fix}", file=sys.stderr)
        return 1
    report.write(asked.out)
    print(report.text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
