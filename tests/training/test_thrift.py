"""Where memory runs short a step is computed in parts: same gradients, a sentence, and advice where nothing helps."""

from contextlib import nullcontext

import pytest
import torch

from leaml.errors import TrainingError
from leaml.models.framing import Framing
from leaml.options import AdaptOptions, DistilOptions
from leaml.records import Caption, Progress, Question
from leaml.training import adapt, distill, loop, stage, thrift
from leaml.training.batches import answer_loss, mixed_loss
from leaml.training.stage import StepBatches
from leaml.training.thrift import Thrift, is_out_of_memory
from tests import tiny_models

ASKED = ("Is there a polyp?", "Where is it?", "What colour?")


@pytest.fixture
def labels(tmp_path) -> list[Question]:
    """Three pictures with one, two and three questions, with answers of different lengths."""
    pictures = tiny_models.noise(tmp_path / "images", 3)
    numbered = enumerate(pictures, start=1)
    return [Question(p, asked, "yes " * (k + n), "open") for n, p in numbered for k, asked in enumerate(ASKED[:n])]


@pytest.fixture
def model():
    found, processor = tiny_models.idefics3()
    return found.requires_grad_(True), Framing(processor)


def gradients(model) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def short_of_memory(loss, most_turns: int):
    """A loss that finds no memory for batches of more turns."""

    def tried(model, batch):
        if int(batch.turns.max()) + 1 > most_turns:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss(model, batch)

    return tried


def computed(model, batches, loss) -> tuple[torch.Tensor, float, dict[str, float], Thrift]:
    model.zero_grad(set_to_none=True)
    steps = Thrift(model, batches, loss, nullcontext())
    value, figures = steps.gradients(0, batches(0))
    return gradients(model), value, figures, steps


@pytest.mark.parametrize("most", [4, 2, 1])
def test_parts_have_the_gradients_of_the_whole(labels, model, most):
    model, framing = model
    batches = StepBatches(framing, adapt.Examples(labels, [], AdaptOptions(pictures_per_step=4, seed=3)))
    whole, value, figures, unparted = computed(model, batches, answer_loss)
    assert (unparted.parts, unparted.message) == (1, "")
    parted, its_value, its_figures, steps = computed(model, batches, short_of_memory(answer_loss, most))
    assert torch.allclose(parted, whole, rtol=1e-4, atol=1e-6 * whole.abs().max())
    assert its_value == pytest.approx(value, rel=1e-5) and its_figures == pytest.approx(figures, rel=1e-5)
    turns = int(batches(0).turns.max()) + 1
    assert turns / most <= steps.parts <= turns and f"in {steps.parts} parts" in steps.message


def test_kinds_of_turns_keep_their_share_though_a_part_has_one_of_them_alone(labels, model):
    model, framing = model
    captions = [Caption(label.image, "A colon with a polyp.") for label in labels[-2:]]
    options = DistilOptions(pictures_per_step=4, caption_weight=0.5)
    batches = StepBatches(framing, distill.Examples(labels, captions, options))
    loss = mixed_loss({"pair": 1.0, "caption": 0.5})
    whole, value, figures, _ = computed(model, batches, loss)
    parted, its_value, its_figures, steps = computed(model, batches, short_of_memory(loss, 1))
    assert steps.parts > 2 and its_figures.keys() == {"loss pair", "loss caption"}
    assert torch.allclose(parted, whole, rtol=1e-4, atol=1e-6 * whole.abs().max())
    assert its_value == pytest.approx(value, rel=1e-5) and its_figures == pytest.approx(figures, rel=1e-5)


def test_when_parts_are_as_small_as_can_be_layers_are_computed_twice_with_the_same_gradients(labels, model):
    model, framing = model
    batches = StepBatches(framing, adapt.Examples(labels[:1], [], AdaptOptions(pictures_per_step=1)))
    model.train()
    whole, *_ = computed(model, batches, answer_loss)

    def until_twice(model, batch):
        if not model.is_activation_checkpointing:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return answer_loss(model, batch)

    again, _, _, steps = computed(model, batches, until_twice)
    assert steps.message == thrift.LAYERS_TWICE and torch.allclose(again, whole, rtol=1e-4, atol=1e-7)


def test_where_nothing_helps_it_ends_with_advice(labels, model):
    model, framing = model
    batches = StepBatches(framing, adapt.Examples(labels, [], AdaptOptions(pictures_per_step=2)))
    with pytest.raises(TrainingError, match="not enough memory for even one question") as caught:
        computed(model, batches, short_of_memory(answer_loss, 0))
    assert "smaller" in caught.value.fix


def test_a_stage_tells_what_was_changed_and_ends_as_it_would(labels, model, tmp_path, monkeypatch):
    _, framing = model
    options = AdaptOptions(steps=3, pictures_per_step=4, rank=2)

    def learned(folder) -> tuple[list[str], torch.Tensor]:
        model, _ = tiny_models.idefics3()
        events = list(adapt.adapt(model, framing, labels, [], options, tmp_path / folder))
        told = [event.message for event in events if isinstance(event, Progress)]
        return told, torch.cat([p.detach().flatten() for name, p in model.named_parameters() if "lora_B" in name])

    for module in (loop, stage):  # in bf16 sums in another order differ by more
        monkeypatch.setattr(module, "choose_dtype", lambda device: (torch.float32, ""))

    said, whole = learned("whole")
    assert set(said) == {""}
    monkeypatch.setattr(adapt, "answer_loss", short_of_memory(answer_loss, 3))
    told, parted = learned("parts")
    assert all("computed in" in message for message in told)
    assert (parted - whole).norm() < 0.02 * whole.norm()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("DefaultCPU"), False),
    ],
)
def test_memory_that_runs_short_is_told_from_other_errors(error, expected):
    assert is_out_of_memory(error) is expected


def test_an_optimiser_that_does_not_fit_is_said_in_words(labels, model):
    model, framing = model
    steps = Thrift(model, StepBatches(framing, lambda step: []), answer_loss, nullcontext())
    with pytest.raises(TrainingError, match="not enough memory for what is trained"), steps.enough_memory():
        raise torch.OutOfMemoryError("CUDA out of memory.")
    with pytest.raises(RuntimeError, match="other"), steps.enough_memory():
        raise RuntimeError("other")
