"""The ways of training that `benchmarks.neurons` measures, all on the same stack of gated feed-forward networks.

    with ExitStack() as contexts:
        training = begin("in place", Size(), x, contexts)
        training.step(x)

About 5 % of the neurons are chosen; LoRA and SHiRA get the rank at which they train exactly as many weights.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass

import torch
from peft import LoraConfig, ShiraConfig, get_peft_model
from torch import Tensor, nn
from transformers import LlamaConfig, PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaMLP, LlamaRMSNorm

from leaml.models.adapters import add_neuron_adapter
from leaml.models.in_place import in_place
from leaml.models.neurons import Selection, select
from leaml.models.structure import feed_forwards

FRACTION = 0.05
FROZEN, IN_PLACE, SIDE_PATH = "frozen", "in place", "side path"
LORA, SHIRA, DENSE = "LoRA of equal size", "SHiRA of equal size", "dense, masked"


@dataclass(frozen=True, slots=True)
class Size:
    """What is trained, and how much of it."""

    width: int = 1024
    layers: int = 2
    tokens: int = 512

    @property
    def neurons(self) -> int:
        return 3 * self.width

    @property
    def rank(self) -> int:
        """Of a LoRA with as many weights as the chosen neurons: rank × (width + neurons) = chosen × width."""
        return max(1, round(FRACTION * self.neurons / 4))

    @property
    def chosen(self) -> int:
        """Neurons in each layer."""
        return 4 * self.rank

    def words(self) -> str:
        share = self.chosen / self.neurons
        return f"width {self.width}, {self.layers} × {self.neurons} neurons, {share:.1%} chosen, {self.tokens} tokens"


class Stack(PreTrainedModel):
    """Gated feed-forward networks of Llama with norm and residual. x: (batch, tokens, width) to the same."""

    config_class = LlamaConfig

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        layers = range(config.num_hidden_layers)
        self.networks = nn.ModuleList(LlamaMLP(config) for _ in layers)
        self.norms = nn.ModuleList(LlamaRMSNorm(config.hidden_size) for _ in layers)
        self.post_init()

    def get_decoder(self) -> nn.Module:
        return self

    def forward(self, x: Tensor) -> Tensor:
        for norm, network in zip(self.norms, self.networks, strict=True):
            x = x + network(norm(x))
        return x


@dataclass(frozen=True, slots=True)
class Way:
    """One way of training, ready for its first step."""

    model: nn.Module
    context: Callable[[nn.Module], AbstractContextManager] = lambda model: nullcontext()
    """What is open while it trains."""
    mask: Callable[[], None] = lambda: None
    """What is done to gradients before the optimiser sees them."""


def stack(size: Size, dtype: torch.dtype, device: torch.device) -> Stack:
    """A model with the same weights for every way."""
    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=size.width, intermediate_size=size.neurons, num_hidden_layers=size.layers)
    return Stack(config).to(device, dtype).requires_grad_(False)


def selection(model: nn.Module, size: Size) -> Selection:
    """The same share of random neurons in each layer."""
    generator = torch.Generator().manual_seed(1)
    scores = {layer.name: torch.rand(layer.size, generator=generator) for layer in feed_forwards(model)}
    sizes = {name: len(values) for name, values in scores.items()}
    return Selection(select(scores, size.chosen / size.neurons, "layer"), sizes)


def dense(model: Stack, size: Size) -> Way:
    """All feed-forward weights get gradients and optimiser state; a mask leaves those of the chosen neurons."""
    masks: list[tuple[nn.Parameter, Tensor]] = []
    chosen = selection(model, size).neurons
    for layer in feed_forwards(model):
        row = torch.zeros(layer.size, 1, dtype=model.dtype, device=model.device)
        row[chosen[layer.name]] = 1
        parts = ((layer.gate, row), (layer.up, row), (layer.down, row.T))
        masks += [(model.get_submodule(name).weight.requires_grad_(True), mask) for name, mask in parts]

    def mask() -> None:
        for weight, kept in masks:
            weight.grad.mul_(kept)

    return Way(model, mask=mask)


def side_path(model: Stack, size: Size) -> Way:
    return Way(add_neuron_adapter(model, selection(model, size)))


def within(model: Stack, size: Size) -> Way:
    return Way(add_neuron_adapter(model, selection(model, size)), context=in_place)


def lora(model: Stack, size: Size) -> Way:
    return Way(get_peft_model(model, LoraConfig(r=size.rank, lora_alpha=size.rank, target_modules=_linears(model))))


def shira(model: Stack, size: Size) -> Way:
    return Way(get_peft_model(model, ShiraConfig(r=size.rank, target_modules=_linears(model))))


def _linears(model: Stack) -> list[str]:
    return [name for layer in feed_forwards(model) for name in (layer.gate, layer.up, layer.down)]


WAYS: dict[str, Callable[[Stack, Size], Way]] = {
    FROZEN: lambda model, size: Way(model),
    IN_PLACE: within,
    SIDE_PATH: side_path,
    LORA: lora,
    SHIRA: shira,
    DENSE: dense,
}


class Training:
    """One way with its optimiser, which trains step by step while the context is open."""

    def __init__(self, way: Way, open_contexts: ExitStack) -> None:
        self.way = way
        trained = [parameter for parameter in way.model.parameters() if parameter.requires_grad]
        options = {"lr": 1e-4, "weight_decay": 0.0, "fused": True}
        self.optimiser = torch.optim.AdamW(trained, **options) if trained else None
        open_contexts.enter_context(way.context(way.model))

    def step(self, x: Tensor) -> None:
        self.way.model(x.detach().requires_grad_(True)).float().square().mean().backward()
        self.way.mask()
        if self.optimiser is not None:
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)


def begin(name: str, size: Size, x: Tensor, contexts: ExitStack) -> Training:
    """A way on a model of its own, in the precision and on the device of `x`."""
    return Training(WAYS[name](stack(size, x.dtype, x.device), size), contexts)
