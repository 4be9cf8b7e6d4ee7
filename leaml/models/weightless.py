"""Models without weights: all shapes of the real one, none of its bytes, so that work can be tried before it is done.

    model = weightless(config, "4bit", torch.bfloat16)      # on PyTorch's `meta` device, in moments at any size
    model = ghost(add_lora(model, 16, 16))                  # takes part in every computation as if it stood on the CPU

A ghost's tensors know size, precision and device, and hold no numbers. What runs on them makes and drops the same
tensors as the real model does, which `leaml.models.memory.LiveBytes` counts.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from transformers import AutoModelForImageTextToText

from leaml.models.structure import language_linears

BITS = {"4bit": 4, "8bit": 8}
BLOCK, BLOCKS = 64, 256
"""Weights that share a scale in NF4, and scales that share one of their own."""


def weightless(config: Any, weights: str, dtype: torch.dtype) -> nn.Module:
    """The model of a config on the `meta` device, its language model's linear layers in `full`, `8bit` or `4bit`."""
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config, dtype=dtype).eval()
        if weights in BITS:
            for name in language_linears(model):
                parent, _, last = name.rpartition(".")
                setattr(model.get_submodule(parent), last, LinearInFewerBits(model.get_submodule(name), BITS[weights]))
    return model


def ghost(model: nn.Module) -> nn.Module:
    """The same model of the `meta` device with every tensor a ghost that claims to stand on the CPU."""
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    known: dict[int, Any] = {}  # tied weights stay tied
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                fake = known.setdefault(id(parameter), _fake(parameter, mode))
                module._parameters[name] = known[id(parameter)] = _as_parameter(fake, parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = known.setdefault(id(buffer), _fake(buffer, mode))
    return model


def _fake(tensor: Tensor, mode: FakeTensorMode) -> FakeTensor:
    return FakeTensor(mode, tensor.detach().to("meta"), torch.device("cpu"))


def _as_parameter(tensor: Tensor, learns: bool) -> nn.Parameter:
    return tensor if isinstance(tensor, nn.Parameter) else nn.Parameter(tensor, requires_grad=learns)


class LinearInFewerBits(nn.Linear):
    """Stands for a layer of bitsandbytes: its weight takes as many bytes, and is unpacked for every product."""

    def __init__(self, full: nn.Linear, bits: int) -> None:
        super().__init__(full.in_features, full.out_features, bias=False, dtype=full.weight.dtype)
        self.bias, self.bits, self.dtype = full.bias, bits, full.weight.dtype
        self.weight = nn.Parameter(torch.empty(packed_bytes(full.weight.shape, bits), dtype=torch.uint8), False)

    def forward(self, x: Tensor) -> Tensor:
        """x: (…, inputs) to (…, outputs)."""
        return _Unpacked.apply(x.to(self.dtype), self.weight, self.bias, self.out_features)


def packed_bytes(shape: torch.Size, bits: int) -> int:
    """Of a weight (outputs, inputs): NF4 with its scales in 8 bits, or LLM.int8 with one scale per output."""
    numbers = shape.numel()
    if bits == 8:
        return numbers + 4 * shape[0]
    scales = -(-numbers // BLOCK)
    return numbers // 2 + scales + 4 * -(-scales // BLOCKS)


class _Unpacked(torch.autograd.Function):
    """Both ways unpack the weight anew, as bitsandbytes does; nothing of the input is kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, packed: Tensor, bias: Tensor | None, outputs: int) -> Tensor:
        ctx.save_for_backward(packed)
        ctx.shape = outputs, x.shape[-1]
        return F.linear(x, x.new_empty(ctx.shape), bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return gradient @ gradient.new_empty(ctx.shape), None, None, None
