"""Train a neuron adapter in the base weights themselves: the step of a frozen model, plus the gradient of the block.

    possible, reason = choose_in_place(adapted)
    with in_place(adapted):
        ...                         # train; parameters and checkpoints are the adapter's own, as ever
    adapted.save_pretrained(folder)

The chosen rows of gate and up, and columns of down, hold original + difference while the context lasts, so a layer is
one matrix product forward and one backward, and a thin one for the block's gradient; the side path and what it keeps
for the backward pass are gone. The parameter stays the float32 difference D: original + D is the master copy, and what
stands in the weight is that, rounded to the weight's precision. When the context is left, by an error or a closed
generator too, the originals are back bit for bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.optim.optimizer import register_optimizer_step_post_hook

from leaml.errors import ModelError
from leaml.models.neuron_tuner import NeuronLinear

WRITABLE = (torch.float32, torch.bfloat16, torch.float16)


def choose_in_place(model: nn.Module) -> tuple[bool, str]:
    """Whether the active neuron adapter of `model` can be trained in the base weights, and why."""
    fault = _fault(_active_layers(model))
    if fault:
        return False, f"not in place: {fault}"
    return True, "in place: the base weights can be written, so that a step costs little more than a frozen model's"


def _fault(layers: dict[str, NeuronLinear]) -> str:
    """Why the blocks of layers cannot stand in their weights; "" where they can."""
    if not layers:
        return "no neuron adapter is active"
    for name, layer in layers.items():
        base = layer.base_layer
        if layer.quantization_backend is not None or type(base) is not nn.Linear or base.weight.dtype not in WRITABLE:
            return f"{name} is quantised, and its weights would be rounded again at every step"
        if base.weight.is_meta:
            return f"the weights of {name} are not in memory"
        if base.weight.requires_grad:
            return "the base weights are trained as well"
        if len(layer.active_adapters) > 1:
            return "several adapters are active at once"
        if layer.merged or layer.block is not None:
            return "an adapter stands in the base weights already"
    return ""


@contextmanager
def in_place(model: nn.Module) -> Iterator[None]:
    """The active neuron adapter runs in the base weights until the context is left.

    Nothing else changes: `neuron_delta` are the parameters, they get the same gradients, and they are what checkpoints
    and `save_pretrained` hold, at any time. The weights are written before the first forward pass after a step of any
    optimiser of PyTorch, or after the parameters were changed otherwise (not behind its back, by `.data`). Disabling
    the adapter, or activating another one, brings the originals back for as long. Weight decay would draw D to zero,
    that is, the weights to their originals.

    Raises:
        ModelError: it is not possible, see `choose_in_place`.
    """
    layers = _active_layers(model)
    if fault := _fault(layers):
        raise ModelError(f"Neurons cannot be trained in place: {fault}.", "Train them by the side path.")
    clock = _Clock()
    handle = register_optimizer_step_post_hook(clock.tick)
    try:
        for layer in layers.values():
            layer.block = Block(layer, clock)
        yield
    finally:
        handle.remove()
        for layer in layers.values():
            if layer.block is not None:
                layer.block.put_back()
                layer.block = None


def _active_layers(model: nn.Module) -> dict[str, NeuronLinear]:
    """The layers that carry the active neuron adapter, by name."""
    return {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, NeuronLinear) and any(adapter in layer.neuron_delta for adapter in layer.active_adapters)
    }


class _Clock:
    """Counts the steps of optimisers: fused ones leave the version of a parameter as it was."""

    def __init__(self) -> None:
        self.steps = 0

    def tick(self, *_: Any) -> None:
        self.steps += 1


class Block:
    """The rows or columns of one layer's weight that hold original + difference."""

    def __init__(self, layer: NeuronLinear, clock: _Clock) -> None:
        self.layer, self.clock = layer, clock
        self.adapter = next(adapter for adapter in layer.active_adapters if adapter in layer.neuron_delta)
        self.index = layer.neuron_index[self.adapter].long()
        self.original = layer.original_block(self.adapter)
        self.written: tuple[int, int] | None = None  # which state of the difference; None: the originals stand there

    def is_wanted(self) -> bool:
        """Whether a forward pass now is one of this adapter alone."""
        layer = self.layer
        return not (layer.disable_adapters or layer.merged) and layer.active_adapters == [self.adapter]

    def forward(self, x: Tensor) -> Tensor:
        """x: (…, inputs) to (…, outputs), in the precision that autocast asks for."""
        self.write()
        weight, bias, device = self.layer.base_layer.weight, self.layer.base_layer.bias, x.device.type
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            x, weight, bias = x.to(dtype), weight.to(dtype), bias if bias is None else bias.to(dtype)
        delta, is_row = self.layer.neuron_delta[self.adapter], self.layer.neuron_is_row[self.adapter]
        return LinearWithBlock.apply(x, weight, bias, delta, self.index, is_row)

    @torch.no_grad()
    def write(self) -> None:
        delta = self.layer.neuron_delta[self.adapter]
        state = (self.clock.steps, delta._version)
        if state != self.written:
            self.layer.write_block(self.adapter, (self.original + delta).to(self.original.dtype))
            self.written = state

    @torch.no_grad()
    def put_back(self) -> None:
        if self.written is not None:
            self.layer.write_block(self.adapter, self.original)
            self.written = None


class LinearWithBlock(torch.autograd.Function):
    """y = W x + b, whose weight gradient is computed for some rows or columns alone.

    `delta` takes no part in the forward pass, since W holds it already; it is there to receive its gradient: with g
    the gradient at y, g_J xᵀ for rows J and g x_Jᵀ for columns, summed over tokens.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, delta: Tensor, index: Tensor, is_row: bool
    ) -> Tensor:
        needed = None
        if ctx.needs_input_grad[3]:
            needed = x if is_row else x.flatten(0, -2).index_select(1, index)
        ctx.save_for_backward(weight, index, needed)
        ctx.is_row = is_row
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weight, index, needed = ctx.saved_tensors
        of_x = gradient @ weight if ctx.needs_input_grad[0] else None
        of_block = None
        if needed is not None:
            of_y = gradient.flatten(0, -2)
            of_block = (of_y.index_select(1, index) if ctx.is_row else of_y).T @ needed.flatten(0, -2)
        return of_x, None, None, of_block, None, None
