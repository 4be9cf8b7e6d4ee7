"""What training will need, found by rehearsing a step on a model without weights: no byte of it has to be there.

    base = Base.of("nano", "auto")
    needed = rehearse(base, Trained("answers", "lora"), examples, checkpointing=False)
    needed.total, needed.parts()

The step is the real one, with the real pictures, tokens, adapter and optimiser; only that no number is computed. So
what holds for a family, an attention kernel or a method holds here without a formula of its own. Beside PyTorch's
profiler it was the same to the byte in eleven families (tests/training/test_rehearsal.py, benchmarks/memory.py).
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, DynamicCache

from leaml.errors import ModelError
from leaml.models.features import BUDGET, SeenFraming
from leaml.models.framing import Framing
from leaml.models.in_place import choose_in_place, in_place
from leaml.models.load import FROM_DISK, choose_device, choose_dtype, locate
from leaml.models.memory import LiveBytes, Needed, largest
from leaml.models.neuron_meters import ActivationMeter, GradientMeter, TaylorMeter
from leaml.models.neuron_tuner import NeuronLinear
from leaml.models.neurons import Selection
from leaml.models.packing import PREFIX, arranged
from leaml.models.picture_size import limit_pictures
from leaml.models.processors import load_processor
from leaml.models.quantised import choose_weights
from leaml.models.structure import base_model, feed_forwards, language_modules
from leaml.models.weightless import ghost, weightless
from leaml.training.batches import Batch, Example, encode
from leaml.training.stage import quick_attention
from leaml.training.thrift import layers_computed
from leaml.training.trained import SCORED_AT_ONCE, Trained, rows_before_padding, summed_loss

LOOKING = "looking"


@dataclass(frozen=True, slots=True)
class Base:
    """A base model by its config and processor, and how it would be held.

    weights: `full`, `8bit` or `4bit`. dtype: of full weights and of computing. on_card: on a GPU, not on the CPU.
    """

    config: Any
    processor: Any
    weights: str
    dtype: torch.dtype
    on_card: bool

    @classmethod
    def of(cls, name: str, precision: str = "auto", picture_size: int = 0, device: str | None = None) -> "Base":
        """The model `name` as `load` would hold it here, on the device that it would choose or on the one given.

        Raises:
            ModelError: there is no such model here, or the device cannot be used.
        """
        found, _ = choose_device(device)
        dtype, _ = choose_dtype(found)
        base = cls(*_described(name, picture_size), "full", dtype, found.type != "cpu")
        size = sum(parameter.nbytes for parameter in base.model().parameters())
        weights, _ = choose_weights(precision, found, size, base.config)
        return replace(base, weights=_stored(base.config) if weights == "stored" else weights)

    @classmethod
    def on_some_card(cls, name: str, weights: str, picture_size: int = 0) -> "Base":
        """As it would be held on a graphics card that need not be here. Raises as `of`."""
        return cls(*_described(name, picture_size), weights, torch.bfloat16, True)

    def model(self) -> nn.Module:
        return weightless(self.config, self.weights, self.dtype)

    def attention(self, model: nn.Module) -> Any:
        """As in training: a ghost stands on the CPU, so only where the real model does, too."""
        return nullcontext() if self.on_card else quick_attention(model)

    def autocast(self) -> Any:
        return nullcontext() if self.dtype == torch.float32 else torch.autocast("cpu", self.dtype)


@dataclass(frozen=True, slots=True)
class NeededBeside:
    """Bytes of what training puts beside a model."""

    adapter: int = 0
    optimiser: int = 0
    kv_cache: int = 0


def _stored(config: Any) -> str:
    """In how many bits a model is stored that is stored in few."""
    return "8bit" if dict(config.quantization_config).get("load_in_8bit") else "4bit"


def _described(name: str, picture_size: int) -> tuple[Any, Any]:
    """Config and processor of a model; its weights need not be there."""
    place = locate(name)
    try:
        config = AutoConfig.from_pretrained(place.folder, **FROM_DISK)
        processor = load_processor(str(place.folder), config, FROM_DISK, place.name)
    except (OSError, ValueError, KeyError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"{place.name} cannot be read: {line}", "Copy the model again, or choose another.") from error
    limit_pictures(processor, config, picture_size)
    return config, processor


def rehearse(
    base: Base, trained: Trained, examples: Sequence[Example], checkpointing: bool = False, pictures: int = 0
) -> Needed:
    """What the stage takes that trains so much of the model on such steps, scoring of neurons included.

    Args:
        examples: of a step.
        pictures: how many there are in all: on a CPU their features, which are kept, share the memory.

    Raises:
        ModelError: that much of this model cannot be trained.
    """
    found = [_learning(base, trained, examples, checkpointing, pictures)]
    if trained.kind == "neurons" and trained.method != "random":
        alone = [Example(example.image, (turn,)) for example in examples for turn in example.turns]
        found.append(_scoring(base, trained, alone[:SCORED_AT_ONCE]))
    return largest(found)


def rehearse_writing(base: Base, trained: Trained, examples: Sequence[Example], max_tokens: int) -> Needed:
    """What it takes to write texts of so many tokens with what was trained, all texts of the examples at once.

    Args:
        examples: pictures with the prompts of their texts, and no answers.
    """
    model = _thawed(base, trained).eval()
    framing, core, cache = SeenFraming(model, Framing(base.processor)), base_model(model), DynamicCache()
    stage = _Stage([*model.parameters(), *model.buffers()])
    with stage, torch.no_grad():
        batch = stage.looked(framing, examples)
        inputs = arranged(core, batch.inputs, batch.segments == PREFIX)
        batch.inputs.clear()  # as in writing: the first mask is gone once it was arranged
        core.model(**inputs, past_key_values=cache, use_cache=True)
    held = _bytes(t for layer in cache.layers for t in (layer.keys, layer.values))
    beside = NeededBeside(_adapter(model, trained), kv_cache=held)
    return largest([_told(stage, model, batch, beside), _written(model, batch, beside, len(cache.layers), max_tokens)])


def _written(model: nn.Module, batch: Batch, beside: NeededBeside, layers: int, max_tokens: int) -> Needed:
    """At the last token: all tokens are kept, those of one layer twice while one more is put behind them."""
    rows, columns = batch.segments.shape
    texts = int(batch.turns.max()) + 1
    grown = beside.kv_cache * (columns + max_tokens * texts // rows) // columns
    logits = 4 * 4 * texts * base_model(model).get_output_embeddings().weight.shape[0]  # sampling holds it four times
    weights, tower = _weights(model)
    return Needed(weights, tower, beside.adapter, activations=2 * grown // layers + logits, kv_cache=grown)


# ---- the steps ---------------------------------------------------------------------------------------------------


class _Stage(LiveBytes):
    """Counts, and knows what was going on when most was held."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        self.doing, self.gradients, self.at_peak = "", 0, ("", 0)
        super().__init__(known)

    def rose(self) -> None:
        self.at_peak = self.doing, self.gradients

    def gradient(self, parameter: Tensor) -> None:
        """A gradient has come into being, and stays until the step is done."""
        self.gradients += parameter.grad.nbytes

    def fill(self, optimizer: torch.optim.Optimizer, learned: Sequence[nn.Parameter]) -> None:
        """Has the optimiser make its averages, as a first step does."""
        for parameter in learned:
            parameter.grad = torch.zeros_like(parameter)
            self.gradient(parameter)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        self.gradients = 0

    def looked(self, framing: Framing, examples: Sequence[Example]) -> Batch:
        """The batch of a step, for which pictures go through the vision tower."""
        self.doing = LOOKING
        batch = encode(framing, examples)
        self.doing = ""
        return batch


def _learning(
    base: Base, trained: Trained, examples: Sequence[Example], checkpointing: bool, pictures: int
) -> Needed:
    model = _thawed(base, trained)
    framing, learned = SeenFraming(model, Framing(base.processor)), [p for p in model.parameters() if p.requires_grad]
    stage = _Stage([*model.parameters(), *model.buffers()])
    inside = in_place(model) if choose_in_place(model)[0] else nullcontext()
    with stage, inside, base.attention(model), layers_computed(model.train(), checkpointing):
        optimizer = torch.optim.AdamW(learned, fused=True)
        stage.fill(optimizer, learned)
        batch = stage.looked(framing, examples)
        for parameter in learned:
            parameter.register_post_accumulate_grad_hook(stage.gradient)
        with base.autocast():
            loss = summed_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        beside = NeededBeside(_adapter(model, trained), _bytes(t for s in optimizer.state.values() for t in s.values()))
    needed = _told(stage, model, batch, beside)
    kept = _kept(base, framing, examples, pictures)
    return replace(needed, image_tokens=max(0, needed.image_tokens + kept))


def _scoring(base: Base, trained: Trained, examples: Sequence[Example]) -> Needed:
    model = ghost(base.model()).requires_grad_(False)
    framing, stage = SeenFraming(model, Framing(base.processor)), _Stage([*model.parameters(), *model.buffers()])
    kinds = {"gradient": GradientMeter, "activation": ActivationMeter}
    meter = kinds.get(trained.method, TaylorMeter)(feed_forwards(model))
    with stage, meter.watching(model):
        batch = stage.looked(framing, examples)
        meter.start(rows_before_padding(batch))
        with torch.set_grad_enabled(meter.needs_gradient):
            loss = summed_loss(model, batch)
        if meter.needs_gradient:
            loss.backward()
    return _told(stage, model, batch, NeededBeside())


def _thawed(base: Base, trained: Trained) -> nn.Module:
    with torch.device("meta"):
        model = base.model()
        return ghost(trained.thawed(model, _spread(model, trained.fraction) if trained.kind == "neurons" else None))


def _spread(model: nn.Module, fraction: float) -> Selection:
    """As many neurons as would be chosen, evenly over all layers: which ones they are changes no shape but little."""
    layers = feed_forwards(model)
    chosen = {layer.name: torch.arange(max(1, round(fraction * layer.size)), device="cpu") for layer in layers}
    return Selection(chosen, {layer.name: layer.size for layer in layers}, fraction=fraction)


# ---- what came of it ---------------------------------------------------------------------------------------------


def _told(stage: _Stage, model: nn.Module, batch: Batch, beside: NeededBeside) -> Needed:
    """The peak in parts; what the adapter holds of its own is counted with the model's parameters."""
    doing, gradients = stage.at_peak
    weights, tower = _weights(model)
    computing = stage.peak - weights - tower - beside.adapter - beside.optimiser - gradients
    if doing == LOOKING:
        return Needed(weights, tower + computing, beside.adapter, gradients, beside.optimiser)
    computing -= beside.kv_cache
    of_pictures = round(float((batch.segments == PREFIX).float().mean()) * computing)
    computing -= of_pictures
    return Needed(
        weights, tower, beside.adapter, gradients, beside.optimiser, computing, of_pictures, beside.kv_cache
    )


def _weights(model: nn.Module) -> tuple[int, int]:
    """Bytes of the language model with its head, and of all else; without what an adapter adds."""
    core = base_model(model)
    whole = not hasattr(model, "peft_config")
    language = {id(p) for _, module in language_modules(core) for p in module.parameters(recurse=False)}
    language |= {id(p) for p in core.get_output_embeddings().parameters()}
    own = [p for p in core.parameters() if whole or not p.requires_grad]
    mine = _bytes(p for p in own if id(p) in language)
    return mine, _bytes([*own, *core.buffers()]) - mine


def _adapter(model: nn.Module, trained: Trained) -> int:
    """Bytes of what is trained beside the weights, and of the originals that stand aside while it is in their place."""
    if trained.kind == "full":
        return 0
    blocks = (layer.block for layer in model.modules() if isinstance(layer, NeuronLinear))
    return _bytes(p for p in model.parameters() if p.requires_grad) + _bytes(b.original for b in blocks if b)


def _kept(base: Base, framing: SeenFraming, examples: Sequence[Example], pictures: int) -> int:
    """Bytes of pictures' features that are kept beside those of the step: on a GPU they lie elsewhere."""
    if base.on_card:
        return -framing.bytes
    seen = len({example.image for example in examples})
    return max(0, min(BUDGET, framing.bytes * pictures // seen) - framing.bytes)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum({id(tensor): tensor.nbytes for tensor in tensors}.values())
