"""Several texts behind one picture in one row, each as if it stood there alone: what each family needs for that.

    possible, reason = choose_packing(model)
    model.model(**arranged(model, inputs, prefix), use_cache=False)

A 4-D attention mask keeps the texts apart, and positions go on from what a text sees. Families differ in what they make
of a mask and of positions: rotary positions of three ways, layers that look back a few tokens only, pictures whose
tokens see each other both ways. Where texts cannot be kept apart, rows of one text are used, as anyone would.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from leaml.errors import ModelError
from leaml.models.structure import base_model

PACKED = {
    "gemma3", "idefics3", "internvl", "llava", "llava_next", "llava_onevision", "qwen2_5_vl", "qwen2_vl", "qwen3_vl",
    "smolvlm",
}  # fmt: skip
"""Families (`model_type`) whose packed gradients are those of separate samples: tests/models/test_families.py."""
ATTENTION = {"full_attention", "sliding_attention"}
"""Layers that see nothing but what a mask lets them see."""

PREFIX = 0
"""The segment number of what every text of a row sees: the picture and what the chat template puts around it."""
IGNORED = -1
"""The segment number of padding. The texts have 1, 2, …"""

Inputs = dict[str, Any]


def padded(rows: Sequence[Sequence[int]], filling: int) -> Tensor:
    """(rows, longest), filled up on the right."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[filling] * (longest - len(row))] for row in rows])


def may_see(asking: Tensor, seen: Tensor) -> Tensor:
    """(rows, asking, seen), whether a token belongs to what another one's text sees, by their segments (rows, tokens).

    What comes later is not left out.
    """
    return (seen[:, None, :] == PREFIX) | (asking[:, :, None] == seen[:, None, :])


def isolating_mask(segments: Tensor, blind: Tensor | None = None) -> Tensor:
    """Additive attention mask (rows, 1, tokens, tokens): 0 where a token may look, the lowest number elsewhere.

    Args:
        segments: (rows, tokens).
        blind: (rows, tokens), whether a token's text does not see the prefix.
    """
    sees = may_see(segments, segments)
    if blind is not None:
        sees &= ~(blind[:, :, None] & (segments[:, None, :] == PREFIX))
    causal = torch.ones(2 * segments.shape[1:], dtype=torch.bool, device=segments.device).tril()
    return _additive(sees & causal, torch.float32)


def choose_packing(model: nn.Module) -> tuple[bool, str]:
    """Whether several questions on a picture may share a row, and why."""
    config = base_model(model).config
    if config.model_type not in PACKED:
        return False, f"one question per row: {config.model_type} has not been tried with several"
    if others := set(_layer_types(config)) - ATTENTION:
        return False, f"one question per row: layers of this model ({', '.join(sorted(others))}) heed no mask"
    return True, "several questions per row: each sees the picture and itself alone"


def arranged(model: nn.Module, inputs: Inputs, prefix: Tensor) -> Inputs:
    """What the model's inner `forward` wants of rows of texts.

    Args:
        inputs: `input_ids` (rows, tokens), what belongs to the pictures, and the tokens' types where a family has them.
            Packed rows have `position_ids` (rows, tokens), counted in tokens, and an additive `attention_mask` (rows,
            1, tokens, tokens); rows of one text have a plain mask (rows, tokens), and stay as they are.
        prefix: (rows, tokens), whether a token belongs to what stands before all texts of its row.

    Raises:
        ModelError: the rows are packed, and the model would mix their texts.
    """
    if inputs["attention_mask"].dim() == 2:
        return inputs
    core = base_model(model)
    possible, reason = choose_packing(core)
    if not possible:
        raise ModelError(f"{type(core).__name__} cannot be given several questions in a row ({reason}).",
                         "Give the framing of this model: leaml.models.features.kept(model, framing).")  # fmt: skip
    inputs = dict(inputs)
    sees = inputs["attention_mask"][:, 0] == 0
    positions = inputs["position_ids"]
    if "mm_token_type_ids" in inputs and hasattr(core.model, "get_rope_index"):
        inputs["position_ids"] = _three_way(core, inputs, prefix, sees[:, :, 0])
    inputs.pop("mm_token_type_ids", None)
    if "token_type_ids" in inputs:
        sees = sees | _same_picture(inputs.pop("token_type_ids") == 1)
    inputs["attention_mask"] = attention_masks(core, sees, positions, positions)
    return inputs


def _three_way(core: nn.Module, inputs: Inputs, prefix: Tensor, looks: Tensor) -> Tensor:
    """(3, rows, tokens) time, height and width: a picture takes fewer positions than tokens, and texts go on there.

    looks: (rows, tokens), whether a token sees the prefix.
    """
    where, shift = core.model.get_rope_index(
        inputs["input_ids"],
        inputs["mm_token_type_ids"],
        image_grid_thw=inputs.get("image_grid_thw"),
        attention_mask=prefix.long(),
    )
    return torch.where(prefix, where, inputs["position_ids"] + shift * looks)


def _same_picture(of_picture: Tensor) -> Tensor:
    """(rows, tokens, tokens), whether two tokens belong to one picture: (rows, tokens) says which belong to any."""
    begins = of_picture & ~of_picture.roll(1, dims=1)
    number = begins.cumsum(1) * of_picture
    return (number[:, :, None] == number[:, None, :]) & of_picture[:, :, None]


def attention_masks(core: nn.Module, sees: Tensor, asking: Tensor, seen: Tensor) -> Tensor | dict[str, Tensor]:
    """One additive mask (rows, 1, asking, seen), or one for each kind of layer.

    Args:
        sees: (rows, asking, seen), whether a token may look at another.
        asking, seen: (rows, tokens), their positions, counted in tokens.
    """
    text = core.config.get_text_config()
    kinds, window = set(_layer_types(core.config)), getattr(text, "sliding_window", None)
    everything = _additive(sees, core.dtype)
    if not window or kinds == {"full_attention"}:
        return everything
    near = _additive(sees & (asking[:, :, None] - seen[:, None, :] < window), core.dtype)
    return {"full_attention": everything, "sliding_attention": near} if kinds else near


def _layer_types(config: Any) -> list[str]:
    """Of the language model; empty where all of its layers are of one kind."""
    return getattr(config.get_text_config(), "layer_types", None) or []


def _additive(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """(rows, 1, tokens, tokens): 0 where a token may look, the lowest number elsewhere."""
    return torch.zeros(sees.shape, dtype=dtype, device=sees.device).masked_fill(~sees, torch.finfo(dtype).min)[:, None]
