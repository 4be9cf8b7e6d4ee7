"""What is done where memory runs short: a step is computed in parts, then layers twice; the gradients stay the same.

    thrift = Thrift(model, batch_at, loss, autocast)
    value, figures = thrift.gradients(step, batch)       # leaves the step's gradients in the parameters
    thrift.message                                       # what was changed, for whoever watches

A step in parts has the same pictures, the same effective batch and the same normalisation, so that what is learned
does not depend on the card; it takes longer. What cannot be helped ends with a sentence and advice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from leaml.errors import TrainingError

LAYERS_TWICE = "Memory ran short: each layer is computed twice, which takes less of it"
ADVICE = "Take smaller pictures, hold the model in 4 bits, or choose a smaller model."

Loss = Callable[[nn.Module, Any], tuple[Tensor, dict[str, float]]]


class Parted(Protocol):
    """Gives the batch of a step, or as many parts of it as are wanted."""

    def __call__(self, step: int) -> Any: ...

    def parts(self, step: int, count: int) -> Sequence[Any]:
        """At most `count` batches whose losses and figures add up to those of the whole; fewer where it has fewer."""


class Thrift:
    """How the steps of a run are computed: whole as long as that works.

    parts: in how many a step is computed now. message: a short sentence, where anything was changed.
    """

    def __init__(
        self, model: nn.Module, batch_at: Callable[[int], Any], loss: Loss, autocast: AbstractContextManager
    ) -> None:
        self.model, self.batch_at, self.loss, self.autocast = model, batch_at, loss, autocast
        self.device = next(model.parameters()).device
        self.parts, self.message = 1, ""

    def gradients(self, step: int, batch: Any) -> tuple[float, dict[str, float]]:
        """Computes a step; the loss and its figures. Tries again in a thriftier way while memory runs short.

        Raises:
            TrainingError: it does not suffice in any way.
        """
        batches: Sequence[Any] = [batch] if self.parts == 1 else self._parts(step)
        while True:
            try:
                return self._accumulated(batches)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Only here, where the error is gone, are the tensors of the failed try gone as well.
            del batches
            self.model.zero_grad(set_to_none=True)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            batches = self._thriftier(step)

    @contextmanager
    def enough_memory(self) -> Iterator[None]:
        """Turns what is left of memory running short, such as the optimiser's share, into a TrainingError."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise TrainingError("There is not enough memory for what is trained.", ADVICE) from error

    def _accumulated(self, batches: Sequence[Any]) -> tuple[float, dict[str, float]]:
        total, figures = 0.0, {}
        for batch in batches:
            with self.autocast:
                value, its = self.loss(self.model, batch.to(self.device) if hasattr(batch, "to") else batch)
            value.backward()
            total += value.item()
            figures = {name: figures.get(name, 0.0) + figure for name, figure in its.items()}
            del value
        return total, figures

    def _parts(self, step: int) -> Sequence[Any]:
        return self.batch_at.parts(step, self.parts)

    def _thriftier(self, step: int) -> Sequence[Any]:
        """The next way to try: parts half as large, at last with layers computed twice."""
        if hasattr(self.batch_at, "parts"):
            batches = self.batch_at.parts(step, 2 * self.parts)
            if len(batches) > self.parts:
                self.parts = len(batches)
                self.message = f"Memory ran short: each step is computed in {self.parts} parts"
                return batches
        if not compute_layers_twice(self.model):
            raise TrainingError("There is not enough memory for even one question on one picture.", ADVICE)
        self.message = LAYERS_TWICE
        return self._parts(step) if self.parts > 1 else [self.batch_at(step)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that the memory of a GPU, a Mac or the computer itself does not suffice."""
    said = ("DefaultCPUAllocator", "MPS backend out of memory")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in said)


def compute_layers_twice(model: nn.Module) -> bool:
    """Has layers keep their inputs alone and compute the rest anew on the way back; False where it is so already.

    Also where the model cannot. Gradients are the same.
    """
    core = _inner(model)
    if not getattr(core, "supports_gradient_checkpointing", False) or core.is_activation_checkpointing:
        return False
    core.activation_checkpointing_enable({"use_reentrant": False})
    return True


@contextmanager
def layers_computed(model: nn.Module, twice: bool) -> Iterator[None]:
    """Layers are computed twice where that is wanted, and once again afterwards, whatever came in between."""
    if twice:
        compute_layers_twice(model)
    try:
        yield
    finally:
        core = _inner(model)
        if getattr(core, "is_activation_checkpointing", False):
            core.activation_checkpointing_disable()


def _inner(model: nn.Module) -> nn.Module:
    """Without the wrapper that PEFT puts around it; any module may learn, not those of transformers alone."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
