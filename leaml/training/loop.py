"""THE training loop: pretraining, distillation and adaptation differ in their batches and their loss alone.

    for event in fit(model, batch_at, answer_loss, FitOptions(steps=100), folder):
        ...                                  # Progress, last a Result

A batch is a function of the step, so the position in the data is the step itself: a resumed run goes on with the same
weights, bit for bit on a CPU with the same number of threads. Closing the generator stops it; `events.send(SAVE)` has
it write a checkpoint first. Where memory runs short, a step is computed in parts (leaml.training.thrift), with the
gradients of the whole.
"""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from leaml.errors import TrainingError
from leaml.models.load import choose_dtype
from leaml.models.memory import PeakWatch, busy, held_now
from leaml.records import Progress, Result
from leaml.training import checkpoint
from leaml.training.thrift import Thrift

SAVE = "save"
"""Sent into a running `fit`: write a checkpoint now."""

WATCHED_STEPS = 2
"""After so many, everything that training holds was held once: their peak is that of the run."""

BatchAt = Callable[[int], Any]
Loss = Callable[[nn.Module, Any], tuple[Tensor, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to train. Learning rate: linear warm-up, then a cosine down to `floor` times its peak."""

    steps: int
    learning_rate: float = 1e-3
    warmup: int = 50
    floor: float = 0.02
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    save_every: int = 500
    loader_processes: int = 0

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def fit(
    model: nn.Module,
    batch_at: BatchAt,
    loss: Loss,
    options: FitOptions,
    folder: Path | None = None,
    groups: Iterable[dict] | None = None,
) -> Generator[Progress | Result, str | None, None]:
    """Trains the parameters that require a gradient.

    Args:
        batch_at: the batch of a step, a pure function of its number; where it has `parts` (see `Parted`), memory that
            runs short ends no run.
        loss: (model, batch) -> scalar to minimise, and figures to show.
        folder: where checkpoints go and from where the newest whole one is resumed; None keeps nothing.
        groups: optimiser groups, each {"params", "scale", "orthogonal"}; `scale` multiplies the learning rate, and a
            group of matrices that says `orthogonal` is trained by Muon (arXiv 2502.16982), all else by AdamW. Default:
            one group, by AdamW.

    Raises:
        TrainingError: nothing to train, or the loss is no longer a number.
    """
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not named:
        raise TrainingError("No weight of this model may be trained.", "Add an adapter, or unfreeze some weights.")
    optimizers = _optimizers(list(groups) if groups is not None else [{"params": list(named.values())}], options)
    start, figures = _resume(folder, named, optimizers) if folder else (0, {})
    device = next(iter(named.values())).device
    dtype, _ = choose_dtype(device)
    autocast = nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
    thrift = Thrift(model, batch_at, loss, autocast)
    batches, watch = _batches(batch_at, start, options), PeakWatch([*model.parameters(), *model.buffers()], device)
    model.train()
    began = time.monotonic()
    for step in range(start, options.steps):
        watched = step - start < WATCHED_STEPS
        with watch if watched else nullcontext(), thrift.enough_memory():
            value, figures = thrift.gradients(step, next(batches))
            for group in (group for optimizer in optimizers.values() for group in optimizer.param_groups):
                group["lr"] = options.rate_at(step) * group.get("scale", 1.0)
            norm = torch.nn.utils.clip_grad_norm_(named.values(), options.clip)
            if not (math.isfinite(value) and torch.isfinite(norm)):  # before: weights and checkpoints stay whole
                raise TrainingError(
                    f"The loss is no longer a number at step {step + 1} of {options.steps}.",
                    "Start again with a smaller learning rate.",
                )
            for optimizer in optimizers.values():
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
        done = step + 1
        figures = {"loss": value, **figures, "seconds per step": (time.monotonic() - began) / (done - start)}
        figures |= {"memory": float(held_now(device))} | busy(device)
        if watched:
            figures["peak memory"] = float(watch.peak)
        asked = yield Progress(done, options.steps, thrift.message, figures)
        if folder and (asked == SAVE or done % options.save_every == 0 or done == options.steps):
            _save(folder, done, named, optimizers, figures)
    model.eval()
    yield Result({"loss": figures.get("loss", math.nan), "steps": float(options.steps)}, folder)


class _Steps(Dataset):
    """Steps as a data set, so that torch's loader prepares the next batch while this one is learned."""

    def __init__(self, batch_at: BatchAt, start: int, stop: int) -> None:
        self.batch_at, self.start, self.stop = batch_at, start, stop

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def __getitem__(self, index: int) -> Any:
        return self.batch_at(self.start + index)


def _batches(batch_at: BatchAt, start: int, options: FitOptions) -> Iterator[Any]:
    # A generator of its own: the loader would draw its seed from torch's global one, and a resumed run would differ.
    own = torch.Generator()
    steps = _Steps(batch_at, start, options.steps)
    return iter(DataLoader(steps, batch_size=None, num_workers=options.loader_processes, generator=own))


def _optimizers(groups: list[dict], options: FitOptions) -> dict[str, torch.optim.Optimizer]:
    """By the name that its state has in a checkpoint: AdamW, and Muon where a group asks for it."""
    matrices = [group for group in groups if group.get("orthogonal")]
    others = [group for group in groups if not group.get("orthogonal")]
    shared = {"lr": options.learning_rate, "weight_decay": options.weight_decay}
    found: dict[str, torch.optim.Optimizer] = {}
    if others:
        found["adamw"] = torch.optim.AdamW(others, betas=options.betas, fused=True, **shared)
    if matrices:  # updates as large as AdamW's, so that one learning rate serves both
        found["muon"] = torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **shared)
    return found


def _save(
    folder: Path,
    step: int,
    named: dict[str, nn.Parameter],
    optimizers: dict[str, torch.optim.Optimizer],
    figures: dict[str, float],
) -> None:
    random_tensors, random_state = checkpoint.random_state()
    tensors = {
        "weights": {name: p.detach().cpu() for name, p in named.items()},
        "random": random_tensors,
    }
    tensors |= {name: checkpoint.optimizer_tensors(optimizer) for name, optimizer in optimizers.items()}
    checkpoint.save(folder, step, tensors, {"random": random_state, "figures": figures})


def _resume(
    folder: Path, named: dict[str, nn.Parameter], optimizers: dict[str, torch.optim.Optimizer]
) -> tuple[int, dict[str, float]]:
    """Restores the newest whole checkpoint; returns the number of steps done, and the figures of the last one."""
    path = checkpoint.newest(folder)
    if path is None:
        return 0, {}
    saved = checkpoint.load(path)
    weights = saved.tensors["weights"]
    other = weights.keys() != named.keys() or any(weights[n].shape != p.shape for n, p in named.items())
    if other or not optimizers.keys() <= saved.tensors.keys():
        raise TrainingError(
            f"The checkpoint {path.name} belongs to a run with other trained weights.",
            "Use another folder, or remove its checkpoints to start again.",
        )
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(weights[name])
    for name, optimizer in optimizers.items():
        checkpoint.restore_optimizer(optimizer, saved.tensors[name])
    checkpoint.restore_random_state(saved.tensors["random"], saved.state["random"])
    return saved.step, saved.state["figures"]
