"""How likely a model holds given answers: several questions, and several answers to each, in one pass per picture.

    asked = [Candidates(picture, "Is there a polyp?", ("yes", "no"))]
    log_probabilities(model, framing, asked)[0][1].mean      # of "no", per token
    choice_probabilities(model, framing, asked)              # [{"yes": 0.8, "no": 0.2}]

One row is a tree: a picture's prefix, which every question sees; each question, which its answers see; and the answers,
which see the prefix, their question and themselves. Positions go on from what a token sees, so likelihoods are those of
separate passes, and k answers cost their own tokens alone.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from leaml.models.features import identity
from leaml.models.framing import Framing
from leaml.models.structure import base_model

PREFIX, PADDING = 0, -1
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
    places: dict[Hashable, list[int]] = {}
    for place, candidates in enumerate(asked):
        places.setdefault(candidates.image and identity(candidates.image), []).append(place)
    rows = sorted(places.values(), key=lambda numbers: asked[numbers[0]].image is None)
    found: list[list[Likelihood]] = [[] for _ in asked]
    for start in range(0, len(rows), pictures_at_once):
        part = rows[start : start + pictures_at_once]
        for blind in (False, True):
            together = [numbers for numbers in part if (asked[numbers[0]].image is None) == blind]
            if together:
                _score(model, framing, asked, together, found)
    return found


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


# ---- one row, and several of them ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Row:
    """What stands behind a picture's prefix. `questions` and `parts` say for each token where in the tree it stands."""

    ids: list[int] = field(default_factory=list)
    questions: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    targets: list[tuple[int, int, int]] = field(default_factory=list)
    """(place whose next token is predicted, that token, number of the answer in the row)."""

    def add(self, question: int, part: int, ids: Sequence[int], first: int) -> None:
        self.ids += ids
        self.questions += [question] * len(ids)
        self.parts += [part] * len(ids)
        self.positions += range(first, first + len(ids))


def _row(framing: Framing, several: Sequence[Candidates], prefix_length: int) -> _Row:
    row, answers = _Row(), 0
    for number, candidates in enumerate(several, start=1):
        head = framing.token_ids(framing.question_text(candidates.question))
        row.add(number, HEAD, head, prefix_length)
        asks = len(row.ids) - 1
        for part, text in enumerate(candidates.answers, start=1):
            answer = framing.token_ids(framing.answer_text(text))
            first = len(row.ids)
            # An answer's last token predicts nothing, so it need not be read.
            row.add(number, part, answer[:-1], prefix_length + len(head))
            before = [asks, *range(first, len(row.ids))]
            row.targets += [(place, token, answers) for place, token in zip(before, answer, strict=True)]
            answers += 1
    return row


def _score(
    model: nn.Module,
    framing: Framing,
    asked: Sequence[Candidates],
    rows: Sequence[Sequence[int]],
    found: list[list[Likelihood]],
) -> None:
    """Fills in what is found for these rows: numbers into `asked`, one row for each picture."""
    images = [asked[numbers[0]].image for numbers in rows]
    blind = images[0] is None
    inputs = {"input_ids": _blind_prefix(framing, len(rows))} if blind else framing.picture_inputs(images)
    prefix = inputs["input_ids"]
    trees = [_row(framing, [asked[number] for number in numbers], prefix.shape[1]) for numbers in rows]
    core = base_model(model)
    inputs |= _packed(prefix, trees, framing.tokenizer.pad_token_id or 0, core.dtype)
    inputs = {name: value.to(core.device) for name, value in inputs.items()}
    states = core.model(**inputs, use_cache=False).last_hidden_state
    for numbers, tree, state in zip(rows, trees, states, strict=True):
        places, tokens, answers = torch.tensor(tree.targets, device=core.device).T
        logits = core.get_output_embeddings()(state[prefix.shape[1] + places]).float()
        values = -nn.functional.cross_entropy(logits, tokens, reduction="none")
        totals = values.new_zeros(int(answers.max()) + 1).index_add(0, answers, values).tolist()
        likelihoods = map(Likelihood, totals, answers.bincount().tolist())
        for number in numbers:
            found[number] = [next(likelihoods) for _ in asked[number].answers]


def _blind_prefix(framing: Framing, rows: int) -> Tensor:
    return torch.tensor([framing.blind_prefix_ids] * rows)


def _packed(prefix: Tensor, trees: Sequence[_Row], padding: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """`input_ids`, `position_ids` (rows, tokens), `attention_mask` (rows, 1, tokens, tokens); padding on the right."""
    longest = max(len(tree.ids) for tree in trees)

    def column(name: str, of_prefix: Sequence[int], fill: int) -> Tensor:
        values = [getattr(tree, name) for tree in trees]
        return torch.tensor([[*of_prefix, *row, *[fill] * (longest - len(row))] for row in values])

    length = prefix.shape[1]
    ids = torch.cat([prefix, column("ids", [], padding)], dim=1)
    positions = column("positions", range(length), 0)
    questions, parts = column("questions", [PREFIX] * length, PADDING), column("parts", [HEAD] * length, HEAD)
    return {"input_ids": ids, "position_ids": positions, "attention_mask": _mask(questions, parts, dtype)}


def _mask(questions: Tensor, parts: Tensor, dtype: torch.dtype) -> Tensor:
    """Additive attention mask: 0 where a token may look, the lowest number elsewhere.

    Args:
        questions: (rows, tokens) number of the question, `PREFIX` for what all see, `PADDING`.
        parts: (rows, tokens) `HEAD` for the question itself, else the number of the answer.
    """
    here, there = questions[:, :, None], questions[:, None, :]
    own = (parts[:, None, :] == HEAD) | (parts[:, :, None] == parts[:, None, :])
    causal = torch.ones(questions.shape[1], questions.shape[1], dtype=torch.bool).tril()
    allowed = ((there == PREFIX) | ((here == there) & own)) & causal
    return torch.zeros(allowed.shape, dtype=dtype).masked_fill(~allowed, torch.finfo(dtype).min)[:, None]
