"""Several texts behind one picture, written at once: the picture is read once, and so is what stands before each text.

    texts = decode(core, [Row(look, heads)], Ways(max_tokens=24, ends=(2,)))     # one Text for each head, row by row

A row is laid out as in training (`leaml.models.packing`): a picture, and behind it the beginnings of its texts, each of
which sees the picture and itself. Every step adds one token to each text that is still being written; a text that has
ended is left out of the next step, and a picture whose texts have all ended goes with them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from leaml.models.features import together
from leaml.models.framing import Look
from leaml.models.packing import IGNORED, PREFIX, arranged, attention_masks, isolating_mask, may_see, padded

LIKELIEST = 64
"""Tokens among which the nucleus is looked for first: to sort a whole vocabulary takes longer than to run nano."""
TEXT, SEGMENT, POSITION = range(3)
"""Of the place where a text goes on: its number among all, that in its row (from 1), its next token's position."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: temperature above 0, and the share of the probability mass that is kept (nucleus sampling)."""

    temperature: float = 0.8
    top_p: float = 0.95


@dataclass(frozen=True, slots=True)
class Ways:
    """How texts are written: greedily without `sampling`, never with the tokens `never`, each up to one of `ends`.

    padding: the token that fills rows up.
    heard: is given the tokens and log-probabilities of the first text so far; where it returns False, all ends there.
    """

    max_tokens: int
    ends: Sequence[int]
    sampling: Sampling | None = None
    never: Sequence[int] = ()
    padding: int = 0
    heard: Callable[[list[int], list[float]], bool] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A picture (or what stands before a text that sees none), and the tokens with which each text behind it begins."""

    look: Look
    heads: Sequence[list[int]]


@dataclass(slots=True)
class Text:
    """What was written, its end included, and the log-probability of each token, natural logarithm."""

    tokens: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)


@torch.inference_mode()
def decode(core: PreTrainedModel, rows: Sequence[Row], ways: Ways) -> list[Text]:
    """Writes every text, row by row. Each row sees a picture, or none does.

    Raises:
        ModelError: the model cannot keep several texts in a row apart.
    """
    texts = [Text() for row in rows for _ in row.heads]
    ends = torch.tensor(ways.ends, device=core.device)
    writing = _Writing(core, rows, ways.padding)
    for step in range(ways.max_tokens):
        tokens, log_probabilities = _choose(core.get_output_embeddings()(writing.states).float(), ways)
        numbers = writing.pens[TEXT]
        for number, token, value in _together(numbers, tokens, log_probabilities):
            if number != IGNORED:
                texts[number].tokens.append(token)
                texts[number].log_probabilities.append(value)
        live = (numbers != IGNORED) & ~torch.isin(tokens, ends)
        is_wanted = ways.heard is None or ways.heard(texts[0].tokens, texts[0].log_probabilities)
        if step + 1 == ways.max_tokens or not is_wanted or not live.any():
            break
        writing.go_on(writing.without_ended(tokens, live))
    return texts


def _together(*parts: Tensor) -> Iterator[tuple]:
    return zip(*(part.flatten().tolist() for part in parts), strict=True)


class _Writing:
    """The texts of some rows while they are written.

    states: (rows, texts, width), at the newest token of each text.
    pens: (3, rows, texts), see above; a row that has fewer texts than another is filled up with `IGNORED`.
    segments, positions: (rows, tokens), of all that was read or written so far.
    shift: (rows, 1), what the family adds to the positions of texts.
    """

    def __init__(self, core: PreTrainedModel, rows: Sequence[Row], padding: int) -> None:
        self.core = core
        self.cache = DynamicCache()  # without a config: where layers look back a few tokens only, the mask says so
        ids, segments, positions, ends = zip(*map(_laid_out, rows), strict=True)
        self.segments, self.positions = padded(segments, IGNORED).to(core.device), padded(positions, 0).to(core.device)
        ends = padded(ends, 0).to(core.device)
        self.pens = self._first_pens(rows, ends)
        types = {name: [row.look.types[name] for row in rows] for name in rows[0].look.types}
        inputs = together([row.look for row in rows], core.device)
        inputs |= {name: _as_wide(kinds, self.segments) for name, kinds in types.items()}
        inputs |= {"input_ids": padded(ids, padding).to(core.device), "position_ids": self.positions}
        inputs["attention_mask"] = isolating_mask(self.segments)
        inputs = arranged(core, inputs, self.segments == PREFIX)
        first = ends[:, :1]
        counted = inputs["position_ids"] if inputs["position_ids"].dim() == 2 else inputs["position_ids"][0]
        self.shift = counted.gather(1, first) - self.positions.gather(1, first)
        states = self._run(inputs)
        self.states = states.gather(1, ends[:, :, None].expand(-1, -1, states.shape[-1]))

    def _first_pens(self, rows: Sequence[Row], ends: Tensor) -> Tensor:
        segments = padded([range(1, len(row.heads) + 1) for row in rows], IGNORED).to(self.core.device)
        there = segments != IGNORED
        numbers = (there.flatten().cumsum(0) - 1).view_as(there)
        pens = torch.stack([numbers, segments, self.positions.gather(1, ends) + 1])
        return pens.masked_fill(~there, IGNORED)

    def without_ended(self, tokens: Tensor, live: Tensor) -> Tensor:
        """The newest tokens (rows, texts) of the texts that go on; all else is forgotten, in the cache as well."""
        if torch.equal(live, self.pens[TEXT] != IGNORED):
            return tokens
        rows = live.any(1).nonzero()[:, 0]
        if len(rows) < len(live):
            self.cache.batch_select_indices(rows)
            self.segments, self.positions, self.shift = self.segments[rows], self.positions[rows], self.shift[rows]
        live = live[rows]
        columns = live.int().argsort(dim=1, descending=True, stable=True)[:, : int(live.sum(1).max())]
        pens = self.pens[:, rows].gather(2, columns.expand(3, -1, -1))
        self.pens = pens.masked_fill(~live.gather(1, columns), IGNORED)
        return tokens[rows].gather(1, columns)

    def go_on(self, tokens: Tensor) -> None:
        """One step: the newest tokens (rows, texts) are read."""
        asking, positions = self.pens[SEGMENT], self.pens[POSITION]
        self.segments = torch.cat([self.segments, asking], dim=1)
        self.positions = torch.cat([self.positions, positions], dim=1)
        sees = may_see(asking, self.segments)
        mask = attention_masks(self.core, sees, positions, self.positions)
        at = positions.clamp(min=0) + self.shift
        self.states = self._run({"input_ids": tokens, "position_ids": at, "attention_mask": mask})
        self.pens[POSITION] += 1

    def _run(self, inputs: dict) -> Tensor:
        return self.core.model(**inputs, past_key_values=self.cache, use_cache=True).last_hidden_state


def _laid_out(row: Row) -> tuple[list[int], list[int], list[int], list[int]]:
    """Tokens, segments and positions of a row, and where its heads end."""
    length = len(row.look.ids)
    ids, segments, positions, ends = list(row.look.ids), [PREFIX] * length, list(range(length)), []
    for number, head in enumerate(row.heads, start=1):
        ids += head
        segments += [number] * len(head)
        positions += range(length, length + len(head))
        ends.append(len(ids) - 1)
    return ids, segments, positions, ends


def _as_wide(kinds: Sequence[list[int]], tokens: Tensor) -> Tensor:
    """The kinds of each row's first tokens, and 0 for the others (rows, tokens)."""
    width = tokens.shape[1]
    return padded([[*row, *[0] * (width - len(row))] for row in kinds], 0).to(tokens.device)


def _choose(logits: Tensor, ways: Ways) -> tuple[Tensor, Tensor]:
    """The next tokens and their log-probabilities, both (rows, texts), from logits (rows, texts, vocabulary)."""
    if ways.never:
        logits[..., list(ways.never)] = -torch.inf
    tokens = logits.argmax(-1) if ways.sampling is None else _sample(logits, ways.sampling)
    chosen = logits.gather(-1, tokens[..., None])[..., 0]
    return tokens, chosen - logits.logsumexp(-1)


def _sample(logits: Tensor, sampling: Sampling) -> Tensor:
    """One token out of each nucleus: the fewest likeliest tokens that hold `top_p` of the mass (arXiv 1904.09751)."""
    shares = (logits.flatten(0, -2) / sampling.temperature).softmax(-1)
    likeliest, tokens = shares.topk(min(LIKELIEST, shares.shape[-1]))
    if bool((likeliest.sum(-1) < sampling.top_p).any()):
        likeliest, tokens = shares.sort(descending=True)
    before = likeliest.cumsum(-1) - likeliest
    drawn = likeliest.masked_fill(before >= sampling.top_p, 0).multinomial(1)
    return tokens.gather(1, drawn)[:, 0].view(logits.shape[:-1])
