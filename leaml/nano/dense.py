"""Dense targets: every image token learns to say what lies under it, before any language is learned.

A vision tower that learns through the language loss alone is slow. Here each of the 8 × 8 image tokens, behind the
connector, names shape, colour, size and region of the object that it lies on, and it names them in the language model's
own word embeddings: the language model then finds a red star where its embeddings of "red" and "star" point.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

from leaml.nano.build import TOKENS_PER_SIDE
from leaml.nano.scene_questions import SIZES
from leaml.nano.scenes import COLOURS, MASK_SIDE, SHAPES, Scene

ROWS, COLUMNS = ("upper", "center", "lower"), ("left", "center", "right")
GROUPS = {"shape": SHAPES, "colour": tuple(COLOURS), "size": SIZES, "row": ROWS, "column": COLUMNS}
NO_TARGET = -100
COVERED = 0.12
"""An image token lies on an object that covers at least this share of it."""


@dataclass(slots=True)
class DenseBatch:
    """pixel_values (scenes, 1, 3, side, side); targets by group (scenes, tokens); ground (scenes,)."""

    pixel_values: Tensor
    targets: dict[str, Tensor]
    ground: Tensor

    def to(self, device: torch.device | str) -> "DenseBatch":
        targets = {name: value.to(device) for name, value in self.targets.items()}
        return DenseBatch(self.pixel_values.to(device), targets, self.ground.to(device))


def token_items(mask: np.ndarray) -> np.ndarray:
    """(8, 8) numbers of the items, from 1, that lie under each image token; 0 for none. `mask` as in `Scene`."""
    cell = MASK_SIDE // TOKENS_PER_SIDE
    cells = mask.reshape(TOKENS_PER_SIDE, cell, TOKENS_PER_SIDE, cell).swapaxes(1, 2).reshape(-1, cell * cell)
    shares = np.stack([(cells == number).mean(1) for number in range(1, int(mask.max(initial=0)) + 1)] or [np.zeros(len(cells))])
    best = shares.argmax(0)
    return np.where(shares[best, np.arange(len(cells))] >= COVERED, best + 1, 0).reshape(TOKENS_PER_SIDE, TOKENS_PER_SIDE)


def dense_targets(scene: Scene) -> dict[str, np.ndarray]:
    """By group and for every image token (64,), the number of the word within its group, or NO_TARGET.

    `present` says whether the token lies on an object, `middle` whether an object's centre lies in it. A token without
    an object names its own row and column, one with an object those of the object's centre.
    """
    items = token_items(scene.mask).reshape(-1)
    third = np.minimum(2, (np.arange(TOKENS_PER_SIDE) + 0.5) * 3 // TOKENS_PER_SIDE).astype(int)
    targets = {name: np.full(items.shape, NO_TARGET) for name in ("shape", "colour", "size")}
    targets |= {"row": np.repeat(third, TOKENS_PER_SIDE), "column": np.tile(third, TOKENS_PER_SIDE)}
    targets |= {"present": (items > 0).astype(int), "middle": np.zeros(items.shape, int)}
    for number, item in enumerate(scene.items, start=1):
        under = items == number
        targets["shape"][under] = SHAPES.index(item.shape)
        targets["colour"][under] = GROUPS["colour"].index(item.colour)
        targets["size"][under] = SIZES.index(item.size)
        targets["row"][under], targets["column"][under] = min(2, int(3 * item.y)), min(2, int(3 * item.x))
        targets["middle"][int(item.y * TOKENS_PER_SIDE) * TOKENS_PER_SIDE + int(item.x * TOKENS_PER_SIDE)] = 1
    return targets


def encode_dense(processor, scenes: list[Scene]) -> DenseBatch:
    """One batch of scenes, through the same image processor that everything else uses."""
    pictures = processor.image_processor([[scene.picture] for scene in scenes], return_tensors="pt")["pixel_values"]
    rows = [dense_targets(scene) for scene in scenes]
    targets = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    return DenseBatch(pictures, targets, torch.tensor([GROUPS["colour"].index(scene.ground) for scene in scenes]))


class DenseModel(nn.Module):
    """Vision tower and connector of nano under dense targets. The words' embeddings are the classifiers' weights."""

    def __init__(self, nano: Idefics3ForConditionalGeneration, tokenizer: PreTrainedTokenizerFast) -> None:
        super().__init__()
        self.nano = nano
        width = nano.config.text_config.hidden_size
        self.word_ids = {
            name: [tokenizer(f"-{word}" if name == "column" else f" {word}")["input_ids"][-1] for word in words]
            for name, words in GROUPS.items()
        }
        self.scale = nn.ParameterDict({name: nn.Parameter(torch.tensor(1.0)) for name in GROUPS})
        self.binary = nn.ModuleDict({name: nn.Linear(width, 1) for name in ("present", "middle")})
        self.ground = nn.Linear(width, len(COLOURS))
        nano.requires_grad_(False)
        nano.model.vision_model.requires_grad_(True)
        nano.model.connector.requires_grad_(True)
        nano.get_input_embeddings().requires_grad_(True)

    def image_tokens(self, pixel_values: Tensor) -> Tensor:
        """(scenes, tokens, width), scaled to a root mean square of one as the language model's first norm does."""
        features = self.nano.model.get_image_features(pixel_values=pixel_values, return_dict=True).pooler_output
        features = features if isinstance(features, Tensor) else torch.stack(list(features))
        features = features.reshape(pixel_values.shape[0], -1, features.shape[-1])
        return nn.functional.rms_norm(features, features.shape[-1:])

    def loss(self, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
        """Sum of the groups' cross-entropies; figures: accuracy on objects' tokens by group."""
        tokens = self.image_tokens(batch.pixel_values)
        embeddings = nn.functional.normalize(self.nano.get_input_embeddings().weight, dim=-1)
        total, figures = tokens.new_zeros(()), {}
        for name, ids in self.word_ids.items():
            logits = self.scale[name] * tokens @ embeddings[ids].T
            target = batch.targets[name]
            total = total + nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NO_TARGET)
            on = batch.targets["present"] > 0
            figures[name] = float((logits.argmax(-1) == target)[on].float().mean()) if on.any() else 0.0
        for name, head in self.binary.items():
            target = batch.targets[name].float()
            total = total + nn.functional.binary_cross_entropy_with_logits(head(tokens).squeeze(-1), target)
        logits = self.ground(tokens.mean(1))
        total = total + 0.3 * nn.functional.cross_entropy(logits, batch.ground)
        figures["ground"] = float((logits.argmax(-1) == batch.ground).float().mean())
        return total, figures


def dense_loss(model: DenseModel, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
    """`DenseModel.loss` in the shape that `training.loop.fit` takes."""
    return model.loss(batch)
