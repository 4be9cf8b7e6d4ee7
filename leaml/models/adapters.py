"""Adapters on a model: the neuron adapter, LoRA, and the exact export of the first as the second.

    adapted = add_neuron_adapter(model, selection)   # a PeftModel; the adapter alone trains
    adapted.save_pretrained(folder)                  # PEFT's own format, comes back with PeftModel.from_pretrained
    export_lora(adapted, "default", folder)          # a plain LoRA: needs no leaml to load

Importing this module makes PEFT know the neuron adapter.
"""

from pathlib import Path

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from leaml.errors import ModelError, OptionError, StorageError
from leaml.models.neuron_tuner import NeuronConfig, NeuronLinear
from leaml.models.neurons import Selection
from leaml.models.quantised import is_quantised, keep_differentiable
from leaml.models.structure import base_model, feed_forwards, language_linears


def add_neuron_adapter(model: nn.Module, selection: Selection, name: str = "default") -> PeftModel:
    """Make the selected neurons trainable: rows of gate and up, columns of down. Everything else is frozen.

    The new adapter changes nothing until it is trained. It becomes the active one.

    Args:
        model: a transformers model, or a `PeftModel` that has neuron adapters already; it is changed in place.
        selection: which neurons.
        name: of the adapter.

    Raises:
        ModelError: the selection does not fit the model, or the model has adapters of another kind. OptionError: the
            name is taken.
    """
    layers = {layer.name: layer for layer in feed_forwards(model)}
    rows: dict[str, Tensor] = {}
    columns: dict[str, Tensor] = {}
    for network, chosen in selection.neurons.items():
        layer = layers.get(network)
        if layer is None or layer.size != selection.sizes[network]:
            raise ModelError(
                f"The selection was made for another model: {network} with {selection.sizes[network]} neurons.",
                "Score this model's neurons.",
            )
        if len(chosen):
            rows[layer.gate] = rows[layer.up] = columns[layer.down] = chosen
    config = NeuronConfig(
        rows={module: len(chosen) for module, chosen in rows.items()},
        columns={module: len(chosen) for module, chosen in columns.items()},
        provenance=selection.provenance(),
    )
    adapted = _add(model, config, name)
    for module, chosen in (rows | columns).items():
        base_model(adapted).get_submodule(module).set_index(name, chosen)
    return adapted


def add_lora(model: nn.Module, rank: int, alpha: float, name: str = "default") -> PeftModel:
    """Add a LoRA to all linear layers of attention and feed-forward in the language model. Everything else is frozen.

    Args:
        model: a transformers model, or a `PeftModel` that has LoRAs already; it is changed in place.
        rank: of the two factors.
        alpha: the update is scaled by `alpha / rank`.
        name: of the adapter, which becomes the active one.

    Raises:
        OptionError: the rank is below 1, or the name is taken. ModelError: the model has adapters of another kind.
    """
    if rank < 1:
        raise OptionError(f"A LoRA of rank {rank} cannot be trained.", "Give a rank of 1 or more.")
    return _add(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=language_linears(model)), name)


def load_lora(model: nn.Module, folder: Path, name: str = "default") -> PeftModel:
    """Put a LoRA that was saved on its base model again, to learn on. It becomes the active adapter.

    Raises:
        ModelError: its files are gone or damaged, or it is none of this model's.
    """
    keep_differentiable(model)
    try:
        return PeftModel.from_pretrained(model, str(folder), adapter_name=name, is_trainable=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"The LoRA in {folder.name} cannot be loaded: {line}", "Begin with the base model.") from error


def export_lora(model: PeftModel, adapter: str, folder: Path) -> None:
    """Write a neuron adapter as a plain LoRA with the same outputs, which loads without leaml.

    Rows J with difference D become B = one-hot(J), A = D; columns become A = one-hot(J), B = D; with alpha = rank in
    every layer. One factor is mostly zeros: the file is larger than the adapter's own.

    Raises:
        ModelError: there is no neuron adapter of this name. StorageError: the folder cannot be written.
    """
    config = model.peft_config.get(adapter)
    if not isinstance(config, NeuronConfig):
        have = ", ".join(name for name, other in model.peft_config.items() if isinstance(other, NeuronConfig)) or "none"
        raise ModelError(f"{adapter} is not a neuron adapter of this model.", f"Neuron adapters it has: {have}.")
    weights: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    for name, layer in base_model(model).named_modules():
        if isinstance(layer, NeuronLinear) and adapter in layer.neuron_delta:
            a, b = _lora_factors(layer, adapter)
            weights[f"base_model.model.{name}.lora_A.weight"] = a
            weights[f"base_model.model.{name}.lora_B.weight"] = b
            ranks[name] = len(a)
    lora = LoraConfig(
        r=1,
        lora_alpha=1,
        target_modules=sorted(ranks),
        rank_pattern=ranks,
        alpha_pattern=dict(ranks),
        inference_mode=True,
        base_model_name_or_path=config.base_model_name_or_path,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        lora.save_pretrained(str(folder))
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}.", "Check the folder and the free space.") from error


def merge(model: nn.Module) -> nn.Module:
    """The model itself, with its active adapter written into its weights for good, whichever kind it is of.

    Raises:
        ModelError: the weights are held in fewer bits, and what the adapter adds would be rounded away.
    """
    if is_quantised(base_model(model)):
        raise ModelError(
            "Merging into a quantised model would round its weights again.",
            "Load the base model in full, add the adapter, and merge there.",
        )
    return model.merge_and_unload(safe_merge=True) if isinstance(model, PeftModel) else model


def trainable_parameters(model: nn.Module) -> int:
    """How many numbers would be trained now."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _add(model: nn.Module, config: PeftConfig, name: str) -> PeftModel:
    """Put an adapter on a model and make it the active one."""
    if not name or "." in name:
        raise OptionError(f"{name!r} cannot name an adapter.", "Give a name without a full stop.")
    keep_differentiable(model)
    if not isinstance(model, PeftModel):
        return get_peft_model(model, config, adapter_name=name)
    if name in model.peft_config:
        raise OptionError(f"The model has an adapter {name} already.", "Choose another name, or delete that adapter.")
    if model.peft_type != config.peft_type:
        raise ModelError(
            f"A {config.peft_type.value} adapter cannot be added beside a {model.peft_type.value} adapter.",
            "Merge the first one into the model, or load the model anew.",
        )
    model.add_adapter(name, config)
    model.set_adapter(name)
    return model


def _lora_factors(layer: NeuronLinear, adapter: str) -> tuple[Tensor, Tensor]:
    """A (rank, inputs) and B (outputs, rank) whose product is the adapter's difference, in float32 on the CPU."""
    delta = layer.neuron_delta[adapter].detach().float().cpu().contiguous()
    index = layer.neuron_index[adapter].long().cpu()
    size = layer.out_features if layer.neuron_is_row[adapter] else layer.in_features
    one_hot = torch.zeros(len(index), size)
    one_hot[torch.arange(len(index)), index] = 1
    return (delta, one_hot.T.contiguous()) if layer.neuron_is_row[adapter] else (one_hot, delta)
