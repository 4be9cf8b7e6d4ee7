"""The training part of `benchmarks.throughput`: this project's loop beside TRL's `SFTTrainer`, step by step in turns.

Both get copies of one model with one LoRA, the same questions in the same steps, the same schedule, AdamW and clipping.
TRL makes a row of each question, as it does for pictures; ours has a row for each picture. A step is everything from
picture files to updated weights. TRL is left at its defaults but for gradient checkpointing, which would cost it time.
"""

import copy
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers import TrainerCallback

from benchmarks.report import Figure
from benchmarks.throughput_timing import Timing, now, watch
from benchmarks.throughput_work import QUESTIONS, Work
from leaml.errors import OptionError
from leaml.models.adapters import add_lora, trainable_parameters
from leaml.models.features import kept
from leaml.training.batches import Example, Turn, answer_loss
from leaml.training.loop import WATCHED_STEPS, FitOptions, fit
from leaml.training.stage import StepBatches, quick_attention

RANK, WARM_UP = 16, 3
BARS = {"nano": 3.0, "middle": 4.0}
LOSS_BAR = 0.01
BETAS = FitOptions(1).betas


@dataclass(slots=True)
class Run:
    """What one side did: seconds and loss of each step, and the most bytes that it held in the first of them."""

    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    peak: int = 0


def measure(work: Work, pictures: int, rounds: int) -> Iterator[Figure]:
    """All figures for one model.

    Raises:
        OptionError: TRL is not installed.
    """
    part = f"{work.name}, training, {work.model.device.type}, {str(work.model.dtype).removeprefix('torch.')}"
    plan = steps(work, pictures, WARM_UP + rounds)
    ours, theirs = in_turns(work, plan)
    ratios = Timing.ratios(theirs.seconds[WARM_UP:], ours.seconds[WARM_UP:])
    yield Figure(
        part, "samples/s, this project / TRL", ratios.median, "×", BARS.get(work.name), interval=ratios.interval,
        n=rounds, note=f"{pictures} pictures a step, LoRA of rank {RANK}, {trainable_parameters(work.model)} weights; "
        f"{work.words()}; {torch.get_num_threads()} threads",
    )  # fmt: skip
    whole = sum(theirs.seconds[WATCHED_STEPS:]) / sum(ours.seconds[WATCHED_STEPS:])
    looks = f"{sum(first_looks(plan))} of {len(plan) * pictures} looks at pictures were first ones"
    yield Figure(part, "samples/s, all steps that are not watched", whole, "×", note=looks)
    apart = [abs(one - other) / other for one, other in zip(ours.losses, theirs.losses, strict=True)]
    course = f"mean over {len(plan)} steps; {ours.losses[0]:.3f} at first, {ours.losses[-1]:.3f} at last"
    yield Figure(part, "losses differ by", sum(apart) / len(apart), "", LOSS_BAR, True, course)
    yield Figure(part, "peak memory, this project / TRL", ours.peak / theirs.peak, "×", note="tensors, model included")
    tokens = tokens_per_step(work, plan[-1])
    for name, run in (("this project", ours), ("TRL", theirs)):
        took = Timing(run.seconds[WARM_UP:]).median
        yield Figure(part, f"samples/s, {name}", pictures * QUESTIONS / took, "per s", n=rounds, detail=True)
        yield Figure(
            part, f"tokens/s, {name}", tokens / took, "per s", n=rounds, detail=True,
            note="as many as separate samples have",
        )  # fmt: skip
        yield Figure(part, f"peak memory, {name}", run.peak / 2**20, "MiB", detail=True)


def steps(work: Work, pictures: int, count: int) -> list[list[Example]]:
    """What is learned in each step: the pictures in turn, over and over."""
    all_of_them = work.examples
    numbers = range(0, count * pictures, pictures)
    return [[all_of_them[(first + k) % len(all_of_them)] for k in range(pictures)] for first in numbers]


def first_looks(plan: list[list[Example]]) -> list[int]:
    """How many pictures of each step no step before has had."""
    seen: set = set()
    found = []
    for examples in plan:
        new = {example.image for example in examples} - seen
        seen |= new
        found.append(len(new))
    return found


def tokens_per_step(work: Work, examples: list[Example]) -> int:
    """Of a step whose questions have a row each."""
    looks = work.framing.look([example.image for example in examples])
    return sum(
        len(look.ids) + len(work.framing.token_ids(work.framing.question_text(turn.prompt))) + round(turn.weight)
        for look, example in zip(looks, examples, strict=True)
        for turn in example.turns
    )


# ---- the two sides -----------------------------------------------------------------------------------------------


def in_turns(work: Work, plan: list[list[Example]]) -> tuple[Run, Run]:
    """Trains both, a step of TRL's and one of ours at a time. `work.model` is what ours has trained."""
    torch.manual_seed(0)
    work.model.requires_grad_(False)
    ours = add_lora(work.model, RANK, RANK)
    theirs = copy.deepcopy(ours)
    schedule = FitOptions(len(plan), warmup=WARM_UP)
    batches = StepBatches(kept(ours, work.framing), plan.__getitem__)
    with quick_attention(ours), tempfile.TemporaryDirectory(prefix="leaml-throughput-") as folder:
        turns = _Turns(fit(ours, batches, answer_loss, schedule), theirs)
        trainer = _trainer(theirs, work, plan, schedule, folder)
        trainer.add_callback(turns)
        trainer.train()
    turns.theirs.losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return turns.ours, turns.theirs


class _Turns(TrainerCallback):
    """After each step of TRL's, does one of ours."""

    def __init__(self, events: Iterator, model: nn.Module) -> None:
        self.events, self.device = events, next(model.parameters()).device
        self.ours, self.theirs, self.watch = Run(), Run(), watch(model)

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self._let_them()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        ended = now(self.device)
        self.theirs.seconds.append(ended - self.began)
        if len(self.theirs.seconds) <= WATCHED_STEPS:
            self.watch.__exit__(None, None, None)
            self.theirs.peak = self.watch.peak
        figures = next(self.events).figures
        self.ours.seconds.append(now(self.device) - ended)
        self.ours.losses.append(figures["loss"])
        self.ours.peak = int(figures.get("peak memory", self.ours.peak))
        self._let_them()

    def _let_them(self) -> None:
        if len(self.theirs.seconds) < WATCHED_STEPS:  # as `fit` watches ours
            self.watch.__enter__()
        self.began = now(self.device)


def _trainer(model: nn.Module, work: Work, plan: list[list[Example]], schedule: FitOptions, folder: str) -> Any:
    """TRL's trainer with the plan as its data set, one row for each question, in order."""
    try:
        from datasets import Dataset, Features, Image, List, Value
        from trl import SFTConfig, SFTTrainer
    except ImportError as error:
        what = f"TRL is not installed here: {error}."
        raise OptionError(what, "Install it as the first lines of benchmarks/throughput.py say.") from error
    rows = [_row(work, example, turn) for examples in plan for example in examples for turn in example.turns]
    shapes = Features({"images": List(Image()), "prompt": Value("string"), "completion": Value("string")})
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, schedule.learning_rate, betas=BETAS, weight_decay=0.0, fused=True)
    rate = LambdaLR(optimizer, lambda step: schedule.rate_at(step) / schedule.learning_rate)
    settings = SFTConfig(
        folder, per_device_train_batch_size=len(plan[0]) * QUESTIONS, max_steps=len(plan), max_grad_norm=schedule.clip,
        train_sampling_strategy="sequential", completion_only_loss=True, max_length=None, gradient_checkpointing=False,
        bf16=work.model.dtype == torch.bfloat16, use_cpu=work.model.device.type == "cpu", logging_steps=1,
        save_strategy="no", report_to="none", disable_tqdm=True,
    )  # fmt: skip
    return SFTTrainer(
        model, settings, train_dataset=Dataset.from_list(rows, features=shapes), processing_class=work.processor,
        optimizers=(optimizer, rate),
    )  # fmt: skip


def _row(work: Work, example: Example, turn: Turn) -> dict[str, Any]:
    framing = work.framing
    prompt = framing.prefix + framing.question_text(turn.prompt)
    return {"images": [str(example.image)], "prompt": prompt, "completion": framing.answer_text(turn.answer)}
