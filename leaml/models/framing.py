"""How a model's chat template frames a picture, a question and an answer: the same in training and when answering.

    framing = Framing(processor)
    look = framing.look([picture])[0]                       # tokens up to the question, and the picture's tensors
    framing.token_ids(framing.question_text("Is there a polyp?"))
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from leaml.errors import DataError
from leaml.models.pictures import open_picture

TOKEN_TYPES = ("token_type_ids", "mm_token_type_ids")
"""What processors call the kinds of tokens; every family that is told them has one of the two."""


@dataclass(frozen=True, slots=True)
class Look:
    """One picture as a model gets it: the tokens up to where its question starts, and its inputs or its features.

    features: (image tokens, width), or (crops, image tokens, width) where the model has them as one tensor.
    types: by name, the kind of each token; empty where the family is not told. A question's tokens are of kind 0.
    """

    ids: list[int]
    inputs: dict[str, Tensor]
    features: Tensor | None = None
    types: dict[str, list[int]] = field(default_factory=dict)


class Framing:
    """What a processor's chat template puts around a picture, a question and an answer.

    Found by rendering marked texts, so that it holds for any template which puts the question behind the picture.
    PaliGemma has none: its text is the question and a new line, and its answers end with the end token.

    packs: whether several questions may share a row; `packing_reason` says why.
    answer_type: the kind of an answer's tokens, for families that are told them.

    Raises:
        DataError: there is no template, or it puts the question before the picture.
    """

    packs, packing_reason = True, ""
    answer_type = 0

    def __init__(self, processor: Any) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        if type(processor).__name__ == "PaliGemmaProcessor":
            self._read_both_ways()
        else:
            self._render()
        self.answer_end = self._until_the_end(self.answer_end)

    def _read_both_ways(self) -> None:
        self.prefix, self.blind_prefix = self.processor.image_token, self.tokenizer.bos_token
        self.question_lead, self.blind_lead, self.generation_prompt = "", "", "\n"
        self.answer_lead, self.answer_end = "", self.tokenizer.eos_token
        self.answer_type = 1
        self.packs = False
        self.packing_reason = "one question per row: this family reads a picture together with its question"

    def _render(self) -> None:
        if not getattr(self.processor, "chat_template", None):
            raise DataError("This model has no chat template.", "Choose a model that was made to follow instructions.")
        mark, reply = "QQQQ", "RRRR"
        asks, seen = {"type": "text", "text": mark}, [{"type": "image"}]
        assistant = {"role": "assistant", "content": [{"type": "text", "text": reply}]}
        asked, blind = (self._asked([*shown, asks]) for shown in (seen, []))
        answered = self.processor.apply_chat_template(
            [{"role": "user", "content": [*seen, asks]}, assistant], tokenize=False
        )
        prefix, found, after = asked.partition(mark)
        if not found or self.processor.image_token not in prefix:
            raise DataError(
                "This model's chat template does not put the question behind the picture.",
                "Choose another model; this layout is not supported.",
            )
        self.prefix, self.question_lead = _without_spaces(prefix)
        self.blind_prefix, self.blind_lead = _without_spaces(blind.partition(mark)[0])
        self.generation_prompt = after
        between = answered.split(mark, 1)[1]
        self.answer_lead, self.answer_end = between.removeprefix(after).split(reply, 1)

    def _asked(self, content: list[dict[str, str]]) -> str:
        user = {"role": "user", "content": content}
        return self.processor.apply_chat_template([user], add_generation_prompt=True, tokenize=False)

    def _until_the_end(self, text: str) -> str:
        """The text up to its first control token: nothing behind it is ever written, so nothing is to be learned."""
        places = [(text.find(token), len(token)) for token in self.special_texts if token in text]
        start, length = min(places, default=(len(text), 0))
        return text[: start + length]

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

    def question_text(self, question: str, lead: str = "", blind: bool = False) -> str:
        """The question up to where its answer starts, or goes on behind the `lead` that is given of it.

        blind: it stands behind no picture.
        """
        given = self.answer_lead + self.clean(lead) if lead else ""
        before = self.blind_lead if blind else self.question_lead
        return f"{before}{self.clean(question)}{self.generation_prompt}{given}"

    def answer_text(self, answer: str) -> str:
        return f"{self.answer_lead}{self.clean(answer)}{self.answer_end}"

    def token_ids(self, text: str) -> list[int]:
        """The tokens of a text that stands behind another one."""
        skipped = self._before
        return self._plain_ids("\n" + text)[skipped:] if skipped else self._plain_ids(text)

    def _plain_ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    @cached_property
    def _before(self) -> int:
        """Tokens of a new line, for tokenizers that put a space before each text and so read one as the first."""
        line, alone, behind = map(self._plain_ids, ("\n", "a", "\na"))
        return 0 if behind == line + alone else len(line)

    def prefix_inputs(self, pictures: Sequence[Image.Image]) -> dict[str, Tensor]:
        """`input_ids` (rows, tokens) of the picture's prefix, and the tensors that go with them.

        The pictures must be of one size, so that they have the same number of tokens.
        """
        # As `apply_chat_template` does: a template that writes the first token itself must not get it twice.
        first = self.tokenizer.bos_token
        adds = not (first and self.prefix.startswith(first)) and self.packs
        texts = [self.prefix] * len(pictures)
        inputs = dict(
            self.processor(
                images=[[picture] for picture in pictures], text=texts, add_special_tokens=adds, return_tensors="pt"
            )
        )
        for name in ("attention_mask", "labels"):
            inputs.pop(name, None)
        if self.answer_type:  # the processor has ended the question that was not there
            end = inputs["input_ids"].shape[1] - len(self.token_ids(self.generation_prompt))
            inputs |= {name: inputs[name][:, :end] for name in ("input_ids", "token_type_ids")}
        return inputs

    def look(self, images: Sequence[Image.Image | Path]) -> list[Look]:
        """Each picture, opened or where it lies, as the model gets it before anything is asked.

        Raises:
            DataError: a picture cannot be read.
        """
        pictures = [open_picture(image) for image in images]
        by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, picture in enumerate(pictures):
            by_size[picture.size].append(number)
        found: dict[int, Look] = {}
        for numbers in by_size.values():
            inputs = self.prefix_inputs([pictures[number] for number in numbers])
            parts = {name: value.chunk(len(numbers)) for name, value in inputs.items()}
            for place, number in enumerate(numbers):
                found[number] = _as_look({name: chunks[place] for name, chunks in parts.items()})
        return [found[number] for number in range(len(pictures))]

    @cached_property
    def blind_prefix_ids(self) -> list[int]:
        """The prefix of a turn that does not see the picture."""
        return self._plain_ids(self.blind_prefix)

    @cached_property
    def blind_look(self) -> Look:
        """What a model gets that is asked without a picture."""
        types = {"token_type_ids": [0] * len(self.blind_prefix_ids)} if self.answer_type else {}
        return Look(self.blind_prefix_ids, {}, None, types)


def _without_spaces(text: str) -> tuple[str, str]:
    """A text without the spaces at its end, and these: they belong to the first token of what comes behind."""
    bare = text.rstrip(" ")
    return bare, text[len(bare) :]


def _as_look(inputs: dict[str, Tensor]) -> Look:
    """One picture's part of what a processor made."""
    ids = inputs.pop("input_ids")[0].tolist()
    types = {name: inputs.pop(name)[0].tolist() for name in TOKEN_TYPES if name in inputs}
    return Look(ids, inputs, None, types)
