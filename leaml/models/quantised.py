"""4-bit base models that go on passing gradients.

    keep_differentiable(model)          # before it answers, is scored or trained

On processors with bfloat16 instructions bitsandbytes packs a 4-bit weight anew the first time that a layer answers
without a gradient. The packed layer is fast, but nothing before it learns any more: no gradient passes through it.
Its own way back (0.50) mixes up the scales, so a model that was packed must be loaded again.
"""

from torch import nn

from leaml.errors import ModelError


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
