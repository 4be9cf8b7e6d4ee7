"""How likely a model holds given answers: several questions, and several answers to each, in one pass per picture.

    asked = [Candidates(picture, "Is there a polyp?", ("yes", "no"))]
    log_probabilities(model, framing, asked)[0][1].mean      # of "no", per token
    choice_probabilities(model, framing, asked)              # [{"yes": 0.8, "no": 0.2}]

One row is a tree: a picture's prefix, which every question sees; each question, which its answers see; and the answers,
which see the prefix, their question and themselves. Positions go on from what a token sees, so likelihoods are those of
separate passes, and k answers cost their own tokens alone. Families that cannot keep texts apart get a row for each.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from leaml.models.features import identity, seeing, together
from leaml.models.framing import Framing, Look
from leaml.models.packing import IGNORED, PREFIX, arranged, padded
from leaml.models.structure import base_model

HEAD = 0
"""The number of the question itself among what belongs to a question; its answers have 1, 2, …"""
PICTURES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question on a picture (None: asked without one), and answers that may be given to it."""

    image: Image.Image | Path | None
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Of one whole answer, natural logarithm. `tokens` counts its end."""

    total: float
    tokens: int

    @property
    def mean(self) -> float:
        """Per token: what answers of different length are compared by."""
        return self.total / self.tokens


@torch.inference_mode()
def log_probabilities(
    model: nn.Module, framing: Framing, asked: Sequence[Candidates], pictures_at_once: int = PICTURES_AT_ONCE
) -> list[list[Likelihood]]:
    """The likelihood of every answer, in order. The model is put into evaluation mode.

    Raises:
        DataError: a picture cannot be read.
    """
    model.eval()
    framing = seeing(model, framing)
    places: dict[Hashable, list[int]] = {}
    for place, candidates in enumerate(asked):
        places.setdefault(candidates.image and identity(candidates.image), []).append(place)
    blind, pictures = places.pop(None, []), list(places.values())
    parts = [pictures[start : start + pictures_at_once] for start in range(0, len(pictures), pictures_at_once)]
    found: dict[int, list[Likelihood]] = {}
    for part in [*parts, *([[blind]] if blind else [])]:
        images = [asked[numbers[0]].image for numbers in part]
        looks = [framing.blind_look] if images == [None] else framing.look(images)
        rows = _rows(framing, looks, [[asked[number] for number in numbers] for numbers in part])
        at_once = [rows[start : start + pictures_at_once] for start in range(0, len(rows), pictures_at_once)]
        likelihoods = (likelihood for some in at_once for likelihood in _score(model, framing, some))
        for number in (number for numbers in part for number in numbers):
            found[number] = [next(likelihoods) for _ in asked[number].answers]
    return [found[place] for place in range(len(asked))]


def choice_probabilities(
    model: nn.Module, framing: Framing, asked: Sequence[Candidates], pictures_at_once: int = PICTURES_AT_ONCE
) -> list[dict[str, float]]:
    """Of each question, its answers' probabilities among themselves, by the likelihood of the whole answer.

    Raises:
        DataError: a picture cannot be read.
    """
    found = log_probabilities(model, framing, asked, pictures_at_once)
    return [
        dict(zip(candidates.answers, shares([one.total for one in likelihoods]), strict=True))
        for candidates, likelihoods in zip(asked, found, strict=True)
    ]


def shares(log_probabilities: Sequence[float]) -> list[float]:
    """Probabilities that sum to 1, in the ratio of these likelihoods."""
    return torch.tensor(log_probabilities, dtype=torch.float64).softmax(0).tolist()


# ---- rows --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Row:
    """One row. `questions` and `parts` say for each token where in the tree it stands, `kinds` what the family is told.

    `targets`: place whose next token is predicted, that token, number of the answer in the row.
    """

    look: Look
    ids: list[int]
    questions: list[int]
    parts: list[int]
    positions: list[int]
    kinds: list[int]
    targets: list[tuple[int, int, int]] = field(default_factory=list)

    def add(self, question: int, part: int, ids: Sequence[int], first: int, kind: int) -> None:
        self.ids += ids
        self.questions += [question] * len(ids)
        self.parts += [part] * len(ids)
        self.positions += range(first, first + len(ids))
        self.kinds += [kind] * len(ids)

    def types(self, name: str) -> list[int]:
        return self.look.types[name] + self.kinds[len(self.look.ids) :]


def _rows(framing: Framing, looks: Sequence[Look], several: Sequence[Sequence[Candidates]]) -> list[_Row]:
    """One for each picture, or one for each answer."""
    if framing.packs:
        return [_row(framing, look, candidates) for look, candidates in zip(looks, several, strict=True)]
    return [
        _row(framing, look, [Candidates(one.image, one.question, (answer,))])
        for look, candidates in zip(looks, several, strict=True)
        for one in candidates
        for answer in one.answers
    ]


def _row(framing: Framing, look: Look, several: Sequence[Candidates]) -> _Row:
    length, answers = len(look.ids), 0
    row = _Row(look, list(look.ids), [PREFIX] * length, [HEAD] * length, list(range(length)), [0] * length)
    for number, candidates in enumerate(several, start=1):
        head = framing.token_ids(framing.question_text(candidates.question, blind=candidates.image is None))
        row.add(number, HEAD, head, length, 0)
        asks = len(row.ids) - 1
        for part, text in enumerate(candidates.answers, start=1):
            answer = framing.token_ids(framing.answer_text(text))
            first = len(row.ids)
            # An answer's last token predicts nothing, so it need not be read.
            row.add(number, part, answer[:-1], length + len(head), framing.answer_type)
            before = [asks, *range(first, len(row.ids))]
            row.targets += [(place, token, answers) for place, token in zip(before, answer, strict=True)]
            answers += 1
    return row


def _score(model: nn.Module, framing: Framing, rows: Sequence[_Row]) -> list[Likelihood]:
    """The likelihood of every answer, row by row."""
    core = base_model(model)
    inputs, prefix = _inputs(framing, rows, core.dtype)
    inputs = {name: value.to(core.device) for name, value in inputs.items()}
    states = core.model(**arranged(core, inputs, prefix.to(core.device)), use_cache=False).last_hidden_state
    found: list[Likelihood] = []
    for row, state in zip(rows, states, strict=True):
        places, tokens, answers = torch.tensor(row.targets, device=core.device).T
        logits = core.get_output_embeddings()(state[places]).float()
        values = -nn.functional.cross_entropy(logits, tokens, reduction="none")
        totals = values.new_zeros(int(answers.max()) + 1).index_add(0, answers, values).tolist()
        found += map(Likelihood, totals, answers.bincount().tolist())
    return found


def _inputs(framing: Framing, rows: Sequence[_Row], dtype: torch.dtype) -> tuple[dict[str, Any], Tensor]:
    """What `arranged` takes, and which tokens (rows, tokens) belong to a prefix; padded on the right."""
    questions, parts = padded([row.questions for row in rows], IGNORED), padded([row.parts for row in rows], HEAD)
    seeing_rows = [row.look for row in rows if row.look is not framing.blind_look]
    inputs: dict[str, Any] = together(seeing_rows, "cpu") if seeing_rows else {}
    inputs |= {name: padded([row.types(name) for row in rows], 0) for name in rows[0].look.types}
    inputs["input_ids"] = padded([row.ids for row in rows], framing.tokenizer.pad_token_id or 0)
    if framing.packs:
        inputs["position_ids"] = padded([row.positions for row in rows], 0)
        inputs["attention_mask"] = _mask(questions, parts, dtype)
    else:
        inputs["attention_mask"] = (questions != IGNORED).long()
    return inputs, questions == PREFIX


def _mask(questions: Tensor, parts: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive attention mask (rows, 1, tokens, tokens): 0 where a token may look, the lowest number elsewhere.

    Args:
        questions: (rows, tokens) number of the question, `PREFIX` for what all see, `IGNORED`.
        parts: (rows, tokens) `HEAD` for the question itself, else the number of the answer.
    """
    here, there = questions[:, :, None], questions[:, None, :]
    own = (parts[:, None, :] == HEAD) | (parts[:, :, None] == parts[:, None, :])
    causal = torch.ones(questions.shape[1], questions.shape[1], dtype=torch.bool).tril()
    allowed = ((there == PREFIX) | ((here == there) & own)) & causal
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)[:, None]
