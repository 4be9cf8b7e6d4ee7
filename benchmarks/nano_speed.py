"""The speed part of `benchmarks.nano`: how long, how much, on which processor with how many threads.

    python -m benchmarks.nano_speed load nano       # what each fresh process does: imports, then the measured work
    python -m benchmarks.nano_speed memory nano

Run it on a machine that does nothing else; `machine.load` in the report says whether that was so.
"""

import json
import shlex
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median, quantiles

import torch
from PIL import Image
from torch import nn

from benchmarks.report import ROOT, Figure, peak_memory, processor_name
from leaml.errors import ModelError
from leaml.models.framing import Framing
from leaml.models.load import NANO, load
from leaml.models.writing import Request, write

LOAD_BAR, ANSWER_BAR, ASSETS_BAR = 1.5, 0.1, 24.0
LOADS, SHORT_ANSWERS, BATCHED_ANSWERS, BATCH, FORCED_TOKENS, REPEATS = 5, 60, 256, 32, 32, 3
ANSWER_TOKENS = 24

Asked = Sequence[tuple[Image.Image, str]]


def measure(name: str, model: nn.Module, framing: Framing, asked: Asked) -> list[Figure]:
    """All figures; `asked` holds pictures with questions, in an order in which neighbours share a picture."""
    threads = f"{torch.get_num_threads()} threads, {processor_name()}, {model.device}"
    return [*_loading(name), *_answering(model, framing, asked, threads), *_sizes(name)]


def _loading(name: str) -> list[Figure]:
    """Seconds to load in fresh processes, whose files the system holds in memory, and the memory of one answer."""
    runs = [_child("load", name) for _ in range(LOADS)]
    threads = f"{runs[0]['threads']} threads"
    memory = _child("memory", name)
    return [
        Figure(
            "speed", "load after imports", median(run["first"] for run in runs), "s", LOAD_BAR, True,
            f"median of {LOADS} processes, {threads}; with the model code that transformers imports then",
        ),
        Figure("speed", "load again in one process", median(run["again"] for run in runs), "s"),
        Figure("speed", "imports", median(run["imports"] for run in runs), "s", note="start of Python included"),
        Figure(
            "speed", "peak memory, load and one answer", memory["peak"], "MiB",
            note=f"of which {memory['imported']:.0f} MiB after imports",
        ),
    ]  # fmt: skip


def _answering(model: nn.Module, framing: Framing, asked: Asked, threads: str) -> list[Figure]:
    # Every seventh, so that types and pictures vary.
    alone = [Request(*one) for one in asked[::7]][:SHORT_ANSWERS]
    together = [Request(*one) for one in asked[:BATCHED_ANSWERS]]
    write(model, framing, alone[:3], ANSWER_TOKENS)
    singles = [_seconds(model, lambda one=one: write(model, framing, [one], ANSWER_TOKENS)) for one in alone]
    batched = min(_seconds(model, lambda: write(model, framing, together, ANSWER_TOKENS)) for _ in range(2))
    forced = _tokens_per_second(model, framing, asked)
    slow = quantiles(singles, n=10)[-1]
    return [
        Figure("speed", "short answer, median", median(singles), "s", ANSWER_BAR, True,
               f"{len(singles)} answers alone and warm, picture preparation included; {threads}"),
        Figure("speed", "short answer, 90th percentile", slow, "s", note=f"mean {mean(singles):.3f} s"),
        Figure("speed", "answers per second", len(together) / batched, "per s",
               note=f"{len(together)} questions in batches of 64, better of 2; {threads}"),
        Figure("speed", "generated tokens per second", forced, "per s",
               note=f"batch {BATCH}, {FORCED_TOKENS} forced tokens, prompt included; median of {REPEATS}; {threads}"),
    ]  # fmt: skip


@torch.inference_mode()
def _tokens_per_second(model: nn.Module, framing: Framing, asked: Asked) -> float:
    """New tokens per second, the reading of pictures and prompt included. One prompt for all, so nothing is padded."""
    pictures = [picture.convert("RGB") for picture, _ in asked[::3]][:BATCH]
    inputs = {key: value.to(model.device) for key, value in framing.prefix_inputs(pictures).items()}
    question = torch.tensor(framing.token_ids(framing.question_text(asked[0][1])), device=model.device)
    ids = torch.cat([inputs.pop("input_ids"), question.expand(len(pictures), -1)], dim=1)
    how = {"max_new_tokens": FORCED_TOKENS, "min_new_tokens": FORCED_TOKENS, "do_sample": False}

    def generate() -> None:
        made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **how, **inputs)
        if made.shape[1] - ids.shape[1] != FORCED_TOKENS:
            raise ModelError("The model stopped before the forced tokens.", "Look at its generation config.")

    return len(pictures) * FORCED_TOKENS / median(_seconds(model, generate) for _ in range(REPEATS))


def _seconds(model: nn.Module, work: Callable[[], object]) -> float:
    """Wall time, a GPU's queued work included."""
    began = time.perf_counter()
    work()
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _sizes(name: str) -> list[Figure]:
    folder = NANO if name == "nano" else Path(name)
    if not folder.is_dir():
        return []
    files = sorted(folder.glob("*.safetensors"))
    kinds = ", ".join(sorted(set().union(*map(stored_types, files))))
    everything = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    weights = sum(path.stat().st_size for path in files)
    return [
        Figure("speed", "weights file", weights / 1e6, "MB", note=f"stored as {kinds}"),
        Figure("speed", "model folder", everything / 1e6, "MB", ASSETS_BAR, True, note="all files together"),
    ]


def stored_types(path: Path) -> set[str]:
    """The number formats in a safetensors file ("BF16", "F32"), from its header alone."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}


# ---- what a fresh process does ---------------------------------------------------------------------------------------


def _child(what: str, name: str) -> dict[str, float]:
    if name != "nano" and Path(name).is_dir():
        name = str(Path(name).resolve())  # the child starts elsewhere
    command = [sys.executable, "-m", "benchmarks.nano_speed", what, name, repr(time.time())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"A fresh process could not load {name}: {last}", f"Run it by hand: {shlex.join(command)}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main(what: str, name: str, started: float) -> None:
    """Prints one JSON object. The imports of this module are done by now."""
    found: dict[str, float] = {"threads": torch.get_num_threads(), "imports": time.time() - started}
    found["imported"] = peak_memory()
    began = time.perf_counter()
    loaded = load(name)
    found["first"] = time.perf_counter() - began
    if what == "memory":
        write(loaded.model, Framing(loaded.processor), [Request(Image.new("RGB", (128, 128)), "What is shown?")])
        found["peak"] = peak_memory()
    else:
        began = time.perf_counter()
        load(name)
        found["again"] = time.perf_counter() - began
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else time.time())
