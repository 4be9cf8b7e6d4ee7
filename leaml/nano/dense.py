"""Dense targets: every image token learns to say what lies under it, before any language is learned.

A vision tower that learns through the language loss alone is slow. Here each of the 8 × 8 image tokens, behind the
connector, names shape, colour, size and region of the object that it lies on, and it names them in the language model's
own word embeddings: the language model then finds a red star where its embeddings of "red" and "star" point. It also
draws what it lies on, figure against ground, points to the object's centre, and draws the object's form freed of place
and size. What was tried on the way here stands in `benchmarks/LOG.md`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

from leaml.nano.build import TOKENS_PER_SIDE
from leaml.nano.scene_questions import SIZES
from leaml.nano.scenes import COLOURS, MASK_SIDE, SHAPES, Item, Scene
from leaml.training.batches import Batch, answer_loss

ROWS, COLUMNS = ("upper", "center", "lower"), ("left", "center", "right")
GROUPS = {"shape": SHAPES, "colour": tuple(COLOURS), "size": SIZES, "row": ROWS, "column": COLUMNS}
NO_TARGET = -100
FIGURE_WEIGHT = 3.0
DENSE_SHARE = 0.2
"""Weight of the dense loss beside the answers' in the second stage."""
OUTLINE_SIDE = 12
COVERED = 0.12
"""An image token lies on an object that covers at least this share of it."""


@dataclass(slots=True)
class DenseBatch:
    """pixel_values (scenes, 1, 3, side, side); targets as in `dense_targets`, one row per scene; ground (scenes,)."""

    pixel_values: Tensor
    targets: dict[str, Tensor]
    ground: Tensor

    def to(self, device: torch.device | str) -> "DenseBatch":
        targets = {name: value.to(device) for name, value in self.targets.items()}
        return DenseBatch(self.pixel_values.to(device), targets, self.ground.to(device))


def figure_cells(mask: np.ndarray) -> np.ndarray:
    """(tokens, cells) the part of the mask under each image token, row by row."""
    cell = MASK_SIDE // TOKENS_PER_SIDE
    return mask.reshape(TOKENS_PER_SIDE, cell, TOKENS_PER_SIDE, cell).swapaxes(1, 2).reshape(-1, cell * cell)


def outline_cells(mask: np.ndarray, number: int, item: Item) -> np.ndarray:
    """(OUTLINE_SIDE²,) whether the item covers each cell of a grid around its centre, as wide as the item itself."""
    steps = ((np.arange(OUTLINE_SIDE) + 0.5) / OUTLINE_SIDE * 2 - 1) * item.radius
    rows = np.clip(((item.y + steps) * MASK_SIDE).astype(int), 0, MASK_SIDE - 1)
    columns = np.clip(((item.x + steps) * MASK_SIDE).astype(int), 0, MASK_SIDE - 1)
    return (mask[np.ix_(rows, columns)] == number).reshape(-1)


def token_items(mask: np.ndarray) -> np.ndarray:
    """(8, 8) numbers of the items, from 1, that lie under each image token; 0 for none. `mask` as in `Scene`."""
    cells = figure_cells(mask)
    numbers = range(1, max(1, int(mask.max(initial=0))) + 1)
    shares = np.stack([(cells == number).mean(1) for number in numbers])
    best = shares.argmax(0)
    items = np.where(shares[best, np.arange(len(cells))] >= COVERED, best + 1, 0)
    return items.reshape(TOKENS_PER_SIDE, TOKENS_PER_SIDE)


def dense_targets(scene: Scene) -> dict[str, np.ndarray]:
    """By group and for every image token (64,), the number of the word within its group, or NO_TARGET.

    `present` says whether the token lies on an object, `middle` whether an object's centre lies in it, `figure`
    (64, 64) which cells of the mask under it belong to an object, `outline` (64, 144) the object's own form, freed of
    place and size, and `centre` (64, 3) how far down and right the object's centre
    lies and how large its radius is, in tokens. A token without an object names its own row and column, one with an
    object those of the object's centre.
    """
    items = token_items(scene.mask).reshape(-1)
    third = np.minimum(2, (np.arange(TOKENS_PER_SIDE) + 0.5) * 3 // TOKENS_PER_SIDE).astype(int)
    targets = {name: np.full(items.shape, NO_TARGET) for name in ("shape", "colour", "size")}
    targets |= {"row": np.repeat(third, TOKENS_PER_SIDE), "column": np.tile(third, TOKENS_PER_SIDE)}
    targets |= {"present": (items > 0).astype(int), "middle": np.zeros(items.shape, int)}
    targets |= {"figure": figure_cells(scene.mask) > 0, "centre": np.zeros((*items.shape, 3), np.float32)}
    targets["outline"] = np.zeros((*items.shape, OUTLINE_SIDE**2), bool)
    places = (np.arange(TOKENS_PER_SIDE) + 0.5) / TOKENS_PER_SIDE
    down, right = np.repeat(places, TOKENS_PER_SIDE), np.tile(places, TOKENS_PER_SIDE)
    for number, item in enumerate(scene.items, start=1):
        under = items == number
        targets["shape"][under] = SHAPES.index(item.shape)
        targets["colour"][under] = GROUPS["colour"].index(item.colour)
        targets["size"][under] = SIZES.index(item.size)
        targets["row"][under], targets["column"][under] = min(2, int(3 * item.y)), min(2, int(3 * item.x))
        offsets = np.stack([item.y - down, item.x - right, np.full(items.shape, item.radius)], -1)
        targets["centre"][under] = TOKENS_PER_SIDE * offsets[under]
        targets["outline"][under] = outline_cells(scene.mask, number, item)
        targets["middle"][int(item.y * TOKENS_PER_SIDE) * TOKENS_PER_SIDE + int(item.x * TOKENS_PER_SIDE)] = 1
    return targets


def encode_dense(processor, scenes: list[Scene]) -> DenseBatch:
    """One batch of scenes, through the same image processor that everything else uses."""
    pictures = processor.image_processor([[scene.picture] for scene in scenes], return_tensors="pt")["pixel_values"]
    return DenseBatch(pictures, *stacked_targets(scenes))


def stacked_targets(scenes: list[Scene]) -> tuple[dict[str, Tensor], Tensor]:
    """`dense_targets` of several scenes, one row per scene, and the number of each one's ground colour (scenes,)."""
    rows = [dense_targets(scene) for scene in scenes]
    targets = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}
    return targets, torch.tensor([GROUPS["colour"].index(scene.ground) for scene in scenes])


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
        self.binary["figure"] = nn.Linear(width, (MASK_SIDE // TOKENS_PER_SIDE) ** 2)
        self.centre, self.outline = nn.Linear(width, 3), nn.Linear(width, OUTLINE_SIDE**2)
        self.ground = nn.Linear(width, len(COLOURS))
        nano.requires_grad_(False)
        nano.model.vision_model.requires_grad_(True)
        nano.model.connector.requires_grad_(True)
        nano.get_input_embeddings().requires_grad_(True)

    def image_tokens(self, pixel_values: Tensor) -> Tensor:
        """(scenes, tokens, width): what the language model is given for each picture."""
        features = self.nano.model.get_image_features(pixel_values=pixel_values, return_dict=True).pooler_output
        features = features if isinstance(features, Tensor) else torch.stack(list(features))
        return features.reshape(pixel_values.shape[0], -1, features.shape[-1])

    def loss(self, image_tokens: Tensor, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
        """Sum of the groups' cross-entropies; figures: accuracy on objects' tokens by group.

        Tokens are scaled to a root mean square of one, as the language model's first norm does.
        """
        tokens = nn.functional.rms_norm(image_tokens, image_tokens.shape[-1:])
        embeddings = nn.functional.normalize(self.nano.get_input_embeddings().weight, dim=-1)
        total, figures = tokens.new_zeros(()), {}
        on = batch.targets["present"] > 0
        for name, ids in self.word_ids.items():
            logits = self.scale[name] * tokens @ embeddings[ids].T
            target = batch.targets[name]
            if (target != NO_TARGET).any():  # a batch without any object: the mean would be 0/0
                losses = nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NO_TARGET)
                total = total + losses
            figures[name] = float((logits.argmax(-1) == target)[on].float().mean()) if on.any() else 0.0
        for name, head in self.binary.items():
            target, logits = batch.targets[name].float(), head(tokens).squeeze(-1)
            weight = FIGURE_WEIGHT if name == "figure" else 1.0
            total = total + weight * nn.functional.binary_cross_entropy_with_logits(logits, target)
            if name == "figure":
                figures[name] = float(((logits > 0) == (target > 0))[on].float().mean()) if on.any() else 0.0
        if on.any():
            total = total + nn.functional.smooth_l1_loss(self.centre(tokens)[on], batch.targets["centre"][on])
            form, drawn = self.outline(tokens[on]), batch.targets["outline"][on].float()
            total = total + FIGURE_WEIGHT * nn.functional.binary_cross_entropy_with_logits(form, drawn)
            figures["outline"] = float(((form > 0) == (drawn > 0)).float().mean())
        logits = self.ground(tokens.mean(1))
        total = total + 0.3 * nn.functional.cross_entropy(logits, batch.ground)
        figures["ground"] = float((logits.argmax(-1) == batch.ground).float().mean())
        return total, figures


def dense_loss(model: DenseModel, batch: DenseBatch) -> tuple[Tensor, dict[str, float]]:
    """The dense targets alone, in the shape that `training.loop.fit` takes."""
    return model.loss(model.image_tokens(batch.pixel_values), batch)


@dataclass(slots=True)
class TaughtBatch:
    """Questions on pictures, and the dense targets of the same pictures."""

    questions: Batch
    dense: DenseBatch

    def to(self, device: torch.device | str) -> "TaughtBatch":
        return TaughtBatch(self.questions.to(device), self.dense.to(device))


def taught_loss(model: DenseModel, batch: TaughtBatch) -> tuple[Tensor, dict[str, float]]:
    """The answers' loss and a share of the dense one, on the same image tokens: the vision tower runs once for both."""
    caught: list[Tensor] = []
    hook = model.nano.model.connector.register_forward_hook(lambda module, given, made: caught.append(made))
    try:
        answers, figures = answer_loss(model.nano, batch.questions)
    finally:
        hook.remove()
    tokens = caught[0].reshape(len(batch.dense.ground), -1, caught[0].shape[-1])
    dense, seen = model.loss(tokens, batch.dense)
    return answers + DENSE_SHARE * dense, {"answers": float(answers.detach()), **figures, **seen}
