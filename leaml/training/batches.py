"""Batches in which several questions share one picture, and the loss on their answers alone.

One row is one picture followed by its questions. Every question with its answer is a segment that sees the picture and
itself, never its neighbours: a 4-D attention mask isolates the segments, and each one's positions start again where the
picture ends. Gradients are those of separate samples, at a fraction of the work.

    framing = Framing(processor)
    batch = encode(framing, [Example(picture, (Turn("Is there a polyp?", "yes"), ...)), ...])
    loss, figures = answer_loss(model, batch)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from leaml.models.features import together
from leaml.models.framing import Framing, Look
from leaml.models.packing import IGNORED, PREFIX, arranged, isolating_mask, padded
from leaml.models.structure import base_model


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the answer to learn. `weight` is the whole answer's; a turn may be kept from seeing the picture.

    `lead` is a beginning of the answer that is given, and not learned.
    """

    prompt: str
    answer: str
    weight: float = 1.0
    kind: str = "question"
    sees_image: bool = True
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One picture (opened, or where it lies) and what is said about it."""

    image: Image.Image | Path
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class Batch:
    """What a model is given, and what it should answer.

    inputs: `input_ids` and `position_ids` (rows, tokens), `attention_mask` (rows, 1, tokens, tokens), pixel tensors;
        as `arranged` takes them: where each question has a row of its own, the mask is (rows, tokens).
    segments: (rows, tokens), 0 for the picture, then 1, 2, … for the turns, −1 for padding.
    places: (answers' tokens, 2), row and position whose next token is predicted; targets: (answers' tokens,) token ids;
    weights: (answers' tokens,), a turn's weight spread evenly over its answer's tokens.
    kinds: (answers' tokens,) numbers into `kind_names`; turns: (answers' tokens,) the turn, counted through the batch.
    whole: where this is a part of a larger batch, the weights of that one's turns by kind: its losses are shares then.
    """

    inputs: dict[str, Tensor]
    segments: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor
    kinds: Tensor
    turns: Tensor
    kind_names: tuple[str, ...]
    whole: dict[str, float] | None = None

    def to(self, device: torch.device | str) -> "Batch":
        inputs = {name: value.to(device) for name, value in self.inputs.items()}
        names = ("segments", "places", "targets", "weights", "kinds", "turns")
        tensors = (getattr(self, name).to(device) for name in names)
        return Batch(inputs, *tensors, self.kind_names, self.whole)


@dataclass(slots=True)
class _Row:
    """One row: token ids, segment numbers, positions, kinds of tokens, and what is to be predicted where."""

    look: Look
    ids: list[int]
    segments: list[int]
    positions: list[int]
    kinds: list[int]
    blind: set[int] = field(default_factory=set)
    answers: list[tuple[int, int, float, str, int]] = field(default_factory=list)
    """Place, the token that is predicted there, its weight, its kind of turn, and which turn of the batch it is."""

    def types(self, name: str) -> list[int]:
        return self.look.types[name] + self.kinds[len(self.look.ids) :]


def _rows(framing: Framing, examples: Sequence[Example]) -> list[_Row]:
    """One for each picture, or one for each turn, where a family cannot keep several apart."""
    looks = framing.look([example.image for example in examples])
    rows, asked = [], 0
    for example, look in zip(examples, looks, strict=True):
        if framing.packs:
            rows.append(_row(framing, example.turns, look, asked))
        else:
            rows += [_row(framing, (turn,), look, asked + k) for k, turn in enumerate(example.turns)]
        asked += len(example.turns)
    return rows


def _row(framing: Framing, turns: Sequence[Turn], look: Look, asked: int) -> _Row:
    if not framing.packs and not turns[0].sees_image:
        look = framing.blind_look
    length = len(look.ids)
    row = _Row(look, list(look.ids), [PREFIX] * length, list(range(length)), [0] * length)
    for number, turn in enumerate(turns, start=1):
        head = framing.token_ids(framing.question_text(turn.prompt, turn.lead, blind=not turn.sees_image))
        answer = framing.token_ids(framing.answer_text(turn.answer))
        start = length
        if framing.packs and not turn.sees_image:
            head, start = framing.blind_prefix_ids + head, 0
            row.blind.add(number)
        first = len(row.ids) + len(head)
        weight = turn.weight / len(answer)
        row.answers += [(first + k - 1, token, weight, turn.kind, asked + number - 1) for k, token in enumerate(answer)]
        row.ids += head + answer
        row.segments += [number] * (len(head) + len(answer))
        row.positions += range(start, start + len(head) + len(answer))
        row.kinds += [0] * len(head) + [framing.answer_type] * len(answer)
    return row


def encode(framing: Framing, examples: Sequence[Example]) -> Batch:
    """Turns examples into one batch, padded on the right. Every example needs at least one turn."""
    rows = _rows(framing, examples)
    segments = padded([row.segments for row in rows], IGNORED)
    inputs = together([row.look for row in rows if row.look is not framing.blind_look], "cpu")
    inputs |= {name: padded([row.types(name) for row in rows], 0) for name in rows[0].look.types}
    inputs["input_ids"] = padded([row.ids for row in rows], framing.tokenizer.pad_token_id or 0)
    if framing.packs:
        blind = padded([[segment in row.blind for segment in row.segments] for row in rows], False)
        inputs["position_ids"] = padded([row.positions for row in rows], 0)
        inputs["attention_mask"] = isolating_mask(segments, blind)
    else:
        inputs["attention_mask"] = (segments != IGNORED).long()
    kind_names = tuple(sorted({turn.kind for example in examples for turn in example.turns}))
    learned = [(number, *answer) for number, row in enumerate(rows) for answer in row.answers]
    numbers, places, targets, weights, kinds, turns = zip(*learned, strict=True)
    columns = (targets, weights, [kind_names.index(kind) for kind in kinds], turns)
    where = torch.tensor(list(zip(numbers, places, strict=True)))
    return Batch(inputs, segments, where, *map(torch.tensor, columns), kind_names)


def answer_logits(model: nn.Module, batch: Batch) -> Tensor:
    """Logits (answers' tokens, vocabulary) at the answers alone: the head never runs over the rest."""
    core = base_model(model)
    inputs = arranged(core, batch.inputs, batch.segments == PREFIX)
    states = core.model(**inputs, use_cache=False).last_hidden_state
    return core.get_output_embeddings()(states[batch.places[:, 0], batch.places[:, 1]]).float()


@torch.inference_mode()
def answer_log_probabilities(model: nn.Module, batch: Batch) -> Tensor:
    """(turns,) log-probability of each turn's whole answer with its end, natural logarithm."""
    losses = nn.functional.cross_entropy(answer_logits(model, batch), batch.targets, reduction="none")
    return losses.new_zeros(int(batch.turns.max()) + 1).index_add(0, batch.turns, -losses)


def kind_losses(model: nn.Module, batch: Batch) -> dict[str, tuple[Tensor, Tensor | float]]:
    """By kind of turn: the weighted sum of its answers' cross-entropies, and the sum of the weights.

    A long answer counts as its turn's weight, not as its length. Of a part of a batch the weights are the whole one's,
    so that the parts' mean losses and their gradients add up to those of the whole.
    """
    losses = nn.functional.cross_entropy(answer_logits(model, batch), batch.targets, reduction="none") * batch.weights
    kinds = {name: batch.kinds == number for number, name in enumerate(batch.kind_names)}
    if batch.whole is None:
        return {name: (losses[chosen].sum(), batch.weights[chosen].sum()) for name, chosen in kinds.items()}
    nothing = losses.new_zeros(())
    return {name: (losses[kinds[name]].sum() if name in kinds else nothing, w) for name, w in batch.whole.items()}


def answer_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Mean cross-entropy over the batch's turns by their weights, and the mean of each kind of turn as figures."""
    parts = kind_losses(model, batch)
    total = sum(loss for loss, _ in parts.values()) / sum(weight for _, weight in parts.values())
    return total, {f"loss {name}": float((loss / weight).detach()) for name, (loss, weight) in parts.items()}


def mixed_loss(mixture: dict[str, float]) -> Callable[[nn.Module, Batch], tuple[Tensor, dict[str, float]]]:
    """A loss: the sum of the kinds' mean losses, each times its share in `mixture` (LEAML: QA + λ · caption)."""

    def loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        means = {name: total / weight for name, (total, weight) in kind_losses(model, batch).items()}
        figures = {f"loss {name}": float(value.detach()) for name, value in means.items()}
        return sum(mixture[name] * value for name, value in means.items()), figures

    return loss
