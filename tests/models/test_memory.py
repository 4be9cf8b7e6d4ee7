"""Bytes are counted while tensors live, also of ghosts, which hold none; weights in fewer bits with their scales."""

import pytest
import torch

from leaml.models.memory import LiveBytes, Needed, PeakWatch, free_memory, held_now, largest
from leaml.models.weightless import ghost, packed_bytes, weightless
from tests import tiny_models

CPU = torch.device("cpu")
KIB = 1024


def test_bytes_count_once_and_until_they_are_gone():
    known = torch.zeros(KIB, dtype=torch.uint8)
    with LiveBytes([known, known.view(2, -1)]) as live:
        assert live.now == KIB
        twice = known.repeat(2)
        view = twice[:10]
        assert live.now == live.peak == 3 * KIB
        del twice
        assert live.now == 3 * KIB, "a view keeps all of it"
        del view
        known.add_(1)
        assert live.now == KIB and live.peak == 3 * KIB


def test_the_most_of_several_contexts_is_told():
    watch = PeakWatch([], CPU)
    for size in (3, 1):
        with watch:
            torch.ones(size * KIB, dtype=torch.uint8)
    torch.ones(9 * KIB, dtype=torch.uint8)
    assert watch.peak == 3 * KIB


def test_a_ghost_computes_without_numbers_as_large_as_the_real_one():
    real, _ = tiny_models.idefics3()
    model = ghost(weightless(real.config, "full", torch.float32))
    assert {n: p.shape for n, p in model.named_parameters()} == {n: p.shape for n, p in real.named_parameters()}
    batch = tiny_models.text_only()
    logits = model(**batch).logits
    assert logits.shape == real(**batch).logits.shape and logits.device == CPU
    with pytest.raises(RuntimeError):
        logits.sum().item()


@pytest.mark.parametrize(("bits", "expected"), [(4, 64 * 128 // 2 + 128 + 4), (8, 64 * 128 + 4 * 64)])
def test_weights_in_fewer_bits_take_their_scales_too(bits, expected):
    assert packed_bytes(torch.Size((64, 128)), bits) == expected


def test_only_the_language_model_is_held_in_fewer_bits():
    real, _ = tiny_models.idefics3()
    named = weightless(real.config, "4bit", torch.float32).named_parameters()
    held = {name for name, parameter in named if parameter.dtype == torch.uint8}
    assert held and all("text_model" in name and "proj" in name for name in held)


def test_the_largest_need_decides_and_parts_are_named_largest_first():
    small, large = Needed(weights=5, activations=1), Needed(weights=5, image_tokens=9)
    assert largest([small, large]) is large and list(large.parts()) == ["image_tokens", "weights"]


def test_free_memory_and_what_this_process_holds_are_asked_of_the_system():
    free, whole = free_memory(CPU)
    assert 0 < free <= whole and 0 < held_now(CPU) < whole
