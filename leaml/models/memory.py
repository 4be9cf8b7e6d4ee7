"""What memory work takes: counted as it runs, estimated beforehand in named parts, and held against what is free.

    with LiveBytes() as live:               # real tensors, or the ghosts of leaml.models.weightless
        step()
    live.peak                               # most bytes that tensors held at once
    needed = Needed(weights=…, activations=…)
    needed.total, needed.parts(), free_memory(device)

Estimates come from running the work itself on a model without weights (leaml.training.rehearsal); what a run measures
in its first steps is kept, and corrects them from then on (leaml.jobs.foretelling).
"""

import importlib.util
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

import psutil
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


@dataclass(frozen=True, slots=True)
class Needed:
    """Bytes at the moment when most are held, by what they are for.

    Attributes:
        weights: of the language model and its output head; vision_tower: of all else that looks at pictures, and what
            it computes with where it holds more than a step does.
        adapter: what is trained beside the weights. optimiser: its two averages. gradients: those that stand then.
        activations: what the texts leave behind for the way back. image_tokens: what the pictures' tokens leave.
        kv_cache: what is kept of earlier tokens while texts are written.
    """

    weights: int = 0
    vision_tower: int = 0
    adapter: int = 0
    gradients: int = 0
    optimiser: int = 0
    activations: int = 0
    image_tokens: int = 0
    kv_cache: int = 0

    @property
    def total(self) -> int:
        return sum(asdict(self).values())

    def parts(self) -> dict[str, int]:
        """By name, largest first, without those that are nothing."""
        found = {name: value for name, value in asdict(self).items() if value}
        return dict(sorted(found.items(), key=lambda part: -part[1]))

    def corrected(self, measured: int, estimated: int) -> "Needed":
        """With what a run of this model was seen to take where `estimated` was expected: computing takes the rest."""
        computing = ("activations", "image_tokens", "kv_cache")
        held = self.total - sum(getattr(self, name) for name in computing)
        expected = self.total - held
        wanted = max(0, round(self.total * measured / estimated) - held)
        if not expected:
            return replace(self, activations=wanted)
        return replace(self, **{name: round(getattr(self, name) * wanted / expected) for name in computing})


def largest(needs: Iterable[Needed]) -> Needed:
    """The one that decides, of work that is done one after the other."""
    return max(needs, key=lambda needed: needed.total)


def free_memory(device: torch.device) -> tuple[int, int]:
    """Bytes that are free on a device now, and all that it has."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)
    memory = psutil.virtual_memory()
    return memory.available, memory.total


def held_now(device: torch.device) -> int:
    """Bytes that this process holds: of the GPU the most that it ever held, else of the main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return psutil.Process().memory_info().rss


def busy(device: torch.device) -> dict[str, float]:
    """How much of its time a GPU computes, in per cent, as a figure; nothing where that cannot be asked."""
    if device.type != "cuda" or importlib.util.find_spec("pynvml") is None:
        return {}
    with suppress(RuntimeError):
        return {"gpu use": float(torch.cuda.utilization(device))}
    return {}


# ---- counting ----------------------------------------------------------------------------------------------------


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors that come into being while it watches, and of those that it is told of.

    now, peak: bytes held, and the most so far. Memory that a kernel takes for itself is not seen.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._alive: dict[int, weakref.finalize] = {}
        for tensor in known:
            self.add(tensor)

    def add(self, tensor: Tensor) -> None:
        """Counts a tensor's storage, once, until it is gone."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        size = storage.nbytes()
        self._alive[key] = weakref.finalize(storage, self._gone, key, size)
        self._alive[key].atexit = False
        self.now += size
        if self.now > self.peak:
            self.peak = self.now
            self.rose()

    def rose(self) -> None:
        """Called at every new peak."""

    def _gone(self, key: int, size: int) -> None:
        self._alive.pop(key, None)
        self.now -= size

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if function is torch.ops.aten.index.Tensor:
            args = (args[0], _numbered(args[0], args[1]))
        result = function(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, Tensor):
                self.add(value)
        return result


def _numbered(tensor: Tensor, index: list[Tensor | None]) -> list[Tensor | None]:
    """A ghost cannot be asked for what a mask chooses, unless the mask's places are known: they are looked up here."""
    if not isinstance(tensor, FakeTensor):
        return index
    found: list[Tensor | None] = []
    for part in index:
        is_mask = part is not None and part.dtype == torch.bool and not isinstance(part, FakeTensor)
        found += part.nonzero().unbind(1) if is_mask else [part]
    return found


class PeakWatch:
    """The most bytes that tensors hold on a device while any of its contexts lasts, `known` ones included."""

    def __init__(self, known: Iterable[Tensor], device: torch.device) -> None:
        self.device, self.entered = device, False
        self.live = None if device.type == "cuda" else LiveBytes(known)

    def __enter__(self) -> None:
        if self.live is not None:
            self.live.__enter__()
        elif not self.entered:
            torch.cuda.reset_peak_memory_stats(self.device)
        self.entered = True

    def __exit__(self, *error: Any) -> None:
        if self.live is not None:
            self.live.__exit__(*error)

    @property
    def peak(self) -> int:
        """Bytes; the allocator's own count on a GPU."""
        return self.live.peak if self.live is not None else torch.cuda.max_memory_allocated(self.device)
