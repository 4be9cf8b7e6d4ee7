"""Batches in which several questions share one picture, and the loss on their answers alone.

One row is one picture followed by its questions. Every question with its answer is a segment that sees the picture and
itself, never its neighbours: a 4-D attention mask isolates the segments, and each one's positions start again where the
picture ends. Gradients are those of separate samples, at a fraction of the work.

    framing = Framing(processor)
    batch = encode(framing, [Example(picture, (Turn("Is there a polyp?", "yes"), ...)), ...])
    loss, figures = answer_loss(model, batch)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from leaml.errors import DataError

IGNORED = -1
"""The segment number of padding."""
PREFIX = 0
"""The segment number of what every question of a row sees: the picture and what the chat template puts around it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt and the answer to learn. `weight` counts the whole answer; a turn may be kept from seeing the picture."""

    prompt: str
    answer: str
    weight: float = 1.0
    kind: str = "question"
    sees_image: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """One picture (opened, or where it lies) and what is said about it."""

    image: Image.Image | Path
    turns: tuple[Turn, ...]

    def picture(self) -> Image.Image:
        if isinstance(self.image, Image.Image):
            return self.image.convert("RGB")
        with Image.open(self.image) as opened:
            return opened.convert("RGB")


@dataclass(slots=True)
class Batch:
    """What a model is given, and what it should answer.

    inputs: `input_ids` and `position_ids` (rows, tokens), `attention_mask` (rows, 1, tokens, tokens), pixel tensors.
    segments: (rows, tokens), 0 for the picture, then 1, 2, … for the turns, −1 for padding.
    places: (answers' tokens, 2), row and position whose next token is predicted; targets: (answers' tokens,) token ids;
    weights: (answers' tokens,), a turn's weight spread evenly over its answer's tokens; kinds: (answers' tokens,) numbers
    into `kind_names`.
    """

    inputs: dict[str, Tensor]
    segments: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor
    kinds: Tensor
    kind_names: tuple[str, ...]

    def to(self, device: torch.device | str) -> "Batch":
        inputs = {name: value.to(device) for name, value in self.inputs.items()}
        tensors = (getattr(self, name).to(device) for name in ("segments", "places", "targets", "weights", "kinds"))
        return Batch(inputs, *tensors, self.kind_names)


class Framing:
    """What a processor's chat template puts around a picture, a question and an answer.

    Found by rendering marked texts, so that it holds for any template which puts the question behind the picture.

    Raises:
        DataError: the template puts the question before the picture.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        mark, reply = "QQQQ", "RRRR"
        user = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": mark}]}
        assistant = {"role": "assistant", "content": [{"type": "text", "text": reply}]}
        asked = processor.apply_chat_template([user], add_generation_prompt=True, tokenize=False)
        answered = processor.apply_chat_template([user, assistant], tokenize=False)
        prefix, found, after = asked.partition(mark)
        if not found or processor.image_token not in prefix:
            raise DataError(
                "This model's chat template does not put the question behind the picture.",
                "Choose another model; this layout is not supported.",
            )
        self.prefix = prefix.rstrip(" ")
        self.question_lead = prefix[len(self.prefix) :]
        self.generation_prompt = after
        between = answered.split(mark, 1)[1]
        self.answer_lead, self.answer_end = between.removeprefix(after).split(reply, 1)

    @cached_property
    def special_texts(self) -> tuple[str, ...]:
        """What would be read as a control token if it stood in a user's text."""
        added = self.tokenizer.get_added_vocab()
        return tuple(sorted(added, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text without anything that the tokenizer reads as a control token: text is data, never markup."""
        for special in self.special_texts:
            text = text.replace(special, " ")
        return " ".join(text.split())

    def question_text(self, question: str) -> str:
        return f"{self.question_lead}{self.clean(question)}{self.generation_prompt}"

    def answer_text(self, answer: str) -> str:
        return f"{self.answer_lead}{self.clean(answer)}{self.answer_end}"

    def token_ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def prefix_inputs(self, pictures: Sequence[Image.Image]) -> dict[str, Tensor]:
        """`input_ids` (rows, tokens) of the picture's prefix, and the pixel tensors that go with them."""
        inputs = self.processor(images=[[p] for p in pictures], text=[self.prefix] * len(pictures), return_tensors="pt")
        inputs.pop("attention_mask")
        return dict(inputs)

    @cached_property
    def blind_prefix_ids(self) -> list[int]:
        """The prefix of a turn that does not see the picture."""
        return self.token_ids(self.prefix.replace(self.processor.image_token, ""))


@dataclass(slots=True)
class _Row:
    """One row behind its prefix: token ids, segment numbers, positions, and what is to be predicted where."""

    ids: list[int]
    segments: list[int]
    positions: list[int]
    blind: set[int]
    answers: list[tuple[int, int, float, str]]  # place behind the prefix, target, weight, kind


def _row(framing: Framing, turns: Sequence[Turn], prefix_length: int) -> _Row:
    row = _Row([], [], [], set(), [])
    for number, turn in enumerate(turns, start=1):
        head = framing.token_ids(framing.question_text(turn.prompt))
        answer = framing.token_ids(framing.answer_text(turn.answer))
        start = prefix_length
        if not turn.sees_image:
            head, start = framing.blind_prefix_ids + head, 0
            row.blind.add(number)
        first = len(row.ids) + len(head)
        row.answers += [(first + k - 1, token, turn.weight / len(answer), turn.kind) for k, token in enumerate(answer)]
        row.ids += head + answer
        row.segments += [number] * (len(head) + len(answer))
        row.positions += range(start, start + len(head) + len(answer))
    return row


def encode(framing: Framing, examples: Sequence[Example]) -> Batch:
    """Turns examples into one batch, padded on the right. Every example needs at least one turn."""
    inputs = framing.prefix_inputs([example.picture() for example in examples])
    prefix_length = inputs["input_ids"].shape[1]
    rows = [_row(framing, example.turns, prefix_length) for example in examples]
    tokens = prefix_length + max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), tokens), framing.tokenizer.pad_token_id)
    ids[:, :prefix_length] = inputs["input_ids"]
    segments = torch.full((len(rows), tokens), IGNORED)
    segments[:, :prefix_length] = PREFIX
    positions = torch.zeros(len(rows), tokens, dtype=torch.long)
    positions[:, :prefix_length] = torch.arange(prefix_length)
    blind = torch.zeros(len(rows), tokens, dtype=torch.bool)
    kind_names = tuple(sorted({turn.kind for example in examples for turn in example.turns}))
    places, targets, weights, kinds = [], [], [], []
    for number, row in enumerate(rows):
        behind = slice(prefix_length, prefix_length + len(row.ids))
        ids[number, behind] = torch.tensor(row.ids)
        segments[number, behind] = torch.tensor(row.segments)
        positions[number, behind] = torch.tensor(row.positions)
        blind[number, behind] = torch.tensor([segment in row.blind for segment in row.segments])
        for place, target, weight, kind in row.answers:
            places.append((number, prefix_length + place))
            targets.append(target)
            weights.append(weight)
            kinds.append(kind_names.index(kind))
    inputs |= {"input_ids": ids, "position_ids": positions, "attention_mask": _mask(segments, blind)}
    return Batch(
        inputs, segments, torch.tensor(places), torch.tensor(targets), torch.tensor(weights), torch.tensor(kinds), kind_names
    )


def _mask(segments: Tensor, blind: Tensor) -> Tensor:
    """Additive attention mask (rows, 1, tokens, tokens): 0 where a token may look, the lowest number elsewhere."""
    same = segments[:, :, None] == segments[:, None, :]
    prefix = (segments[:, None, :] == PREFIX) & ~blind[:, :, None]
    causal = torch.ones(segments.shape[1], segments.shape[1], dtype=torch.bool).tril()
    allowed = (same | prefix) & causal
    return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]


def answer_logits(model: nn.Module, batch: Batch) -> Tensor:
    """Logits (answers' tokens, vocabulary) at the answers alone: the head never runs over the rest."""
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    states = core.model(**batch.inputs, use_cache=False).last_hidden_state
    return core.get_output_embeddings()(states[batch.places[:, 0], batch.places[:, 1]]).float()


def answer_loss(model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy of the answers, weighted by turn (a long caption counts as its turn's weight, not as its length).

    Returns the mean over the batch's turn weights, and the unweighted mean per kind of turn.
    """
    losses = nn.functional.cross_entropy(answer_logits(model, batch), batch.targets, reduction="none")
    figures = {}
    for number, name in enumerate(batch.kind_names):
        chosen = batch.kinds == number
        weights = batch.weights[chosen]
        figures[f"loss {name}"] = float((losses.detach()[chosen] * weights).sum() / weights.sum())
    return (losses * batch.weights).sum() / batch.weights.sum(), figures
