"""Base models in 4 or 8 bits: chosen with a reason, known by their full weights, and going on to pass gradients.

    weights, reason = choose_weights("auto", device, bytes_in_full)
    keep_differentiable(model)          # before it answers, is scored or trained

The language model's linear layers alone are held in fewer bits (bitsandbytes: NF4, or LLM.int8); the vision tower, the
embeddings and the output head stay as they are.

On processors with bfloat16 instructions bitsandbytes packs a 4-bit weight anew the first time that a layer answers
without a gradient. The packed layer is fast, but nothing before it learns any more: no gradient passes through it.
Its own way back (0.50) mixes up the scales, so a model that was packed must be loaded again.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig, PreTrainedModel
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightRenaming, rename_source_key

from leaml.errors import ModelError
from leaml.models.families import FITS, GIB
from leaml.models.structure import language_linears

STORED = "full_precision"
"""Attribute of a quantised model: shape and samples of the weights that it was made of, by parameter."""


def choose_weights(asked: str, device: torch.device, size: int, config: Any = None) -> tuple[str, str]:
    """`full`, `8bit`, `4bit`, or `stored` in fewer bits, and why.

    Args:
        asked: one of the first three, or `auto`.
        size: bytes of the weights in full; 0 where that is not known.
        config: the model's, which says whether it is stored in fewer bits already.
    """
    if asked != "full" and getattr(config, "quantization_config", None):
        return "stored", "weights in fewer bits: as they are stored"
    if asked != "auto":
        return asked, f"weights in {asked.replace('bit', ' bits')}: as asked for"
    if device.type != "cuda":
        return "full", "weights in full: fewer bits save memory on a GPU alone"
    free = torch.cuda.mem_get_info(device)[0]
    if size <= FITS * free:
        return "full", f"weights in full: {size / GIB:.1f} GB of {free / GIB:.1f} GB that are free"
    return "4bit", f"weights in 4 bits: in full they are {size / GIB:.1f} GB, and {free / GIB:.1f} GB are free"


def quantisation(weights: str, config: Any, dtype: torch.dtype) -> BitsAndBytesConfig | None:
    """What transformers is told about weights in `8bit` or `4bit`; None where they are read as they are.

    Raises:
        ModelError: the model is stored in fewer bits already.
    """
    if weights == "full" and getattr(config, "quantization_config", None):
        raise ModelError(
            "This model is stored in fewer bits already, and cannot be loaded in full.", "Choose its full weights."
        )
    if weights in ("full", "stored"):
        return None
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)  # else one line for each layer
    return BitsAndBytesConfig(
        load_in_8bit=weights == "8bit",
        load_in_4bit=weights == "4bit",
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=_kept_in_full(config),
    )


def _kept_in_full(config: Any) -> list[str]:
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    language = set(language_linears(model))
    linears = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return [re.escape(name) for name in linears if name not in language]


def is_quantised(model: nn.Module) -> bool:
    """Whether any weight is held in fewer bits."""
    return any(_holds_bits(parameter) for parameter in model.parameters())


def _holds_bits(parameter: Tensor) -> bool:
    return not parameter.dtype.is_floating_point


def keep_differentiable(model: nn.Module) -> None:
    """Has no 4-bit layer of `model` packed from now on. Raises ModelError where one was packed already."""
    for module in model.modules():
        if not hasattr(module, "support_avx512bf16_for_cpu"):
            continue
        if getattr(module.weight.quant_state, "packing_format_for_cpu", False):
            raise ModelError(
                "This 4-bit model has answered on the CPU, and bitsandbytes packed its weights: it cannot learn now.",
                "Load it again, and train it before it answers.",
            )
        module.support_avx512bf16_for_cpu = False


# ---- what it was made of -----------------------------------------------------------------------------------------


def remember_full_weights(model: PreTrainedModel, folder: Path) -> None:
    """Keeps with a quantised model what tells its full weights, in `folder`, from others."""
    held = {name for name, parameter in model.named_parameters() if _holds_bits(parameter)}
    setattr(model, STORED, {name: about for name, about in _stored(model, folder) if name in held})


def samples(model: nn.Module) -> Iterator[tuple[str, tuple[int, ...], Tensor]]:
    """Of every parameter, sorted by name, its shape and at most 1,024 evenly spaced values in bfloat16, on the CPU.

    Of a weight in fewer bits they are those that it was made of.
    """
    stored = getattr(model, STORED, {})
    for name, parameter in sorted(model.named_parameters()):
        shape, sample = stored.get(name) or (tuple(parameter.shape), _sample(parameter.detach()))
        yield name, shape, sample


def _sample(weight: Tensor) -> Tensor:
    values = weight.flatten()
    return values[:: max(1, values.numel() // 1024)][:1024].to(torch.bfloat16).cpu()


def _stored(model: PreTrainedModel, folder: Path) -> Iterator[tuple[str, tuple[tuple[int, ...], Tensor]]]:
    """By parameter, what the files in `folder` hold; files may call it otherwise, as transformers knows."""
    renamings = [one for one in get_model_conversion_mapping(model) if isinstance(one, WeightRenaming)]
    known = dict(model.named_parameters())
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            keys = tensors.keys()
            for key in keys:
                name, _ = rename_source_key(key, renamings, [], model.base_model_prefix, known)
                if name in known:
                    weight = tensors.get_tensor(key)
                    yield name, (tuple(weight.shape), _sample(weight))
