"""Meters that add up how much each feed-forward neuron matters, from hooks on activations: no weight gets a gradient.

`leaml.models.neurons.score_neurons` runs them; the formulas stand there.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from leaml.errors import ModelError, OptionError
from leaml.models.structure import FeedForward


class Meter(ABC):
    """Adds up the scores of all feed-forward networks over batches, from hooks that it sets while it watches.

    The three kinds differ in what they hook and in what they add for a sample.
    """

    needs_gradient = True

    def __init__(self, layers: list[FeedForward]) -> None:
        self.layers = layers
        self.totals: dict[str, Tensor] = {}
        self.tokens = 0
        self.samples: Tensor = torch.empty(0)
        self.count = 0

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        handles = [handle for layer in self.layers for handle in self.hook(model, layer)]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @abstractmethod
    def hook(self, model: nn.Module, layer: FeedForward) -> list[Any]:
        """Set the hooks on one feed-forward network; returns their handles."""

    def start(self, samples: Tensor) -> None:
        """Before a batch is read: whose its tokens are."""
        self.samples, self.count = samples, int(samples.max()) + 1

    def finish(self) -> None:
        """After a batch was read, and its gradients computed."""
        self.tokens += int((self.samples >= 0).sum())

    def numbers(self, values: Tensor) -> Tensor:
        """Sample numbers of the batch, on the device of `values` (rows, tokens, features)."""
        if values.shape[:2] != self.samples.shape:
            have, want = tuple(values.shape[:2]), tuple(self.samples.shape)
            raise ModelError(
                f"The model computed {have} (rows, tokens) where the batch has {want}.", "Check what samples= returns."
            )
        return self.samples.to(values.device)

    def add(self, name: str, values: Tensor) -> None:
        self.totals[name] = self.totals.get(name, 0) + values

    def scores(self) -> dict[str, Tensor]:
        if not self.tokens:
            raise OptionError("There is nothing to score neurons on.", "Give at least one labelled question.")
        scores = {layer.name: self.totals[layer.name].float().cpu() for layer in self.layers}
        broken = [name for name, values in scores.items() if not values.isfinite().all()]
        if broken:
            raise ModelError(f"Neuron scores of {broken[0]} are not finite.", "Load the model in float32 or bfloat16.")
        return scores


class TaylorMeter(Meter):
    """Σ_samples |Σ_tokens h · ∂L/∂h|, from h at the input of `down_proj`."""

    def hook(self, model: nn.Module, layer: FeedForward) -> list[Any]:
        def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            hidden = inputs[0]
            _make_differentiable(hidden)
            kept = hidden.detach()  # the hook below must not hold the graph that holds the hook
            hidden.register_hook(lambda gradient: self.collect(layer.name, kept, gradient))

        return [model.get_submodule(layer.down).register_forward_pre_hook(watch)]

    def collect(self, name: str, hidden: Tensor, gradient: Tensor) -> None:
        numbers = self.numbers(hidden)
        products = hidden.float() * gradient.float()
        sums = products.new_zeros(self.count + 1, products.shape[-1])  # the last row takes what is left out
        sums.index_add_(0, numbers.flatten() % (self.count + 1), products.flatten(0, 1))
        self.add(name, sums[:-1].abs().sum(0))


class ActivationMeter(Meter):
    """Mean |h| over the tokens that belong to a sample."""

    needs_gradient = False

    def hook(self, model: nn.Module, layer: FeedForward) -> list[Any]:
        def watch(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            counted = inputs[0][self.numbers(inputs[0]) >= 0]
            self.add(layer.name, counted.float().abs().sum(0))

        return [model.get_submodule(layer.down).register_forward_pre_hook(watch)]

    def scores(self) -> dict[str, Tensor]:
        return {name: total / self.tokens for name, total in super().scores().items()}


class GradientMeter(Meter):
    """Σ_samples of the norm of a neuron's weight gradient, without ever building that gradient.

    The gradient of a weight row over a sample is Σ_t g_t x_t, with g the gradient at the neuron's output and x the
    layer's input. Its squared norm is Σ_tu g_t g_u (x_t · x_u): products of tokens with tokens are enough. The same
    holds for a column of `down_proj`, with h in the place of g and the gradient at its output in the place of x.
    """

    def __init__(self, layers: list[FeedForward]) -> None:
        super().__init__(layers)
        self.squares: dict[str, Tensor] = {}

    def hook(self, model: nn.Module, layer: FeedForward) -> list[Any]:
        def watch(is_column: bool) -> Callable[..., None]:
            def watched(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
                _make_differentiable(output)
                kept = inputs[0].detach()

                def collect(gradient: Tensor) -> None:
                    self.collect(layer.name, *((kept, gradient) if is_column else (gradient, kept)))

                output.register_hook(collect)

            return watched

        parts = ((layer.gate, False), (layer.up, False), (layer.down, True))
        return [model.get_submodule(name).register_forward_hook(watch(is_column)) for name, is_column in parts]

    def collect(self, name: str, of_neurons: Tensor, shared: Tensor) -> None:
        numbers = self.numbers(of_neurons)
        squares = of_neurons.new_zeros(self.count, of_neurons.shape[-1], dtype=torch.float32)
        for sample in range(self.count):
            mine = numbers == sample
            neurons, vectors = of_neurons[mine].float(), shared[mine].float()
            squares[sample] = ((vectors @ vectors.T @ neurons) * neurons).sum(0)
        self.squares[name] = self.squares.get(name, 0) + squares

    def finish(self) -> None:
        super().finish()
        for name, squares in self.squares.items():
            self.add(name, squares.clamp(min=0).sqrt().sum(0))
        self.squares = {}


def _make_differentiable(values: Tensor) -> None:
    """Start the graph here where nothing before asked for gradients: in the first layer of a frozen model."""
    if torch.is_grad_enabled() and not values.requires_grad:
        values.requires_grad_(True)
