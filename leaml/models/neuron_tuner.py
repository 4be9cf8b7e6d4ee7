"""The neuron adapter as a PEFT method: trainable rows of gate and up, columns of down, beside a frozen base.

Importing this module registers the method under `NEURON`; `PeftModel.from_pretrained` then knows it. With D the
trained difference and J the chosen neurons, a layer computes

    rows:     y = W x,  y_J += D x           D: (chosen, inputs)
    columns:  y = W x + D x_J                D: (outputs, chosen)

so gradient and optimiser hold the chosen rows and columns alone, and they equal those of dense training with
everything else masked. D starts at zero. PEFT 0.21 has no place to register an outside method, so its list of types
is extended by hand (pinned, tested).
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from peft.config import PeftConfig
from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners._buffer_dict import BufferDict
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_adapters_to_merge
from peft.utils import get_quantization_kwargs, register_peft_method, resolve_quantization_backend
from peft.utils.peft_types import PeftType
from torch import Tensor, nn

from leaml.errors import ModelError

if TYPE_CHECKING:
    from leaml.models.in_place import Block

METHOD = "NEURON"


def _extend_peft_types(name: str) -> PeftType:
    """Add a member to PEFT's enumeration of methods, which cannot be subclassed."""
    if name in PeftType.__members__:
        return PeftType[name]
    member = str.__new__(PeftType, name)
    member._name_ = name
    member._value_ = name
    member.__objclass__ = PeftType
    PeftType._member_map_[name] = member
    PeftType._value2member_map_[name] = member
    PeftType._member_names_.append(name)
    type.__setattr__(PeftType, name, member)
    return member


NEURON = _extend_peft_types(METHOD)


@dataclass
class NeuronConfig(PeftConfig):
    """What a neuron adapter needs to be built again: how many rows or columns of which layers, and their provenance.

    The indices themselves are saved with the weights.
    """

    rows: dict[str, int] = field(default_factory=dict)
    """For each gate and up layer, by its full name in the base model, how many of its rows are trained."""
    columns: dict[str, int] = field(default_factory=dict)
    """For each down layer, how many of its columns are trained."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """How the neurons were chosen: method, fraction, scope, seed, hashes of data and model."""
    target_modules: set[str] | None = None
    """Set from `rows` and `columns`; PEFT asks for it."""
    modules_to_save: list[str] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = NEURON
        self.target_modules = {*self.rows, *self.columns}


class NeuronLinear(nn.Module, BaseTunerLayer):
    """A frozen linear layer with trainable rows or columns beside it, one set for each adapter."""

    adapter_layer_names = ("neuron_delta",)
    other_param_names = ("neuron_index", "neuron_is_row")

    def __init__(self, base_layer: nn.Module, **quantization: Any) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.in_features, self.out_features = base_layer.in_features, base_layer.out_features
        self.neuron_delta = nn.ParameterDict()
        self.neuron_index = BufferDict(persistent=True)
        self.neuron_is_row: dict[str, bool] = {}
        self.quantization_backend = resolve_quantization_backend(base_layer, **quantization)
        self.merged_adapters: list[str] = []
        self._before_merge: list[Tensor] = []
        self.block: Block | None = None  # while an adapter is trained in the base weight
        self._disable_adapters = False

    def update_layer(self, adapter_name: str, count: int, is_row: bool) -> None:
        """Add `count` rows or columns for an adapter, all zero; indices are 0, 1, … until set or loaded."""
        size = self.out_features if is_row else self.in_features
        if not 0 < count <= size:
            raise ModelError(f"{count} neurons were asked of a layer that has {size}.", "Score this model's neurons.")
        shape = (count, self.in_features) if is_row else (self.out_features, count)
        self.neuron_is_row[adapter_name] = is_row
        self.neuron_index[adapter_name] = torch.arange(count, dtype=torch.int32)
        self.neuron_delta[adapter_name] = nn.Parameter(torch.zeros(shape))
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters)

    def set_index(self, adapter_name: str, index: Tensor) -> None:
        """Say which rows or columns an adapter trains: (count,) integers."""
        self.neuron_index[adapter_name].copy_(index)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """x: (…, inputs) to (…, outputs)."""
        if self.block is not None:
            if self.block.is_wanted():
                return self.block.forward(x)
            self.block.put_back()
        if self.disable_adapters and self.merged:
            self.unmerge()
        y = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters or self.merged:
            return y
        if self.quantization_backend is not None:
            y = y.clone()  # what bitsandbytes gives is a view, which autograd does not let change
        for adapter in self.active_adapters:
            if adapter in self.neuron_delta:
                y = self._add_difference(y, x, adapter)
        return y

    def _add_difference(self, y: Tensor, x: Tensor, adapter: str) -> Tensor:
        """y, a result of the base layer that nobody else holds, with an adapter's difference added to it."""
        delta, index = self.neuron_delta[adapter].to(x.dtype), self.neuron_index[adapter].long()
        if self.neuron_is_row[adapter]:  # PyTorch's fast way of adding wants 64-bit indices
            return y.index_add_(-1, index, F.linear(x, delta).to(y.dtype))
        return y.add_(F.linear(x.index_select(-1, index), delta).to(y.dtype))

    @torch.no_grad()
    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """Write adapters into the base weight, whose own values are kept for `unmerge`.

        Raises:
            ModelError: a merged weight is not finite, or the base is quantised and would be rounded a second time.
        """
        for adapter in check_adapters_to_merge(self, adapter_names):
            if adapter in self.neuron_delta:
                merged = self.merged_block(adapter)
                self._before_merge.append(self.original_block(adapter))
                self.write_block(adapter, merged)
                self.merged_adapters.append(adapter)

    @torch.no_grad()
    def merged_block(self, adapter: str) -> Tensor:
        """What merging would write into the base weight's rows or columns. Raises ModelError, see `merge`."""
        if self.quantization_backend is not None:
            raise ModelError(
                "Merging into a quantised model would round its weights again.",
                "Load the base model unquantised, add the adapter, and merge there.",
            )
        block = self.original_block(adapter)
        merged = (block.float() + self.neuron_delta[adapter].float()).to(block.dtype)
        if not torch.isfinite(merged).all():
            raise ModelError(
                f"Adapter {adapter} has weights that are not finite: its training went wrong.",
                "Train again with a lower learning rate.",
            )
        return merged

    @torch.no_grad()
    def unmerge(self) -> None:
        """Put the base weight back, bit for bit."""
        while self.merged_adapters:
            self.write_block(self.merged_adapters.pop(), self._before_merge.pop())

    def original_block(self, adapter: str) -> Tensor:
        """A copy of the base weight's rows or columns that belong to an adapter, shaped like its difference."""
        if self.block is not None:
            self.block.put_back()
        dimension = 0 if self.neuron_is_row[adapter] else 1
        return self.base_layer.weight.index_select(dimension, self.neuron_index[adapter])

    def write_block(self, adapter: str, block: Tensor) -> None:
        """Overwrites the base weight's rows or columns that belong to an adapter, bit for bit."""
        dimension = 0 if self.neuron_is_row[adapter] else 1
        self.base_layer.weight.index_copy_(dimension, self.neuron_index[adapter].long(), block)

    def __repr__(self) -> str:
        return f"neuron.{super().__repr__()}"


class NeuronModel(BaseTuner):
    """Puts a `NeuronLinear` in the place of every linear layer that the config names."""

    prefix = "neuron_"
    tuner_layer_cls = NeuronLinear
    target_module_mapping: ClassVar[dict[str, Any]] = {}  # PEFT's defaults by architecture: none here

    @staticmethod
    def _check_target_module_exists(peft_config: NeuronConfig, key: str) -> bool:
        return key in peft_config.rows or key in peft_config.columns

    def _check_merge_allowed(self) -> None:
        """Refuse before the first layer is written: a model is merged whole or not at all. Raises ModelError."""
        super()._check_merge_allowed()
        for layer in self.model.modules():
            if isinstance(layer, NeuronLinear):
                for adapter in layer.active_adapters:
                    if adapter in layer.neuron_delta and adapter not in layer.merged_adapters:
                        layer.merged_block(adapter)

    def _create_and_replace(
        self,
        peft_config: NeuronConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **_: Any,
    ) -> None:
        is_row = current_key in peft_config.rows
        count = (peft_config.rows if is_row else peft_config.columns)[current_key]
        if isinstance(target, NeuronLinear):
            target.update_layer(adapter_name, count, is_row)
            return
        layer = NeuronLinear(target, **get_quantization_kwargs(self))
        layer._active_adapter = adapter_name
        layer.update_layer(adapter_name, count, is_row)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)  # a further adapter does not train until it is made active
        self._replace_module(parent, target_name, layer, target)


if NEURON not in PEFT_TYPE_TO_TUNER_MAPPING:
    register_peft_method(name=METHOD.lower(), config_cls=NeuronConfig, model_cls=NeuronModel)
