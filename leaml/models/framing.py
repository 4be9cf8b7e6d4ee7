"""How a model's chat template frames a picture, a question and an answer: the same in training and when answering."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from leaml.errors import DataError
from leaml.models.pictures import open_picture


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

    def question_text(self, question: str, lead: str = "") -> str:
        """The question up to where its answer starts, or goes on behind the `lead` that is given of it."""
        given = self.answer_lead + self.clean(lead) if lead else ""
        return f"{self.question_lead}{self.clean(question)}{self.generation_prompt}{given}"

    def answer_text(self, answer: str) -> str:
        return f"{self.answer_lead}{self.clean(answer)}{self.answer_end}"

    def token_ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def prefix_inputs(self, pictures: Sequence[Image.Image]) -> dict[str, Tensor]:
        """`input_ids` (rows, tokens) of the picture's prefix, and the pixel tensors that go with them."""
        # As `apply_chat_template` does: a template that writes the first token itself must not get it twice.
        first = self.tokenizer.bos_token
        adds = not (first and self.prefix.startswith(first))
        texts = [self.prefix] * len(pictures)
        inputs = self.processor(
            images=[[picture] for picture in pictures], text=texts, add_special_tokens=adds, return_tensors="pt"
        )
        inputs.pop("attention_mask")
        return dict(inputs)

    def picture_inputs(self, images: Sequence[Image.Image | Path]) -> dict[str, Any]:
        """What a model gets of pictures, opened or where they lie, before anything is asked.

        Raises:
            DataError: a picture cannot be read.
        """
        return self.prefix_inputs([open_picture(image) for image in images])

    @cached_property
    def blind_prefix_ids(self) -> list[int]:
        """The prefix of a turn that does not see the picture."""
        return self.token_ids(self.prefix.replace(self.processor.image_token, ""))
