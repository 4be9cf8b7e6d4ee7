"""What a frozen vision tower makes of a picture, computed once and kept, within a budget of bytes.

    framing = SeenFraming(model, framing)          # passed on wherever a framing goes: training, writing, predicting

The tower and its connector take the larger part of a small model's time, and see the same pictures at every step. Their
output is kept by picture file, in the model's own precision, on the CPU, least used first out. It is valid only as long
as they do not learn: where one of their weights may be trained now, or has changed since, pixels are used. Families
whose picture is more than its pixels get their own inputs, as without this.
"""

import inspect
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from leaml.models.framing import Framing, Look
from leaml.models.packing import choose_packing
from leaml.models.structure import base_model, language_modules

PIXELS_ALONE = {"pixel_values", "pixel_attention_mask"}
"""Inputs of families whose picture is nothing but its features once it went through the vision tower."""
BUDGET = 512 * 1024**2
"""Bytes of features that are kept: 28,000 pictures of nano, 400 of a model of 4 B parameters."""
AT_ONCE = 16
"""Pictures that go through the tower together."""

Inputs = dict[str, Any]


class Features(dict):
    """A model's `mm_encoder_outputs`: moves between devices as a tensor does."""

    def __init__(self, seen: Tensor | Sequence[Tensor]) -> None:
        super().__init__(image=BaseModelOutputWithPooling(pooler_output=seen))

    def to(self, device: torch.device | str) -> "Features":
        seen = self["image"].pooler_output
        return Features(seen.to(device) if isinstance(seen, Tensor) else [each.to(device) for each in seen])


class SeenFraming(Framing):
    """A framing that gives pictures as the features that `model` has of them.

    Args:
        model: with or without adapters. Another model than this one gets pixels.
        framing: of its processor.
        budget: bytes of features that are kept; 0 keeps none.
    """

    def __init__(self, model: nn.Module, framing: Framing, budget: int = BUDGET) -> None:
        self.__dict__.update(framing.__dict__)
        self.model: PreTrainedModel = base_model(model)
        if framing.packs:
            self.packs, self.packing_reason = choose_packing(model)
        self.budget, self.bytes = budget, 0
        self.kept: OrderedDict[Hashable, Look] = OrderedDict()
        self._watched: list[nn.Parameter] | None = None
        self._state = -1

    def of_copy(self, model: nn.Module) -> "SeenFraming":
        """The same for a copy of the model, whose vision tower has the same weights: what is kept serves both."""
        framing = SeenFraming(model, self, self.budget)
        framing.kept, framing.bytes, framing._state = self.kept, self.bytes, framing._tower_state()
        return framing

    def look(self, images: Sequence[Image.Image | Path]) -> list[Look]:
        """Each picture as the model gets it, with features in the place of pixels; those that are kept are not opened.

        Raises:
            DataError: a picture cannot be read.
        """
        if torch.is_grad_enabled() and any(parameter.requires_grad for parameter in self._tower()):
            return super().look(images)
        self._forget_where_changed()
        keys = [_key(image) for image in images]
        found = {key: self.kept[key] for key in keys if key in self.kept}
        missing = {key: image for key, image in zip(keys, images, strict=True) if key not in found}
        found |= dict(zip(missing, self._looked(list(missing.values())), strict=True))
        for key in found:
            if isinstance(key, tuple):
                self._keep(key, found[key])
        return [found[key] for key in keys]

    def _looked(self, images: Sequence[Image.Image | Path]) -> list[Look]:
        looks = super().look(images)
        if not looks or not takes_features(self.model, looks[0].inputs.keys()):
            return looks
        # On a CPU, one by one: then they do not depend on who is looked at together, nor does a run that goes on.
        alone = self.budget > 0 and self.model.device.type == "cpu"
        features = features_of(self.model, [look.inputs for look in looks], 1 if alone else AT_ONCE)
        return [replace(look, inputs={}, features=seen) for look, seen in zip(looks, features, strict=True)]

    def _keep(self, key: Hashable, look: Look) -> None:
        if look.features is None:
            return
        if key not in self.kept:
            self.bytes += look.features.nbytes
        self.kept[key] = look
        self.kept.move_to_end(key)
        while self.bytes > self.budget:
            _, oldest = self.kept.popitem(last=False)
            self.bytes -= oldest.features.nbytes

    def _forget_where_changed(self) -> None:
        state = self._tower_state()
        if state != self._state:
            self.kept = OrderedDict()  # another one: a copy's tower may be what it was
            self._state, self.bytes = state, 0

    def _tower_state(self) -> int:
        return sum(parameter._version for parameter in self._tower())

    def _tower(self) -> list[nn.Parameter]:
        """The parameters that features depend on: all but the language model's and the output head's."""
        if self._watched is None:
            others = [module for _, module in language_modules(self.model)] + [self.model.get_output_embeddings()]
            known = {id(p) for module in others if module is not None for p in module.parameters(recurse=False)}
            self._watched = [p for p in self.model.parameters() if id(p) not in known]
        return self._watched


def seeing(model: nn.Module, framing: Framing) -> SeenFraming:
    """The framing itself if it knows this model's pictures already, else one that does and keeps nothing."""
    if isinstance(framing, SeenFraming) and framing.model is base_model(model):
        return framing
    return SeenFraming(model, framing, budget=0)


def kept(model: nn.Module, framing: Framing) -> SeenFraming:
    """The framing itself if it keeps this model's pictures already, else one that does."""
    seen = seeing(model, framing)
    return seen if seen.budget else SeenFraming(model, framing)


def together(looks: Sequence[Look], device: torch.device | str) -> Inputs:
    """What a model wants of these pictures, in one batch on `device`; nothing where there are none."""
    if not looks:
        return {}
    if looks[0].features is None:
        return {name: _joined([look.inputs[name] for look in looks]).to(device) for name in looks[0].inputs}
    seen = [look.features for look in looks]
    as_one = seen[0].dim() == 3
    return {"mm_encoder_outputs": Features(torch.cat(seen) if as_one else seen).to(device)}


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """One tensor behind the other; where they differ in other sizes, such as the number of crops, zeros fill up."""
    sizes = [max(size) for size in zip(*(part.shape[1:] for part in parts), strict=True)]
    room = [[(0, most - size) for most, size in zip(sizes, part.shape[1:], strict=True)] for part in parts]
    behind = [[number for pair in reversed(one) for number in pair] for one in room]
    return torch.cat([nn.functional.pad(part, more) for part, more in zip(parts, behind, strict=True)])


def takes_features(model: PreTrainedModel, inputs: Set[str]) -> bool:
    """Whether the model takes a picture's features in place of its `inputs`, which are pixels and nothing else."""
    accepts = "mm_encoder_outputs" in inspect.signature(model.forward).parameters
    return accepts and hasattr(model, "get_image_features") and inputs <= PIXELS_ALONE


def features_of(model: PreTrainedModel, pictures: Sequence[dict[str, Tensor]], at_once: int = AT_ONCE) -> list[Tensor]:
    """Of each picture's inputs its features, on the CPU; pictures of one size go through the vision tower together."""
    by_size: dict[torch.Size, list[int]] = defaultdict(list)
    for number, inputs in enumerate(pictures):
        by_size[inputs["pixel_values"].shape].append(number)
    found: dict[int, Tensor] = {}
    for numbers in by_size.values():
        for start in range(0, len(numbers), at_once):
            part = numbers[start : start + at_once]
            found |= zip(part, _through_the_tower(model, [pictures[number] for number in part]), strict=True)
    return [found[number] for number in range(len(pictures))]


def _through_the_tower(model: PreTrainedModel, pictures: Sequence[dict[str, Tensor]]) -> list[Tensor]:
    inputs = {name: torch.cat([one[name] for one in pictures]).to(model.device) for name in pictures[0]}
    learns = model.training
    model.eval()
    # Tensors made in inference mode could not be learned from later on.
    with torch.inference_mode(False), torch.no_grad():
        seen = model.get_image_features(**inputs, return_dict=True).pooler_output
    model.train(learns)
    crops = len(seen) // len(pictures)
    parts = [seen[start : start + crops] for start in range(0, len(seen), crops)]
    return [(part if isinstance(part, Tensor) else torch.cat(list(part))).cpu() for part in parts]


def identity(image: Image.Image | Path) -> Hashable:
    """Equal for the same picture, while it is at hand."""
    return id(image) if isinstance(image, Image.Image) else image


def _key(image: Image.Image | Path) -> Hashable:
    """Of a file with its time and size, so that another picture at the same place is another; else `identity`."""
    if isinstance(image, Image.Image) or not image.is_file():
        return identity(image)
    about = image.stat()
    return image, about.st_mtime_ns, about.st_size
