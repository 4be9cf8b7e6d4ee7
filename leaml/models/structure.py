"""Where language model, linear layers and feed-forward neurons stand in a model: found by structure, never by path."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from leaml.errors import ModelError

PARTS = (("gate_proj", "up_proj", "down_proj"), ("w1", "w3", "w2"))
"""Names of the three linear layers of a gated feed-forward network: gate, up, down. The second are those of LFM2."""


@dataclass(frozen=True, slots=True)
class FeedForward:
    """One gated feed-forward network, by the names of its modules in the base model."""

    name: str
    gate: str
    up: str
    down: str
    size: int
    """How many neurons it has: outputs of gate and up, inputs of down."""
    layer: int
    """Its place among the model's feed-forward networks, from 0."""


def base_model(model: nn.Module) -> PreTrainedModel:
    """The transformers model itself, without the wrapper that PEFT puts around it."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if not isinstance(inner, PreTrainedModel):
        raise ModelError(f"A {type(inner).__name__} is not a transformers model.", "Load it with leaml.models.load.")
    return inner


def language_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Names and modules of the language model, from the base model's root; nothing of a picture or sound tower.

    The language model is what the model itself gives as its decoder, less every encoder that may live inside of it.
    """
    model = base_model(model)
    decoder = model.get_decoder()
    inside = {id(module) for module in decoder.modules()}
    for modality in ("image", "audio"):
        tower = model.get_encoder(modality)
        members = {id(module) for module in tower.modules()}
        if id(decoder) not in members:  # without such a tower, transformers returns the model itself
            inside -= members
    for name, module in model.named_modules():
        if id(module) in inside:
            yield name, module


def language_linears(model: nn.Module) -> list[str]:
    """Names of the linear layers of attention and feed-forward in the language model, in order; not the output head."""
    names: list[str] = []
    for name, module in language_modules(model):
        wrapped_by_an_adapter = bool(names) and name.startswith(f"{names[-1]}.")
        if _is_linear(module) and not wrapped_by_an_adapter:
            names.append(name)
    return names


def feed_forwards(model: nn.Module) -> list[FeedForward]:
    """The gated feed-forward networks of the language model, found by their three linear layers.

    Raises:
        ModelError: there are none, or gate and up are fused, or the neurons sit in the weights of experts.
    """
    model = base_model(model)
    found: list[FeedForward] = []
    for name, module in language_modules(model):
        if kind := _unselectable(module):
            raise ModelError(
                f"{type(model).__name__} keeps its feed-forward neurons in {kind} ({name}), which cannot be selected.",
                "Use LoRA, or a model of the Llama, Qwen or Gemma kind.",
            )
        names = _gated_triple(module)
        if names is not None:
            size = getattr(module, names[2]).in_features
            found.append(FeedForward(name, *(f"{name}.{part}" for part in names), size=size, layer=len(found)))
    if not found:
        raise ModelError(
            f"{type(model).__name__} has no gated feed-forward network ({', '.join(PARTS[0])} or the like) outside its "
            "vision tower.",
            "Use LoRA, or a model of the Llama, Qwen or Gemma kind.",
        )
    return found


def _unselectable(module: nn.Module) -> str:
    """What a module keeps its neurons in, where that is no layer of its own for each of gate, up and down."""
    if any(isinstance(getattr(module, part, None), Tensor) for part in ("gate_up_proj", "down_proj")):
        return "the weights of experts"
    return "one matrix for gate and up" if isinstance(getattr(module, "gate_up_proj", None), nn.Module) else ""


def _gated_triple(module: nn.Module) -> tuple[str, str, str] | None:
    """What a module calls its gate, up and down, where it is a gated feed-forward network."""
    for names in PARTS:
        gate, up, down = parts = [getattr(module, name, None) for name in names]
        if all(map(_is_linear, parts)) and gate.out_features == up.out_features == down.in_features:
            return names
    return None


def _is_linear(module: Any) -> bool:
    """Dense, quantised, or wrapped by an adapter: anything with inputs, outputs and a matrix."""
    is_sized = isinstance(getattr(module, "in_features", None), int) and hasattr(module, "out_features")
    return isinstance(module, nn.Module) and is_sized and hasattr(module, "weight")
